//! How the program ends.

use std::fmt;
use std::process::ExitCode;

use crate::config::ConfigError;

/// Exit codes; part of the command line's contract, and documented in `--help`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Code {
    /// Failed, or refused by the server.
    Failed = 1,
    /// The command line asks for something that makes no sense.
    Usage = 2,
    /// The server cannot be reached.
    Unavailable = 69,
    /// The disk or the store failed.
    Io = 74,
    /// The server does not allow it.
    NotAllowed = 77,
    /// The configuration is wrong.
    Config = 78,
}

/// A failure with a code of its own.
#[derive(Debug)]
pub(crate) struct Failure {
    /// How the program ends.
    pub(crate) code: Code,
    message: String,
}

impl Failure {
    /// Makes the failure.
    pub(crate) fn new(code: Code, message: impl Into<String>) -> Self {
        Self { code, message: message.into() }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Failure {}

/// Returns the code with which an error ends the program.
pub(crate) fn code_of(error: &anyhow::Error) -> Code {
    if let Some(failure) = error.downcast_ref::<Failure>() {
        return failure.code;
    }
    if error.downcast_ref::<ConfigError>().is_some() {
        return Code::Config;
    }
    if error.downcast_ref::<std::io::Error>().is_some() {
        return Code::Io;
    }
    Code::Failed
}

/// Tells whether whoever reads our output has gone (`lampfield tail | head`): no failure of ours.
pub(crate) fn is_closed_pipe(error: &anyhow::Error) -> bool {
    error
        .downcast_ref::<std::io::Error>()
        .is_some_and(|error| error.kind() == std::io::ErrorKind::BrokenPipe)
}

impl From<Code> for ExitCode {
    fn from(code: Code) -> Self {
        Self::from(code as u8)
    }
}
