//! Augmentations between libraries.

use std::ops::DerefMut;

use abi_stable::StableAbi;
use abi_stable::sabi_trait::TD_Opaque;
use abi_stable::std_types::RBox;

use super::guard::{Guarded, Who};
use super::tensor::AbiTensor;
use super::values::{AbiResult, enter};
use crate::{Augmentation, Image, Key, Result, Tensor};

#[repr(C)]
#[derive(StableAbi)]
pub(super) struct AbiImage {
    channels: usize,
    height: usize,
    width: usize,
    pixels: AbiTensor,
}

impl AbiImage {
    fn give(image: Image) -> Result<Self> {
        let [channels, height, width] = image.dims();
        let pixels = AbiTensor::give(Tensor::from_f32(image.into_pixels(), &[channels, height, width])?);
        Ok(Self { channels, height, width, pixels })
    }

    fn take(self) -> Result<Image> {
        Image::new(self.channels, self.height, self.width, self.pixels.take()?.into_f32()?)
    }
}

#[abi_stable::sabi_trait]
pub(super) trait AbiAugmentation {
    fn apply(&self, image: AbiImage, key: u64) -> AbiResult<AbiImage>;
}

/// An augmentation that the other library owns.
pub(super) type AugmentationBox = AbiAugmentation_TO<'static, RBox<()>>;

pub(super) fn export(augmentation: Box<dyn Augmentation>, who: Who) -> AugmentationBox {
    AbiAugmentation_TO::from_value(Guarded::new(augmentation, who), TD_Opaque)
}

impl<P> AbiAugmentation for Guarded<P>
where
    P: DerefMut<Target: Augmentation>,
{
    fn apply(&self, image: AbiImage, key: u64) -> AbiResult<AbiImage> {
        self.read("apply", |augmentation| AbiImage::give(augmentation.apply(image.take()?, Key::new(key))?))
    }
}

/// An augmentation of another library.
struct Imported(AugmentationBox);

// SAFETY: `export` takes a `Box<dyn Augmentation>`, which is `Send + Sync`, and the guard around it has no other
// state than a `OnceLock<String>` and names.
unsafe impl Send for Imported {}
// SAFETY: as above.
unsafe impl Sync for Imported {}

pub(super) fn import(augmentation: AugmentationBox) -> Box<dyn Augmentation> {
    Box::new(Imported(augmentation))
}

impl Augmentation for Imported {
    fn apply(&self, image: Image, key: Key) -> Result<Image> {
        enter(self.0.apply(AbiImage::give(image)?, key.bits()))?.take()
    }
}
