//! The proleptic Gregorian calendar on day numbers (days since 1970-01-01).
//!
//! A year is counted from March, so that the leap day is its last day and months follow one linear rule; 400 years
//! have 146 097 days. The divisions are by constants and of unsigned 32-bit numbers, which the compiler turns into
//! multiplications that vectorise; the method is that of C. Neri and L. Schneider, "Euclidean affine functions and
//! their application to calendar algorithms" (2022).

use std::ops::Range;

/// Day numbers that these functions are exact for: 1.4 million years to either side.
pub(super) const DAYS: Range<i64> = -536_000_000..536_000_000;

/// Eras of 400 years added to make all numbers positive.
const ERAS: u32 = 3670;
const ERA: u32 = 146_097;
/// 1 March of year 0 is this many days before 1970-01-01.
const EPOCH: u32 = 719_468;

/// The year that begins on the last 1 March, and the days since.
#[inline(always)]
fn from_march(day: i32) -> (i32, u32) {
    let quarters = 4 * (day as u32).wrapping_add(EPOCH + ERA * ERAS) + 3;
    let century = quarters / ERA;
    // the place in the century, in quarters of days; the fraction of a year is scaled to 2³²
    let in_century = (quarters % ERA) | 3;
    let scaled = 2_939_745 * u64::from(in_century);
    let year = 100 * century + (scaled >> 32) as u32;
    let day = scaled as u32 / (4 * 2_939_745);
    (year.wrapping_sub(400 * ERAS) as i32, day)
}

/// Month (3 to 14) and day of the month (from 0) of a day since 1 March.
#[inline(always)]
fn month_and_day(since_march: u32) -> (u32, u32) {
    let line = 2141 * since_march + 197_913;
    (line >> 16, (line & 0xFFFF) / 2141)
}

/// Whether January and February of the next year are meant.
#[inline(always)]
fn wraps(since_march: u32) -> bool {
    since_march >= 306
}

/// Whether a year has 366 days.
#[inline(always)]
pub(super) fn is_leap(year: i32) -> bool {
    // of the years that 25 divides, only those are leap that 16 divides
    year & if year % 25 == 0 { 15 } else { 3 } == 0
}

#[inline(always)]
pub(super) fn year(day: i32) -> i32 {
    let (year, since) = from_march(day);
    year + i32::from(wraps(since))
}

#[inline(always)]
pub(super) fn month(day: i32) -> i32 {
    let (_, since) = from_march(day);
    month_and_day(since).0 as i32 - if wraps(since) { 12 } else { 0 }
}

/// The day of the month, from 1.
#[inline(always)]
pub(super) fn day_of_month(day: i32) -> i32 {
    month_and_day(from_march(day).1).1 as i32 + 1
}

#[inline(always)]
pub(super) fn quarter(day: i32) -> i32 {
    (month(day) + 2) / 3
}

/// The day of the year, from 1.
#[inline(always)]
pub(super) fn day_of_year(day: i32) -> i32 {
    let (year, since) = from_march(day);
    if wraps(since) { since as i32 - 305 } else { since as i32 + 60 + i32::from(is_leap(year)) }
}

/// The day of the week; Monday is 0.
#[inline(always)]
pub(super) fn weekday(day: i32) -> i32 {
    // 1970-01-01 was a Thursday
    const SHIFT: u32 = 7 * 76_700_000 + 3;
    ((day as u32).wrapping_add(SHIFT) % 7) as i32
}

/// The Thursday of the week: it decides to which year the week belongs (ISO 8601).
#[inline(always)]
fn thursday(day: i32) -> i32 {
    day - weekday(day) + 3
}

#[inline(always)]
pub(super) fn iso_week(day: i32) -> i32 {
    (day_of_year(thursday(day)) + 6) / 7
}

#[inline(always)]
pub(super) fn iso_year(day: i32) -> i32 {
    year(thursday(day))
}

#[inline(always)]
pub(super) fn days_in_month(day: i32) -> i32 {
    let (year, since) = from_march(day);
    let month = month_and_day(since).0 as i32 - if wraps(since) { 12 } else { 0 };
    if month == 2 { 28 + i32::from(is_leap(year + 1)) } else { 30 + ((month + (month >> 3)) & 1) }
}

/// The day number of the first day of a month, counted in months since January of year 0; `None` outside of [`DAYS`].
pub(super) fn first_of_month(months: i64) -> Option<i64> {
    // the year from March that the month lies in, and the month in it: March is 0
    let (year, month) = ((months - 2).div_euclid(12), (months - 2).rem_euclid(12));
    let (era, of_era) = (year.div_euclid(400), year.rem_euclid(400));
    let days = of_era * 365 + of_era / 4 - of_era / 100 + (153 * month + 2) / 5;
    let day = era.checked_mul(i64::from(ERA))?.checked_add(days)?.checked_sub(i64::from(EPOCH))?;
    DAYS.contains(&day).then_some(day)
}

/// Months since January of year 0.
#[inline(always)]
pub(super) fn months(day: i32) -> i64 {
    12 * i64::from(year(day)) + i64::from(month(day)) - 1
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::{Datelike, NaiveDate};
    use proptest::prelude::*;

    fn agrees_with_chrono(day: i32) {
        let date = NaiveDate::from_num_days_from_ce_opt(day + 719_163).unwrap();
        let next_month = (1..=31).rev().find(|&d| date.with_day(d).is_some()).unwrap() as i32;
        let ours =
            (year(day), month(day), day_of_month(day), day_of_year(day), weekday(day), iso_week(day), iso_year(day));
        let theirs = (
            date.year(),
            date.month() as i32,
            date.day() as i32,
            date.ordinal() as i32,
            date.weekday().num_days_from_monday() as i32,
            date.iso_week().week() as i32,
            date.iso_week().year(),
        );
        assert_eq!(ours, theirs, "{date}");
        assert_eq!(quarter(day), (date.month0() / 3 + 1) as i32, "{date}");
        assert_eq!(is_leap(year(day)), date.leap_year(), "{date}");
        assert_eq!(days_in_month(day), next_month, "{date}");
        assert_eq!(first_of_month(months(day)), Some(i64::from(day - day_of_month(day) + 1)), "{date}");
    }

    proptest! {
        #[test]
        fn any_day_is_what_chrono_says(day in -95_000_000i32..95_000_000) {
            agrees_with_chrono(day);
        }
    }

    #[test]
    fn turns_of_years_and_eras_are_what_chrono_says() {
        for year in (-10..=10).chain(1580..1610).chain(1890..2110).chain(9990..10_001).chain([-262_000, 262_000]) {
            let first = NaiveDate::from_ymd_opt(year, 1, 1).unwrap().num_days_from_ce() - 719_163;
            (first - 5..first + 5).chain(first + 56..first + 62).for_each(agrees_with_chrono);
        }
    }

    #[test]
    fn weeks_belong_to_the_year_of_their_thursday() {
        let week = |y, m, d| iso_week(NaiveDate::from_ymd_opt(y, m, d).unwrap().num_days_from_ce() - 719_163);
        assert_eq!([week(2023, 1, 1), week(2020, 12, 31), week(2021, 1, 3), week(2018, 12, 31)], [52, 53, 53, 1]);
    }

    #[test]
    fn days_follow_each_other_at_the_ends() {
        for day in [DAYS.start as i32, DAYS.end as i32 - 3] {
            assert_eq!((weekday(day) + 1) % 7, weekday(day + 1));
            assert!(day_of_month(day + 1) == day_of_month(day) + 1 || day_of_month(day + 1) == 1);
        }
    }
}
