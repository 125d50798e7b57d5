//! A key column of a batch, whatever its layout: words of 64 bits, or strings of bytes.

use arrow::array::{
    Array, ArrayRef, AsArray, BinaryArray, BinaryViewArray, FixedSizeBinaryArray, GenericByteArray, LargeBinaryArray,
};
use arrow::buffer::{BooleanBuffer, Buffer, NullBuffer, ScalarBuffer};
use arrow::datatypes::{
    ArrowPrimitiveType, ByteArrayType, DataType, Float16Type, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type,
    IntervalUnit, UInt8Type, UInt16Type, UInt32Type,
};

use crate::base::schema::{logical, same_type};
use crate::base::{Error, Result};

/// How the keys of a type are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// As a word of 64 bits: numbers up to that width, truths, dates, times.
    Words,
    /// As bytes: strings, binaries, wide decimals.
    Bytes,
}

impl Form {
    /// The form of keys of this type.
    ///
    /// # Errors
    /// `Unsupported` for nested types.
    pub fn of(data_type: &DataType) -> Result<Form> {
        use DataType as D;
        Ok(match logical(data_type) {
            D::Null | D::Boolean | D::Date32 | D::Date64 | D::Time32(_) | D::Time64(_) => Form::Words,
            D::Timestamp(..) | D::Duration(_) | D::Decimal32(..) | D::Decimal64(..) => Form::Words,
            D::Interval(IntervalUnit::YearMonth | IntervalUnit::DayTime) => Form::Words,
            t if t.is_integer() || t.is_floating() => Form::Words,
            D::Utf8 | D::Binary | D::FixedSizeBinary(_) | D::Decimal128(..) | D::Decimal256(..) => Form::Bytes,
            D::Interval(IntervalUnit::MonthDayNano) => Form::Bytes,
            other => {
                return Err(Error::unsupported(format!("a key of type {other}")).help("use a field of it as the key"));
            }
        })
    }
}

/// A key column of a batch.
#[derive(Clone, Debug)]
pub struct Flat {
    /// Its values.
    pub values: Values,
    /// Which of them are there.
    pub nulls: Option<NullBuffer>,
}

/// The values of a key column; what lies behind nulls is arbitrary.
#[derive(Clone, Debug)]
pub enum Values {
    /// Words: equal if and only if the keys are the same.
    Words(ScalarBuffer<u64>),
    /// Strings, each row its own.
    Bytes(Bytes),
    /// Strings by their place among others.
    Coded(Vec<u32>, Bytes),
}

/// Strings in one of their layouts.
#[derive(Clone, Debug)]
pub enum Bytes {
    /// By offsets of 32 bits.
    Small(BinaryArray),
    /// By offsets of 64 bits.
    Large(LargeBinaryArray),
    /// By views.
    View(BinaryViewArray),
    /// All of one width.
    Fixed(FixedSizeBinaryArray),
}

/// Calls generic code with the layout that is there.
macro_rules! with_bytes {
    ($bytes:expr, $array:ident => $body:expr) => {
        match $bytes {
            $crate::expr::keys::flat::Bytes::Small($array) => $body,
            $crate::expr::keys::flat::Bytes::Large($array) => $body,
            $crate::expr::keys::flat::Bytes::View($array) => $body,
            $crate::expr::keys::flat::Bytes::Fixed($array) => $body,
        }
    };
}
pub(super) use with_bytes;

/// Something that has a string in each row.
pub trait ByteRows {
    /// The string of a row. For a null it is arbitrary.
    fn bytes_at(&self, row: usize) -> &[u8];
}

impl<T: ByteArrayType<Native = [u8]>> ByteRows for GenericByteArray<T> {
    #[inline]
    fn bytes_at(&self, row: usize) -> &[u8] {
        self.value(row)
    }
}

impl ByteRows for BinaryViewArray {
    #[inline]
    fn bytes_at(&self, row: usize) -> &[u8] {
        self.value(row)
    }
}

impl ByteRows for FixedSizeBinaryArray {
    #[inline]
    fn bytes_at(&self, row: usize) -> &[u8] {
        self.value(row)
    }
}

impl Flat {
    /// A column of the logical type `expected`.
    ///
    /// # Errors
    /// `TypeMismatch` when it means another type; `Unsupported` for a nested one.
    pub fn of_type(array: &ArrayRef, expected: &DataType) -> Result<Flat> {
        if !same_type(array.data_type(), expected) {
            return Err(Error::types(format!("a key of type {} came where {expected} is", array.data_type())));
        }
        Flat::of(array)
    }

    /// A column of any type that can be a key.
    ///
    /// # Errors
    /// `Unsupported` for a nested one.
    pub fn of(array: &ArrayRef) -> Result<Flat> {
        let form = Form::of(array.data_type())?;
        if let DataType::Dictionary(_, value) = array.data_type() {
            return match (form, value.as_ref()) {
                // numbers are not worth a dictionary here
                (Form::Words, plain) => Flat::of(&arrow::compute::cast(array, plain)?),
                (Form::Bytes, _) => coded(array),
            };
        }
        let values = match form {
            Form::Words => Values::Words(words(array)?),
            Form::Bytes => Values::Bytes(bytes(array)?),
        };
        let nulls = if array.data_type().is_null() { array.logical_nulls() } else { array.nulls().cloned() };
        Ok(Flat { values, nulls: nulls.filter(|n| n.null_count() > 0) })
    }

    /// Whether the key of a row is there.
    #[inline]
    pub fn is_valid(&self, row: usize) -> bool {
        self.nulls.as_ref().is_none_or(|n| n.is_valid(row))
    }

    /// The number of rows.
    pub fn len(&self) -> usize {
        match &self.values {
            Values::Words(words) => words.len(),
            Values::Bytes(bytes) => with_bytes!(bytes, array => array.len()),
            Values::Coded(codes, _) => codes.len(),
        }
    }

    /// Whether there are no rows.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

fn coded(array: &ArrayRef) -> Result<Flat> {
    let dictionary = array.as_any_dictionary();
    let values = bytes(dictionary.values())?;
    let nulls = array.logical_nulls().filter(|n| n.null_count() > 0);
    let codes = if dictionary.values().is_empty() {
        vec![0; array.len()]
    } else {
        match dictionary.keys().data_type() {
            DataType::Int32 => {
                let last = dictionary.values().len() as u32 - 1;
                let keys = dictionary.keys().as_primitive::<Int32Type>().values();
                // behind a null the code may be anything
                keys.iter().map(|&key| (key as u32).min(last)).collect()
            }
            _ => dictionary.normalized_keys().into_iter().map(|code| code as u32).collect(),
        }
    };
    Ok(Flat { values: Values::Coded(codes, values), nulls })
}

fn bytes(array: &ArrayRef) -> Result<Bytes> {
    use DataType as D;
    Ok(match array.data_type() {
        D::Utf8 => Bytes::Small(array.as_string::<i32>().clone().into()),
        D::LargeUtf8 => Bytes::Large(array.as_string::<i64>().clone().into()),
        D::Utf8View => Bytes::View(array.as_string_view().clone().to_binary_view()),
        D::Binary => Bytes::Small(array.as_binary::<i32>().clone()),
        D::LargeBinary => Bytes::Large(array.as_binary::<i64>().clone()),
        D::BinaryView => Bytes::View(array.as_binary_view().clone()),
        D::FixedSizeBinary(_) => Bytes::Fixed(array.as_fixed_size_binary().clone()),
        D::Decimal128(..) | D::Interval(_) => Bytes::Fixed(fixed(array, 16)?),
        D::Decimal256(..) => Bytes::Fixed(fixed(array, 32)?),
        other => return Err(Error::types(format!("a key of type {other} has no bytes"))),
    })
}

/// The values of a wide type as their bytes.
fn fixed(array: &ArrayRef, width: i32) -> Result<FixedSizeBinaryArray> {
    Ok(FixedSizeBinaryArray::try_new(width, values_of(array, width as usize)?, array.nulls().cloned())?)
}

/// The buffer of the values, `width` bytes each.
fn values_of(array: &ArrayRef, width: usize) -> Result<Buffer> {
    let data = array.to_data();
    match data.buffers().first() {
        Some(buffer) => Ok(buffer.slice_with_length(data.offset() * width, data.len() * width)),
        None => Err(Error::types(format!("a key of type {} has no values", array.data_type()))),
    }
}

/// A number of up to 64 bits as a word.
fn each<T: ArrowPrimitiveType>(array: &ArrayRef, word: impl Fn(T::Native) -> u64) -> ScalarBuffer<u64> {
    array.as_primitive::<T>().values().iter().map(|v| word(*v)).collect()
}

/// A float as a word: one NaN, one zero.
#[inline]
fn float_word(value: f64) -> u64 {
    if value.is_nan() { f64::NAN.to_bits() } else { (value + 0.0).to_bits() }
}

fn words(array: &ArrayRef) -> Result<ScalarBuffer<u64>> {
    use DataType as D;
    Ok(match array.data_type() {
        D::Null => vec![0u64; array.len()].into(),
        D::Boolean => array.as_boolean().values().iter().map(u64::from).collect(),
        D::Int8 => each::<Int8Type>(array, |v| v as u64),
        D::Int16 => each::<Int16Type>(array, |v| v as u64),
        D::UInt8 => each::<UInt8Type>(array, u64::from),
        D::UInt16 => each::<UInt16Type>(array, u64::from),
        D::UInt32 => each::<UInt32Type>(array, u64::from),
        D::Float16 => each::<Float16Type>(array, |v| float_word(v.to_f64())),
        D::Float32 => each::<Float32Type>(array, |v| float_word(f64::from(v))),
        D::Float64 => each::<Float64Type>(array, float_word),
        D::Int32 | D::Date32 | D::Time32(_) | D::Decimal32(..) | D::Interval(IntervalUnit::YearMonth) => {
            let values: ScalarBuffer<i32> = ScalarBuffer::new(values_of(array, 4)?, 0, array.len());
            values.iter().map(|v| *v as u64).collect()
        }
        _ => ScalarBuffer::new(values_of(array, 8)?, 0, array.len()),
    })
}

/// The rows where a key is null or NaN: what pandas' `dropna` leaves out of groups. `None` when there are none.
///
/// # Errors
/// `Unsupported` for a key of a nested type.
pub fn missing(columns: &[ArrayRef]) -> Result<Option<BooleanBuffer>> {
    let mut found: Option<BooleanBuffer> = None;
    for column in columns {
        let flat = Flat::of(column)?;
        let mut own = flat.nulls.as_ref().map(|n| !n.inner());
        if let (true, Values::Words(words)) = (logical(column.data_type()).is_floating(), &flat.values) {
            let nan = BooleanBuffer::collect_bool(words.len(), |row| words[row] == f64::NAN.to_bits());
            if nan.count_set_bits() > 0 {
                own = Some(own.map_or(nan.clone(), |nulls| &nulls | &nan));
            }
        }
        if let Some(own) = own {
            found = Some(found.map_or(own.clone(), |before| &before | &own));
        }
    }
    Ok(found)
}
