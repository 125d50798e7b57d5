//! `cum_min` and `cum_max`: the smallest and the largest value so far.

use std::fmt;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, new_empty_array};
use arrow::datatypes::{DataType, Field, FieldRef};

use super::cum_sum::each_group;
use super::values::{array_of, missing_as_it_was, numbers};
use super::window::same_carry;
use super::{Carry, Reach, Running, Window};
use crate::base::schema::logical;
use crate::base::{Error, Identity, Result, Tokenizer};
use crate::expr::Arg;
use crate::expr::Portable;
use crate::expr::folds::{Kind, Number, retyped};

/// The smallest or the largest value up to this row; null and NaN stay what they are, and are skipped (pandas' `cummin`
/// and `cummax`). Of numbers, truth values and times.
#[derive(Clone, Copy, Debug)]
pub struct CumExtreme {
    /// Whether it is the largest.
    pub max: bool,
}

impl fmt::Display for CumExtreme {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.max { "cum_max()" } else { "cum_min()" })
    }
}

impl Identity for CumExtreme {
    fn token(&self, t: &mut Tokenizer) {
        t.str("cum_extreme");
        t.u64(self.max.into());
    }
}

impl CumExtreme {
    fn best(&self, args: &[DataType]) -> Result<Best> {
        let [data_type] = args else { return Err(Error::invalid(format!("{self} has one argument"))) };
        let name = if self.max { "cum_max" } else { "cum_min" };
        let kind = Kind::of_type(data_type, name, Kind::ORDERED)?;
        Ok(Best { max: self.max, kind, to: logical(data_type), key: None })
    }
}

impl Window for CumExtreme {
    fn return_field(&self, args: &[Arg<'_>]) -> Result<FieldRef> {
        let [arg] = args else { return Err(Error::invalid(format!("{self} has one argument"))) };
        let best = self.best(&[arg.data_type().clone()])?;
        Ok(Arc::new(Field::new(arg.field.name(), best.to, arg.field.is_nullable())))
    }

    fn portable(&self) -> Option<Portable> {
        Portable::of("cum_extreme", &self.max)
    }

    fn reach(&self) -> Reach {
        Reach::Before
    }

    fn start(&self, args: &[DataType], _first: u64) -> Result<Box<dyn Running>> {
        Ok(Box::new(self.best(args)?))
    }

    fn carry(&self, args: &[DataType]) -> Result<Option<Box<dyn Carry>>> {
        Ok(Some(Box::new(self.best(args)?)))
    }

    fn grouped(&self, args: &[ArrayRef], starts: &[usize]) -> Result<ArrayRef> {
        let types: Vec<DataType> = args.iter().map(|a| a.data_type().clone()).collect();
        self.best(&types)?.groups(args, starts)
    }
}

/// The best value so far, by a key that keeps the order.
#[derive(Clone)]
struct Best {
    max: bool,
    kind: Kind,
    to: DataType,
    key: Option<u64>,
}

impl Best {
    fn better(max: bool, a: u64, b: u64) -> u64 {
        if max { a.max(b) } else { a.min(b) }
    }

    /// The best values so far as numbers, beginning anew where a group does.
    fn run<N: Number>(&mut self, values: &ArrayRef, starts: &[usize]) -> Result<Vec<Option<N>>> {
        let max = self.max;
        each_group(&numbers::<N>(values)?, starts, &mut self.key, |best, value| {
            let key = best.map_or(value.key(), |best| Best::better(max, best, value.key()));
            *best = Some(key);
            Ok(N::of_key(key))
        })
    }

    fn groups(&mut self, args: &[ArrayRef], starts: &[usize]) -> Result<ArrayRef> {
        let [values] = args else { return Err(Error::invalid("a running extreme has one argument")) };
        let found = match self.kind {
            Kind::Float => missing_as_it_was(self.run::<f64>(values, starts)?, values),
            Kind::Unsigned => array_of(self.run::<u64>(values, starts)?),
            _ => array_of(self.run::<i64>(values, starts)?),
        };
        retyped(found, &self.to)
    }
}

impl Running for Best {
    fn push(&mut self, args: &[ArrayRef], rows: usize) -> Result<ArrayRef> {
        self.groups(args, &[0, rows])
    }

    fn end(&mut self) -> Result<ArrayRef> {
        Ok(new_empty_array(&self.to))
    }
}

impl Carry for Best {
    fn push(&mut self, args: &[ArrayRef], rows: usize) -> Result<()> {
        self.groups(args, &[0, rows]).map(drop)
    }

    fn follow(&mut self, later: &dyn Carry) -> Result<()> {
        if let Some(more) = same_carry::<Best>(later)?.key {
            self.key = Some(self.key.map_or(more, |key| Best::better(self.max, key, more)));
        }
        Ok(())
    }

    fn again(&self) -> Box<dyn Carry> {
        Box::new(self.clone())
    }

    fn start(&self, _after: Option<&dyn Carry>) -> Result<Box<dyn Running>> {
        Ok(Box::new(self.clone()))
    }
}
