//! Frames one after the other.

use std::fmt;
use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, RecordBatchOptions, new_null_array};
use arrow::datatypes::{Field, Schema, SchemaRef};

use crate::base::{Error, ErrorKind, Identity, Result, Token, Tokenizer};
use crate::expr::Expr;
use crate::expr::Portable;
use crate::expr::coerce::meet_types;
use crate::expr::fns::cast::convert;
use crate::io::Batch;
use crate::plan::lower::count_partitions;
use crate::plan::{Feed, Flow, Map, Op, Out, Plan, Relation, Shape, Stage};

/// The rows of several frames, one frame after the other. Columns go together by name: one that a frame does not have
/// is null there, types are widened as arithmetic would (pandas' `concat`).
#[derive(Debug, Clone)]
pub struct Concat;

impl fmt::Display for Concat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("concat")
    }
}

impl Identity for Concat {
    fn token(&self, t: &mut Tokenizer) {
        t.str("concat");
    }
}

impl Op for Concat {
    fn name(&self) -> &'static str {
        "concat"
    }

    fn schema(&self, inputs: &[SchemaRef]) -> Result<SchemaRef> {
        let mut fields: Vec<Field> = Vec::new();
        for (k, schema) in inputs.iter().enumerate() {
            for field in schema.fields() {
                match fields.iter_mut().find(|f| f.name() == field.name()) {
                    Some(known) => {
                        let met = meet_types(known.data_type(), field.data_type()).ok_or_else(|| {
                            let what = format!(
                                "it is {} in one frame and {} in another",
                                known.data_type(),
                                field.data_type()
                            );
                            Error::new(ErrorKind::Schema { what })
                                .at_column(field.name())
                                .help("bring it to one type with astype() first")
                        })?;
                        let nullable = known.is_nullable() || field.is_nullable();
                        *known = Field::new(field.name(), met, nullable);
                    }
                    None => fields.push(field.as_ref().clone().with_nullable(k > 0 || field.is_nullable())),
                }
            }
        }
        for field in &mut fields {
            if inputs.iter().any(|s| s.index_of(field.name()).is_err()) {
                field.set_nullable(true);
            }
        }
        Ok(Arc::new(Schema::new(fields)))
    }

    fn shape(&self, inputs: &[Plan]) -> Result<Shape> {
        let schemas: Vec<SchemaRef> = inputs.iter().map(|p| p.schema().clone()).collect();
        let schema = self.schema(&schemas)?;
        let mut feeds = Vec::new();
        for (input, plan) in inputs.iter().enumerate() {
            let count = count_partitions(plan)?.unwrap_or(1);
            feeds.extend((0..count).map(|partition| Feed { input, partition }));
        }
        let feeds = Arc::new(feeds);
        let of = feeds.clone();
        Ok(Shape::Map(Map {
            partitions: Some(feeds.len()),
            feeds: Some(Arc::new(move |i| feeds.get(i).copied().into_iter().collect())),
            stage: Arc::new(move |i| {
                let input = of.get(i).map_or(0, |f| f.input);
                Ok(Box::new(Align { schema: schema.clone(), input: input as u64 }))
            }),
        }))
    }

    fn columns_needed(&self, wanted: &[usize], inputs: &[SchemaRef]) -> Option<Vec<Vec<usize>>> {
        let schema = self.schema(inputs).ok()?;
        let names: Vec<&String> = wanted.iter().map(|&i| schema.field(i).name()).collect();
        Some(inputs.iter().map(|s| names.iter().filter_map(|n| s.index_of(n).ok()).collect()).collect())
    }

    fn filter_through(&self, _input: usize, _predicate: &Expr) -> Option<Expr> {
        // a column may be missing or narrower in this input, so the condition stays where the columns are aligned
        None
    }

    fn known_rows(&self, inputs: &[Option<Vec<u64>>]) -> Option<Vec<u64>> {
        inputs.iter().cloned().collect::<Option<Vec<_>>>().map(|rows| rows.concat())
    }

    fn portable(&self) -> Option<Portable> {
        Portable::of("concat", &())
    }

    fn relation(&self, _inputs: &[Plan]) -> Option<Relation> {
        Some(Relation::Apart)
    }
}

/// Gives the batches of one input the columns of all.
struct Align {
    schema: SchemaRef,
    input: u64,
}

impl Stage for Align {
    fn push(&mut self, mut batch: Batch, out: &mut Out<'_>) -> Result<Flow> {
        let rows = batch.rows();
        let columns = self.schema.fields().iter().map(|field| match batch.record.column_by_name(field.name()) {
            Some(column) => convert(column, field.data_type()).map_err(|e| e.at_column(field.name())),
            None => Ok(new_null_array(field.data_type(), rows)),
        });
        let columns: Vec<ArrayRef> = columns.collect::<Result<_>>()?;
        let options = RecordBatchOptions::new().with_row_count(Some(rows));
        batch.record = RecordBatch::try_new_with_options(self.schema.clone(), columns, &options)?;
        // rows of different inputs are different rows, even where both come from the same place
        batch.origin.file = Token::of(|t| {
            t.u64(batch.origin.file);
            t.u64(self.input);
        })
        .0 as u64;
        out.push(batch)
    }
}
