//! Results to be awaited. Whatever runtime awaits them is never blocked: a thread of its own waits for the session.

use std::collections::VecDeque;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use arrow::array::RecordBatch;
use futures_core::Stream;

use super::{DataFrame, Table};
use crate::base::{Error, Result};
use crate::exec::Cancel;

/// A table that is computed when it is awaited: see [`DataFrame::compute_async`].
#[must_use = "nothing is computed before it is awaited"]
#[derive(Debug)]
pub struct ComputeFuture {
    frame: DataFrame,
    cancel: Cancel,
    started: Option<Arc<Mailbox<Table>>>,
}

/// Record batches that are computed as they are awaited: see [`DataFrame::batches_async`].
#[must_use = "nothing is computed before it is awaited"]
#[derive(Debug)]
pub struct BatchStream {
    frame: DataFrame,
    started: Option<Arc<Mailbox<RecordBatch>>>,
}

/// Batches that wait to be taken before the computation pauses.
const WAITING: usize = 2;

impl DataFrame {
    /// As [`compute`](Self::compute), to be awaited, in any runtime; it begins when it is first polled. Dropped, it stops the
    /// computation.
    ///
    /// ```
    /// # fn block_on<F: std::future::Future>(f: F) -> F::Output {
    /// #     let mut f = std::pin::pin!(f);
    /// #     let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    /// #     loop {
    /// #         if let std::task::Poll::Ready(out) = f.as_mut().poll(&mut context) { break out; }
    /// #         std::thread::yield_now();
    /// #     }
    /// # }
    /// async fn rows(folder: &str) -> partita::Result<usize> {
    ///     let trips = partita::read_parquet(folder)?;
    ///     Ok(trips.head(5)?.compute_async().await?.num_rows())
    /// }
    /// assert_eq!(block_on(rows("data/*.parquet"))?, 5);
    /// # Ok::<(), partita::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`compute`](Self::compute).
    pub fn compute_async(&self) -> ComputeFuture {
        ComputeFuture { frame: self.clone(), cancel: Cancel::new(), started: None }
    }

    /// As [`batches`](Self::batches), as a `Stream` in any runtime: computed ahead by a few partitions, and no further than
    /// they are taken. Dropped, it stops the computation behind the partitions under way.
    ///
    /// # Errors
    /// The stream ends with the first error.
    pub fn batches_async(&self) -> BatchStream {
        BatchStream { frame: self.clone(), started: None }
    }
}

impl Future for ComputeFuture {
    type Output = Result<Table>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<Table>> {
        let this = &mut *self;
        let started = this.started.get_or_insert_with(|| {
            let (frame, cancel) = (this.frame.clone(), this.cancel.clone());
            Mailbox::filled_by(move |mailbox| {
                mailbox.put(frame.compute_unless(&cancel));
            })
        });
        let gone = || Error::invalid("a result was awaited twice");
        started.take(context).map(|result| result.unwrap_or_else(|| Err(gone())))
    }
}

impl Drop for ComputeFuture {
    fn drop(&mut self) {
        self.cancel.cancel();
    }
}

impl Stream for BatchStream {
    type Item = Result<RecordBatch>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<RecordBatch>>> {
        let this = &mut *self;
        let started = this.started.get_or_insert_with(|| {
            let frame = this.frame.clone();
            Mailbox::filled_by(move |mailbox| match frame.batches() {
                Ok(mut batches) => while batches.next().is_some_and(|batch| mailbox.put(batch)) {},
                Err(error) => drop(mailbox.put(Err(error))),
            })
        });
        started.take(context)
    }
}

impl Drop for BatchStream {
    fn drop(&mut self) {
        if let Some(mailbox) = &self.started {
            mailbox.close();
        }
    }
}

/// What a thread hands over to whoever awaits it.
#[derive(Debug)]
struct Mailbox<T> {
    inner: Mutex<Inner<T>>,
    taken: Condvar,
}

#[derive(Debug)]
struct Inner<T> {
    ready: VecDeque<Result<T>>,
    /// Nothing comes any more, or nobody takes it any more.
    ended: bool,
    waker: Option<Waker>,
}

impl<T: Send + 'static> Mailbox<T> {
    /// A mailbox, and a thread that fills it.
    fn filled_by(fill: impl FnOnce(&Mailbox<T>) + Send + 'static) -> Arc<Mailbox<T>> {
        let inner = Mutex::new(Inner { ready: VecDeque::new(), ended: false, waker: None });
        let mailbox = Arc::new(Mailbox { inner, taken: Condvar::new() });
        let theirs = Filling(mailbox.clone());
        let spawned = std::thread::Builder::new().name("partita-async".into()).spawn(move || fill(&theirs.0));
        if let Err(error) = spawned {
            let mut inner = mailbox.lock();
            inner.ready.push_back(Err(Error::system(error).doing("start a thread")));
            inner.ended = true;
        }
        mailbox
    }

    fn lock(&self) -> MutexGuard<'_, Inner<T>> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Hands over an item, when there is room; says whether more is wanted.
    fn put(&self, item: Result<T>) -> bool {
        let mut inner = self.lock();
        while inner.ready.len() >= WAITING && !inner.ended {
            inner = self.taken.wait(inner).unwrap_or_else(PoisonError::into_inner);
        }
        if inner.ended {
            return false;
        }
        let more = item.is_ok();
        inner.ready.push_back(item);
        let waker = inner.waker.take();
        drop(inner);
        if let Some(waker) = waker {
            waker.wake();
        }
        more
    }

    fn take(&self, context: &Context<'_>) -> Poll<Option<Result<T>>> {
        let mut inner = self.lock();
        if let Some(item) = inner.ready.pop_front() {
            self.taken.notify_all();
            return Poll::Ready(Some(item));
        }
        if inner.ended {
            return Poll::Ready(None);
        }
        inner.waker = Some(context.waker().clone());
        Poll::Pending
    }

    /// Nobody takes anything any more.
    fn close(&self) {
        let mut inner = self.lock();
        inner.ended = true;
        inner.ready.clear();
        self.taken.notify_all();
    }
}

/// The thread that fills a mailbox; when it is done, whichever way, nobody waits for it any more.
struct Filling<T: Send + 'static>(Arc<Mailbox<T>>);

impl<T: Send + 'static> Drop for Filling<T> {
    fn drop(&mut self) {
        let waker = {
            let mut inner = self.0.lock();
            inner.ended = true;
            inner.waker.take()
        };
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}
