//! `to_timezone`, `tz_localize` and `wall_time`

use std::fmt;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, Int64Array};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Field};

use super::wall::{Ticks, Wall, ticks_of};
use super::zone::{Instant, Offsets, Zone};
use crate::base::{Error, Result};
use crate::expr::Portable;
use crate::expr::fns::one_column::{Domain, OneColumn};

fn needs(function: &dyn fmt::Display, zoned: bool, field: &Field) -> Error {
    let zone = if zoned { "with" } else { "without" };
    let help = if zoned { "give it one with dt().tz_localize(zone) first" } else { "use dt().to_timezone(zone)" };
    let what = format!("`{function}` needs timestamps {zone} a zone, but `{}` is {}", field.name(), field.data_type());
    match field.data_type() {
        DataType::Timestamp(..) => Error::types(what).help(help),
        _ => Error::types(what).help("convert it with cast(DataType::Timestamp(..)) first"),
    }
}

/// The same instants in another zone (pandas' `dt.tz_convert`).
#[derive(Clone, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
pub struct ToTimezone {
    /// The zone.
    pub zone: String,
}

impl fmt::Display for ToTimezone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "dt.to_timezone({:?})", self.zone)
    }
}

impl OneColumn for ToTimezone {
    fn domain(&self) -> Domain {
        Domain::Times
    }

    fn check(&self) -> Result<()> {
        Zone::parse(&self.zone).map(|_| ())
    }

    fn result(&self, of: &DataType) -> Option<DataType> {
        match of {
            DataType::Timestamp(unit, Some(_)) => Some(DataType::Timestamp(*unit, Some(self.zone.as_str().into()))),
            _ => None,
        }
    }

    fn refusal(&self, field: &Field) -> Error {
        needs(self, true, field)
    }

    fn apply(&self, array: &ArrayRef) -> Result<ArrayRef> {
        let to = self.result(array.data_type()).unwrap_or(DataType::Null);
        Ok(cast(array, &to)?)
    }

    fn portable(&self) -> Option<Portable> {
        Portable::of("dt.to_timezone", self)
    }
}

/// What becomes of times that a clock shows twice or not at all, when the zone changes to and from summer time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
pub enum Unclear {
    /// They are an error, as in pandas.
    #[default]
    Error,
    /// They become null (pandas' `NaT`).
    Null,
    /// The earlier of the two; a time that is skipped is moved past the gap.
    Earliest,
    /// The later of the two; a time that is skipped is moved past the gap.
    Latest,
}

/// The instants at which the clocks of a zone show these times (pandas' `dt.tz_localize`).
#[derive(Clone, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
pub struct Localize {
    /// The zone.
    pub zone: String,
    /// What becomes of times that are shown twice or not at all.
    pub unclear: Unclear,
}

impl fmt::Display for Localize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.unclear {
            Unclear::Error => write!(f, "dt.tz_localize({:?})", self.zone),
            unclear => write!(f, "dt.tz_localize({:?}, {unclear:?})", self.zone),
        }
    }
}

impl OneColumn for Localize {
    fn domain(&self) -> Domain {
        Domain::Times
    }

    fn check(&self) -> Result<()> {
        Zone::parse(&self.zone).map(|_| ())
    }

    fn result(&self, of: &DataType) -> Option<DataType> {
        match of {
            DataType::Timestamp(unit, None) => Some(DataType::Timestamp(*unit, Some(self.zone.as_str().into()))),
            _ => None,
        }
    }

    fn refusal(&self, field: &Field) -> Error {
        needs(self, false, field)
    }

    fn nullable(&self, of: &Field) -> bool {
        of.is_nullable() || self.unclear == Unclear::Null
    }

    fn apply(&self, array: &ArrayRef) -> Result<ArrayRef> {
        let DataType::Timestamp(unit, _) = array.data_type() else {
            return Err(Error::types(format!("{} is not a timestamp", array.data_type())));
        };
        let zone = Zone::parse(&self.zone)?;
        let mut offsets = Offsets::of(&zone, *unit);
        let ticks = Int64Array::new(ticks_of(array)?, array.nulls().cloned());
        let mut instants = Int64Array::builder(ticks.len());
        for (row, tick) in ticks.iter().enumerate() {
            let Some(tick) = tick else {
                instants.append_null();
                continue;
            };
            let unclear = |how: &str| {
                let shown = crate::expr::Scalar::of(array, row);
                Error::value(format!("the clocks of {} show {shown} {how}", self.zone))
                    .help("say what it means with dt().tz_localize_with(zone, Unclear::Earliest)")
            };
            let instant = match (offsets.instant(tick)?, self.unclear) {
                (Instant::One(tick), _) => Some(tick),
                (Instant::Two(..) | Instant::None(_), Unclear::Null) => None,
                (Instant::Two(..), Unclear::Error) => return Err(unclear("twice")),
                (Instant::None(_), Unclear::Error) => return Err(unclear("never")),
                (Instant::Two(first, _), Unclear::Earliest) => Some(first),
                (Instant::Two(_, second), Unclear::Latest) => Some(second),
                (Instant::None(after), _) => Some(after),
            };
            instants.append_option(instant);
        }
        let to = self.result(array.data_type()).unwrap_or(DataType::Null);
        let utc = DataType::Timestamp(*unit, Some("UTC".into()));
        Ok(cast(&cast(&(Arc::new(instants.finish()) as ArrayRef), &utc)?, &to)?)
    }

    fn portable(&self) -> Option<Portable> {
        Portable::of("dt.localize", self)
    }
}

/// What the clocks of the zone show, as timestamps without a zone (pandas' `dt.tz_localize(None)`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
pub struct WallTime;

impl fmt::Display for WallTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("dt.wall_time")
    }
}

impl OneColumn for WallTime {
    fn domain(&self) -> Domain {
        Domain::Times
    }

    fn result(&self, of: &DataType) -> Option<DataType> {
        match of {
            DataType::Timestamp(unit, _) => Some(DataType::Timestamp(*unit, None)),
            _ => None,
        }
    }

    fn apply(&self, array: &ArrayRef) -> Result<ArrayRef> {
        let wall = Wall::of(array)?;
        match wall.ticks {
            Ticks::Units(ticks, unit) => {
                let ticks: ArrayRef = Arc::new(Int64Array::new(ticks, wall.nulls));
                Ok(cast(&ticks, &DataType::Timestamp(unit, None))?)
            }
            Ticks::Days(_) => Ok(array.clone()),
        }
    }

    fn portable(&self) -> Option<Portable> {
        Portable::of("dt.wall_time", self)
    }
}
