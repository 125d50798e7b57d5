//! The number of distinct values.

use std::fmt;
use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Array};
use arrow::datatypes::{DataType, Field, FieldRef};

use super::fold::{Fold, FoldState, Outcome, Scope};
use super::kind::Kind;
use super::number::Number;
use super::quantile::Counted;
use super::state::Numeric;
use super::text::Texts;
use super::top::TextTally;
use crate::base::{Identity, Result, Tokenizer};

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
        Ok(match Kind::of_type(input, "nunique", Kind::ALL)? {
            Kind::Float => numbers::<f64>(scope),
            Kind::Unsigned => numbers::<u64>(scope),
            Kind::Text => {
                Texts::<TextTally, _>::boxed(scope, |groups| Ok(counts(groups.iter().map(TextTally::distinct))))
            }
            _ => numbers::<i64>(scope),
        })
    }
}

fn numbers<N: Number>(scope: Scope) -> Box<dyn FoldState> {
    Numeric::<N, Counted<N>, _>::boxed(scope, |groups| {
        Ok(Outcome::Value(counts(groups.iter().map(|group| group.tally.distinct()))))
    })
}

fn counts(distinct: impl Iterator<Item = usize>) -> ArrayRef {
    Arc::new(distinct.map(|n| Some(n as i64)).collect::<Int64Array>())
}

#[cfg(test)]
mod tests {
    use arrow::array::{BooleanArray, Float64Array, StringArray};

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
