//! The denoising auto-encoders of source 003.

use scant_abi::{Error, Result};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::standard_classifier::{blocks, classifier};
use super::{Architecture, Head, divisible, pixels};
use crate::network::description::{Init, Layer, Method, NetworkConfig, Upsample};
use crate::network::shorthand::{batch_norm, conv, conv_transpose, linear, output, part, part_from};

/// Which of the thesis' networks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum DenoisingLayout {
    /// Three blocks of two convolutions with max-pooling; the embedding is the last block's (section 4.1.2).
    Pooled,
    /// Two blocks of which the second convolution strides; a fully connected embedding (section 4.2.1).
    Strided,
    /// Three convolutions for small grey images; a fully connected embedding (section 5.3.6).
    #[default]
    Grey,
}

/// A convolutional auto-encoder with dropout between its blocks.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct DenoisingAutoencoder {
    /// Which of the thesis' networks: pooled, strided or grey.
    pub layout: DenoisingLayout,
    /// The features of a fully connected embedding.
    #[schemars(range(min = 1))]
    pub embedding: usize,
    /// The probabilities with which what a block gives is set to zero.
    #[schemars(length(min = 2, max = 2), inner(range(min = 0, max = 1)))]
    pub dropout: Vec<f32>,
    /// What stands between the embedding and the classes.
    pub head: Head,
    /// How weights are drawn at the start.
    pub init: Init,
}

impl Default for DenoisingAutoencoder {
    fn default() -> Self {
        Self {
            layout: DenoisingLayout::Grey,
            embedding: 10,
            dropout: vec![0.1, 0.2],
            head: Head::Linear,
            init: Init::He,
        }
    }
}

impl DenoisingAutoencoder {
    fn pooled(&self, [channels, ..]: [usize; 3], classes: usize) -> Result<NetworkConfig> {
        let mut encoder = blocks(&[32, 64, 128], &self.dropout)?;
        encoder.extend([output("features"), Layer::Flatten, output("embedding")]);
        let mut decoder = vec![Layer::From("features".to_owned())];
        for filters in [64, 32] {
            decoder.push(Layer::Upsample(Upsample { factor: 2, method: Method::Nearest }));
            for _ in 0..2 {
                decoder.extend([conv(filters, 3, 1, 1).into(), Layer::Elu(1.0), batch_norm().into()]);
            }
        }
        decoder.push(conv(channels, 3, 1, 1).into());
        decoder.extend(pixels());
        let mut parts = vec![part("encoder", encoder), part("decoder", decoder)];
        match self.head {
            _ if classes == 0 => {}
            Head::None => {}
            Head::Linear => {
                parts.push(part_from("head", "embedding", self.head.layers(classes, &Layer::Elu(1.0))))
            }
            Head::Mlp => {
                let last = self.dropout.last().copied().unwrap_or(0.0);
                parts.push(part_from("head", "features", classifier(classes, last)));
            }
        }
        Ok(NetworkConfig { parts, init: self.init })
    }

    fn bottleneck(
        &self,
        mut encoder: Vec<Layer>,
        decoder: Vec<Layer>,
        from: [usize; 3],
        classes: usize,
    ) -> NetworkConfig {
        encoder.extend([Layer::Flatten, linear(self.embedding).into(), output("embedding")]);
        let mut first = vec![linear(from.iter().product()).into(), Layer::Relu, Layer::Reshape(from)];
        first.extend(decoder);
        first.extend(pixels());
        let mut parts = vec![part("encoder", encoder), part("decoder", first)];
        let head = self.head.layers(classes, &Layer::Relu);
        if !head.is_empty() {
            parts.push(part_from("head", "embedding", head));
        }
        NetworkConfig { parts, init: self.init }
    }

    fn grey(&self, [channels, h, w]: [usize; 3], classes: usize) -> NetworkConfig {
        let encoder = vec![
            conv(32, 5, 2, 2).into(),
            Layer::Relu,
            Layer::Dropout(self.dropout[0]),
            conv(64, 5, 2, 2).into(),
            Layer::Relu,
            Layer::Dropout(self.dropout[1]),
            // A kernel of 4 that keeps the size takes one zero before and two behind.
            Layer::Pad([1, 2, 1, 2]),
            conv(64, 4, 1, 0).into(),
            Layer::Relu,
        ];
        let decoder = vec![
            conv_transpose(64, 4, 1, 0).into(),
            Layer::Pad([-1, -2, -1, -2]),
            Layer::Relu,
            conv_transpose(32, 5, 2, 2).output_padding(1).into(),
            Layer::Relu,
            conv_transpose(channels, 5, 2, 2).output_padding(1).into(),
        ];
        self.bottleneck(encoder, decoder, [64, h / 4, w / 4], classes)
    }

    fn strided(&self, [channels, h, w]: [usize; 3], classes: usize) -> NetworkConfig {
        let mut encoder = strided_encoder();
        // After the first block's norm, and at the end.
        encoder.insert(5, Layer::Dropout(self.dropout[0]));
        encoder.push(Layer::Dropout(self.dropout[1]));
        self.bottleneck(encoder, strided_decoder(channels), [64, h / 4, w / 4], classes)
    }
}

/// Two blocks of two convolutions, the second of which strides, with batch norm between the blocks.
pub(super) fn strided_encoder() -> Vec<Layer> {
    vec![
        conv(32, 3, 1, 1).into(),
        Layer::Relu,
        conv(32, 3, 2, 1).into(),
        Layer::Relu,
        batch_norm().into(),
        conv(64, 3, 1, 1).into(),
        Layer::Relu,
        conv(64, 3, 2, 1).into(),
        Layer::Relu,
    ]
}

/// The mirror of [`strided_encoder`].
pub(super) fn strided_decoder(channels: usize) -> Vec<Layer> {
    vec![
        conv_transpose(64, 3, 2, 1).output_padding(1).into(),
        Layer::Relu,
        conv_transpose(64, 3, 1, 1).into(),
        Layer::Relu,
        batch_norm().into(),
        conv_transpose(32, 3, 2, 1).output_padding(1).into(),
        Layer::Relu,
        conv_transpose(32, 3, 1, 1).into(),
        Layer::Relu,
        conv_transpose(channels, 3, 1, 1).into(),
    ]
}

impl Architecture for DenoisingAutoencoder {
    fn describe(&self, image: [usize; 3], classes: usize) -> Result<NetworkConfig> {
        divisible("denoising-autoencoder", image, 4)?;
        if self.dropout.len() != 2 {
            return Err(Error::config(format!(
                "dropout: two numbers are needed, not {}",
                self.dropout.len()
            )));
        }
        match self.layout {
            DenoisingLayout::Pooled => self.pooled(image, classes),
            DenoisingLayout::Strided => Ok(self.strided(image, classes)),
            DenoisingLayout::Grey => Ok(self.grey(image, classes)),
        }
    }
}
