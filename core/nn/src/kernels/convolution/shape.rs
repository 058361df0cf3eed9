//! What a convolution does to sizes.

use scant_abi::{Error, Result};

/// How a kernel walks over an image; the same in both directions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Convolution {
    /// Pixels from one output to the next.
    pub stride: usize,
    /// Zeros around the image, on each side.
    pub padding: usize,
    /// Pixels from one element of the kernel to the next.
    pub dilation: usize,
    /// Parts into which channels are cut that do not see each other.
    pub groups: usize,
}

impl Default for Convolution {
    fn default() -> Self {
        Self { stride: 1, padding: 0, dilation: 1, groups: 1 }
    }
}

impl Convolution {
    /// Outputs along one side of `size` pixels under `kernel` elements.
    pub fn output_size(&self, size: usize, kernel: usize) -> Result<usize> {
        if self.stride == 0 || self.dilation == 0 || kernel == 0 {
            return Err(Error::shape("a convolution's stride, dilation and kernel are at least 1"));
        }
        let reach = self.dilation * (kernel - 1) + 1;
        let padded = size + 2 * self.padding;
        if padded < reach {
            return Err(Error::shape(format!(
                "a kernel that reaches over {reach} pixels does not fit on {padded} (padding {} included)",
                self.padding
            )));
        }
        Ok((padded - reach) / self.stride + 1)
    }

    /// Outputs of the transposed convolution along one side of `size` pixels.
    pub fn transposed_size(&self, size: usize, kernel: usize, output_padding: usize) -> Result<usize> {
        if self.stride == 0 || self.dilation == 0 || kernel == 0 || size == 0 {
            return Err(Error::shape(
                "a transposed convolution's stride, dilation, kernel and input are at least 1",
            ));
        }
        if output_padding >= self.stride.max(self.dilation) {
            return Err(Error::shape(format!(
                "output padding {output_padding} must be below the stride {} or the dilation {}",
                self.stride, self.dilation
            )));
        }
        let full = (size - 1) * self.stride + self.dilation * (kernel - 1) + 1 + output_padding;
        full.checked_sub(2 * self.padding).filter(|&n| n > 0).ok_or_else(|| {
            Error::shape(format!("padding {} leaves nothing of {full} output pixels", self.padding))
        })
    }
}

/// All sizes of one convolution, checked against each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ConvShape {
    /// Images.
    pub batch: usize,
    /// Channels of the input.
    pub channels: usize,
    /// Rows of the input.
    pub height: usize,
    /// Columns of the input.
    pub width: usize,
    /// Channels of the output.
    pub out_channels: usize,
    /// Rows of the output.
    pub out_height: usize,
    /// Columns of the output.
    pub out_width: usize,
    /// Rows and columns of the kernel.
    pub kernel: (usize, usize),
    /// How the kernel walks.
    pub walk: Convolution,
}

impl ConvShape {
    /// The convolution of `input` (images, channels, rows, columns) to `out_channels`.
    pub fn new(
        input: (usize, usize, usize, usize),
        out_channels: usize,
        kernel: (usize, usize),
        walk: Convolution,
    ) -> Result<Self> {
        let (batch, channels, height, width) = input;
        check_groups(channels, out_channels, walk.groups)?;
        let out_height = walk.output_size(height, kernel.0)?;
        let out_width = walk.output_size(width, kernel.1)?;
        Ok(Self { batch, channels, height, width, out_channels, out_height, out_width, kernel, walk })
    }

    /// The convolution whose mirror takes `input` to `out_channels`: its *output* has the shape of `input`.
    pub fn mirrored(
        input: (usize, usize, usize, usize),
        out_channels: usize,
        kernel: (usize, usize),
        walk: Convolution,
        output_padding: usize,
    ) -> Result<Self> {
        let (batch, channels, out_height, out_width) = input;
        check_groups(channels, out_channels, walk.groups)?;
        let height = walk.transposed_size(out_height, kernel.0, output_padding)?;
        let width = walk.transposed_size(out_width, kernel.1, output_padding)?;
        Ok(Self {
            batch,
            channels: out_channels,
            height,
            width,
            out_channels: channels,
            out_height,
            out_width,
            kernel,
            walk,
        })
    }

    /// Floats of the input.
    pub fn input_len(&self) -> usize {
        self.batch * self.image_len()
    }

    /// Floats of the output.
    pub fn output_len(&self) -> usize {
        self.batch * self.output_image_len()
    }

    /// Floats of the weights: (output channels, channels / groups, rows, columns).
    pub fn weight_len(&self) -> usize {
        self.out_channels * self.depth()
    }

    /// Floats of one input image.
    pub fn image_len(&self) -> usize {
        self.channels * self.height * self.width
    }

    /// Floats of one output image.
    pub fn output_image_len(&self) -> usize {
        self.out_channels * self.out_pixels()
    }

    /// Pixels of one channel of the output.
    pub fn out_pixels(&self) -> usize {
        self.out_height * self.out_width
    }

    /// Products summed into one output: channels of a group times elements of the kernel.
    pub fn depth(&self) -> usize {
        self.channels / self.walk.groups * self.kernel.0 * self.kernel.1
    }

    /// Whether each output sees the whole image: a fully connected layer.
    pub(super) fn is_dense(&self) -> bool {
        self.walk.groups == 1
            && self.walk.padding == 0
            && self.kernel == (self.height, self.width)
            && self.walk.dilation == 1
    }

    /// Multiplications and additions of one forward pass.
    pub fn operations(&self) -> usize {
        2 * self.output_len() * self.depth()
    }
}

fn check_groups(channels: usize, out_channels: usize, groups: usize) -> Result<()> {
    if groups == 0 || !channels.is_multiple_of(groups) || !out_channels.is_multiple_of(groups) {
        return Err(Error::shape(format!(
            "{groups} groups do not divide {channels} input and {out_channels} output channels"
        )));
    }
    Ok(())
}
