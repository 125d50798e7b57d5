//! Keys as bytes, computed by the library's own code in whichever process they are: so they compare there as they do here.

use std::hash::{Hash, Hasher};
use std::sync::Arc;

use datafusion::arrow::datatypes::{DataType, Field, FieldRef};
use datafusion::common::Result as Outcome;
use datafusion::logical_expr::{
    ColumnarValue, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};
use partita::arrow::array::{ArrayRef, BinaryArray, RecordBatch, RecordBatchOptions};
use partita::arrow::datatypes::{Field as OwnField, Schema};
use partita::expr::order::Encoder;
use partita::{Error, Result, SortKey};

use crate::bridge::{to_ours, to_theirs};
use crate::error;

/// The name that it has in plans.
pub const NAME: &str = "partita";

/// Bytes that compare as rows do by some keys, as a function of the columns that the keys name. The keys travel with it.
#[derive(Debug)]
pub struct Key {
    keys: Vec<SortKey>,
    columns: Vec<Arc<str>>,
    text: String,
    signature: Signature,
}

impl Key {
    /// Of these keys.
    ///
    /// # Errors
    /// `Unsupported` for an expression that cannot be sent.
    pub fn new(keys: Vec<SortKey>) -> Result<Key> {
        for key in &keys {
            // names what cannot be sent
            key.expr.to_portable()?;
        }
        let columns: std::collections::BTreeSet<_> = keys.iter().flat_map(|key| key.expr.columns()).collect();
        let text = serde_json::to_string(&keys).map_err(Error::other)?;
        let signature = match columns.len() {
            // what is folded to an empty table loses the names of its columns on the way to the scheduler
            0 => Signature::nullary(Volatility::Volatile),
            arguments => Signature::any(arguments, Volatility::Immutable),
        };
        Ok(Key { keys, columns: columns.into_iter().collect(), text, signature })
    }

    /// What [`text`](Self::text) says.
    ///
    /// # Errors
    /// `Invalid` for a text that says nothing.
    pub fn read(text: &[u8]) -> Result<Key> {
        Key::new(serde_json::from_slice(text).map_err(Error::other)?)
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

    /// The columns that it takes, with the types that they come in; null or not, so that keys of two frames are written
    /// alike.
    fn schema(&self, given: &[FieldRef]) -> Result<Schema> {
        let named = self.columns.iter().zip(given);
        let fields = named.map(|(name, field)| Ok(to_ours::field(field)?.with_name(name.as_ref()).with_nullable(true)));
        Ok(Schema::new(fields.collect::<Result<Vec<OwnField>>>()?))
    }

    fn eval(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let rows = args.number_rows;
        let schema = Arc::new(self.schema(&args.arg_fields)?);
        let array = |value: ColumnarValue| to_ours::array(&value.into_array(rows).map_err(error::to_ours)?);
        let columns = args.args.into_iter().map(array).collect::<Result<Vec<ArrayRef>>>()?;
        let options = RecordBatchOptions::new().with_row_count(Some(rows));
        let record = RecordBatch::try_new_with_options(schema.clone(), columns, &options)?;
        let keys = Encoder::new(&self.keys, &schema)?.encode(&record)?;
        let bytes: ArrayRef = Arc::new(BinaryArray::from_iter_values((0..rows).map(|row| keys.whole(row))));
        Ok(ColumnarValue::Array(to_theirs::array(&bytes)?))
    }
}

impl PartialEq for Key {
    fn eq(&self, other: &Key) -> bool {
        self.text == other.text
    }
}

impl Eq for Key {}

impl Hash for Key {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.text.hash(state);
    }
}

impl ScalarUDFImpl for Key {
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
        datafusion::common::internal_err!("a key is a field")
    }

    fn return_field_from_args(&self, args: ReturnFieldArgs<'_>) -> Outcome<FieldRef> {
        let schema = self.schema(args.arg_fields).and_then(|schema| Encoder::new(&self.keys, &schema));
        schema.map_err(error::to_theirs)?;
        Ok(Arc::new(Field::new(NAME, DataType::Binary, false)))
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Outcome<ColumnarValue> {
        self.eval(args).map_err(error::to_theirs)
    }
}
