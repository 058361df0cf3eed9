//! The sources' networks, each a configuration that writes a description.

mod alexnet;
mod autoencoder_64;
mod conv_autoencoder;
mod denoising;
mod mlp;
mod resnet;
mod small_cnn;
mod squeezenet;
mod standard_classifier;
mod variational;
mod vgg;
mod wide_resnet;

use scant_abi::{Error, Result};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::description::{Layer, NetworkConfig};
use super::shorthand::{Named, batch_norm, conv, linear, output};
use crate::weights::Naming;

pub use alexnet::AlexNet;
pub use autoencoder_64::ConvAutoencoder64;
pub use conv_autoencoder::ConvAutoencoder;
pub use denoising::{DenoisingAutoencoder, DenoisingLayout};
pub use mlp::MlpAutoencoder;
pub use resnet::{ResNet15, ResNet18};
pub use small_cnn::SmallCnn;
pub use squeezenet::SqueezeNet;
pub use standard_classifier::StandardClassifier;
pub use variational::{VariationalAutoencoder, VariationalLayout};
pub use vgg::Vgg16Bn;
pub use wide_resnet::WideResNet;

/// A configuration that knows its network.
pub trait Architecture {
    /// The network for `image` (channels, rows, columns) and this many classes; without a classifier where there are none.
    fn describe(&self, image: [usize; 3], classes: usize) -> Result<NetworkConfig>;

    /// The file of weights to start from, and how its tensors are named.
    fn weights(&self) -> Option<(&str, Naming)> {
        None
    }
}

/// What stands between an embedding and the classes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Head {
    /// Nothing: the network has no `logits`.
    None,
    /// One fully connected layer.
    #[default]
    Linear,
    /// Three fully connected layers of 256, 128 and as many features as classes, with dropout between them.
    Mlp,
}

impl Head {
    /// The head's layers on rows or images.
    fn layers(self, classes: usize, activation: &Layer) -> Vec<Layer> {
        match self {
            _ if classes == 0 => Vec::new(),
            Self::None => Vec::new(),
            Self::Linear => vec![linear(classes).into(), output("logits")],
            Self::Mlp => vec![
                linear(256).into(),
                activation.clone(),
                Layer::Dropout(0.3),
                linear(128).into(),
                activation.clone(),
                Layer::Dropout(0.3),
                linear(classes).into(),
                output("logits"),
            ],
        }
    }
}

/// Two maps by 1x1 convolutions, normalised and rectified; their sum is `attention` and weighs the features.
fn attention() -> Vec<Layer> {
    vec![
        output("features"),
        conv(2, 1, 1, 0).named("attention.0").into(),
        batch_norm().named("attention.1").into(),
        Layer::Relu,
        Layer::SumChannels,
        output("attention"),
        Layer::From("features".to_owned()),
        Layer::Multiply("attention".to_owned()),
    ]
}

/// What a decoder's last layer is followed by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Pixels {
    /// A sigmoid: pixels in [0, 1], and `reconstruction_logits` before it.
    #[default]
    Sigmoid,
    /// Nothing: whatever the layer gives is the picture.
    Linear,
}

impl Pixels {
    fn layers(self) -> Vec<Layer> {
        match self {
            Self::Sigmoid => pixels(),
            Self::Linear => vec![output("reconstruction")],
        }
    }
}

/// The end of a decoder: pixels in [0, 1], and what they are before the sigmoid for cross-entropy.
fn pixels() -> Vec<Layer> {
    vec![output("reconstruction_logits"), Layer::Sigmoid, output("reconstruction")]
}

fn divisible(what: &str, image: [usize; 3], by: usize) -> Result<()> {
    let [_, h, w] = image;
    if h.is_multiple_of(by) && w.is_multiple_of(by) && h > 0 && w > 0 {
        return Ok(());
    }
    Err(Error::config(format!(
        "{what} takes images whose sides are multiples of {by}, not {h}x{w}; prepare = [\"resize:...\"] makes them so"
    )))
}
