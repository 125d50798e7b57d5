//! The mean of the values.

use std::fmt;
use std::sync::Arc;

use arrow::datatypes::{DataType, Field, FieldRef};

use super::cells::{Cells, Statistic, column};
use super::exact::IntSums;
use super::float_cells::FloatSum;
use super::float_sums::FloatSums;
use super::fold::{Fold, FoldState, Scope};
use super::int_cells::IntMean;
use super::kind::Kind;
use crate::base::schema::logical;
use crate::base::{Identity, Result, Tokenizer};
use crate::expr::Portable;

/// The mean (pandas' `mean`) as `Float64`; of dates and times their own type, without the fraction. Nothing gives null.
///
/// It is the exact mean, rounded once: it does not depend on the order or the partitioning of the rows, and does not overflow.
#[derive(Clone, Copy, Debug, Default, serde::Serialize, serde::Deserialize)]
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
        let kind = Kind::of_type(input, "mean", Kind::ORDERED)?;
        let statistic = if kind == Kind::Temporal { Statistic::WholeMean(logical(input)) } else { Statistic::Mean };
        Ok(match (kind, scope) {
            (Kind::Float, Scope::Groups) => Cells::<f64, FloatSum>::boxed(statistic),
            (Kind::Unsigned, Scope::Groups) => Cells::<u64, IntMean<u64>>::boxed(statistic),
            (_, Scope::Groups) => Cells::<i64, IntMean<i64>>::boxed(statistic),
            (Kind::Float, Scope::Column) => column::<f64, FloatSums<false>>(statistic),
            (Kind::Unsigned, Scope::Column) => column::<u64, IntSums<false>>(statistic),
            (_, Scope::Column) => column::<i64, IntSums<false>>(statistic),
        })
    }

    fn bounded(&self) -> bool {
        true
    }

    fn state_fields(&self, input: &DataType) -> Result<Vec<Field>> {
        Ok(match Kind::of_type(input, "mean", Kind::ORDERED)? {
            Kind::Float => Cells::<f64, FloatSum>::fields(),
            _ => Cells::<i64, IntMean<i64>>::fields(),
        })
    }

    fn portable(&self) -> Option<Portable> {
        Portable::of("mean", self)
    }
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
