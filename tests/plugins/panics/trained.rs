//! A model, a loss and a trainer that panic or return what they must not.

use scant_abi::{
    Batch, EpochPlan, Forward, Loss, LossInput, LossValue, Model, OutputGradient, OutputInfo, ParameterInfo,
    Parameters, Pass, PassId, Report, Result, State, StreamRequest, Tensor, TensorView, TrainContext,
    Trainer, Wants,
};

use crate::Panicky;
use crate::components::{CrossEntropy, Sgd};
use crate::model::TwoLayers;

impl Model for Panicky<TwoLayers> {
    fn outputs(&self) -> Vec<OutputInfo> {
        self.pass("outputs");
        self.toy.outputs()
    }

    fn forward(&mut self, input: TensorView<'_>, options: &Forward<'_>) -> Result<Pass> {
        self.pass("forward");
        let mut pass = self.toy.forward(input, options)?;
        match self.at.as_str() {
            "an undeclared output" => pass.outputs.push(("extra".to_owned(), Tensor::scalar(0.0))),
            "a wrong shape" => pass.outputs[1].1 = Tensor::from_f32(vec![0.0; 8], &[2, 4])?,
            "a missing output" => drop(pass.outputs.pop()),
            _ => {}
        }
        Ok(pass)
    }

    fn backward(
        &mut self,
        pass: PassId,
        gradients: &[OutputGradient],
        wants: Wants,
    ) -> Result<Option<Tensor>> {
        self.pass("backward");
        self.toy.backward(pass, gradients, wants)
    }

    fn discard(&mut self, pass: PassId) {
        self.pass("discard");
        self.toy.discard(pass);
    }

    fn parameters(&mut self) -> Result<Parameters<'_>> {
        self.pass("parameters");
        self.toy.parameters()
    }

    fn layout(&self) -> Vec<ParameterInfo> {
        self.pass("layout");
        self.toy.layout()
    }

    fn freeze(&mut self, parts: &[String]) -> Result<()> {
        self.pass("freeze");
        self.toy.freeze(parts)
    }

    fn state(&self) -> Result<State> {
        self.pass("state");
        self.toy.state()
    }

    fn load_state(&mut self, state: &State) -> Result<()> {
        self.pass("load_state");
        self.toy.load_state(state)
    }

    fn duplicate(&self) -> Result<Box<dyn Model>> {
        self.pass("duplicate");
        self.toy.duplicate()
    }
}

impl Loss for Panicky<CrossEntropy> {
    fn reads(&self) -> Vec<String> {
        self.pass("reads");
        self.toy.reads()
    }

    fn evaluate(&mut self, input: &LossInput<'_>, model: &mut dyn Model) -> Result<LossValue> {
        self.pass("evaluate");
        let mut value = self.toy.evaluate(input, model)?;
        match self.at.as_str() {
            "NaN" => value.value = f32::NAN,
            "a gradient of an unknown output" => value.gradients[0].output = "logit".to_owned(),
            "a gradient of a wrong shape" => {
                value.gradients[0].gradient = Tensor::from_f32(vec![0.0; 4], &[1, 4])?
            }
            "a gradient of unknown rows" => value.gradients[0].first_row = 1000,
            _ => {}
        }
        Ok(value)
    }

    fn parameters(&mut self) -> Result<Option<Parameters<'_>>> {
        self.pass("parameters");
        self.toy.parameters()
    }

    fn layout(&self) -> Vec<ParameterInfo> {
        self.pass("layout");
        self.toy.layout()
    }

    fn annotate(&mut self, pass: &Pass) -> Result<Vec<(String, Tensor)>> {
        self.pass("annotate");
        self.toy.annotate(pass)
    }

    fn state(&self) -> Result<State> {
        self.pass("state");
        self.toy.state()
    }

    fn load_state(&mut self, state: &State) -> Result<()> {
        self.pass("load_state");
        self.toy.load_state(state)
    }
}

impl Trainer for Panicky<Sgd> {
    fn streams(&self) -> Vec<StreamRequest> {
        self.pass("streams");
        self.toy.streams()
    }

    fn begin_stage(&mut self, context: &mut TrainContext<'_>) -> Result<()> {
        self.pass("begin_stage");
        self.toy.begin_stage(context)
    }

    fn begin_epoch(&mut self, context: &mut TrainContext<'_>) -> Result<EpochPlan> {
        self.pass("begin_epoch");
        self.toy.begin_epoch(context)
    }

    fn step(&mut self, batches: &[Batch], context: &mut TrainContext<'_>) -> Result<Report> {
        self.pass("step");
        self.toy.step(batches, context)
    }

    fn end_epoch(&mut self, context: &mut TrainContext<'_>) -> Result<Report> {
        self.pass("end_epoch");
        self.toy.end_epoch(context)
    }

    fn enter_evaluation(&mut self, model: &mut dyn Model) -> Result<()> {
        self.pass("enter_evaluation");
        self.toy.enter_evaluation(model)
    }

    fn leave_evaluation(&mut self, model: &mut dyn Model) -> Result<()> {
        self.pass("leave_evaluation");
        self.toy.leave_evaluation(model)
    }

    fn annotate(&mut self, pass: &Pass) -> Result<Vec<(String, Tensor)>> {
        self.pass("annotate");
        self.toy.annotate(pass)
    }

    fn state(&self) -> Result<State> {
        self.pass("state");
        self.toy.state()
    }

    fn load_state(&mut self, state: &State) -> Result<()> {
        self.pass("load_state");
        self.toy.load_state(state)
    }
}
