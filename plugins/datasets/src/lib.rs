//! Data sets as components: published ones read from their original files, a user's own folders and tables, and
//! two that are drawn by the program and need no files.
//!
//! Nothing is downloaded. Files are looked for in the folders that the host hands over; an error names what is
//! missing, its published size and sum, and every folder that was searched.

mod cifar;
mod cifar_classes;
mod files;
mod folder;
pub mod formats;
mod memory;
mod mnist;
mod on_disk;
mod pictures;
mod svhn;
mod synthetic;
mod table;
mod verify;

pub use cifar::{Cifar10, Cifar10Config, Cifar100, Cifar100Config, LabelKind};
pub use folder::{Folder, FolderConfig};
pub use memory::{Images, InMemory, Parts, Source};
pub use mnist::{FashionMnist, FashionMnistConfig, Mnist, MnistConfig};
pub use on_disk::{Listed, Listing, OnDisk};
pub use pictures::{Entry, Wanted};
pub use svhn::{Svhn, SvhnConfig};
pub use synthetic::{SyntheticDigits, SyntheticDigitsConfig, SyntheticObjects, SyntheticObjectsConfig};
pub use table::{Csv, CsvConfig};

scant_abi::plugin! {
    dataset InMemory<Mnist>,
    dataset InMemory<FashionMnist>,
    dataset InMemory<Cifar10>,
    dataset InMemory<Cifar100>,
    dataset InMemory<Svhn>,
    dataset InMemory<SyntheticDigits>,
    dataset InMemory<SyntheticObjects>,
    dataset OnDisk<Folder>,
    dataset OnDisk<Csv>,
}
