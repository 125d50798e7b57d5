//! `cum_sum`: the sum of all values so far.

use std::fmt;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, new_empty_array};
use arrow::datatypes::{DataType, Field, FieldRef};

use super::partials::Partials;
use super::values::{array_of, missing_as_it_was, numbers};
use super::window::same_carry;
use super::{Carry, Reach, Running, Window};
use crate::base::schema::logical;
use crate::base::{Error, Identity, Result, Tokenizer};
use crate::expr::Arg;
use crate::expr::Portable;
use crate::expr::folds::{Accumulator, FloatSums, Fold, Kind, Number, Sum, retyped};

/// The sum of the values up to this row; null and NaN stay what they are, and the sum goes on behind them (pandas'
/// `cumsum`). Floating sums are exact and rounded once, each by itself.
#[derive(Clone, Copy, Debug)]
pub struct CumSum;

impl fmt::Display for CumSum {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("cum_sum()")
    }
}

impl Identity for CumSum {
    fn token(&self, t: &mut Tokenizer) {
        t.str("cum_sum");
    }
}

fn carry_of(args: &[DataType]) -> Result<Total> {
    let [data_type] = args else { return Err(Error::invalid("cum_sum has one argument")) };
    let field: FieldRef = Arc::new(Field::new("", data_type.clone(), true));
    let to = Sum.return_field(&field)?.data_type().clone();
    let so_far = match Kind::of(data_type) {
        Some(Kind::Float) => SoFar::Float(FloatSums::default()),
        _ => SoFar::Whole(0),
    };
    Ok(Total { so_far, to })
}

impl Window for CumSum {
    fn return_field(&self, args: &[Arg<'_>]) -> Result<FieldRef> {
        let [arg] = args else { return Err(Error::invalid("cum_sum has one argument")) };
        let field = Sum.return_field(arg.field)?;
        Ok(Arc::new(field.as_ref().clone().with_nullable(arg.field.is_nullable())))
    }

    fn portable(&self) -> Option<Portable> {
        Portable::of("cum_sum", &())
    }

    fn reach(&self) -> Reach {
        Reach::Before
    }

    fn start(&self, args: &[DataType], _first: u64) -> Result<Box<dyn Running>> {
        carry_of(args)?.start(None)
    }

    fn carry(&self, args: &[DataType]) -> Result<Option<Box<dyn Carry>>> {
        Ok(Some(Box::new(carry_of(args)?)))
    }

    fn grouped(&self, args: &[ArrayRef], starts: &[usize]) -> Result<ArrayRef> {
        let types: Vec<DataType> = args.iter().map(|a| a.data_type().clone()).collect();
        let mut summing = carry_of(&types)?.summing();
        summing.groups(args, starts)
    }
}

/// The sum of some rows.
#[derive(Clone)]
struct Total {
    so_far: SoFar,
    to: DataType,
}

#[derive(Clone)]
enum SoFar {
    Float(FloatSums<false>),
    Whole(i128),
}

impl Total {
    fn summing(&self) -> Summing {
        let now = match &self.so_far {
            SoFar::Float(sums) => Now::Float(Partials::after(sums)),
            SoFar::Whole(sum) => Now::Whole(*sum),
        };
        Summing { now, to: self.to.clone() }
    }
}

impl Carry for Total {
    fn push(&mut self, args: &[ArrayRef], _rows: usize) -> Result<()> {
        let [values] = args else { return Err(Error::invalid("cum_sum has one argument")) };
        match &mut self.so_far {
            SoFar::Float(sums) => f64::blocks(values, |block| sums.add_all(block)),
            SoFar::Whole(sum) if self.to == DataType::UInt64 => {
                u64::blocks(values, |block| *sum += block.iter().map(|&v| i128::from(v)).sum::<i128>())
            }
            SoFar::Whole(sum) => {
                i64::blocks(values, |block| *sum += block.iter().map(|&v| i128::from(v)).sum::<i128>())
            }
        }
    }

    fn follow(&mut self, later: &dyn Carry) -> Result<()> {
        match (&mut self.so_far, &same_carry::<Total>(later)?.so_far) {
            (SoFar::Float(sums), SoFar::Float(more)) => sums.merge(more.clone()),
            (SoFar::Whole(sum), SoFar::Whole(more)) => *sum += more,
            _ => return Err(Error::invalid("sums of different types do not go together")),
        }
        Ok(())
    }

    fn again(&self) -> Box<dyn Carry> {
        Box::new(self.clone())
    }

    fn start(&self, _after: Option<&dyn Carry>) -> Result<Box<dyn Running>> {
        Ok(Box::new(self.summing()))
    }
}

/// A sum that grows row by row.
struct Summing {
    now: Now,
    to: DataType,
}

enum Now {
    Float(Partials),
    Whole(i128),
}

impl Summing {
    /// The running sums, which begin anew where a group does.
    fn groups(&mut self, args: &[ArrayRef], starts: &[usize]) -> Result<ArrayRef> {
        let [values] = args else { return Err(Error::invalid("cum_sum has one argument")) };
        match &mut self.now {
            Now::Float(now) => {
                let plain = numbers::<f64>(values)?;
                let sum = |now: &mut Partials, v: f64| {
                    now.add(v);
                    Ok(now.value())
                };
                Ok(missing_as_it_was(each_group(&plain, starts, now, sum)?, values))
            }
            Now::Whole(now) if self.to == DataType::UInt64 => {
                let to = &self.to;
                let sum = |now: &mut i128, v: u64| {
                    *now += i128::from(v);
                    u64::try_from(*now).map_err(|_| too_large(*now, to))
                };
                Ok(array_of(each_group(&numbers::<u64>(values)?, starts, now, sum)?))
            }
            Now::Whole(now) => {
                let to = &self.to;
                let sum = |now: &mut i128, v: i64| {
                    *now += i128::from(v);
                    i64::try_from(*now).map_err(|_| too_large(*now, to))
                };
                retyped(array_of(each_group(&numbers::<i64>(values)?, starts, now, sum)?), &self.to)
            }
        }
    }
}

fn too_large(sum: i128, to: &DataType) -> Error {
    Error::value(format!("the running sum {sum} does not fit into {}", logical(to)))
        .help("turn the column into Float64 with cast() first")
}

/// `step` for every value that is there, from a state that begins anew with each group but the first.
pub(super) fn each_group<N: Copy, S: Default, R>(
    values: &[Option<N>],
    starts: &[usize],
    state: &mut S,
    mut step: impl FnMut(&mut S, N) -> Result<R>,
) -> Result<Vec<Option<R>>> {
    let mut results = Vec::with_capacity(values.len());
    for (group, bounds) in starts.windows(2).enumerate() {
        if group > 0 {
            *state = S::default();
        }
        for value in &values[bounds[0]..bounds[1]] {
            results.push(value.map(|v| step(state, v)).transpose()?);
        }
    }
    Ok(results)
}

impl Running for Summing {
    fn push(&mut self, args: &[ArrayRef], rows: usize) -> Result<ArrayRef> {
        self.groups(args, &[0, rows])
    }

    fn end(&mut self) -> Result<ArrayRef> {
        Ok(new_empty_array(&self.to))
    }
}
