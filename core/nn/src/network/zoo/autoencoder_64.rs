//! The auto-encoder of source 000.

use scant_abi::{Error, Result};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Architecture, Head, pixels};
use crate::network::description::{Init, Layer, NetworkConfig};
use crate::network::shorthand::{conv, conv_transpose, linear, output, part, part_from};

/// Four strided 4x4 convolutions in, four transposed ones out, for images of 64x64 (source 000, figure 9).
///
/// The figure's numbers are lost; these are those of the architecture that it is said to follow.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ConvAutoencoder64 {
    /// The features of the embedding.
    #[schemars(range(min = 1))]
    pub embedding: usize,
    /// What stands between the embedding and the classes.
    pub head: Head,
    /// How weights are drawn at the start.
    pub init: Init,
}

impl Default for ConvAutoencoder64 {
    fn default() -> Self {
        Self { embedding: 300, head: Head::Linear, init: Init::He }
    }
}

impl Architecture for ConvAutoencoder64 {
    fn describe(&self, image: [usize; 3], classes: usize) -> Result<NetworkConfig> {
        if image[1..] != [64, 64] {
            return Err(Error::config(format!(
                "conv-autoencoder-64 takes images of 64x64, not {}x{}; prepare = [\"resize:64\"] makes them so",
                image[1], image[2]
            )));
        }
        let mut encoder = Vec::new();
        for channels in [32, 64, 128, 256] {
            encoder.extend([conv(channels, 4, 2, 0).into(), Layer::Relu]);
        }
        encoder.extend([Layer::Flatten, linear(self.embedding).into(), output("embedding")]);
        let mut decoder = vec![linear(1024).into(), Layer::Relu, Layer::Reshape([1024, 1, 1])];
        for (channels, kernel) in [(128, 5), (64, 5), (32, 6)] {
            decoder.extend([conv_transpose(channels, kernel, 2, 0).into(), Layer::Relu]);
        }
        decoder.push(conv_transpose(image[0], 6, 2, 0).into());
        decoder.extend(pixels());
        let mut parts = vec![part("encoder", encoder), part("decoder", decoder)];
        let head = self.head.layers(classes, &Layer::Relu);
        if !head.is_empty() {
            parts.push(part_from("head", "embedding", head));
        }
        Ok(NetworkConfig { parts, init: self.init })
    }
}
