//! Where rolling windows begin and end.

use std::collections::VecDeque;

use arrow::array::ArrayRef;

use super::Reach;
use super::times::times;
use super::window::Span;
use crate::base::{Error, Result};

/// The windows of rows that come in order, each as the numbers of its first and its last row. Neither ever goes back.
pub struct Walk {
    reach: Reach,
    /// The times of the rows from `low` on.
    times: VecDeque<i128>,
    /// The row whose window comes next.
    next: u64,
    /// The first row of the window before.
    low: u64,
    /// The first row behind the window before.
    high: u64,
    /// The first row that gets no window.
    until: u64,
}

impl Walk {
    /// Windows of this reach; the first row that comes has the number `first`.
    pub fn new(reach: Reach, first: u64) -> Walk {
        Walk { reach, times: VecDeque::new(), next: first, low: first, high: first, until: u64::MAX }
    }

    /// The next rows get no window.
    pub fn skip(&mut self, rows: u64) {
        self.next += rows;
    }

    /// Rows from `row` on get no window.
    pub fn stop_at(&mut self, row: u64) {
        self.until = self.until.min(row);
    }

    /// Bytes of memory held.
    pub fn bytes(&self) -> usize {
        self.times.capacity() * size_of::<i128>()
    }

    /// Takes in the rows that follow row `end`.
    pub fn push(&mut self, args: &[ArrayRef], end: u64) -> Result<()> {
        let (Reach::Time(_), Some(on)) = (self.reach, args.get(1)) else { return Ok(()) };
        for (row, time) in times(on)?.into_iter().enumerate() {
            if self.times.back().is_some_and(|last| time < *last) {
                let what = format!("row {}, counted from 0, is earlier than the row before it", end + row as u64);
                return Err(Error::value(what)
                    .doing("roll a window of time")
                    .help("bring the rows in order with sort_by() or order_by() first"));
            }
            self.times.push_back(time);
        }
        Ok(())
    }

    /// The window of the next row, if it is whole, of the rows before `end`; `last` if no more follow.
    pub fn window(&mut self, end: u64, last: bool) -> Option<(u64, u64)> {
        let row = self.next;
        if row >= end.min(self.until) {
            return None;
        }
        match self.reach {
            Reach::Time(span) => self.span(row, span, end, last)?,
            Reach::Rows { before, after } => {
                if row + after >= end && !last {
                    return None;
                }
                self.low = self.low.max(row.saturating_sub(before));
                self.high = (row + after + 1).min(end);
            }
            Reach::Before | Reach::All | Reach::Group => self.high = row + 1,
        }
        self.next += 1;
        Some((self.low, self.high - 1))
    }

    fn span(&mut self, row: u64, span: Span, end: u64, last: bool) -> Option<()> {
        let at = |walk: &Walk, row: u64| walk.times.get((row - walk.low) as usize).copied();
        let own = at(self, row)?;
        if span.centred {
            while self.high < end && at(self, self.high).is_some_and(|time| !span.is_ahead(own, time)) {
                self.high += 1;
            }
            if self.high == end && !last {
                return None;
            }
        } else {
            self.high = row + 1;
        }
        while self.times.front().is_some_and(|&time| span.is_past(own, time)) {
            self.times.pop_front();
            self.low += 1;
        }
        Some(())
    }
}
