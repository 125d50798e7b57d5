//! Frames as linfa's records, and the column that is to be learnt.

use arrow::datatypes::Schema;
use linfa::dataset::{DatasetBase, Records};

use crate::base::schema::index_of;
use crate::base::{Error, ErrorKind, Result};
use crate::frame::DataFrame;

/// The column of a frame that is to be learnt: the targets of a dataset whose records are a [`DataFrame`]. All other
/// columns are features.
///
/// ```
/// use partita::{DataFrame, ml::{Target, linfa::DatasetBase}};
/// # let ones = std::sync::Arc::new(arrow::array::Int64Array::from(vec![1, 2])) as _;
/// # let batch = arrow::array::RecordBatch::try_from_iter([("high_tip", ones)]).unwrap();
/// let frame = DataFrame::from_batches([batch])?;
/// let dataset = DatasetBase::new(frame, Target::column("high_tip"));
/// # Ok::<(), partita::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    column: String,
    weight: Option<String>,
}

impl Target {
    /// This column.
    pub fn column(name: impl Into<String>) -> Self {
        Target { column: name.into(), weight: None }
    }

    /// Each row counts in fits and scores as often as this column says: finite numbers, 0 or above. It is no feature.
    #[must_use]
    pub fn weighted_by(mut self, column: impl Into<String>) -> Self {
        self.weight = Some(column.into());
        self
    }

    /// The name of the column.
    pub fn name(&self) -> &str {
        &self.column
    }

    /// The column of the weights, if rows have any.
    pub fn weight(&self) -> Option<&str> {
        self.weight.as_deref()
    }
}

impl Records for DataFrame {
    type Elem = f64;

    /// The number of rows, counted if it is not known; 0 if counting fails ([`DataFrame::len`] tells why).
    fn nsamples(&self) -> usize {
        self.len().map_or(0, |rows| rows as usize)
    }

    /// The number of columns, the target among them.
    fn nfeatures(&self) -> usize {
        self.schema().fields().len()
    }
}

/// The error of a pipeline; where the column that it does not find is none of the features it says why.
pub(crate) fn no_feature(error: Error, target: &Target, group: Option<&str>) -> Error {
    let ErrorKind::UnknownColumn { name, .. } = error.kind() else { return error };
    let (what, help) = match Some(name.as_str()) {
        is if is == Some(target.name()) => ("is the target, and so no feature", "leave it out of the steps"),
        is if is == target.weight() => {
            ("is what rows weigh, and so no feature", "leave it out of the steps, or weigh by a copy of it")
        }
        is if is == group => {
            ("groups the rows, and so is no feature", "leave it out of the steps, or group by a copy of it")
        }
        _ => return error,
    };
    let said = Error::invalid(format!("the column `{name}` {what}")).doing("fit").help(help);
    match &error.location().step {
        Some(step) => said.at_step(step),
        None => said,
    }
}

/// The columns besides the target.
///
/// # Errors
/// `UnknownColumn` for the target; `Model` if it is the only column.
pub(crate) fn features(dataset: &DatasetBase<DataFrame, Target>) -> Result<Schema> {
    let (schema, target) = (dataset.records().schema(), dataset.targets());
    let mut taken = vec![index_of(schema, target.name()).map_err(|e| e.doing("find the target"))?];
    if let Some(name) = target.weight() {
        taken.push(index_of(schema, name).map_err(|e| e.doing("find the weights"))?);
    }
    let columns: Vec<usize> = (0..schema.fields().len()).filter(|column| !taken.contains(column)).collect();
    if columns.is_empty() {
        return Err(Error::model("there is no column besides the target").at_column(target.name()).doing("fit"));
    }
    Ok(schema.project(&columns)?)
}
