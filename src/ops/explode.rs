//! Lists turned into rows.

use std::fmt;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch, UInt32Array, UInt64Array};
use arrow::compute::{cast, take};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};

use crate::base::schema::{in_layout, index_of};
use crate::base::{Error, Identity, Result, Tokenizer, mixed};
use crate::expr::Portable;
use crate::io::{Batch, Origin, Rows};
use crate::plan::node::only;
use crate::plan::{Flow, Map, Op, Out, Plan, Relation, Shape, Stage};

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

    fn portable(&self) -> Option<Portable> {
        Portable::of("explode", &self.column)
    }

    fn relation(&self, _inputs: &[Plan]) -> Option<Relation> {
        Some(Relation::Apart)
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

/// Rows of the result on their way: the rows they come from, their elements, and where they came from.
#[derive(Default)]
struct Pending {
    from: Vec<u32>,
    elements: Vec<Option<u64>>,
    places: Vec<u64>,
}

impl Pending {
    /// Takes the `nth` element of the list in row `row`, which is at `place`. The first stays at that place; the others have
    /// places of their own, so that a sample draws for each by itself.
    fn push(&mut self, row: usize, place: u64, nth: usize, element: Option<u64>) {
        self.from.push(row as u32);
        self.elements.push(element);
        self.places.push(if nth == 0 { place } else { mixed(place, nth as u64) });
    }
}

impl Stage for Elements {
    fn push(&mut self, batch: Batch, out: &mut Out<'_>) -> Result<Flow> {
        let (elements, bounds) = lists(batch.record.column(self.column))?;
        let most = out.context().batch_rows.max(1);
        let places = batch.origin.rows.places(batch.rows());
        let mut pending = Pending::default();
        for (row, (&(start, end), place)) in bounds.iter().zip(places).enumerate() {
            let own = (start..end).map(|i| Some(i as u64)).chain((start == end).then_some(None));
            for (nth, element) in own.enumerate() {
                pending.push(row, place, nth, element);
                if pending.from.len() >= most
                    && self.give(&batch, &elements, std::mem::take(&mut pending), out)? == Flow::Enough
                {
                    return Ok(Flow::Enough);
                }
            }
        }
        self.give(&batch, &elements, pending, out)
    }
}

impl Elements {
    /// Passes on some of the rows.
    fn give(&self, batch: &Batch, elements: &ArrayRef, rows: Pending, out: &mut Out<'_>) -> Result<Flow> {
        let from = UInt32Array::from(rows.from);
        let elements = take(elements, &UInt64Array::from(rows.elements), None)?;
        let columns = batch.record.columns().iter().enumerate().map(|(i, column)| match i == self.column {
            true => Ok(elements.clone()),
            false => Ok(take(column, &from, None)?),
        });
        let columns = columns.collect::<Result<Vec<ArrayRef>>>()?;
        let record = RecordBatch::try_new(in_layout(&self.schema, &columns), columns)?;
        let origin = Origin { file: batch.origin.file, rows: Rows::List(rows.places.into()) };
        out.push(Batch { record, origin })
    }
}
