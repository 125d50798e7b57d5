//! Lists turned into rows.

use std::fmt;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch, UInt32Array};
use arrow::compute::{cast, take};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};

use crate::base::schema::{in_layout, index_of};
use crate::base::{Error, Identity, Result, Tokenizer};
use crate::io::{Batch, Rows};
use crate::plan::node::only;
use crate::plan::{Flow, Map, Op, Out, Plan, Shape, Stage};

/// A row for each element of the lists in a column, the others repeated. An empty list and null give one row with null
/// (pandas' `explode`).
#[derive(Clone, Debug)]
pub struct Explode {
    /// The column of lists.
    pub column: String,
}

impl fmt::Display for Explode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "explode {}", self.column)
    }
}

impl Identity for Explode {
    fn token(&self, t: &mut Tokenizer) {
        t.str("explode");
        t.str(&self.column);
    }
}

impl Op for Explode {
    fn name(&self) -> &'static str {
        "explode"
    }

    fn schema(&self, inputs: &[SchemaRef]) -> Result<SchemaRef> {
        let [input] = inputs else { return Err(Error::invalid("explode has one input")) };
        let at = index_of(input, &self.column)?;
        let item = match input.field(at).data_type() {
            DataType::List(item) | DataType::LargeList(item) | DataType::FixedSizeList(item, _) => item,
            other => {
                return Err(Error::types(format!("`{}` is {other}, not a column of lists", self.column)));
            }
        };
        let mut fields: Vec<Field> = input.fields().iter().map(|f| f.as_ref().clone()).collect();
        fields[at] = Field::new(&self.column, item.data_type().clone(), true);
        Ok(Arc::new(Schema::new_with_metadata(fields, input.metadata().clone())))
    }

    fn shape(&self, inputs: &[Plan]) -> Result<Shape> {
        let input = only(inputs)?.schema();
        let schema = self.schema(std::slice::from_ref(input))?;
        let column = index_of(input, &self.column)?;
        Ok(Map::each(move |_| Ok(Box::new(Elements { schema: schema.clone(), column }))))
    }
}

struct Elements {
    schema: SchemaRef,
    column: usize,
}

/// The elements of all lists, one list after the other, and where each list is among them.
fn lists(array: &ArrayRef) -> Result<(ArrayRef, Vec<(usize, usize)>)> {
    let large = match array.data_type() {
        DataType::LargeList(_) => array.clone(),
        DataType::List(item) | DataType::FixedSizeList(item, _) => cast(array, &DataType::LargeList(item.clone()))?,
        other => return Err(Error::types(format!("{other} is not a column of lists"))),
    };
    let list = large.as_list::<i64>();
    let bounds = list.offsets().windows(2).enumerate().map(|(row, bounds)| match list.is_valid(row) {
        true => (bounds[0] as usize, bounds[1] as usize),
        false => (bounds[0] as usize, bounds[0] as usize),
    });
    Ok((list.values().clone(), bounds.collect()))
}

impl Stage for Elements {
    fn push(&mut self, batch: Batch, out: &mut Out<'_>) -> Result<Flow> {
        let (elements, bounds) = lists(batch.record.column(self.column))?;
        let most = out.context().batch_rows.max(1);
        let (mut rows, mut values) = (Vec::new(), Vec::new());
        let mut places = None;
        for (row, (start, end)) in bounds.iter().enumerate() {
            let own = (*start..*end).map(|i| Some(i as u64)).chain((start == end).then_some(None));
            for element in own {
                rows.push(row as u32);
                values.push(element);
                if rows.len() >= most
                    && self.give(&batch, &elements, &mut rows, &mut values, &mut places, out)? == Flow::Enough
                {
                    return Ok(Flow::Enough);
                }
            }
        }
        self.give(&batch, &elements, &mut rows, &mut values, &mut places, out)
    }
}

impl Elements {
    /// Passes on some of the rows.
    fn give(
        &self,
        batch: &Batch,
        elements: &ArrayRef,
        rows: &mut Vec<u32>,
        values: &mut Vec<Option<u64>>,
        places: &mut Option<Vec<u64>>,
        out: &mut Out<'_>,
    ) -> Result<Flow> {
        let places = places.get_or_insert_with(|| batch.origin.rows.places(batch.rows()));
        // a row of the result has the place of the row it comes from
        let own: Vec<u64> = rows.iter().map(|&row| places[row as usize]).collect();
        let from = UInt32Array::from(std::mem::take(rows));
        let elements = take(elements, &arrow::array::UInt64Array::from(std::mem::take(values)), None)?;
        let columns = batch.record.columns().iter().enumerate().map(|(i, column)| match i == self.column {
            true => Ok(elements.clone()),
            false => Ok(take(column, &from, None)?),
        });
        let columns = columns.collect::<Result<Vec<ArrayRef>>>()?;
        let record = RecordBatch::try_new(in_layout(&self.schema, &columns), columns)?;
        let mut origin = batch.origin.clone();
        origin.rows = Rows::List(own.into());
        out.push(Batch { record, origin })
    }
}
