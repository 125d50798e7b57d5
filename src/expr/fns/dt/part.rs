//! Parts of a time: `year` … `nanosecond`, weeks, quarters, first and last days

use std::fmt;
use std::sync::Arc;

use arrow::array::{ArrayRef, BooleanArray, Int32Array};
use arrow::datatypes::{DataType, TimeUnit};

use super::calendar;
use super::wall::{Ticks, Wall, finer_part, part_of, per_second, tells};
use crate::base::Result;
use crate::expr::Portable;
use crate::expr::fns::compare::bits_of;
use crate::expr::fns::one_column::{Domain, OneColumn};

/// A part of a time, by its name in pandas' `Series.dt`. Whole numbers are Int32; questions give Boolean.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[allow(missing_docs)]
pub enum Part {
    Year,
    Quarter,
    Month,
    Day,
    DayOfYear,
    /// Monday is 0.
    Weekday,
    /// The year that the week belongs to (ISO 8601).
    IsoYear,
    /// The week, from 1 to 53 (ISO 8601).
    IsoWeek,
    DaysInMonth,
    Hour,
    Minute,
    Second,
    /// Of the second, from 0 to 999.
    Millisecond,
    /// Of the second, from 0 to 999 999.
    Microsecond,
    /// Of the microsecond, from 0 to 999.
    Nanosecond,
    IsLeapYear,
    IsMonthStart,
    IsMonthEnd,
    IsQuarterStart,
    IsQuarterEnd,
    IsYearStart,
    IsYearEnd,
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Part::Year => "dt.year",
            Part::Quarter => "dt.quarter",
            Part::Month => "dt.month",
            Part::Day => "dt.day",
            Part::DayOfYear => "dt.day_of_year",
            Part::Weekday => "dt.weekday",
            Part::IsoYear => "dt.iso_year",
            Part::IsoWeek => "dt.iso_week",
            Part::DaysInMonth => "dt.days_in_month",
            Part::Hour => "dt.hour",
            Part::Minute => "dt.minute",
            Part::Second => "dt.second",
            Part::Millisecond => "dt.millisecond",
            Part::Microsecond => "dt.microsecond",
            Part::Nanosecond => "dt.nanosecond",
            Part::IsLeapYear => "dt.is_leap_year",
            Part::IsMonthStart => "dt.is_month_start",
            Part::IsMonthEnd => "dt.is_month_end",
            Part::IsQuarterStart => "dt.is_quarter_start",
            Part::IsQuarterEnd => "dt.is_quarter_end",
            Part::IsYearStart => "dt.is_year_start",
            Part::IsYearEnd => "dt.is_year_end",
        })
    }
}

impl Part {
    /// Whether it is read off the clock and not off the calendar.
    fn is_of_clock(self) -> bool {
        use Part::{Hour, Microsecond, Millisecond, Minute, Nanosecond, Second};
        matches!(self, Hour | Minute | Second | Millisecond | Microsecond | Nanosecond)
    }

    fn is_question(self) -> bool {
        use Part::{IsLeapYear, IsMonthEnd, IsMonthStart, IsQuarterEnd, IsQuarterStart, IsYearEnd, IsYearStart};
        let of_months = matches!(self, IsMonthStart | IsMonthEnd | IsQuarterStart | IsQuarterEnd);
        of_months || matches!(self, IsLeapYear | IsYearStart | IsYearEnd)
    }
}

impl OneColumn for Part {
    fn domain(&self) -> Domain {
        Domain::Times
    }

    fn result(&self, of: &DataType) -> Option<DataType> {
        let (date, time) = tells(of);
        let known = if self.is_of_clock() { time } else { date };
        known.then_some(if self.is_question() { DataType::Boolean } else { DataType::Int32 })
    }

    fn apply(&self, array: &ArrayRef) -> Result<ArrayRef> {
        let wall = Wall::of(array)?;
        if self.is_question() {
            let days = wall.days()?;
            return Ok(Arc::new(BooleanArray::new(answers(*self, &days), wall.nulls)));
        }
        let values = match &wall.ticks {
            Ticks::Days(days) if self.is_of_clock() => vec![0; days.len()],
            Ticks::Units(ticks, unit) if self.is_of_clock() => of_clock(*self, ticks, *unit),
            _ => of_calendar(*self, wall.days()?),
        };
        Ok(Arc::new(Int32Array::new(values.into(), wall.nulls)))
    }

    fn portable(&self) -> Option<Portable> {
        Portable::of("dt.part", self)
    }
}

fn of_calendar(part: Part, mut days: Vec<i32>) -> Vec<i32> {
    /// Each function its own loop, that it may be vectorised.
    fn each(days: &mut [i32], f: impl Fn(i32) -> i32) {
        days.iter_mut().for_each(|day| *day = f(*day));
    }
    match part {
        Part::Year => each(&mut days, calendar::year),
        Part::Quarter => each(&mut days, calendar::quarter),
        Part::Month => each(&mut days, calendar::month),
        Part::Day => each(&mut days, calendar::day_of_month),
        Part::DayOfYear => each(&mut days, calendar::day_of_year),
        Part::Weekday => each(&mut days, calendar::weekday),
        Part::IsoYear => each(&mut days, calendar::iso_year),
        Part::IsoWeek => each(&mut days, calendar::iso_week),
        Part::DaysInMonth => each(&mut days, calendar::days_in_month),
        _ => {}
    }
    days
}

fn answers(part: Part, days: &[i32]) -> arrow::buffer::BooleanBuffer {
    use calendar::{day_of_month, day_of_year, days_in_month, is_leap, month, year};
    match part {
        Part::IsLeapYear => bits_of(days, |d| is_leap(year(d))),
        Part::IsMonthStart => bits_of(days, |d| day_of_month(d) == 1),
        Part::IsMonthEnd => bits_of(days, |d| day_of_month(d + 1) == 1),
        Part::IsQuarterStart => bits_of(days, |d| day_of_month(d) == 1 && month(d) % 3 == 1),
        Part::IsQuarterEnd => bits_of(days, |d| day_of_month(d) == days_in_month(d) && month(d) % 3 == 0),
        Part::IsYearStart => bits_of(days, |d| day_of_year(d) == 1),
        _ => bits_of(days, |d| day_of_year(d + 1) == 1),
    }
}

fn of_clock(part: Part, ticks: &[i64], unit: TimeUnit) -> Vec<i32> {
    use TimeUnit::{Microsecond as Us, Millisecond as Ms, Nanosecond as Ns, Second as S};
    match (part, unit) {
        (Part::Hour, S) => part_of::<3_600, 24>(ticks),
        (Part::Hour, Ms) => part_of::<3_600_000, 24>(ticks),
        (Part::Hour, Us) => part_of::<3_600_000_000, 24>(ticks),
        (Part::Hour, Ns) => part_of::<3_600_000_000_000, 24>(ticks),
        (Part::Minute, S) => part_of::<60, 60>(ticks),
        (Part::Minute, Ms) => part_of::<60_000, 60>(ticks),
        (Part::Minute, Us) => part_of::<60_000_000, 60>(ticks),
        (Part::Minute, Ns) => part_of::<60_000_000_000, 60>(ticks),
        (Part::Second, S) => part_of::<1, 60>(ticks),
        (Part::Second, Ms) => part_of::<1_000, 60>(ticks),
        (Part::Second, Us) => part_of::<1_000_000, 60>(ticks),
        (Part::Second, Ns) => part_of::<1_000_000_000, 60>(ticks),
        (Part::Millisecond, Ms) => part_of::<1, 1_000>(ticks),
        (Part::Millisecond, Us) => part_of::<1_000, 1_000>(ticks),
        (Part::Millisecond, Ns) => part_of::<1_000_000, 1_000>(ticks),
        (Part::Microsecond, Us) => part_of::<1, 1_000_000>(ticks),
        (Part::Microsecond, Ns) => part_of::<1_000, 1_000_000>(ticks),
        (Part::Nanosecond, Ns) => part_of::<1, 1_000>(ticks),
        // the column counts in coarser ticks than the part
        (Part::Microsecond, _) => finer_part(ticks, per_second(unit), 1_000_000 / per_second(unit)),
        _ => vec![0; ticks.len()],
    }
}
