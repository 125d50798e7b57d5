//! The least or the greatest value of each group.

use std::sync::Arc;

use arrow::array::{ArrayRef, StringArray};
use arrow::buffer::{BooleanBuffer, NullBuffer};
use arrow::datatypes::DataType;

use super::extreme::better;
use super::fold::{FoldState, Groups, Outcome, Scope, only_column, same_state};
use super::number::Number;
use super::state::retyped;
use super::text::{rows, weighted};
use crate::base::Result;

/// The state for numbers. Its portable form is the result, as numbers.
pub struct Extremes<N, const MAX: bool> {
    /// The best number of each group, at first the worst there is.
    best: Vec<N>,
    /// A bit for each group in which the worst number was really seen; as long as it has to be.
    worst_seen: Vec<u64>,
    to: DataType,
}

impl<N: Number, const MAX: bool> Extremes<N, MAX> {
    const WORST: N = if MAX { N::LEAST } else { N::GREATEST };

    /// The empty state, for a result of type `to`.
    pub fn boxed(to: DataType) -> Box<dyn FoldState> {
        Box::new(Extremes::<N, MAX> { best: Vec::new(), worst_seen: Vec::new(), to })
    }

    fn make_room(&mut self, groups: Groups<'_>) {
        if self.best.len() < groups.count() {
            self.best.resize(groups.count(), Self::WORST);
        }
    }

    fn seen(&self, group: usize) -> bool {
        self.best[group] != Self::WORST
            || self.worst_seen.get(group / 64).is_some_and(|bits| bits >> (group % 64) & 1 == 1)
    }

    /// The best numbers; null where there are none.
    fn take(&mut self) -> ArrayRef {
        let seen = BooleanBuffer::collect_bool(self.best.len(), |group| self.seen(group));
        self.worst_seen = Vec::new();
        // −0.0 is 0.0
        let best = std::mem::take(&mut self.best).into_iter().map(|value| N::of_key(value.key())).collect();
        N::array(best, Some(NullBuffer::new(seen)).filter(|nulls| nulls.null_count() > 0))
    }
}

#[cold]
fn mark(bits: &mut Vec<u64>, group: usize) {
    if bits.len() <= group / 64 {
        bits.resize(group / 64 + 1, 0);
    }
    bits[group / 64] |= 1 << (group % 64);
}

impl<N: Number, const MAX: bool> FoldState for Extremes<N, MAX> {
    fn update(&mut self, values: &ArrayRef, groups: Groups<'_>) -> Result<()> {
        self.make_room(groups);
        let (all, worst_seen) = (self.best.as_mut_slice(), &mut self.worst_seen);
        let mut offer = |group: usize, value: N| {
            let best = &mut all[group];
            if value == Self::WORST {
                mark(worst_seen, group);
            }
            *best = better::<N, MAX>(value, *best);
        };
        match groups {
            Groups::One => N::blocks(values, |block| block.iter().for_each(|value| offer(0, *value))),
            Groups::Of { ids, .. } => N::grouped(values, ids, offer),
        }
    }

    fn merge(&mut self, later: Box<dyn FoldState>, groups: Groups<'_>) -> Result<()> {
        let later: Self = same_state(later)?;
        self.make_room(groups);
        for (i, value) in later.best.iter().enumerate() {
            let group = groups.of(i);
            self.best[group] = better::<N, MAX>(*value, self.best[group]);
            if *value == Self::WORST && later.seen(i) {
                mark(&mut self.worst_seen, group);
            }
        }
        Ok(())
    }

    fn emit(&mut self) -> Result<Vec<ArrayRef>> {
        Ok(vec![self.take()])
    }

    fn absorb(&mut self, columns: &[ArrayRef], groups: Groups<'_>) -> Result<()> {
        self.update(only_column(columns)?, groups)
    }

    fn finish(mut self: Box<Self>) -> Result<Outcome> {
        Ok(Outcome::Value(retyped(self.take(), &self.to)?))
    }

    fn bytes(&self) -> usize {
        size_of::<Self>() + self.best.capacity() * size_of::<N>() + self.worst_seen.capacity() * size_of::<u64>()
    }
}

/// The state for strings, in the order of their bytes. Its portable form is the result.
pub struct TextExtremes<const MAX: bool> {
    best: Vec<Option<Box<str>>>,
    text_bytes: usize,
}

impl<const MAX: bool> TextExtremes<MAX> {
    /// The empty state.
    pub fn boxed(scope: Scope) -> Box<dyn FoldState> {
        let best = if scope == Scope::Column { vec![None] } else { Vec::new() };
        Box::new(TextExtremes::<MAX> { best, text_bytes: 0 })
    }

    fn make_room(&mut self, groups: Groups<'_>) {
        if self.best.len() < groups.count() {
            self.best.resize(groups.count(), None);
        }
    }

    fn offer(&mut self, group: usize, text: &str) {
        let best = &mut self.best[group];
        let known = best.as_deref();
        if known.is_none_or(|known| if MAX { text > known } else { text < known }) {
            self.text_bytes = self.text_bytes + text.len() - known.map_or(0, str::len);
            *best = Some(text.into());
        }
    }

    fn take(&mut self) -> ArrayRef {
        self.text_bytes = 0;
        Arc::new(std::mem::take(&mut self.best).into_iter().collect::<StringArray>())
    }
}

impl<const MAX: bool> FoldState for TextExtremes<MAX> {
    fn update(&mut self, values: &ArrayRef, groups: Groups<'_>) -> Result<()> {
        self.make_room(groups);
        match groups {
            Groups::One => weighted(values, |text, _| self.offer(0, text)),
            Groups::Of { ids, .. } => rows(values, |row, text| self.offer(ids[row] as usize, text)),
        }
    }

    fn merge(&mut self, later: Box<dyn FoldState>, groups: Groups<'_>) -> Result<()> {
        let later: Self = same_state(later)?;
        self.make_room(groups);
        for (i, text) in later.best.iter().enumerate() {
            if let Some(text) = text {
                self.offer(groups.of(i), text);
            }
        }
        Ok(())
    }

    fn emit(&mut self) -> Result<Vec<ArrayRef>> {
        Ok(vec![self.take()])
    }

    fn absorb(&mut self, columns: &[ArrayRef], groups: Groups<'_>) -> Result<()> {
        self.update(only_column(columns)?, groups)
    }

    fn finish(mut self: Box<Self>) -> Result<Outcome> {
        Ok(Outcome::Value(self.take()))
    }

    fn bytes(&self) -> usize {
        size_of::<Self>() + self.text_bytes + self.best.capacity() * size_of::<Option<Box<str>>>()
    }
}
