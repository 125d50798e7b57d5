//! Batches for tests, and the law of fits.

use std::fmt::Debug;
use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, Float64Array, RecordBatch};
use arrow::datatypes::Float64Type;

use super::one_pass::{Fitting, OnePass};

pub(super) fn batch<const N: usize>(columns: [(&str, Vec<f64>); N]) -> RecordBatch {
    let columns = columns.map(|(name, values)| (name, Arc::new(Float64Array::from(values)) as ArrayRef));
    RecordBatch::try_from_iter(columns).unwrap()
}

pub(super) fn of_columns<const N: usize>(columns: [(&str, ArrayRef); N]) -> RecordBatch {
    RecordBatch::try_from_iter_with_nullable(columns.map(|(name, values)| (name, values, true))).unwrap()
}

pub(super) fn values(batch: &RecordBatch, column: usize) -> Vec<f64> {
    batch.column(column).as_primitive::<Float64Type>().values().to_vec()
}

pub(super) fn names(batch: &RecordBatch) -> Vec<String> {
    batch.schema().fields().iter().map(|f| f.name().clone()).collect()
}

/// Numbers with nulls, NaN, ties and both zeros.
pub(super) fn rows() -> RecordBatch {
    let number = |i: usize, k: usize| match (i * k) % 13 {
        3 => None,
        5 => Some(f64::NAN),
        7 => Some(-0.0),
        r => Some((r as f64 - 6.0) / 3.0 * i as f64),
    };
    let column = |k: usize| Arc::new((0..97).map(|i| number(i, k)).collect::<Float64Array>()) as ArrayRef;
    of_columns([("x", column(5)), ("y", column(7))])
}

/// Fits pass by pass: each part of the rows by itself, then merged in their order.
pub(super) fn fit_in_parts<S: OnePass>(step: &S, rows: &RecordBatch, size: usize) -> S::Fitted {
    let pass = |step: &S| {
        let mut whole = step.begin(&rows.schema()).unwrap();
        for start in (0..rows.num_rows()).step_by(size) {
            let mut stats = step.begin(&rows.schema()).unwrap();
            step.update(&mut stats, &rows.slice(start, size.min(rows.num_rows() - start))).unwrap();
            step.merge(&mut whole, stats).unwrap();
        }
        step.after_pass(whole).unwrap()
    };
    let mut fitting = pass(step);
    loop {
        match fitting {
            Fitting::Fitted(fitted) => return fitted,
            Fitting::Again(step) => fitting = pass(&step),
        }
    }
}

/// What is learnt does not depend on where batches end.
pub(super) fn law<S: OnePass>(step: &S)
where
    S::Fitted: PartialEq + Debug,
{
    let rows = rows();
    let whole = step.fit_batches(&rows.schema(), [&rows]).unwrap();
    for size in [1, 7, 40, 96] {
        assert_eq!(fit_in_parts(step, &rows, size), whole);
    }
}
