//! The sources' networks as models, and any network that a configuration describes.

mod catalogue;
mod described;

use std::marker::PhantomData;

use scant_abi::{
    Forward, Model, OutputGradient, OutputInfo, ParameterInfo, Parameters, Pass, PassId, Result, State,
    Tensor, TensorView, Wants, plugin,
};
use scant_nn::network::{Network, zoo};

pub use catalogue::Listed;
pub use described::Described;

/// A network that was made from the configuration `C`.
pub struct Zoo<C> {
    network: Network,
    config: PhantomData<C>,
}

impl<C> Zoo<C> {
    fn over(network: Network) -> Self {
        Self { network, config: PhantomData }
    }
}

impl<C> Model for Zoo<C> {
    fn outputs(&self) -> Vec<OutputInfo> {
        self.network.outputs()
    }

    fn forward(&mut self, input: TensorView<'_>, options: &Forward<'_>) -> Result<Pass> {
        self.network.forward(input, options)
    }

    fn backward(
        &mut self,
        pass: PassId,
        gradients: &[OutputGradient],
        wants: Wants,
    ) -> Result<Option<Tensor>> {
        self.network.backward(pass, gradients, wants)
    }

    fn discard(&mut self, pass: PassId) {
        self.network.discard(pass);
    }

    fn parameters(&mut self) -> Result<Parameters<'_>> {
        self.network.parameters()
    }

    fn layout(&self) -> Vec<ParameterInfo> {
        self.network.layout()
    }

    fn freeze(&mut self, parts: &[String]) -> Result<()> {
        self.network.freeze(parts)
    }

    fn state(&self) -> Result<State> {
        self.network.state()
    }

    fn load_state(&mut self, state: &State) -> Result<()> {
        self.network.load_state(state)
    }

    fn duplicate(&self) -> Result<Box<dyn Model>> {
        self.network.duplicate()
    }
}

plugin! {
    model Zoo<zoo::SmallCnn>,
    model Zoo<zoo::ConvAutoencoder>,
    model Zoo<zoo::ConvAutoencoder64>,
    model Zoo<zoo::MlpAutoencoder>,
    model Zoo<zoo::DenoisingAutoencoder>,
    model Zoo<zoo::VariationalAutoencoder>,
    model Zoo<zoo::AlexNet>,
    model Zoo<zoo::Vgg16Bn>,
    model Zoo<zoo::ResNet18>,
    model Zoo<zoo::ResNet15>,
    model Zoo<zoo::StandardClassifier>,
    model Zoo<zoo::WideResNet>,
    model Zoo<zoo::SqueezeNet>,
    model Zoo<Described>,
}
