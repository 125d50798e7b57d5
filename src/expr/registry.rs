//! The functions and aggregates of the library, by name: how what was sent from another process is found again.

use std::sync::Arc;

use serde::de::DeserializeOwned;

use super::fns::dt::{Date, Localize, Part, Step, Strftime, TimeOfDay, ToTimezone, Total, WallTime};
use super::fns::pack::{Pack, Unpack};
use super::fns::str::{Find, Measure, Rewrite};
use super::fns::{
    Abs, Arithmetic, Cast, Clip, Compare, Extreme, FillNull, IsIn, IsNan, IsNull, Logic, Negate, Not, Pow, Real, Round,
    StructField, When,
};
use super::folds::{Count, First, Fold, Last, Max, Mean, Min, Nunique, Quantile, Size, Std, Sum, Var};
use super::windows::Window;
use super::windows::aggregated::Aggregated;
use super::windows::cum_count::CumCount;
use super::windows::cum_extreme::CumExtreme;
use super::windows::cum_sum::CumSum;
use super::windows::rank::Rank;
use super::windows::rolling::RollingStatistic;
use super::windows::shift::Shift;
use super::{Portable, Scalar, ScalarFn};
use crate::base::{Error, Result};

macro_rules! by_name {
    ($given:expr, $($name:literal => $read:expr),* $(,)?) => {
        match $given.name.as_str() {
            $($name => Ok(Arc::new($read))),*,
            other => Err(Error::unsupported(format!("`{other}` in this version")).doing("read an expression")),
        }
    };
}

/// The function that this stands for.
///
/// # Errors
/// `Unsupported` for a name that this version does not have, `Invalid` for settings that are not its own.
pub fn function(given: &Portable) -> Result<Arc<dyn ScalarFn>> {
    by_name! { given,
        "abs" => settings::<Abs>(given)?,
        "arithmetic" => settings::<Arithmetic>(given)?,
        "cast" => settings::<Cast>(given)?,
        "clip" => settings::<Clip>(given)?,
        "compare" => settings::<Compare>(given)?,
        "dt.date" => settings::<Date>(given)?,
        "dt.localize" => settings::<Localize>(given)?,
        "dt.part" => settings::<Part>(given)?,
        "dt.step" => settings::<Step>(given)?,
        "dt.strftime" => settings::<Strftime>(given)?,
        "dt.time" => settings::<TimeOfDay>(given)?,
        "dt.to_timezone" => settings::<ToTimezone>(given)?,
        "dt.total" => settings::<Total>(given)?,
        "dt.wall_time" => settings::<WallTime>(given)?,
        "extreme" => settings::<Extreme>(given)?,
        "field" => StructField(settings::<String>(given)?.into()),
        "fillna" => settings::<FillNull>(given)?,
        "is_in" => IsIn::new(settings::<Vec<Scalar>>(given)?),
        "is_nan" => settings::<IsNan>(given)?,
        "is_null" => settings::<IsNull>(given)?,
        "logic" => settings::<Logic>(given)?,
        "negate" => settings::<Negate>(given)?,
        "not" => settings::<Not>(given)?,
        "pack" => Pack,
        "pow" => settings::<Pow>(given)?,
        "real" => settings::<Real>(given)?,
        "round" => settings::<Round>(given)?,
        "str.find" => settings::<Find>(given)?,
        "str.measure" => settings::<Measure>(given)?,
        "str.rewrite" => settings::<Rewrite>(given)?,
        "unpack" => Unpack(settings(given)?),
        "when" => settings::<When>(given)?,
    }
}

/// The aggregate that this stands for.
///
/// # Errors
/// As [`function`].
pub fn fold(given: &Portable) -> Result<Arc<dyn Fold>> {
    by_name! { given,
        "count" => settings::<Count>(given)?,
        "first" => First,
        "last" => Last,
        "max" => settings::<Max>(given)?,
        "mean" => settings::<Mean>(given)?,
        "min" => settings::<Min>(given)?,
        "nunique" => Nunique,
        "quantile" => Quantile::new(f64::from_bits(settings(given)?))?,
        "quantiles" => Quantile::several(&settings::<Vec<u64>>(given)?.into_iter().map(f64::from_bits).collect::<Vec<_>>())?,
        "size" => settings::<Size>(given)?,
        "std" => settings::<Std>(given)?,
        "sum" => settings::<Sum>(given)?,
        "var" => settings::<Var>(given)?,
    }
}

/// The function of other rows that this stands for.
///
/// # Errors
/// As [`function`].
pub fn window(given: &Portable) -> Result<Arc<dyn Window>> {
    by_name! { given,
        "aggregated" => Aggregated { fold: Ok(fold(&settings(given)?)?) },
        "cum_count" => CumCount { rows: settings(given)? },
        "cum_extreme" => CumExtreme { max: settings(given)? },
        "cum_sum" => CumSum,
        "rank" => settings::<Rank>(given)?,
        "rolling" => RollingStatistic::of_settings(given)?,
        "shift" => Shift { rows: settings(given)? },
    }
}

fn settings<T: DeserializeOwned>(given: &Portable) -> Result<T> {
    given.settings()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Token;

    #[test]
    fn aggregates_come_back_as_they_were() {
        let all: [Arc<dyn Fold>; 13] = [
            Arc::new(Count),
            Arc::new(First),
            Arc::new(Last),
            Arc::new(Nunique),
            Arc::new(Quantile::new(0.1).unwrap()),
            Arc::new(Quantile::several(&[0.25, 0.3]).unwrap()),
            Arc::new(Max),
            Arc::new(Mean),
            Arc::new(Min),
            Arc::new(Size),
            Arc::new(Std { ddof: 1 }),
            Arc::new(Sum),
            Arc::new(Var { ddof: 0 }),
        ];
        for one in all {
            let back = fold(&one.portable().unwrap()).unwrap();
            assert_eq!(Token::of(|t| t.identity(back.as_ref())), Token::of(|t| t.identity(one.as_ref())));
        }
    }
}
