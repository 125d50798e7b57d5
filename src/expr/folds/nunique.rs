//! The number of distinct values.

use std::fmt;
use std::sync::Arc;

use arrow::array::Int64Array;
use arrow::datatypes::{DataType, Field, FieldRef};

use super::fold::{Fold, FoldState, OrderedFold, Outcome, Scope};
use super::gather::{Distinct, OrderedDistinct, OrderedTexts};
use super::kind::Kind;
use super::number::Number;
use super::state::{Accumulator, Numeric};
use super::tally::Tally;
use super::text::Texts;
use super::top::TextTally;
use crate::base::{Identity, Result, Tokenizer};
use crate::expr::Portable;

/// The number of distinct values (pandas' `nunique`), exactly, as `Int64`; −0.0 and 0.0 are one value. Nothing gives 0. Memory
/// grows with the number of distinct values.
#[derive(Clone, Copy, Debug, Default)]
pub struct Nunique;

impl fmt::Display for Nunique {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("nunique")
    }
}

impl Identity for Nunique {
    fn token(&self, t: &mut Tokenizer) {
        t.str("nunique");
    }
}

impl Fold for Nunique {
    fn return_field(&self, input: &FieldRef) -> Result<FieldRef> {
        Kind::of_column(input, "nunique", Kind::ALL)?;
        Ok(Arc::new(Field::new(input.name(), DataType::Int64, false)))
    }

    fn start(&self, input: &DataType, scope: Scope) -> Result<Box<dyn FoldState>> {
        Ok(match (Kind::of_type(input, "nunique", Kind::ALL)?, scope) {
            (Kind::Text, _) => Texts::<TextTally, _>::boxed(scope, |groups| {
                let counts = groups.iter().map(|group| group.distinct() as i64);
                Ok(Arc::new(Int64Array::from_iter_values(counts)))
            }),
            (Kind::Float, Scope::Groups) => Distinct::<f64>::boxed(),
            (Kind::Unsigned, Scope::Groups) => Distinct::<u64>::boxed(),
            (_, Scope::Groups) => Distinct::<i64>::boxed(),
            (Kind::Float, Scope::Column) => column::<f64>(),
            (Kind::Unsigned, Scope::Column) => column::<u64>(),
            (_, Scope::Column) => column::<i64>(),
        })
    }

    fn portable(&self) -> Option<Portable> {
        Portable::of("nunique", &())
    }

    fn ordered(&self, input: &DataType, sizes: &[u64]) -> Result<Option<Box<dyn OrderedFold>>> {
        Ok(Some(match Kind::of_type(input, "nunique", Kind::ALL)? {
            Kind::Text => OrderedTexts::boxed(sizes.len()),
            Kind::Float => OrderedDistinct::<f64>::boxed(sizes.len()),
            Kind::Unsigned => OrderedDistinct::<u64>::boxed(sizes.len()),
            _ => OrderedDistinct::<i64>::boxed(sizes.len()),
        }))
    }
}

fn column<N: Number>() -> Box<dyn FoldState> {
    Numeric::<N, Counted<N>, _>::boxed(Counted::default(), |counted| {
        Ok(Outcome::Value(Arc::new(Int64Array::from_value(counted.tally.distinct() as i64, 1))))
    })
}

/// All distinct values of a column, counted.
#[derive(Debug)]
struct Counted<N> {
    tally: Tally,
    number: std::marker::PhantomData<fn(N)>,
}

impl<N> Default for Counted<N> {
    fn default() -> Self {
        Counted { tally: Tally::default(), number: std::marker::PhantomData }
    }
}

impl<N: Number> Accumulator<N> for Counted<N> {
    fn add_all(&mut self, values: &[N]) {
        values.iter().filter(|value| !value.is_nan()).for_each(|value| self.tally.add(value.key(), 1));
    }

    fn merge(&mut self, later: Self) {
        if self.tally.distinct() == 0 {
            *self = later;
        } else {
            self.tally.merge(&later.tally);
        }
    }

    fn bytes(&self) -> usize {
        self.tally.bytes()
    }
}

#[cfg(test)]
mod tests {
    use arrow::array::{ArrayRef, BooleanArray, Float64Array, StringArray};

    use super::super::testing::{grouped, whole};
    use super::*;

    #[test]
    fn distinct_values_are_counted() {
        let int = |values: Vec<i64>| -> ArrayRef { Arc::new(Int64Array::from(values)) };
        let floats: ArrayRef =
            Arc::new(Float64Array::from(vec![Some(0.0), Some(-0.0), None, Some(f64::NAN), Some(1.5), Some(1.5)]));
        assert_eq!(&whole(&Nunique, &floats), &int(vec![2]));
        assert_eq!(&grouped(&Nunique, &floats, &[0, 1, 1, 1, 0, 0], 3), &int(vec![2, 1, 0]));
        let texts: ArrayRef = Arc::new(StringArray::from(vec![Some("a"), None, Some("b"), Some("a")]));
        assert_eq!(&whole(&Nunique, &texts), &int(vec![2]));
        let truths: ArrayRef = Arc::new(BooleanArray::from(vec![Some(true), None]));
        assert_eq!(&whole(&Nunique, &truths), &int(vec![1]));
    }
}
