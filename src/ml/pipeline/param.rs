//! Parameters of steps: by type, as `LogisticRegression::L1_RATIO.of("clf")`, or by name, as `"clf__l1_ratio"`.

use std::fmt;
use std::marker::PhantomData;

use serde::{Deserialize, Serialize};

use crate::base::{Error, Result};
use crate::ml::classes::Classes;
use crate::ml::logistic::{ClassWeight, LogisticRegression, Solver};

/// A parameter of `Owner` with values of type `T`.
///
/// ```
/// use partita::ml::LogisticRegression;
/// assert_eq!(LogisticRegression::L1_RATIO.of("clf").to_string(), "clf__l1_ratio");
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Param<Owner, T> {
    name: &'static str,
    types: PhantomData<fn(Owner) -> T>,
}

/// A parameter of a step of a pipeline.
#[derive(Clone, Debug)]
pub struct StepParam<Owner, T> {
    step: String,
    param: Param<Owner, T>,
}

/// The value of a parameter; printed, it is the bare value.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum ParamValue {
    /// A switch.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// A number.
    Float(f64),
    /// A word, as the name of a strategy.
    Text(String),
}

/// What names a parameter of a step whose values are given as `V`.
pub trait ParamKey<V> {
    /// The name: step, two underscores, parameter.
    fn name(&self) -> String;

    /// A value of the parameter.
    fn value(&self, value: V) -> ParamValue;
}

impl<Owner, T> Param<Owner, T> {
    pub(crate) const fn new(name: &'static str) -> Self {
        Param { name, types: PhantomData }
    }

    /// The parameter of the step called `step`.
    pub fn of(self, step: impl Into<String>) -> StepParam<Owner, T> {
        StepParam { step: step.into(), param: self }
    }
}

/// The parameters of a step, by type and by name, each set by a method.
macro_rules! params {
    ($step:ident { $($label:ident: $type:ty = $name:literal => $method:ident;)* }) => {
        impl $step {
            $(
                #[doc = concat!("[`", stringify!($method), "`](", stringify!($step), "::", stringify!($method), ").")]
                pub const $label: $crate::ml::pipeline::Param<Self, $type> =
                    $crate::ml::pipeline::Param::new($name);
            )*

        }

        impl $crate::ml::pipeline::param::Parameters for $step {
            fn params(&self) -> Vec<String> {
                vec![$($name.to_string()),*]
            }

            fn with_param(
                &self,
                name: &str,
                value: &$crate::ml::pipeline::ParamValue,
            ) -> Option<$crate::base::Result<Self>> {
                let _ = value;
                match name {
                    $($name => {
                        let value = <$type as $crate::ml::pipeline::param::FromParam>::from_param(value);
                        Some(value.map(|value| self.clone().$method(value)))
                    })*
                    _ => None,
                }
            }
        }
    };
}
pub(crate) use params;

/// Something with parameters that have names.
pub(crate) trait Parameters: Sized {
    /// The names.
    fn params(&self) -> Vec<String>;

    /// The same with another value of a parameter of this name; `None` if there is none.
    fn with_param(&self, name: &str, value: &ParamValue) -> Option<Result<Self>>;
}

params! { LogisticRegression {
    C: f64 = "C" => c;
    CLASS_WEIGHT: ClassWeight = "class_weight" => class_weight;
    FIT_INTERCEPT: bool = "fit_intercept" => fit_intercept;
    L1_RATIO: f64 = "l1_ratio" => l1_ratio;
    MAX_ITER: usize = "max_iter" => max_iter;
    SOLVER: Solver = "solver" => solver;
    TOL: f64 = "tol" => tol;
} }

/// What can be the value of a parameter.
pub(crate) trait FromParam: Sized {
    /// The value.
    ///
    /// # Errors
    /// `Invalid` for a value of another type.
    fn from_param(value: &ParamValue) -> Result<Self>;
}

impl FromParam for f64 {
    fn from_param(value: &ParamValue) -> Result<f64> {
        match value {
            ParamValue::Float(value) => Ok(*value),
            ParamValue::Int(value) => Ok(*value as f64),
            _ => Err(value.is_no("number")),
        }
    }
}

impl FromParam for usize {
    fn from_param(value: &ParamValue) -> Result<usize> {
        match value {
            ParamValue::Int(count) => usize::try_from(*count).map_err(|_| value.is_no("count")),
            _ => Err(value.is_no("whole number")),
        }
    }
}

impl FromParam for bool {
    fn from_param(value: &ParamValue) -> Result<bool> {
        match value {
            ParamValue::Bool(value) => Ok(*value),
            _ => Err(value.is_no("true or false")),
        }
    }
}

impl ParamValue {
    pub(crate) fn is_no(&self, what: &str) -> Error {
        let value = match self {
            ParamValue::Text(text) => format!("{text:?}"),
            other => other.to_string(),
        };
        Error::invalid(format!("the value {value} where a {what} is needed"))
    }
}

impl fmt::Display for ParamValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ParamValue::Bool(value) => write!(f, "{value}"),
            ParamValue::Int(value) => write!(f, "{value}"),
            ParamValue::Float(value) => write!(f, "{value:?}"),
            ParamValue::Text(value) => f.write_str(value),
        }
    }
}

impl fmt::Debug for ParamValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

impl From<bool> for ParamValue {
    fn from(value: bool) -> Self {
        ParamValue::Bool(value)
    }
}

impl From<i32> for ParamValue {
    fn from(value: i32) -> Self {
        ParamValue::Int(value.into())
    }
}

impl From<i64> for ParamValue {
    fn from(value: i64) -> Self {
        ParamValue::Int(value)
    }
}

impl From<usize> for ParamValue {
    fn from(value: usize) -> Self {
        ParamValue::Int(i64::try_from(value).unwrap_or(i64::MAX))
    }
}

impl From<f64> for ParamValue {
    fn from(value: f64) -> Self {
        ParamValue::Float(value)
    }
}

impl From<&str> for ParamValue {
    fn from(value: &str) -> Self {
        ParamValue::Text(value.to_string())
    }
}

impl From<String> for ParamValue {
    fn from(value: String) -> Self {
        ParamValue::Text(value)
    }
}

impl From<ParamValue> for Classes {
    /// The one label.
    fn from(value: ParamValue) -> Self {
        match value {
            ParamValue::Bool(value) => Classes::Bool(vec![value]),
            ParamValue::Int(value) => Classes::Int(vec![value]),
            ParamValue::Float(value) => Classes::Float(vec![value]),
            ParamValue::Text(value) => Classes::Text(vec![value]),
        }
    }
}

impl<Owner, T> fmt::Display for StepParam<Owner, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}__{}", self.step, self.param.name)
    }
}

impl<Owner, T: Into<ParamValue>> ParamKey<T> for StepParam<Owner, T> {
    fn name(&self) -> String {
        self.to_string()
    }

    fn value(&self, value: T) -> ParamValue {
        value.into()
    }
}

impl<V: Into<ParamValue>> ParamKey<V> for &str {
    fn name(&self) -> String {
        self.to_string()
    }

    fn value(&self, value: V) -> ParamValue {
        value.into()
    }
}

impl<V: Into<ParamValue>> ParamKey<V> for String {
    fn name(&self) -> String {
        self.clone()
    }

    fn value(&self, value: V) -> ParamValue {
        value.into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ml::prepare::StandardScaler;

    #[test]
    fn a_value_of_the_wrong_type_is_refused() {
        let model = LogisticRegression::new();
        assert_eq!(model.with_param("C", &2.into()).unwrap().unwrap(), LogisticRegression::new().c(2.0));
        let text = model.with_param("max_iter", &1.5.into()).unwrap().unwrap_err().to_string();
        assert!(text.contains("1.5 where a whole number is needed"), "{text}");
        assert!(model.with_param("max_iter", &(-1).into()).unwrap().is_err());
        assert!(StandardScaler::new().with_param("with_mean", &1.into()).unwrap().is_err());
        assert!(model.with_param("gamma", &1.into()).is_none());
        let set = |name: &str, value: ParamValue| model.with_param(name, &value).unwrap();
        for weight in [ClassWeight::None, ClassWeight::Balanced, ClassWeight::of([("yes".to_string(), 2.5)])] {
            let expected = LogisticRegression::new().class_weight(weight.clone());
            assert_eq!(set("class_weight", weight.into()).unwrap(), expected);
        }
        for solver in [Solver::Auto, Solver::ProxNewton, Solver::Fista, Solver::Saga { seed: 42 }, Solver::Linfa] {
            assert_eq!(set("solver", solver.into()).unwrap(), LogisticRegression::new().solver(solver));
        }
        assert_eq!(set("solver", "saga".into()).unwrap(), LogisticRegression::new().solver(Solver::Saga { seed: 0 }));
        assert!(set("solver", "newton".into()).unwrap_err().to_string().contains("prox_newton"));
        assert!(set("class_weight", "balance".into()).unwrap_err().to_string().contains("it is none, balanced"));
        let text = model.with_param("C", &"1".into()).unwrap().unwrap_err().to_string();
        assert!(text.contains("the value \"1\" where a number is needed"), "{text}");
    }
}
