//! What commands find, on the standard output.

use std::fmt::Arguments;
use std::io::Write;

use scant_abi::{Error, ErrorKind, Result};

/// Writes a line, as `println!` does, and gives an error where nothing can be written, where that panics.
macro_rules! say {
    ($($text:tt)*) => { $crate::output::write(format_args!("{}\n", format_args!($($text)*))) };
}
pub(crate) use say;

/// Writes `text` as it is.
pub(crate) fn write(text: Arguments<'_>) -> Result<()> {
    let mut out = std::io::stdout().lock();
    out.write_fmt(text)
        .and_then(|()| out.flush())
        .map_err(|error| Error::caused_by(ErrorKind::Io, "cannot write to the standard output", &error))
}
