//! How many values are missing.

use std::fmt;
use std::sync::Arc;

use arrow::array::{Array, AsArray, Int64Array, RecordBatch, StringArray};
use arrow::datatypes::{DataType, Field, Float32Type, Float64Type, Schema, SchemaRef};

use super::totals::Totals;
use crate::base::{Identity, Result, Tokenizer};
use crate::expr::Portable;
use crate::io::Batch;
use crate::plan::node::only;
use crate::plan::{Footprint, Op, Plan, Relation, Shape};

/// How many values of each column are missing: a row a column, with its name (`column`), the nulls (`null`) and the NaN
/// (`nan`), which are told apart. pandas' `isna().sum()` is the sum of both.
#[derive(Debug, Clone)]
pub struct NullCount;

impl fmt::Display for NullCount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("null_count")
    }
}

impl Identity for NullCount {
    fn token(&self, t: &mut Tokenizer) {
        t.str("null_count");
    }
}

impl Op for NullCount {
    fn name(&self) -> &'static str {
        "null_count"
    }

    fn schema(&self, _inputs: &[SchemaRef]) -> Result<SchemaRef> {
        Ok(Arc::new(Schema::new(vec![
            Field::new("column", DataType::Utf8, false),
            Field::new("null", DataType::Int64, false),
            Field::new("nan", DataType::Int64, false),
        ])))
    }

    fn shape(&self, inputs: &[Plan]) -> Result<Shape> {
        let input = only(inputs)?.schema().clone();
        let columns = input.fields().len();
        let add = |batch: &Batch, totals: &mut [u64]| {
            for (column, [nulls, nans]) in batch.record.columns().iter().zip(totals.as_chunks_mut().0) {
                *nulls += column.logical_null_count() as u64;
                *nans += nans_of(column.as_ref());
            }
            Ok(())
        };
        Ok(Totals::shape(2 * columns, add, move |totals| {
            let names: StringArray = input.fields().iter().map(|f| Some(f.name())).collect();
            let every_second = |k: usize| totals.iter().skip(k).step_by(2).map(|&n| Some(n as i64));
            let (nulls, nans) = (Int64Array::from_iter(every_second(0)), Int64Array::from_iter(every_second(1)));
            let columns: Vec<arrow::array::ArrayRef> = vec![Arc::new(names), Arc::new(nulls), Arc::new(nans)];
            Ok(Batch::new(RecordBatch::try_new(NullCount.schema(&[])?, columns)?, 0, 0))
        }))
    }

    fn footprint(&self) -> Footprint {
        Footprint::Holds("two numbers for each column".into())
    }

    fn portable(&self) -> Option<Portable> {
        Portable::of("null_count", &())
    }

    fn relation(&self, _inputs: &[Plan]) -> Option<Relation> {
        Some(Relation::Totals)
    }
}

/// How many values are NaN and not null.
fn nans_of(column: &dyn Array) -> u64 {
    macro_rules! count {
        ($of:ty) => {{
            let column = column.as_primitive::<$of>();
            match column.nulls().filter(|n| n.null_count() > 0) {
                None => column.values().iter().filter(|v| v.is_nan()).count() as u64,
                Some(_) => column.iter().flatten().filter(|v| v.is_nan()).count() as u64,
            }
        }};
    }
    match column.data_type() {
        DataType::Float64 => count!(Float64Type),
        DataType::Float32 => count!(Float32Type),
        _ => 0,
    }
}
