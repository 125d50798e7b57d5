//! `col("t").dt()`: timestamps, dates, times of day and durations.

use arrow::datatypes::TimeUnit;

use crate::expr::Expr;
use crate::expr::fns::dt::{
    Date, Direction, Epoch, Localize, Part, Step, Strftime, TimeOfDay, ToTimezone, Total, Unclear, WallTime,
};

/// Methods of times and durations, as pandas' `Series.dt`. Null in gives null out. Timestamps with a zone are seen as
/// the clocks of that zone show them.
#[derive(Clone, Debug)]
pub struct Dt(Expr);

impl Expr {
    /// Methods of times and durations, as pandas' `Series.dt`.
    ///
    /// ```
    /// use partita::col;
    /// let weekend = col("lpep_pickup_datetime").dt().weekday().ge(5);
    /// assert_eq!(weekend.to_string(), "(lpep_pickup_datetime.dt.weekday() >= 5)");
    /// ```
    #[must_use]
    pub fn dt(self) -> Dt {
        Dt(self)
    }
}

macro_rules! parts {
    ($($(#[$doc:meta])* $method:ident => $part:ident;)*) => {$(
        $(#[$doc])*
        #[must_use]
        pub fn $method(self) -> Expr {
            Expr::call(Part::$part, [self.0])
        }
    )*};
}

impl Dt {
    parts! {
        /// The year (Int32), proleptic Gregorian: before year 1 comes year 0.
        year => Year;
        /// The quarter of the year, from 1 to 4 (Int32).
        quarter => Quarter;
        /// The month, from 1 to 12 (Int32).
        month => Month;
        /// The day of the month, from 1 (Int32).
        day => Day;
        /// The day of the year, from 1 (Int32).
        day_of_year => DayOfYear;
        /// The day of the week: Monday is 0, Sunday 6 (Int32).
        weekday => Weekday;
        /// The year that the ISO 8601 week belongs to (Int32): 2021-01-03 is in week 53 of 2020.
        iso_year => IsoYear;
        /// The ISO 8601 week, from 1 to 53 (Int32), as pandas' `dt.isocalendar().week`.
        iso_week => IsoWeek;
        /// How many days the month has (Int32).
        days_in_month => DaysInMonth;
        /// The hour, from 0 to 23 (Int32); of a date 0.
        hour => Hour;
        /// The minute, from 0 to 59 (Int32).
        minute => Minute;
        /// The second, from 0 to 59 (Int32).
        second => Second;
        /// The milliseconds of the second, from 0 to 999 (Int32).
        millisecond => Millisecond;
        /// The microseconds of the second, from 0 to 999 999 (Int32).
        microsecond => Microsecond;
        /// The nanoseconds of the microsecond, from 0 to 999 (Int32).
        nanosecond => Nanosecond;
        /// Whether the year has 366 days.
        is_leap_year => IsLeapYear;
        /// Whether it is the first day of a month.
        is_month_start => IsMonthStart;
        /// Whether it is the last day of a month.
        is_month_end => IsMonthEnd;
        /// Whether it is the first day of a quarter.
        is_quarter_start => IsQuarterStart;
        /// Whether it is the last day of a quarter.
        is_quarter_end => IsQuarterEnd;
        /// Whether it is the first day of a year.
        is_year_start => IsYearStart;
        /// Whether it is the last day of a year.
        is_year_end => IsYearEnd;
    }

    /// The date (Date32).
    #[must_use]
    pub fn date(self) -> Expr {
        Expr::call(Date, [self.0])
    }

    /// The time of day (Time32 or Time64, in the unit of the column).
    #[must_use]
    pub fn time(self) -> Expr {
        Expr::call(TimeOfDay, [self.0])
    }

    /// The last step at or before each time. `every` is a number and a unit: `ns`, `us`, `ms`, `s`, `m` (or `min`),
    /// `h`, `d`, `w` (from Monday), `mo`, `q`, `y`; days and shorter steps are counted from 1970-01-01 00:00, as in
    /// pandas. Timestamps with a zone step on the clocks of that zone.
    ///
    /// A step that cannot be read is an error as soon as the expression meets a frame.
    #[must_use]
    pub fn floor(self, every: impl Into<String>) -> Expr {
        self.step(Direction::Floor, every)
    }

    /// The first step at or after each time: see [`floor`](Self::floor).
    #[must_use]
    pub fn ceil(self, every: impl Into<String>) -> Expr {
        self.step(Direction::Ceil, every)
    }

    /// The nearest step, from the middle the even one as in pandas: see [`floor`](Self::floor).
    #[must_use]
    pub fn round(self, every: impl Into<String>) -> Expr {
        self.step(Direction::Round, every)
    }

    /// The same as [`floor`](Self::floor), by its name in SQL and Polars.
    #[must_use]
    pub fn truncate(self, every: impl Into<String>) -> Expr {
        self.floor(every)
    }

    fn step(self, direction: Direction, every: impl Into<String>) -> Expr {
        Expr::call(Step { direction, every: every.into() }, [self.0])
    }

    /// The time as text (Utf8), by a format such as `%Y-%m-%d %H:%M:%S`: see [`chrono::format::strftime`].
    ///
    /// A format that cannot be read is an error as soon as the expression meets a frame.
    #[must_use]
    pub fn strftime(self, format: impl Into<String>) -> Expr {
        Expr::call(Strftime { format: format.into() }, [self.0])
    }

    /// The same instants on the clocks of another zone, as pandas' `dt.tz_convert`. A zone is a name such as
    /// `Europe/Paris` or an offset such as `+02:00`. A column without a zone is an error.
    #[must_use]
    pub fn to_timezone(self, zone: impl Into<String>) -> Expr {
        Expr::call(ToTimezone { zone: zone.into() }, [self.0])
    }

    /// The instants at which the clocks of a zone show these times, as pandas' `dt.tz_localize`. A time that they show
    /// twice or never is an error.
    #[must_use]
    pub fn tz_localize(self, zone: impl Into<String>) -> Expr {
        self.tz_localize_with(zone, Unclear::Error)
    }

    /// [`tz_localize`](Self::tz_localize) that says what becomes of times that are shown twice or never.
    #[must_use]
    pub fn tz_localize_with(self, zone: impl Into<String>, unclear: Unclear) -> Expr {
        Expr::call(Localize { zone: zone.into(), unclear }, [self.0])
    }

    /// What the clocks of the column's zone show, as timestamps without a zone: pandas' `dt.tz_localize(None)`.
    #[must_use]
    pub fn wall_time(self) -> Expr {
        Expr::call(WallTime, [self.0])
    }

    /// The number of units since 1970-01-01 00:00 UTC, rounded down (Int64).
    #[must_use]
    pub fn epoch(self, unit: TimeUnit) -> Expr {
        Expr::call(Epoch { unit }, [self.0])
    }

    /// The length of durations in days (Float64).
    #[must_use]
    pub fn total_days(self) -> Expr {
        Expr::call(Total::Days, [self.0])
    }

    /// The length of durations in hours (Float64).
    #[must_use]
    pub fn total_hours(self) -> Expr {
        Expr::call(Total::Hours, [self.0])
    }

    /// The length of durations in minutes (Float64).
    #[must_use]
    pub fn total_minutes(self) -> Expr {
        Expr::call(Total::Minutes, [self.0])
    }

    /// The length of durations in seconds (Float64), as pandas' `dt.total_seconds`.
    #[must_use]
    pub fn total_seconds(self) -> Expr {
        Expr::call(Total::Seconds, [self.0])
    }

    /// The length of durations in milliseconds (Float64).
    #[must_use]
    pub fn total_milliseconds(self) -> Expr {
        Expr::call(Total::Milliseconds, [self.0])
    }

    /// The length of durations in microseconds (Float64).
    #[must_use]
    pub fn total_microseconds(self) -> Expr {
        Expr::call(Total::Microseconds, [self.0])
    }

    /// The length of durations in nanoseconds (Float64).
    #[must_use]
    pub fn total_nanoseconds(self) -> Expr {
        Expr::call(Total::Nanoseconds, [self.0])
    }
}
