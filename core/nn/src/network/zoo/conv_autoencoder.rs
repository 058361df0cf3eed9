//! The convolutional auto-encoder of source 004.

use scant_abi::Result;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Architecture, Head, Pixels, divisible};
use crate::network::description::{Init, Layer, Method, NetworkConfig, Upsample};
use crate::network::shorthand::{conv, max_pool, output, part, part_from};

/// 3x3 convolutions with pooling on the way in and nearest up-sampling on the way out (source 004, section 4.1).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ConvAutoencoder {
    /// The channels of the two convolutions of the encoder; the decoder mirrors them.
    #[schemars(inner(range(min = 1)))]
    pub channels: [usize; 2],
    /// What stands between the embedding and the classes.
    pub head: Head,
    /// What stands after the last convolution. The source names nothing there; behind a sigmoid some starts end on a
    /// plateau where every picture is reconstructed as the same one.
    pub output: Pixels,
    /// How weights are drawn at the start; the source's are `he-uniform`.
    pub init: Init,
}

impl Default for ConvAutoencoder {
    fn default() -> Self {
        Self { channels: [8, 4], head: Head::Linear, output: Pixels::Sigmoid, init: Init::He }
    }
}

impl Architecture for ConvAutoencoder {
    fn describe(&self, image: [usize; 3], classes: usize) -> Result<NetworkConfig> {
        divisible("conv-autoencoder", image, 4)?;
        let [first, second] = self.channels;
        let twice = || Layer::Upsample(Upsample { factor: 2, method: Method::Nearest });
        let encoder = vec![
            conv(first, 3, 1, 1).into(),
            Layer::Relu,
            max_pool(2, 2),
            conv(second, 3, 1, 1).into(),
            Layer::Relu,
            max_pool(2, 2),
            Layer::Flatten,
            output("embedding"),
        ];
        let mut decoder = vec![
            Layer::Reshape([second, image[1] / 4, image[2] / 4]),
            conv(second, 3, 1, 1).into(),
            Layer::Relu,
            twice(),
            conv(first, 3, 1, 1).into(),
            Layer::Relu,
            twice(),
            conv(image[0], 3, 1, 1).into(),
        ];
        decoder.extend(self.output.layers());
        let mut parts = vec![part("encoder", encoder), part("decoder", decoder)];
        let head = self.head.layers(classes, &Layer::Relu);
        if !head.is_empty() {
            parts.push(part_from("head", "embedding", head));
        }
        Ok(NetworkConfig { parts, init: self.init })
    }
}
