//! Aggregates whose state is not bounded, over groups: order statistics and distinct values, of numbers that are gathered in memory or
//! that come in order.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, Int64Array};
use arrow::compute::concat;
use arrow::datatypes::DataType;
use rustc_hash::FxHashSet;

use super::distribution::row_of_counts;
use super::exact::Exact;
use super::fold::{FoldState, Groups, OrderedFold, Outcome, same_state};
use super::number::Number;
use super::quantiles::{Row, Spot, place, ranks_of};
use super::report::Report;
use super::text::rows;
use crate::base::{Error, Result};

/// The keys of the numbers of all groups, until all are there; then a report on each group.
pub struct Gathered<N, const SUMS: bool> {
    ids: Vec<u32>,
    keys: Vec<u64>,
    groups: usize,
    report: Report,
    input: DataType,
    number: std::marker::PhantomData<fn(N)>,
}

impl<N: Number, const SUMS: bool> Gathered<N, SUMS> {
    /// The empty state.
    pub fn boxed(report: Report, input: DataType) -> Box<dyn FoldState> {
        let (ids, keys) = (Vec::new(), Vec::new());
        Box::new(Gathered::<N, SUMS> { ids, keys, groups: 0, report, input, number: std::marker::PhantomData })
    }

    /// The keys, group by group, and where each group ends.
    fn grouped(&mut self) -> (Vec<u64>, Vec<usize>) {
        let mut ends = vec![0usize; self.groups];
        for id in &self.ids {
            ends[*id as usize] += 1;
        }
        let mut total = 0;
        for end in &mut ends {
            // for now where the group begins
            (*end, total) = (total, total + *end);
        }
        let mut grouped = vec![0; self.keys.len()];
        for (id, key) in std::mem::take(&mut self.ids).into_iter().zip(std::mem::take(&mut self.keys)) {
            let end = &mut ends[id as usize];
            grouped[*end] = key;
            *end += 1;
        }
        (grouped, ends)
    }
}

impl<N: Number, const SUMS: bool> FoldState for Gathered<N, SUMS> {
    fn update(&mut self, values: &ArrayRef, groups: Groups<'_>) -> Result<()> {
        self.groups = self.groups.max(groups.count());
        let mut add = |id: usize, value: N| {
            if !value.is_nan() {
                self.ids.push(id as u32);
                self.keys.push(value.key());
            }
        };
        match groups {
            Groups::One => N::blocks(values, |block| block.iter().for_each(|value| add(0, *value))),
            Groups::Of { ids, .. } => N::grouped(values, ids, add),
        }
    }

    fn merge(&mut self, later: Box<dyn FoldState>, groups: Groups<'_>) -> Result<()> {
        let later: Self = same_state(later)?;
        self.groups = self.groups.max(groups.count());
        self.ids.extend(later.ids.into_iter().map(|id| groups.of(id as usize) as u32));
        self.keys.extend(later.keys);
        Ok(())
    }

    fn finish(mut self: Box<Self>) -> Result<Outcome> {
        let (mut keys, ends) = self.grouped();
        let mut results = Results::<N>::new(&self.report, &self.input);
        let mut rest = keys.as_mut_slice();
        let mut from = 0;
        for end in ends {
            let (group, later) = rest.split_at_mut(end - from);
            (rest, from) = (later, end);
            let quantiles = self.report.quantiles();
            results.push(if SUMS { summarised::<N>(group, quantiles) } else { selected(group, quantiles) })?;
        }
        Ok(Outcome::Value(results.finish()?))
    }

    fn bytes(&self) -> usize {
        size_of::<Self>() + self.ids.capacity() * size_of::<u32>() + self.keys.capacity() * size_of::<u64>()
    }
}

/// Quantiles of keys in no order.
fn selected(keys: &mut [u64], quantiles: &[f64]) -> Row {
    let mut from = 0;
    for rank in ranks_of(quantiles, keys.len() as u64) {
        let rank = rank as usize;
        keys[from..].select_nth_unstable(rank - from);
        from = rank + 1;
    }
    let spot = |q: &f64| {
        let (lower, upper, t) = place(*q, keys.len() as u64)?;
        Some(Spot { lower: keys[lower as usize], upper: keys[upper as usize], t })
    };
    Row { exact: Exact::of_count(keys.len() as u64), ends: None, spots: quantiles.iter().map(spot).collect() }
}

/// All that is to be known of keys in no order.
fn summarised<N: Number>(keys: &mut [u64], quantiles: &[f64]) -> Row {
    keys.sort_unstable();
    let counts: Vec<(u64, u64)> = keys.chunk_by(|a, b| a == b).map(|same| (same[0], same.len() as u64)).collect();
    row_of_counts::<N, true>(&counts, quantiles)
}

/// Rows of a report, some thousands at a time: they are larger than what becomes of them.
struct Results<N> {
    report: Report,
    input: DataType,
    rows: Vec<Row>,
    arrays: Vec<ArrayRef>,
    number: std::marker::PhantomData<fn(N)>,
}

impl<N: Number> Results<N> {
    const ROWS: usize = 1 << 13;

    fn new(report: &Report, input: &DataType) -> Self {
        let (rows, arrays) = (Vec::new(), Vec::new());
        Results { report: report.clone(), input: input.clone(), rows, arrays, number: std::marker::PhantomData }
    }

    fn push(&mut self, row: Row) -> Result<()> {
        self.rows.push(row);
        if self.rows.len() == Self::ROWS {
            self.flush()?;
        }
        Ok(())
    }

    fn flush(&mut self) -> Result<()> {
        self.arrays.push(self.report.result::<N>(&self.input, &self.rows)?);
        self.rows.clear();
        Ok(())
    }

    fn finish(mut self) -> Result<ArrayRef> {
        if !self.rows.is_empty() || self.arrays.is_empty() {
            self.flush()?;
        }
        let arrays: Vec<&dyn Array> = self.arrays.iter().map(AsRef::as_ref).collect();
        Ok(concat(&arrays)?)
    }
}

/// Quantiles of groups whose values come in order.
pub struct OrderedQuantiles<N> {
    results: Results<N>,
    sizes: Vec<u64>,
    /// The group that is coming in, the ranks it needs, the keys of those that have come, and how many values have.
    group: usize,
    ranks: Vec<u64>,
    found: Vec<u64>,
    seen: u64,
}

impl<N: Number> OrderedQuantiles<N> {
    /// The start, of groups of these sizes.
    pub fn boxed(report: &Report, input: &DataType, sizes: &[u64]) -> Box<dyn OrderedFold> {
        let ranks = ranks_of(report.quantiles(), sizes.first().copied().unwrap_or(0));
        let results = Results::<N>::new(report, input);
        Box::new(OrderedQuantiles { results, sizes: sizes.to_vec(), group: 0, ranks, found: Vec::new(), seen: 0 })
    }

    /// The group is over.
    fn close(&mut self) -> Result<()> {
        let n = self.sizes[self.group];
        if self.seen != n {
            let (group, seen) = (self.group, self.seen);
            return Err(Error::invalid(format!("group {group} was said to have {n} values, and has {seen}")));
        }
        let key = |rank: u64| Some(self.found[self.ranks.binary_search(&rank).ok()?]);
        let spot = |q: &f64| {
            let (lower, upper, t) = place(*q, n)?;
            Some(Spot { lower: key(lower)?, upper: key(upper)?, t })
        };
        let spots = self.results.report.quantiles().iter().map(spot).collect();
        self.results.push(Row { exact: Exact::of_count(n), ends: None, spots })?;
        self.group += 1;
        self.ranks = ranks_of(self.results.report.quantiles(), self.sizes.get(self.group).copied().unwrap_or(0));
        self.found.clear();
        self.seen = 0;
        Ok(())
    }

    fn take_in(&mut self, id: usize, value: N) -> Result<()> {
        if value.is_nan() {
            return Ok(());
        }
        if id >= self.sizes.len() || id < self.group {
            return Err(Error::invalid("the groups of ordered values must rise"));
        }
        while self.group < id {
            self.close()?;
        }
        if self.ranks.get(self.found.len()) == Some(&self.seen) {
            self.found.push(value.key());
        }
        self.seen += 1;
        Ok(())
    }
}

impl<N: Number> OrderedFold for OrderedQuantiles<N> {
    fn push(&mut self, values: &ArrayRef, ids: &[u32]) -> Result<()> {
        let mut failed = None;
        N::grouped(values, ids, |id, value| {
            if failed.is_none() {
                failed = self.take_in(id, value).err();
            }
        })?;
        failed.map_or(Ok(()), Err)
    }

    fn finish(mut self: Box<Self>) -> Result<ArrayRef> {
        while self.group < self.sizes.len() {
            self.close()?;
        }
        if self.sizes.is_empty() { self.results.finish().map(|none| none.slice(0, 0)) } else { self.results.finish() }
    }
}

/// The distinct numbers of all groups, and how many each has.
pub struct Distinct<N> {
    counts: Vec<i64>,
    seen: FxHashSet<(u32, u64)>,
    number: std::marker::PhantomData<fn(N)>,
}

impl<N: Number> Distinct<N> {
    /// The empty state.
    pub fn boxed() -> Box<dyn FoldState> {
        Box::new(Distinct::<N> { counts: Vec::new(), seen: FxHashSet::default(), number: std::marker::PhantomData })
    }

    fn make_room(&mut self, groups: Groups<'_>) {
        if self.counts.len() < groups.count() {
            self.counts.resize(groups.count(), 0);
        }
    }

    fn add(&mut self, id: usize, key: u64) {
        self.counts[id] += i64::from(self.seen.insert((id as u32, key)));
    }
}

impl<N: Number> FoldState for Distinct<N> {
    fn update(&mut self, values: &ArrayRef, groups: Groups<'_>) -> Result<()> {
        self.make_room(groups);
        let mut add = |id: usize, value: N| {
            if !value.is_nan() {
                self.add(id, value.key());
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
        for (id, key) in later.seen {
            self.add(groups.of(id as usize), key);
        }
        Ok(())
    }

    fn finish(self: Box<Self>) -> Result<Outcome> {
        Ok(Outcome::Value(Arc::new(Int64Array::from(self.counts))))
    }

    fn bytes(&self) -> usize {
        let slot = size_of::<(u32, u64)>() + 1;
        // a table keeps an eighth of its slots free
        size_of::<Self>() + self.counts.capacity() * size_of::<i64>() + self.seen.capacity() * slot * 8 / 7
    }
}

/// The number of distinct numbers of groups whose values come in order.
pub struct OrderedDistinct<N> {
    counts: Vec<i64>,
    last: Option<(usize, u64)>,
    number: std::marker::PhantomData<fn(N)>,
}

impl<N: Number> OrderedDistinct<N> {
    /// The start.
    pub fn boxed(groups: usize) -> Box<dyn OrderedFold> {
        Box::new(OrderedDistinct::<N> { counts: vec![0; groups], last: None, number: std::marker::PhantomData })
    }
}

impl<N: Number> OrderedFold for OrderedDistinct<N> {
    fn push(&mut self, values: &ArrayRef, ids: &[u32]) -> Result<()> {
        N::grouped(values, ids, |id, value| {
            if !value.is_nan() {
                let this = Some((id, value.key()));
                self.counts[id] += i64::from(this != self.last);
                self.last = this;
            }
        })
    }

    fn finish(self: Box<Self>) -> Result<ArrayRef> {
        Ok(Arc::new(Int64Array::from(self.counts)))
    }
}

/// The number of distinct strings of groups whose values come in order.
#[derive(Default)]
pub struct OrderedTexts {
    counts: Vec<i64>,
    last: Option<(u32, String)>,
}

impl OrderedTexts {
    /// The start.
    pub fn boxed(groups: usize) -> Box<dyn OrderedFold> {
        Box::new(OrderedTexts { counts: vec![0; groups], last: None })
    }
}

impl OrderedFold for OrderedTexts {
    fn push(&mut self, values: &ArrayRef, ids: &[u32]) -> Result<()> {
        rows(values, |row, text| {
            let id = ids[row];
            let same = self.last.as_ref().is_some_and(|(group, last)| *group == id && last == text);
            if !same {
                self.counts[id as usize] += 1;
                let (group, last) = self.last.get_or_insert_default();
                *group = id;
                last.clear();
                last.push_str(text);
            }
        })
    }

    fn finish(self: Box<Self>) -> Result<ArrayRef> {
        Ok(Arc::new(Int64Array::from(self.counts)))
    }
}
