//! The fully connected auto-encoder of DEC.

use scant_abi::{Error, Result};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Architecture, Head, pixels};
use crate::network::description::{Init, Layer, NetworkConfig};
use crate::network::shorthand::{linear, output, part, part_from};

/// Fully connected layers in and, mirrored, out: 784-500-500-2000-10 on MNIST.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct MlpAutoencoder {
    /// The features of the encoder's layers before the embedding.
    #[schemars(inner(range(min = 1)))]
    pub hidden: Vec<usize>,
    /// The features of the embedding.
    #[schemars(range(min = 1))]
    pub embedding: usize,
    /// The probability with which pixels are set to zero in training.
    #[schemars(range(min = 0), extend("exclusiveMaximum" = 1))]
    pub dropout: f32,
    /// What stands between the embedding and the classes.
    pub head: Head,
    /// How weights are drawn at the start.
    pub init: Init,
}

impl Default for MlpAutoencoder {
    fn default() -> Self {
        Self { hidden: vec![500, 500, 2000], embedding: 10, dropout: 0.0, head: Head::Linear, init: Init::He }
    }
}

impl Architecture for MlpAutoencoder {
    fn describe(&self, image: [usize; 3], classes: usize) -> Result<NetworkConfig> {
        if self.embedding == 0 {
            return Err(Error::config("embedding: at least one feature is needed"));
        }
        let mut encoder = vec![Layer::Flatten];
        if self.dropout > 0.0 {
            encoder.push(Layer::Dropout(self.dropout));
        }
        for features in &self.hidden {
            encoder.extend([linear(*features).into(), Layer::Relu]);
        }
        encoder.extend([linear(self.embedding).into(), output("embedding")]);
        let mut decoder = Vec::new();
        for features in self.hidden.iter().rev() {
            decoder.extend([linear(*features).into(), Layer::Relu]);
        }
        decoder.extend([linear(image.iter().product()).into(), Layer::Reshape(image)]);
        decoder.extend(pixels());
        let mut parts = vec![part("encoder", encoder), part("decoder", decoder)];
        let head = self.head.layers(classes, &Layer::Relu);
        if !head.is_empty() {
            parts.push(part_from("head", "embedding", head));
        }
        Ok(NetworkConfig { parts, init: self.init })
    }
}
