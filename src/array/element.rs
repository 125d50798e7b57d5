//! What arrays hold.

use std::fmt;

use super::block::Stored;

/// The type of the elements of an array, named as numpy does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum DType {
    /// Floating numbers of 64 bits.
    Float64,
    /// Floating numbers of 32 bits.
    Float32,
    /// Whole numbers of 64 bits.
    Int64,
    /// Whole numbers of 32 bits.
    Int32,
    /// Whole numbers from 0 to 255.
    UInt8,
    /// True or false.
    Bool,
}

impl fmt::Display for DType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            DType::Float64 => "float64",
            DType::Float32 => "float32",
            DType::Int64 => "int64",
            DType::Int32 => "int32",
            DType::UInt8 => "uint8",
            DType::Bool => "bool",
        })
    }
}

/// What arrays hold: `f64`, `f32`, `i64`, `i32`, `u8` and `bool`.
pub trait Element: Stored + Copy + Default + PartialEq + PartialOrd + fmt::Debug + Send + Sync + 'static {
    /// Its type, for people.
    const DTYPE: DType;

    /// Its bits, for the identity of arrays.
    fn bits(self) -> u64;
}

/// Floating elements.
pub trait Float: Element {
    /// From a 64-bit number, rounded.
    fn from_f64(value: f64) -> Self;

    /// As a 64-bit number, exactly.
    fn to_f64(self) -> f64;

    /// The largest finite number.
    const LARGEST: Self;

    /// Changes numbers as 64-bit ones.
    fn with_f64(values: &mut [Self], change: &dyn Fn(&mut [f64]));
}

macro_rules! elements {
    ($($element:ty, $dtype:ident, $value:ident => $bits:expr;)*) => {$(
        impl Element for $element {
            const DTYPE: DType = DType::$dtype;

            fn bits(self) -> u64 {
                let $value = self;
                $bits
            }
        }
    )*};
}

elements! {
    f64, Float64, value => value.to_bits();
    f32, Float32, value => u64::from(value.to_bits());
    i64, Int64, value => value as u64;
    i32, Int32, value => value as u64;
    u8, UInt8, value => u64::from(value);
    bool, Bool, value => u64::from(value);
}

impl Float for f64 {
    fn from_f64(value: f64) -> f64 {
        value
    }

    fn to_f64(self) -> f64 {
        self
    }

    const LARGEST: f64 = f64::MAX;

    fn with_f64(values: &mut [f64], change: &dyn Fn(&mut [f64])) {
        change(values);
    }
}

impl Float for f32 {
    fn from_f64(value: f64) -> f32 {
        value as f32
    }

    fn to_f64(self) -> f64 {
        f64::from(self)
    }

    const LARGEST: f32 = f32::MAX;

    fn with_f64(values: &mut [f32], change: &dyn Fn(&mut [f64])) {
        let mut wide = [0.0; 256];
        for part in values.chunks_mut(wide.len()) {
            let wide = &mut wide[..part.len()];
            wide.iter_mut().zip(&*part).for_each(|(wide, &value)| *wide = f64::from(value));
            change(wide);
            part.iter_mut().zip(&*wide).for_each(|(value, &wide)| *value = wide as f32);
        }
    }
}
