//! Residual networks: torchvision's ResNet-18, and the one with 15 convolutions of source 003.

use scant_abi::Result;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Architecture;
use crate::network::description::{Init, Layer, NetworkConfig, Pool, Residual};
use crate::network::shorthand::{Named, batch_norm, conv, linear, output, part};
use crate::weights::Naming;

/// ResNet-18; the four groups of blocks are put out as `layer1` to `layer4`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ResNet18 {
    /// Whether the network sees horizontal and vertical Sobel filters of the grey image in place of it.
    pub sobel: bool,
    /// A 3x3 stem without pooling in place of the 7x7 one with pooling: for images of about 32x32.
    pub small_images: bool,
    /// A file of weights with torchvision's names; drawn at random without one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub weights: Option<String>,
    /// How weights are drawn at the start.
    pub init: Init,
}

impl Architecture for ResNet18 {
    fn describe(&self, _: [usize; 3], classes: usize) -> Result<NetworkConfig> {
        let mut encoder = if self.sobel { vec![Layer::Sobel] } else { Vec::new() };
        let stem = if self.small_images { conv(64, 3, 1, 1) } else { conv(64, 7, 2, 3) };
        encoder.extend([
            stem.without_bias().named("conv1").into(),
            batch_norm().named("bn1").into(),
            Layer::Relu,
        ]);
        if !self.small_images {
            encoder.push(Layer::MaxPool(Pool { kernel: 3, stride: Some(2), padding: 1, ceil: false }));
        }
        for (group, channels) in [(1, 64), (2, 128), (3, 256), (4, 512)] {
            for block in 0..2 {
                let stride = if group > 1 && block == 0 { 2 } else { 1 };
                let shortcut = match stride {
                    1 => Vec::new(),
                    _ => vec![
                        conv(channels, 1, stride, 0).without_bias().named("downsample.0").into(),
                        batch_norm().named("downsample.1").into(),
                    ],
                };
                let body = vec![
                    conv(channels, 3, stride, 1).without_bias().named("conv1").into(),
                    batch_norm().named("bn1").into(),
                    Layer::Relu,
                    conv(channels, 3, 1, 1).without_bias().named("conv2").into(),
                    batch_norm().named("bn2").into(),
                ];
                let name = Some(format!("layer{group}.{block}"));
                encoder.extend([Layer::Residual(Residual { body, shortcut, name }), Layer::Relu]);
            }
            encoder.push(output(&format!("layer{group}")));
        }
        encoder.extend([Layer::AdaptiveAveragePool(1), Layer::Flatten, output("embedding")]);
        let mut parts = vec![part("encoder", encoder)];
        if classes > 0 {
            parts.push(part("head", vec![linear(classes).named("fc").into(), output("logits")]));
        }
        Ok(NetworkConfig { parts, init: self.init })
    }

    fn weights(&self) -> Option<(&str, Naming)> {
        self.weights.as_deref().map(|file| (file, Naming::ResNet))
    }
}

/// The simplified ResNet-20 v1 of source 003, section 4.1.1: 15 convolutions, six of its sums.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ResNet15 {
    /// The channels of the first group of blocks; each further group has twice as many.
    #[schemars(range(min = 1))]
    pub channels: usize,
    /// How weights are drawn at the start.
    pub init: Init,
}

impl Default for ResNet15 {
    fn default() -> Self {
        Self { channels: 16, init: Init::He }
    }
}

impl Architecture for ResNet15 {
    fn describe(&self, _: [usize; 3], classes: usize) -> Result<NetworkConfig> {
        let mut encoder: Vec<Layer> =
            vec![conv(self.channels, 3, 1, 1).into(), batch_norm().into(), Layer::Relu];
        for group in 0..3 {
            let channels = self.channels << group;
            for block in 0..2 {
                let stride = if group > 0 && block == 0 { 2 } else { 1 };
                let shortcut = match stride {
                    1 => Vec::new(),
                    _ => vec![conv(channels, 1, stride, 0).into()],
                };
                let body = vec![
                    conv(channels, 3, stride, 1).into(),
                    batch_norm().into(),
                    Layer::Relu,
                    conv(channels, 3, 1, 1).into(),
                    batch_norm().into(),
                ];
                encoder.extend([Layer::Residual(Residual { body, shortcut, name: None }), Layer::Relu]);
            }
            encoder.push(output(&format!("group{}", group + 1)));
        }
        encoder.extend([Layer::AdaptiveAveragePool(1), Layer::Flatten, output("embedding")]);
        let mut parts = vec![part("encoder", encoder)];
        if classes > 0 {
            parts.push(part("head", vec![linear(classes).into(), output("logits")]));
        }
        Ok(NetworkConfig { parts, init: self.init })
    }
}
