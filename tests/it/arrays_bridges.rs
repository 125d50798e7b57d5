//! Arrays as delayed blocks and as frames, and back.

use ndarray::{ArrayD, IxDyn};
use partita::array::{Array, Chunks, Element, from_fn, from_ndarray, random};
use partita::{DataFrame, Scheduler, Session, col, delayed};

fn table<T: Element>(of: impl Fn(usize) -> T + Send + Sync + 'static) -> Array<T> {
    from_fn([50, 2], ([20, 0, 30], 1), move |i| of(i[0] * 2 + i[1])).unwrap()
}

/// The columns of a frame as numbers, row after row.
fn rows(frame: &DataFrame) -> ArrayD<f64> {
    frame.to_array(["b", "a"]).unwrap().compute().unwrap()
}

fn there_and_back<T: Element + Into<f64>>(array: &Array<T>) {
    let frame = array.to_frame(["a", "b"]).unwrap();
    assert_eq!((frame.len().unwrap(), frame.npartitions().unwrap()), (50, 3));
    let expected = array.slice((.., partita::array::shape::step(-1))).unwrap().compute().unwrap();
    assert_eq!(rows(&frame), expected.mapv(Into::into));
}

#[test]
fn every_type_is_a_column() {
    there_and_back(&table(|i| i as f64 / 7.0));
    there_and_back(&table(|i| i as f32 / 7.0));
    there_and_back(&table(|i| i as i32 - 50));
    there_and_back(&table(|i| i as u8));
    let whole = table(|i| i as i64 - 50).to_frame(["a", "b"]).unwrap();
    assert_eq!(whole.len().unwrap(), 50);
    assert_eq!(rows(&table(|i| i % 3 == 0).to_frame(["a", "b"]).unwrap())[[1, 1]], 0.0);
    let one = from_ndarray(ndarray::arr1(&[1i64, 2, 3]), 2).unwrap().to_frame(["n"]).unwrap();
    assert_eq!(one.to_array(["n"]).unwrap().sum().unwrap().item().unwrap(), 6.0);
}

#[test]
fn frames_are_arrays_for_any_session() {
    for scheduler in [Scheduler::Synchronous, Scheduler::Threads(1), Scheduler::Threads(4)] {
        let session = Session::builder().scheduler(scheduler).build().unwrap();
        let x = random::uniform(4, [1000, 3], (170, 2)).unwrap().in_session(&session);
        let frame = x.to_frame(["a", "b", "c"]).unwrap().filter(col("b").gt(0.5)).unwrap();
        let array = frame.to_array(["a", "c"]).unwrap();
        // the rows of each partition are counted, and its chunk
        assert_eq!((array.shape()[0] as u64, array.numblocks()), (frame.len().unwrap(), vec![6, 1]));
        let twin = x.compute().unwrap();
        let kept: Vec<f64> =
            twin.rows().into_iter().filter(|row| row[1] > 0.5).flat_map(|row| [row[0], row[2]]).collect();
        let shape = [kept.len() / 2, 2];
        assert_eq!(array.compute().unwrap(), ArrayD::from_shape_vec(IxDyn(&shape), kept).unwrap());
    }
}

#[test]
fn what_is_computed_in_a_session_stays_there() {
    let session = || Session::builder().threads(2).memory_limit("64MB").build().unwrap();
    let (first, second) = (session(), session());
    let x = random::uniform(3, [4000, 3], (1000, 2)).unwrap().in_session(&first);
    let centred = &x - x.mean_axis(0).unwrap();
    let frame = centred.to_frame(["a", "b", "c"]).unwrap();
    let array = frame.filter(col("b").gt(0.0)).unwrap().to_array(["a", "c"]).unwrap();
    let (here, peak) = (array.compute().unwrap(), second.budget().peak());
    assert!(first.budget().peak() > 0 && peak == 0 && here.iter().any(|v| *v < 0.0));
    // nothing can run there any more
    first.cancel_token().cancel();
    assert!(matches!(array.compute().unwrap_err().kind(), partita::ErrorKind::Cancelled));
    let there = frame.in_session(&second).filter(col("b").gt(0.0)).unwrap().to_array(["a", "c"]).unwrap();
    assert_eq!((there.compute().unwrap(), second.budget().peak() > 0), (here.clone(), true));
    let there = array.in_session(&second);
    assert_eq!(there.compute().unwrap(), here);
    second.cancel_token().cancel();
    assert!(there.compute().is_err());
}

#[test]
fn delayed_blocks_are_arrays() {
    let x = random::integers(1, 0, 100, [30, 20], (7, 20)).unwrap();
    let blocks = x.to_delayed().unwrap();
    assert_eq!(blocks.len(), 5);
    let negated = blocks.iter().map(|block| block.clone().map(|block: ArrayD<i64>| -block));
    let y = Array::from_delayed(negated, x.chunks().clone()).unwrap();
    assert!(!(&x + &y).any().unwrap().item().unwrap());
    assert_eq!(y.slice((29, -1)).unwrap().item().unwrap(), -x.slice((29, -1)).unwrap().item().unwrap());
    // too few, and one of another shape
    let error = Array::from_delayed(x.to_delayed().unwrap(), Chunks::new([vec![30], vec![20]])).unwrap_err();
    assert!(error.to_string().contains("5 delayed arrays for 1 chunks"), "{error}");
    let small = delayed(|n: i64| ArrayD::from_elem(vec![2], n)).call(3i64);
    let error = Array::from_delayed([small], Chunks::new([vec![3]])).unwrap().compute().unwrap_err().to_string();
    assert!(error.contains("has the shape [2], not [3]"), "{error}");
}

#[test]
fn what_does_not_fit_a_frame_is_said() {
    let x = table(|i| i as f64);
    let error = x.to_frame(["a"]).unwrap_err().to_string();
    assert!(error.contains("1 names of columns do not fit an array of shape [50, 2]"), "{error}");
    let error = x.to_frame(["a", "a"]).unwrap_err();
    assert!(matches!(error.kind(), partita::ErrorKind::Invalid { .. }), "{error:?}");
    assert!(error.to_string().contains("two columns are named a"), "{error}");
    let frame = x.to_frame(["a", "b"]).unwrap();
    assert!(frame.to_array(["c"]).unwrap_err().to_string().contains('c'));
}
