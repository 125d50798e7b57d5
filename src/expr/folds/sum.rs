//! The sum of the values.

use std::fmt;
use std::sync::Arc;

use arrow::datatypes::{DataType, Field, FieldRef};

use super::cells::{Cells, Statistic, column};
use super::exact::IntSums;
use super::float_cells::FloatSum;
use super::float_sums::FloatSums;
use super::fold::{Fold, FoldState, Scope};
use super::int_cells::IntSum;
use super::kind::Kind;
use crate::base::schema::logical;
use crate::base::{Identity, Result, Tokenizer};
use crate::expr::Portable;

/// The sum (pandas' `sum`): 0 for nothing. Integers are added exactly and give `Int64` or `UInt64`, truth values the count of
/// true, durations a duration.
///
/// Floating numbers give `Float64`: the exact sum, rounded once, so that it does not depend on the order or the
/// partitioning of the rows. Infinities behave as in IEEE: ∞ − ∞ is NaN.
#[derive(Clone, Copy, Debug, Default, serde::Serialize, serde::Deserialize)]
pub struct Sum;

impl fmt::Display for Sum {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("sum")
    }
}

impl Identity for Sum {
    fn token(&self, t: &mut Tokenizer) {
        t.str("sum");
    }
}

fn fit(input: &DataType) -> &'static [Kind] {
    if matches!(logical(input), DataType::Duration(_)) { Kind::ORDERED } else { Kind::NUMBERS }
}

fn result_type(kind: Kind, input: &DataType) -> DataType {
    match kind {
        Kind::Float => DataType::Float64,
        Kind::Unsigned => DataType::UInt64,
        Kind::Temporal => logical(input),
        _ => DataType::Int64,
    }
}

impl Fold for Sum {
    fn return_field(&self, input: &FieldRef) -> Result<FieldRef> {
        let kind = Kind::of_column(input, "sum", fit(input.data_type()))?;
        Ok(Arc::new(Field::new(input.name(), result_type(kind, input.data_type()), true)))
    }

    fn start(&self, input: &DataType, scope: Scope) -> Result<Box<dyn FoldState>> {
        let kind = Kind::of_type(input, "sum", fit(input))?;
        let whole = Statistic::WholeSum(result_type(kind, input));
        Ok(match (kind, scope) {
            (Kind::Float, Scope::Groups) => Cells::<f64, FloatSum>::boxed(Statistic::Sum),
            (Kind::Unsigned, Scope::Groups) => Cells::<u64, IntSum<u64>>::boxed(whole),
            (_, Scope::Groups) => Cells::<i64, IntSum<i64>>::boxed(whole),
            (Kind::Float, Scope::Column) => column::<f64, FloatSums<false>>(Statistic::Sum),
            (Kind::Unsigned, Scope::Column) => column::<u64, IntSums<false>>(whole),
            (_, Scope::Column) => column::<i64, IntSums<false>>(whole),
        })
    }

    fn bounded(&self) -> bool {
        true
    }

    fn state_fields(&self, input: &DataType) -> Result<Vec<Field>> {
        Ok(match Kind::of_type(input, "sum", fit(input))? {
            Kind::Float => Cells::<f64, FloatSum>::fields(),
            _ => Cells::<i64, IntSum<i64>>::fields(),
        })
    }

    fn portable(&self) -> Option<Portable> {
        Portable::of("sum", self)
    }
}

#[cfg(test)]
mod tests {
    use arrow::array::{
        ArrayRef, BooleanArray, DurationSecondArray, Float32Array, Float64Array, Int32Array, Int64Array, StringArray,
        UInt64Array,
    };

    use super::super::testing::{grouped, whole};
    use super::*;

    fn check(values: impl arrow::array::Array + 'static, sum: impl arrow::array::Array + 'static) {
        let values: ArrayRef = Arc::new(values);
        let sum: ArrayRef = Arc::new(sum);
        assert_eq!(&whole(&Sum, &values), &sum);
    }

    #[test]
    fn sums_by_type() {
        check(Int32Array::from(vec![Some(i32::MAX), None, Some(i32::MAX)]), Int64Array::from(vec![4_294_967_294]));
        check(BooleanArray::from(vec![Some(true), None, Some(true), Some(false)]), Int64Array::from(vec![2]));
        check(Float32Array::from(vec![0.5, f32::NAN, 0.25]), Float64Array::from(vec![0.75]));
        check(Float64Array::from(vec![1e100, 1.0, -1e100]), Float64Array::from(vec![1.0]));
        check(UInt64Array::from(vec![u64::MAX - 1, 1]), UInt64Array::from(vec![u64::MAX]));
        check(DurationSecondArray::from(vec![40, 2]), DurationSecondArray::from(vec![42]));
        check(Int64Array::from(Vec::<i64>::new()), Int64Array::from(vec![0]));
        check(Float64Array::from(vec![None::<f64>]), Float64Array::from(vec![0.0]));
    }

    #[test]
    fn a_sum_that_does_not_fit_is_an_error() {
        let mut state = Sum.start(&DataType::Int64, Scope::Column).unwrap();
        let values: ArrayRef = Arc::new(Int64Array::from(vec![i64::MAX, 1]));
        state.update(&values, super::super::Groups::One).unwrap();
        let error = state.finish().err().unwrap().to_string();
        assert!(error.contains("9223372036854775808 does not fit into Int64"), "{error}");
        let name: FieldRef = Arc::new(Field::new("name", DataType::Utf8, true));
        let error = Sum.return_field(&name).unwrap_err().to_string();
        assert!(error.contains("column `name`: sum has no meaning for Utf8"), "{error}");
        assert!(whole_error(&(Arc::new(StringArray::from(vec!["a"])) as ArrayRef)).contains("sum has no meaning"));
    }

    fn whole_error(values: &ArrayRef) -> String {
        Sum.start(values.data_type(), Scope::Column).err().unwrap().to_string()
    }

    #[test]
    fn groups_have_their_own_sums() {
        let values: ArrayRef = Arc::new(Float64Array::from(vec![Some(0.1), Some(0.2), None, Some(f64::INFINITY)]));
        let sums: ArrayRef = Arc::new(Float64Array::from(vec![0.1 + 0.2, f64::INFINITY, 0.0]));
        assert_eq!(&grouped(&Sum, &values, &[0, 0, 1, 1], 3), &sums);
    }
}
