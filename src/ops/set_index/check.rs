//! Whether the rows are in order, and the first and last key of each partition.

use std::fmt;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, RecordBatch, UInt64Array, new_null_array};
use arrow::compute::{concat, take};
use arrow::datatypes::{DataType, Field, FieldRef, Schema, SchemaRef};

use super::bounds::keys_of;
use super::sample::has_value;
use crate::base::schema::index_of;
use crate::base::{Error, Identity, Result, Tokenizer};
use crate::expr::Scalar;
use crate::io::Batch;
use crate::plan::node::only;
use crate::plan::{Flow, Map, Op, Out, Plan, Shape, Stage};

/// Of each partition a row: its first and its last value, null if it has none, and whether something that is no value
/// (null, NaN) comes behind.
#[derive(Debug, Clone)]
pub(super) struct Check {
    pub(super) column: String,
}

impl fmt::Display for Check {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "check the order of {}", self.column)
    }
}

impl Identity for Check {
    fn token(&self, t: &mut Tokenizer) {
        t.str("check_order");
        t.str(&self.column);
    }
}

impl Op for Check {
    fn name(&self) -> &'static str {
        "check_order"
    }

    fn schema(&self, inputs: &[SchemaRef]) -> Result<SchemaRef> {
        let [input] = inputs else { return Err(Error::invalid("check_order has one input")) };
        let key = input.field(index_of(input, &self.column)?).data_type();
        let end = |name| Field::new(name, key.clone(), true);
        Ok(Arc::new(Schema::new(vec![end("first"), end("last"), Field::new("nothing", DataType::Boolean, false)])))
    }

    fn shape(&self, inputs: &[Plan]) -> Result<Shape> {
        let schema = only(inputs)?.schema();
        let place = index_of(schema, &self.column)?;
        let (field, output) = (schema.fields()[place].clone(), self.schema(std::slice::from_ref(schema))?);
        Ok(Map::each(move |partition| {
            let (field, output) = (field.clone(), output.clone());
            Ok(Box::new(Checking { place, field, output, partition, ends: None, nothing: false, rows: 0 }))
        }))
    }

    fn columns_needed(&self, _wanted: &[usize], inputs: &[SchemaRef]) -> Option<Vec<Vec<usize>>> {
        Some(vec![vec![inputs.first()?.index_of(&self.column).ok()?]])
    }
}

struct Checking {
    place: usize,
    field: FieldRef,
    output: SchemaRef,
    partition: usize,
    /// The first value and the last one so far.
    ends: Option<ArrayRef>,
    /// Whether something that is no value was met.
    nothing: bool,
    rows: u64,
}

/// That `value` comes behind what it should come before.
fn unsorted(column: &str, value: &Scalar, behind: &str, place: &str) -> Error {
    let error = Error::value(format!("{value} comes behind {behind} ({place}), so the rows are not in order"));
    error.doing("set the index").at_column(column).help("use set_index, which sorts")
}

impl Checking {
    fn unsorted(&self, value: &Scalar, behind: &str, row: usize) -> Error {
        let place = format!("row {} of partition {}", self.rows + row as u64, self.partition);
        unsorted(self.field.name(), value, behind, &place)
    }
}

impl Stage for Checking {
    fn push(&mut self, batch: Batch, _out: &mut Out<'_>) -> Result<Flow> {
        let column = crate::expr::fns::cast::convert(batch.record.column(self.place), self.field.data_type())?;
        let valued = has_value(&column)?;
        // all values come before the first row without
        let values = (0..valued.len()).position(|row| !valued.value(row)).unwrap_or(valued.len());
        let late = if self.nothing { 0 } else { values };
        if let Some(row) = (late..valued.len()).find(|&row| valued.value(row)) {
            return Err(self.unsorted(&Scalar::of(&column, row), "null or NaN", row));
        }
        if values > 0 {
            let before = self.ends.take();
            let offset = before.as_ref().map_or(0, |ends| ends.len());
            let own = column.slice(0, values);
            let all = match &before {
                Some(before) => concat(&[before, &own])?,
                None => own,
            };
            let keys = keys_of(&all, &self.field)?;
            for row in 1..keys.len() {
                if keys.compare(row, &keys, row - 1).is_lt() {
                    let behind = Scalar::of(&all, row - 1).to_string();
                    return Err(self.unsorted(&Scalar::of(&all, row), &behind, row - offset));
                }
            }
            let last = all.len() as u64 - 1;
            self.ends = Some(take(&all, &UInt64Array::from(vec![0, last]), None)?);
        }
        self.nothing |= values < valued.len();
        self.rows += batch.rows() as u64;
        Ok(Flow::More)
    }

    fn end(&mut self, out: &mut Out<'_>) -> Result<()> {
        let ends = self.ends.take().unwrap_or_else(|| new_null_array(self.field.data_type(), 2));
        let nothing = Arc::new(BooleanArray::from(vec![self.nothing]));
        let record = RecordBatch::try_new(self.output.clone(), vec![ends.slice(0, 1), ends.slice(1, 1), nothing])?;
        out.push(Batch::new(record, 0, 0))?;
        Ok(())
    }
}

/// Where the partitions begin and the last one ends, from the ends of each. A partition without values begins where the
/// next one with values does.
///
/// # Errors
/// `Value` when a partition begins with less than what the ones before end with.
pub(super) fn joined(field: &Field, batches: &[Batch]) -> Result<ArrayRef> {
    let mut ends: Vec<&dyn Array> = Vec::with_capacity(2 * batches.len());
    for batch in batches {
        ends.extend([batch.record.column(0).as_ref(), batch.record.column(1).as_ref()]);
    }
    if ends.is_empty() {
        return Ok(new_null_array(field.data_type(), 2));
    }
    let ends = concat(&ends)?;
    let keys = keys_of(&ends, &field.clone().with_nullable(true))?;
    let (mut last, mut nothing): (Option<usize>, Option<usize>) = (None, None);
    for (partition, batch) in batches.iter().enumerate() {
        let (from, to) = (2 * partition, 2 * partition + 1);
        if ends.is_valid(from) {
            let place = format!("at the start of partition {partition}");
            let wrong = |behind: String| unsorted(field.name(), &Scalar::of(&ends, from), &behind, &place);
            if let Some(before) = nothing {
                return Err(wrong(format!("null or NaN in partition {before}")));
            }
            if let Some(last) = last.filter(|&last| keys.compare(from, &keys, last).is_lt()) {
                return Err(wrong(format!("{} in partition {}", Scalar::of(&ends, last), last / 2)));
            }
            last = Some(to);
        }
        if batch.record.column(2).as_boolean().value(0) {
            nothing.get_or_insert(partition);
        }
    }
    let end = last.unwrap_or(0);
    let mut starts = vec![end as u64; batches.len() + 1];
    let mut next = end;
    for partition in (0..batches.len()).rev() {
        if ends.is_valid(2 * partition) {
            next = 2 * partition;
        }
        starts[partition] = next as u64;
    }
    Ok(take(&ends, &UInt64Array::from(starts), None)?)
}
