//! An answer that is on its way.

use std::any::Any;
use std::fmt;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
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
            match self.glance() {
                Some(answer) => return answer,
                None => cancel.check()?,
            }
        }
    }

    /// The answer, if it comes in a moment.
    fn glance(&self) -> Option<Result<T>> {
        match self.answer.recv_timeout(GLANCE) {
            Ok(answer) => Some(answer),
            Err(RecvTimeoutError::Timeout) => None,
            Err(RecvTimeoutError::Disconnected) => Some(Err(Error::invalid("the work on it has stopped"))),
        }
    }
}

impl<T> fmt::Debug for Coming<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Coming")
    }
}

/// An answer that several wait for. Clones are the same answer; when all are dropped before it is there, the work stops.
#[derive(Clone, Debug)]
pub struct Joint<T>(Arc<Mutex<Turn<T>>>);

#[derive(Debug)]
enum Turn<T> {
    Coming(Coming<T>),
    There(Result<T>),
}

impl<T: Clone> Joint<T> {
    /// The answer that is coming, for all who have this.
    pub fn new(coming: Coming<T>) -> Joint<T> {
        Joint(Arc::new(Mutex::new(Turn::Coming(coming))))
    }

    /// Waits for the answer.
    ///
    /// # Errors
    /// Those of the work, for each who waits; `Cancelled` for who is.
    pub fn wait(&self, cancel: &Cancel) -> Result<T> {
        loop {
            match &mut *self.0.lock().unwrap_or_else(PoisonError::into_inner) {
                Turn::There(answer) => return answer.as_ref().map_err(Error::again).cloned(),
                turn => {
                    if let Turn::Coming(coming) = turn
                        && let Some(answer) = coming.glance()
                    {
                        *turn = Turn::There(answer);
                        continue;
                    }
                }
            }
            cancel.check()?;
        }
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

    #[test]
    fn everybody_gets_a_joint_answer_and_one_who_gives_up_takes_nothing_away() {
        let (sender, coming) = Coming::new();
        let (joint, gone) = (Joint::new(coming), Cancel::new());
        gone.cancel();
        assert!(joint.wait(&gone).unwrap_err().is_cancelled());
        std::thread::scope(|scope| {
            let waiting: Vec<_> = (0..3).map(|_| scope.spawn(|| joint.clone().wait(&Cancel::new()).unwrap())).collect();
            sender.send(Ok(7)).unwrap();
            assert_eq!(waiting.into_iter().map(|one| one.join().unwrap()).collect::<Vec<_>>(), [7, 7, 7]);
        });
        let failed = Joint::new(Coming::<u8>::ready(Err(Error::invalid("no"))));
        assert_eq!(failed.wait(&gone).unwrap_err().to_string(), failed.wait(&gone).unwrap_err().to_string());
    }
}
