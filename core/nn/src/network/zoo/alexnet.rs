//! AlexNet as torchvision has it.

use scant_abi::Result;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Architecture;
use crate::network::description::{Init, Layer, NetworkConfig};
use crate::network::shorthand::{Named, conv, linear, max_pool, output, part};
use crate::weights::Naming;

/// AlexNet; five convolutions, put out as `conv1` to `conv5`, and three fully connected layers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct AlexNet {
    /// Whether the network sees horizontal and vertical Sobel filters of the grey image in place of it.
    pub sobel: bool,
    /// The probability with which the classifier's features are set to zero.
    #[schemars(range(min = 0), extend("exclusiveMaximum" = 1))]
    pub dropout: f32,
    /// A file of weights with torchvision's names; drawn at random without one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub weights: Option<String>,
    /// How weights are drawn at the start.
    pub init: Init,
}

impl Default for AlexNet {
    fn default() -> Self {
        Self { sobel: false, dropout: 0.5, weights: None, init: Init::He }
    }
}

impl Architecture for AlexNet {
    fn describe(&self, _: [usize; 3], classes: usize) -> Result<NetworkConfig> {
        let mut encoder = if self.sobel { vec![Layer::Sobel] } else { Vec::new() };
        encoder.extend([
            conv(64, 11, 4, 2).named("0").into(),
            Layer::Relu,
            output("conv1"),
            max_pool(3, 2),
            conv(192, 5, 1, 2).named("3").into(),
            Layer::Relu,
            output("conv2"),
            max_pool(3, 2),
            conv(384, 3, 1, 1).named("6").into(),
            Layer::Relu,
            output("conv3"),
            conv(256, 3, 1, 1).named("8").into(),
            Layer::Relu,
            output("conv4"),
            conv(256, 3, 1, 1).named("10").into(),
            Layer::Relu,
            output("conv5"),
            max_pool(3, 2),
        ]);
        let mut head = vec![
            Layer::AdaptiveAveragePool(6),
            Layer::Flatten,
            Layer::Dropout(self.dropout),
            linear(4096).named("1").into(),
            Layer::Relu,
            Layer::Dropout(self.dropout),
            linear(4096).named("4").into(),
            Layer::Relu,
            output("embedding"),
        ];
        if classes > 0 {
            head.extend([linear(classes).named("6").into(), output("logits")]);
        }
        Ok(NetworkConfig { parts: vec![part("encoder", encoder), part("head", head)], init: self.init })
    }

    fn weights(&self) -> Option<(&str, Naming)> {
        self.weights.as_deref().map(|file| (file, Naming::FeaturesAndClassifier))
    }
}
