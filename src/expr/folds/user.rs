//! Aggregates of your own: a few numbers a group, and three functions.

use std::fmt::{self, Debug};
use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, Float64Array};
use arrow::datatypes::{DataType, Field, FieldRef, Float64Type};

use super::fold::{Fold, FoldState, Groups, Outcome, Scope, foreign_columns, same_state};
use super::kind::Kind;
use super::number::Number;
use super::state::floats;
use crate::base::{Identity, Result, Tokenizer};

/// What an aggregate of your own keeps of the numbers of a group, `N` numbers, and what it makes of them. [`UserFold`] turns it into a
/// [`Fold`] for whole columns and groups, which spills like all others.
///
/// The result is the same for any number of threads, any partitioning and any memory limit as long as `merge` may meet states in any order: so
/// take greatest and least values, or counts. Sums of floating numbers depend on their order in the last bits; what is made of sums is better
/// said with [`Sum`](super::Sum) and [`Mean`](super::Mean) of an expression: the geometric mean is the `exp` of the mean of the `ln`.
///
/// ```
/// use partita::expr::folds::{Recipe, UserFold};
/// use partita::{DataFrame, col};
/// # use arrow::array::{Float64Array, Int64Array, RecordBatch};
/// # use std::sync::Arc;
///
/// /// The distance between the least and the greatest value.
/// #[derive(Debug)]
/// struct Range;
///
/// impl Recipe<2> for Range {
///     fn name(&self) -> String { "range".into() }
///     fn empty(&self) -> [f64; 2] { [f64::INFINITY, f64::NEG_INFINITY] }
///     fn update(&self, [low, high]: &mut [f64; 2], value: f64) {
///         (*low, *high) = (low.min(value), high.max(value));
///     }
///     fn merge(&self, [low, high]: &mut [f64; 2], other: &[f64; 2]) {
///         (*low, *high) = (low.min(other[0]), high.max(other[1]));
///     }
///     fn finish(&self, [low, high]: &[f64; 2]) -> Option<f64> { (low <= high).then(|| high - low) }
/// }
///
/// # let key = Int64Array::from(vec![1, 1, 2]);
/// # let x = Float64Array::from(vec![5.0, 2.0, 9.0]);
/// # let batch = RecordBatch::try_from_iter([("key", Arc::new(key) as _), ("x", Arc::new(x) as _)]).unwrap();
/// # let df = DataFrame::from_batches([batch])?;
/// let ranges = df.groupby("key")?.agg([col("x").aggregate(UserFold::new(Range))])?.compute()?;
/// assert_eq!(ranges.value("x", 0)?.as_f64(), Some(3.0));
/// # Ok::<(), partita::Error>(())
/// ```
pub trait Recipe<const N: usize>: Debug + Send + Sync + 'static {
    /// What it is called, with all its parameters: recipes of one type and one name are one aggregate.
    fn name(&self) -> String;
    /// What is kept of no values.
    fn empty(&self) -> [f64; N];
    /// Takes in a value: neither null nor NaN; whole numbers as the nearest `f64`, truth values as 0 and 1.
    fn update(&self, state: &mut [f64; N], value: f64);
    /// Takes in what was kept of other values.
    fn merge(&self, state: &mut [f64; N], other: &[f64; N]);
    /// The result; `None` for null.
    fn finish(&self, state: &[f64; N]) -> Option<f64>;
}

/// A [`Recipe`] as an aggregate of numbers. The result is of type `Float64`.
#[derive(Debug)]
pub struct UserFold<R, const N: usize>(Arc<R>);

impl<R: Recipe<N>, const N: usize> UserFold<R, N> {
    /// The aggregate of this recipe.
    pub fn new(recipe: R) -> Self {
        UserFold(Arc::new(recipe))
    }
}

impl<R: Recipe<N>, const N: usize> fmt::Display for UserFold<R, N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.name())
    }
}

impl<R: Recipe<N>, const N: usize> Identity for UserFold<R, N> {
    fn token(&self, t: &mut Tokenizer) {
        t.str("user fold");
        // two modules may have a recipe of the same name
        t.str(std::any::type_name::<R>());
        t.str(&self.0.name());
    }
}

impl<R: Recipe<N>, const N: usize> Fold for UserFold<R, N> {
    fn return_field(&self, input: &FieldRef) -> Result<FieldRef> {
        Kind::of_column(input, &self.to_string(), Kind::NUMBERS)?;
        Ok(Arc::new(Field::new(input.name(), DataType::Float64, true)))
    }

    fn start(&self, input: &DataType, scope: Scope) -> Result<Box<dyn FoldState>> {
        let groups = if scope == Scope::Column { vec![self.0.empty()] } else { Vec::new() };
        Ok(match Kind::of_type(input, &self.to_string(), Kind::NUMBERS)? {
            Kind::Float => Recipes::<R, f64, N>::boxed(self.0.clone(), groups),
            Kind::Unsigned => Recipes::<R, u64, N>::boxed(self.0.clone(), groups),
            _ => Recipes::<R, i64, N>::boxed(self.0.clone(), groups),
        })
    }

    fn bounded(&self) -> bool {
        true
    }

    fn state_fields(&self, input: &DataType) -> Result<Vec<Field>> {
        Kind::of_type(input, &self.to_string(), Kind::NUMBERS)?;
        Ok((0..N).map(|i| Field::new(format!("state_{i}"), DataType::Float64, false)).collect())
    }
}

/// What a recipe has kept of each group.
struct Recipes<R, T, const N: usize> {
    recipe: Arc<R>,
    groups: Vec<[f64; N]>,
    number: std::marker::PhantomData<fn(T)>,
}

impl<R: Recipe<N>, T: Number, const N: usize> Recipes<R, T, N> {
    fn boxed(recipe: Arc<R>, groups: Vec<[f64; N]>) -> Box<dyn FoldState> {
        Box::new(Recipes::<R, T, N> { recipe, groups, number: std::marker::PhantomData })
    }

    fn make_room(&mut self, groups: Groups<'_>) {
        if self.groups.len() < groups.count() {
            self.groups.resize(groups.count(), self.recipe.empty());
        }
    }
}

impl<R: Recipe<N>, T: Number, const N: usize> FoldState for Recipes<R, T, N> {
    fn update(&mut self, values: &ArrayRef, groups: Groups<'_>) -> Result<()> {
        self.make_room(groups);
        let mut add = |group: usize, value: T| {
            if !value.is_nan() {
                self.recipe.update(&mut self.groups[group], value.float());
            }
        };
        match groups {
            Groups::One => T::blocks(values, |block| block.iter().for_each(|value| add(0, *value))),
            Groups::Of { ids, .. } => T::grouped(values, ids, add),
        }
    }

    fn merge(&mut self, later: Box<dyn FoldState>, groups: Groups<'_>) -> Result<()> {
        let later: Self = same_state(later)?;
        self.make_room(groups);
        for (i, state) in later.groups.iter().enumerate() {
            self.recipe.merge(&mut self.groups[groups.of(i)], state);
        }
        Ok(())
    }

    fn emit(&mut self) -> Result<Vec<ArrayRef>> {
        let groups = std::mem::take(&mut self.groups);
        let column = |i: usize| Float64Array::from_iter_values(groups.iter().map(|state| state[i]));
        Ok((0..N).map(|i| Arc::new(column(i)) as ArrayRef).collect())
    }

    fn absorb(&mut self, columns: &[ArrayRef], groups: Groups<'_>) -> Result<()> {
        self.make_room(groups);
        let words: Option<Vec<&[f64]>> =
            columns.iter().map(|column| Some(&column.as_primitive_opt::<Float64Type>()?.values()[..])).collect();
        let words = words.filter(|words| words.len() == N).ok_or_else(foreign_columns)?;
        let rows = words.first().map_or(0, |words| words.len());
        for row in 0..rows {
            let state: [f64; N] = std::array::from_fn(|i| words.get(i).map_or(0.0, |column| column[row]));
            self.recipe.merge(&mut self.groups[groups.of(row)], &state);
        }
        Ok(())
    }

    fn finish(self: Box<Self>) -> Result<Outcome> {
        Ok(Outcome::Value(floats(self.groups.iter().map(|state| self.recipe.finish(state)))))
    }

    fn bytes(&self) -> usize {
        size_of::<Self>() + self.groups.capacity() * size_of::<[f64; N]>()
    }
}
