//! Rows to train on, and rows to test on.

use std::fmt;
use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, BooleanArray};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Int64Type, SchemaRef};

use super::permutation::Permutation;
use crate::base::{Error, Identity, Result, Tokenizer, mixed};
use crate::expr::fns::map::Map as Closure;
use crate::expr::{Expr, row_number, size};
use crate::frame::DataFrame;
use crate::io::Batch;
use crate::ops::Sample;
use crate::ops::sample::draw::Draws;
use crate::plan::{Flow, Map, Op, Out, Plan, Shape, Stage};

/// Parts a frame, lazily: the rows to train on, and about `test_size` of all to test on.
///
/// Each row is drawn by itself, by the seed and by where it came from: the rows to test on are those of
/// [`sample`](DataFrame::sample) with this fraction and seed, the others are trained on. So every row is in one of the
/// two, which does not depend on partitions or threads, and a row of a larger file stays where it was. The shares vary as
/// the binomial distribution says (Dask's `random_split`; for exact ones see [`stratified_train_test_split`]). Rows stay
/// in their order.
///
/// ```
/// use partita::ml::select::train_test_split;
/// # use std::sync::Arc;
/// # let fare = Arc::new(arrow::array::Int64Array::from_iter_values(0..1000)) as arrow::array::ArrayRef;
/// # let batch = arrow::array::RecordBatch::try_from_iter([("fare", fare)]).unwrap();
/// # let taxi = partita::DataFrame::from_batches([batch])?;
/// let (train, test) = train_test_split(&taxi, 0.2, 42)?;
/// assert_eq!(train.len()? + test.len()?, 1000);
/// assert!((150..250).contains(&test.len()?));
/// # Ok::<(), partita::Error>(())
/// ```
///
/// # Errors
/// `Invalid` for a share that is not between 0 and 1.
pub fn train_test_split(frame: &DataFrame, test_size: f64, seed: u64) -> Result<(DataFrame, DataFrame)> {
    check(test_size)?;
    let test = frame.sample(Sample::fraction(test_size).seed(seed))?;
    Ok((frame.then(Rest { fraction: test_size, seed })?, test))
}

/// Parts a frame, lazily: the rows to train on, and of each class exactly `test_size` of its rows (rounded, halves to
/// even) to test on.
///
/// A class is a value of the column; null is one, and so is NaN. Which of its rows are drawn depends on the seed, on how
/// many rows it has and on the place of each among them, not on partitions or threads. Every row is in one of the two
/// parts, in its order. To know how many rows of its class come before a row, and how many there are, rows of one class
/// meet: both parts read the frame through an exchange.
///
/// # Errors
/// `Invalid` for a share that is not between 0 and 1; `UnknownColumn`.
pub fn stratified_train_test_split(
    frame: &DataFrame,
    test_size: f64,
    seed: u64,
    column: &str,
) -> Result<(DataFrame, DataFrame)> {
    check(test_size)?;
    let test = dealt(test_size, seed, column);
    Ok((frame.filter(!test.clone())?, frame.filter(test)?))
}

fn check(share: f64) -> Result<()> {
    if share > 0.0 && share < 1.0 {
        return Ok(());
    }
    Err(Error::invalid(format!("{share} of the rows to test on")).help("give a share between 0 and 1"))
}

/// Whether a row is tested on: the rows of each class are shuffled, and the first ones are.
fn dealt(share: f64, seed: u64, column: &str) -> Expr {
    let tested = move |args: &[ArrayRef]| -> Result<ArrayRef> {
        let [number, rows] = args else { return Err(Error::invalid("a place among how many rows")) };
        let (number, rows) = (cast(number, &DataType::Int64)?, cast(rows, &DataType::Int64)?);
        let places = number.as_primitive::<Int64Type>().values().iter();
        let pairs = places.zip(rows.as_primitive::<Int64Type>().values());
        // classes come and go; neighbours are mostly of few
        let mut known: Vec<(u64, Permutation)> = Vec::new();
        let test = pairs.map(|(place, rows)| {
            let rows = rows.unsigned_abs();
            let at = known.iter().position(|(of, _)| *of == rows).unwrap_or_else(|| {
                if known.len() >= 64 {
                    known.clear();
                }
                known.push((rows, Permutation::new(mixed(seed, rows), rows)));
                known.len() - 1
            });
            let tested = (share * rows as f64).round_ties_even() as u64;
            Some(known[at].1.at(place.unsigned_abs().saturating_sub(1)) < tested)
        });
        Ok(Arc::new(test.collect::<BooleanArray>()))
    };
    Closure::new("tested", DataType::Boolean, tested)
        .named("tested", format!("{:016x} {seed}", share.to_bits()))
        .of([row_number().over(column), size().over(column)])
}

/// The rows that a [`Sample`] without replacement leaves.
#[derive(Debug)]
struct Rest {
    fraction: f64,
    seed: u64,
}

impl fmt::Display for Rest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "all but {} of the rows, seed {}", self.fraction, self.seed)
    }
}

impl Identity for Rest {
    fn token(&self, t: &mut Tokenizer) {
        t.str("rest of a sample");
        t.f64(self.fraction);
        t.u64(self.seed);
    }
}

impl Op for Rest {
    fn name(&self) -> &'static str {
        "rest of a sample"
    }

    fn schema(&self, inputs: &[SchemaRef]) -> Result<SchemaRef> {
        inputs.first().cloned().ok_or_else(|| Error::invalid("the rest of a sample of nothing"))
    }

    fn shape(&self, _inputs: &[Plan]) -> Result<Shape> {
        let Rest { fraction, seed } = *self;
        Ok(Map::each(move |_| Ok(Box::new(Left { fraction, seed }))))
    }

    fn asks_origins(&self, _above: bool) -> bool {
        true
    }

    fn columns_needed(&self, wanted: &[usize], _inputs: &[SchemaRef]) -> Option<Vec<Vec<usize>>> {
        Some(vec![wanted.to_vec()])
    }
}

struct Left {
    fraction: f64,
    seed: u64,
}

impl Stage for Left {
    fn push(&mut self, batch: Batch, out: &mut Out<'_>) -> Result<Flow> {
        let draws = Draws::new(self.seed, batch.origin.file);
        let left = !&draws.below(self.fraction, &batch.origin.rows, batch.rows());
        let mut batch = batch.filter(&BooleanArray::new(left, None))?;
        batch.origin.file = draws.next_file();
        if batch.rows() == 0 { Ok(Flow::More) } else { out.push(batch) }
    }
}

#[cfg(test)]
mod tests {
    use arrow::array::{Int64Array, RecordBatch, StringArray};

    use super::*;
    use crate::expr::col;

    const ROWS: usize = 900;

    fn frame(parts: usize) -> DataFrame {
        let x: ArrayRef = Arc::new(Int64Array::from_iter_values(0..ROWS as i64));
        let class = |i: usize| if i.is_multiple_of(9) { None } else { Some(["a", "b", "b"][i % 3]) };
        let y: ArrayRef = Arc::new((0..ROWS).map(class).collect::<StringArray>());
        let whole = RecordBatch::try_from_iter([("x", x), ("y", y)]).unwrap();
        let size = ROWS / parts;
        DataFrame::from_batches((0..parts).map(|i| whole.slice(i * size, size))).unwrap()
    }

    fn numbers(frame: &DataFrame) -> Vec<i64> {
        frame.select("x").unwrap().compute().unwrap().f64s("x").unwrap().iter().map(|x| x.unwrap() as i64).collect()
    }

    fn both(parts: [DataFrame; 2]) -> [Vec<i64>; 2] {
        let [train, test] = parts.map(|part| numbers(&part));
        let mut all = [train.clone(), test.clone()].concat();
        all.sort_unstable();
        assert_eq!(all, (0..ROWS as i64).collect::<Vec<_>>());
        assert!(train.is_sorted() && test.is_sorted());
        [train, test]
    }

    #[test]
    fn each_row_is_in_one_part_whatever_the_partitions() {
        let of = |parts| both(train_test_split(&frame(parts), 0.25, 7).unwrap().into());
        let [train, test] = of(1);
        assert!((175..275).contains(&test.len()), "{}", test.len());
        let other = train_test_split(&frame(1), 0.25, 8).unwrap();
        assert_ne!(numbers(&other.1), test);
        assert_eq!(of(1), [train, test]);
        // parts of parts are drawn anew
        let (train, _) = train_test_split(&frame(1), 0.5, 7).unwrap();
        let left = numbers(&train_test_split(&train, 0.5, 7).unwrap().0).len();
        assert!((150..300).contains(&left), "{left}");
        for share in [0.0, 1.0, -0.5, f64::NAN] {
            assert!(train_test_split(&frame(1), share, 7).is_err());
        }
    }

    #[test]
    fn classes_are_parted_exactly() {
        let of = |parts: usize| both(stratified_train_test_split(&frame(parts), 0.25, 7, "y").unwrap().into());
        let one = of(1);
        for parts in [3, 30] {
            assert_eq!(of(parts), one);
        }
        let (_, test) = stratified_train_test_split(&frame(3), 0.25, 7, "y").unwrap();
        let count = |class: &str| test.filter(col("y").eq(class)).unwrap().len().unwrap();
        // 200 and 600 rows, and 100 that are null
        assert_eq!((count("a"), count("b"), test.len().unwrap()), (50, 150, 225));
        let text = stratified_train_test_split(&frame(1), 0.25, 7, "z").unwrap_err().to_string();
        assert!(text.contains("unknown column `z`"), "{text}");
    }
}
