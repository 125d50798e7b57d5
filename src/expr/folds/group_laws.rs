//! The law of groups: a group has the bits of a column of its rows, for any cut into batches and states, any order of merging, with states
//! that travel in their portable form and rows that do not come in order.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, BooleanArray, Float64Array, Int64Array, StringArray, UInt32Array, UInt64Array,
};
use arrow::compute::{SortColumn, lexsort_to_indices, take};
use arrow::datatypes::{DataType, Int64Type, UInt32Type};
use proptest::prelude::*;

use super::*;

/// A batch: how many rows, which state takes it in, and what happens then.
#[derive(Clone, Debug)]
struct Step {
    rows: usize,
    state: usize,
    then: Then,
}

#[derive(Clone, Copy, Debug)]
enum Then {
    Nothing,
    /// The state travels: emitted and absorbed.
    Travel,
    /// The state is merged into the next one.
    Merge,
}

const STATES: usize = 3;
const GROUPS: usize = 5;

fn any_steps() -> impl Strategy<Value = Vec<Step>> {
    let then = prop_oneof![3 => Just(Then::Nothing), 1 => Just(Then::Travel), 1 => Just(Then::Merge)];
    let step = (1usize..40, 0..STATES, then).prop_map(|(rows, state, then)| Step { rows, state, then });
    prop::collection::vec(step, 1..10)
}

/// A state that knows groups by numbers of its own.
struct Local {
    state: Box<dyn FoldState>,
    /// The group of each of its numbers.
    known: Vec<usize>,
}

impl Local {
    fn new(fold: &dyn Fold, values: &DataType) -> Self {
        Local { state: fold.start(values, Scope::Groups).unwrap(), known: Vec::new() }
    }

    fn ids(&mut self, groups: impl IntoIterator<Item = usize>) -> Vec<u32> {
        let id = |group| match self.known.iter().position(|known| *known == group) {
            Some(id) => id as u32,
            None => {
                self.known.push(group);
                self.known.len() as u32 - 1
            }
        };
        groups.into_iter().map(id).collect()
    }

    fn absorb(&mut self, columns: &[ArrayRef], groups: &[usize]) {
        let ids = self.ids(groups.iter().copied());
        self.state.absorb(columns, Groups::Of { ids: &ids, count: self.known.len() }).unwrap();
    }

    fn merge(&mut self, other: Local) {
        let ids = self.ids(other.known);
        self.state.merge(other.state, Groups::Of { ids: &ids, count: self.known.len() }).unwrap();
    }
}

/// The grouped result, by way of `steps`, of rows whose order is turned by `turn`.
fn by_steps(fold: &dyn Fold, values: &ArrayRef, groups: &[usize], steps: &[Step], turn: usize) -> ArrayRef {
    let rows = values.len();
    let order: Vec<usize> = (0..rows).map(|row| (row * 7 + turn) % rows.max(1)).collect();
    let order = if rows.is_multiple_of(7) { (0..rows).rev().collect() } else { order };
    let mut states: Vec<Local> = (0..STATES).map(|_| Local::new(fold, values.data_type())).collect();
    let mut rest = order.as_slice();
    for step in steps.iter().cycle() {
        let (now, later) = rest.split_at(step.rows.min(rest.len()));
        rest = later;
        let local = &mut states[step.state];
        let ids = local.ids(now.iter().map(|row| groups[*row]));
        let places: Vec<u64> = now.iter().map(|row| *row as u64).collect();
        let picked = take(values, &UInt32Array::from_iter_values(now.iter().map(|row| *row as u32)), None).unwrap();
        let of = Groups::Of { ids: &ids, count: local.known.len() };
        local.state.update_at(&picked, of, Places::Of(&places)).unwrap();
        match step.then {
            Then::Travel if fold.bounded() => {
                let columns = local.state.emit().unwrap();
                let fields = fold.state_fields(values.data_type()).unwrap();
                assert_eq!(columns.len(), fields.len(), "{fold}");
                for (column, field) in columns.iter().zip(fields) {
                    assert_eq!((column.len(), column.data_type()), (local.known.len(), field.data_type()), "{fold}");
                    assert!(field.is_nullable() || column.null_count() == 0, "{fold}");
                }
                let known = std::mem::take(&mut local.known);
                // in two parts, the later one first
                let half = known.len() / 2;
                let part = |from: usize, to: usize| -> Vec<ArrayRef> {
                    columns.iter().map(|column| column.slice(from, to - from)).collect()
                };
                local.absorb(&part(half, known.len()), &known[half..]);
                local.absorb(&part(0, half), &known[..half]);
            }
            Then::Merge => {
                let fresh = Local::new(fold, values.data_type());
                let moved = std::mem::replace(local, fresh);
                states[(step.state + 1) % STATES].merge(moved);
            }
            _ => {}
        }
        if rest.is_empty() {
            break;
        }
    }
    let mut all = Local::new(fold, values.data_type());
    all.ids(0..GROUPS);
    states.into_iter().rev().for_each(|local| all.merge(local));
    all.state.finish().unwrap().value().unwrap()
}

/// The result of the rows of each group, as a column.
fn by_columns(fold: &Arc<dyn Fold>, values: &ArrayRef, groups: &[usize]) -> ArrayRef {
    let results: Vec<ArrayRef> = (0..GROUPS)
        .map(|group| {
            let rows = groups.iter().enumerate().filter(|(_, g)| **g == group).map(|(row, _)| row as u32);
            let own = take(values, &UInt32Array::from_iter_values(rows), None).unwrap();
            testing::whole(&**fold, &own)
        })
        .collect();
    let results: Vec<&dyn Array> = results.iter().map(AsRef::as_ref).collect();
    arrow::compute::concat(&results).unwrap()
}

/// The grouped result from rows sorted by group and value, if there is such a way.
fn by_order(fold: &dyn Fold, values: &ArrayRef, groups: &[usize], batch: usize) -> Option<ArrayRef> {
    let ids: ArrayRef = Arc::new(UInt32Array::from_iter_values(groups.iter().map(|group| *group as u32)));
    let column = |values: &ArrayRef| SortColumn { values: values.clone(), options: None };
    let order = lexsort_to_indices(&[column(&ids), column(values)], None).unwrap();
    let (ids, sorted) = (take(&ids, &order, None).unwrap(), take(values, &order, None).unwrap());
    let ids = ids.as_primitive::<UInt32Type>().values();
    let mut sizes = Count.start(values.data_type(), Scope::Groups).unwrap();
    sizes.update(&sorted, Groups::Of { ids, count: GROUPS }).unwrap();
    let sizes = sizes.finish().unwrap().value().unwrap();
    let sizes: Vec<u64> = sizes.as_primitive::<Int64Type>().values().iter().map(|n| *n as u64).collect();
    let mut state = fold.ordered(values.data_type(), &sizes).unwrap()?;
    for from in (0..sorted.len()).step_by(batch) {
        let len = batch.min(sorted.len() - from);
        state.push(&sorted.slice(from, len), &ids[from..from + len]).unwrap();
    }
    Some(state.finish().unwrap())
}

fn shown(array: &ArrayRef) -> String {
    format!("{array:?}")
}

fn check(folds: Vec<Arc<dyn Fold>>, values: &ArrayRef, groups: &[usize], steps: &[Step], turn: usize) {
    for fold in folds {
        let wanted = by_columns(&fold, values, groups);
        let found = by_steps(&*fold, values, groups, steps, turn);
        // Debug shows every bit but those of NaN
        assert_eq!(shown(&found), shown(&wanted), "{fold}");
        if let Some(found) = by_order(&*fold, values, groups, turn + 1) {
            assert_eq!(shown(&found), shown(&wanted), "ordered {fold}");
        }
    }
}

fn any_float() -> impl Strategy<Value = Option<f64>> {
    let special = vec![0.0, -0.0, f64::NAN, 5e-324, -1e-310, f64::MAX, f64::MIN, 1e-300, f64::INFINITY];
    prop_oneof![
        9 => (-1e3..1e3f64).prop_map(Some),
        3 => (-5i32..40).prop_map(|v| Some(f64::from(v))),
        2 => (-1e3..1e3f64, -40i32..40).prop_map(|(v, e)| Some(v * 2f64.powi(e))),
        1 => any::<f64>().prop_map(Some),
        1 => prop::sample::select(special).prop_map(Some),
        1 => Just(None),
    ]
}

fn any_group() -> impl Strategy<Value = usize> {
    // the last group stays without rows
    0..GROUPS - 1
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn floats(
        rows in prop::collection::vec((any_float(), any_group()), 0..160), tame in any::<bool>(),
        steps in any_steps(), turn in 0usize..200
    ) {
        let (mut values, groups): (Vec<Option<f64>>, Vec<usize>) = rows.into_iter().unzip();
        if tame {
            values.iter_mut().for_each(|v| *v = v.filter(|v| v.abs() < 1e3 && v.abs() > 1e-3));
        }
        let values: ArrayRef = Arc::new(Float64Array::from(values));
        check(every_fold(), &values, &groups, &steps, turn);
    }

    #[test]
    fn integers(
        rows in prop::collection::vec((prop::option::weighted(0.9, prop_oneof![any::<i64>(), -50..50i64, Just(i64::MAX)]), any_group()), 0..120),
        unsigned in any::<bool>(), steps in any_steps(), turn in 0usize..200
    ) {
        let (values, groups): (Vec<Option<i64>>, Vec<usize>) = rows.into_iter().unzip();
        let unsigned_values: UInt64Array = values.iter().map(|v| v.map(|v| v as u64)).collect();
        let values: ArrayRef = if unsigned { Arc::new(unsigned_values) } else { Arc::new(Int64Array::from(values)) };
        // sums that do not fit are an error, which is tested elsewhere
        let folds = every_fold().into_iter().filter(|fold| fold.to_string() != "sum").collect();
        check(folds, &values, &groups, &steps, turn);
    }

    #[test]
    fn texts_and_truths(
        rows in prop::collection::vec((prop::option::weighted(0.9, "[a-c]{0,2}"), any_group()), 0..90),
        steps in any_steps(), turn in 0usize..200
    ) {
        let (texts, groups): (Vec<Option<String>>, Vec<usize>) = rows.into_iter().unzip();
        let truths: BooleanArray = texts.iter().map(|text| text.as_ref().map(|text| text.len() == 1)).collect();
        let texts: ArrayRef = Arc::new(texts.into_iter().collect::<StringArray>());
        let folds: Vec<Arc<dyn Fold>> = vec![
            Arc::new(Count), Arc::new(Size), Arc::new(Min), Arc::new(Max), Arc::new(Nunique),
            Arc::new(Summary::default()),
        ];
        check(folds, &texts, &groups, &steps, turn);
        check(every_fold(), &(Arc::new(truths) as ArrayRef), &groups, &steps, turn);
    }
}

/// The distance between the least and the greatest value.
#[derive(Debug)]
struct Range;

impl Recipe<2> for Range {
    fn name(&self) -> String {
        "range".into()
    }
    fn empty(&self) -> [f64; 2] {
        [f64::INFINITY, f64::NEG_INFINITY]
    }
    fn update(&self, [low, high]: &mut [f64; 2], value: f64) {
        (*low, *high) = (low.min(value), high.max(value));
    }
    fn merge(&self, [low, high]: &mut [f64; 2], other: &[f64; 2]) {
        (*low, *high) = (low.min(other[0]), high.max(other[1]));
    }
    fn finish(&self, [low, high]: &[f64; 2]) -> Option<f64> {
        (low <= high).then(|| high - low + 0.0)
    }
}

fn every_fold() -> Vec<Arc<dyn Fold>> {
    vec![
        Arc::new(Count),
        Arc::new(Size),
        Arc::new(Sum),
        Arc::new(Mean),
        Arc::new(Var::default()),
        Arc::new(Std { ddof: 0 }),
        Arc::new(Min),
        Arc::new(Max),
        Arc::new(First),
        Arc::new(Last),
        Arc::new(Nunique),
        Arc::new(Quantile::new(0.3).unwrap()),
        Arc::new(Summary::default()),
        Arc::new(UserFold::new(Range)),
    ]
}
