//! The target, batch by batch: class numbers in the order of appearance, or values.

use arrow::array::{Array, ArrayRef, AsArray, Float64Array, UInt32Array};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Float64Type, UInt32Type};
use rustc_hash::FxHashMap;

use crate::base::schema::logical;
use crate::base::{Error, Result};
use crate::ml::classes::{Classes, unpacked};
use crate::ml::estimator::labels::{Task, Truth};

/// More distinct labels than this are values, not classes.
const MOST: usize = 1_000;

/// The target of rows seen so far.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    task: Task,
    /// Labels in the order in which they appeared.
    labels: Option<Classes>,
    /// Rows of each.
    counts: Vec<u64>,
    rows: u64,
}

impl Seen {
    pub fn new(task: Task) -> Seen {
        Seen { task, labels: None, counts: Vec::new(), rows: 0 }
    }

    /// Rows of each label so far, in the order of appearance.
    pub fn counts(&self) -> &[u64] {
        &self.counts
    }

    /// What the cache holds of a batch of the target: numbers of classes by their appearance, or values.
    ///
    /// # Errors
    /// `Model` for a null or NaN, naming the row among all; `TypeMismatch` for a type that cannot be learnt.
    pub fn column(&mut self, column: &ArrayRef) -> Result<ArrayRef> {
        // what is null among the values of a dictionary is not null among its keys
        let column = &unpacked(column)?;
        let missing = |what: &str, row: usize| {
            Error::model(format!("the target is {what} in row {}", self.rows + row as u64))
                .help("drop the rows without a label, or fill them")
        };
        if let Some(row) = (0..column.len()).find(|&row| column.is_null(row)) {
            return Err(missing("null", row));
        }
        if logical(column.data_type()).is_floating() {
            let values = cast(column, &DataType::Float64)?;
            if let Some(row) = values.as_primitive::<Float64Type>().values().iter().position(|v| v.is_nan()) {
                return Err(missing("NaN", row));
            }
        }
        let codes = match self.task {
            Task::Classification => self.codes(column)?,
            Task::Regression => self.values(column)?,
        };
        self.rows += column.len() as u64;
        Ok(codes)
    }

    fn values(&self, column: &ArrayRef) -> Result<ArrayRef> {
        let t = logical(column.data_type());
        if !(t.is_numeric() || t == DataType::Boolean) {
            return Err(Error::types(format!("a target of type {t} is no number")));
        }
        let values = cast(column, &DataType::Float64)?;
        let infinite = values.as_primitive::<Float64Type>().values().iter().position(|v| v.is_infinite());
        match infinite {
            Some(row) => Err(Error::model(format!("the target is infinite in row {}", self.rows + row as u64))),
            None => Ok(values),
        }
    }

    fn codes(&mut self, column: &ArrayRef) -> Result<ArrayRef> {
        let (found, rows) = Classes::of_column(column)?;
        let labels = self.labels.get_or_insert_with(|| found.prefix(0));
        // sorted labels say nothing of which came first
        let mut first: FxHashMap<u32, u32> = FxHashMap::default();
        let mut order = Vec::new();
        for row in &rows {
            first.entry(*row).or_insert_with(|| {
                order.push(*row as usize);
                0
            });
        }
        let numbers = labels.numbered(&found, &order)?;
        if labels.len() > MOST {
            return Err(Error::model(format!("the target has more than {MOST} distinct values, too many for classes"))
                .help("learn values with a regression, or make a boolean target, as col(\"y\").gt(0.2)"));
        }
        self.counts.resize(labels.len(), 0);
        let codes: Vec<u32> = rows.iter().map(|row| numbers[*row as usize]).collect();
        codes.iter().for_each(|code| self.counts[*code as usize] += 1);
        Ok(std::sync::Arc::new(UInt32Array::from(codes)))
    }

    /// The classes in rising order (none of values), and the place there of each label that appeared.
    ///
    /// # Errors
    /// Never in practice.
    pub fn finish(&self) -> Result<(Classes, Vec<u32>)> {
        match &self.labels {
            Some(labels) => Classes::of_column(&labels.column(0..labels.len())),
            None => Ok((Classes::Float(Vec::new()), Vec::new())),
        }
    }
}

/// The target of a cached batch, its classes numbered by `places`.
pub(super) fn truth(column: &ArrayRef, places: &[u32]) -> Truth {
    match column.as_primitive_opt::<UInt32Type>() {
        Some(codes) => Truth::Classes(codes.values().iter().map(|code| places[*code as usize]).collect()),
        None => Truth::Values(column.as_primitive_opt::<Float64Type>().map_or(Vec::new(), floats)),
    }
}

fn floats(values: &Float64Array) -> Vec<f64> {
    values.values().to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow::array::{Int64Array, StringArray};
    use std::sync::Arc;

    #[test]
    fn classes_are_numbered_by_appearance_and_sorted_in_the_end() {
        let mut seen = Seen::new(Task::Classification);
        let batch = |texts: Vec<&str>| Arc::new(StringArray::from(texts)) as ArrayRef;
        let first = seen.column(&batch(vec!["n", "y", "n"])).unwrap();
        let second = seen.column(&batch(vec!["a", "y"])).unwrap();
        let codes = |column: &ArrayRef| column.as_primitive::<UInt32Type>().values().to_vec();
        assert_eq!((codes(&first), codes(&second)), (vec![0, 1, 0], vec![2, 1]));
        let (classes, places) = seen.finish().unwrap();
        assert_eq!(
            (classes, places.as_slice()),
            (Classes::Text(vec!["a".into(), "n".into(), "y".into()]), &[1, 2, 0][..])
        );
        assert_eq!(seen.counts(), [2, 2, 1]);
        assert!(matches!(truth(&second, &places), Truth::Classes(classes) if classes == [0, 2]));
    }

    #[test]
    fn the_row_of_a_missing_label_counts_from_the_first_of_all() {
        let mut seen = Seen::new(Task::Regression);
        seen.column(&(Arc::new(Int64Array::from(vec![1, 2])) as ArrayRef)).unwrap();
        let text =
            seen.column(&(Arc::new(Float64Array::from(vec![1.0, f64::NAN])) as ArrayRef)).unwrap_err().to_string();
        assert!(text.contains("NaN in row 3"), "{text}");
        let mut seen = Seen::new(Task::Classification);
        let many: ArrayRef = Arc::new(Int64Array::from_iter_values(0..2_000));
        assert!(seen.column(&many).unwrap_err().to_string().contains("learn values with a regression"));
    }
}
