//! Data sets as components: published ones read from their original files, a user's own folders and tables, and
//! two that are drawn by the program and need no files.
//!
//! Nothing is downloaded. Files are looked for in the folders that the host hands over; an error names what is
//! missing, its published size and sum, and every folder that was searched.

mod cifar;
mod cifar_classes;
mod files;
pub mod formats;
mod memory;
mod mnist;
mod synthetic;
mod verify;

pub use cifar::{Cifar10, Cifar10Config, Cifar100, Cifar100Config, LabelKind};
pub use memory::{Images, InMemory, Parts, Source};
pub use mnist::{FashionMnist, FashionMnistConfig, Mnist, MnistConfig};
pub use synthetic::{SyntheticDigits, SyntheticDigitsConfig};

scant_abi::plugin! {
    dataset InMemory<Mnist>,
    dataset InMemory<FashionMnist>,
    dataset InMemory<Cifar10>,
    dataset InMemory<Cifar100>,
    dataset InMemory<SyntheticDigits>,
}
