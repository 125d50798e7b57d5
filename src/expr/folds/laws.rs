//! Laws of the exact statistics: any way of cutting a column into batches, batches into states and any tree of merges gives the bits of a slow
//! and obvious computation.

use std::fmt;
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, BooleanArray, Float64Array, Int64Array, NullArray, StringArray, StructArray,
    TimestampMicrosecondArray,
};
use arrow::datatypes::{DataType, Field, FieldRef, Float64Type, Int64Type, TimestampMicrosecondType};
use num_bigint::{BigInt, BigUint};
use proptest::prelude::*;

use super::report::Report;
use super::rounding::{ratio, ratio_sqrt};
use super::search::Bounds;
use super::*;
use crate::base::{Identity, Result, Tokenizer};

/// A summary that keeps so little in memory that a few hundred values take every path.
#[derive(Clone, Debug)]
struct Small(Report, Bounds);

const SMALL: Bounds = Bounds { counted: 40, keys: 8, inner_keys: 16, collected: 20 };

impl Small {
    fn new(quantiles: &[f64]) -> Self {
        Small(Report::Summary(quantiles.into()), SMALL)
    }
}

impl fmt::Display for Small {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("small")
    }
}

impl Identity for Small {
    fn token(&self, t: &mut Tokenizer) {
        t.str("small");
    }
}

impl Fold for Small {
    fn return_field(&self, input: &FieldRef) -> Result<FieldRef> {
        Ok(input.clone())
    }

    fn start(&self, input: &DataType, scope: Scope) -> Result<Box<dyn FoldState>> {
        quantile::start::<true>(&self.0, input, scope, self.1)
    }
}

/// How a column is cut: batch lengths, whether a new state begins at each, and the order of merging.
type Cuts = Vec<(usize, bool, bool)>;

/// Runs a fold over a column that is cut up, as often as it asks for; the result and the number of passes.
fn run(fold: Arc<dyn Fold>, values: &ArrayRef, cuts: &Cuts) -> (ArrayRef, usize) {
    let mut states = vec![fold.start(values.data_type(), Scope::Column).unwrap()];
    let mut from = 0;
    for (len, fresh, _) in cuts.iter().cycle().take(values.len() + cuts.len()) {
        let len = (*len).min(values.len() - from);
        states.last_mut().unwrap().update(&values.slice(from, len), Groups::One).unwrap();
        from += len;
        if *fresh {
            states.push(fold.start(values.data_type(), Scope::Column).unwrap());
        }
    }
    states.last_mut().unwrap().update(&values.slice(from, values.len() - from), Groups::One).unwrap();
    for (_, _, last) in cuts.iter().cycle() {
        if states.len() == 1 {
            break;
        }
        let at = if *last { states.len() - 2 } else { 0 };
        let later = states.remove(at + 1);
        states[at].merge(later, Groups::One).unwrap();
    }
    match states.pop().unwrap().finish().unwrap() {
        Outcome::Value(value) => (value, 1),
        Outcome::Again(next) => {
            let (value, passes) = run(next, values, cuts);
            (value, passes + 1)
        }
    }
}

/// A value as an integer over 2⁻¹⁰⁷⁴.
fn units(value: f64) -> BigInt {
    let exponent = (value.to_bits() >> 52 & 0x7ff).max(1);
    let scaled = value.to_bits() & ((1 << 52) - 1) | if value.abs() >= f64::MIN_POSITIVE { 1 << 52 } else { 0 };
    let units = BigInt::from(scaled) << (exponent - 1);
    if value < 0.0 { -units } else { units }
}

/// Mean and std by their definitions over integers.
fn moments(values: &[f64]) -> (Option<f64>, Option<f64>) {
    let n = values.len() as u64;
    let infinite = values.iter().any(|v| v.is_infinite());
    let big: Vec<BigInt> = values.iter().filter(|v| v.is_finite()).map(|v| units(*v)).collect();
    let sum: BigInt = big.iter().sum();
    let mean = match (n, infinite) {
        (0, _) => None,
        (_, true) => Some(values.iter().filter(|v| v.is_infinite()).sum()),
        _ => Some(ratio(&sum, &BigUint::from(n), -1074)),
    };
    // Σ(n·x − Σx)² = n²·Σ(x − mean)²
    let spread: BigUint = big.iter().map(|x| (x * n - &sum).magnitude().pow(2)).sum();
    let std = match (n, infinite) {
        (0 | 1, _) => None,
        (_, true) => Some(f64::NAN),
        _ => Some(ratio_sqrt(&spread, &(BigUint::from(n) * n * (n - 1)), -2148)),
    };
    (mean, std)
}

fn quantile_of(sorted: &[f64], q: f64) -> Option<f64> {
    let last = sorted.len().checked_sub(1)?;
    let index = last as f64 * q;
    let (i, t) = (index as usize, index.fract());
    let (a, b) = (sorted[i], sorted[(i + 1).min(last)]);
    Some(if t >= 0.5 { b - (b - a) * (1.0 - t) } else { a + (b - a) * t })
}

fn slow_summary(values: &[Option<f64>], quantiles: &[f64]) -> Vec<Option<u64>> {
    // −0.0 is 0.0 in all order statistics
    let mut kept: Vec<f64> = values.iter().flatten().filter(|v| !v.is_nan()).map(|v| v + 0.0).collect();
    kept.sort_by(f64::total_cmp);
    let (mean, std) = moments(&kept);
    let mut row = vec![Some(kept.len() as f64), mean, std, kept.first().copied()];
    row.extend(quantiles.iter().map(|q| quantile_of(&kept, *q)));
    row.push(kept.last().copied());
    row.into_iter().map(bits).collect()
}

fn bits(value: Option<f64>) -> Option<u64> {
    value.map(|v| if v.is_nan() { 1 } else { v.to_bits() })
}

fn row_bits(row: &StructArray) -> Vec<Option<u64>> {
    let count = row.column(0).as_primitive::<Int64Type>().value(0) as f64;
    let rest = row.columns()[1..].iter().map(|c| c.as_primitive::<Float64Type>().iter().next().flatten());
    std::iter::once(Some(count)).chain(rest).map(bits).collect()
}

fn any_value() -> impl Strategy<Value = Option<f64>> {
    let special = vec![0.0, -0.0, f64::NAN, 5e-324, -1e-310, f64::MAX, f64::MIN, 1e-300];
    prop_oneof![
        6 => (-1e3..1e3f64).prop_map(Some),
        3 => (-5i32..40).prop_map(|v| Some(f64::from(v))),
        1 => (0i32..3).prop_map(|v| Some(f64::from(v) + 0.5)),
        1 => any::<f64>().prop_map(Some),
        1 => prop::sample::select(special).prop_map(Some),
        1 => Just(None),
    ]
}

fn any_column() -> impl Strategy<Value = Vec<Option<f64>>> {
    let infinities = prop::sample::subsequence(vec![f64::INFINITY, f64::NEG_INFINITY], 0..=2);
    (prop::collection::vec(any_value(), 0..600), infinities, 0..4u8, any::<bool>()).prop_map(
        |(mut column, infinities, some, sorted)| {
            if some == 0 {
                column.extend(infinities.into_iter().map(Some));
            }
            if sorted {
                column.sort_by(|a, b| a.unwrap_or(f64::NAN).total_cmp(&b.unwrap_or(f64::NAN)));
            }
            column
        },
    )
}

fn any_cuts() -> impl Strategy<Value = Cuts> {
    prop::collection::vec((0usize..90, any::<bool>(), any::<bool>()), 1..12)
}

#[test]
fn a_column_of_nulls_has_a_result_in_every_aggregate() {
    let nulls: ArrayRef = Arc::new(NullArray::new(3));
    let folds: [(&dyn Fold, bool); 9] = [
        (&Count, false),
        (&Sum, false),
        (&Nunique, false),
        (&Mean, true),
        (&Std { ddof: 1 }, true),
        (&Min, true),
        (&Last, true),
        (&Quantile::median(), true),
        (&Summary::default(), false),
    ];
    for (fold, null) in folds {
        let result = testing::whole(fold, &nulls);
        let field = fold.return_field(&Arc::new(Field::new("a", DataType::Null, true))).unwrap();
        assert_eq!((result.len(), result.data_type()), (1, field.data_type()), "{fold}");
        assert_eq!(result.logical_null_count() == 1, null, "{fold}");
    }
}

#[test]
fn dictionaries_of_numbers_are_numbers() {
    let plain: ArrayRef = Arc::new(Int64Array::from(vec![Some(3), None, Some(5), Some(3)]));
    let coded = DataType::Dictionary(Box::new(DataType::Int8), Box::new(DataType::Int64));
    let coded = arrow::compute::cast(&plain, &coded).unwrap();
    for fold in [&Sum as &dyn Fold, &Mean, &Max, &First, &Nunique, &Quantile::median(), &Summary::default()] {
        assert_eq!(&testing::whole(fold, &coded), &testing::whole(fold, &plain), "{fold}");
        let ids = [0, 0, 1, 1];
        assert_eq!(&testing::grouped(fold, &coded, &ids, 2), &testing::grouped(fold, &plain, &ids, 2), "{fold}");
    }
}

#[test]
fn summaries_of_times_strings_and_truths() {
    // values of pandas
    let times: ArrayRef = Arc::new(TimestampMicrosecondArray::from(vec![
        1_577_836_800_000_001,
        1_577_836_800_000_002,
        1_622_505_600_000_000,
        1_641_040_496_789_012,
    ]));
    let row = testing::whole(&Summary::default(), &times);
    let row: Vec<i64> = row.as_struct().columns()[1..]
        .iter()
        .map(|column| column.as_primitive::<TimestampMicrosecondType>().value(0))
        .collect();
    let wanted = [
        1_604_804_924_197_253,
        1_577_836_800_000_001,
        1_577_836_800_000_001,
        1_600_171_200_000_001,
        1_627_139_324_197_253,
        1_641_040_496_789_012,
    ];
    assert_eq!(row, wanted);
    let before: ArrayRef = Arc::new(TimestampMicrosecondArray::from(vec![
        -315_619_199_999_999,
        -315_619_199_999_996,
        -618_105_600_000_000,
    ]));
    let mean: ArrayRef = Arc::new(TimestampMicrosecondArray::from(vec![-416_447_999_999_998]));
    let quantile: ArrayRef = Arc::new(TimestampMicrosecondArray::from(vec![-557_608_319_999_999]));
    assert_eq!(&testing::whole(&Mean, &before), &mean);
    assert_eq!(&testing::whole(&Quantile::new(0.1).unwrap(), &before), &quantile);

    let texts: ArrayRef =
        Arc::new(StringArray::from(vec![Some("b"), Some("a"), None, Some("b"), Some("a"), Some("c")]));
    let row = testing::whole(&Summary::default(), &texts);
    let row = row.as_struct();
    assert_eq!(row.column(2).as_string::<i32>().value(0), "a");
    let counts = [0, 1, 3].map(|i| row.column(i).as_primitive::<Int64Type>().value(0));
    assert_eq!(counts, [5, 3, 2]);
    let truths: ArrayRef = Arc::new(BooleanArray::from(vec![Some(true), None, Some(true), Some(false)]));
    let row = testing::whole(&Summary::default(), &truths);
    assert!(row.as_struct().column(2).as_boolean().value(0));
}

#[test]
fn several_quantiles_are_a_list() {
    let values: ArrayRef = Arc::new(Float64Array::from(vec![1.0, 2.0, 4.0]));
    let list = testing::whole(&Quantile::several(&[0.0, 0.75]).unwrap(), &values);
    assert_eq!(list.as_fixed_size_list().value(0).as_primitive::<Float64Type>().values(), &[1.0, 3.0]);
    assert!(Quantile::new(1.5).is_err() && Quantile::several(&[f64::NAN]).is_err());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn a_summary_has_the_bits_of_the_slow_way(
        column in any_column(), cuts in any_cuts(), q in prop::collection::vec(0.0..=1.0f64, 0..4)
    ) {
        let quantiles: Vec<f64> = [0.25, 0.5, 0.75].into_iter().chain(q).collect();
        let wanted = slow_summary(&column, &quantiles);
        let values: ArrayRef = Arc::new(Float64Array::from(column));
        let (counted, passes) = run(Arc::new(Summary::new(&quantiles).unwrap()), &values, &cuts);
        prop_assert_eq!(passes, 1);
        prop_assert_eq!(row_bits(counted.as_struct()), wanted.clone());
        let (sketched, passes) = run(Arc::new(Small::new(&quantiles)), &values, &cuts);
        prop_assert!(passes <= 4);
        prop_assert_eq!(row_bits(sketched.as_struct()), wanted);
    }

    #[test]
    fn one_aggregate_has_the_bits_of_the_summary(column in any_column(), cuts in any_cuts()) {
        let wanted = slow_summary(&column, &[0.5]);
        let values: ArrayRef = Arc::new(Float64Array::from(column));
        let folds: [Arc<dyn Fold>; 5] =
            [Arc::new(Mean), Arc::new(Std::default()), Arc::new(Min), Arc::new(Quantile::median()), Arc::new(Max)];
        for (fold, wanted) in folds.into_iter().zip(&wanted[1..]) {
            let (value, _) = run(fold.clone(), &values, &cuts);
            prop_assert_eq!(bits(value.as_primitive::<Float64Type>().iter().next().flatten()), *wanted, "{}", fold);
        }
    }

    #[test]
    fn integers_are_exact_on_every_path(
        column in prop::collection::vec(prop_oneof![any::<i64>(), -50..50i64], 1..300), cuts in any_cuts()
    ) {
        let values: ArrayRef = Arc::new(Int64Array::from(column.clone()));
        let n = column.len() as u64;
        let sum: BigInt = column.iter().map(|v| BigInt::from(*v)).sum();
        let spread: BigUint = column.iter().map(|x| (BigInt::from(*x) * n - &sum).magnitude().pow(2)).sum();
        let mut sorted = column.clone();
        sorted.sort_unstable();
        let (low, high) = (sorted[(sorted.len() - 1) / 2], sorted[sorted.len() / 2]);
        let distance = (i128::from(high) - i128::from(low)) as f64;
        let median = if low == high { low as f64 } else { high as f64 - distance * 0.5 };
        let wanted = [
            Some(ratio(&sum, &BigUint::from(n), 0)),
            (n > 1).then(|| ratio_sqrt(&spread, &(BigUint::from(n) * n * (n.max(2) - 1)), 0)),
            Some(sorted[0] as f64),
            Some(median),
            Some(sorted[sorted.len() - 1] as f64),
        ];
        let folds: [Arc<dyn Fold>; 2] = [Arc::new(Small::new(&[0.5])), Arc::new(Summary::new(&[0.5]).unwrap())];
        for fold in folds {
            let (row, _) = run(fold, &values, &cuts);
            prop_assert_eq!(&row_bits(row.as_struct())[1..], wanted.map(bits));
        }
    }

    #[test]
    fn groups_are_columns_of_their_own(column in any_column(), ids in prop::collection::vec(0u32..4, 600)) {
        let ids = &ids[..column.len().min(600)];
        let column = &column[..ids.len()];
        let values: ArrayRef = Arc::new(Float64Array::from(column.to_vec()));
        let rows = testing::grouped(&Summary::new(&[0.5]).unwrap(), &values, ids, 4);
        for group in 0..4 {
            let own: Vec<Option<f64>> =
                column.iter().zip(ids).filter(|(_, id)| **id == group).map(|(v, _)| *v).collect();
            let row = rows.slice(group as usize, 1);
            prop_assert_eq!(row_bits(row.as_struct()), slow_summary(&own, &[0.5]));
        }
    }
}
