//! `floor`, `ceil` and `round` of times

use std::fmt;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, Int64Array};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Field, TimeUnit};

use super::calendar;
use super::every::Every;
use super::wall::{per_second, ticks_of};
use super::zone::{Instant, Offsets, Zone};
use crate::base::{Error, Result};
use crate::expr::Portable;
use crate::expr::fns::one_column::{Domain, OneColumn};

/// A time moved to the nearest step: see [`Dt::floor`](crate::expr::namespaces::Dt::floor).
#[derive(Clone, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
pub struct Step {
    /// Which way.
    pub direction: Direction,
    /// The step, as it was written.
    pub every: String,
}

/// Which way a time is moved.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
pub enum Direction {
    /// To the step before.
    Floor,
    /// To the step after.
    Ceil,
    /// To the nearer step; from the middle to the even one.
    Round,
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = match self.direction {
            Direction::Floor => "floor",
            Direction::Ceil => "ceil",
            Direction::Round => "round",
        };
        write!(f, "dt.{name}({:?})", self.every)
    }
}

impl OneColumn for Step {
    fn domain(&self) -> Domain {
        Domain::Times
    }

    fn check(&self) -> Result<()> {
        self.every.parse::<Every>().map(|_| ())
    }

    fn result(&self, of: &DataType) -> Option<DataType> {
        let fits = |unit| self.grid(unit).is_ok();
        let known = match of {
            DataType::Timestamp(unit, _) => fits(*unit),
            DataType::Date32 => fits(TimeUnit::Second),
            DataType::Date64 => fits(TimeUnit::Millisecond),
            _ => false,
        };
        known.then(|| of.clone())
    }

    fn refusal(&self, field: &Field) -> Error {
        match field.data_type() {
            DataType::Timestamp(unit, _) => self.grid(*unit).err(),
            DataType::Date32 => self.grid(TimeUnit::Second).err(),
            DataType::Date64 => self.grid(TimeUnit::Millisecond).err(),
            _ => None,
        }
        .unwrap_or_else(|| self.domain().refusal(self, field))
    }

    fn apply(&self, array: &ArrayRef) -> Result<ArrayRef> {
        match array.data_type() {
            DataType::Timestamp(unit, None) => {
                let grid = self.grid(*unit)?;
                let moved: Int64Array = ticks(array)?.try_unary(|t| grid.moved(self.direction, t))?;
                Ok(cast(&(Arc::new(moved) as ArrayRef), array.data_type())?)
            }
            DataType::Timestamp(unit, Some(zone)) => {
                let (grid, zone) = (self.grid(*unit)?, Zone::parse(zone)?);
                let mut offsets = Offsets::of(&zone, *unit);
                let step = |shown| grid.moved(self.direction, shown);
                let moved: Int64Array = ticks(array)?
                    .iter()
                    .map(|tick| tick.map(|t| in_zone(&mut offsets, t, *unit, step)).transpose())
                    .collect::<Result<_>>()?;
                Ok(cast(&(Arc::new(moved) as ArrayRef), array.data_type())?)
            }
            date => {
                let unit = if date == &DataType::Date32 { TimeUnit::Second } else { TimeUnit::Millisecond };
                let times = cast(array, &DataType::Timestamp(unit, None))?;
                Ok(cast(&self.apply(&times)?, date)?)
            }
        }
    }

    fn portable(&self) -> Option<Portable> {
        Portable::of("dt.step", self)
    }
}

impl Step {
    fn grid(&self, unit: TimeUnit) -> Result<Grid> {
        Grid::of(self.every.parse()?, unit)
    }
}

fn ticks(array: &ArrayRef) -> Result<Int64Array> {
    Ok(Int64Array::new(ticks_of(array)?, array.nulls().cloned()))
}

/// Moves a time on the clock on the wall. Where the clock shows the result twice, the one with the offset of the
/// original is meant, else the earlier; a result that the clock skips is moved past the gap.
fn in_zone(offsets: &mut Offsets<'_>, tick: i64, unit: TimeUnit, step: impl Fn(i64) -> Result<i64>) -> Result<i64> {
    let ahead = offsets.at(tick)? * per_second(unit);
    let shown = step(tick.checked_add(ahead).ok_or_else(|| far(tick))?)?;
    let same_offset = shown.checked_sub(ahead).ok_or_else(|| far(tick))?;
    if offsets.at(same_offset)? * per_second(unit) == ahead {
        return Ok(same_offset);
    }
    Ok(match offsets.instant(shown)? {
        Instant::One(tick) | Instant::Two(tick, _) | Instant::None(tick) => tick,
    })
}

fn far(tick: i64) -> Error {
    Error::value(format!("the step next to the time {tick} is out of range"))
}

/// The steps among the ticks of a unit.
enum Grid {
    /// Every `period` ticks, from `origin`.
    Ticks { period: i64, origin: i64 },
    /// Every so many months.
    Months { count: i64, day: i64 },
}

impl Grid {
    fn of(every: Every, unit: TimeUnit) -> Result<Grid> {
        let (tick, day) = (1_000_000_000 / per_second(unit), 86_400 * per_second(unit));
        Ok(match every {
            // finer than the ticks of the column: nothing moves
            Every::Fixed(step) if tick % step == 0 => Grid::Ticks { period: 1, origin: 0 },
            Every::Fixed(step) if step % tick == 0 => Grid::Ticks { period: step / tick, origin: 0 },
            Every::Fixed(_) => {
                let what = format!("a column that counts in {unit:?}s has no such steps");
                return Err(Error::invalid(what).help("cast it to a finer Timestamp first"));
            }
            Every::Weeks(count) => {
                let period = count.checked_mul(7 * day).ok_or_else(|| Error::invalid("the step is too long"))?;
                // 1970-01-05 was a Monday
                Grid::Ticks { period, origin: 4 * day }
            }
            Every::Months(count) => Grid::Months { count, day },
        })
    }

    fn moved(&self, direction: Direction, tick: i64) -> Result<i64> {
        let (before, index) = self.floor(tick).ok_or_else(|| far(tick))?;
        if before == tick || direction == Direction::Floor {
            return Ok(before);
        }
        let after = self.at(index + 1).ok_or_else(|| far(tick))?;
        let (back, forth) = (tick.wrapping_sub(before), after.wrapping_sub(tick));
        let down = direction == Direction::Round && (back < forth || back == forth && index & 1 == 0);
        Ok(if down { before } else { after })
    }

    /// The step at or before a tick, and its number.
    fn floor(&self, tick: i64) -> Option<(i64, i64)> {
        let index = match self {
            Grid::Ticks { period, origin } => tick.checked_sub(*origin)?.div_euclid(*period),
            Grid::Months { count, day } => {
                let day = tick.div_euclid(*day);
                calendar::DAYS.contains(&day).then(|| calendar::months(day as i32).div_euclid(*count))?
            }
        };
        Some((self.at(index)?, index))
    }

    /// The tick of a step.
    fn at(&self, index: i64) -> Option<i64> {
        match self {
            Grid::Ticks { period, origin } => index.checked_mul(*period)?.checked_add(*origin),
            Grid::Months { count, day } => calendar::first_of_month(index.checked_mul(*count)?)?.checked_mul(*day),
        }
    }
}
