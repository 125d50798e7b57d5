//! What to do when memory does not suffice for training.

use crate::base::{Error, ErrorKind};

/// An error of memory with the next step that helps here; others as they are.
pub(super) fn short(error: Error, step: &str) -> Error {
    match error.kind() {
        ErrorKind::Memory { what, needed, limit } => {
            let kind = ErrorKind::Memory { what: what.clone(), needed: *needed, limit: *limit };
            Error::new(kind).doing("fit a model to all rows").help(step)
        }
        _ => error,
    }
}
