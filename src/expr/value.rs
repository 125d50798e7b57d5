//! What functions take and give: a column, or one value that stands for a whole column.

use std::fmt;
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, BooleanArray, Float32Array, Float64Array, Int8Array, Int16Array, Int32Array, Int64Array,
    StringArray, TimestampMicrosecondArray, UInt8Array, UInt16Array, UInt32Array, UInt32Array as Indices, UInt64Array,
    new_null_array,
};
use arrow::compute::take;
use arrow::datatypes::{DataType, Float32Type, Float64Type};
use arrow::util::display::{ArrayFormatter, FormatOptions};

use crate::base::{Identity, Result, Tokenizer};

/// One value of any Arrow type, or null.
#[derive(Clone, Debug)]
pub struct Scalar(ArrayRef);

impl Scalar {
    /// The value at `row` of `array`.
    pub fn of(array: &ArrayRef, row: usize) -> Scalar {
        Scalar(array.slice(row, 1))
    }

    /// Null, of no type yet.
    pub fn null() -> Scalar {
        Scalar::null_of(&DataType::Null)
    }

    /// Null of a type.
    pub fn null_of(data_type: &DataType) -> Scalar {
        Scalar(new_null_array(data_type, 1))
    }

    /// Its type.
    pub fn data_type(&self) -> &DataType {
        self.0.data_type()
    }

    /// Whether it is null.
    pub fn is_null(&self) -> bool {
        self.0.logical_null_count() > 0
    }

    /// The value as an array of one row.
    pub fn array(&self) -> &ArrayRef {
        &self.0
    }

    /// The value in every one of `rows` rows.
    ///
    /// # Errors
    /// When Arrow cannot repeat this type.
    pub fn repeat(&self, rows: usize) -> Result<ArrayRef> {
        if rows == 1 {
            return Ok(self.0.clone());
        }
        Ok(take(&self.0, &Indices::from(vec![0; rows]), None)?)
    }

    /// The value converted to another type as the `astype` of a column would, null staying null.
    ///
    /// # Errors
    /// When it is not a value of that type.
    pub fn cast(&self, to: &DataType) -> Result<Scalar> {
        if self.data_type() == to {
            return Ok(self.clone());
        }
        let options = arrow::compute::CastOptions { safe: false, ..Default::default() };
        Ok(Scalar(arrow::compute::cast_with_options(&self.0, to, &options)?))
    }

    /// The value as a floating number, if it is a number or a bool.
    pub fn as_f64(&self) -> Option<f64> {
        let array = arrow::compute::cast(&self.0, &DataType::Float64).ok()?;
        let array = array.as_any().downcast_ref::<Float64Array>()?;
        array.is_valid(0).then(|| array.value(0))
    }

    /// The value as a whole number, if it is one.
    pub fn as_i64(&self) -> Option<i64> {
        let array = arrow::compute::cast(&self.0, &DataType::Int64).ok()?;
        let array = array.as_any().downcast_ref::<Int64Array>()?;
        array.is_valid(0).then(|| array.value(0))
    }

    /// The text, if it is one.
    pub fn as_str(&self) -> Option<&str> {
        let array = self.0.as_any().downcast_ref::<StringArray>()?;
        array.is_valid(0).then(|| array.value(0))
    }
}

impl PartialEq for Scalar {
    /// Equal content: types and values, floats by their bits.
    fn eq(&self, other: &Scalar) -> bool {
        self.0.to_data() == other.0.to_data()
    }
}

impl fmt::Display for Scalar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let options = FormatOptions::default().with_null("null");
        match ArrayFormatter::try_new(&self.0, &options) {
            Ok(text) if self.as_str().is_some() => write!(f, "\"{}\"", text.value(0)),
            Ok(text) => write!(f, "{}", text.value(0)),
            Err(_) => write!(f, "{}", self.data_type()),
        }
    }
}

impl Identity for Scalar {
    fn token(&self, t: &mut Tokenizer) {
        use arrow::array::AsArray;
        t.debug(self.data_type());
        match self.data_type() {
            _ if self.is_null() => t.u64(0),
            DataType::Float64 => t.f64(self.0.as_primitive::<Float64Type>().value(0)),
            DataType::Float32 => t.f64(f64::from(self.0.as_primitive::<Float32Type>().value(0))),
            _ => t.str(&self.to_string()),
        }
    }
}

macro_rules! scalar_from {
    ($($native:ty => $array:ty),* $(,)?) => {$(
        impl From<$native> for Scalar {
            fn from(value: $native) -> Scalar {
                Scalar(Arc::new(<$array>::from(vec![value])))
            }
        }
        impl From<Option<$native>> for Scalar {
            fn from(value: Option<$native>) -> Scalar {
                Scalar(Arc::new(<$array>::from(vec![value])))
            }
        }
    )*};
}

scalar_from! {
    bool => BooleanArray, i8 => Int8Array, i16 => Int16Array, i32 => Int32Array, i64 => Int64Array,
    u8 => UInt8Array, u16 => UInt16Array, u32 => UInt32Array, u64 => UInt64Array,
    f32 => Float32Array, f64 => Float64Array, &str => StringArray, String => StringArray,
}

impl From<usize> for Scalar {
    fn from(value: usize) -> Scalar {
        Scalar::from(value as u64)
    }
}

impl From<chrono::NaiveDateTime> for Scalar {
    fn from(value: chrono::NaiveDateTime) -> Scalar {
        Scalar(Arc::new(TimestampMicrosecondArray::from(vec![value.and_utc().timestamp_micros()])))
    }
}

impl From<chrono::NaiveDate> for Scalar {
    fn from(value: chrono::NaiveDate) -> Scalar {
        let days = value.signed_duration_since(chrono::NaiveDate::default()).num_days();
        Scalar(Arc::new(arrow::array::Date32Array::from(vec![days as i32])))
    }
}

/// What a function takes and gives. A scalar stands for a column that has this value in every row; a function whose
/// arguments are all scalars gives a scalar.
#[derive(Clone, Debug)]
pub enum Value {
    /// A column.
    Array(ArrayRef),
    /// One value for all rows.
    Scalar(Scalar),
}

impl Value {
    /// The type.
    pub fn data_type(&self) -> &DataType {
        match self {
            Value::Array(array) => array.data_type(),
            Value::Scalar(scalar) => scalar.data_type(),
        }
    }

    /// The column, of `rows` rows.
    ///
    /// # Errors
    /// When Arrow cannot repeat a scalar of this type.
    pub fn into_array(self, rows: usize) -> Result<ArrayRef> {
        match self {
            Value::Array(array) => Ok(array),
            Value::Scalar(scalar) => scalar.repeat(rows),
        }
    }

    /// The rows as they are: a scalar is one row. Apply a function of one argument to this, and
    /// [`like`](Self::like) gives back what it was.
    pub fn rows(&self) -> &ArrayRef {
        match self {
            Value::Array(array) => array,
            Value::Scalar(scalar) => scalar.array(),
        }
    }

    /// `array` as the same sort of value as this: a scalar if this is one.
    pub fn like(&self, array: ArrayRef) -> Value {
        match self {
            Value::Array(_) => Value::Array(array),
            Value::Scalar(_) => Value::Scalar(Scalar(array)),
        }
    }
}
