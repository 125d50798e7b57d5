//! The sum of the values.

use std::fmt;
use std::sync::Arc;

use arrow::array::{ArrayRef, UInt64Array};
use arrow::datatypes::{DataType, Field, FieldRef};
use num_bigint::BigInt;

use super::exact::{Exact, IntSums, Sums};
use super::float_sums::FloatSums;
use super::fold::{Fold, FoldState, Outcome, Scope};
use super::kind::Kind;
use super::number::Number;
use super::state::{Numeric, floats, wholes};
use super::twofold::GroupSum;
use crate::base::schema::logical;
use crate::base::{Error, Identity, Result, Tokenizer};

/// The sum (pandas' `sum`): 0 for nothing. Integers are added exactly and give `Int64` or `UInt64`, truth values the count of
/// true, durations a duration.
///
/// Floating numbers give `Float64`: over a column the exact sum, rounded once, so that it does not depend on the order or the
/// partitioning of the rows; over groups a compensated sum. Infinities behave as in IEEE: ∞ − ∞ is NaN.
#[derive(Clone, Copy, Debug, Default)]
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
        let to = result_type(kind, input);
        Ok(match (kind, scope) {
            (Kind::Float, Scope::Column) => Numeric::<f64, FloatSums<false>, _>::boxed(scope, |groups| {
                Ok(Outcome::Value(floats(groups.iter().map(|sums| Some(sums.exact().sum())))))
            }),
            (Kind::Float, Scope::Groups) => Numeric::<f64, GroupSum, _>::boxed(scope, |groups| {
                Ok(Outcome::Value(floats(groups.iter().map(|sum| Some(sum.sum())))))
            }),
            (Kind::Unsigned, _) => integers::<u64>(scope, to),
            _ => integers::<i64>(scope, to),
        })
    }
}

fn integers<N: Number + Into<i128>>(scope: Scope, to: DataType) -> Box<dyn FoldState>
where
    IntSums<false>: Sums<N>,
{
    Numeric::<N, IntSums<false>, _>::boxed(scope, move |groups| {
        let sums: Vec<Exact> = groups.iter().map(Sums::<N>::exact).collect();
        Ok(Outcome::Value(whole_sums(&sums, &to)?))
    })
}

fn whole_sums(sums: &[Exact], to: &DataType) -> Result<ArrayRef> {
    if *to == DataType::UInt64 {
        let values = sums.iter().map(|sum| narrow::<u64>(sum.whole(), to)).collect::<Result<Vec<u64>>>()?;
        return Ok(Arc::new(UInt64Array::from(values)));
    }
    let values = sums.iter().map(|sum| narrow::<i64>(sum.whole(), to)).collect::<Result<Vec<i64>>>()?;
    wholes(values.into_iter().map(Some), to)
}

fn narrow<T: for<'a> TryFrom<&'a BigInt>>(sum: &BigInt, to: &DataType) -> Result<T> {
    T::try_from(sum).map_err(|_| {
        Error::value(format!("the sum {sum} does not fit into {to}"))
            .doing("add up")
            .help("convert the column with astype(DataType::Float64) first")
    })
}

#[cfg(test)]
mod tests {
    use arrow::array::{
        BooleanArray, DurationSecondArray, Float32Array, Float64Array, Int32Array, Int64Array, StringArray,
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
