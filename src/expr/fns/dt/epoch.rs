//! `epoch` and `total_seconds`

use std::fmt;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, Float64Array, Int64Array};
use arrow::datatypes::{DataType, TimeUnit};

use super::wall::{per_second, ticks_of};
use crate::base::{Error, Result};
use crate::expr::Portable;
use crate::expr::fns::one_column::{Domain, OneColumn};

/// The whole number of units since 1970-01-01 00:00 UTC, rounded down.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Epoch {
    /// The unit to count in.
    pub unit: TimeUnit,
}

impl fmt::Display for Epoch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "dt.epoch({:?})", self.unit)
    }
}

impl OneColumn for Epoch {
    fn domain(&self) -> Domain {
        Domain::Times
    }

    fn result(&self, of: &DataType) -> Option<DataType> {
        matches!(of, DataType::Timestamp(..) | DataType::Date32 | DataType::Date64).then_some(DataType::Int64)
    }

    fn apply(&self, array: &ArrayRef) -> Result<ArrayRef> {
        let unit = match array.data_type() {
            DataType::Timestamp(unit, _) => *unit,
            DataType::Date64 => TimeUnit::Millisecond,
            _ => TimeUnit::Second,
        };
        let seconds = DataType::Timestamp(TimeUnit::Second, None);
        let array =
            if array.data_type() == &DataType::Date32 { arrow::compute::cast(array, &seconds)? } else { array.clone() };
        let ticks = Int64Array::new(ticks_of(&array)?, array.nulls().cloned());
        let (from, to) = (per_second(unit), per_second(self.unit));
        let counted: Int64Array = if from >= to {
            let coarser = from / to;
            ticks.unary(|t| t.div_euclid(coarser))
        } else {
            let finer = to / from;
            ticks.try_unary(|t| {
                let far = || Error::value(format!("{t} {unit:?}s since 1970 do not fit into {:?}s", self.unit));
                t.checked_mul(finer).ok_or_else(far)
            })?
        };
        Ok(Arc::new(counted))
    }
}

/// The length of a duration in a unit, as Float64 (pandas' `dt.total_seconds`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[allow(missing_docs)]
pub enum Total {
    Days,
    Hours,
    Minutes,
    Seconds,
    Milliseconds,
    Microseconds,
    Nanoseconds,
}

impl fmt::Display for Total {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "dt.total_{}", format!("{self:?}").to_lowercase())
    }
}

impl Total {
    fn nanoseconds(self) -> f64 {
        match self {
            Total::Days => 86_400e9,
            Total::Hours => 3_600e9,
            Total::Minutes => 60e9,
            Total::Seconds => 1e9,
            Total::Milliseconds => 1e6,
            Total::Microseconds => 1e3,
            Total::Nanoseconds => 1.0,
        }
    }
}

impl OneColumn for Total {
    fn domain(&self) -> Domain {
        Domain::Durations
    }

    fn result(&self, of: &DataType) -> Option<DataType> {
        matches!(of, DataType::Duration(_)).then_some(DataType::Float64)
    }

    fn apply(&self, array: &ArrayRef) -> Result<ArrayRef> {
        let DataType::Duration(unit) = array.data_type() else {
            return Err(Error::types(format!("{} is not a duration", array.data_type())));
        };
        // both scales are whole powers and multiples of each other: one rounding
        let (tick, whole) = (1e9 / per_second(*unit) as f64, self.nanoseconds());
        let ticks = Int64Array::new(ticks_of(array)?, array.nulls().cloned());
        let lengths: Float64Array = if whole >= tick {
            let ticks_in_whole = whole / tick;
            ticks.unary(|t| t as f64 / ticks_in_whole)
        } else {
            let parts_of_tick = tick / whole;
            ticks.unary(|t| t as f64 * parts_of_tick)
        };
        Ok(Arc::new(lengths))
    }

    fn portable(&self) -> Option<Portable> {
        Portable::of("dt.total", self)
    }
}
