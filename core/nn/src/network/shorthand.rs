//! Short ways to write layers in Rust; every builder uses them.

use super::description::{BatchNorm, Conv, ConvTranspose, Layer, Linear, Part, Pool};

/// A part.
pub fn part(name: &str, layers: Vec<Layer>) -> Part {
    Part { name: name.to_owned(), from: None, layers }
}

/// A part that starts at the output called `from`.
pub fn part_from(name: &str, from: &str, layers: Vec<Layer>) -> Part {
    Part { name: name.to_owned(), from: Some(from.to_owned()), layers }
}

/// A convolution with bias.
pub fn conv(out: usize, kernel: usize, stride: usize, padding: usize) -> Conv {
    Conv { out, kernel, stride, padding, dilation: 1, groups: 1, bias: true, name: None }
}

/// A transposed convolution with bias.
pub fn conv_transpose(out: usize, kernel: usize, stride: usize, padding: usize) -> ConvTranspose {
    ConvTranspose { out, kernel, stride, padding, output_padding: 0, bias: true, name: None }
}

/// A fully connected layer with bias.
pub fn linear(out: usize) -> Linear {
    Linear { out, bias: true, name: None }
}

/// Batch normalisation.
pub fn batch_norm() -> BatchNorm {
    BatchNorm { momentum: 0.1, eps: 1e-5, name: None }
}

/// The maximum over windows.
pub fn max_pool(kernel: usize, stride: usize) -> Layer {
    Layer::MaxPool(Pool { kernel, stride: Some(stride), padding: 0, ceil: false })
}

/// A named output.
pub fn output(name: &str) -> Layer {
    Layer::Output(name.to_owned())
}

/// Layers with parameters, which can be named.
pub trait Named: Sized {
    /// The layer with this name.
    #[must_use]
    fn named(self, name: &str) -> Self;
}

macro_rules! layers {
    ($($layer:ident)*) => {
        $(
            impl From<$layer> for Layer {
                fn from(layer: $layer) -> Self {
                    Layer::$layer(layer)
                }
            }

            impl Named for $layer {
                fn named(mut self, name: &str) -> Self {
                    self.name = Some(name.to_owned());
                    self
                }
            }
        )*
    };
}

layers! { Conv ConvTranspose Linear BatchNorm }

impl Conv {
    /// The convolution without bias, as before a batch norm.
    #[must_use]
    pub fn without_bias(mut self) -> Self {
        self.bias = false;
        self
    }
}

impl ConvTranspose {
    /// The transposed convolution without bias, as before a batch norm.
    #[must_use]
    pub fn without_bias(mut self) -> Self {
        self.bias = false;
        self
    }

    /// With `pixels` more rows and columns at the far ends.
    #[must_use]
    pub fn output_padding(mut self, pixels: usize) -> Self {
        self.output_padding = pixels;
        self
    }
}
