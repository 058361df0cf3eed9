//! The boundary between libraries: the one module that knows of raw pointers and of `abi_stable`.
//!
//! Each kind of component has a file with two wrappers: a guarded native object that another library may call, and
//! another library's object that behaves like a native one. Nobody outside sees which of both it has.
#![allow(unsafe_code)]
// Both come from the macros of abi_stable.
#![allow(non_local_definitions, non_camel_case_types)]

mod augmentation;
mod buffer;
mod context;
mod dataset;
mod evaluator;
mod guard;
mod host;
mod layout;
mod load;
mod loss;
mod model;
mod root;
mod tensor;
mod trainer;
mod values;

pub use buffer::{DeviceSlice, DeviceSliceMut, Foreign, Release};
pub use load::{Loaded, check_file, load};
pub use root::CONTRACT;

// What `export!` names.
#[doc(hidden)]
pub use host::Host;
#[doc(hidden)]
pub use root::{Header, Root, crossed, start};
#[doc(hidden)]
pub use values::AbiResult;
