//! What went wrong, in a form that survives the boundary between libraries.

use std::fmt;

/// The result of everything in the contract.
pub type Result<T> = std::result::Result<T, Error>;

/// The class of an error: decides who has to act.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorKind {
    /// The configuration is wrong: the user edits a file.
    Config,
    /// A data file is missing, damaged or of the wrong shape.
    Data,
    /// Tensors do not fit together.
    Shape,
    /// A number became NaN or infinite.
    Numeric,
    /// Reading or writing failed.
    Io,
    /// The component cannot do what was asked, on this device or at all.
    Unsupported,
    /// A library could not be taken as a plugin.
    Plugin,
    /// A plugin panicked; the panic was caught at its boundary.
    Panic,
}

/// An error with its kind, one clear sentence, and the causes beneath it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error {
    kind: ErrorKind,
    message: String,
    causes: Vec<String>,
}

impl Error {
    /// An error without a cause.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), causes: Vec::new() }
    }

    /// An error caused by another error, whose own sources are kept as text.
    pub fn caused_by(
        kind: ErrorKind,
        message: impl Into<String>,
        cause: &(dyn std::error::Error + 'static),
    ) -> Self {
        let causes = std::iter::successors(Some(cause), |e| e.source()).map(ToString::to_string).collect();
        Self { kind, message: message.into(), causes }
    }

    /// An error from its parts, as they come out of a library.
    pub fn from_parts(kind: ErrorKind, message: String, causes: Vec<String>) -> Self {
        Self { kind, message, causes }
    }

    /// A [`ErrorKind::Config`] error.
    pub fn config(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Config, message)
    }

    /// A [`ErrorKind::Data`] error.
    pub fn data(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Data, message)
    }

    /// A [`ErrorKind::Shape`] error.
    pub fn shape(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Shape, message)
    }

    /// The same error one level further out: `message` says what was being done.
    #[must_use]
    pub fn context(mut self, message: impl Into<String>) -> Self {
        let inner = std::mem::replace(&mut self.message, message.into());
        self.causes.insert(0, inner);
        self
    }

    /// Who has to act.
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// What was being done, without the causes.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// Why it failed, outermost first.
    pub fn causes(&self) -> &[String] {
        &self.causes
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        self.causes.iter().try_for_each(|cause| write!(f, ": {cause}"))
    }
}

impl std::error::Error for Error {}

/// Adds what was being done to an error.
pub trait Context<T> {
    /// Puts `message` in front of the error, if there is one.
    fn context(self, message: impl FnOnce() -> String) -> Result<T>;
}

impl<T> Context<T> for Result<T> {
    fn context(self, message: impl FnOnce() -> String) -> Result<T> {
        self.map_err(|error| error.context(message()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_whole_chain_is_shown_outermost_first() {
        let error = Error::data("row 3: no such file").context("cannot read labels.csv");
        assert_eq!(error.to_string(), "cannot read labels.csv: row 3: no such file");
        assert_eq!(error.kind(), ErrorKind::Data);
        assert_eq!(error.causes(), ["row 3: no such file"]);
    }
}
