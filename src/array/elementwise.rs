//! Functions of each element, alone or of two arrays.

use std::fmt;
use std::ops::{Add, Div, Mul, Neg, Sub};
use std::sync::Arc;

use super::chunked::Array;
use super::element::{Element, Float};
use super::lazy::{Lazy, Needs};
use super::region::Region;
use super::shape::broadcast_shape;
use super::tile::Tile;
use crate::base::{Error, Identity, Result, Tokenizer};

/// A function of one element.
struct Unary<T, U, F> {
    input: Arc<dyn Lazy<T>>,
    name: &'static str,
    /// What else decides the result.
    bits: Vec<u64>,
    function: F,
    of: std::marker::PhantomData<fn() -> U>,
}

impl<T: Element, U: Element, F: Send + Sync + 'static> Identity for Unary<T, U, F> {
    fn token(&self, t: &mut Tokenizer) {
        t.str(self.name);
        t.debug(&(T::DTYPE, U::DTYPE));
        t.list(&self.bits, |t, bits| t.u64(*bits));
        t.identity(self.input.as_ref());
    }
}

impl<T, U, F> fmt::Debug for Unary<T, U, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

impl<T: Element, U: Element, F: Fn(T) -> U + Send + Sync + 'static> Lazy<U> for Unary<T, U, F> {
    fn name(&self) -> &'static str {
        self.name
    }

    fn shape(&self) -> &[usize] {
        self.input.shape()
    }

    fn operations(&self) -> usize {
        1 + self.input.operations()
    }

    fn needs(&self, region: &Region, needs: &mut Needs) {
        self.input.needs(region, needs);
    }

    fn read(&self, region: &Region, out: &mut [U], tile: &mut Tile<'_>) -> Result<()> {
        tile.with(self.input.as_ref(), region, |values, _| {
            out.iter_mut().zip(values).for_each(|(out, &value)| *out = (self.function)(value));
            Ok(())
        })
    }
}

/// A function of two elements, of arrays of the same shape.
struct Binary<T, U, V, F> {
    left: Arc<dyn Lazy<T>>,
    right: Arc<dyn Lazy<U>>,
    name: &'static str,
    function: F,
    of: std::marker::PhantomData<fn() -> V>,
}

impl<T: Element, U: Element, V: Element, F: Send + Sync + 'static> Identity for Binary<T, U, V, F> {
    fn token(&self, t: &mut Tokenizer) {
        t.str(self.name);
        t.debug(&(T::DTYPE, U::DTYPE, V::DTYPE));
        t.identity(self.left.as_ref());
        t.identity(self.right.as_ref());
    }
}

impl<T, U, V, F> fmt::Debug for Binary<T, U, V, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

impl<T: Element, U: Element, V: Element, F: Fn(T, U) -> V + Send + Sync + 'static> Lazy<V> for Binary<T, U, V, F> {
    fn name(&self) -> &'static str {
        self.name
    }

    fn shape(&self) -> &[usize] {
        self.left.shape()
    }

    fn operations(&self) -> usize {
        1 + self.left.operations() + self.right.operations()
    }

    fn needs(&self, region: &Region, needs: &mut Needs) {
        self.left.needs(region, needs);
        self.right.needs(region, needs);
    }

    fn read(&self, region: &Region, out: &mut [V], tile: &mut Tile<'_>) -> Result<()> {
        tile.with(self.left.as_ref(), region, |left, tile| {
            tile.with(self.right.as_ref(), region, |right, _| {
                let pairs = left.iter().zip(right);
                out.iter_mut().zip(pairs).for_each(|(out, (&left, &right))| *out = (self.function)(left, right));
                Ok(())
            })
        })
    }
}

impl<T: Element> Array<T> {
    /// What a function makes of each element.
    pub(super) fn each<U: Element>(
        &self,
        name: &'static str,
        bits: Vec<u64>,
        function: impl Fn(T) -> U + Send + Sync + 'static,
    ) -> Array<U> {
        let of = std::marker::PhantomData;
        self.then(Unary { input: self.lazy.clone(), name, bits, function, of }, self.chunks.clone())
    }

    /// What a function makes of the elements of two arrays at the same place, after both were broadcast to one shape.
    pub(super) fn with<U: Element, V: Element>(
        &self,
        name: &'static str,
        other: &Array<U>,
        function: impl Fn(T, U) -> V + Send + Sync + 'static,
    ) -> Result<Array<V>> {
        let shape = broadcast_shape(self.shape(), other.shape()).map_err(|error| error.doing(name))?;
        let (left, right) = (self.broadcast_to(&shape)?, other.broadcast_to(&shape)?);
        let chunks = left.chunks.unified(&right.chunks);
        let of = std::marker::PhantomData;
        let binary = Binary { left: left.lazy.clone(), right: right.lazy.clone(), name, function, of };
        Ok(left.then(binary, chunks))
    }

    /// The elements as another type, rounded towards zero where it has no fractions (numpy's `astype`).
    pub fn astype<U: Element>(&self) -> Array<U>
    where
        T: Cast<U>,
    {
        self.each("astype", Vec::new(), T::cast)
    }
}

/// Elements that can be converted.
pub trait Cast<U> {
    /// The nearest of the other type; rounded towards zero, and to the bounds of it.
    fn cast(self) -> U;
}

macro_rules! casts {
    ($($from:ty => $($to:ty)*;)*) => {$($(
        impl Cast<$to> for $from {
            fn cast(self) -> $to {
                self as $to
            }
        }
    )*)*};
}

casts! {
    f64 => f64 f32 i64 i32 u8;
    f32 => f64 f32 i64 i32 u8;
    i64 => f64 f32 i64 i32 u8;
    i32 => f64 f32 i64 i32 u8;
    u8 => f64 f32 i64 i32 u8;
    bool => i64 i32 u8;
}

impl Cast<f64> for bool {
    fn cast(self) -> f64 {
        f64::from(u8::from(self))
    }
}

macro_rules! functions {
    ($($(#[$doc:meta])* $name:ident: $body:expr;)*) => {
        impl<T: Float> Array<T> {$(
            $(#[$doc])*
            #[must_use]
            pub fn $name(&self) -> Array<T> {
                let function: fn(f64) -> f64 = $body;
                self.each(stringify!($name), Vec::new(), move |value| T::from_f64(function(value.to_f64())))
            }
        )*}
    };
}

functions! {
    /// The cosine, of radians.
    cos: f64::cos;
    /// The sine, of radians.
    sin: f64::sin;
    /// e to the power of it.
    exp: f64::exp;
    /// The natural logarithm; NaN below zero.
    log: f64::ln;
    /// The square root; NaN below zero.
    sqrt: f64::sqrt;
    /// Without its sign.
    abs: f64::abs;
}

impl<T: Float> Array<T> {
    /// To the power of a whole number.
    #[must_use]
    pub fn powi(&self, power: i32) -> Array<T> {
        let raised = move |value: T| match power {
            2 => T::from_f64(value.to_f64() * value.to_f64()),
            power => T::from_f64(value.to_f64().powi(power)),
        };
        self.each("powi", vec![power as u64], raised)
    }
}

macro_rules! operators {
    ($($trait:ident $method:ident;)*) => {$(
        impl<T: Element + $trait<Output = T>> $trait<&Array<T>> for &Array<T> {
            type Output = Result<Array<T>, Error>;

            fn $method(self, other: &Array<T>) -> Result<Array<T>> {
                self.with(stringify!($method), other, |left: T, right: T| left.$method(right))
            }
        }

        impl<T: Element + $trait<Output = T>> $trait<T> for &Array<T> {
            type Output = Array<T>;

            fn $method(self, other: T) -> Array<T> {
                self.each(stringify!($method), vec![other.bits()], move |value: T| value.$method(other))
            }
        }
    )*};
}

operators! {
    Add add;
    Sub sub;
    Mul mul;
    Div div;
}

impl<T: Element + Neg<Output = T>> Neg for &Array<T> {
    type Output = Array<T>;

    fn neg(self) -> Array<T> {
        self.each("neg", Vec::new(), |value: T| -value)
    }
}
