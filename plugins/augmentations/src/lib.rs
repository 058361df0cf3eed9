//! Augmentations of images, each a pure function of (image, key).
//!
//! Every transformation is in two parts: parameters drawn from the key, and a deterministic core that takes the
//! parameters. The cores agree with torchvision's `transforms.v2.functional` within one grey level of 255.

mod affine;
mod check;
mod color;
mod color_jitter;
mod crop;
mod cutout;
mod flip;
mod gray;
mod noise;
mod normal;
mod perspective;
mod policies;
mod rand_augment;
mod rotate;
mod shift;
mod sobel;
mod tone;
mod warp;

pub use affine::{Affine, AffineConfig};
pub use color_jitter::{ColorJitter, ColorJitterConfig, Span};
pub use crop::{CenterCrop, CenterCropConfig, Crop, CropConfig, PaddedCrop, PaddedCropConfig};
pub use cutout::{Cutout, CutoutConfig};
pub use flip::{FlipConfig, HorizontalFlip, VerticalFlip};
pub use gray::{Gray, GrayConfig};
pub use noise::{Noise, NoiseConfig};
pub use perspective::{Perspective, PerspectiveConfig};
pub use policies::{
    EndToEnd, EndToEndConfig, FixMatchStrong, FixMatchStrongConfig, FixMatchWeak, FixMatchWeakConfig,
    PlAeCifar10, PlAeConfig, PlAeMnist, PlAeSvhn,
};
pub use rand_augment::{Op, RandAugment, RandAugmentConfig};
pub use rotate::{Rotate, RotateConfig};
pub use shift::{Border, Shift, ShiftConfig};
pub use sobel::{Sobel, SobelConfig};
pub use warp::Interpolation;

/// The deterministic cores, with their parameters given instead of drawn.
pub mod functional {
    pub use crate::affine::affine;
    pub use crate::color::{adjust_brightness, adjust_contrast, adjust_hue, adjust_saturation, grayscale};
    pub use crate::crop::crop;
    pub use crate::cutout::erase;
    pub use crate::flip::{flip_horizontal, flip_vertical};
    pub use crate::noise::add_noise;
    pub use crate::perspective::{Quad, perspective};
    pub use crate::rotate::rotate;
    pub use crate::shift::translate;
    pub use crate::tone::{autocontrast, equalize, posterize, sharpen, solarize};
    pub use crate::warp::{AffineMap, Sampling, warp_affine};
}

scant_abi::plugin! {
    augmentation HorizontalFlip,
    augmentation VerticalFlip,
    augmentation Shift,
    augmentation Crop,
    augmentation PaddedCrop,
    augmentation CenterCrop,
    augmentation Rotate,
    augmentation Affine,
    augmentation Perspective,
    augmentation Cutout,
    augmentation Noise,
    augmentation ColorJitter,
    augmentation Gray,
    augmentation Sobel,
    augmentation RandAugment,
    augmentation PlAeMnist,
    augmentation PlAeCifar10,
    augmentation PlAeSvhn,
    augmentation EndToEnd,
    augmentation FixMatchWeak,
    augmentation FixMatchStrong,
}
