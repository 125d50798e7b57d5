//! The mean of the values.

use std::fmt;
use std::sync::Arc;

use arrow::datatypes::{DataType, Field, FieldRef};

use super::exact::{Exact, IntSums, Sums};
use super::float_sums::FloatSums;
use super::fold::{Fold, FoldState, Outcome, Scope};
use super::kind::Kind;
use super::number::Number;
use super::state::{Numeric, floats, wholes};
use super::twofold::GroupSum;
use crate::base::schema::logical;
use crate::base::{Identity, Result, Tokenizer};

/// The mean (pandas' `mean`) as `Float64`; of dates and times their own type, without the fraction. Nothing gives null.
///
/// Over a column it is the exact mean, rounded once: it does not depend on the order or the partitioning of the rows, and does not
/// overflow. Over groups of floating numbers it is a compensated sum, divided.
#[derive(Clone, Copy, Debug, Default)]
pub struct Mean;

impl fmt::Display for Mean {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("mean")
    }
}

impl Identity for Mean {
    fn token(&self, t: &mut Tokenizer) {
        t.str("mean");
    }
}

impl Fold for Mean {
    fn return_field(&self, input: &FieldRef) -> Result<FieldRef> {
        let to = match Kind::of_column(input, "mean", Kind::ORDERED)? {
            Kind::Temporal => logical(input.data_type()),
            _ => DataType::Float64,
        };
        Ok(Arc::new(Field::new(input.name(), to, true)))
    }

    fn start(&self, input: &DataType, scope: Scope) -> Result<Box<dyn FoldState>> {
        Ok(match (Kind::of_type(input, "mean", Kind::ORDERED)?, scope) {
            (Kind::Float, Scope::Column) => Numeric::<f64, FloatSums<false>, _>::boxed(scope, |groups| {
                Ok(Outcome::Value(floats(groups.iter().map(|sums| sums.exact().mean()))))
            }),
            (Kind::Float, Scope::Groups) => Numeric::<f64, GroupSum, _>::boxed(scope, |groups| {
                Ok(Outcome::Value(floats(groups.iter().map(GroupSum::mean))))
            }),
            (Kind::Temporal, _) => {
                let to = logical(input);
                integers::<i64>(scope, move |sums| Ok(Outcome::Value(wholes(sums.iter().map(Exact::mean_whole), &to)?)))
            }
            (Kind::Unsigned, _) => integers::<u64>(scope, means),
            _ => integers::<i64>(scope, means),
        })
    }
}

fn means(sums: &[Exact]) -> Result<Outcome> {
    Ok(Outcome::Value(floats(sums.iter().map(Exact::mean))))
}

fn integers<N: Number + Into<i128>>(
    scope: Scope,
    result: impl FnOnce(&[Exact]) -> Result<Outcome> + Send + 'static,
) -> Box<dyn FoldState> {
    Numeric::<N, IntSums<false>, _>::boxed(scope, move |groups: Vec<IntSums<false>>| {
        result(&groups.iter().map(Sums::<N>::exact).collect::<Vec<_>>())
    })
}

#[cfg(test)]
mod tests {
    use arrow::array::{ArrayRef, BooleanArray, Float64Array, Int64Array, TimestampMicrosecondArray};

    use super::super::testing::{grouped, whole};
    use super::*;

    #[test]
    fn means_by_type() {
        let pairs: [(ArrayRef, ArrayRef); 5] = [
            (Arc::new(Int64Array::from(vec![Some(1), None, Some(2)])), Arc::new(Float64Array::from(vec![1.5]))),
            (Arc::new(Float64Array::from(vec![f64::MAX, f64::MAX])), Arc::new(Float64Array::from(vec![f64::MAX]))),
            (Arc::new(Float64Array::from(vec![f64::NAN])), Arc::new(Float64Array::from(vec![None]))),
            (Arc::new(BooleanArray::from(vec![true, false])), Arc::new(Float64Array::from(vec![0.5]))),
            (
                Arc::new(TimestampMicrosecondArray::from(vec![10, 13]).with_timezone("Europe/Paris")),
                Arc::new(TimestampMicrosecondArray::from(vec![11]).with_timezone("Europe/Paris")),
            ),
        ];
        for (values, mean) in &pairs {
            assert_eq!(&whole(&Mean, values), mean);
        }
    }

    #[test]
    fn groups_have_their_own_means() {
        let values: ArrayRef = Arc::new(Float64Array::from(vec![1.0, 2.0, f64::NAN, 4.0]));
        let means: ArrayRef = Arc::new(Float64Array::from(vec![Some(1.5), Some(4.0), None]));
        assert_eq!(&grouped(&Mean, &values, &[0, 0, 1, 1], 3), &means);
    }
}
