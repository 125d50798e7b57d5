//! Something to look at.

use std::sync::Arc;
use std::time::Duration;

use arrow::array::{ArrayRef, Int64Array, RecordBatch};
use partita::watch::Dashboard;
use partita::{Error, Result, Scheduler, Session};

pub fn session(scheduler: Scheduler) -> Session {
    Session::builder().scheduler(scheduler).memory_limit("200MB").build().unwrap()
}

pub fn open(session: &Session) -> Dashboard {
    Dashboard::builder().address("127.0.0.1:0").start(session).unwrap()
}

fn row(i: usize) -> RecordBatch {
    let column: ArrayRef = Arc::new(Int64Array::from(vec![i as i64]));
    RecordBatch::try_from_iter([("x", column)]).unwrap()
}

/// One task for each of so many rows, which takes so long; that of one row fails.
pub fn naps(session: &Session, rows: usize, each: Duration, fails: Option<i64>) -> Result<usize> {
    let frame = session.from_batches((0..rows).map(row))?;
    let nap = move |batch: RecordBatch| {
        std::thread::sleep(each);
        let value = batch.column(0).as_any().downcast_ref::<Int64Array>().map(|c| c.value(0));
        match fails.is_some_and(|f| value == Some(f)) {
            true => Err(Error::invalid("this row is <b>not</b> wanted")),
            false => Ok(batch),
        }
    };
    let schema = frame.schema().clone();
    Ok(frame.map_partitions(nap, schema)?.compute()?.num_rows())
}
