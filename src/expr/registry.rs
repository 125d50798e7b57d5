//! The functions and aggregates of the library, by name: how what was sent from another process is found again.

use std::sync::Arc;

use serde::de::DeserializeOwned;

use super::fns::dt::{Date, Localize, Part, Step, Strftime, TimeOfDay, ToTimezone, Total, WallTime};
use super::fns::str::{Find, Measure, Rewrite};
use super::fns::{
    Abs, Arithmetic, Cast, Clip, Compare, Extreme, FillNull, IsIn, IsNan, IsNull, Logic, Negate, Not, Pow, Real, Round,
    StructField, When,
};
use super::folds::{Count, Fold, Max, Mean, Min, Size, Std, Sum, Var};
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
        "pow" => settings::<Pow>(given)?,
        "real" => settings::<Real>(given)?,
        "round" => settings::<Round>(given)?,
        "str.find" => settings::<Find>(given)?,
        "str.measure" => settings::<Measure>(given)?,
        "str.rewrite" => settings::<Rewrite>(given)?,
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
        "max" => settings::<Max>(given)?,
        "mean" => settings::<Mean>(given)?,
        "min" => settings::<Min>(given)?,
        "size" => settings::<Size>(given)?,
        "std" => settings::<Std>(given)?,
        "sum" => settings::<Sum>(given)?,
        "var" => settings::<Var>(given)?,
    }
}

fn settings<T: DeserializeOwned>(given: &Portable) -> Result<T> {
    let read = serde_json::from_value(given.settings.clone());
    read.map_err(|e| Error::invalid(format!("these are no settings of `{}`: {e}", given.name)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Token;

    #[test]
    fn aggregates_come_back_as_they_were() {
        let all: [Arc<dyn Fold>; 8] = [
            Arc::new(Count),
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
