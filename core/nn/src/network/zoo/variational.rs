//! The β-VAEs of source 003.

use scant_abi::{Error, Result};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::denoising::{strided_decoder, strided_encoder};
use super::{Architecture, Head, divisible, pixels};
use crate::network::description::{Init, Layer, Method, NetworkConfig, Sample, Upsample};
use crate::network::shorthand::{Named, batch_norm, conv, linear, max_pool, output, part, part_from};

/// Which of the thesis' networks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum VariationalLayout {
    /// Two blocks of two convolutions with max-pooling between them (section 4.1.3).
    Pooled,
    /// Two blocks of which the second convolution strides (section 4.2.1).
    #[default]
    Strided,
}

/// A variational auto-encoder; `embedding` is the mean, and the decoder sees a sample in training.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct VariationalAutoencoder {
    /// Which of the thesis' networks: pooled or strided.
    pub layout: VariationalLayout,
    /// The features of the embedding.
    #[schemars(range(min = 1))]
    pub embedding: usize,
    /// What stands between the encoder and the classes: mlp puts two convolutions before (section 4.1.5).
    pub head: Head,
    /// How weights are drawn at the start.
    pub init: Init,
}

impl Default for VariationalAutoencoder {
    fn default() -> Self {
        Self { layout: VariationalLayout::Strided, embedding: 32, head: Head::Linear, init: Init::He }
    }
}

fn pooled_encoder() -> Vec<Layer> {
    vec![
        conv(32, 3, 1, 1).into(),
        Layer::Relu,
        conv(32, 3, 1, 1).into(),
        Layer::Relu,
        batch_norm().into(),
        max_pool(2, 2),
        conv(64, 3, 1, 1).into(),
        Layer::Relu,
        conv(64, 3, 1, 1).into(),
        Layer::Relu,
    ]
}

fn pooled_decoder(channels: usize) -> Vec<Layer> {
    vec![
        conv(64, 3, 1, 1).into(),
        Layer::Relu,
        conv(64, 3, 1, 1).into(),
        Layer::Relu,
        batch_norm().into(),
        Layer::Upsample(Upsample { factor: 2, method: Method::Nearest }),
        conv(32, 3, 1, 1).into(),
        Layer::Relu,
        conv(32, 3, 1, 1).into(),
        Layer::Relu,
        conv(channels, 3, 1, 1).into(),
    ]
}

impl Architecture for VariationalAutoencoder {
    fn describe(&self, image: [usize; 3], classes: usize) -> Result<NetworkConfig> {
        if self.embedding == 0 {
            return Err(Error::config("embedding: at least one feature is needed"));
        }
        let [channels, h, w] = image;
        let (mut encoder, inner, shrinks) = match self.layout {
            VariationalLayout::Pooled => (pooled_encoder(), pooled_decoder(channels), 2),
            VariationalLayout::Strided => (strided_encoder(), strided_decoder(channels), 4),
        };
        divisible("variational-autoencoder", image, shrinks)?;
        encoder.extend([
            output("features"),
            linear(self.embedding).named("mean").into(),
            output("mean"),
            output("embedding"),
            Layer::From("features".to_owned()),
            linear(self.embedding).named("log_variance").into(),
            output("log_variance"),
        ]);
        let from = [64, h / shrinks, w / shrinks];
        let mut decoder = vec![
            Layer::Sample(Sample { mean: "mean".to_owned(), log_variance: "log_variance".to_owned() }),
            linear(from.iter().product()).into(),
            Layer::Relu,
            Layer::Reshape(from),
        ];
        decoder.extend(inner);
        decoder.extend(pixels());
        let mut parts = vec![part("encoder", encoder), part("decoder", decoder)];
        match self.head {
            _ if classes == 0 => {}
            Head::None => {}
            Head::Linear => {
                parts.push(part_from("head", "embedding", self.head.layers(classes, &Layer::Relu)))
            }
            Head::Mlp => {
                let mut head = vec![
                    conv(128, 3, 1, 1).into(),
                    Layer::Relu,
                    conv(128, 3, 1, 1).into(),
                    Layer::Relu,
                    max_pool(2, 2),
                ];
                head.extend(self.head.layers(classes, &Layer::Relu));
                parts.push(part_from("head", "features", head));
            }
        }
        Ok(NetworkConfig { parts, init: self.init })
    }
}
