//! The token that stops a run between batches.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::base::{Error, ErrorKind, Result};

/// Stops what it was given to, soon: tasks look at it between batches. Clones are handles to the same token.
///
/// A user's closure that is running finishes first.
#[derive(Clone, Debug, Default)]
pub struct Cancel(Arc<Flag>);

#[derive(Debug, Default)]
struct Flag {
    set: AtomicBool,
    parent: Option<Cancel>,
}

impl Cancel {
    /// A token that is not cancelled yet.
    pub fn new() -> Self {
        Cancel::default()
    }

    /// A token of its own that is cancelled with this one.
    pub fn child(&self) -> Cancel {
        Cancel(Arc::new(Flag { set: AtomicBool::new(false), parent: Some(self.clone()) }))
    }

    /// Stops everything that looks at this token.
    pub fn cancel(&self) {
        self.0.set.store(true, Ordering::Relaxed);
    }

    /// Whether it was cancelled.
    pub fn is_cancelled(&self) -> bool {
        self.0.set.load(Ordering::Relaxed) || self.0.parent.as_ref().is_some_and(Cancel::is_cancelled)
    }

    /// Fails with `Cancelled` when it was.
    ///
    /// # Errors
    /// `Cancelled`.
    pub fn check(&self) -> Result<()> {
        if self.is_cancelled() { Err(Error::new(ErrorKind::Cancelled)) } else { Ok(()) }
    }
}
