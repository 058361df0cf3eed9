//! Running a plan: which nodes, on which tape, in which mode.

use dfdx::prelude::*;
use scant_abi::{Error, Forward, Key, Result};

use super::device::NetworkDevice;
use super::plan::{Node, Op, Plan};
use crate::ops::{self, Images, NormMode, Rows, Wanted};
use crate::parameters::{FlatBuffer, Parameters, RunningStatistics};

/// What flows between nodes: images, or rows of features.
#[derive(Clone, Debug)]
pub(super) enum Value<D: NetworkDevice> {
    Images(Images<D>),
    Rows(Rows<D>),
}

/// Applies a function of a tensor of any shape to whichever the value is, keeping its kind.
macro_rules! either {
    ($value:expr, $tape:expr, $x:ident => $result:expr) => {
        match $value {
            Value::Images(x) => {
                let $x = x.put_tape($tape);
                let (y, tape) = $result.split_tape();
                (Value::Images(y), tape)
            }
            Value::Rows(x) => {
                let $x = x.put_tape($tape);
                let (y, tape) = $result.split_tape();
                (Value::Rows(y), tape)
            }
        }
    };
}

impl<D: NetworkDevice> Value<D> {
    fn images(self) -> Result<Images<D>> {
        match self {
            Self::Images(x) => Ok(x),
            Self::Rows(x) => Err(Error::shape(format!("images are needed, not rows of {:?}", x.shape()))),
        }
    }

    fn rows(self) -> Result<Rows<D>> {
        match self {
            Self::Rows(x) => Ok(x),
            Self::Images(x) => Err(Error::shape(format!("rows are needed, not images of {:?}", x.shape()))),
        }
    }

    pub(super) fn to_tensor(&self) -> Result<scant_abi::Tensor> {
        match self {
            Self::Images(x) => D::bring_out(x),
            Self::Rows(x) => D::bring_out(x),
        }
    }

    pub(super) fn dims(&self) -> Vec<usize> {
        match self {
            Self::Images(x) => x.shape().concrete().into(),
            Self::Rows(x) => x.shape().concrete().into(),
        }
    }

    /// Lets `weight` times `values` be added to this value's gradient, from place `start` on, when the tape runs back.
    pub(super) fn seed(&self, tape: &mut OwnedTape<f32, D>, start: usize, weight: f32, values: Vec<f32>) {
        match self {
            Self::Images(x) => seed(x, tape, start, weight, values),
            Self::Rows(x) => seed(x, tape, start, weight, values),
        }
    }

    fn private(self) -> Self {
        match self {
            Self::Images(x) => Self::Images(ops::private(x)),
            Self::Rows(x) => Self::Rows(ops::private(x)),
        }
    }
}

fn seed<D: NetworkDevice, S: Shape>(
    x: &Tensor<S, f32, D>,
    tape: &mut OwnedTape<f32, D>,
    start: usize,
    weight: f32,
    values: Vec<f32>,
) {
    let ghost = x.ghost();
    tape.add_backward_op(move |gradients| {
        D::add_to(gradients.get_or_alloc_mut(&ghost)?, start, weight, &values)
    });
}

/// What a run needs besides the plan.
pub(super) struct Runner<'a, D: NetworkDevice> {
    pub(super) plan: &'a Plan,
    pub(super) device: &'a D,
    pub(super) parameters: &'a Parameters<D>,
    pub(super) statistics: &'a FlatBuffer<D>,
    /// By part.
    pub(super) frozen: &'a [bool],
    pub(super) options: &'a Forward<'a>,
}

/// What a run gives: the wanted outputs' values in the plan's order, and the tape if anything can be learnt from it.
pub(super) type Outcome<D> = (Vec<(String, Value<D>)>, Option<OwnedTape<f32, D>>);

impl<D: NetworkDevice> Runner<'_, D> {
    pub(super) fn run(&self, input: Images<D>) -> Result<Outcome<D>> {
        let plan = self.plan;
        let wanted = self.wanted_outputs()?;
        let mut readers = vec![0usize; plan.flows.len()];
        for (_, flow) in &wanted {
            readers[*flow] += 1;
        }
        // A node is needed where somebody reads what it gives; going backwards, all its readers are known.
        let mut needed = vec![false; plan.nodes.len()];
        for (node, needed) in plan.nodes.iter().zip(&mut needed).rev() {
            if readers[node.output] > 0 {
                *needed = true;
                node.inputs.iter().for_each(|input| readers[*input] += 1);
            }
        }
        let mut values: Vec<Option<Value<D>>> = vec![None; plan.flows.len()];
        let mut learns = vec![false; plan.flows.len()];
        learns[0] = self.options.input_gradient;
        values[0] = Some(Value::Images(input));
        let mut tape = self.options.record.then(OwnedTape::default);
        for (index, node) in plan.nodes.iter().enumerate().filter(|(index, _)| needed[*index]) {
            let inputs = node.inputs.iter().map(|flow| {
                readers[*flow] -= 1;
                let value = if readers[*flow] == 0 { values[*flow].take() } else { values[*flow].clone() };
                value.ok_or_else(|| Error::shape("a layer's input was never computed"))
            });
            let inputs = inputs.collect::<Result<Vec<_>>>()?;
            let wanted = Wanted {
                input: node.inputs.iter().any(|flow| learns[*flow]),
                weights: node.op.has_parameters() && !self.frozen[node.part],
            };
            learns[node.output] = wanted.input || wanted.weights;
            let value = match tape.take() {
                Some(open) if learns[node.output] => {
                    let (value, open) = self.node(index, node, inputs, open, wanted)?;
                    tape = Some(open);
                    value
                }
                open => {
                    tape = open;
                    self.node(index, node, inputs, NoneTape, wanted)?.0
                }
            };
            let private = plan.flows[node.output].private;
            values[node.output] = Some(if private { value.private() } else { value });
        }
        let outputs = wanted.into_iter().map(|(name, flow)| {
            let value =
                values[flow].clone().ok_or_else(|| Error::shape(format!("output '{name}' was not computed")));
            value.map(|value| (name, value))
        });
        Ok((outputs.collect::<Result<_>>()?, tape))
    }

    fn wanted_outputs(&self) -> Result<Vec<(String, usize)>> {
        let known = &self.plan.outputs;
        if let Some(missing) =
            self.options.outputs.iter().find(|wanted| !known.iter().any(|(n, _)| n == *wanted))
        {
            let names: Vec<&str> = known.iter().map(|(n, _)| n.as_str()).collect();
            return Err(Error::config(format!(
                "the model has no output '{missing}'; it has {}",
                names.join(", ")
            )));
        }
        let wanted = |name: &str| self.options.outputs.is_empty() || self.options.outputs.contains(&name);
        Ok(known.iter().filter(|(name, _)| wanted(name)).cloned().collect())
    }

    fn node<T: Tape<f32, D>>(
        &self,
        index: usize,
        node: &Node,
        inputs: Vec<Value<D>>,
        tape: T,
        wanted: Wanted,
    ) -> Result<(Value<D>, T)> {
        // A frozen part behaves as it will when it is measured.
        let train = self.options.train && !self.frozen[node.part];
        let mut inputs = inputs.into_iter();
        let x = inputs.next().ok_or_else(|| Error::shape("a layer without input"))?;
        let weight = |range: &std::ops::Range<usize>| self.parameters.weight(range.clone());
        Ok(match &node.op {
            Op::Conv { layer, weight: w, bias } => {
                let bias = bias.as_ref().map(weight);
                images(ops::conv2d(x.images()?.put_tape(tape), layer, &weight(w), bias.as_ref(), wanted)?)
            }
            Op::ConvTranspose { layer, weight: w, bias } => {
                let bias = bias.as_ref().map(weight);
                images(ops::conv_transpose2d(
                    x.images()?.put_tape(tape),
                    layer,
                    &weight(w),
                    bias.as_ref(),
                    wanted,
                )?)
            }
            Op::Linear { outputs, weight: w, bias, activation } => {
                let bias = bias.as_ref().map(weight);
                let x = x.rows()?.put_tape(tape);
                rows(ops::linear(x, *outputs, &weight(w), bias.as_ref(), *activation, wanted)?)
            }
            Op::BatchNorm { layer, gain, bias, mean, variance } => {
                let running = RunningStatistics {
                    buffer: self.statistics.clone(),
                    mean: mean.clone(),
                    variance: variance.clone(),
                };
                let mode = match (train, self.options.update_statistics) {
                    (false, _) => NormMode::Eval,
                    (true, true) => NormMode::Train,
                    (true, false) => NormMode::TrainFrozen,
                };
                let (gain, bias) = (weight(gain), weight(bias));
                match x {
                    Value::Images(x) => {
                        let add = inputs.next().map(Value::images).transpose()?;
                        let x = x.put_tape(tape);
                        images(ops::batch_norm(x, layer, &gain, &bias, &running, mode, add, wanted)?)
                    }
                    Value::Rows(x) => {
                        let add = inputs.next().map(Value::rows).transpose()?;
                        let x = x.put_tape(tape);
                        rows(ops::batch_norm(x, layer, &gain, &bias, &running, mode, add, wanted)?)
                    }
                }
            }
            Op::Activate(activation) => either!(x, tape, x => ops::activate(x, *activation)?),
            Op::Add(activation) => match (x, second(inputs.next())?) {
                (Value::Images(x), y) => images(ops::add(x.put_tape(tape), y.images()?, *activation)?),
                (Value::Rows(x), y) => rows(ops::add(x.put_tape(tape), y.rows()?, *activation)?),
            },
            Op::Pool(layer) => images(ops::pool(x.images()?.put_tape(tape), layer)?),
            Op::AdaptiveAveragePool(side) => {
                images(ops::adaptive_average_pool(x.images()?.put_tape(tape), (*side, *side))?)
            }
            Op::Upsample { method, to } => images(ops::upsample(x.images()?.put_tape(tape), *method, *to)?),
            Op::Place { offset, size } => {
                images(ops::place(x.images()?.put_tape(tape), *offset, *size, None)?)
            }
            Op::Dropout(p) if train => {
                let key = self.options.key.fold(index as u64);
                either!(x, tape, x => ops::dropout(x, *p, key)?)
            }
            Op::Dropout(_) => (x, tape),
            Op::Reshape => {
                let items = x.dims()[0];
                match *self.plan.flows[node.output].dims {
                    [c, h, w] => images(match x {
                        Value::Images(x) => ops::reshape(x.put_tape(tape), (items, c, h, w))?,
                        Value::Rows(x) => ops::reshape(x.put_tape(tape), (items, c, h, w))?,
                    }),
                    ref dims => {
                        let features = dims.iter().product::<usize>();
                        rows(match x {
                            Value::Images(x) => ops::reshape(x.put_tape(tape), (items, features))?,
                            Value::Rows(x) => ops::reshape(x.put_tape(tape), (items, features))?,
                        })
                    }
                }
            }
            Op::Sobel => images(ops::sobel(x.images()?.put_tape(tape))?),
            Op::Multiply => {
                let (x, map) = (x.images()?, second(inputs.next())?.images()?);
                let (n, c, h, w) = *x.shape();
                let map = ops::reshape(map.put_tape(tape), (n, h, w))?;
                let map = map.try_broadcast_like::<_, Axis<1>>(&(n, c, h, w)).map_err(D::failed)?;
                images(map.try_mul(x).map_err(D::failed)?)
            }
            Op::SumChannels => {
                let x = x.images()?;
                let (n, _, h, w) = *x.shape();
                let sum = x.put_tape(tape).try_sum::<(usize, usize, usize), Axis<1>>().map_err(D::failed)?;
                images(ops::reshape(sum, (n, 1, h, w))?)
            }
            Op::Sample if train => {
                let key = self.options.key.fold(index as u64);
                rows(self.sample(x.rows()?, second(inputs.next())?.rows()?.put_tape(tape), key)?)
            }
            Op::Sample => (x, tape),
        })
    }

    /// `mean + exp(log_variance / 2) * noise`.
    fn sample<T: Tape<f32, D>>(
        &self,
        mean: Rows<D>,
        log_variance: Rows<D, T>,
        key: Key,
    ) -> Result<Rows<D, T>> {
        let shape = *mean.shape();
        let mut rng = key.rng();
        let noise = (0..shape.0 * shape.1).map(|_| rng.normal()).collect();
        let noise = self.device.try_tensor_from_vec(noise, shape).map_err(D::failed)?;
        let deviation = log_variance.try_mul(0.5).and_then(|half| half.try_exp());
        let noise = deviation.and_then(|d| d.try_mul(noise));
        noise.and_then(|n| n.try_add(mean)).map_err(D::failed)
    }
}

fn second<D: NetworkDevice>(value: Option<Value<D>>) -> Result<Value<D>> {
    value.ok_or_else(|| Error::shape("a layer lacks its second input"))
}

fn images<D: NetworkDevice, T: Tape<f32, D>>(x: Images<D, T>) -> (Value<D>, T) {
    let (x, tape) = x.split_tape();
    (Value::Images(x), tape)
}

fn rows<D: NetworkDevice, T: Tape<f32, D>>(x: Rows<D, T>) -> (Value<D>, T) {
    let (x, tape) = x.split_tape();
    (Value::Rows(x), tape)
}
