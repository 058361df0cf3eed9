//! Augmentations: images in, other images of the same thing out.

use crate::{Image, Key, Result};

/// A deterministic function of an image and a key.
///
/// The engine calls it from several threads and derives the key from (seed, stage, epoch, sample, view), so an
/// augmentation keeps no state and draws everything random from `key.rng()`.
pub trait Augmentation: Send + Sync {
    /// The augmented image. All images of a batch must come out in one size.
    fn apply(&self, image: Image, key: Key) -> Result<Image>;
}
