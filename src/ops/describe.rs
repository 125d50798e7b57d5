//! A summary of the columns.

use std::fmt;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Float64Array, RecordBatch, StringArray};
use arrow::datatypes::{DataType, Field, Float64Type, Schema, SchemaRef};

use super::aggregate::{Agg, Aggregate};
use super::filter::named;
use super::{ScanOp, same_schema};
use crate::base::{Error, Identity, Result, Tokenizer};
use crate::expr::fns::cast::convert;
use crate::expr::folds::{Summary, percentile_label};
use crate::io::Batch;
use crate::plan::node::only;
use crate::plan::{Footprint, Op, Plan, Relation, Shape, Then};

/// Which columns are described.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub enum Include {
    /// The numeric ones (those of texts, truth values and times, if there are none).
    #[default]
    Numeric,
    /// All that can be.
    All,
    /// These.
    Columns(Vec<String>),
}

/// Count, mean, std, min, percentiles and max of columns, as a table with a row for each statistic: exact, and equal
/// for any partitioning.
#[derive(Clone, Debug)]
pub struct Describe {
    include: Include,
    percentiles: Vec<f64>,
}

impl Describe {
    /// These columns, with these percentiles (each from 0 to 1).
    ///
    /// # Errors
    /// `Invalid` for a percentile that is not between 0 and 1.
    pub fn new(include: Include, percentiles: &[f64]) -> Result<Describe> {
        Summary::new(percentiles)?;
        let mut percentiles = percentiles.to_vec();
        percentiles.sort_by(f64::total_cmp);
        percentiles.dedup();
        Ok(Describe { include, percentiles })
    }

    fn columns(&self, input: &SchemaRef) -> Result<Vec<String>> {
        let names = |pick: &dyn Fn(&DataType) -> bool| -> Vec<String> {
            input.fields().iter().filter(|f| pick(f.data_type())).map(|f| f.name().clone()).collect()
        };
        let can = |t: &DataType| Summary::default().result_type(t).is_ok();
        let picked = match &self.include {
            Include::Numeric => {
                let numeric = names(&|t| t.is_numeric() && can(t));
                if numeric.is_empty() { names(&can) } else { numeric }
            }
            Include::All => names(&can),
            Include::Columns(columns) => {
                named(input, columns.iter().map(String::as_str))?;
                columns.clone()
            }
        };
        if picked.is_empty() {
            return Err(Error::types("there is no column that describe could summarise"));
        }
        Ok(picked)
    }

    /// The names of the rows: those of pandas, in its order.
    fn statistics(&self, input: &SchemaRef, columns: &[String]) -> Vec<String> {
        let is = |pick: &dyn Fn(&DataType) -> bool| {
            columns.iter().any(|c| input.field_with_name(c).is_ok_and(|f| pick(f.data_type())))
        };
        let mut rows = vec!["count".to_string()];
        if is(&|t| !ordered(t)) {
            rows.extend(["unique", "top", "freq"].map(String::from));
        }
        if is(&ordered) {
            rows.push("mean".into());
            if is(&|t| t.is_numeric()) {
                rows.push("std".into());
            }
            rows.push("min".into());
            rows.extend(self.percentiles.iter().map(|q| percentile_label(*q)));
            rows.push("max".into());
        }
        rows
    }
}

/// Whether a column of this type has a mean and quantiles.
fn ordered(t: &DataType) -> bool {
    t.is_numeric() || t.is_temporal()
}

impl fmt::Display for Describe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown: Vec<_> = self.percentiles.iter().map(|q| percentile_label(*q)).collect();
        write!(f, "describe {}", shown.join(", "))
    }
}

impl Identity for Describe {
    fn token(&self, t: &mut Tokenizer) {
        t.str("describe");
        t.debug(&self.include);
        t.list(&self.percentiles, |t, q| t.f64(*q));
    }
}

impl Op for Describe {
    fn name(&self) -> &'static str {
        "describe"
    }

    fn schema(&self, inputs: &[SchemaRef]) -> Result<SchemaRef> {
        let input = same_schema(inputs)?;
        let mut fields = vec![Field::new("statistic", DataType::Utf8, false)];
        for name in self.columns(&input)? {
            let field = input.field_with_name(&name)?;
            Summary::default().result_type(field.data_type())?;
            let shown = if field.data_type().is_numeric() { DataType::Float64 } else { DataType::Utf8 };
            fields.push(Field::new(name, shown, true));
        }
        Ok(Arc::new(Schema::new(fields)))
    }

    fn shape(&self, inputs: &[Plan]) -> Result<Shape> {
        let input = only(inputs)?;
        let columns = self.columns(input.schema())?;
        let summary = Arc::new(Summary::new(&self.percentiles)?);
        let aggs = columns.iter().map(|c| Agg { column: c.clone(), fold: summary.clone(), name: c.clone() });
        let first = Plan::new(Aggregate::new(aggs.collect()), vec![input.clone()])?;
        let statistics = self.statistics(input.schema(), &columns);
        let schema = self.schema(std::slice::from_ref(input.schema()))?;
        Ok(Then::rows(first, move |batches| {
            let Some(row) = batches.first() else { return Err(Error::invalid("describe found no summary")) };
            let mut columns: Vec<ArrayRef> = vec![Arc::new(StringArray::from(statistics.clone()))];
            for (summary, field) in row.record.columns().iter().zip(schema.fields().iter().skip(1)) {
                columns.push(column_of(summary, &statistics, field.data_type())?);
            }
            let record = RecordBatch::try_new(schema.clone(), columns)?;
            ScanOp::values(schema.clone(), vec![Batch::new(record, 0, 0)])
        }))
    }

    fn asks_origins(&self, _above: bool) -> bool {
        false
    }

    fn columns_needed(&self, _wanted: &[usize], inputs: &[SchemaRef]) -> Option<Vec<Vec<usize>>> {
        let input = inputs.first()?;
        let columns = self.columns(input).ok()?;
        Some(vec![columns.iter().filter_map(|c| input.index_of(c).ok()).collect()])
    }

    fn relation(&self, inputs: &[Plan]) -> Option<Relation> {
        let columns = self.columns(inputs.first()?.schema()).ok()?;
        Some(Relation::Describe { columns, percentiles: self.percentiles.clone() })
    }

    fn footprint(&self) -> Footprint {
        Footprint::Holds(
            "a state a partition: one pass while few values are distinct, else a second to finish the quantiles".into(),
        )
    }
}

/// The statistics of one column, in the order of the rows; null for those that it does not have.
fn column_of(summary: &ArrayRef, statistics: &[String], shown: &DataType) -> Result<ArrayRef> {
    let fields = summary.as_struct_opt().ok_or_else(|| Error::invalid("a summary is not a struct"))?;
    if *shown == DataType::Float64 {
        let value = |name: &String| -> Result<Option<f64>> {
            let Some(column) = fields.column_by_name(name) else { return Ok(None) };
            let column = convert(column, &DataType::Float64)?;
            let column = column.as_primitive::<Float64Type>();
            Ok(column.is_valid(0).then(|| column.value(0)))
        };
        let values = statistics.iter().map(value).collect::<Result<Vec<_>>>()?;
        return Ok(Arc::new(Float64Array::from(values)));
    }
    let text = |name: &String| -> Result<Option<String>> {
        let Some(column) = fields.column_by_name(name) else { return Ok(None) };
        let column = convert(column, &DataType::Utf8)?;
        let column = column.as_string::<i32>();
        Ok(column.is_valid(0).then(|| column.value(0).to_string()))
    };
    let texts = statistics.iter().map(text).collect::<Result<Vec<_>>>()?;
    Ok(Arc::new(StringArray::from(texts)))
}
