//! The contract's model over a plan.

use std::collections::BTreeMap;

use dfdx::prelude::*;
use scant_abi::{
    Error, Forward, Key, Model, OutputGradient, OutputInfo, ParameterInfo, Pass, PassId, Result, Setup,
    State, TensorView, Wants,
};

use super::compile::compile;
use super::description::NetworkConfig;
use super::device::{Mirror, NetworkDevice};
use super::draw;
use super::plan::Plan;
use super::run::{Runner, Value};
use crate::adapt::Backend;
use crate::ops::Images;
use crate::parameters::{FlatBuffer, Parameters};

/// A network made from a description, with its numbers.
///
/// A frozen part behaves as in evaluation, whatever the pass: its batch norms use their running statistics, its
/// dropout does nothing, and so what it puts out for an image is always the same.
pub struct Network<D: NetworkDevice = Backend> {
    device: D,
    plan: Plan,
    parameters: Parameters<D>,
    statistics: FlatBuffer<D>,
    mirror: Mirror,
    frozen: Vec<bool>,
    passes: BTreeMap<PassId, Recorded<D>>,
    next: u64,
}

/// What `backward` needs of an open pass.
struct Recorded<D: NetworkDevice> {
    tape: OwnedTape<f32, D>,
    outputs: Vec<(String, Value<D>)>,
    input: Option<Images<D>>,
}

impl NetworkConfig {
    /// What would stand where among the parameters for `image` (channels, rows, columns), without drawing any.
    pub fn layout(&self, image: [usize; 3]) -> Result<Vec<ParameterInfo>> {
        compile(self, image).map(|plan| plan.parameters)
    }
}

impl<D: NetworkDevice> Network<D> {
    /// The network that `config` describes, for the images, on the device and from the seed of `setup`.
    pub fn new(config: &NetworkConfig, setup: &Setup) -> Result<Self> {
        Self::with_device(config, setup.image, D::open(setup.device)?, setup.key())
    }

    /// The network that `config` describes, for `image` (channels, rows, columns), with values drawn by `key`.
    pub fn with_device(config: &NetworkConfig, image: [usize; 3], device: D, key: Key) -> Result<Self> {
        let plan = compile(config, image)?;
        let values = draw::values(&plan.parameters, &plan.draws, key);
        let parameters = Parameters::new(&device, values)?;
        let mut running = vec![0.0; plan.statistic_count()];
        for statistic in plan.statistics.iter().filter(|s| s.name.ends_with("running_var")) {
            running[statistic.range.clone()].fill(1.0);
        }
        let statistics = FlatBuffer::new(&device, running)?;
        let frozen = vec![false; plan.parts.len()];
        Ok(Self {
            device,
            plan,
            parameters,
            statistics,
            mirror: Mirror::default(),
            frozen,
            passes: BTreeMap::new(),
            next: 0,
        })
    }

    /// The number of trained numbers.
    pub fn parameter_count(&self) -> usize {
        self.plan.parameter_count()
    }

    /// The parts' names, in order.
    pub fn parts(&self) -> &[String] {
        &self.plan.parts
    }

    fn input(&self, view: TensorView<'_>) -> Result<Images<D>> {
        let dims = &self.plan.flows[0].dims;
        match *view.shape() {
            [n, c, h, w] if [c, h, w] == dims[..] && n > 0 => self.device.bring_in(view, (n, c, h, w)),
            ref other => {
                Err(Error::shape(format!("the model takes images of {dims:?} in batches, not {other:?}")))
            }
        }
    }

    fn refuse_while_recording(&self) -> Result<()> {
        match self.passes.len() {
            0 => Ok(()),
            n => Err(Error::shape(format!(
                "{n} recorded passes are open; close them by backward or discard before touching parameters"
            ))),
        }
    }

    /// Puts a gradient of one of the pass's outputs at the tape's end.
    fn seed(
        tape: &mut OwnedTape<f32, D>,
        outputs: &[(String, Value<D>)],
        gradient: &OutputGradient,
    ) -> Result<()> {
        let OutputGradient { output, first_row, weight, gradient, .. } = gradient;
        let (_, value) = outputs.iter().find(|(name, _)| name == output).ok_or_else(|| {
            Error::shape(format!("a gradient for '{output}', which this pass did not put out"))
        })?;
        let (dims, shape) = (value.dims(), gradient.shape());
        if shape.get(1..) != Some(&dims[1..]) || first_row.saturating_add(shape.rows()) > dims[0] {
            return Err(Error::shape(format!(
                "a gradient of {shape:?} from row {first_row} on does not fit output '{output}' of {dims:?}"
            )));
        }
        value.seed(tape, first_row * shape.row_len(), *weight, gradient.f32()?.to_vec());
        Ok(())
    }
}

impl<D: NetworkDevice> Model for Network<D> {
    fn outputs(&self) -> Vec<OutputInfo> {
        let info = |(name, flow): &(String, usize)| OutputInfo {
            name: name.clone(),
            dims: self.plan.flows[*flow].dims.clone(),
        };
        self.plan.outputs.iter().map(info).collect()
    }

    fn forward(&mut self, input: TensorView<'_>, options: &Forward<'_>) -> Result<Pass> {
        self.mirror.settle(&self.parameters)?;
        let input = self.input(input)?;
        let runner = Runner {
            plan: &self.plan,
            device: &self.device,
            parameters: &self.parameters,
            statistics: &self.statistics,
            frozen: &self.frozen,
            options,
        };
        let (values, tape) = runner.run(input.clone())?;
        let id = PassId(self.next);
        self.next += 1;
        let outputs = values.iter().map(|(name, value)| Ok((name.clone(), value.to_tensor()?)));
        let outputs = outputs.collect::<Result<_>>()?;
        if let Some(tape) = tape {
            let input = options.input_gradient.then_some(input);
            self.passes.insert(id, Recorded { tape, outputs: values, input });
        }
        Ok(Pass { id, outputs })
    }

    fn backward(
        &mut self,
        pass: PassId,
        gradients: &[OutputGradient],
        wants: Wants,
    ) -> Result<Option<scant_abi::Tensor>> {
        let Recorded { mut tape, outputs, input } = self.passes.remove(&pass).ok_or_else(|| {
            Error::shape("this pass is not open: it was not recorded, or is closed already")
        })?;
        if wants.input && input.is_none() {
            return Err(Error::shape("this pass cannot give its input's gradient; ask for it in forward"));
        }
        if let Some(stray) = gradients.iter().find(|gradient| gradient.pass != pass) {
            return Err(Error::shape(format!("a gradient for '{}' belongs to another pass", stray.output)));
        }
        for gradient in gradients {
            Self::seed(&mut tape, &outputs, gradient)?;
        }
        drop(outputs);
        self.parameters.learn(wants.parameters);
        // dfdx runs a tape back from a single number; its own gradient of 1 goes nowhere.
        let end: Tensor<Rank0, f32, D> = self.device.try_zeros().map_err(D::failed)?;
        let result = end.put_tape(tape).try_backward().map_err(D::failed);
        self.parameters.learn(true);
        let gradients = result?;
        match input {
            Some(input) if wants.input => {
                let mut gradients = gradients;
                gradients.try_alloc_for(&input).map_err(D::failed)?;
                D::bring_out(&gradients.get(&input)).map(Some)
            }
            _ => Ok(None),
        }
    }

    fn discard(&mut self, pass: PassId) {
        self.passes.remove(&pass);
    }

    fn parameters(&mut self) -> Result<scant_abi::Parameters<'_>> {
        self.refuse_while_recording()?;
        D::lend(&mut self.parameters, &mut self.mirror)
    }

    fn layout(&self) -> Vec<ParameterInfo> {
        let frozen = |info: &ParameterInfo| {
            self.plan.parts.iter().zip(&self.frozen).any(|(part, frozen)| *frozen && part == info.part())
        };
        // What is frozen must not decay either.
        let shown =
            |info: &ParameterInfo| ParameterInfo { decays: info.decays && !frozen(info), ..info.clone() };
        self.plan.parameters.iter().map(shown).collect()
    }

    fn freeze(&mut self, parts: &[String]) -> Result<()> {
        if let Some(unknown) = parts.iter().find(|part| !self.plan.parts.contains(part)) {
            return Err(Error::config(format!(
                "the model has no part '{unknown}' to freeze; it has {}",
                self.plan.parts.join(", ")
            )));
        }
        self.frozen = self.plan.parts.iter().map(|part| parts.contains(part)).collect();
        Ok(())
    }

    fn state(&self) -> Result<State> {
        let (values, running) = (self.mirror.values(&self.parameters), self.statistics.to_vec());
        let mut state = State::new();
        for info in &self.plan.parameters {
            let tensor = scant_abi::Tensor::from_f32(values[info.range()].to_vec(), &info.dims)?;
            state.insert(info.name.clone(), tensor);
        }
        for statistic in &self.plan.statistics {
            let numbers = running[statistic.range.clone()].to_vec();
            let len = numbers.len();
            state.insert(statistic.name.clone(), scant_abi::Tensor::from_f32(numbers, &[len])?);
        }
        Ok(state)
    }

    fn load_state(&mut self, state: &State) -> Result<()> {
        self.refuse_while_recording()?;
        self.mirror.settle(&self.parameters)?;
        let (mut values, mut running) = (self.parameters.values.to_vec(), self.statistics.to_vec());
        for (name, tensor) in state {
            let (target, dims) =
                if let Some(info) = self.plan.parameters.iter().find(|info| info.name == *name) {
                    (&mut values[info.range()], info.dims.clone())
                } else if let Some(statistic) = self.plan.statistics.iter().find(|s| s.name == *name) {
                    (&mut running[statistic.range.clone()], vec![statistic.range.len()])
                } else {
                    return Err(Error::config(format!("the model has no '{name}'")));
                };
            if *tensor.shape() != dims[..] {
                return Err(Error::shape(format!(
                    "'{name}' is of {dims:?} here, and of {:?} there",
                    tensor.shape()
                )));
            }
            target.copy_from_slice(tensor.f32()?);
        }
        self.parameters.values.copy_from(&values)?;
        self.statistics.copy_from(&running)
    }

    fn duplicate(&self) -> Result<Box<dyn Model>> {
        Ok(Box::new(Self {
            device: self.device.clone(),
            plan: self.plan.clone(),
            parameters: Parameters::new(&self.device, self.mirror.values(&self.parameters))?,
            statistics: FlatBuffer::new(&self.device, self.statistics.to_vec())?,
            mirror: Mirror::default(),
            frozen: self.frozen.clone(),
            passes: BTreeMap::new(),
            next: 0,
        }))
    }
}
