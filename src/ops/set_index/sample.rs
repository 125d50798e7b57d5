//! Evenly spaced keys of each partition, and its smallest and largest.

use std::fmt;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, RecordBatch, UInt64Array};
use arrow::compute::{concat, filter, is_not_null, take};
use arrow::datatypes::{DataType, Field, FieldRef, Float32Type, Float64Type, Schema, SchemaRef};

use super::bounds::keys_of;
use crate::base::schema::index_of;
use crate::base::{Error, Identity, Result, Tokenizer};
use crate::io::Batch;
use crate::plan::node::only;
use crate::plan::{Flow, Map, Op, Out, Plan, Shape, Stage};

/// How many keys are sampled from a partition at least, if it has so many.
const KEYS: usize = 1024;

/// Keys of each partition: the smallest and the largest, with the weight 0, and some that are evenly spaced in the order
/// of the rows, each with the number of rows that it stands for. Null and NaN are no keys. Which they are depends on the
/// rows of the partition alone, not on how they come in batches.
#[derive(Debug, Clone)]
pub(super) struct SampleKeys {
    pub(super) column: String,
}

impl fmt::Display for SampleKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "sample keys of {}", self.column)
    }
}

impl Identity for SampleKeys {
    fn token(&self, t: &mut Tokenizer) {
        t.str("sample_keys");
        t.str(&self.column);
    }
}

impl Op for SampleKeys {
    fn name(&self) -> &'static str {
        "sample_keys"
    }

    fn schema(&self, inputs: &[SchemaRef]) -> Result<SchemaRef> {
        let [input] = inputs else { return Err(Error::invalid("sample_keys has one input")) };
        let key = input.field(index_of(input, &self.column)?);
        let key = Field::new("key", key.data_type().clone(), true);
        Ok(Arc::new(Schema::new(vec![key, Field::new("weight", DataType::UInt64, false)])))
    }

    fn shape(&self, inputs: &[Plan]) -> Result<Shape> {
        let schema = only(inputs)?.schema();
        let place = index_of(schema, &self.column)?;
        let (field, output) = (schema.fields()[place].clone(), self.schema(std::slice::from_ref(schema))?);
        Ok(Map::each(move |_| {
            let (field, output) = (field.clone(), output.clone());
            Ok(Box::new(Sampling { place, field, output, ends: None, sample: None, spacing: 1, seen: 0 }))
        }))
    }

    fn columns_needed(&self, _wanted: &[usize], inputs: &[SchemaRef]) -> Option<Vec<Vec<usize>>> {
        Some(vec![vec![inputs.first()?.index_of(&self.column).ok()?]])
    }
}

/// What has a value: neither null nor NaN.
pub(super) fn has_value(column: &ArrayRef) -> Result<BooleanArray> {
    let number = |value: Option<bool>| Some(value == Some(true));
    Ok(match column.data_type() {
        DataType::Float64 => {
            column.as_primitive::<Float64Type>().iter().map(|v| number(v.map(|v| !v.is_nan()))).collect()
        }
        DataType::Float32 => {
            column.as_primitive::<Float32Type>().iter().map(|v| number(v.map(|v| !v.is_nan()))).collect()
        }
        _ => is_not_null(column)?,
    })
}

struct Sampling {
    place: usize,
    field: FieldRef,
    output: SchemaRef,
    /// The smallest and the largest value.
    ends: Option<ArrayRef>,
    /// Every `spacing`-th value.
    sample: Option<ArrayRef>,
    spacing: u64,
    /// How many values there were.
    seen: u64,
}

impl Sampling {
    fn add(&mut self, values: &ArrayRef) -> Result<()> {
        let first = self.seen.next_multiple_of(self.spacing) - self.seen;
        let rows = (first..values.len() as u64).step_by(self.spacing as usize);
        self.seen += values.len() as u64;
        let mut sample = joined(self.sample.take(), take(values, &UInt64Array::from_iter_values(rows), None)?)?;
        while sample.len() >= 2 * KEYS {
            let even = UInt64Array::from_iter_values((0..sample.len() as u64).step_by(2));
            sample = take(&sample, &even, None)?;
            self.spacing *= 2;
        }
        self.sample = Some(sample);
        Ok(())
    }
}

fn joined(before: Option<ArrayRef>, more: ArrayRef) -> Result<ArrayRef> {
    Ok(match before {
        Some(before) => concat(&[&before, &more])?,
        None => more,
    })
}

/// The smallest and the largest of some values.
fn ends(values: &ArrayRef, field: &Field) -> Result<ArrayRef> {
    let keys = keys_of(values, field)?;
    let (mut least, mut most) = (0, 0);
    for row in 1..keys.len() {
        if keys.compare(row, &keys, least).is_lt() {
            least = row;
        }
        if keys.compare(row, &keys, most).is_gt() {
            most = row;
        }
    }
    Ok(take(values, &UInt64Array::from(vec![least as u64, most as u64]), None)?)
}

impl Stage for Sampling {
    fn push(&mut self, batch: Batch, _out: &mut Out<'_>) -> Result<Flow> {
        let column = crate::expr::fns::cast::convert(batch.record.column(self.place), self.field.data_type())?;
        let values = filter(&column, &has_value(&column)?)?;
        if !values.is_empty() {
            let all = joined(self.ends.take(), ends(&values, &self.field)?)?;
            self.ends = Some(if all.len() > 2 { ends(&all, &self.field)? } else { all });
            self.add(&values)?;
        }
        Ok(Flow::More)
    }

    fn end(&mut self, out: &mut Out<'_>) -> Result<()> {
        let (Some(ends), Some(sample)) = (self.ends.take(), self.sample.take()) else { return Ok(()) };
        let weights = std::iter::repeat_n(0, ends.len()).chain(std::iter::repeat_n(self.spacing, sample.len()));
        let weights = UInt64Array::from_iter_values(weights);
        let record = RecordBatch::try_new(self.output.clone(), vec![joined(Some(ends), sample)?, Arc::new(weights)])?;
        out.push(Batch::new(record, 0, 0))?;
        Ok(())
    }
}
