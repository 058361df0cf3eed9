//! What commands find, on the standard output.

use std::fmt::Arguments;
use std::io::Write;

/// Writes a line, as `println!` does, and ends the program where nothing can be written, where that panics.
macro_rules! say {
    ($($text:tt)*) => { $crate::output::write(format_args!("{}\n", format_args!($($text)*))) };
}
pub(crate) use say;

/// Writes `text`, or says why it cannot be written and ends the program.
pub(crate) fn write(text: Arguments<'_>) {
    let mut out = std::io::stdout().lock();
    if let Err(error) = out.write_fmt(text).and_then(|()| out.flush()) {
        eprintln!("error: cannot write to the standard output: {error}");
        std::process::exit(1);
    }
}
