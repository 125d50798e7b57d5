//! One key column as codes: bytes that compare like the values.
//!
//! A code says by itself where it ends, so that the codes of several columns can stand one after the other. What a row
//! has in place of a value (null, NaN) is 0x00… or 0xFF…, which no value is. Descending codes are the complement, so that
//! null stays where it is asked for.

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::compute::cast;
use arrow::datatypes::{
    ArrowPrimitiveType, DataType, Date32Type, Date64Type, Decimal32Type, Decimal64Type, Decimal128Type,
    DurationMicrosecondType, DurationMillisecondType, DurationNanosecondType, DurationSecondType, Float32Type,
    Float64Type, Int8Type, Int16Type, Int32Type, Int64Type, Time32MillisecondType, Time32SecondType,
    Time64MicrosecondType, Time64NanosecondType, TimeUnit, TimestampMicrosecondType, TimestampMillisecondType,
    TimestampNanosecondType, TimestampSecondType, UInt8Type, UInt16Type, UInt32Type, UInt64Type,
};

use crate::base::{Error, Result};

/// How a column is coded: the same for all its batches.
#[derive(Clone, Debug)]
pub(super) struct Lane {
    pub(super) data_type: DataType,
    pub(super) descending: bool,
    pub(super) nulls_first: bool,
    /// Whether a byte (or more) is needed to tell null from a value.
    pub(super) nullable: bool,
}

/// The code of a value.
pub(super) enum Code<'a> {
    /// The last bytes of a number, as many as given. At most 16.
    Fixed(u128, u32),
    /// Two of them, one after the other.
    Wide(u8, u128),
    /// Text: the bytes from its first one on (more than belong to it), and its length.
    Text(&'a [u8], usize),
    /// Bytes that need not be text.
    Bytes(&'a [u8]),
    /// Null in a column of texts or bytes.
    NoText,
}

/// A number as an unsigned one that compares the same, or nothing for NaN.
trait Ordered: Copy {
    const BYTES: u32;
    /// Whether there are codes beside those of values that can stand for null.
    const SPARE: bool = false;
    fn code(self) -> Option<u128>;
}

macro_rules! whole {
    ($($native:ty, $unsigned:ty);*) => {$(
        impl Ordered for $native {
            const BYTES: u32 = <$native>::BITS / 8;
            fn code(self) -> Option<u128> {
                // the sign is turned, so that negative numbers come first
                Some((self as $unsigned ^ <$native>::MIN as $unsigned) as u128)
            }
        }
    )*};
}

whole!(i8, u8; i16, u16; i32, u32; i64, u64; i128, u128; u8, u8; u16, u16; u32, u32; u64, u64);

macro_rules! float {
    ($native:ty, $bits:ty, $zero:expr) => {
        impl Ordered for $native {
            const BYTES: u32 = <$bits>::BITS / 8;
            const SPARE: bool = true;
            fn code(self) -> Option<u128> {
                if self.is_nan() {
                    return None;
                }
                // -0.0 + 0.0 is 0.0
                let bits = (self + $zero).to_bits();
                let negative = bits >> (<$bits>::BITS - 1) == 1;
                Some(if negative { !bits } else { bits | 1 << (<$bits>::BITS - 1) } as u128)
            }
        }
    };
}

float!(f32, u32, 0.0);
float!(f64, u64, 0.0);

impl Lane {
    /// The most bytes of a code, where that is known.
    pub(super) fn width(&self) -> Option<usize> {
        let rank = usize::from(self.nullable);
        match &self.data_type {
            DataType::Null | DataType::Boolean => Some(1),
            DataType::Float16 | DataType::Float32 => Some(4),
            DataType::Float64 => Some(8),
            DataType::Dictionary(_, values) => Lane { data_type: values.as_ref().clone(), ..*self }.width(),
            other => other.primitive_width().map(|w| w + rank),
        }
    }

    /// The column in a layout that has codes: dictionaries as their values, halves as floats.
    pub(super) fn plain(&self, array: &ArrayRef) -> Result<ArrayRef> {
        let mut array = array.clone();
        while let DataType::Dictionary(_, values) = array.data_type().clone() {
            array = cast(&array, &values)?;
        }
        Ok(if *array.data_type() == DataType::Float16 { cast(&array, &DataType::Float32)? } else { array })
    }

    /// Calls `see` with the row and the code of each value of `array`.
    pub(super) fn codes<'a>(&self, array: &'a ArrayRef, see: impl FnMut(usize, Code<'a>)) -> Result<()> {
        use DataType as D;
        use TimeUnit::{Microsecond, Millisecond, Nanosecond, Second};
        match array.data_type() {
            D::Null => self.none(array.len(), see),
            D::Boolean => self.booleans(array, see),
            D::Int8 => self.numbers::<Int8Type>(array, see),
            D::Int16 => self.numbers::<Int16Type>(array, see),
            D::Int32 => self.numbers::<Int32Type>(array, see),
            D::Int64 => self.numbers::<Int64Type>(array, see),
            D::UInt8 => self.numbers::<UInt8Type>(array, see),
            D::UInt16 => self.numbers::<UInt16Type>(array, see),
            D::UInt32 => self.numbers::<UInt32Type>(array, see),
            D::UInt64 => self.numbers::<UInt64Type>(array, see),
            D::Float32 => self.numbers::<Float32Type>(array, see),
            D::Float64 => self.numbers::<Float64Type>(array, see),
            D::Date32 => self.numbers::<Date32Type>(array, see),
            D::Date64 => self.numbers::<Date64Type>(array, see),
            D::Time32(Second) => self.numbers::<Time32SecondType>(array, see),
            D::Time32(_) => self.numbers::<Time32MillisecondType>(array, see),
            D::Time64(Microsecond) => self.numbers::<Time64MicrosecondType>(array, see),
            D::Time64(_) => self.numbers::<Time64NanosecondType>(array, see),
            D::Timestamp(Second, _) => self.numbers::<TimestampSecondType>(array, see),
            D::Timestamp(Millisecond, _) => self.numbers::<TimestampMillisecondType>(array, see),
            D::Timestamp(Microsecond, _) => self.numbers::<TimestampMicrosecondType>(array, see),
            D::Timestamp(Nanosecond, _) => self.numbers::<TimestampNanosecondType>(array, see),
            D::Duration(Second) => self.numbers::<DurationSecondType>(array, see),
            D::Duration(Millisecond) => self.numbers::<DurationMillisecondType>(array, see),
            D::Duration(Microsecond) => self.numbers::<DurationMicrosecondType>(array, see),
            D::Duration(Nanosecond) => self.numbers::<DurationNanosecondType>(array, see),
            D::Decimal32(..) => self.numbers::<Decimal32Type>(array, see),
            D::Decimal64(..) => self.numbers::<Decimal64Type>(array, see),
            D::Decimal128(..) => self.numbers::<Decimal128Type>(array, see),
            D::Utf8 => self.texts(array.as_string::<i32>(), see),
            D::LargeUtf8 => self.texts(array.as_string::<i64>(), see),
            D::Utf8View => self.views(array.as_string_view().iter().map(|t| t.map(str::as_bytes)), true, see),
            D::Binary => self.views(array.as_binary::<i32>().iter(), false, see),
            D::LargeBinary => self.views(array.as_binary::<i64>().iter(), false, see),
            D::BinaryView => self.views(array.as_binary_view().iter(), false, see),
            D::FixedSizeBinary(_) => self.views(array.as_fixed_size_binary().iter(), false, see),
            other => Err(unordered(other)),
        }
    }

    /// The code that stands for null, of `bytes` bytes.
    fn null(&self, bytes: u32) -> u128 {
        if self.nulls_first { 0 } else { u128::MAX >> (128 - 8 * bytes) }
    }

    fn none<'a>(&self, rows: usize, mut see: impl FnMut(usize, Code<'a>)) -> Result<()> {
        (0..rows).for_each(|i| see(i, Code::Fixed(self.null(1), 1)));
        Ok(())
    }

    fn booleans<'a>(&self, array: &ArrayRef, mut see: impl FnMut(usize, Code<'a>)) -> Result<()> {
        for (i, value) in array.as_boolean().iter().enumerate() {
            let code = value.map_or(self.null(1), |v| 1 + u128::from(v != self.descending));
            see(i, Code::Fixed(code, 1));
        }
        Ok(())
    }

    fn numbers<'a, T: ArrowPrimitiveType>(
        &self,
        array: &'a ArrayRef,
        mut see: impl FnMut(usize, Code<'a>),
    ) -> Result<()>
    where
        T::Native: Ordered,
    {
        let array = array.as_primitive::<T>();
        let bytes = T::Native::BYTES;
        let turn = if self.descending { u128::MAX >> (128 - 8 * bytes) } else { 0 };
        let rank = self.nullable && !T::Native::SPARE;
        let null = self.null(bytes);
        // a value's rank lies between those of null first and null last
        let (ranked, value_rank, null_rank) = (bytes + u32::from(rank), 1u8, self.null(1) as u8);
        let mut put = |i: usize, code: Option<u128>| match (code, rank) {
            (Some(code), false) => see(i, Code::Fixed(code ^ turn, bytes)),
            (None, false) => see(i, Code::Fixed(null, bytes)),
            (Some(code), true) if bytes < 16 => {
                see(i, Code::Fixed((code ^ turn) | u128::from(value_rank) << (8 * bytes), ranked))
            }
            (None, true) if bytes < 16 => see(i, Code::Fixed(u128::from(null_rank) << (8 * bytes), ranked)),
            (Some(code), true) => see(i, Code::Wide(value_rank, code ^ turn)),
            (None, true) => see(i, Code::Wide(null_rank, 0)),
        };
        match array.nulls().filter(|n| n.null_count() > 0) {
            None => array.values().iter().enumerate().for_each(|(i, v)| put(i, v.code())),
            Some(valid) => {
                for (i, (v, valid)) in array.values().iter().zip(valid.iter()).enumerate() {
                    put(i, v.code().filter(|_| valid));
                }
            }
        }
        Ok(())
    }

    fn texts<'a, O: arrow::array::OffsetSizeTrait>(
        &self,
        array: &'a arrow::array::GenericStringArray<O>,
        mut see: impl FnMut(usize, Code<'a>),
    ) -> Result<()> {
        let bytes = array.value_data();
        let text = |ends: &[O]| match ends {
            [start, end] => Code::Text(bytes.get(start.as_usize()..).unwrap_or_default(), (*end - *start).as_usize()),
            _ => Code::NoText,
        };
        match array.nulls().filter(|n| n.null_count() > 0) {
            None => array.value_offsets().windows(2).enumerate().for_each(|(i, ends)| see(i, text(ends))),
            Some(valid) => {
                for (i, (ends, valid)) in array.value_offsets().windows(2).zip(valid.iter()).enumerate() {
                    see(i, if valid { text(ends) } else { Code::NoText });
                }
            }
        }
        Ok(())
    }

    fn views<'a>(
        &self,
        values: impl Iterator<Item = Option<&'a [u8]>>,
        text: bool,
        mut see: impl FnMut(usize, Code<'a>),
    ) -> Result<()> {
        for (i, value) in values.enumerate() {
            match value {
                None => see(i, Code::NoText),
                Some(value) if text => see(i, Code::Text(value, value.len())),
                Some(value) => see(i, Code::Bytes(value)),
            }
        }
        Ok(())
    }
}

/// Whether rows can be ordered by values of this type.
pub(super) fn check(data_type: &DataType) -> Result<()> {
    match data_type {
        DataType::Dictionary(_, values) => check(values),
        DataType::Boolean | DataType::Null | DataType::FixedSizeBinary(_) => Ok(()),
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => Ok(()),
        DataType::Binary | DataType::LargeBinary | DataType::BinaryView => Ok(()),
        DataType::Decimal256(..) | DataType::Interval(_) => Err(unordered(data_type)),
        other if other.primitive_width().is_some() => Ok(()),
        other => Err(unordered(other)),
    }
}

fn unordered(data_type: &DataType) -> Error {
    Error::unsupported(format!("ordering rows by values of type {data_type}"))
}
