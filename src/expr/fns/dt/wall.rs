//! Columns of times as counts of ticks on the clock on the wall.

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::buffer::{NullBuffer, ScalarBuffer};
use arrow::datatypes::{DataType, Date32Type, Date64Type, Time32MillisecondType, Time32SecondType, TimeUnit};

use super::calendar::DAYS;
use super::zone::{Offsets, Zone};
use crate::base::{Error, Result};

/// A column of times.
pub(super) struct Wall {
    pub(super) ticks: Ticks,
    pub(super) nulls: Option<NullBuffer>,
}

/// Counts since the epoch (of times of day: since midnight), in local time.
pub(super) enum Ticks {
    Days(ScalarBuffer<i32>),
    Units(ScalarBuffer<i64>, TimeUnit),
}

/// Whether a column of this type tells the date, the time of day, or both.
pub(super) fn tells(data_type: &DataType) -> (bool, bool) {
    match data_type {
        DataType::Timestamp(..) => (true, true),
        DataType::Date32 | DataType::Date64 => (true, true),
        DataType::Time32(_) | DataType::Time64(_) => (false, true),
        _ => (false, false),
    }
}

/// Ticks in a second.
pub(super) fn per_second(unit: TimeUnit) -> i64 {
    match unit {
        TimeUnit::Second => 1,
        TimeUnit::Millisecond => 1_000,
        TimeUnit::Microsecond => 1_000_000,
        TimeUnit::Nanosecond => 1_000_000_000,
    }
}

/// The 64-bit values of a timestamp, a time of day or a duration, as they lie in memory.
pub(super) fn ticks_of(array: &ArrayRef) -> Result<ScalarBuffer<i64>> {
    let data = array.to_data();
    match (data.data_type().primitive_width(), data.buffers().first()) {
        (Some(8), Some(buffer)) => Ok(ScalarBuffer::new(buffer.clone(), data.offset(), data.len())),
        _ => Err(Error::types(format!("{} does not count in 64-bit numbers", data.data_type()))),
    }
}

impl Wall {
    /// The times of `array`.
    ///
    /// # Errors
    /// When the zone is unknown, or a time is so far away that zones are not defined there.
    pub(super) fn of(array: &ArrayRef) -> Result<Wall> {
        let ticks = match array.data_type() {
            DataType::Date32 => Ticks::Days(array.as_primitive::<Date32Type>().values().clone()),
            DataType::Date64 => {
                Ticks::Units(array.as_primitive::<Date64Type>().values().clone(), TimeUnit::Millisecond)
            }
            DataType::Time32(TimeUnit::Second) => {
                let values = array.as_primitive::<Time32SecondType>().values();
                Ticks::Units(values.iter().map(|&v| i64::from(v)).collect(), TimeUnit::Second)
            }
            DataType::Time32(_) => {
                let values = array.as_primitive::<Time32MillisecondType>().values();
                Ticks::Units(values.iter().map(|&v| i64::from(v)).collect(), TimeUnit::Millisecond)
            }
            DataType::Timestamp(unit, Some(zone)) => {
                let (ticks, zone) = (ticks_of(array)?, Zone::parse(zone)?);
                Ticks::Units(Offsets::of(&zone, *unit).shown(ticks, array.nulls())?, *unit)
            }
            DataType::Timestamp(unit, None) | DataType::Time64(unit) => Ticks::Units(ticks_of(array)?, *unit),
            other => return Err(Error::types(format!("{other} is not a time"))),
        };
        Ok(Wall { ticks, nulls: array.nulls().cloned() })
    }

    /// The day numbers; below nulls any day of the calendar.
    ///
    /// # Errors
    /// When a day is outside of the calendar.
    pub(super) fn days(&self) -> Result<Vec<i32>> {
        let (days, mut outside) = match &self.ticks {
            Ticks::Days(days) => (days.to_vec(), outliers(days.iter().map(|&d| d.into()), 1)),
            Ticks::Units(ticks, TimeUnit::Second) => {
                (days_of::<86_400>(ticks), outliers(ticks.iter().copied(), 86_400))
            }
            Ticks::Units(ticks, TimeUnit::Millisecond) => {
                (days_of::<86_400_000>(ticks), outliers(ticks.iter().copied(), 86_400_000))
            }
            // all that 64 bits hold is in the calendar
            Ticks::Units(ticks, TimeUnit::Microsecond) => return Ok(days_of::<86_400_000_000>(ticks)),
            Ticks::Units(ticks, TimeUnit::Nanosecond) => return Ok(days_of::<86_400_000_000_000>(ticks)),
        };
        if outside.is_empty() {
            return Ok(days);
        }
        outside.retain(|&row| self.nulls.as_ref().is_none_or(|n| n.is_valid(row)));
        match outside.first() {
            None => Ok(days.into_iter().map(|day| if DAYS.contains(&day.into()) { day } else { 0 }).collect()),
            Some(row) => Err(Error::value(format!("the time in row {row} of a batch is outside of the calendar"))
                .help("years from -1400000 to 1400000 can be told")),
        }
    }
}

/// The rows whose day is outside of the calendar, for ticks of which a day has so many.
fn outliers(ticks: impl Iterator<Item = i64> + Clone, day: i64) -> Vec<usize> {
    let (start, end) = (DAYS.start * day, DAYS.end * day);
    let outside = |tick: i64| (tick < start) | (tick >= end);
    // no early way out, so that the loop is vectorised
    if !ticks.clone().fold(false, |any, tick| any | outside(tick)) {
        return Vec::new();
    }
    ticks.enumerate().filter(|&(_, tick)| outside(tick)).map(|(row, _)| row).collect()
}

/// Day numbers of ticks of which a day has `DAY`. Common powers of two are shifted out first: that rounds down, and
/// leaves room to make all numbers positive, so that one multiplication divides.
fn days_of<const DAY: i64>(ticks: &[i64]) -> Vec<i32> {
    const BIAS: i64 = 1 << 29;
    ticks
        .iter()
        .map(|t| {
            let positive = ((t >> shift::<DAY>()) + const { odd::<DAY>() * BIAS }) as u64;
            ((positive / const { odd::<DAY>() as u64 }) as i64 - BIAS) as i32
        })
        .collect()
}

/// `(tick / COUNT) mod PERIOD`, rounded down: the hour, say, if an hour has `COUNT` ticks and a day `PERIOD` hours.
pub(super) fn part_of<const COUNT: i64, const PERIOD: i64>(ticks: &[i64]) -> Vec<i32> {
    if const { shift::<COUNT>() == 0 } {
        return ticks.iter().map(|t| t.div_euclid(COUNT).rem_euclid(PERIOD) as i32).collect();
    }
    ticks
        .iter()
        .map(|t| {
            let positive = (t >> shift::<COUNT>()).wrapping_add(const { whole_periods::<COUNT, PERIOD>() }) as u64;
            (positive / const { odd::<COUNT>() as u64 } % PERIOD as u64) as i32
        })
        .collect()
}

const fn shift<const COUNT: i64>() -> u32 {
    COUNT.trailing_zeros()
}

const fn odd<const COUNT: i64>() -> i64 {
    COUNT >> COUNT.trailing_zeros()
}

/// Enough whole periods to make all shifted ticks positive.
const fn whole_periods<const COUNT: i64, const PERIOD: i64>() -> i64 {
    let period = odd::<COUNT>() * PERIOD;
    // for ticks as long as the part, this is not asked
    ((i64::MAX >> shift::<COUNT>()) / period * period).wrapping_add(period)
}

/// `(tick mod period) · times`: parts of a second that are finer than a tick.
pub(super) fn finer_part(ticks: &[i64], period: i64, times: i64) -> Vec<i32> {
    ticks.iter().map(|t| (t.rem_euclid(period) * times) as i32).collect()
}
