//! The explicit matrix of a convolution: one row per element of the kernel, one column per output pixel.

use scant_nn::kernels::convolution::ConvShape;

/// The outputs `o` along one side whose tap `k` falls inside the image.
fn inside(
    k: usize,
    size: usize,
    out: usize,
    stride: usize,
    padding: usize,
    dilation: usize,
) -> (usize, usize) {
    let shift = k * dilation;
    let first = padding.saturating_sub(shift).div_ceil(stride).min(out);
    let end = (size + padding).saturating_sub(shift).div_ceil(stride).clamp(first, out);
    (first, end)
}

/// Calls `visit(row of the matrix, output row, input row, first output column, end, first input column)` for every
/// run of columns that falls inside `channels` channels; `outside` for the rest of each row.
fn runs(s: &ConvShape, channels: usize, mut visit: impl FnMut(usize, usize, usize, usize, usize, usize)) {
    let c = s.walk;
    for channel in 0..channels {
        for ky in 0..s.kernel.0 {
            let (y0, y1) = inside(ky, s.height, s.out_height, c.stride, c.padding, c.dilation);
            for kx in 0..s.kernel.1 {
                let (x0, x1) = inside(kx, s.width, s.out_width, c.stride, c.padding, c.dilation);
                let row = (channel * s.kernel.0 + ky) * s.kernel.1 + kx;
                if x0 == x1 {
                    continue;
                }
                for oy in y0..y1 {
                    let iy = oy * c.stride + ky * c.dilation - c.padding;
                    let ix = x0 * c.stride + kx * c.dilation - c.padding;
                    visit(row, oy, channel * s.height + iy, x0, x1, ix);
                }
            }
        }
    }
}

/// Writes the matrix of one image (or of the channels of one group of it).
pub(super) fn gather(s: &ConvShape, image: &[f32], matrix: &mut [f32]) {
    let pixels = s.out_pixels();
    let stride = s.walk.stride;
    matrix[..s.depth() * pixels].fill(0.0);
    runs(s, s.channels / s.walk.groups, |row, oy, line, x0, x1, ix| {
        let out = &mut matrix[row * pixels + oy * s.out_width..][x0..x1];
        let line = &image[line * s.width..][ix..s.width];
        if stride == 1 {
            out.copy_from_slice(&line[..out.len()]);
        } else {
            out.iter_mut().zip(line.iter().step_by(stride)).for_each(|(o, &v)| *o = v);
        }
    });
}

/// Adds the matrix back onto the image: the transpose of [`gather`].
pub(super) fn scatter(s: &ConvShape, matrix: &[f32], image: &mut [f32]) {
    let pixels = s.out_pixels();
    let stride = s.walk.stride;
    runs(s, s.channels / s.walk.groups, |row, oy, line, x0, x1, ix| {
        let values = &matrix[row * pixels + oy * s.out_width..][x0..x1];
        let line = &mut image[line * s.width..][ix..s.width];
        if stride == 1 {
            line.iter_mut().zip(values).for_each(|(o, &v)| *o += v);
        } else {
            line.iter_mut().step_by(stride).zip(values).for_each(|(o, &v)| *o += v);
        }
    });
}
