//! The perceptual loss: images are compared by the features of a frozen network.

use scant_abi::{
    Component, Error, Forward, Loss, LossInput, LossValue, Model, OutputGradient, Result, Setup, State, Wants,
};
use scant_nn::adapt::{differentiate, tensor};
use scant_nn::network::zoo::{AlexNet, Architecture, SqueezeNet};
use scant_nn::network::{Layer, Network};
use scant_nn::ops::{Reduction, mse};
use scant_nn::weights::{self, Naming};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The networks through which images can be compared.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Through {
    /// AlexNet, as in source 000.
    AlexNet,
    /// SqueezeNet 1.0.
    #[default]
    SqueezeNet,
}

/// Through which network, up to where, images are compared.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct PerceptualConfig {
    /// The network: alexnet or squeezenet.
    pub through: Through,
    /// The file of its weights, safetensors or .pth with torchvision's names; random weights, as a control, where absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub weights: Option<String>,
    /// The output of the network that is compared: conv1 to conv5 of alexnet, conv1 and fire2 to fire9 of squeezenet;
    /// where absent the first three layers (convolution, pooling, convolution) of alexnet, fire3 of squeezenet.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub at: Option<String>,
    /// Put a sigmoid over the features before they are compared.
    pub sigmoid: bool,
    /// Pad images with zeros to this many rows and columns before they enter the network; as they are where absent.
    #[schemars(range(min = 1, max = 16384))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub frame: Option<usize>,
    /// The output that is held against the target image.
    pub output: String,
}

impl Default for PerceptualConfig {
    fn default() -> Self {
        Self {
            through: Through::default(),
            weights: None,
            at: None,
            sigmoid: false,
            frame: None,
            output: "reconstruction".to_owned(),
        }
    }
}

/// The mean squared difference of two images' features.
pub struct Perceptual {
    network: Network,
    at: String,
    output: String,
}

impl Component for Perceptual {
    const NAME: &'static str = "perceptual";
    const SUMMARY: &'static str =
        "Compares images by the first layers of a frozen network (AlexNet, SqueezeNet).";
    type Config = PerceptualConfig;

    fn new(config: PerceptualConfig, setup: &Setup) -> Result<Self> {
        let dims = setup.output(&config.output)?;
        let [3, rows, columns] = *dims else {
            return Err(Error::config(format!(
                "the network behind the perceptual loss sees images of 3 channels, and '{}' is {dims:?}; \
                 put \"rgb\" into data.prepare",
                config.output
            )));
        };
        let (mut description, at) = match config.through {
            Through::AlexNet => (AlexNet::default().describe([3, 224, 224], 0)?, "conv2"),
            Through::SqueezeNet => (SqueezeNet::default().describe([3, 224, 224], 0)?, "fire3"),
        };
        let at = config.at.unwrap_or_else(|| at.to_owned());
        // Of the encoder the first layers, of the classifier nothing.
        description.parts.truncate(1);
        let layers = &mut description.parts[0].layers;
        let end = layers
            .iter()
            .position(|layer| matches!(layer, Layer::Output(name) if *name == at))
            .ok_or_else(|| Error::config(format!("at: {:?} has no output '{at}'", config.through)))?;
        layers.truncate(end);
        if config.sigmoid {
            layers.push(Layer::Sigmoid);
        }
        layers.push(Layer::Output(at.clone()));
        if let Some(frame) = config.frame {
            layers.insert(0, Layer::Pad(margins(frame, rows, columns)?));
        }
        let seed = setup.key().named("perceptual").bits();
        let mut network =
            Network::new(&description, &Setup { image: [3, rows, columns], seed, ..setup.clone() })?;
        if let Some(file) = &config.weights {
            load(&mut network, weights::read(&setup.file(file)?)?)
                .map_err(|e| e.context(format!("weights: '{file}'")))?;
        }
        network.freeze(&["encoder".to_owned()])?;
        Ok(Self { network, at, output: config.output })
    }
}

/// Above, below, left and right of an image in the middle of a square frame.
fn margins(frame: usize, rows: usize, columns: usize) -> Result<[isize; 4]> {
    if frame < rows || frame < columns {
        return Err(Error::config(format!("frame: {frame} is smaller than images of {rows}x{columns}")));
    }
    let around = |len: usize| (((frame - len) / 2) as isize, (frame - len - (frame - len) / 2) as isize);
    let ((above, below), (left, right)) = (around(rows), around(columns));
    Ok([above, below, left, right])
}

/// Gives the network those of `state` that it has; it must find all of its own.
fn load(network: &mut Network, state: State) -> Result<()> {
    let mut given = Naming::FeaturesAndClassifier.ours(state);
    let mut taken = State::new();
    for name in network.state()?.into_keys() {
        let tensor =
            given.remove(&name).ok_or_else(|| Error::data(format!("the file has no tensor for '{name}'")))?;
        taken.insert(name, tensor);
    }
    network.load_state(&taken)
}

impl Loss for Perceptual {
    fn reads(&self) -> Vec<String> {
        vec![self.output.clone()]
    }

    fn evaluate(&mut self, input: &LossInput<'_>, _: &mut dyn Model) -> Result<LossValue> {
        let names = [self.at.as_str()];
        let looking = Forward { outputs: &names, ..Forward::evaluation() };
        let target = self.network.forward(input.targets.images()?, &looking)?;
        let target = tensor::<(usize, usize)>(target.output(&self.at)?)?;

        let looking = Forward { record: true, input_gradient: true, ..looking };
        let pass = self.network.forward(input.output(&self.output)?, &looking)?;
        let (value, gradient) =
            differentiate::<(usize, usize)>(pass.output(&self.at)?, |x| mse(x, target, Reduction::Values))?;
        let gradient =
            OutputGradient { pass: pass.id, output: self.at.clone(), first_row: 0, weight: 1.0, gradient };
        let gradient = self.network.backward(pass.id, &[gradient], Wants::INPUT)?.ok_or_else(|| {
            Error::config("the network behind the perceptual loss gives no gradient of its input")
        })?;
        Ok(LossValue {
            value,
            gradients: vec![input.gradient(&self.output, gradient)],
            ..LossValue::default()
        })
    }
}
