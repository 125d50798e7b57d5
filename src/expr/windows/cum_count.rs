//! `cum_count` and `row_number`: how many values, or rows, there are so far.

use std::fmt;
use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Array, new_empty_array};
use arrow::datatypes::{DataType, Field, FieldRef};

use super::window::same_carry;
use super::{Carry, Reach, Running, Window};
use crate::base::{Error, Identity, Result, Tokenizer};
use crate::expr::Arg;
use crate::expr::Portable;
use crate::expr::keys::missing;

/// How many values there are up to this row that are neither null nor NaN; or, without an argument, how many rows: the
/// number of this row, counted from 1.
#[derive(Clone, Copy, Debug)]
pub struct CumCount {
    /// Whether rows are counted.
    pub rows: bool,
}

impl fmt::Display for CumCount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.rows { "row_number()" } else { "cum_count()" })
    }
}

impl Identity for CumCount {
    fn token(&self, t: &mut Tokenizer) {
        t.str("cum_count");
        t.u64(self.rows.into());
    }
}

impl Window for CumCount {
    fn return_field(&self, args: &[Arg<'_>]) -> Result<FieldRef> {
        if args.len() != usize::from(!self.rows) {
            return Err(Error::invalid(format!("{self} has other arguments")));
        }
        let name = args.first().map_or("row_number", |arg| arg.field.name());
        Ok(Arc::new(Field::new(name, DataType::Int64, false)))
    }

    fn portable(&self) -> Option<Portable> {
        Portable::of("cum_count", &self.rows)
    }

    fn reach(&self) -> Reach {
        Reach::Before
    }

    fn start(&self, _args: &[DataType], _first: u64) -> Result<Box<dyn Running>> {
        Ok(Box::new(Counting(0)))
    }

    fn carry(&self, _args: &[DataType]) -> Result<Option<Box<dyn Carry>>> {
        Ok(Some(Box::new(Counting(0))))
    }

    fn grouped(&self, args: &[ArrayRef], starts: &[usize]) -> Result<ArrayRef> {
        Counting(0).groups(args, starts)
    }
}

#[derive(Clone)]
struct Counting(i64);

impl Counting {
    fn groups(&mut self, args: &[ArrayRef], starts: &[usize]) -> Result<ArrayRef> {
        let missing = missing(args)?;
        let mut counts = Vec::with_capacity(starts.last().copied().unwrap_or(0));
        for (group, bounds) in starts.windows(2).enumerate() {
            if group > 0 {
                self.0 = 0;
            }
            counts.extend((bounds[0]..bounds[1]).map(|row| {
                self.0 += i64::from(missing.as_ref().is_none_or(|m| !m.value(row)));
                self.0
            }));
        }
        Ok(Arc::new(Int64Array::from(counts)))
    }
}

impl Running for Counting {
    fn push(&mut self, args: &[ArrayRef], rows: usize) -> Result<ArrayRef> {
        self.groups(args, &[0, rows])
    }

    fn end(&mut self) -> Result<ArrayRef> {
        Ok(new_empty_array(&DataType::Int64))
    }
}

impl Carry for Counting {
    fn push(&mut self, args: &[ArrayRef], rows: usize) -> Result<()> {
        let left_out = missing(args)?.map_or(0, |m| m.count_set_bits());
        self.0 += (rows - left_out) as i64;
        Ok(())
    }

    fn follow(&mut self, later: &dyn Carry) -> Result<()> {
        self.0 += same_carry::<Counting>(later)?.0;
        Ok(())
    }

    fn again(&self) -> Box<dyn Carry> {
        Box::new(self.clone())
    }

    fn start(&self, _after: Option<&dyn Carry>) -> Result<Box<dyn Running>> {
        Ok(Box::new(self.clone()))
    }
}
