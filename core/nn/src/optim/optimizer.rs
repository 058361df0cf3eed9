//! The optimiser: configuration, moments and the walk over the pieces.

use std::ops::Range;

use pulp::Arch;
use scant_abi::{Clock, Error, ParameterInfo, Parameters, Result, State, Tensor};

use crate::kernels::threads::{self, PIECE};
use crate::train::part;

use super::update::{self, Clip, Descent, Moments, Pull};
use super::{OptimizerConfig, Rule};

/// Follows the gradients of one flat parameter buffer.
///
/// It has to be told the buffer's layout before its first step; freeze parts before that.
pub struct Optimizer {
    config: OptimizerConfig,
    pieces: Vec<Piece>,
    first: Vec<f32>,
    second: Vec<f32>,
    steps: i64,
}

struct Piece {
    range: Range<usize>,
    decays: bool,
}

impl Optimizer {
    /// An optimiser that has made no step yet.
    pub fn new(config: OptimizerConfig) -> Result<Self> {
        config.check()?;
        Ok(Self { config, pieces: Vec::new(), first: Vec::new(), second: Vec::new(), steps: 0 })
    }

    /// The learning rate at this time.
    pub fn lr(&self, clock: &Clock) -> f64 {
        self.config.lr.at(clock)
    }

    /// Whether [`Optimizer::lay_out`] is still to be called: the optimiser is new, or its state was loaded.
    pub fn lacks_layout(&self) -> bool {
        self.pieces.is_empty()
    }

    /// Says which parameters the flat buffer holds, and which of them decay.
    pub fn lay_out(&mut self, layout: &[ParameterInfo]) -> Result<()> {
        self.pieces = self.cut(layout)?;
        let len = self.known();
        let velocities = self.config.rule != Rule::Sgd || self.config.momentum.unwrap_or(0.0) > 0.0;
        for (moments, needed) in
            [(&mut self.first, velocities), (&mut self.second, self.config.rule != Rule::Sgd)]
        {
            let len = if needed { len } else { 0 };
            if moments.is_empty() {
                moments.resize(len, 0.0);
            } else if moments.len() != len {
                return Err(Error::shape(format!(
                    "the optimiser's state is for {} parameters, the model has {len}",
                    moments.len()
                )));
            }
        }
        Ok(())
    }

    fn known(&self) -> usize {
        self.pieces.last().map_or(0, |piece| piece.range.end)
    }

    /// Forgets in which direction the parameters of this range were moving: they have been drawn anew.
    pub fn forget(&mut self, range: Range<usize>) {
        // How large gradients are is still the best guess at how large they will be.
        if let Some(velocities) = self.first.get_mut(range) {
            velocities.fill(0.0);
        }
    }

    /// One step along the gradients, which are zero afterwards; returns their norm before clipping.
    pub fn step(&mut self, clock: &Clock, parameters: Parameters<'_>) -> Result<f64> {
        let values = parameters.values.cpu()?;
        let gradients = parameters.gradients.cpu()?;
        if values.len() != gradients.len() {
            return Err(Error::shape(format!(
                "{} parameters have {} gradients",
                values.len(),
                gradients.len()
            )));
        }
        if values.len() != self.known() {
            return Err(Error::shape(format!(
                "the optimiser knows {} parameters, not {}",
                self.known(),
                values.len()
            )));
        }
        let norm = norm(gradients);
        if !norm.is_finite() {
            return Err(Error::new(
                scant_abi::ErrorKind::Numeric,
                "the gradients are not finite; lower the learning rate or set optimizer.clip_norm",
            ));
        }
        self.steps += 1;
        let clip = Clip {
            scale: self.config.clip_norm.map_or(1.0, |limit| (limit / norm.max(f64::MIN_POSITIVE)).min(1.0))
                as f32,
            limit: self.config.clip_value.map_or(f32::INFINITY, |limit| limit as f32),
        };
        let lr = self.lr(clock);
        match self.config.rule {
            Rule::Sgd => self.descend(lr, clip, values, gradients),
            Rule::Adam => self.follow_moments(lr, clip, false, values, gradients),
            Rule::AdamW => self.follow_moments(lr, clip, true, values, gradients),
        }
        Ok(norm)
    }

    fn descend(&mut self, lr: f64, clip: Clip, values: &mut [f32], gradients: &mut [f32]) {
        let momentum = self.config.momentum.unwrap_or(0.0) as f32;
        let step = Descent { lr: lr as f32, momentum, nesterov: self.config.nesterov.unwrap_or(false) };
        let pull = Pull { decay: self.config.weight_decay as f32, l1: self.config.l1 as f32 };
        let (arch, len) = (Arch::new(), values.len());
        let work: Vec<_> = {
            let mut values = Cut(values);
            let mut gradients = Cut(gradients);
            let mut velocities = Cut(&mut self.first);
            self.pieces
                .iter()
                .map(|piece| (piece, values.next(piece), gradients.next(piece), velocities.next(piece)))
                .collect()
        };
        threads::all(work, len, |(piece, p, g, v)| {
            let pull = if piece.decays { pull } else { Pull::default() };
            arch.dispatch(
                #[inline(always)]
                || update::sgd(step, clip, pull, p, g, v),
            );
        });
    }

    fn follow_moments(
        &mut self,
        lr: f64,
        clip: Clip,
        decoupled: bool,
        values: &mut [f32],
        gradients: &mut [f32],
    ) {
        let [beta1, beta2] = self.config.betas.unwrap_or([0.9, 0.999]);
        let made = |beta: f64| 1.0 - beta.powf(self.steps as f64);
        let (decay, l1) = (self.config.weight_decay, self.config.l1 as f32);
        let step = Moments {
            lr: (lr / made(beta1)) as f32,
            beta1: beta1 as f32,
            beta2: beta2 as f32,
            scale: (1.0 / made(beta2).sqrt()) as f32,
            eps: self.config.eps.unwrap_or(1e-8) as f32,
            shrink: 1.0,
        };
        let shrink = (1.0 - lr * decay) as f32;
        let (arch, len) = (Arch::new(), values.len());
        let work: Vec<_> = {
            let mut values = Cut(values);
            let mut gradients = Cut(gradients);
            let mut first = Cut(&mut self.first);
            let mut second = Cut(&mut self.second);
            self.pieces
                .iter()
                .map(|piece| {
                    (piece, values.next(piece), gradients.next(piece), first.next(piece), second.next(piece))
                })
                .collect()
        };
        threads::all(work, len, |(piece, p, g, m, v)| {
            let (decay, shrink) = if decoupled { (0.0, shrink) } else { (decay as f32, 1.0) };
            let (pull, shrink) =
                if piece.decays { (Pull { decay, l1 }, shrink) } else { (Pull::default(), 1.0) };
            arch.dispatch(
                #[inline(always)]
                || update::adam(Moments { shrink, ..step }, clip, pull, p, g, m, v),
            );
        });
    }

    fn cut(&self, layout: &[ParameterInfo]) -> Result<Vec<Piece>> {
        for part in &self.config.decay_parts {
            if !layout.iter().any(|info| info.part() == part) {
                return Err(Error::config(format!("optimizer.decay_parts: the model has no part '{part}'")));
            }
        }
        let chosen = |info: &ParameterInfo| {
            info.decays
                && (self.config.decay_parts.is_empty()
                    || self.config.decay_parts.iter().any(|p| p == info.part()))
        };
        let mut runs: Vec<Piece> = Vec::new();
        for info in layout {
            let (range, decays) = (info.range(), chosen(info));
            match runs.last_mut() {
                Some(last) if last.range.end == range.start && last.decays == decays => {
                    last.range.end = range.end
                }
                last if last.as_ref().map_or(0, |l| l.range.end) == range.start => {
                    runs.push(Piece { range, decays });
                }
                _ => {
                    return Err(Error::shape(format!(
                        "parameter '{}' leaves a gap in the layout",
                        info.name
                    )));
                }
            }
        }
        let pieces = runs.iter().flat_map(|run| {
            run.range
                .clone()
                .step_by(PIECE)
                .map(|start| Piece { range: start..(start + PIECE).min(run.range.end), decays: run.decays })
        });
        Ok(pieces.collect())
    }

    /// Moments and the number of steps, under names that start with `prefix`.
    pub fn state(&self, prefix: &str) -> Result<State> {
        let mut state = State::new();
        state.insert(format!("{prefix}.steps"), Tensor::from_i64(vec![self.steps], &[1])?);
        for (name, moments) in [("first", &self.first), ("second", &self.second)] {
            if !moments.is_empty() {
                state
                    .insert(format!("{prefix}.{name}"), Tensor::from_f32(moments.clone(), &[moments.len()])?);
            }
        }
        Ok(state)
    }

    /// Goes on where [`Optimizer::state`] was taken with the same `prefix`; other names in `state` are left alone.
    pub fn load_state(&mut self, prefix: &str, state: &State) -> Result<()> {
        let steps = part(state, &format!("{prefix}.steps"))?.i64()?;
        self.steps = *steps.first().ok_or_else(|| Error::data(format!("'{prefix}.steps' is empty")))?;
        for (name, moments) in [("first", &mut self.first), ("second", &mut self.second)] {
            *moments = match state.get(&format!("{prefix}.{name}")) {
                Some(tensor) => tensor.f32()?.to_vec(),
                None => Vec::new(),
            };
        }
        self.pieces.clear();
        Ok(())
    }
}

/// Hands out the pieces of one buffer in order; an empty buffer gives empty pieces.
struct Cut<'a>(&'a mut [f32]);

impl<'a> Cut<'a> {
    fn next(&mut self, piece: &Piece) -> &'a mut [f32] {
        let buffer = std::mem::take(&mut self.0);
        let len = piece.range.len().min(buffer.len());
        let (head, tail) = buffer.split_at_mut(len);
        self.0 = tail;
        head
    }
}

/// The Euclidean norm; partial sums are added in the buffer's order whatever the number of threads.
fn norm(values: &[f32]) -> f64 {
    let arch = Arch::new();
    let of_piece = |piece: &[f32]| {
        arch.dispatch(
            #[inline(always)]
            || {
                let mut sums = [0.0f64; 8];
                let (blocks, rest) = piece.as_chunks::<8>();
                for block in blocks {
                    for (sum, x) in sums.iter_mut().zip(block) {
                        *sum += f64::from(*x) * f64::from(*x);
                    }
                }
                sums.iter().sum::<f64>() + rest.iter().map(|x| f64::from(*x) * f64::from(*x)).sum::<f64>()
            },
        )
    };
    threads::sum(values.len(), |range| of_piece(&values[range])).sqrt()
}
