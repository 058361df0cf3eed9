//! scant-augmentations
