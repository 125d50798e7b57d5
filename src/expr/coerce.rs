//! Which type two operands meet in.
//!
//! Columns meet as in numpy: the smaller type is widened. A value that is the same for all rows (a literal) takes the
//! type of the column it meets wherever it fits, so that `col("hour") * 24` stays what `hour` is.

use std::sync::Arc;

use arrow::datatypes::{DataType, Field, FieldRef, TimeUnit};

use super::widen::widened;
use super::{Arg, Scalar, Value};
use crate::base::schema::{logical, same_type};
use crate::base::{Error, Result};

/// The type in which two arguments meet.
///
/// # Errors
/// `TypeMismatch` when they have nothing in common.
pub fn meet(a: &Arg<'_>, b: &Arg<'_>) -> Result<DataType> {
    let met = match (&a.constant, &b.constant) {
        (None, Some(value)) => literal_meets(a.data_type(), value),
        (Some(value), None) => literal_meets(b.data_type(), value),
        _ => None,
    };
    match met.or_else(|| meet_types(a.data_type(), b.data_type())) {
        Some(data_type) => Ok(data_type),
        None => Err(mismatch(a, b)),
    }
}

/// The type in which several arguments meet, for functions such as `min_of` or `when`.
///
/// # Errors
/// `TypeMismatch` when two of them have nothing in common.
pub fn meet_all<'a>(args: &'a [Arg<'a>]) -> Result<DataType> {
    // columns first: literals then adapt to what the columns agreed on
    let (columns, literals): (Vec<_>, Vec<_>) = args.iter().partition(|a| a.constant.is_none());
    let mut met: Option<DataType> = None;
    for arg in columns {
        met = Some(match met {
            None => arg.data_type().clone(),
            Some(so_far) => meet_types(&so_far, arg.data_type())
                .ok_or_else(|| Error::types(format!("{so_far} and {} do not go together", named(arg))))?,
        });
    }
    for arg in literals {
        let value = arg.constant.as_ref();
        met = Some(match (met, value) {
            (Some(so_far), Some(value)) => literal_meets(&so_far, value)
                .or_else(|| meet_types(&so_far, arg.data_type()))
                .ok_or_else(|| Error::types(format!("{so_far} and {} do not go together", named(arg))))?,
            (so_far, _) => so_far.unwrap_or_else(|| arg.data_type().clone()),
        });
    }
    Ok(met.unwrap_or(DataType::Null))
}

fn named(arg: &Arg<'_>) -> String {
    match &arg.constant {
        Some(value) => format!("{value}, a {}", arg.data_type()),
        None => format!("`{}`, a {}", arg.field.name(), arg.data_type()),
    }
}

fn mismatch(a: &Arg<'_>, b: &Arg<'_>) -> Error {
    Error::types(format!("{} and {} do not go together", named(a), named(b))).help("convert one of them with cast()")
}

/// The type of a column that meets a literal, if the literal can take the column's type or has to widen it.
fn literal_meets(column: &DataType, value: &Scalar) -> Option<DataType> {
    let literal = value.data_type();
    if value.is_null() || literal.is_null() {
        return Some(column.clone());
    }
    let own = logical(column);
    if own.is_floating() && literal.is_numeric() {
        return Some(own);
    }
    if own.is_integer() && literal.is_integer() {
        let fits = value.cast(&own).is_ok_and(|v| v.as_i64() == value.as_i64() && v.cast(literal).is_ok());
        return fits.then_some(own);
    }
    if matches!(own, DataType::Decimal128(..)) && literal.is_integer() {
        return value.cast(&own).is_ok().then_some(own);
    }
    if matches!(logical(literal), DataType::Utf8) {
        // a string column keeps its layout; a dictionary is unpacked, for the literal may not be in it
        let layout = matches!(column, DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View);
        let reads = own.is_temporal() && value.cast(&own).is_ok();
        return layout.then(|| column.clone()).or(reads.then_some(own));
    }
    None
}

/// The type in which two columns meet: the smallest that holds all values of both, as numpy promotes; strings of
/// different layouts meet in `Utf8`.
pub fn meet_types(a: &DataType, b: &DataType) -> Option<DataType> {
    use DataType::{Boolean, Date32, Date64, Decimal128, Float32, Float64, Int64, Null, Timestamp};
    if a == b {
        return Some(a.clone());
    }
    let (a, b) = (logical(a), logical(b));
    if same_type(&a, &b) {
        return Some(a);
    }
    match (&a, &b) {
        (Null, other) | (other, Null) => Some(other.clone()),
        (Boolean, other) | (other, Boolean) if other.is_numeric() => Some(other.clone()),
        (Decimal128(p1, s1), Decimal128(p2, s2)) => {
            let scale = *s1.max(s2);
            let whole = (*p1 as i8 - s1).max(*p2 as i8 - s2);
            Some(Decimal128((whole + scale).clamp(1, 38) as u8, scale))
        }
        (Decimal128(p, s), other) | (other, Decimal128(p, s)) if other.is_integer() => {
            Some(Decimal128((*p).max((19 + s).clamp(1, 38) as u8), *s))
        }
        (x, y) if x.is_integer() && y.is_integer() => Some(meet_integers(x, y)),
        (x, y) if x.is_numeric() && y.is_numeric() => {
            let small = |t: &DataType| matches!(t, Float32) || integer_bits(t).is_some_and(|(bits, _)| bits <= 16);
            Some(if small(x) && small(y) { Float32 } else { Float64 })
        }
        (Timestamp(u1, z1), Timestamp(u2, z2)) => {
            let zone = if z1 == z2 { z1.clone() } else { z1.clone().and(z2.clone()).map(|_| "UTC".into()) };
            (z1.is_some() == z2.is_some()).then(|| Timestamp(finer(*u1, *u2), zone))
        }
        (Timestamp(unit, zone), Date32 | Date64) | (Date32 | Date64, Timestamp(unit, zone)) => {
            Some(Timestamp(*unit, zone.clone()))
        }
        (Date32, Date64) | (Date64, Date32) => Some(Date64),
        (DataType::Duration(u1), DataType::Duration(u2)) => Some(DataType::Duration(finer(*u1, *u2))),
        (Int64, DataType::Duration(_)) | (DataType::Duration(_), Int64) => None,
        _ => None,
    }
}

fn finer(a: TimeUnit, b: TimeUnit) -> TimeUnit {
    a.max(b)
}

/// Bits and signedness of an integer type.
pub fn integer_bits(t: &DataType) -> Option<(u8, bool)> {
    Some(match t {
        DataType::Int8 => (8, true),
        DataType::Int16 => (16, true),
        DataType::Int32 => (32, true),
        DataType::Int64 => (64, true),
        DataType::UInt8 => (8, false),
        DataType::UInt16 => (16, false),
        DataType::UInt32 => (32, false),
        DataType::UInt64 => (64, false),
        _ => return None,
    })
}

fn meet_integers(a: &DataType, b: &DataType) -> DataType {
    let ((bits_a, signed_a), (bits_b, signed_b)) =
        (integer_bits(a).unwrap_or((64, true)), integer_bits(b).unwrap_or((64, true)));
    let bits = if signed_a == signed_b {
        bits_a.max(bits_b)
    } else {
        let (signed, unsigned) = if signed_a { (bits_a, bits_b) } else { (bits_b, bits_a) };
        signed.max(unsigned.saturating_mul(2))
    };
    match (bits, signed_a || signed_b) {
        (8, true) => DataType::Int8,
        (16, true) => DataType::Int16,
        (32, true) => DataType::Int32,
        (64, true) => DataType::Int64,
        (8, false) => DataType::UInt8,
        (16, false) => DataType::UInt16,
        (32, false) => DataType::UInt32,
        (64, false) => DataType::UInt64,
        // UInt64 beside a signed type: no integer holds both
        _ => DataType::Float64,
    }
}

/// The value converted to `to`, if it is not of that type yet.
///
/// # Errors
/// When a value does not fit.
pub fn to_type(value: &Value, to: &DataType) -> Result<Value> {
    if value.data_type() == to {
        return Ok(value.clone());
    }
    if let Some(wider) = widened(value.rows(), to) {
        return Ok(value.like(wider));
    }
    let options = arrow::compute::CastOptions { safe: false, ..Default::default() };
    Ok(value.like(arrow::compute::cast_with_options(value.rows(), to, &options)?))
}

/// The type in which two values meet while running: scalars are constants, as they were when the types were checked.
///
/// # Errors
/// As [`meet`].
pub fn meet_values(a: &Value, b: &Value) -> Result<DataType> {
    if a.data_type() == b.data_type() {
        return Ok(a.data_type().clone());
    }
    let met = match (a, b) {
        (Value::Array(column), Value::Scalar(value)) | (Value::Scalar(value), Value::Array(column)) => {
            literal_meets(column.data_type(), value)
        }
        _ => None,
    };
    met.or_else(|| meet_types(a.data_type(), b.data_type()))
        .ok_or_else(|| Error::types(format!("{} and {} do not go together", a.data_type(), b.data_type())))
}

/// The type in which several values meet while running: see [`meet_values`].
///
/// # Errors
/// As [`meet_all`].
pub fn meet_all_values(values: &[&Value]) -> Result<DataType> {
    let fields: Vec<FieldRef> =
        values.iter().map(|v| Arc::new(Field::new("value", v.data_type().clone(), true))).collect();
    let args: Vec<Arg<'_>> = values
        .iter()
        .zip(&fields)
        .map(|(value, field)| match value {
            Value::Array(_) => Arg { field, constant: None },
            Value::Scalar(scalar) => Arg { field, constant: Some(scalar.clone()) },
        })
        .collect();
    meet_all(&args)
}
