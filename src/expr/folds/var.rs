//! Variance and standard deviation of the values.

use std::fmt;
use std::sync::Arc;

use arrow::datatypes::{DataType, Field, FieldRef};

use super::cells::{Cells, Statistic, column};
use super::exact::IntSums;
use super::float_cells::FloatSpread;
use super::float_sums::FloatSums;
use super::fold::{Fold, FoldState, Scope};
use super::int_cells::IntSpread;
use super::kind::Kind;
use crate::base::{Identity, Result, Tokenizer};
use crate::expr::Portable;

/// The variance (pandas' `var`) with `ddof` delta degrees of freedom, as `Float64`: null for n ≤ ddof, NaN with infinities.
///
/// It is the exact variance, rounded once: it does not depend on the order or the partitioning of the rows, and nothing cancels.
#[derive(Clone, Copy, Debug, serde::Serialize, serde::Deserialize)]
pub struct Var {
    /// What is taken off n in the divisor: 1 for a sample (pandas' default), 0 for a population.
    pub ddof: u64,
}

/// The standard deviation (pandas' `std`): the square root of the exact [`Var`], rounded once.
#[derive(Clone, Copy, Debug, serde::Serialize, serde::Deserialize)]
pub struct Std {
    /// What is taken off n in the divisor: 1 for a sample (pandas' default), 0 for a population.
    pub ddof: u64,
}

impl Default for Var {
    fn default() -> Self {
        Var { ddof: 1 }
    }
}

impl Default for Std {
    fn default() -> Self {
        Std { ddof: 1 }
    }
}

fn show(f: &mut fmt::Formatter<'_>, name: &str, ddof: u64) -> fmt::Result {
    if ddof == 1 { f.write_str(name) } else { write!(f, "{name}(ddof={ddof})") }
}

impl fmt::Display for Var {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        show(f, "var", self.ddof)
    }
}

impl fmt::Display for Std {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        show(f, "std", self.ddof)
    }
}

impl Identity for Var {
    fn token(&self, t: &mut Tokenizer) {
        t.str("var");
        t.u64(self.ddof);
    }
}

impl Identity for Std {
    fn token(&self, t: &mut Tokenizer) {
        t.str("std");
        t.u64(self.ddof);
    }
}

impl Fold for Var {
    fn return_field(&self, input: &FieldRef) -> Result<FieldRef> {
        field(input, "var")
    }

    fn start(&self, input: &DataType, scope: Scope) -> Result<Box<dyn FoldState>> {
        start("var", input, scope, Statistic::Var(self.ddof))
    }

    fn bounded(&self) -> bool {
        true
    }

    fn state_fields(&self, input: &DataType) -> Result<Vec<Field>> {
        state_fields("var", input)
    }

    fn portable(&self) -> Option<Portable> {
        Portable::of("var", self)
    }
}

impl Fold for Std {
    fn return_field(&self, input: &FieldRef) -> Result<FieldRef> {
        field(input, "std")
    }

    fn start(&self, input: &DataType, scope: Scope) -> Result<Box<dyn FoldState>> {
        start("std", input, scope, Statistic::Std(self.ddof))
    }

    fn bounded(&self) -> bool {
        true
    }

    fn state_fields(&self, input: &DataType) -> Result<Vec<Field>> {
        state_fields("std", input)
    }

    fn portable(&self) -> Option<Portable> {
        Portable::of("std", self)
    }
}

fn field(input: &FieldRef, name: &str) -> Result<FieldRef> {
    Kind::of_column(input, name, Kind::NUMBERS)?;
    Ok(Arc::new(Field::new(input.name(), DataType::Float64, true)))
}

fn state_fields(name: &str, input: &DataType) -> Result<Vec<Field>> {
    Ok(match Kind::of_type(input, name, Kind::NUMBERS)? {
        Kind::Float => Cells::<f64, FloatSpread>::fields(),
        _ => Cells::<i64, IntSpread<i64>>::fields(),
    })
}

fn start(name: &str, input: &DataType, scope: Scope, statistic: Statistic) -> Result<Box<dyn FoldState>> {
    Ok(match (Kind::of_type(input, name, Kind::NUMBERS)?, scope) {
        (Kind::Float, Scope::Groups) => Cells::<f64, FloatSpread>::boxed(statistic),
        (Kind::Unsigned, Scope::Groups) => Cells::<u64, IntSpread<u64>>::boxed(statistic),
        (_, Scope::Groups) => Cells::<i64, IntSpread<i64>>::boxed(statistic),
        (Kind::Float, Scope::Column) => column::<f64, FloatSums<true>>(statistic),
        (Kind::Unsigned, Scope::Column) => column::<u64, IntSums<true>>(statistic),
        (_, Scope::Column) => column::<i64, IntSums<true>>(statistic),
    })
}

#[cfg(test)]
mod tests {
    use arrow::array::{ArrayRef, Float64Array, Int64Array};

    use super::super::testing::{grouped, whole};
    use super::*;

    fn floats_of(values: Vec<Option<f64>>) -> ArrayRef {
        Arc::new(Float64Array::from(values))
    }

    #[test]
    fn spreads_by_degrees_of_freedom() {
        let values: ArrayRef = Arc::new(Int64Array::from(vec![2, 4, 4, 4, 5, 5, 7, 9]));
        assert_eq!(&whole(&Var { ddof: 0 }, &values), &floats_of(vec![Some(4.0)]));
        assert_eq!(&whole(&Std { ddof: 0 }, &values), &floats_of(vec![Some(2.0)]));
        assert_eq!(&whole(&Var::default(), &values), &floats_of(vec![Some(32.0 / 7.0)]));
        assert_eq!(&whole(&Std { ddof: 8 }, &values), &floats_of(vec![None]));
        let far = floats_of(vec![Some(1e15), Some(1e15 + 1.0), Some(1e15 + 2.0), None, Some(f64::NAN)]);
        assert_eq!(&whole(&Var::default(), &far), &floats_of(vec![Some(1.0)]));
        assert_eq!((Var::default().to_string(), Std { ddof: 0 }.to_string()), ("var".into(), "std(ddof=0)".into()));
    }

    #[test]
    fn groups_have_their_own_spreads() {
        let values = floats_of([1e9, 1e9 + 2.0, 5.0].map(Some).to_vec());
        assert_eq!(&grouped(&Var::default(), &values, &[0, 0, 1], 2), &floats_of(vec![Some(2.0), None]));
        assert_eq!(&grouped(&Std { ddof: 0 }, &values, &[0, 0, 1], 2), &floats_of(vec![Some(1.0), Some(0.0)]));
    }
}
