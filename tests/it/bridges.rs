//! Rows from other Arrow programs and to them, results to be awaited, files by their names.

use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};

use arrow::array::{ArrayRef, Int64Array, RecordBatch, RecordBatchIterator, RecordBatchReader};
use arrow::error::ArrowError;
use futures_core::Stream;
use partita::{DataFrame, ErrorKind, Session, col, read_csv, read_parquet, read_table};

fn numbers(from: i64, to: i64) -> RecordBatch {
    RecordBatch::try_from_iter([("n", Arc::new((from..to).collect::<Int64Array>()) as ArrayRef)]).unwrap()
}

fn frame() -> DataFrame {
    DataFrame::from_batches((0..10).map(|i| numbers(i * 1_000, i * 1_000 + 1_000))).unwrap()
}

struct Unpark(std::thread::Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

/// The smallest runtime there is.
fn block_on<F: Future>(future: F) -> F::Output {
    let waker = Waker::from(Arc::new(Unpark(std::thread::current())));
    let (mut future, mut context) = (pin!(future), Context::from_waker(&waker));
    loop {
        match future.as_mut().poll(&mut context) {
            Poll::Ready(out) => return out,
            Poll::Pending => std::thread::park(),
        }
    }
}

struct Next<'a, S>(&'a mut S);

impl<S: Stream + Unpin> Future for Next<'_, S> {
    type Output = Option<S::Item>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        Pin::new(&mut *self.0).poll_next(context)
    }
}

#[test]
fn a_reader_is_kept_in_little_memory_too() {
    let session = Session::builder().memory_limit(300_000_u64).threads(2).build().unwrap();
    let batches = (0..200).map(|i| Ok(numbers(i * 1_000, i * 1_000 + 1_000)));
    let reader = RecordBatchIterator::new(batches, numbers(0, 0).schema());
    let frame = session.from_reader(reader).unwrap();
    for _ in 0..2 {
        let sum = frame.sum().unwrap().compute().unwrap().f64s("n").unwrap();
        assert_eq!(sum, [Some((199_999_i64 * 200_000 / 2) as f64)]);
    }
    assert!(session.task_context().spill.written().0 > 0);
    drop(frame);
    assert_eq!(session.budget().held(), 0);
}

#[test]
fn what_a_reader_says_is_what_comes() {
    let broken = [Ok(numbers(0, 3)), Err(ArrowError::ParseError("no such luck".into()))];
    let error = DataFrame::from_reader(RecordBatchIterator::new(broken, numbers(0, 0).schema())).unwrap_err();
    assert!(error.to_string().contains("no such luck"), "{error}");
    let none = RecordBatchIterator::new([], numbers(0, 0).schema());
    assert_eq!(DataFrame::from_reader(none).unwrap().len().unwrap(), 0);
}

#[test]
fn streams_go_both_ways() {
    let (there, schema) = (frame().to_arrow_stream().unwrap(), frame().schema().clone());
    let back = DataFrame::from_arrow_stream(there).unwrap();
    assert_eq!(back.schema(), &schema);
    assert_eq!(back.compute().unwrap().to_batch().unwrap(), frame().compute().unwrap().to_batch().unwrap());
    let reader = frame().to_reader().unwrap();
    assert_eq!(reader.schema(), schema);
    assert_eq!(reader.map(|batch| batch.unwrap().num_rows()).sum::<usize>(), 10_000);
    let failing =
        frame().map_partitions(|_| Err(partita::Error::other("not this one")), frame().schema().clone()).unwrap();
    let error = failing.to_reader().unwrap().find_map(Result::err).unwrap();
    assert!(error.to_string().contains("not this one"), "{error}");
    let through = DataFrame::from_reader(failing.to_reader().unwrap()).unwrap_err();
    assert!(matches!(through.kind(), ErrorKind::Other { .. }), "{through}");
}

#[test]
fn results_are_awaited() {
    let frame = frame().filter(col("n").lt(2_500)).unwrap();
    assert_eq!(block_on(frame.compute_async()).unwrap().num_rows(), 2_500);
    let mut stream = frame.batches_async();
    let mut rows = 0;
    while let Some(batch) = block_on(Next(&mut stream)) {
        rows += batch.unwrap().num_rows();
    }
    assert_eq!(rows, 2_500);
    let failing = frame.map_partitions(|_| Err(partita::Error::other("not this one")), frame.schema().clone()).unwrap();
    assert!(block_on(failing.compute_async()).unwrap_err().to_string().contains("not this one"));
    let mut stream = failing.batches_async();
    assert!(block_on(Next(&mut stream)).unwrap().is_err());
    assert!(block_on(Next(&mut stream)).is_none());
}

#[test]
fn what_is_dropped_stops() {
    let session = Session::builder().threads(2).build().unwrap();
    let slow = frame().in_session(&session).map_partitions(
        |batch| {
            std::thread::sleep(std::time::Duration::from_millis(20));
            Ok(batch)
        },
        frame().schema().clone(),
    );
    let slow = slow.unwrap();
    let mut context = Context::from_waker(Waker::noop());
    let mut future = Box::pin(slow.compute_async());
    assert!(future.as_mut().poll(&mut context).is_pending());
    drop(future);
    let mut stream = slow.batches_async();
    assert!(Pin::new(&mut stream).poll_next(&mut context).is_pending());
    drop(stream);
    drop(slow.compute_async());
}

#[test]
fn names_tell_formats() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let rows = frame().head(1_500).unwrap();
    let whole = rows.compute().unwrap().to_batch().unwrap();
    for name in ["a.parquet", "a.csv", "a.tsv", "a.csv.gz", "a.jsonl", "a.ndjson.zst", "a.arrow", "a.feather"] {
        rows.write_table(at(name)).unwrap();
        let back = read_table(at(name)).unwrap();
        assert_eq!(back.compute().unwrap().to_batch().unwrap().column(0), whole.column(0), "{name}");
    }
    assert_eq!(read_csv(at("a.csv")).unwrap().len().unwrap(), read_parquet(at("a.parquet")).unwrap().len().unwrap());
    let several = read_table(folder.path()).unwrap_err();
    assert!(several.to_string().contains("several formats"), "{several}");
    let unknown = rows.write_table(at("a.doc")).unwrap_err();
    assert!(unknown.to_string().contains("does not tell a format"), "{unknown}");
    std::fs::write(at("b.doc"), "x").unwrap();
    assert!(read_table(at("b.doc")).unwrap_err().to_string().contains("read_csv"));
}
