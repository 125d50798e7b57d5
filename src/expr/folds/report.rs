//! The result of a distribution: one quantile, several, or a whole summary.

use std::fmt;
use std::sync::Arc;

use arrow::array::{ArrayRef, FixedSizeListArray, Int64Array, StructArray};
use arrow::datatypes::{DataType, Field, Fields};

use super::kind::Kind;
use super::number::Number;
use super::quantiles::{Row, label};
use super::state::{floats, of_keys, wholes};
use crate::base::schema::logical;
use crate::base::{Error, Identity, Result, Tokenizer};

/// What is wanted of a distribution.
#[derive(Clone, Debug, PartialEq)]
pub enum Report {
    /// One quantile.
    Quantile(f64),
    /// Several quantiles, as a list of fixed size.
    Quantiles(Arc<[f64]>),
    /// Count, mean, std, min, these quantiles, max, as a struct.
    Summary(Arc<[f64]>),
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let labels = |qs: &[f64]| qs.iter().map(|q| label(*q)).collect::<Vec<_>>().join(", ");
        match self {
            Report::Quantile(q) if *q == 0.5 => f.write_str("median"),
            Report::Quantile(q) => write!(f, "quantile({})", label(*q)),
            Report::Quantiles(qs) => write!(f, "quantiles({})", labels(qs)),
            Report::Summary(qs) => write!(f, "summary({})", labels(qs)),
        }
    }
}

impl Identity for Report {
    fn token(&self, t: &mut Tokenizer) {
        t.str(match self {
            Report::Quantile(_) => "quantile",
            Report::Quantiles(_) => "quantiles",
            Report::Summary(_) => "summary",
        });
        t.list(self.quantiles(), |t, q| t.f64(*q));
    }
}

impl Report {
    /// The quantiles it needs.
    pub fn quantiles(&self) -> &[f64] {
        match self {
            Report::Quantile(q) => std::slice::from_ref(q),
            Report::Quantiles(qs) | Report::Summary(qs) => qs,
        }
    }

    /// # Errors
    /// `Invalid` for a quantile that is not between 0 and 1.
    pub fn checked(self) -> Result<Self> {
        match self.quantiles().iter().find(|q| !(0.0..=1.0).contains(*q)) {
            Some(q) => Err(Error::invalid(format!("{q} is not a quantile")).help("give a number from 0 to 1")),
            None => Ok(self),
        }
    }

    /// The type of the result for a column of type `input`, which is of numbers or times.
    pub fn result_type(&self, input: &DataType) -> DataType {
        let value = value_type(input);
        match self {
            Report::Quantile(_) => value,
            Report::Quantiles(qs) => DataType::FixedSizeList(item(value), qs.len() as i32),
            Report::Summary(qs) => DataType::Struct(summary_fields(input, qs)),
        }
    }

    /// The result: a row for each group.
    ///
    /// # Errors
    /// Those of building the arrays.
    pub fn result<N: Number>(&self, input: &DataType, rows: &[Row]) -> Result<ArrayRef> {
        Ok(match self {
            Report::Quantile(_) => quantile::<N>(input, rows, 0)?,
            Report::Quantiles(qs) => {
                let spots =
                    rows.iter().flat_map(|row| row.spots.iter().map(|spot| Row { spots: vec![*spot], ..row.clone() }));
                let values = quantile::<N>(input, &spots.collect::<Vec<_>>(), 0)?;
                Arc::new(FixedSizeListArray::try_new(item(value_type(input)), qs.len() as i32, values, None)?)
            }
            Report::Summary(qs) => {
                let fields = summary_fields(input, qs);
                let columns = summary::<N>(input, rows, qs.len())?;
                Arc::new(StructArray::try_new(fields, columns, None)?)
            }
        })
    }
}

fn is_temporal(input: &DataType) -> bool {
    Kind::of(input) == Some(Kind::Temporal)
}

/// The type of a quantile: `Float64` for numbers, times stay what they are.
fn value_type(input: &DataType) -> DataType {
    if is_temporal(input) { logical(input) } else { DataType::Float64 }
}

fn item(value: DataType) -> Arc<Field> {
    Arc::new(Field::new_list_field(value, true))
}

fn summary_fields(input: &DataType, qs: &[f64]) -> Fields {
    let value = value_type(input);
    let mut fields = vec![Field::new("count", DataType::Int64, false), Field::new("mean", value.clone(), true)];
    if !is_temporal(input) {
        fields.push(Field::new("std", DataType::Float64, true));
    }
    fields.push(Field::new("min", value.clone(), true));
    fields.extend(qs.iter().map(|q| Field::new(label(*q), value.clone(), true)));
    fields.push(Field::new("max", value, true));
    fields.into()
}

fn summary<N: Number>(input: &DataType, rows: &[Row], quantiles: usize) -> Result<Vec<ArrayRef>> {
    let value = value_type(input);
    let counts: Int64Array = rows.iter().map(|row| Some(row.exact.n as i64)).collect();
    let mut columns: Vec<ArrayRef> = vec![Arc::new(counts)];
    if is_temporal(input) {
        columns.push(wholes(rows.iter().map(|row| row.exact.mean_whole()), &value)?);
    } else {
        columns.push(floats(rows.iter().map(|row| row.exact.mean())));
        columns.push(floats(rows.iter().map(|row| row.exact.std(1))));
    }
    let end = |pick: fn((u64, u64)) -> u64| of_keys::<N>(rows.iter().map(|row| row.ends.map(pick)), &value);
    columns.push(end(|ends| ends.0)?);
    for i in 0..quantiles {
        columns.push(quantile::<N>(input, rows, i)?);
    }
    columns.push(end(|ends| ends.1)?);
    Ok(columns)
}

/// Quantile number `i` of each row.
fn quantile<N: Number>(input: &DataType, rows: &[Row], i: usize) -> Result<ArrayRef> {
    let spots = rows.iter().map(|row| row.spots.get(i).copied().flatten());
    if is_temporal(input) {
        return wholes(spots.map(|spot| spot.map(|s| s.whole())), &logical(input));
    }
    let single = logical(input) == DataType::Float32;
    Ok(floats(spots.map(|spot| spot.map(|s| s.float::<N>(single)))))
}
