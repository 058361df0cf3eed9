//! How parameters are drawn at the start.

use scant_abi::{Key, ParameterInfo};

use super::description::Init;
use super::plan::Draw;
use crate::kernels::threads::{PIECE, pieces};

/// Decides how each parameter is drawn, while a network is being compiled.
pub(super) struct Drawing {
    init: Init,
    draws: Vec<Draw>,
    /// The last weights (their place and inputs), whose gain is open until an activation is seen.
    open: Option<(usize, f32)>,
    inputs: f32,
}

impl Drawing {
    pub(super) fn new(init: Init) -> Self {
        Self { init, draws: Vec::new(), open: None, inputs: 1.0 }
    }

    /// The draw of weights that sum `inputs` numbers and give each to `outputs` others.
    pub(super) fn weight(&mut self, inputs: f32, outputs: f32) -> Draw {
        self.inputs = inputs;
        self.open = Some((self.draws.len(), inputs));
        match self.init {
            Init::He => Draw::Normal((1.0 / inputs).sqrt()),
            Init::HeUniform => Draw::Uniform((6.0 / inputs).sqrt()),
            Init::Glorot => Draw::Uniform((6.0 / (inputs + outputs)).sqrt()),
            Init::Pytorch => Draw::Uniform((1.0 / inputs).sqrt()),
        }
    }

    /// The draw of the last weights' bias.
    pub(super) fn bias(&self) -> Draw {
        match self.init {
            Init::Pytorch => Draw::Uniform((1.0 / self.inputs).sqrt()),
            _ => Draw::Constant(0.0),
        }
    }

    pub(super) fn push(&mut self, draw: Draw) {
        self.draws.push(draw);
    }

    /// An activation of the ReLU family follows the last weights and halves what they give.
    pub(super) fn rectified(&mut self) {
        if let (Init::He, Some((place, inputs))) = (self.init, self.open.take()) {
            self.draws[place] = Draw::Normal((2.0 / inputs).sqrt());
        }
    }

    /// What follows does not follow the last weights.
    pub(super) fn forget(&mut self) {
        self.open = None;
    }

    pub(super) fn finish(self) -> Vec<Draw> {
        self.draws
    }
}

/// The first values of all parameters; each parameter's depend on the key and its own name alone.
pub(super) fn values(parameters: &[ParameterInfo], draws: &[Draw], key: Key) -> Vec<f32> {
    let mut values = vec![0.0; parameters.last().map_or(0, |info| info.range().end)];
    for (info, draw) in parameters.iter().zip(draws) {
        let key = key.named(&info.name);
        // Random words that each value takes.
        let words = match draw {
            Draw::Constant(_) => 0,
            Draw::Normal(_) => 2,
            Draw::Uniform(_) => 1,
        };
        pieces(&mut values[info.range()], PIECE, |number, piece| {
            let mut rng = key.rng_from((number * PIECE * words) as u64);
            piece.fill_with(|| match *draw {
                Draw::Constant(value) => value,
                Draw::Normal(deviation) => deviation * rng.normal(),
                Draw::Uniform(limit) => rng.range(-limit, limit),
            });
        });
    }
    values
}
