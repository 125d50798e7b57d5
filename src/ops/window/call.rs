//! A function of other rows: which columns it has, and what it gives.

use std::fmt;
use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, RecordBatchOptions};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use serde::{Deserialize, Serialize};

use crate::base::schema::{in_layout, index_of};
use crate::base::{Error, Identity, Result, Tokenizer};
use crate::expr::Arg;
use crate::expr::windows;

/// A function of other rows, of columns by their names.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Call {
    /// The function.
    #[serde(with = "crate::expr::portable::windowed")]
    pub window: Arc<dyn windows::Window>,
    /// The columns that it has.
    pub args: Vec<String>,
    /// What its result is called.
    pub name: String,
}

impl fmt::Display for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}

impl Identity for Call {
    fn token(&self, t: &mut Tokenizer) {
        t.identity(self.window.as_ref());
        t.list(&self.args, |t, arg| t.str(arg));
        t.str(&self.name);
    }
}

impl Call {
    /// The column that comes out.
    pub fn field(&self, input: &Schema) -> Result<Field> {
        let args = self.args.iter().map(|arg| {
            let field = &input.fields()[index_of(input, arg)?];
            Ok(Arg { field, constant: None })
        });
        let args = args.collect::<Result<Vec<_>>>()?;
        Ok(self.window.return_field(&args)?.as_ref().clone().with_name(&self.name))
    }
}

/// A call over columns by their places.
#[derive(Clone, Debug)]
pub struct Bound {
    pub window: Arc<dyn windows::Window>,
    pub args: Vec<usize>,
    pub types: Vec<DataType>,
}

impl Bound {
    pub fn new(call: &Call, input: &Schema) -> Result<Bound> {
        let args = call.args.iter().map(|arg| index_of(input, arg)).collect::<Result<Vec<_>>>()?;
        let types = args.iter().map(|&i| input.field(i).data_type().clone()).collect();
        Ok(Bound { window: call.window.clone(), args, types })
    }

    /// Its columns, in the layout that was declared: strings may come as codes.
    pub fn columns(&self, record: &RecordBatch) -> Result<Vec<ArrayRef>> {
        let columns = self.args.iter().map(|&i| record.column(i)).zip(&self.types);
        columns.map(|(column, data_type)| plain(column, data_type)).collect()
    }

    /// Its columns beside each other.
    pub fn record(&self, record: &RecordBatch) -> Result<RecordBatch> {
        let fields = self.types.iter().enumerate().map(|(i, t)| Field::new(i.to_string(), t.clone(), true));
        let schema = Arc::new(Schema::new(fields.collect::<Vec<_>>()));
        let options = RecordBatchOptions::new().with_row_count(Some(record.num_rows()));
        Ok(RecordBatch::try_new_with_options(schema, self.columns(record)?, &options)?)
    }
}

/// A column in the layout of a type that means the same.
pub fn plain(column: &ArrayRef, data_type: &DataType) -> Result<ArrayRef> {
    let same = column.data_type() == data_type;
    Ok(if same { column.clone() } else { cast(column, data_type)? })
}

/// What comes out of calls over an input: its columns and those of the calls, or some of them.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Output {
    /// Absent: all.
    names: Option<Vec<String>>,
}

/// Where a column comes from.
#[derive(Clone, Copy, Debug)]
pub enum Place {
    Input(usize),
    Call(usize),
}

impl Output {
    /// All columns of the input, then all results.
    pub const ALL: Output = Output { names: None };

    /// Only these.
    pub fn only(names: Vec<String>) -> Output {
        Output { names: Some(names) }
    }

    /// The columns, and where each comes from.
    pub fn places(&self, calls: &[Call], input: &SchemaRef) -> Result<(SchemaRef, Vec<Place>)> {
        let mut fields: Vec<Field> = input.fields().iter().map(|f| f.as_ref().clone()).collect();
        for call in calls {
            fields.push(call.field(input)?);
        }
        let place = |i: usize| match i.checked_sub(input.fields().len()) {
            None => Place::Input(i),
            Some(call) => Place::Call(call),
        };
        let Some(names) = &self.names else {
            let places = (0..fields.len()).map(place).collect();
            return Ok((Arc::new(Schema::new_with_metadata(fields, input.metadata().clone())), places));
        };
        let at = |name: &String| fields.iter().position(|f| f.name() == name);
        let at = names.iter().map(at).collect::<Option<Vec<_>>>();
        let at = at.ok_or_else(|| Error::invalid("a column is wanted that nobody gives"))?;
        let kept: Vec<Field> = at.iter().map(|&i| fields[i].clone()).collect();
        let schema = Schema::new_with_metadata(kept, input.metadata().clone());
        Ok((Arc::new(schema), at.into_iter().map(place).collect()))
    }

    /// Of the columns that come out, those at `keep`.
    pub fn keep(&self, keep: &[usize], calls: &[Call], input: &SchemaRef) -> Result<Output> {
        let (schema, _) = self.places(calls, input)?;
        Ok(Output::only(keep.iter().map(|&i| schema.field(i).name().clone()).collect()))
    }

    /// Of the calls, those whose results come out.
    pub fn calls(&self, calls: &[Call]) -> Vec<Call> {
        let wanted = |call: &&Call| self.names.as_ref().is_none_or(|names| names.contains(&call.name));
        calls.iter().filter(wanted).cloned().collect()
    }

    /// The columns of the input that are needed for the columns `wanted`.
    pub fn needed(&self, wanted: &[usize], calls: &[Call], input: &SchemaRef) -> Result<Vec<usize>> {
        let (_, places) = self.places(calls, input)?;
        let mut needed = Vec::new();
        for place in wanted.iter().filter_map(|&i| places.get(i)) {
            match place {
                Place::Input(i) => needed.push(*i),
                Place::Call(i) => {
                    for arg in &calls[*i].args {
                        needed.push(index_of(input, arg)?);
                    }
                }
            }
        }
        Ok(needed)
    }

    /// Its identity.
    pub fn token(&self, t: &mut Tokenizer) {
        t.debug(&self.names);
    }
}

/// Rows with the columns that come out.
pub fn assemble(
    schema: &SchemaRef,
    places: &[Place],
    record: &RecordBatch,
    results: &[ArrayRef],
) -> Result<RecordBatch> {
    let column = |place: &Place| match place {
        Place::Input(i) => record.column(*i).clone(),
        Place::Call(i) => results[*i].clone(),
    };
    let columns: Vec<ArrayRef> = places.iter().map(column).collect();
    let options = RecordBatchOptions::new().with_row_count(Some(record.num_rows()));
    Ok(RecordBatch::try_new_with_options(in_layout(schema, &columns), columns, &options)?)
}
