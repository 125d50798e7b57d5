//! `strftime`

use std::fmt::{self, Write};
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, StringBuilder};
use arrow::datatypes::DataType;
use chrono::TimeZone;
use chrono::format::{Item, StrftimeItems};

use super::wall::{Ticks, Wall, per_second, tells, ticks_of};
use super::zone::{Zone, civil};
use crate::base::{Error, Result};
use crate::expr::Portable;
use crate::expr::fns::one_column::{Domain, OneColumn};

/// Times as text (pandas' `dt.strftime`).
#[derive(Clone, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
pub struct Strftime {
    /// The format, as chrono's [`strftime`](chrono::format::strftime).
    pub format: String,
}

impl fmt::Display for Strftime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "dt.strftime({:?})", self.format)
    }
}

impl Strftime {
    fn items(&self) -> Result<Vec<Item<'_>>> {
        StrftimeItems::new(&self.format).parse().map_err(|_| {
            Error::invalid(format!("`{}` is not a format of times", self.format))
                .help("write for example `%Y-%m-%d %H:%M:%S`")
        })
    }

    fn failed(&self, what: &str) -> Error {
        Error::value(format!("{what} cannot be written as `{}`", self.format))
    }
}

impl OneColumn for Strftime {
    fn domain(&self) -> Domain {
        Domain::Times
    }

    fn check(&self) -> Result<()> {
        self.items().map(|_| ())
    }

    fn result(&self, of: &DataType) -> Option<DataType> {
        tells(of).1.then_some(DataType::Utf8)
    }

    fn apply(&self, array: &ArrayRef) -> Result<ArrayRef> {
        let items = self.items()?;
        let zoned = match array.data_type() {
            DataType::Timestamp(unit, Some(zone)) => Some((Zone::parse(zone)?, *unit, ticks_of(array)?)),
            _ => None,
        };
        let wall = if zoned.is_none() { Some(Wall::of(array)?) } else { None };
        let split = |tick: i64, per_second: i64| {
            let nanoseconds = tick.rem_euclid(per_second) * (1_000_000_000 / per_second);
            civil(tick.div_euclid(per_second), nanoseconds as u32)
        };
        let mut out = StringBuilder::with_capacity(array.len(), array.len() * 20);
        for i in 0..array.len() {
            if array.is_null(i) {
                out.append_null();
                continue;
            }
            let far = || self.failed("a time that far away");
            let written = match (&zoned, wall.as_ref().map(|w| &w.ticks)) {
                (Some((zone, unit, ticks)), _) => {
                    let utc = split(ticks[i], per_second(*unit)).ok_or_else(far)?;
                    write!(out, "{}", zone.tz.from_utc_datetime(&utc).format_with_items(items.iter()))
                }
                (None, Some(Ticks::Units(ticks, unit))) => {
                    let time = split(ticks[i], per_second(*unit)).ok_or_else(far)?;
                    write!(out, "{}", time.format_with_items(items.iter()))
                }
                (None, Some(Ticks::Days(days))) => {
                    let time = split(i64::from(days[i]) * 86_400, 1).ok_or_else(far)?;
                    write!(out, "{}", time.format_with_items(items.iter()))
                }
                (None, None) => Ok(()),
            };
            written.map_err(|_| self.failed("a time without a zone"))?;
            out.append_value("");
        }
        Ok(Arc::new(out.finish()))
    }

    fn portable(&self) -> Option<Portable> {
        Portable::of("dt.strftime", self)
    }
}
