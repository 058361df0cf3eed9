//! VGG-16 with batch normalisation, as torchvision has it.

use scant_abi::Result;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Architecture;
use crate::network::description::{Init, Layer, NetworkConfig};
use crate::network::shorthand::{Named, batch_norm, conv, linear, max_pool, output, part};
use crate::weights::Naming;

/// VGG-16 with batch normalisation; the five blocks are put out as `block1` to `block5`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Vgg16Bn {
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

impl Default for Vgg16Bn {
    fn default() -> Self {
        Self { sobel: false, dropout: 0.5, weights: None, init: Init::He }
    }
}

const BLOCKS: [&[usize]; 5] = [&[64, 64], &[128, 128], &[256, 256, 256], &[512, 512, 512], &[512, 512, 512]];

impl Architecture for Vgg16Bn {
    fn describe(&self, _: [usize; 3], classes: usize) -> Result<NetworkConfig> {
        let mut encoder = if self.sobel { vec![Layer::Sobel] } else { Vec::new() };
        // torchvision numbers convolution, norm, activation and pooling through.
        let mut place = 0;
        for (index, block) in BLOCKS.iter().enumerate() {
            for channels in *block {
                encoder.extend([
                    conv(*channels, 3, 1, 1).named(&place.to_string()).into(),
                    batch_norm().named(&(place + 1).to_string()).into(),
                    Layer::Relu,
                ]);
                place += 3;
            }
            encoder.extend([max_pool(2, 2), output(&format!("block{}", index + 1))]);
            place += 1;
        }
        let mut head = vec![
            Layer::AdaptiveAveragePool(7),
            Layer::Flatten,
            linear(4096).named("0").into(),
            Layer::Relu,
            Layer::Dropout(self.dropout),
            linear(4096).named("3").into(),
            Layer::Relu,
            output("embedding"),
            Layer::Dropout(self.dropout),
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
