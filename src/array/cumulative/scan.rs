//! How elements are put together.

use super::super::element::Element;
use super::super::reduce::{Extreme, Number, Product, Reduction, Total};
use crate::base::{Identity, Result, Tokenizer};

/// What is known of all elements so far, from one to the next.
pub(super) trait Scan<T: Number>: Identity + Clone + Send + Sync + 'static {
    type State: Clone + Send + Sync + 'static;
    /// A state is held as two of these.
    type Carry: Element;
    type Output: Element;

    fn name(&self) -> &'static str;
    fn start(&self) -> Self::State;
    fn add(&self, state: &mut Self::State, value: T);
    fn merge(&self, state: &mut Self::State, later: &Self::State);
    fn store(&self, state: &Self::State) -> [Self::Carry; 2];
    fn load(&self, carry: [Self::Carry; 2]) -> Self::State;

    /// The element.
    ///
    /// # Errors
    /// `Value` when it is too large.
    fn value(&self, state: &Self::State) -> Result<Self::Output>;
}

/// Sums.
#[derive(Clone, Copy)]
pub(super) struct Sums;

/// Products.
#[derive(Clone, Copy)]
pub(super) struct Products;

/// The largest or the smallest so far.
#[derive(Clone, Copy)]
pub(super) struct Extremes<const LARGEST: bool>;

impl Identity for Sums {
    fn token(&self, t: &mut Tokenizer) {
        t.str("cumsum");
    }
}

impl<T: Number> Scan<T> for Sums {
    type State = T::Total;
    type Carry = T::Carry;
    type Output = T::Sum;

    fn name(&self) -> &'static str {
        "cumsum"
    }

    fn start(&self) -> T::Total {
        T::Total::default()
    }

    #[inline]
    fn add(&self, state: &mut T::Total, value: T) {
        state.add(value);
    }

    fn merge(&self, state: &mut T::Total, later: &T::Total) {
        state.merge(later);
    }

    fn store(&self, state: &T::Total) -> [T::Carry; 2] {
        state.carry()
    }

    fn load(&self, carry: [T::Carry; 2]) -> T::Total {
        T::Total::of(carry)
    }

    #[inline]
    fn value(&self, state: &T::Total) -> Result<T::Sum> {
        state.value()
    }
}

impl Identity for Products {
    fn token(&self, t: &mut Tokenizer) {
        t.str("cumprod");
    }
}

impl<T: Number> Scan<T> for Products {
    type State = T::Product;
    type Carry = T::Carry;
    type Output = T::Sum;

    fn name(&self) -> &'static str {
        "cumprod"
    }

    fn start(&self) -> T::Product {
        T::Product::default()
    }

    #[inline]
    fn add(&self, state: &mut T::Product, value: T) {
        state.multiply(value);
    }

    fn merge(&self, state: &mut T::Product, later: &T::Product) {
        state.merge(later);
    }

    fn store(&self, state: &T::Product) -> [T::Carry; 2] {
        state.carry()
    }

    fn load(&self, carry: [T::Carry; 2]) -> T::Product {
        T::Product::of(carry)
    }

    #[inline]
    fn value(&self, state: &T::Product) -> Result<T::Sum> {
        state.value()
    }
}

impl<const LARGEST: bool> Identity for Extremes<LARGEST> {
    fn token(&self, t: &mut Tokenizer) {
        t.str(if LARGEST { "cummax" } else { "cummin" });
    }
}

impl<T: Number, const LARGEST: bool> Scan<T> for Extremes<LARGEST> {
    type State = Option<T>;
    type Carry = T;
    type Output = T;

    fn name(&self) -> &'static str {
        if LARGEST { "cummax" } else { "cummin" }
    }

    fn start(&self) -> Option<T> {
        None
    }

    #[inline]
    fn add(&self, state: &mut Option<T>, value: T) {
        Extreme::<LARGEST, false>.merge(state, &Some(value));
    }

    fn merge(&self, state: &mut Option<T>, later: &Option<T>) {
        Extreme::<LARGEST, false>.merge(state, later);
    }

    fn store(&self, state: &Option<T>) -> [T; 2] {
        [state.unwrap_or_default(); 2]
    }

    /// Nothing is loaded before the first element.
    fn load(&self, carry: [T; 2]) -> Option<T> {
        Some(carry[0])
    }

    #[inline]
    fn value(&self, state: &Option<T>) -> Result<T> {
        Ok(state.unwrap_or_default())
    }
}
