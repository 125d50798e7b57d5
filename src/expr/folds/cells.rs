//! Exact sums for groups: a few words for each, in the state of all sum-like aggregates.
//!
//! A [`Cell`] takes in almost every value with a handful of instructions. What it cannot hold (a carry, a value far away from
//! the others) goes to a table aside, so that millions of groups stay small. Nothing is ever rounded before the end: the result does
//! not depend on the order of the values, nor on how they were split into states.

use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, BinaryBuilder, Int64Array, UInt64Array};
use arrow::datatypes::{DataType, Field, UInt64Type};
use arrow::error::ArrowError;
use rustc_hash::FxHashMap;

use super::exact::{Exact, Sums};
use super::fixed::Fixed;
use super::fold::{FoldState, Groups, Outcome, foreign_columns, same_state};
use super::number::Number;
use super::state::{Numeric, floats, wholes};
use crate::base::{Error, Result};

/// The sums of the numbers of one group, as far as a few words hold them.
pub trait Cell<N>: Copy + Default + Send + 'static {
    /// What does not fit.
    type Rest: Rest;
    /// The words of the portable form.
    const WORDS: &'static [&'static str];
    /// A word of the portable form.
    fn word(&self, i: usize) -> u64;
    /// The cell of these words, if they are in order.
    fn of_words(word: impl Fn(usize) -> u64) -> Option<Self>;

    /// Takes in a number, unless it does not fit: then nothing has changed.
    fn add(&mut self, value: N) -> bool;
    /// Takes in a number that does not fit, or NaN.
    fn add_rare(&mut self, value: N, aside: &mut Aside<Self::Rest>, group: u32);
    /// Takes in the words of another cell, unless they do not fit: then nothing has changed.
    fn merge(&mut self, other: &Self) -> bool;
    /// Takes in another cell whose words do not fit, or that has something aside.
    fn merge_rare(&mut self, other: &Self, rest: Option<&Self::Rest>, aside: &mut Aside<Self::Rest>, group: u32);
    /// The sums.
    fn total(&self, rest: Option<&Self::Rest>) -> Total;
}

/// What does not fit into a cell.
pub trait Rest: Default + Send + 'static {
    /// Bytes on the heap.
    fn bytes(&self) -> usize;
    /// Writes it.
    fn write(&self, out: &mut Vec<u8>);
    /// Reads what was written; `None` for damaged bytes.
    fn read(bytes: &[u8]) -> Option<Self>;
}

/// What does not fit into the cells of some groups.
#[derive(Debug)]
pub struct Aside<R> {
    groups: FxHashMap<u32, R>,
    heap: usize,
}

impl<R> Default for Aside<R> {
    fn default() -> Self {
        Aside { groups: FxHashMap::default(), heap: 0 }
    }
}

impl<R: Rest> Aside<R> {
    /// Changes what a group has aside.
    pub fn change(&mut self, group: u32, change: impl FnOnce(&mut R)) {
        let rest = self.groups.entry(group).or_default();
        let before = rest.bytes();
        change(rest);
        self.heap = self.heap + rest.bytes() - before;
    }

    fn bytes(&self) -> usize {
        self.heap + self.groups.capacity() * (size_of::<(u32, R)>() + 1)
    }
}

/// Exact sums in the end.
pub enum Total {
    /// In words.
    Fixed(Fixed),
    /// At any width, or with infinities.
    Exact(Box<Exact>),
}

/// What is asked of exact sums.
#[derive(Clone, Debug)]
pub enum Statistic {
    /// Σx as `Float64`.
    Sum,
    /// Σx of whole numbers, in this type.
    WholeSum(DataType),
    /// Σx/n as `Float64`.
    Mean,
    /// Σx/n of whole numbers, in this type, without its fraction.
    WholeMean(DataType),
    /// The variance, with these delta degrees of freedom.
    Var(u64),
    /// Its square root.
    Std(u64),
}

impl Statistic {
    /// The result: a row for each of the sums.
    ///
    /// # Errors
    /// `Value` when a sum of whole numbers does not fit its type.
    fn of(&self, totals: impl Iterator<Item = Total>) -> Result<ArrayRef> {
        macro_rules! each {
            ($sums:ident => $statistic:expr) => {
                floats(totals.map(|total| match &total {
                    Total::Fixed($sums) => $statistic,
                    Total::Exact($sums) => $statistic,
                }))
            };
        }
        Ok(match self {
            Statistic::Sum => each!(sums => Some(sums.sum())),
            Statistic::Mean => each!(sums => sums.mean()),
            Statistic::Var(ddof) => each!(sums => sums.var(*ddof)),
            Statistic::Std(ddof) => each!(sums => sums.std(*ddof)),
            Statistic::WholeSum(to) => whole_sums(totals.map(|total| total.whole().1), to)?,
            Statistic::WholeMean(to) => {
                let mean = |(n, sum): (u64, i128)| (n > 0).then(|| (sum / i128::from(n.max(1))) as i64);
                wholes(totals.map(|total| mean(total.whole())), to)?
            }
        })
    }
}

/// The state for a whole column, of exact sums at any width.
pub fn column<N: Number, S: Sums<N>>(statistic: Statistic) -> Box<dyn FoldState> {
    Numeric::<N, S, _>::boxed(S::default(), move |sums| {
        Ok(Outcome::Value(statistic.of(std::iter::once(Total::Exact(Box::new(sums.exact()))))?))
    })
}

impl Total {
    /// Count and Σx of whole numbers.
    fn whole(&self) -> (u64, i128) {
        match self {
            Total::Fixed(sums) => (sums.n, sums.sum),
            Total::Exact(sums) => (sums.n, i128::try_from(sums.whole()).unwrap_or(i128::MAX)),
        }
    }
}

/// Sums of whole numbers as an array of type `to`.
///
/// # Errors
/// `Value` when a sum does not fit.
fn whole_sums(sums: impl Iterator<Item = i128>, to: &DataType) -> Result<ArrayRef> {
    fn narrow<T: TryFrom<i128>>(sums: impl Iterator<Item = i128>, to: &DataType) -> Result<Vec<T>> {
        let narrow = |sum: i128| {
            T::try_from(sum).map_err(|_| {
                Error::value(format!("the sum {sum} does not fit into {to}"))
                    .doing("add up")
                    .help("convert the column with astype(DataType::Float64) first")
            })
        };
        sums.map(narrow).collect()
    }
    Ok(match to {
        DataType::UInt64 => Arc::new(UInt64Array::from(narrow::<u64>(sums, to)?)),
        DataType::Int64 => Arc::new(Int64Array::from(narrow::<i64>(sums, to)?)),
        _ => wholes(narrow::<i64>(sums, to)?.into_iter().map(Some), to)?,
    })
}

/// The state: a cell for each group.
pub struct Cells<N, C: Cell<N>> {
    cells: Vec<C>,
    aside: Aside<C::Rest>,
    statistic: Statistic,
    number: std::marker::PhantomData<fn(N)>,
}

const REST: &str = "rest";

impl<N: Number, C: Cell<N>> Cells<N, C> {
    /// The empty state.
    pub fn boxed(statistic: Statistic) -> Box<dyn FoldState> {
        let (cells, aside) = (Vec::new(), Aside::default());
        Box::new(Cells::<N, C> { cells, aside, statistic, number: std::marker::PhantomData })
    }

    /// The columns of the portable form.
    pub fn fields() -> Vec<Field> {
        let words = C::WORDS.iter().map(|word| Field::new(*word, DataType::UInt64, false));
        words.chain([Field::new(REST, DataType::Binary, true)]).collect()
    }

    fn make_room(&mut self, groups: Groups<'_>) {
        if self.cells.len() < groups.count() {
            self.cells.resize(groups.count(), C::default());
        }
    }

    fn take_in(&mut self, group: usize, other: &C, rest: Option<&C::Rest>) {
        let cell = &mut self.cells[group];
        if rest.is_some() || !cell.merge(other) {
            cell.merge_rare(other, rest, &mut self.aside, group as u32);
        }
    }
}

impl<N: Number, C: Cell<N>> FoldState for Cells<N, C> {
    fn update(&mut self, values: &ArrayRef, groups: Groups<'_>) -> Result<()> {
        self.make_room(groups);
        let (cells, aside) = (self.cells.as_mut_slice(), &mut self.aside);
        let mut add = |group: usize, value: N| {
            let cell = &mut cells[group];
            if !cell.add(value) {
                cell.add_rare(value, aside, group as u32);
            }
        };
        match groups {
            Groups::One => N::blocks(values, |block| block.iter().for_each(|value| add(0, *value))),
            Groups::Of { ids, .. } => N::grouped(values, ids, add),
        }
    }

    fn merge(&mut self, later: Box<dyn FoldState>, groups: Groups<'_>) -> Result<()> {
        let later: Self = same_state(later)?;
        self.make_room(groups);
        for (i, cell) in later.cells.iter().enumerate() {
            self.take_in(groups.of(i), cell, later.aside.groups.get(&(i as u32)));
        }
        Ok(())
    }

    fn emit(&mut self) -> Result<Vec<ArrayRef>> {
        let cells = std::mem::take(&mut self.cells);
        let aside = std::mem::take(&mut self.aside);
        let word = |i| Arc::new(UInt64Array::from_iter_values(cells.iter().map(|cell| cell.word(i)))) as ArrayRef;
        let mut columns: Vec<ArrayRef> = (0..C::WORDS.len()).map(word).collect();
        columns.push(written(cells.len(), &aside)?);
        Ok(columns)
    }

    fn absorb(&mut self, columns: &[ArrayRef], groups: Groups<'_>) -> Result<()> {
        self.make_room(groups);
        let (rest, words) = columns.split_last().ok_or_else(foreign_columns)?;
        let words: Option<Vec<&[u64]>> =
            words.iter().map(|word| Some(&word.as_primitive_opt::<UInt64Type>()?.values()[..])).collect();
        let words = words.filter(|words| words.len() == C::WORDS.len()).ok_or_else(foreign_columns)?;
        let rest = rest.as_binary_opt::<i32>().ok_or_else(foreign_columns)?;
        for (row, rest) in rest.iter().enumerate() {
            let cell = C::of_words(|i| words[i][row]).ok_or_else(foreign_columns)?;
            let rest = rest.map(|bytes| C::Rest::read(bytes).ok_or_else(foreign_columns)).transpose()?;
            self.take_in(groups.of(row), &cell, rest.as_ref());
        }
        Ok(())
    }

    fn finish(self: Box<Self>) -> Result<Outcome> {
        let aside = &self.aside.groups;
        let rest = |i: usize| if aside.is_empty() { None } else { aside.get(&(i as u32)) };
        let totals = self.cells.iter().enumerate().map(|(i, cell)| cell.total(rest(i)));
        Ok(Outcome::Value(self.statistic.of(totals)?))
    }

    fn bytes(&self) -> usize {
        size_of::<Self>() + self.cells.capacity() * size_of::<C>() + self.aside.bytes()
    }
}

/// What is aside, as a column that is null for all other groups.
fn written<R: Rest>(groups: usize, aside: &Aside<R>) -> Result<ArrayRef> {
    let mut order: Vec<u32> = aside.groups.keys().copied().collect();
    order.sort_unstable();
    let (mut column, mut bytes, mut next) = (BinaryBuilder::with_capacity(groups, aside.heap), Vec::new(), 0);
    for group in order {
        column.append_nulls(group as usize - next);
        bytes.clear();
        aside.groups[&group].write(&mut bytes);
        if column.values_slice().len() + bytes.len() > i32::MAX as usize {
            return Err(Error::from(ArrowError::OffsetOverflowError(bytes.len())));
        }
        column.append_value(&bytes);
        next = group as usize + 1;
    }
    column.append_nulls(groups - next);
    Ok(Arc::new(column.finish()))
}
