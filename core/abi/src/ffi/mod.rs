//! The boundary between libraries: the one module that knows of raw pointers and of `abi_stable`.
#![allow(unsafe_code)]

mod buffer;

pub use buffer::{DeviceSlice, DeviceSliceMut, Foreign, Release};
