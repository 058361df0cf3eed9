//! SqueezeNet 1.0 as torchvision has it.

use scant_abi::Result;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Architecture;
use crate::network::description::{Concat, Init, Layer, NetworkConfig, Pool};
use crate::network::shorthand::{Named, conv, output, part};
use crate::weights::Naming;

/// SqueezeNet 1.0; what each module gives is put out as `conv1` and `fire2` to `fire9`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct SqueezeNet {
    /// The probability with which the classifier's features are set to zero.
    #[schemars(range(min = 0), extend("exclusiveMaximum" = 1))]
    pub dropout: f32,
    /// A file of weights with torchvision's names; drawn at random without one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub weights: Option<String>,
    /// How weights are drawn at the start.
    pub init: Init,
}

impl Default for SqueezeNet {
    fn default() -> Self {
        Self { dropout: 0.5, weights: None, init: Init::He }
    }
}

fn fire(place: usize, squeeze: usize, expand: usize) -> [Layer; 3] {
    [
        conv(squeeze, 1, 1, 0).named(&format!("{place}.squeeze")).into(),
        Layer::Relu,
        Layer::Concat(Concat {
            branches: vec![
                vec![conv(expand, 1, 1, 0).named("expand1x1").into(), Layer::Relu],
                vec![conv(expand, 3, 1, 1).named("expand3x3").into(), Layer::Relu],
            ],
            name: Some(place.to_string()),
        }),
    ]
}

impl Architecture for SqueezeNet {
    fn describe(&self, _: [usize; 3], classes: usize) -> Result<NetworkConfig> {
        let smaller = || Layer::MaxPool(Pool { kernel: 3, stride: Some(2), padding: 0, ceil: true });
        let mut encoder: Vec<Layer> =
            vec![conv(96, 7, 2, 0).named("0").into(), Layer::Relu, output("conv1"), smaller()];
        let fires = [
            (3, 16, 64),
            (4, 16, 64),
            (5, 32, 128),
            (7, 32, 128),
            (8, 48, 192),
            (9, 48, 192),
            (10, 64, 256),
            (12, 64, 256),
        ];
        for (index, (place, squeeze, expand)) in fires.into_iter().enumerate() {
            encoder.extend(fire(place, squeeze, expand));
            encoder.push(output(&format!("fire{}", index + 2)));
            if place == 5 || place == 10 {
                encoder.push(smaller());
            }
        }
        let mut parts = vec![part("encoder", encoder)];
        if classes > 0 {
            let head = vec![
                Layer::Dropout(self.dropout),
                conv(classes, 1, 1, 0).named("1").into(),
                Layer::Relu,
                Layer::AdaptiveAveragePool(1),
                Layer::Flatten,
                output("logits"),
            ];
            parts.push(part("head", head));
        }
        Ok(NetworkConfig { parts, init: self.init })
    }

    fn weights(&self) -> Option<(&str, Naming)> {
        self.weights.as_deref().map(|file| (file, Naming::FeaturesAndClassifier))
    }
}
