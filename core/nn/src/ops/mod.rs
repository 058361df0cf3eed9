//! Differentiable operations on dfdx tensors with run-time shapes.
//!
//! Images are (items, channels, rows, columns), rows are (items, features). Whatever tape the input carries goes on
//! to the output, so these operations mix freely with dfdx's own. Weights come from a part of shared
//! [`Parameters`](crate::parameters::Parameters) or from a tensor ([`Weight`]); [`Wanted`] says which
//! gradients backward computes.

mod activation;
#[cfg(any(test, feature = "cuda"))]
mod composed;
mod convolution;
mod cpu;
#[cfg(feature = "cuda")]
mod cuda;
mod device;
mod linear;
mod losses;
mod norm;
mod pool;
mod rearrange;
mod tape;

pub use crate::kernels::activation::Activation;
pub use crate::kernels::convolution::Convolution;
pub use crate::kernels::pool::PoolKind;
pub use crate::kernels::rearrange::Upsampling;
pub use crate::parameters::Weight;
pub use activation::{activate, add};
pub use convolution::{Conv2d, ConvTranspose2d, conv_transpose2d, conv2d};
pub use device::{Flat, ImageDevice, Images, Rows, Scalar, Wanted};
pub use linear::linear;
pub use losses::{
    Reduction, bce_with_logits, cross_entropy, gaussian_kl, mse, soft_cross_entropy, softmax_kl,
};
pub use norm::{BatchNorm, NormMode, batch_norm};
pub use pool::{Pool, adaptive_average_pool, pool};
pub use rearrange::{crop, dropout, flatten, pad, place, reshape, sobel, upsample};
pub use tape::{private, tensor_weight};
pub(crate) use tape::{slice, slice_mut};
