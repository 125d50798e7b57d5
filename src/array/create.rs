//! Arrays from nothing: constants, ranges, functions of the index, and what is in memory.

use std::fmt;
use std::sync::Arc;

use ndarray::ArrayD;

use super::chunked::Array;
use super::chunks::ChunkSpec;
use super::element::{Element, Float};
use super::elementwise::Cast;
use super::held::copy;
use super::lanes::vectorised;
use super::lazy::{Lazy, Needs, Operations};
use super::region::Region;
use super::tile::Tile;
use crate::base::{Error, Identity, Result, Token, Tokenizer};

/// The same element everywhere.
struct Full<T> {
    value: T,
    shape: Vec<usize>,
}

impl<T: Element> Identity for Full<T> {
    fn token(&self, t: &mut Tokenizer) {
        t.str("full");
        t.debug(&T::DTYPE);
        t.u64(self.value.bits());
        t.debug(&self.shape);
    }
}

impl<T: Element> fmt::Debug for Full<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "full of {:?}", self.value)
    }
}

impl<T: Element> Lazy<T> for Full<T> {
    fn name(&self) -> &'static str {
        "full"
    }

    fn shape(&self) -> &[usize] {
        &self.shape
    }

    fn operations(&self) -> Operations {
        Operations::ONE
    }

    fn needs(&self, _region: &Region, _needs: &mut Needs) {}

    fn read(&self, _region: &Region, out: &mut [T], _tile: &mut Tile<'_>) -> Result<()> {
        let value = self.value;
        vectorised(
            #[inline(always)]
            || out.iter_mut().for_each(|place| *place = value),
        );
        Ok(())
    }
}

/// An array of this element everywhere (numpy's `full`), of its type: `full([3], 1.0, 1)` is one of `f64`, `full([3], 1u8, 1)`
/// one of `u8`. Where more is made of it at once, Rust asks for the type of a literal: `full([3], 1.0f64, 1)?.sum()?.item()?`.
///
/// # Errors
/// `Invalid` when the chunks do not fit the shape.
pub fn full<T: Element>(shape: impl AsRef<[usize]>, value: T, chunks: impl Into<ChunkSpec>) -> Result<Array<T>> {
    Array::new(Arc::new(Full { value, shape: shape.as_ref().to_vec() }), chunks)
}

/// An array of ones (numpy's `ones`): `ones([1000, 4000], (1000, 1000))`. They are `f64`, as in numpy where no type is named;
/// for another one see [`ones_of`].
///
/// # Errors
/// `Invalid` when the chunks do not fit the shape.
pub fn ones(shape: impl AsRef<[usize]>, chunks: impl Into<ChunkSpec>) -> Result<Array<f64>> {
    full(shape, 1.0, chunks)
}

/// An array of zeros (numpy's `zeros`). They are `f64`; for another type see [`zeros_of`].
///
/// # Errors
/// `Invalid` when the chunks do not fit the shape.
pub fn zeros(shape: impl AsRef<[usize]>, chunks: impl Into<ChunkSpec>) -> Result<Array<f64>> {
    full(shape, 0.0, chunks)
}

/// An array of ones of any type (numpy's `ones` with a `dtype`); of `bool` they are true.
///
/// ```
/// use partita::array::{ones_of, zeros_of};
/// let x = ones_of::<i32>([2, 3], "auto")? + zeros_of::<i32>([3], "auto")?;
/// assert_eq!((x.dtype().to_string(), x.sum()?.item()?), ("int32".to_string(), 6));
/// # Ok::<(), partita::Error>(())
/// ```
///
/// # Errors
/// `Invalid` when the chunks do not fit the shape.
pub fn ones_of<T: Element>(shape: impl AsRef<[usize]>, chunks: impl Into<ChunkSpec>) -> Result<Array<T>>
where
    bool: Cast<T>,
{
    full(shape, true.cast().0, chunks)
}

/// An array of zeros of any type (numpy's `zeros` with a `dtype`); of `bool` they are false.
///
/// # Errors
/// `Invalid` when the chunks do not fit the shape.
pub fn zeros_of<T: Element>(shape: impl AsRef<[usize]>, chunks: impl Into<ChunkSpec>) -> Result<Array<T>> {
    full(shape, T::default(), chunks)
}

/// An array of this element everywhere, of the shape and the chunks of another one (numpy's `full_like`, and with 1 or 0 its
/// `ones_like` and `zeros_like`).
///
/// # Errors
/// What an operator found wrong before.
pub fn full_like<T: Element, U: Element>(other: &Array<U>, value: T) -> Result<Array<T>> {
    other.check()?;
    Ok(full(other.shape(), value, other.chunks.clone())?.in_session(&other.session))
}

/// What a function makes of the index.
struct FromFn<T, F> {
    function: F,
    shape: Vec<usize>,
    name: &'static str,
    token: Token,
    of: std::marker::PhantomData<fn() -> T>,
}

impl<T: Element, F: Send + Sync + 'static> Identity for FromFn<T, F> {
    fn token(&self, t: &mut Tokenizer) {
        t.str(self.name);
        t.debug(&T::DTYPE);
        t.token(self.token);
        t.debug(&self.shape);
    }
}

impl<T, F> fmt::Debug for FromFn<T, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of shape {:?}", self.name, self.shape)
    }
}

impl<T: Element, F: Fn(&[usize]) -> T + Send + Sync + 'static> Lazy<T> for FromFn<T, F> {
    fn name(&self) -> &'static str {
        self.name
    }

    fn shape(&self) -> &[usize] {
        &self.shape
    }

    fn operations(&self) -> Operations {
        Operations::ONE
    }

    fn needs(&self, _region: &Region, _needs: &mut Needs) {}

    fn read(&self, region: &Region, out: &mut [T], _tile: &mut Tile<'_>) -> Result<()> {
        let last = region.last();
        let mut rows = out.chunks_mut(last.len.max(1));
        region.rows(|index| {
            let mut index = index.to_vec();
            for (i, value) in rows.next().into_iter().flatten().enumerate() {
                if let Some(at) = index.last_mut() {
                    *at = last.at(i);
                }
                *value = (self.function)(&index);
            }
        });
        Ok(())
    }
}

/// An array whose elements are a function of their index (numpy's `fromfunction`).
///
/// ```
/// use partita::array::from_fn;
/// let table = from_fn([3, 4], "auto", |i| (i[0] * 10 + i[1]) as i64)?;
/// assert_eq!(table.compute()?[[2, 3]], 23);
/// # Ok::<(), partita::Error>(())
/// ```
///
/// # Errors
/// `Invalid` when the chunks do not fit the shape.
pub fn from_fn<T: Element>(
    shape: impl AsRef<[usize]>,
    chunks: impl Into<ChunkSpec>,
    function: impl Fn(&[usize]) -> T + Send + Sync + 'static,
) -> Result<Array<T>> {
    made("from_fn", shape, chunks, Token::fresh(), function)
}

fn made<T: Element>(
    name: &'static str,
    shape: impl AsRef<[usize]>,
    chunks: impl Into<ChunkSpec>,
    token: Token,
    function: impl Fn(&[usize]) -> T + Send + Sync + 'static,
) -> Result<Array<T>> {
    let shape = shape.as_ref().to_vec();
    Array::new(Arc::new(FromFn { function, shape, name, token, of: std::marker::PhantomData }), chunks)
}

/// Numbers that ranges are made of: `f64`, `f32`, and `i64` for all whole ones, so that `arange(0, 10, 1, ..)` is an array
/// of `i64`, as in numpy.
pub trait Ranged: Element {
    /// How many there are from `start` up to `stop`; none when there is no such range.
    #[doc(hidden)]
    fn count(start: Self, stop: Self, step: Self) -> Option<usize>;

    /// The one with this number.
    #[doc(hidden)]
    fn nth(start: Self, step: Self, number: usize) -> Self;
}

macro_rules! floating_ranges {
    ($($float:ident)*) => {$(
        impl Ranged for $float {
            fn count(start: $float, stop: $float, step: $float) -> Option<usize> {
                let count = ((stop.to_f64() - start.to_f64()) / step.to_f64()).ceil();
                (step != 0.0 && count.is_finite()).then_some(count.max(0.0) as usize)
            }

            #[inline(always)]
            fn nth(start: $float, step: $float, number: usize) -> $float {
                $float::from_f64(start.to_f64() + number as f64 * step.to_f64())
            }
        }
    )*};
}

floating_ranges!(f64 f32);

impl Ranged for i64 {
    fn count(start: i64, stop: i64, step: i64) -> Option<usize> {
        let (apart, step) = (i128::from(stop) - i128::from(start), i128::from(step));
        let count = apart.checked_div(step)? + i128::from(apart % step != 0 && (apart < 0) == (step < 0));
        usize::try_from(count.max(0)).ok()
    }

    #[inline(always)]
    fn nth(start: i64, step: i64, number: usize) -> i64 {
        start.wrapping_add(step.wrapping_mul(number as i64))
    }
}

/// Numbers from `start` up to, and without, `stop`, `step` apart (numpy's `arange`); of the type of these, see [`Ranged`].
///
/// ```
/// use partita::array::arange;
/// assert_eq!(arange(10, 0, -3, "auto")?.compute()?.as_slice(), Some(&[10i64, 7, 4, 1][..]));
/// assert_eq!(arange(1.0, 2.0, 0.25, "auto")?.compute()?.as_slice(), Some(&[1.0, 1.25, 1.5, 1.75][..]));
/// # Ok::<(), partita::Error>(())
/// ```
///
/// # Errors
/// `Invalid` for a step of zero, for bounds that are no numbers, and when the chunks do not fit.
pub fn arange<T: Ranged>(start: T, stop: T, step: T, chunks: impl Into<ChunkSpec>) -> Result<Array<T>> {
    let Some(count) = T::count(start, stop, step) else {
        return Err(Error::invalid(format!("there is no range from {start:?} to {stop:?} in steps of {step:?}")));
    };
    let token = Token::of(|t| [start, step].iter().for_each(|v| t.u64(v.bits())));
    made("arange", [count], chunks, token, move |i: &[usize]| T::nth(start, step, i[0]))
}

/// So many numbers from `start` to `stop`, both included (numpy's `linspace`).
///
/// # Errors
/// `Invalid` when the chunks do not fit.
pub fn linspace(start: f64, stop: f64, count: usize, chunks: impl Into<ChunkSpec>) -> Result<Array<f64>> {
    let token = Token::of(|t| [start, stop].iter().for_each(|v| t.f64(*v)));
    let (last, step) = (count.saturating_sub(1), (stop - start) / count.saturating_sub(1).max(1) as f64);
    let number = move |i: &[usize]| if i[0] == last && last > 0 { stop } else { start + i[0] as f64 * step };
    made("linspace", [count], chunks, token, number)
}

/// Ones on the diagonal, `k` places to the right of the main one, and zeros elsewhere (numpy's `eye`).
///
/// # Errors
/// `Invalid` when the chunks do not fit.
pub fn eye(rows: usize, columns: usize, k: isize, chunks: impl Into<ChunkSpec>) -> Result<Array<f64>> {
    let token = Token::of(|t| t.u64(k as u64));
    let number = move |i: &[usize]| if i[0].checked_add_signed(k) == Some(i[1]) { 1.0 } else { 0.0 };
    made("eye", [rows, columns], chunks, token, number)
}

/// What is in memory.
struct InMemory<T> {
    values: Vec<T>,
    shape: Vec<usize>,
    token: Token,
}

impl<T: Element> Identity for InMemory<T> {
    fn token(&self, t: &mut Tokenizer) {
        t.str("in memory");
        t.token(self.token);
    }
}

impl<T> fmt::Debug for InMemory<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} elements in memory", self.values.len())
    }
}

impl<T: Element> Lazy<T> for InMemory<T> {
    fn name(&self) -> &'static str {
        "array"
    }

    fn shape(&self) -> &[usize] {
        &self.shape
    }

    fn operations(&self) -> Operations {
        Operations::ONE
    }

    fn needs(&self, _region: &Region, _needs: &mut Needs) {}

    fn read(&self, region: &Region, out: &mut [T], _tile: &mut Tile<'_>) -> Result<()> {
        let last = region.last();
        let mut rows = out.chunks_mut(last.len.max(1));
        region.rows(|index| {
            let first = index.iter().zip(&self.shape).fold(0, |at, (i, len)| at * len + i);
            if let Some(row) = rows.next() {
                copy(&self.values, first, last.step, row);
            }
        });
        Ok(())
    }
}

/// An array of elements that are in memory (Dask's `from_array`).
///
/// ```
/// use partita::array::from_ndarray;
/// let x = from_ndarray(ndarray::array![[1.0, 2.0], [3.0, 4.0]], (1, 2))?;
/// assert_eq!((x.npartitions(), x.sum()?.item()?), (2, 10.0));
/// # Ok::<(), partita::Error>(())
/// ```
///
/// # Errors
/// `Invalid` when the chunks do not fit the shape.
pub fn from_ndarray<T: Element, D: ndarray::Dimension>(
    array: ndarray::Array<T, D>,
    chunks: impl Into<ChunkSpec>,
) -> Result<Array<T>> {
    let shape = array.shape().to_vec();
    let array: ArrayD<T> = array.into_dyn();
    let values: Vec<T> = array.iter().copied().collect();
    let token = Token::of(|t| {
        t.debug(&T::DTYPE);
        t.debug(&shape);
        t.list(&values, |t, value| t.u64(value.bits()));
    });
    Array::new(Arc::new(InMemory { values, shape, token }), chunks)
}
