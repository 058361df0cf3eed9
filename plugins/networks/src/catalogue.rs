//! The names under which networks are known, and what each puts out.

use scant_abi::{Component, Result, Setup};
use scant_nn::network::{Network, zoo};
use schemars::JsonSchema;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::Zoo;

/// A network's configuration with its entry in the catalogue.
pub trait Listed: zoo::Architecture + DeserializeOwned + Serialize + Default + JsonSchema + 'static {
    /// The name in configurations.
    const NAME: &'static str;
    /// One line for `scant list`.
    const SUMMARY: &'static str;
    /// The outputs, each with its meaning.
    const OUTPUTS: &'static [(&'static str, &'static str)];
}

impl<C: Listed> Component for Zoo<C> {
    const NAME: &'static str = C::NAME;
    const SUMMARY: &'static str = C::SUMMARY;
    const OUTPUTS: &'static [(&'static str, &'static str)] = C::OUTPUTS;
    type Config = C;

    fn new(config: C, setup: &Setup) -> Result<Self> {
        Network::from_architecture(&config, setup).map(Self::over)
    }
}

const EMBEDDING: (&str, &str) = ("embedding", "the features that stand for the image");
const LOGITS: (&str, &str) = ("logits", "one number for each class, before softmax");
const RECONSTRUCTION: (&str, &str) = ("reconstruction", "the image as decoded, in [0, 1]");
const RECONSTRUCTION_LOGITS: (&str, &str) =
    ("reconstruction_logits", "the decoded image before the sigmoid, for cross-entropy");
const ATTENTION: (&str, &str) = ("attention", "how much each place counts, where attention is switched on");
const FEATURES: (&str, &str) = ("features", "the last feature maps");

const AUTOENCODER: &[(&str, &str)] = &[EMBEDDING, RECONSTRUCTION, RECONSTRUCTION_LOGITS, LOGITS];

macro_rules! catalogue {
    ($($network:ident $name:literal $summary:literal $outputs:expr;)*) => {
        $(
            impl Listed for zoo::$network {
                const NAME: &'static str = $name;
                const SUMMARY: &'static str = $summary;
                const OUTPUTS: &'static [(&'static str, &'static str)] = $outputs;
            }
        )*
    };
}

catalogue! {
    SmallCnn "small-cnn"
        "A few 3x3 convolutions with pooling, and a classifier."
        &[("conv1", "the first convolution's maps; one such output for each convolution"), EMBEDDING, ATTENTION, LOGITS];
    ConvAutoencoder "conv-autoencoder"
        "The convolutional auto-encoder of source 004."
        AUTOENCODER;
    ConvAutoencoder64 "conv-autoencoder-64"
        "The convolutional auto-encoder of source 000, for images of 64x64."
        AUTOENCODER;
    MlpAutoencoder "mlp-autoencoder"
        "The fully connected auto-encoder of DEC, 784-500-500-2000-10 on MNIST."
        AUTOENCODER;
    DenoisingAutoencoder "denoising-autoencoder"
        "The convolutional denoising auto-encoders of source 003."
        AUTOENCODER;
    VariationalAutoencoder "variational-autoencoder"
        "The convolutional VAEs of source 003."
        &[
            ("mean", "the mean of the embedding's distribution"),
            ("log_variance", "the logarithm of its variance"),
            EMBEDDING,
            FEATURES,
            RECONSTRUCTION,
            RECONSTRUCTION_LOGITS,
            LOGITS,
        ];
    AlexNet "alexnet"
        "AlexNet, as torchvision has it."
        &[("conv1", "the first convolution's maps; conv2 to conv5 likewise"), EMBEDDING, LOGITS];
    Vgg16Bn "vgg16-bn"
        "VGG-16 with batch normalisation, as torchvision has it."
        &[("block1", "the first block's maps; block2 to block5 likewise"), EMBEDDING, LOGITS];
    ResNet18 "resnet18"
        "ResNet-18, as torchvision has it."
        &[("layer1", "the first group's maps; layer2 to layer4 likewise"), EMBEDDING, LOGITS];
    ResNet15 "resnet15"
        "The ResNet with 15 convolutions of source 003."
        &[("group1", "the first group's maps; group2 and group3 likewise"), EMBEDDING, LOGITS];
    StandardClassifier "standard-classifier"
        "The standard classifier of source 003: six convolutions, three fully connected layers."
        &[FEATURES, EMBEDDING, LOGITS];
    WideResNet "wide-resnet"
        "WideResNet of any depth and width (WRN-28-2), with attention where wanted."
        &[EMBEDDING, ATTENTION, LOGITS];
    SqueezeNet "squeezenet"
        "SqueezeNet 1.0, as torchvision has it."
        &[("conv1", "the first convolution's maps"), ("fire2", "a fire module's maps; fire3 to fire9 likewise"), LOGITS];
}
