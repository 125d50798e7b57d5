//! The numbers inside a column, whatever its type: as `f64`, `i64` or `u64`, a block at a time, with a key that keeps
//! their order.

use std::fmt::Debug;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Float64Array, Int64Array, UInt64Array};
use arrow::buffer::NullBuffer;
use arrow::compute::cast;
use arrow::datatypes::{ArrowNativeType, ArrowPrimitiveType, DataType, Float16Type};

use super::exact::{IntSums, Sums};
use super::float_sums::FloatSums;
use crate::base::{Error, Result};

/// A number the aggregates calculate with.
pub trait Number: Copy + PartialOrd + Debug + Send + Sync + 'static {
    /// What adds numbers of this type up without an error.
    type Sums: Sums<Self>;
    /// Zero.
    const ZERO: Self;
    /// At least as great as every other number.
    const GREATEST: Self;
    /// At most as great as every other number.
    const LEAST: Self;

    /// Whether this is NaN, which all aggregates skip.
    fn is_nan(self) -> bool {
        false
    }
    /// A key in the same order as the numbers; −0.0 and 0.0 have the same, that of 0.0. Not for NaN.
    fn key(self) -> u64;
    /// The number of a key.
    fn of_key(key: u64) -> Self;
    /// Whether numbers of this type have parts.
    const DIVIDES: bool = false;
    /// Writes how many steps of 1/`parts` each value is above `base/parts`, wrapping below it, or [`NOWHERE`] for a value between two steps.
    /// Returns the union of the bits of all. Steps beyond 2⁵¹ may count as any number that is far away.
    fn places(values: &[Self], base: i64, parts: u32, places: &mut [u64]) -> u64;
    /// The number as so many steps of 1/`parts`, where it is on one and has a place.
    fn steps(self, parts: u32) -> Option<i64>;
    /// The number of so many steps of 1/`parts`.
    fn of_steps(steps: i64, parts: u32) -> Self;
    /// The nearest `f64`.
    fn float(self) -> f64;
    /// `b − a`, rounded once.
    fn distance(a: Self, b: Self) -> f64;
    /// Gives the values of `array` that are not null to `f`, in order, in blocks of any length. NaN may be among them.
    ///
    /// # Errors
    /// `TypeMismatch` when the array holds no numbers of this type.
    fn blocks(array: &ArrayRef, f: impl FnMut(&[Self])) -> Result<()>;
    /// Gives the id of each value of `array` that is not null, and the value, to `f`, in order. NaN may be among them.
    ///
    /// # Errors
    /// `TypeMismatch` when the array holds no numbers of this type.
    fn grouped(array: &ArrayRef, ids: &[u32], f: impl FnMut(usize, Self)) -> Result<()>;
    /// These numbers as an array of `Float64`, `Int64` or `UInt64`.
    fn array(values: Vec<Self>, nulls: Option<NullBuffer>) -> ArrayRef;
}

/// The place of a number between two steps: beyond every window.
pub const NOWHERE: u64 = u64::MAX;

/// 1.5·2⁵²: adding it to a small whole number leaves that number in the low bits.
const MAGIC: f64 = 6_755_399_441_055_744.0;
const SIGN: u64 = 1 << 63;

impl Number for f64 {
    type Sums = FloatSums<true>;
    const DIVIDES: bool = true;
    const ZERO: f64 = 0.0;
    const GREATEST: f64 = f64::INFINITY;
    const LEAST: f64 = f64::NEG_INFINITY;

    #[inline]
    fn is_nan(self) -> bool {
        self.is_nan()
    }

    #[inline]
    fn key(self) -> u64 {
        let bits = (self + 0.0).to_bits();
        let flip = ((bits as i64 >> 63) as u64) | SIGN;
        bits ^ flip
    }

    #[inline]
    fn of_key(key: u64) -> f64 {
        f64::from_bits(if key & SIGN == 0 { !key } else { key ^ SIGN })
    }

    fn places(values: &[f64], base: i64, parts: u32, places: &mut [u64]) -> u64 {
        let base = MAGIC.to_bits().wrapping_add(base as u64);
        let mut all = 0;
        // a step is k/parts as division rounds it: what reading the decimal gives
        if parts == 1 {
            for (place, value) in places.iter_mut().zip(values) {
                let moved = value + MAGIC;
                let between = if moved - MAGIC == *value { 0 } else { NOWHERE };
                *place = moved.to_bits().wrapping_sub(base) | between;
                all |= *place;
            }
        } else {
            let parts = f64::from(parts);
            for (place, value) in places.iter_mut().zip(values) {
                let moved = value * parts + MAGIC;
                let between = if (moved - MAGIC) / parts == *value { 0 } else { NOWHERE };
                *place = moved.to_bits().wrapping_sub(base) | between;
                all |= *place;
            }
        }
        all
    }

    fn steps(self, parts: u32) -> Option<i64> {
        let steps = (self * f64::from(parts)).round_ties_even();
        (steps.abs() < (1u64 << 50) as f64 && steps / f64::from(parts) == self).then_some(steps as i64)
    }

    fn of_steps(steps: i64, parts: u32) -> f64 {
        steps as f64 / f64::from(parts)
    }

    fn float(self) -> f64 {
        self
    }

    fn distance(a: f64, b: f64) -> f64 {
        b - a
    }

    fn array(values: Vec<f64>, nulls: Option<NullBuffer>) -> ArrayRef {
        Arc::new(Float64Array::new(values.into(), nulls))
    }

    fn blocks(array: &ArrayRef, mut f: impl FnMut(&[f64])) -> Result<()> {
        match array.data_type() {
            DataType::Float64 => same(array, &mut f),
            DataType::Float32 => converted::<f32, f64>(array, f64::from, &mut f),
            DataType::Float16 => converted::<Half, f64>(array, |v| v.to_f64(), &mut f),
            DataType::Null => {}
            DataType::Dictionary(_, values) => return f64::blocks(&cast(array, values)?, f),
            other => return Err(unexpected(other)),
        }
        Ok(())
    }

    fn grouped(array: &ArrayRef, ids: &[u32], f: impl FnMut(usize, f64)) -> Result<()> {
        match array.data_type() {
            DataType::Float64 => each::<f64, f64>(array, ids, |v| v, f),
            DataType::Float32 => each::<f32, f64>(array, ids, f64::from, f),
            DataType::Float16 => each::<Half, f64>(array, ids, |v| v.to_f64(), f),
            DataType::Null => {}
            DataType::Dictionary(_, values) => return f64::grouped(&cast(array, values)?, ids, f),
            other => return Err(unexpected(other)),
        }
        Ok(())
    }
}

impl Number for i64 {
    type Sums = IntSums<true>;
    const ZERO: i64 = 0;
    const GREATEST: i64 = i64::MAX;
    const LEAST: i64 = i64::MIN;

    #[inline]
    fn key(self) -> u64 {
        self as u64 ^ SIGN
    }

    #[inline]
    fn of_key(key: u64) -> i64 {
        (key ^ SIGN) as i64
    }

    fn places(values: &[i64], base: i64, _: u32, places: &mut [u64]) -> u64 {
        let mut all = 0;
        for (place, value) in places.iter_mut().zip(values) {
            *place = value.wrapping_sub(base) as u64;
            all |= *place;
        }
        all
    }

    fn steps(self, _: u32) -> Option<i64> {
        (self.unsigned_abs() < 1 << 50).then_some(self)
    }

    fn of_steps(steps: i64, _: u32) -> i64 {
        steps
    }

    fn float(self) -> f64 {
        self as f64
    }

    fn distance(a: i64, b: i64) -> f64 {
        (i128::from(b) - i128::from(a)) as f64
    }

    fn array(values: Vec<i64>, nulls: Option<NullBuffer>) -> ArrayRef {
        Arc::new(Int64Array::new(values.into(), nulls))
    }

    fn blocks(array: &ArrayRef, mut f: impl FnMut(&[i64])) -> Result<()> {
        match array.data_type() {
            DataType::Int8 => converted::<i8, i64>(array, i64::from, &mut f),
            DataType::Int16 => converted::<i16, i64>(array, i64::from, &mut f),
            DataType::Int32 | DataType::Date32 | DataType::Time32(_) => {
                converted::<i32, i64>(array, i64::from, &mut f);
            }
            DataType::Boolean => truths(array, &mut f),
            DataType::Dictionary(_, values) => return i64::blocks(&cast(array, values)?, f),
            other if is_wide(other) => same(array, &mut f),
            other => return Err(unexpected(other)),
        }
        Ok(())
    }

    fn grouped(array: &ArrayRef, ids: &[u32], mut f: impl FnMut(usize, i64)) -> Result<()> {
        match array.data_type() {
            DataType::Int8 => each::<i8, i64>(array, ids, i64::from, f),
            DataType::Int16 => each::<i16, i64>(array, ids, i64::from, f),
            DataType::Int32 | DataType::Date32 | DataType::Time32(_) => each::<i32, i64>(array, ids, i64::from, f),
            DataType::Boolean => {
                for (value, id) in array.as_boolean().iter().zip(ids) {
                    if let Some(value) = value {
                        f(*id as usize, i64::from(value));
                    }
                }
            }
            DataType::Dictionary(_, values) => return i64::grouped(&cast(array, values)?, ids, f),
            other if is_wide(other) => each::<i64, i64>(array, ids, |v| v, f),
            other => return Err(unexpected(other)),
        }
        Ok(())
    }
}

impl Number for u64 {
    type Sums = IntSums<true>;
    const ZERO: u64 = 0;
    const GREATEST: u64 = u64::MAX;
    const LEAST: u64 = 0;

    #[inline]
    fn key(self) -> u64 {
        self
    }

    #[inline]
    fn of_key(key: u64) -> u64 {
        key
    }

    fn places(values: &[u64], base: i64, _: u32, places: &mut [u64]) -> u64 {
        let mut all = 0;
        for (place, value) in places.iter_mut().zip(values) {
            *place = value.wrapping_sub(base as u64);
            all |= *place;
        }
        all
    }

    fn steps(self, _: u32) -> Option<i64> {
        (self < 1 << 50).then_some(self as i64)
    }

    fn of_steps(steps: i64, _: u32) -> u64 {
        steps as u64
    }

    fn float(self) -> f64 {
        self as f64
    }

    fn distance(a: u64, b: u64) -> f64 {
        (i128::from(b) - i128::from(a)) as f64
    }

    fn array(values: Vec<u64>, nulls: Option<NullBuffer>) -> ArrayRef {
        Arc::new(UInt64Array::new(values.into(), nulls))
    }

    fn blocks(array: &ArrayRef, mut f: impl FnMut(&[u64])) -> Result<()> {
        match array.data_type() {
            DataType::UInt8 => converted::<u8, u64>(array, u64::from, &mut f),
            DataType::UInt16 => converted::<u16, u64>(array, u64::from, &mut f),
            DataType::UInt32 => converted::<u32, u64>(array, u64::from, &mut f),
            DataType::UInt64 => same(array, &mut f),
            DataType::Dictionary(_, values) => return u64::blocks(&cast(array, values)?, f),
            other => return Err(unexpected(other)),
        }
        Ok(())
    }

    fn grouped(array: &ArrayRef, ids: &[u32], f: impl FnMut(usize, u64)) -> Result<()> {
        match array.data_type() {
            DataType::UInt8 => each::<u8, u64>(array, ids, u64::from, f),
            DataType::UInt16 => each::<u16, u64>(array, ids, u64::from, f),
            DataType::UInt32 => each::<u32, u64>(array, ids, u64::from, f),
            DataType::UInt64 => each::<u64, u64>(array, ids, |v| v, f),
            DataType::Dictionary(_, values) => return u64::grouped(&cast(array, values)?, ids, f),
            other => return Err(unexpected(other)),
        }
        Ok(())
    }
}

type Half = <Float16Type as ArrowPrimitiveType>::Native;

/// Values per block where they have to be converted or separated from nulls: 8 kB, well inside the first cache.
const BLOCK: usize = 1024;

fn is_wide(data_type: &DataType) -> bool {
    use DataType as D;
    matches!(data_type, D::Int64 | D::Date64 | D::Time64(_) | D::Timestamp(..) | D::Duration(_))
}

fn unexpected(found: &DataType) -> Error {
    Error::types(format!("values of type {found} came to an aggregate that was started for another type"))
}

fn nulls(array: &ArrayRef) -> Option<&NullBuffer> {
    array.nulls().filter(|nulls| nulls.null_count() > 0)
}

/// Values that need no conversion: without nulls, the column's own memory is the block.
fn same<N: Number + ArrowNativeType>(array: &ArrayRef, f: &mut impl FnMut(&[N])) {
    if nulls(array).is_some() {
        return converted::<N, N>(array, |v| v, f);
    }
    let data = array.to_data();
    f(&data.buffer::<N>(0)[..data.len()]);
}

fn converted<T: ArrowNativeType, N: Number>(array: &ArrayRef, convert: impl Fn(T) -> N, f: &mut impl FnMut(&[N])) {
    let data = array.to_data();
    let values = &data.buffer::<T>(0)[..data.len()];
    let mut block = [N::ZERO; BLOCK];
    let Some(nulls) = nulls(array) else {
        for chunk in values.chunks(BLOCK) {
            for (slot, value) in block.iter_mut().zip(chunk) {
                *slot = convert(*value);
            }
            f(&block[..chunk.len()]);
        }
        return;
    };
    let mut filled = 0;
    for (chunk, valid) in values.chunks(64).zip(nulls.inner().bit_chunks().iter_padded()) {
        // every value is written, but only a valid one is kept: no branch on data
        for (i, value) in chunk.iter().enumerate() {
            block[filled] = convert(*value);
            filled += (valid >> i & 1) as usize;
        }
        if filled >= BLOCK - 64 {
            f(&block[..filled]);
            filled = 0;
        }
    }
    f(&block[..filled]);
}

fn truths(array: &ArrayRef, f: &mut impl FnMut(&[i64])) {
    let mut block = [0; BLOCK];
    let mut filled = 0;
    for value in array.as_boolean().iter().flatten() {
        block[filled] = i64::from(value);
        filled += 1;
        if filled == BLOCK {
            f(&block);
            filled = 0;
        }
    }
    f(&block[..filled]);
}

fn each<T: ArrowNativeType, N: Number>(
    array: &ArrayRef,
    ids: &[u32],
    convert: impl Fn(T) -> N,
    mut f: impl FnMut(usize, N),
) {
    let data = array.to_data();
    let values = &data.buffer::<T>(0)[..data.len()];
    let Some(nulls) = nulls(array) else {
        for (value, id) in values.iter().zip(ids) {
            f(*id as usize, convert(*value));
        }
        return;
    };
    for row in nulls.valid_indices() {
        f(ids[row] as usize, convert(values[row]));
    }
}

#[cfg(test)]
mod tests {
    use arrow::array::{BooleanArray, Date32Array, Float32Array, TimestampSecondArray};

    use super::*;

    #[test]
    fn keys_keep_the_order() {
        let floats = [f64::NEG_INFINITY, f64::MIN, -1.5, -1.0, -5e-324, 0.0, 5e-324, 1.0, f64::MAX, f64::INFINITY];
        for pair in floats.windows(2) {
            assert!(pair[0].key() < pair[1].key(), "{pair:?}");
            assert_eq!(f64::of_key(pair[0].key()).to_bits(), pair[0].to_bits());
        }
        assert_eq!((-0.0f64).key(), 0.0f64.key());
        assert!(i64::MIN.key() < (-1i64).key() && (-1i64).key() < 0i64.key() && 0i64.key() < i64::MAX.key());
        assert_eq!(i64::of_key((-7i64).key()), -7);
    }

    #[test]
    fn places_are_steps_above_the_base() {
        let place = |value: f64, parts| {
            let mut place = [0];
            f64::places(&[value], -1024, parts, &mut place);
            place[0]
        };
        for (value, wanted) in [(5.0, 1029), (-1024.0, 0), (-0.0, 1024), (2.5, NOWHERE), (f64::NAN, NOWHERE)] {
            assert_eq!(place(value, 1), wanted, "{value}");
        }
        for (value, wanted) in [(0.29, 1053), (-10.24, 0), (-0.0, 1024), (0.1 + 0.2, NOWHERE), (f64::NAN, NOWHERE)] {
            assert_eq!(place(value, 100), wanted, "{value}");
        }
        for far in [f64::INFINITY, f64::NEG_INFINITY, 1e15, 4e15, 1e16, -9e15, -1e16, 2f64.powi(53), 1e300, -1025.0] {
            assert!(place(far, 1) >= 1 << 20 && place(far, 100) >= 1 << 20, "{far}");
        }
        for steps in [-5i64, 0, 29, 123_456] {
            assert_eq!(f64::of_steps(steps, 100).steps(100), Some(steps));
            assert_eq!(f64::of_steps(steps, 100).to_string().parse::<f64>().unwrap().steps(100), Some(steps));
        }
        assert_eq!((f64::NAN.steps(1), 0.25.steps(2), 1e300.steps(1)), (None, None, None));
    }

    #[test]
    fn blocks_are_the_values_without_the_nulls() {
        let read = |array: ArrayRef| {
            let mut all = Vec::new();
            f64::blocks(&array, |block| all.extend_from_slice(block)).unwrap();
            all
        };
        let some: Vec<Option<f64>> =
            (0..3000).map(|i| (i % 7 != 3 && !(500..1700).contains(&i)).then_some(f64::from(i))).collect();
        let wanted: Vec<f64> = some.iter().copied().flatten().collect();
        assert_eq!(read(Arc::new(Float64Array::from(some.clone()))), wanted);
        let sliced: ArrayRef = Arc::new(Float64Array::from(some.clone()));
        let wanted: Vec<f64> = some[13..2000].iter().copied().flatten().collect();
        assert_eq!(read(sliced.slice(13, 1987)), wanted);
        assert_eq!(read(Arc::new(Float32Array::from(vec![Some(0.5), None, Some(2.0)]))), [0.5, 2.0]);
    }

    #[test]
    fn whole_numbers_come_from_many_types() {
        let arrays: [ArrayRef; 3] = [
            Arc::new(Date32Array::from(vec![Some(0), None, Some(1)])),
            Arc::new(TimestampSecondArray::from(vec![Some(0), None, Some(1)])),
            Arc::new(BooleanArray::from(vec![Some(false), None, Some(true)])),
        ];
        for array in arrays {
            let (mut all, mut rows) = (Vec::new(), Vec::new());
            i64::blocks(&array, |block| all.extend_from_slice(block)).unwrap();
            i64::grouped(&array, &[0, 1, 2, 3], |row, value| rows.push((row, value))).unwrap();
            assert_eq!((all, rows), (vec![0, 1], vec![(0, 0), (2, 1)]));
        }
        let floats: ArrayRef = Arc::new(Float64Array::from(vec![1.0]));
        assert!(i64::blocks(&floats, |_| ()).is_err());
    }
}
