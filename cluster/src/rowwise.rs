//! Functions of rows, computed by the library's own code in whichever process they run.

use std::hash::{Hash, Hasher};
use std::sync::Arc;

use datafusion::arrow::datatypes::{DataType, Field, FieldRef};
use datafusion::common::Result as Outcome;
use datafusion::logical_expr::{
    ColumnarValue, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};
use partita::arrow::array::{
    ArrayRef, AsArray, BinaryArray, BooleanArray, BooleanBufferBuilder, RecordBatch, RecordBatchOptions, UInt32Array,
};
use partita::arrow::compute::{filter, filter_record_batch};
use partita::arrow::datatypes::{DataType as OwnType, Field as OwnField, Schema, UInt32Type};
use partita::expr::fns::cast::convert;
use partita::expr::order::Encoder;
use partita::expr::{Expr, Program};
use partita::{Error, Result, SortKey};
use serde::{Deserialize, Serialize};

use crate::bridge::{to_ours, to_theirs};
use crate::error;

/// The name that it has in plans.
pub const NAME: &str = "partita";

/// What is computed of a row.
#[derive(Clone, Debug)]
enum Work {
    /// An expression.
    Value(Expr),
    /// Whether all of its parts are true, each asked only about rows that the ones before it have kept.
    Condition(Expr),
    /// Bytes that compare as the rows do that are ordered by these keys.
    Order(Vec<SortKey>),
}

/// The same on its way.
#[derive(Serialize, Deserialize)]
enum Sent {
    Value(String),
    Condition(String),
    Order(Vec<(String, bool, bool)>),
}

/// A function of the columns that it names, as DataFusion sees it. What it computes travels with it.
#[derive(Debug)]
pub struct Rowwise {
    work: Work,
    columns: Vec<Arc<str>>,
    text: String,
    signature: Signature,
}

impl Rowwise {
    /// The value of an expression.
    ///
    /// # Errors
    /// `Unsupported` for an expression that cannot be sent.
    pub fn value(expr: &Expr) -> Result<Rowwise> {
        Rowwise::of(Work::Value(expr.unaliased().clone()))
    }

    /// Whether a filter keeps a row.
    ///
    /// # Errors
    /// As [`value`](Self::value).
    pub fn condition(expr: &Expr) -> Result<Rowwise> {
        Rowwise::of(Work::Condition(expr.unaliased().clone()))
    }

    /// Bytes that compare as the rows do.
    ///
    /// # Errors
    /// As [`value`](Self::value).
    pub fn order(keys: &[SortKey]) -> Result<Rowwise> {
        Rowwise::of(Work::Order(keys.to_vec()))
    }

    fn of(work: Work) -> Result<Rowwise> {
        let mut columns = std::collections::BTreeSet::new();
        let sent = match &work {
            Work::Value(expr) => {
                columns.extend(expr.columns());
                Sent::Value(expr.to_portable()?)
            }
            Work::Condition(expr) => {
                columns.extend(expr.columns());
                Sent::Condition(expr.to_portable()?)
            }
            Work::Order(keys) => {
                columns.extend(keys.iter().flat_map(|key| key.expr.columns()));
                let key = |key: &SortKey| Ok((key.expr.to_portable()?, key.descending, key.nulls_first));
                Sent::Order(keys.iter().map(key).collect::<Result<_>>()?)
            }
        };
        let signature = match columns.len() {
            // what is folded to an empty table loses the names of its columns on the way to the scheduler
            0 => Signature::nullary(Volatility::Volatile),
            arguments => Signature::any(arguments, Volatility::Immutable),
        };
        let text = serde_json::to_string(&sent).map_err(Error::other)?;
        Ok(Rowwise { work, columns: columns.into_iter().collect(), text, signature })
    }

    /// What [`text`](Self::text) says.
    ///
    /// # Errors
    /// `Invalid` for a text that says nothing.
    pub fn read(text: &[u8]) -> Result<Rowwise> {
        Rowwise::of(match serde_json::from_slice(text).map_err(Error::other)? {
            Sent::Value(expr) => Work::Value(Expr::from_portable(&expr)?),
            Sent::Condition(expr) => Work::Condition(Expr::from_portable(&expr)?),
            Sent::Order(keys) => {
                let key = |(expr, descending, nulls_first): (String, bool, bool)| {
                    Ok(SortKey { expr: Expr::from_portable(&expr)?, descending, nulls_first })
                };
                Work::Order(keys.into_iter().map(key).collect::<Result<_>>()?)
            }
        })
    }

    /// All that it is, as text.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The columns that it takes, in this order.
    pub fn columns(&self) -> &[Arc<str>] {
        &self.columns
    }

    /// As a function of DataFusion.
    pub fn into_udf(self) -> Arc<ScalarUDF> {
        Arc::new(ScalarUDF::new_from_impl(self))
    }

    /// The columns that it takes, with the types that they come in.
    fn schema(&self, given: &[FieldRef]) -> Result<Schema> {
        let named = self.columns.iter().zip(given);
        let fields = named.map(|(name, field)| Ok(to_ours::field(field)?.with_name(name.as_ref())));
        Ok(Schema::new(fields.collect::<Result<Vec<OwnField>>>()?))
    }

    fn result(&self, given: &[FieldRef]) -> Result<FieldRef> {
        Ok(Arc::new(match &self.work {
            Work::Value(expr) => to_theirs::field(expr.to_field(&self.schema(given)?)?.as_ref())?.with_name(NAME),
            Work::Condition(expr) => {
                expr.to_field(&self.schema(given)?)?;
                Field::new(NAME, DataType::Boolean, false)
            }
            Work::Order(keys) => {
                Encoder::new(keys, &self.schema(given)?)?;
                Field::new(NAME, DataType::Binary, false)
            }
        }))
    }

    fn eval(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let rows = args.number_rows;
        let schema = Arc::new(self.schema(&args.arg_fields)?);
        let array = |value: ColumnarValue| to_ours::array(&value.into_array(rows).map_err(error::to_ours)?);
        let columns = args.args.into_iter().map(array).collect::<Result<Vec<ArrayRef>>>()?;
        let options = RecordBatchOptions::new().with_row_count(Some(rows));
        let record = RecordBatch::try_new_with_options(schema.clone(), columns, &options)?;
        let result: ArrayRef = match &self.work {
            Work::Value(expr) => {
                let made = Program::new(std::slice::from_ref(expr), &schema)?.run(&record)?;
                convert(made.column(0), &to_ours::data_type(args.return_field.data_type())?)?
            }
            Work::Condition(expr) => Arc::new(kept(expr, record)?),
            Work::Order(keys) => {
                let keys = Encoder::new(keys, &schema)?.encode(&record)?;
                Arc::new(BinaryArray::from_iter_values((0..rows).map(|row| keys.whole(row))))
            }
        };
        Ok(ColumnarValue::Array(to_theirs::array(&result)?))
    }
}

/// The rows for which all parts of a condition are true.
fn kept(condition: &Expr, record: RecordBatch) -> Result<BooleanArray> {
    let rows = record.num_rows();
    let (mut left, mut places) = (record, UInt32Array::from_iter_values(0..rows as u32));
    let parts = if condition.can_fail() { condition.conjuncts() } else { vec![condition.clone()] };
    for part in parts {
        let truth = Program::new(std::slice::from_ref(&part), &left.schema())?.run(&left)?;
        let truth = convert(truth.column(0), &OwnType::Boolean)?;
        // null is not true
        places = filter(&places, truth.as_boolean())?.as_primitive::<UInt32Type>().clone();
        left = filter_record_batch(&left, truth.as_boolean())?;
    }
    let mut bits = BooleanBufferBuilder::new(rows);
    bits.append_n(rows, false);
    places.values().iter().for_each(|&place| bits.set_bit(place as usize, true));
    Ok(BooleanArray::new(bits.finish(), None))
}

impl PartialEq for Rowwise {
    fn eq(&self, other: &Rowwise) -> bool {
        self.text == other.text
    }
}

impl Eq for Rowwise {}

impl Hash for Rowwise {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.text.hash(state);
    }
}

impl ScalarUDFImpl for Rowwise {
    fn name(&self) -> &str {
        NAME
    }

    fn schema_name(&self, _args: &[datafusion::logical_expr::Expr]) -> Outcome<String> {
        Ok(format!("{NAME}({})", self.text))
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _arg_types: &[DataType]) -> Outcome<DataType> {
        datafusion::common::internal_err!("the result of an expression is a field")
    }

    fn return_field_from_args(&self, args: ReturnFieldArgs<'_>) -> Outcome<FieldRef> {
        self.result(args.arg_fields).map_err(error::to_theirs)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Outcome<ColumnarValue> {
        self.eval(args).map_err(error::to_theirs)
    }
}
