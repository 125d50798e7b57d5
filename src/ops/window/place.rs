//! The place of each row.

use std::fmt;
use std::sync::Arc;

use arrow::array::{RecordBatch, UInt64Array};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};

use crate::base::{Error, Identity, Result, Tokenizer};
use crate::expr::Portable;
use crate::io::Batch;
use crate::plan::{Flow, Map, Op, Out, Plan, Relation, Shape, Stage};

/// All columns, and behind them a number for each row that grows with the order of the rows.
#[derive(Clone, Debug)]
pub struct Placed {
    /// What the column of places is called.
    name: String,
}

/// The places of a partition's rows begin at its number times this.
pub const PARTITION: u32 = 40;

impl Placed {
    /// Places in a column of this name, which the input must not have.
    pub fn new(name: impl Into<String>) -> Placed {
        Placed { name: name.into() }
    }

    /// A name for the column that `schema` does not have.
    pub fn name_beside(schema: &Schema) -> String {
        let mut name = "place".to_string();
        while schema.index_of(&name).is_ok() {
            name.push('\'');
        }
        name
    }

    /// The columns of `input` and the place.
    pub fn schema_over(name: &str, input: &SchemaRef) -> SchemaRef {
        let mut fields: Vec<Field> = input.fields().iter().map(|f| f.as_ref().clone()).collect();
        fields.push(Field::new(name, DataType::UInt64, false));
        Arc::new(Schema::new_with_metadata(fields, input.metadata().clone()))
    }
}

impl fmt::Display for Placed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "with the place of each row as {}", self.name)
    }
}

impl Identity for Placed {
    fn token(&self, t: &mut Tokenizer) {
        t.str("placed");
        t.str(&self.name);
    }
}

impl Op for Placed {
    fn name(&self) -> &'static str {
        "place"
    }

    fn schema(&self, inputs: &[SchemaRef]) -> Result<SchemaRef> {
        let [input] = inputs else { return Err(Error::invalid("a place is that of one input")) };
        Ok(Placed::schema_over(&self.name, input))
    }

    fn shape(&self, _inputs: &[Plan]) -> Result<Shape> {
        let name = self.name.clone();
        Ok(Map::each(move |partition| {
            Ok(Box::new(Placing { name: name.clone(), place: (partition as u64) << PARTITION }))
        }))
    }

    fn columns_needed(&self, wanted: &[usize], inputs: &[SchemaRef]) -> Option<Vec<Vec<usize>>> {
        let all = inputs.first()?.fields().len();
        Some(vec![wanted.iter().copied().filter(|&i| i < all).collect()])
    }

    fn keeps_rows(&self) -> bool {
        true
    }

    fn known_rows(&self, inputs: &[Option<Vec<u64>>]) -> Option<Vec<u64>> {
        inputs.first().cloned().flatten()
    }

    fn portable(&self) -> Option<Portable> {
        Portable::of("place", &self.name)
    }

    fn relation(&self, _inputs: &[Plan]) -> Option<Relation> {
        Some(Relation::Apart)
    }
}

struct Placing {
    name: String,
    place: u64,
}

impl Stage for Placing {
    fn push(&mut self, batch: Batch, out: &mut Out<'_>) -> Result<Flow> {
        let rows = batch.rows() as u64;
        let places = UInt64Array::from_iter_values(self.place..self.place + rows);
        self.place += rows;
        let mut columns = batch.record.columns().to_vec();
        columns.push(Arc::new(places));
        // strings may come as codes
        let schema = Placed::schema_over(&self.name, &batch.record.schema());
        out.push(batch.with_record(RecordBatch::try_new(schema, columns)?))
    }
}
