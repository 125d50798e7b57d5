//! How functions of elements are evaluated: an input is read straight into the place of the output where the types
//! are the same, so that a chain of functions changes one tile again and again, which never leaves the first cache.

use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

use crate::array::chunked::Array;
use crate::array::element::Element;
use crate::array::lanes::vectorised;
use crate::array::lazy::{Lazy, Needs, Operations};
use crate::array::region::Region;
use crate::array::shape::broadcast_shape;
use crate::array::tile::Tile;
use crate::base::{Error, Identity, Result, Tokenizer};

/// A function of two elements that is one of the same type.
pub trait Operation<T: Element>: Send + Sync + 'static {
    /// One word.
    const NAME: &'static str;

    /// The result, and whether there is none: it would not fit the type, or is a whole number divided by zero.
    fn apply(left: T, right: T) -> (T, bool);

    /// What is wrong where there is no result.
    fn wrong(left: T, right: T) -> Error {
        let what = format!("{} of {left:?} and {right:?} overflows {}", Self::NAME, T::DTYPE);
        Error::value(what).help("convert to a wider type first: astype()")
    }
}

/// Says what is wrong with the first pair for which there is no result.
fn complain<T: Element, O: Operation<T>>(pairs: impl Iterator<Item = (T, T)>) -> Error {
    let wrong = pairs.into_iter().find(|&(left, right)| O::apply(left, right).1);
    wrong.map_or_else(|| Error::value(format!("{} overflows", O::NAME)), |(left, right)| O::wrong(left, right))
}

/// The parts of [`Lazy`] that are the same for all that have inputs of their own shape.
macro_rules! over_inputs {
    ($first:ident $($more:ident)*) => {
        fn name(&self) -> &'static str {
            self.name
        }

        fn shape(&self) -> &[usize] {
            self.$first.shape()
        }

        fn operations(&self) -> Operations {
            Operations::ONE + self.$first.operations() $(+ self.$more.operations())*
        }

        fn needs(&self, region: &Region, needs: &mut Needs) {
            self.$first.needs(region, needs);
            $(self.$more.needs(region, needs);)*
        }
    };
}

macro_rules! named {
    ($($node:ident<$($parameter:ident),*>;)*) => {$(
        impl<$($parameter),*> fmt::Debug for $node<$($parameter),*> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.name)
            }
        }
    )*};
}

named! { Changed<T, F>; Made<T, U, F>; Joined<T, O>; Beside<T, O>; Related<T, U, F>; Chosen<T>; }

/// What a function makes of the elements of a tile, of the same type.
struct Changed<T, F> {
    input: Arc<dyn Lazy<T>>,
    name: &'static str,
    /// What else decides the result.
    bits: Vec<u64>,
    function: F,
}

impl<T: Element, F: Send + Sync + 'static> Identity for Changed<T, F> {
    fn token(&self, t: &mut Tokenizer) {
        t.str(self.name);
        t.debug(&T::DTYPE);
        t.list(&self.bits, |t, bits| t.u64(*bits));
        t.identity(self.input.as_ref());
    }
}

impl<T: Element, F: Fn(&mut [T]) -> Result<()> + Send + Sync + 'static> Lazy<T> for Changed<T, F> {
    over_inputs!(input);

    fn read(&self, region: &Region, out: &mut [T], tile: &mut Tile<'_>) -> Result<()> {
        self.input.read(region, out, tile)?;
        (self.function)(out)
    }
}

/// What a function makes of the elements of a tile, of another type.
struct Made<T, U, F> {
    input: Arc<dyn Lazy<T>>,
    name: &'static str,
    bits: Vec<u64>,
    function: F,
    of: PhantomData<fn() -> U>,
}

impl<T: Element, U: Element, F: Send + Sync + 'static> Identity for Made<T, U, F> {
    fn token(&self, t: &mut Tokenizer) {
        t.str(self.name);
        t.debug(&(T::DTYPE, U::DTYPE));
        t.list(&self.bits, |t, bits| t.u64(*bits));
        t.identity(self.input.as_ref());
    }
}

impl<T: Element, U: Element, F> Lazy<U> for Made<T, U, F>
where
    F: Fn(&[T], &mut [U]) -> Result<()> + Send + Sync + 'static,
{
    over_inputs!(input);

    fn read(&self, region: &Region, out: &mut [U], tile: &mut Tile<'_>) -> Result<()> {
        tile.with(self.input.as_ref(), region, |values, _| (self.function)(values, out))
    }
}

/// An operation on the elements of two arrays.
struct Joined<T, O> {
    left: Arc<dyn Lazy<T>>,
    right: Arc<dyn Lazy<T>>,
    name: &'static str,
    of: PhantomData<fn() -> O>,
}

impl<T: Element, O: 'static> Identity for Joined<T, O> {
    fn token(&self, t: &mut Tokenizer) {
        t.str(self.name);
        t.debug(&(T::DTYPE, T::DTYPE));
        t.identity(self.left.as_ref());
        t.identity(self.right.as_ref());
    }
}

impl<T: Element, O: Operation<T>> Lazy<T> for Joined<T, O> {
    over_inputs!(left right);

    fn read(&self, region: &Region, out: &mut [T], tile: &mut Tile<'_>) -> Result<()> {
        self.left.read(region, out, tile)?;
        tile.with(self.right.as_ref(), region, |right, tile| {
            let wrong = vectorised(
                #[inline(always)]
                || {
                    let mut wrong = false;
                    for (place, &right) in out.iter_mut().zip(right) {
                        let (made, bad) = O::apply(*place, right);
                        *place = made;
                        wrong |= bad;
                    }
                    wrong
                },
            );
            match wrong {
                false => Ok(()),
                // the left operands are gone: they are made once more to be named
                true => tile.with(self.left.as_ref(), region, |left, _| {
                    Err(complain::<T, O>(left.iter().copied().zip(right.iter().copied())))
                }),
            }
        })
    }
}

/// An operation on the elements of an array and a number, on the right or the left.
struct Beside<T, O> {
    input: Arc<dyn Lazy<T>>,
    number: T,
    turned: bool,
    name: &'static str,
    of: PhantomData<fn() -> O>,
}

impl<T: Element, O: 'static> Identity for Beside<T, O> {
    fn token(&self, t: &mut Tokenizer) {
        t.str(self.name);
        t.debug(&(T::DTYPE, self.turned));
        t.u64(self.number.bits());
        t.identity(self.input.as_ref());
    }
}

impl<T: Element, O: Operation<T>> Lazy<T> for Beside<T, O> {
    over_inputs!(input);

    fn read(&self, region: &Region, out: &mut [T], tile: &mut Tile<'_>) -> Result<()> {
        self.input.read(region, out, tile)?;
        let number = self.number;
        let wrong = match self.turned {
            false => each_checked(out, |value| O::apply(value, number)),
            true => each_checked(out, |value| O::apply(number, value)),
        };
        match wrong {
            false => Ok(()),
            true => tile.with(self.input.as_ref(), region, |values, _| {
                let pair = |value: &T| if self.turned { (number, *value) } else { (*value, number) };
                Err(complain::<T, O>(values.iter().map(pair)))
            }),
        }
    }
}

/// Changes elements in place; whether any had no result.
fn each_checked<T: Element>(values: &mut [T], function: impl Fn(T) -> (T, bool)) -> bool {
    vectorised(
        #[inline(always)]
        || {
            let mut wrong = false;
            for place in values {
                let (made, bad) = function(*place);
                *place = made;
                wrong |= bad;
            }
            wrong
        },
    )
}

/// A function of the elements of two arrays that is of another type.
struct Related<T, U, F> {
    left: Arc<dyn Lazy<T>>,
    right: Arc<dyn Lazy<T>>,
    name: &'static str,
    function: F,
    of: PhantomData<fn() -> U>,
}

impl<T: Element, U: Element, F: Send + Sync + 'static> Identity for Related<T, U, F> {
    fn token(&self, t: &mut Tokenizer) {
        t.str(self.name);
        t.debug(&(T::DTYPE, T::DTYPE, U::DTYPE));
        t.identity(self.left.as_ref());
        t.identity(self.right.as_ref());
    }
}

impl<T: Element, U: Element, F: Fn(T, T) -> U + Send + Sync + 'static> Lazy<U> for Related<T, U, F> {
    over_inputs!(left right);

    fn read(&self, region: &Region, out: &mut [U], tile: &mut Tile<'_>) -> Result<()> {
        tile.with(self.left.as_ref(), region, |left, tile| {
            tile.with(self.right.as_ref(), region, |right, _| {
                vectorised(
                    #[inline(always)]
                    || {
                        for (place, (&left, &right)) in out.iter_mut().zip(left.iter().zip(right)) {
                            *place = (self.function)(left, right);
                        }
                    },
                );
                Ok(())
            })
        })
    }
}

/// The elements of one array where a condition holds, and of another where it does not.
struct Chosen<T> {
    yes: Arc<dyn Lazy<T>>,
    no: Arc<dyn Lazy<T>>,
    condition: Arc<dyn Lazy<bool>>,
    name: &'static str,
}

impl<T: Element> Identity for Chosen<T> {
    fn token(&self, t: &mut Tokenizer) {
        t.str("where");
        t.debug(&T::DTYPE);
        t.identity(self.condition.as_ref());
        t.identity(self.yes.as_ref());
        t.identity(self.no.as_ref());
    }
}

impl<T: Element> Lazy<T> for Chosen<T> {
    over_inputs!(yes no condition);

    fn read(&self, region: &Region, out: &mut [T], tile: &mut Tile<'_>) -> Result<()> {
        self.yes.read(region, out, tile)?;
        tile.with(self.no.as_ref(), region, |no, tile| {
            tile.with(self.condition.as_ref(), region, |holds, _| {
                for (place, (&no, &holds)) in out.iter_mut().zip(no.iter().zip(holds)) {
                    *place = if holds { *place } else { no };
                }
                Ok(())
            })
        })
    }
}

impl<T: Element> Array<T> {
    /// What a function makes of the elements of tiles. An element must not depend on its place in one.
    pub(in crate::array) fn changed(
        &self,
        name: &'static str,
        bits: Vec<u64>,
        function: impl Fn(&mut [T]) -> Result<()> + Send + Sync + 'static,
    ) -> Array<T> {
        self.then(Changed { input: self.lazy.clone(), name, bits, function }, self.chunks.clone())
    }

    /// The same, of another type.
    pub(in crate::array) fn made<U: Element>(
        &self,
        name: &'static str,
        bits: Vec<u64>,
        function: impl Fn(&[T], &mut [U]) -> Result<()> + Send + Sync + 'static,
    ) -> Array<U> {
        let made = Made { input: self.lazy.clone(), name, bits, function, of: PhantomData };
        self.then(made, self.chunks.clone())
    }

    /// What a function makes of each element.
    pub(in crate::array) fn each<U: Element>(
        &self,
        name: &'static str,
        bits: Vec<u64>,
        function: impl Fn(T) -> U + Send + Sync + 'static,
    ) -> Array<U> {
        self.made(name, bits, move |values, out| {
            vectorised(
                #[inline(always)]
                || out.iter_mut().zip(values).for_each(|(place, &value)| *place = function(value)),
            );
            Ok(())
        })
    }

    /// An operation with the elements of another array at the same place, after both were broadcast to one shape.
    pub(super) fn joined<O: Operation<T>>(&self, other: &Array<T>) -> Array<T> {
        self.matched(O::NAME, other, |left, right, chunks| {
            let joined =
                Joined::<T, O> { left: left.lazy.clone(), right: right.lazy.clone(), name: O::NAME, of: PhantomData };
            left.then(joined, chunks)
        })
    }

    /// An operation with a number; it is on the left where `turned`.
    pub(super) fn with_number<O: Operation<T>>(&self, number: T, turned: bool) -> Array<T> {
        let beside = Beside::<T, O> { input: self.lazy.clone(), number, turned, name: O::NAME, of: PhantomData };
        self.then(beside, self.chunks.clone())
    }

    /// What a function makes of the elements of two arrays at the same place, after both were broadcast to one shape.
    pub(in crate::array) fn related<U: Element>(
        &self,
        name: &'static str,
        other: &Array<T>,
        function: impl Fn(T, T) -> U + Send + Sync + 'static,
    ) -> Array<U> {
        self.matched(name, other, |left, right, chunks| {
            let (one, two) = (left.lazy.clone(), right.lazy.clone());
            left.then(Related { left: one, right: two, name, function, of: PhantomData }, chunks)
        })
    }

    /// The elements of this array where the condition holds, of the other where it does not.
    pub(super) fn chosen(&self, condition: &Array<bool>, other: &Array<T>) -> Array<T> {
        self.matched("where", other, |yes, no, _| {
            yes.matched("where", condition, |yes, condition, chunks| {
                // the condition may have made the shape larger
                let no = no.repeated("where", yes.shape());
                let (yes_lazy, no, condition) = (yes.lazy.clone(), no.lazy.clone(), condition.lazy.clone());
                yes.then(Chosen { yes: yes_lazy, no, condition, name: "where" }, chunks)
            })
        })
    }

    /// Broadcasts both to one shape, and hands them on with their chunks together; or the error.
    fn matched<U: Element, V: Element>(
        &self,
        name: &'static str,
        other: &Array<U>,
        then: impl FnOnce(&Array<T>, &Array<U>, crate::array::Chunks) -> Array<V>,
    ) -> Array<V> {
        if let Some(error) = self.lazy.failure().or_else(|| other.lazy.failure()) {
            return self.failed(error.clone(), self.shape());
        }
        let both = broadcast_shape(self.shape(), other.shape()).and_then(|shape| {
            let (left, right) = (self.broadcast_to(&shape)?, other.broadcast_to(&shape)?);
            let chunks = left.chunks.unified(&right.chunks);
            Ok((left, right, chunks))
        });
        match both {
            Ok((left, right, chunks)) => then(&left, &right, chunks),
            Err(error) => self.failed(Arc::new(error.doing(name)), self.shape()),
        }
    }

    /// Broadcast to a shape; or the error.
    fn repeated(&self, name: &'static str, shape: &[usize]) -> Array<T> {
        self.broadcast_to(shape).unwrap_or_else(|error| self.failed(Arc::new(error.doing(name)), shape))
    }
}
