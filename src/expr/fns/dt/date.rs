//! `date` and `time`

use std::fmt;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, Date32Array, Int32Array, Int64Array};
use arrow::datatypes::{DataType, TimeUnit};

use super::wall::{Ticks, Wall, per_second, tells};
use crate::base::Result;
use crate::expr::Portable;
use crate::expr::fns::one_column::{Domain, OneColumn};

/// The date, as Date32 (pandas' `dt.date`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
pub struct Date;

impl fmt::Display for Date {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("dt.date")
    }
}

impl OneColumn for Date {
    fn domain(&self) -> Domain {
        Domain::Times
    }

    fn result(&self, of: &DataType) -> Option<DataType> {
        tells(of).0.then_some(DataType::Date32)
    }

    fn apply(&self, array: &ArrayRef) -> Result<ArrayRef> {
        if array.data_type() == &DataType::Date32 {
            return Ok(array.clone());
        }
        let wall = Wall::of(array)?;
        Ok(Arc::new(Date32Array::new(wall.days()?.into(), wall.nulls)))
    }

    fn portable(&self) -> Option<Portable> {
        Portable::of("dt.date", self)
    }
}

/// The time of day, in the unit of the column (pandas' `dt.time`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
pub struct TimeOfDay;

impl fmt::Display for TimeOfDay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("dt.time")
    }
}

impl OneColumn for TimeOfDay {
    fn domain(&self) -> Domain {
        Domain::Times
    }

    fn result(&self, of: &DataType) -> Option<DataType> {
        match of {
            DataType::Timestamp(unit @ (TimeUnit::Second | TimeUnit::Millisecond), _) => Some(DataType::Time32(*unit)),
            DataType::Timestamp(unit, _) => Some(DataType::Time64(*unit)),
            DataType::Time32(_) | DataType::Time64(_) => Some(of.clone()),
            _ => None,
        }
    }

    fn apply(&self, array: &ArrayRef) -> Result<ArrayRef> {
        let (wall, to) = (Wall::of(array)?, self.result(array.data_type()).unwrap_or(DataType::Null));
        let whole: ArrayRef = match (&wall.ticks, &to) {
            (Ticks::Units(ticks, unit), DataType::Time32(_)) => {
                let day = 86_400 * per_second(*unit);
                let values: Vec<i32> = ticks.iter().map(|t| t.rem_euclid(day) as i32).collect();
                Arc::new(Int32Array::new(values.into(), wall.nulls))
            }
            (Ticks::Units(ticks, unit), _) => {
                let day = 86_400 * per_second(*unit);
                let values: Vec<i64> = ticks.iter().map(|t| t.rem_euclid(day)).collect();
                Arc::new(Int64Array::new(values.into(), wall.nulls))
            }
            (Ticks::Days(_), _) => array.clone(),
        };
        Ok(arrow::compute::cast(&whole, &to)?)
    }

    fn portable(&self) -> Option<Portable> {
        Portable::of("dt.time", self)
    }
}
