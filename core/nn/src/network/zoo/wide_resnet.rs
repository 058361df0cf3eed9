//! Wide residual networks, with the attention module of source 002 where wanted.

use scant_abi::{Error, Result};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Architecture, attention};
use crate::network::description::{Init, Layer, NetworkConfig, Residual};
use crate::network::shorthand::{batch_norm, conv, linear, output, part};

/// WideResNet: `depth` 28 and `width` 2 give WRN-28-2.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct WideResNet {
    /// The number of convolutions: 6 n + 4.
    #[schemars(range(min = 10))]
    pub depth: usize,
    /// How many times wider than 16, 32 and 64 channels the three groups are.
    #[schemars(range(min = 1))]
    pub width: usize,
    /// The slope of the activation below zero.
    #[schemars(range(min = 0))]
    pub slope: f32,
    /// The probability with which values inside a block are set to zero.
    #[schemars(range(min = 0), extend("exclusiveMaximum" = 1))]
    pub dropout: f32,
    /// Whether an attention map weighs the last features; it is put out as `attention`.
    pub attention: bool,
    /// How weights are drawn at the start.
    pub init: Init,
}

impl Default for WideResNet {
    fn default() -> Self {
        Self { depth: 28, width: 2, slope: 0.0, dropout: 0.0, attention: false, init: Init::He }
    }
}

impl WideResNet {
    fn activation(&self) -> Layer {
        if self.slope > 0.0 { Layer::LeakyRelu(self.slope) } else { Layer::Relu }
    }

    fn block(&self, channels: usize, stride: usize, widens: bool) -> Vec<Layer> {
        let before = vec![batch_norm().into(), self.activation()];
        let mut body: Vec<Layer> =
            vec![conv(channels, 3, stride, 1).without_bias().into(), batch_norm().into(), self.activation()];
        if self.dropout > 0.0 {
            body.push(Layer::Dropout(self.dropout));
        }
        body.push(conv(channels, 3, 1, 1).without_bias().into());
        if widens {
            // Both branches start after the first norm and activation.
            let shortcut = vec![conv(channels, 1, stride, 0).without_bias().into()];
            let mut layers = before;
            layers.push(Layer::Residual(Residual { body, shortcut, name: None }));
            layers
        } else {
            let body = before.into_iter().chain(body).collect();
            vec![Layer::Residual(Residual { body, shortcut: Vec::new(), name: None })]
        }
    }
}

impl Architecture for WideResNet {
    fn describe(&self, _: [usize; 3], classes: usize) -> Result<NetworkConfig> {
        if self.depth < 10 || !(self.depth - 4).is_multiple_of(6) || self.width == 0 {
            return Err(Error::config(format!(
                "depth must be 10, 16, 22, 28, ... and width at least 1, not {} and {}",
                self.depth, self.width
            )));
        }
        let mut encoder: Vec<Layer> = vec![conv(16, 3, 1, 1).without_bias().into()];
        let mut had = 16;
        for group in 0..3 {
            let channels = (16 << group) * self.width;
            for block in 0..(self.depth - 4) / 6 {
                let stride = if group > 0 && block == 0 { 2 } else { 1 };
                encoder.extend(self.block(channels, stride, stride > 1 || channels != had));
                had = channels;
            }
        }
        encoder.extend([batch_norm().into(), self.activation()]);
        if self.attention {
            encoder.extend(attention());
        }
        encoder.extend([Layer::AdaptiveAveragePool(1), Layer::Flatten, output("embedding")]);
        let mut parts = vec![part("encoder", encoder)];
        if classes > 0 {
            parts.push(part("head", vec![linear(classes).into(), output("logits")]));
        }
        Ok(NetworkConfig { parts, init: self.init })
    }
}
