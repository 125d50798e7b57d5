//! An answer that is on its way.

use std::any::Any;
use std::fmt;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::time::Duration;

use crate::base::{Error, Result};
use crate::exec::Cancel;

/// How often somebody who waits looks whether the run was cancelled.
const GLANCE: Duration = Duration::from_millis(50);

/// An answer that somebody else works on. Dropped, it is not needed any more, and the work stops.
pub struct Coming<T> {
    answer: Receiver<Result<T>>,
    /// Stops the work when it is dropped.
    _work: Option<Box<dyn Any + Send + Sync>>,
}

impl<T> Coming<T> {
    /// An answer that goes into the other end. What stops the work is added by [`stopped_by`](Self::stopped_by).
    pub fn new() -> (SyncSender<Result<T>>, Coming<T>) {
        let (sender, answer) = sync_channel(1);
        (sender, Coming { answer, _work: None })
    }

    /// An answer that is there.
    pub fn ready(answer: Result<T>) -> Coming<T> {
        let (sender, coming) = Coming::new();
        // there is room for one
        let _ = sender.send(answer);
        coming
    }

    /// The same; `work` is dropped with it.
    #[must_use]
    pub fn stopped_by(self, work: impl Any + Send + Sync) -> Coming<T> {
        Coming { _work: Some(Box::new(work)), ..self }
    }

    /// Waits for the answer.
    ///
    /// # Errors
    /// Those of the work; `Cancelled`.
    pub fn wait(self, cancel: &Cancel) -> Result<T> {
        loop {
            match self.answer.recv_timeout(GLANCE) {
                Ok(answer) => return answer,
                Err(RecvTimeoutError::Timeout) => cancel.check()?,
                Err(RecvTimeoutError::Disconnected) => return Err(Error::invalid("the work on it has stopped")),
            }
        }
    }
}

impl<T> fmt::Debug for Coming<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Coming")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waiting_ends_with_the_answer_or_with_the_run() {
        assert_eq!(Coming::ready(Ok(3)).wait(&Cancel::new()).unwrap(), 3);
        let (sender, coming) = Coming::<u8>::new();
        let cancel = Cancel::new();
        cancel.cancel();
        assert!(coming.wait(&cancel).unwrap_err().is_cancelled());
        assert!(sender.send(Ok(1)).is_err(), "nobody waits any more");
    }
}
