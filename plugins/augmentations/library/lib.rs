//! The loadable library of scant-augmentations.

scant_abi::export!(scant_augmentations);
