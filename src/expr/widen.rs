//! Conversions of numbers that cannot fail, in loops without branches.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, ArrowPrimitiveType, AsArray, BooleanArray, PrimitiveArray};
use arrow::datatypes::{
    DataType, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type, UInt8Type, UInt16Type, UInt32Type,
    UInt64Type,
};

/// The numbers of `array` in type `to`, if every number of its type has a place there: bool to any number, whole
/// numbers to wider ones and to floats (rounded to the nearest from 2⁵³ up), Float32 to Float64.
pub(crate) fn widened(array: &ArrayRef, to: &DataType) -> Option<ArrayRef> {
    use DataType::{Boolean, Float32, Float64, Int8, Int16, Int32, Int64, UInt8, UInt16, UInt32, UInt64};
    macro_rules! pairs {
        ($($from:ident $source:ty => $($to:ident $target:ty),*;)*) => {
            match (array.data_type(), to) {
                $($(($from, $to) => Some(numbers::<$source, $target>(array, |v| v as <$target as ArrowPrimitiveType>::Native)),)*)*
                (Boolean, Float64) => Some(bools::<Float64Type>(array.as_boolean(), |bit| bit as _)),
                (Boolean, Float32) => Some(bools::<Float32Type>(array.as_boolean(), |bit| bit as _)),
                (Boolean, Int64) => Some(bools::<Int64Type>(array.as_boolean(), |bit| bit as _)),
                (Boolean, Int32) => Some(bools::<Int32Type>(array.as_boolean(), |bit| bit as _)),
                (Boolean, Int8) => Some(bools::<Int8Type>(array.as_boolean(), |bit| bit as _)),
                (Boolean, UInt8) => Some(bools::<UInt8Type>(array.as_boolean(), |bit| bit as _)),
                _ => None,
            }
        };
    }
    pairs! {
        Int8 Int8Type => Int16 Int16Type, Int32 Int32Type, Int64 Int64Type, Float32 Float32Type, Float64 Float64Type;
        Int16 Int16Type => Int32 Int32Type, Int64 Int64Type, Float32 Float32Type, Float64 Float64Type;
        Int32 Int32Type => Int64 Int64Type, Float32 Float32Type, Float64 Float64Type;
        Int64 Int64Type => Float32 Float32Type, Float64 Float64Type;
        UInt8 UInt8Type => Int16 Int16Type, Int32 Int32Type, Int64 Int64Type, UInt16 UInt16Type, UInt32 UInt32Type,
            UInt64 UInt64Type, Float32 Float32Type, Float64 Float64Type;
        UInt16 UInt16Type => Int32 Int32Type, Int64 Int64Type, UInt32 UInt32Type, UInt64 UInt64Type,
            Float32 Float32Type, Float64 Float64Type;
        UInt32 UInt32Type => Int64 Int64Type, UInt64 UInt64Type, Float32 Float32Type, Float64 Float64Type;
        UInt64 UInt64Type => Float32 Float32Type, Float64 Float64Type;
        Float32 Float32Type => Float64 Float64Type;
    }
}

fn numbers<A: ArrowPrimitiveType, B: ArrowPrimitiveType>(
    array: &ArrayRef,
    as_target: impl Fn(A::Native) -> B::Native,
) -> ArrayRef {
    Arc::new(array.as_primitive::<A>().unary::<_, B>(as_target))
}

/// Bits are spread to bytes eight at a time: each byte keeps the bit of its own place, and any bit carries into the
/// highest one.
fn bools<T: ArrowPrimitiveType>(array: &BooleanArray, number: impl Fn(u8) -> T::Native) -> ArrayRef {
    const ALL: u64 = 0x0101_0101_0101_0101;
    let bits = array.values();
    let chunks = bits.bit_chunks();
    let mut values: Vec<T::Native> = Vec::with_capacity(bits.len().next_multiple_of(64));
    for word in chunks.iter().chain(std::iter::once(chunks.remainder_bits())) {
        let spread = word.to_le_bytes().map(|byte| {
            let own = (u64::from(byte) * ALL) & 0x8040_2010_0804_0201;
            (((own + 0x7F * ALL) >> 7) & ALL).to_le_bytes()
        });
        values.extend(spread.as_flattened().iter().map(|&bit| number(bit)));
    }
    values.truncate(bits.len());
    Arc::new(PrimitiveArray::<T>::new(values.into(), array.nulls().cloned()))
}
