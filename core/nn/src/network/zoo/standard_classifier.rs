//! The standard classifier of source 003.

use scant_abi::{Error, Result};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Architecture, Head};
use crate::network::description::{Init, Layer, NetworkConfig};
use crate::network::shorthand::{batch_norm, conv, max_pool, output, part};

/// Three blocks of two 3x3 convolutions, then three fully connected layers (source 003, section 5.1.3).
///
/// The source compares it with its denoising auto-encoder's encoder and says that both are built alike: hence the same dropout.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct StandardClassifier {
    /// The channels of the blocks.
    #[schemars(length(min = 1), inner(range(min = 1)))]
    pub channels: Vec<usize>,
    /// The probability with which what a block gives is set to zero, block by block.
    #[schemars(inner(range(min = 0, max = 1)))]
    pub dropout: Vec<f32>,
    /// How weights are drawn at the start.
    pub init: Init,
}

impl Default for StandardClassifier {
    fn default() -> Self {
        Self { channels: vec![32, 64, 128], dropout: vec![0.1, 0.2, 0.2], init: Init::He }
    }
}

/// Blocks of two convolutions with ELU and batch norm; pooling and dropout between them.
pub(super) fn blocks(channels: &[usize], dropout: &[f32]) -> Result<Vec<Layer>> {
    if channels.is_empty() || dropout.len() + 1 < channels.len() {
        return Err(Error::config("channels: each block but the last needs its dropout"));
    }
    let mut layers = Vec::new();
    for (index, channels) in channels.iter().enumerate() {
        if index > 0 {
            layers.extend([max_pool(2, 2), Layer::Dropout(dropout[index - 1])]);
        }
        for _ in 0..2 {
            layers.extend([conv(*channels, 3, 1, 1).into(), Layer::Elu(1.0), batch_norm().into()]);
        }
    }
    Ok(layers)
}

/// Pooling, dropout and three fully connected layers on the last block's features.
pub(super) fn classifier(classes: usize, dropout: f32) -> Vec<Layer> {
    let mut layers = vec![max_pool(2, 2), Layer::Dropout(dropout)];
    layers.extend(Head::Mlp.layers(classes, &Layer::Elu(1.0)));
    layers
}

impl Architecture for StandardClassifier {
    fn describe(&self, _: [usize; 3], classes: usize) -> Result<NetworkConfig> {
        let mut encoder = blocks(&self.channels, &self.dropout)?;
        encoder.extend([output("features"), max_pool(2, 2), Layer::Flatten, output("embedding")]);
        let mut parts = vec![part("encoder", encoder)];
        if classes > 0 {
            let mut head = vec![Layer::Dropout(self.dropout.last().copied().unwrap_or(0.0))];
            head.extend(Head::Mlp.layers(classes, &Layer::Elu(1.0)));
            parts.push(part("head", head));
        }
        Ok(NetworkConfig { parts, init: self.init })
    }
}
