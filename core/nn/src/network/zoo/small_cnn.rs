//! A small convolutional classifier, and the supervised network of source 004.

use scant_abi::{Error, Result};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Architecture, attention};
use crate::network::description::{Init, Layer, NetworkConfig};
use crate::network::shorthand::{batch_norm, conv, linear, max_pool, output, part};

/// 3x3 convolutions, each followed by pooling, and perhaps a fully connected layer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct SmallCnn {
    /// The channels of each convolution.
    #[schemars(length(min = 1), inner(range(min = 1)))]
    pub channels: Vec<usize>,
    /// The features of the fully connected layer before the classifier; none where 0.
    pub hidden: usize,
    /// Whether each convolution is followed by batch normalisation.
    pub batch_norm: bool,
    /// Whether an attention map weighs the last features; it is put out as `attention`.
    pub attention: bool,
    /// The probability with which the classifier's inputs are set to zero.
    #[schemars(range(min = 0), extend("exclusiveMaximum" = 1))]
    pub dropout: f32,
    /// How weights are drawn at the start.
    pub init: Init,
}

impl Default for SmallCnn {
    fn default() -> Self {
        Self {
            channels: vec![16, 32],
            hidden: 128,
            batch_norm: false,
            attention: false,
            dropout: 0.0,
            init: Init::He,
        }
    }
}

impl SmallCnn {
    /// Source 004's: five and five channels, dropout 0.2, no hidden layer.
    pub fn source_004() -> Self {
        Self { channels: vec![5, 5], hidden: 0, dropout: 0.2, ..Self::default() }
    }
}

impl Architecture for SmallCnn {
    fn describe(&self, _: [usize; 3], classes: usize) -> Result<NetworkConfig> {
        if self.channels.is_empty() {
            return Err(Error::config("channels: at least one convolution is needed"));
        }
        let mut encoder = Vec::new();
        for (index, channels) in self.channels.iter().enumerate() {
            let layer = conv(*channels, 3, 1, 1);
            if self.batch_norm {
                encoder.extend([layer.without_bias().into(), batch_norm().into()]);
            } else {
                encoder.push(layer.into());
            }
            encoder.extend([Layer::Relu, max_pool(2, 2), output(&format!("conv{}", index + 1))]);
        }
        if self.attention {
            encoder.extend(attention());
        }
        encoder.push(Layer::Flatten);
        if self.hidden > 0 {
            encoder.extend([linear(self.hidden).into(), Layer::Relu]);
        }
        encoder.push(output("embedding"));
        let mut parts = vec![part("encoder", encoder)];
        if classes > 0 {
            let mut head = Vec::new();
            if self.dropout > 0.0 {
                head.push(Layer::Dropout(self.dropout));
            }
            head.extend([linear(classes).into(), output("logits")]);
            parts.push(part("head", head));
        }
        Ok(NetworkConfig { parts, init: self.init })
    }
}
