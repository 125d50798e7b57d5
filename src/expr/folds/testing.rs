//! Running a fold in tests.

use arrow::array::{Array, ArrayRef};

use super::fold::{Fold, Groups, Outcome, Scope};

/// The result of a fold over a column: cut in two states, run again as often as it asks for.
pub fn whole(fold: &dyn Fold, values: &ArrayRef) -> ArrayRef {
    let half = values.len() / 2;
    let mut states = [values.slice(0, half), values.slice(half, values.len() - half)].map(|part| {
        let mut state = fold.start(values.data_type(), Scope::Column).unwrap();
        state.update(&part, Groups::One).unwrap();
        state
    });
    let [first, second] = &mut states;
    let second = std::mem::replace(second, fold.start(values.data_type(), Scope::Column).unwrap());
    first.merge(second, Groups::One).unwrap();
    let [first, _] = states;
    match first.finish().unwrap() {
        Outcome::Value(value) => value,
        Outcome::Again(fold) => whole(&*fold, values),
    }
}

/// The result of a fold over groups: each row in a state of its own where only its group is known.
pub fn grouped(fold: &dyn Fold, values: &ArrayRef, ids: &[u32], count: usize) -> ArrayRef {
    let mut all = fold.start(values.data_type(), Scope::Groups).unwrap();
    let half = values.len() / 2;
    all.update(&values.slice(0, half), Groups::Of { ids: &ids[..half], count }).unwrap();
    for (row, id) in ids.iter().enumerate().skip(half) {
        let mut one = fold.start(values.data_type(), Scope::Groups).unwrap();
        one.update(&values.slice(row, 1), Groups::Of { ids: &[0], count: 1 }).unwrap();
        all.merge(one, Groups::Of { ids: &[*id], count }).unwrap();
    }
    all.finish().unwrap().value().unwrap()
}
