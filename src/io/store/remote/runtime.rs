//! The threads that speak to stores: two for the whole process, started when they are first needed.

use std::future::Future;
use std::sync::{Arc, OnceLock};

use tokio::runtime::{Builder, Runtime};
use tokio::task::AbortHandle;

use crate::base::{Error, Result};
use crate::io::store::Coming;

/// They mostly wait; what they do is to take packets apart and to decrypt.
const THREADS: usize = 2;

fn runtime() -> Result<&'static Runtime> {
    static RUNTIME: OnceLock<Result<Runtime, Arc<Error>>> = OnceLock::new();
    let made = RUNTIME.get_or_init(|| {
        let runtime =
            Builder::new_multi_thread().worker_threads(THREADS).thread_name("partita-io").enable_all().build();
        runtime.map_err(|e| Arc::new(Error::system(e).doing("start the threads that read from stores")))
    });
    made.as_ref().map_err(|e| e.again())
}

/// Begins to work on an answer, and stops when nobody waits for it any more.
pub fn start<T: Send + 'static>(work: impl Future<Output = Result<T>> + Send + 'static) -> Coming<T> {
    let runtime = match runtime() {
        Ok(runtime) => runtime,
        Err(error) => return Coming::ready(Err(error)),
    };
    let (sender, coming) = Coming::new();
    let task = runtime.spawn(async move {
        // nobody may wait any more
        let _ = sender.send(work.await);
    });
    coming.stopped_by(Stop(task.abort_handle()))
}

struct Stop(AbortHandle);

impl Drop for Stop {
    fn drop(&mut self) {
        self.0.abort();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exec::Cancel;

    #[test]
    fn it_may_be_waited_for_inside_of_another_runtime() {
        let outer = Builder::new_current_thread().build().unwrap();
        let answer = outer.block_on(async { start(async { Ok(7) }).wait(&Cancel::new()) });
        assert_eq!(answer.unwrap(), 7);
    }
}
