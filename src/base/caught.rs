//! Panics in code of others, as errors.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

use super::{Error, ErrorKind, Result};

/// Calls `work`; a panic in it is an error.
pub(crate) fn caught<T>(work: impl FnOnce() -> Result<T>) -> Result<T> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|panic| Err(panicked(panic.as_ref())))
}

/// Calls code that reads bytes which may be damaged: where it panics, they are.
pub(crate) fn guarded<T>(read: impl FnOnce() -> Result<T>, damaged: impl FnOnce(&str) -> Error) -> Result<T> {
    caught(read).map_err(|error| match error.kind() {
        ErrorKind::Panicked { message } => damaged(message),
        _ => error,
    })
}

/// The error for a caught panic.
fn panicked(panic: &(dyn Any + Send)) -> Error {
    let message = panic
        .downcast_ref::<&str>()
        .map(|s| (*s).to_string())
        .or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "no message".to_string());
    Error::new(ErrorKind::Panicked { message })
}
