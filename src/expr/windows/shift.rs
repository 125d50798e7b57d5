//! `shift`: the value of a row further up or down.

use std::collections::VecDeque;
use std::fmt;
use std::sync::Arc;

use arrow::array::{ArrayRef, UInt32Array, new_empty_array, new_null_array};
use arrow::compute::take;
use arrow::datatypes::{DataType, Field, FieldRef};

use super::window::{joined, own_bytes};
use super::{Reach, Running, Window};
use crate::base::{Error, Identity, Result, Tokenizer};
use crate::expr::Arg;
use crate::expr::Portable;

/// The value `rows` rows further up (further down, if negative); null where there is no such row.
#[derive(Clone, Copy, Debug)]
pub struct Shift {
    /// How many rows.
    pub rows: i64,
}

impl fmt::Display for Shift {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "shift({})", self.rows)
    }
}

impl Identity for Shift {
    fn token(&self, t: &mut Tokenizer) {
        t.str("shift");
        t.u64(self.rows as u64);
    }
}

impl Window for Shift {
    fn return_field(&self, args: &[Arg<'_>]) -> Result<FieldRef> {
        let [arg] = args else { return Err(Error::invalid("shift has one argument")) };
        let nullable = self.rows != 0 || arg.field.is_nullable();
        Ok(Arc::new(Field::new(arg.field.name(), arg.data_type().clone(), nullable)))
    }

    fn portable(&self) -> Option<Portable> {
        Portable::of("shift", &self.rows)
    }

    fn reach(&self) -> Reach {
        let (before, after) = (self.rows.max(0) as u64, self.rows.min(0).unsigned_abs());
        Reach::Rows { before, after }
    }

    fn start(&self, args: &[DataType], _first: u64) -> Result<Box<dyn Running>> {
        let [data_type] = args else { return Err(Error::invalid("shift has one argument")) };
        let data_type = data_type.clone();
        Ok(match self.rows {
            0.. => Box::new(Down { data_type, missing: self.rows as u64, held: VecDeque::new(), rows: 0 }),
            _ => Box::new(Up { data_type, skip: self.rows.unsigned_abs(), seen: 0, missing: 0 }),
        })
    }

    fn grouped(&self, args: &[ArrayRef], starts: &[usize]) -> Result<ArrayRef> {
        let [values] = args else { return Err(Error::invalid("shift has one argument")) };
        let mut from: Vec<Option<u32>> = Vec::with_capacity(values.len());
        for bounds in starts.windows(2) {
            let (start, end) = (bounds[0] as i64, bounds[1] as i64);
            from.extend((start..end).map(|row| {
                let at = row.checked_sub(self.rows)?;
                (start..end).contains(&at).then_some(at as u32)
            }));
        }
        Ok(take(values, &UInt32Array::from(from), None)?)
    }
}

/// Values come later than they went in.
struct Down {
    data_type: DataType,
    /// How many nulls go before the first value.
    missing: u64,
    held: VecDeque<ArrayRef>,
    /// In what is held.
    rows: usize,
}

impl Running for Down {
    fn push(&mut self, args: &[ArrayRef], rows: usize) -> Result<ArrayRef> {
        let nulls = self.missing.min(rows as u64) as usize;
        self.missing -= nulls as u64;
        let mut parts = vec![new_null_array(&self.data_type, nulls)];
        self.held.extend(args.first().cloned());
        self.rows += rows;
        let mut wanted = rows - nulls;
        while let (Some(front), true) = (self.held.front_mut(), wanted > 0) {
            let taken = wanted.min(front.len());
            parts.push(front.slice(0, taken));
            if taken == front.len() {
                self.held.pop_front();
            } else {
                *front = front.slice(taken, front.len() - taken);
            }
            wanted -= taken;
            self.rows -= taken;
        }
        joined(&parts)
    }

    fn end(&mut self) -> Result<ArrayRef> {
        Ok(new_empty_array(&self.data_type))
    }

    fn bytes(&self) -> usize {
        self.held.iter().map(own_bytes).sum()
    }
}

/// Values come earlier than they went in.
struct Up {
    data_type: DataType,
    skip: u64,
    /// Rows so far, those behind the last one that is wanted too.
    seen: u64,
    /// Of the wanted ones, how many have no result yet.
    missing: u64,
}

impl Up {
    fn give(&mut self, args: &[ArrayRef], rows: usize) -> Result<ArrayRef> {
        let [values] = args else { return Err(Error::invalid("shift has one argument")) };
        let skipped = self.skip.saturating_sub(self.seen).min(rows as u64);
        self.seen += rows as u64;
        let given = self.missing.min(rows as u64 - skipped);
        self.missing -= given;
        Ok(values.slice(skipped as usize, given as usize))
    }
}

impl Running for Up {
    fn push(&mut self, args: &[ArrayRef], rows: usize) -> Result<ArrayRef> {
        self.missing += rows as u64;
        self.give(args, rows)
    }

    fn run_out(&mut self, args: &[ArrayRef], rows: usize) -> Result<ArrayRef> {
        self.give(args, rows)
    }

    fn end(&mut self) -> Result<ArrayRef> {
        Ok(new_null_array(&self.data_type, std::mem::take(&mut self.missing) as usize))
    }
}
