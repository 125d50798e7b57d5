//! Values of fixed width as words, and their ranges.

use arrow::datatypes::ArrowPrimitiveType;
use parquet::file::statistics::{Statistics, ValueStatistics};

/// A value of fixed width and its bits.
pub trait Word: Copy {
    /// Its width.
    const BYTES: usize;

    /// Its bits.
    fn word(self) -> u64;
    /// The value with these bits.
    fn of(word: u64) -> Self;
    /// Whether it is NaN.
    fn is_nan(self) -> bool;
    /// Whether it is smaller; floats in their total order, as Parquet's `IEEE_754_TOTAL_ORDER` has it.
    fn below(self, other: Self) -> bool;
    /// What a footer says of smallest and largest value, nulls and NaN.
    fn statistics(ends: Option<(Self, Self)>, nulls: u64, nan: u64) -> Statistics;
}

macro_rules! word {
    ($native:ty, $unsigned:ty, $to:expr, $of:expr, $nan:expr, $below:expr, $counts_nan:expr) => {
        impl Word for $native {
            const BYTES: usize = size_of::<$native>();

            #[inline(always)]
            fn word(self) -> u64 {
                let bits: $unsigned = $to(self);
                bits as u64
            }

            #[inline(always)]
            fn of(word: u64) -> Self {
                $of(word as $unsigned)
            }

            #[inline(always)]
            fn is_nan(self) -> bool {
                $nan(self)
            }

            #[inline(always)]
            fn below(self, other: Self) -> bool {
                $below(self, other)
            }

            fn statistics(ends: Option<(Self, Self)>, nulls: u64, nan: u64) -> Statistics {
                let (low, high) = (ends.map(|e| e.0), ends.map(|e| e.1));
                let statistics = ValueStatistics::new(low, high, None, Some(nulls), false);
                statistics.with_nan_count($counts_nan.then_some(nan)).into()
            }
        }
    };
}

word!(i32, u32, |v| v as u32, |w| w as i32, |_| false, |a, b| a < b, false);
word!(i64, u64, |v| v as u64, |w| w as i64, |_| false, |a, b| a < b, false);
word!(f32, u32, f32::to_bits, f32::from_bits, f32::is_nan, |a: f32, b: f32| a.total_cmp(&b).is_lt(), true);
word!(f64, u64, f64::to_bits, f64::from_bits, f64::is_nan, |a: f64, b: f64| a.total_cmp(&b).is_lt(), true);

/// Smallest and largest word, nulls and NaN.
#[derive(Default)]
pub struct Range {
    /// The words of both ends; NaN is left out.
    pub ends: Option<(u64, u64)>,
    /// How many values are null.
    pub nulls: u64,
    /// How many are NaN.
    pub nan: u64,
}

/// Appends words as the `PLAIN` encoding has them: little-endian, as wide as the type.
pub fn plain<T: ArrowPrimitiveType>(words: &[u64], out: &mut Vec<u8>)
where
    T::Native: Word,
{
    out.reserve(words.len() * T::Native::BYTES);
    if T::Native::BYTES == 8 {
        words.iter().for_each(|w| out.extend_from_slice(&w.to_le_bytes()));
    } else {
        words.iter().for_each(|w| out.extend_from_slice(&(*w as u32).to_le_bytes()));
    }
}

/// Widens a range by words.
pub fn widen<T: ArrowPrimitiveType>(range: &mut Range, words: &[u64], count_nan: bool)
where
    T::Native: Word,
{
    let mut nan = 0;
    let mut ends = range.ends.map(|(low, high)| (T::Native::of(low), T::Native::of(high)));
    for value in words.iter().map(|&w| T::Native::of(w)) {
        if value.is_nan() {
            nan += 1;
            continue;
        }
        ends = Some(match ends {
            None => (value, value),
            Some((low, high)) => {
                (if value.below(low) { value } else { low }, if high.below(value) { value } else { high })
            }
        });
    }
    range.ends = ends.map(|(low, high)| (low.word(), high.word()));
    range.nan += if count_nan { nan } else { 0 };
}

/// Counts the NaN of a page of numbers, if the dictionary has any.
pub fn count_nan<T: ArrowPrimitiveType>(range: &mut Range, numbers: &[u16], words: &[u64])
where
    T::Native: Word,
{
    let nan = |number: &&u16| T::Native::of(words[**number as usize]).is_nan();
    if words.iter().any(|&w| T::Native::of(w).is_nan()) {
        range.nan += numbers.iter().filter(nan).count() as u64;
    }
}

/// What the footer says of a range.
pub fn statistics<T: ArrowPrimitiveType>(range: &Range) -> Statistics
where
    T::Native: Word,
{
    let ends = range.ends.map(|(low, high)| (T::Native::of(low), T::Native::of(high)));
    T::Native::statistics(ends, range.nulls, range.nan)
}
