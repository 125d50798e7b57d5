//! Offsets of time zones, looked up once a day.

use std::ops::Range;
use std::str::FromStr;

use arrow::array::timezone::Tz;
use arrow::buffer::{NullBuffer, ScalarBuffer};
use arrow::datatypes::TimeUnit;
use chrono::{DateTime, MappedLocalTime, NaiveDateTime, Offset, TimeZone};
use rustc_hash::FxHashMap;

use super::wall::per_second;
use crate::base::schema::nearest;
use crate::base::{Error, Result};

const DAY: i64 = 86_400;

/// A time zone: a name of the IANA database, or an offset such as `+02:00`.
#[derive(Clone, Debug)]
pub(super) struct Zone {
    pub(super) tz: Tz,
    /// The seconds it is ahead of UTC, if always the same.
    fixed: Option<i64>,
}

impl Zone {
    /// The zone of this name.
    ///
    /// # Errors
    /// When there is none; the nearest name is told.
    pub(super) fn parse(name: &str) -> Result<Zone> {
        let tz = Tz::from_str(name).map_err(|_| {
            let error = Error::invalid(format!("`{name}` is not a time zone"));
            match nearest(name, chrono_tz::TZ_VARIANTS.iter().map(|tz| tz.name())) {
                Some(near) => error.help(format!("did you mean `{near}`?")),
                None => error.help("give a name such as `Europe/Paris` or an offset such as `+02:00`"),
            }
        })?;
        let is_offset = name.starts_with(['+', '-']) || matches!(name, "UTC" | "Etc/UTC" | "Z");
        let fixed = is_offset.then(|| seconds(&tz, NaiveDateTime::default()));
        Ok(Zone { tz, fixed })
    }
}

fn seconds(tz: &Tz, utc: NaiveDateTime) -> i64 {
    i64::from(tz.offset_from_utc_datetime(&utc).fix().local_minus_utc())
}

/// The time of day and date of a count of seconds.
pub(super) fn civil(seconds: i64, nanoseconds: u32) -> Option<NaiveDateTime> {
    Some(DateTime::from_timestamp(seconds, nanoseconds)?.naive_utc())
}

fn out_of_range(tick: i64, unit: TimeUnit) -> Error {
    Error::value(format!("{tick} {unit:?}s since 1970 is too far away for a time zone"))
        .help("years from -262142 to 262142 can be told")
}

/// The offsets of a zone for ticks of a unit.
pub(super) struct Offsets<'a> {
    zone: &'a Zone,
    unit: TimeUnit,
    per_second: i64,
    /// The offset that holds all through a day of UTC; `None` if it changes in that day.
    days: FxHashMap<i64, Option<i64>>,
    /// Where the last time on a wall was, and how far that clock is ahead: neighbours are mostly of one day.
    calm: (Range<i64>, i64),
}

/// What a time on the wall stands for.
pub(super) enum Instant {
    One(i64),
    /// The clock shows it twice.
    Two(i64, i64),
    /// The clock skips it; the tick that follows it by as much as it lies in the gap.
    None(i64),
}

impl<'a> Offsets<'a> {
    pub(super) fn of(zone: &'a Zone, unit: TimeUnit) -> Self {
        Offsets { zone, unit, per_second: per_second(unit), days: FxHashMap::default(), calm: (0..0, 0) }
    }

    /// The seconds that the zone is ahead of UTC at a tick of UTC.
    pub(super) fn at(&mut self, tick: i64) -> Result<i64> {
        if let Some(fixed) = self.zone.fixed {
            return Ok(fixed);
        }
        let second = tick.div_euclid(self.per_second);
        match self.of_day(second.div_euclid(DAY)) {
            Some(offset) => Ok(offset),
            None => self.look_up(second).ok_or_else(|| out_of_range(tick, self.unit)),
        }
    }

    fn look_up(&self, second: i64) -> Option<i64> {
        Some(seconds(&self.zone.tz, civil(second, 0)?))
    }

    /// The offset of a whole day of UTC. Equal at both ends means equal in between: no zone has ever gone forth and
    /// back within a day.
    fn of_day(&mut self, day: i64) -> Option<i64> {
        if let Some(&known) = self.days.get(&day) {
            return known;
        }
        let start = day.checked_mul(DAY)?;
        let ends = self.look_up(start).zip(self.look_up(start.checked_add(DAY - 1)?));
        let offset = ends.filter(|(a, b)| a == b).map(|(a, _)| a);
        self.days.insert(day, offset);
        offset
    }

    /// What the clock on the wall shows at ticks of UTC.
    ///
    /// # Errors
    /// When a tick (that is not null) is too far away.
    pub(super) fn shown(&mut self, ticks: ScalarBuffer<i64>, nulls: Option<&NullBuffer>) -> Result<ScalarBuffer<i64>> {
        let is_null = |i| nulls.is_some_and(|n| n.is_null(i));
        match self.zone.fixed {
            Some(0) => return Ok(ticks),
            Some(offset) => {
                let shown = |(i, tick): (usize, &i64)| match tick.checked_add(offset * self.per_second) {
                    None if is_null(i) => Ok(0),
                    shown => shown.ok_or_else(|| out_of_range(*tick, self.unit)),
                };
                return ticks.iter().enumerate().map(shown).collect();
            }
            None => {}
        }
        // neighbours are mostly of one day
        let per_day = DAY * self.per_second;
        let (mut day, mut ahead) = (0..0, 0);
        let mut wall = Vec::with_capacity(ticks.len());
        for (i, &tick) in ticks.iter().enumerate() {
            if !day.contains(&tick) {
                if is_null(i) {
                    wall.push(0);
                    continue;
                }
                let number = tick.div_euclid(per_day);
                let of_day = self.of_day(number);
                ahead = of_day.map_or_else(|| self.at(tick), Ok)? * self.per_second;
                // a day in which the offset changes is looked up again for each time
                let start = number.saturating_mul(per_day);
                day = start..if of_day.is_some() { start.saturating_add(per_day) } else { start };
            }
            wall.push(tick.checked_add(ahead).ok_or_else(|| out_of_range(tick, self.unit))?);
        }
        Ok(wall.into())
    }

    /// The tick of UTC at which the clock on the wall shows this.
    ///
    /// # Errors
    /// When it is too far away.
    pub(super) fn instant(&mut self, shown: i64) -> Result<Instant> {
        let (unit, scale) = (self.unit, self.per_second);
        let far = || out_of_range(shown, unit);
        let tick = |offset: i64| shown.checked_sub(offset * scale).ok_or_else(far);
        if let Some(fixed) = self.zone.fixed {
            return tick(fixed).map(Instant::One);
        }
        if self.calm.0.contains(&shown) {
            return tick(self.calm.1).map(Instant::One);
        }
        let second = shown.div_euclid(self.per_second);
        let day = second.div_euclid(DAY);
        // no offset is longer than a day
        let near = [self.of_day(day - 1), self.of_day(day), self.of_day(day + 1)];
        if let [Some(a), Some(b), Some(c)] = near
            && a == b
            && b == c
        {
            let start = |day: i64| day.saturating_mul(DAY * scale);
            self.calm = (start(day)..start(day + 1), a);
            return tick(a).map(Instant::One);
        }
        let local = civil(second, 0).ok_or_else(far)?;
        let seconds = |offset: arrow::array::timezone::TzOffset| i64::from(offset.fix().local_minus_utc());
        Ok(match self.zone.tz.offset_from_local_datetime(&local) {
            MappedLocalTime::Single(offset) => Instant::One(tick(seconds(offset))?),
            MappedLocalTime::Ambiguous(a, b) => {
                let (a, b) = (tick(seconds(a))?, tick(seconds(b))?);
                Instant::Two(a.min(b), a.max(b))
            }
            // with the offset from before the gap
            MappedLocalTime::None => {
                let before = self.look_up(second - DAY).ok_or_else(far)?;
                Instant::None(tick(before)?)
            }
        })
    }
}
