//! The file formats, from bytes alone: each parser takes what may be damaged or hostile, and either returns what
//! stands there or an error that says at which byte or row it went wrong. None panics, and none allocates what a
//! header claims before the length of the input allows it.

pub mod archive;
pub mod cifar;
pub mod gzip;
pub mod idx;
pub mod mat;
pub mod picture;
pub mod table;
