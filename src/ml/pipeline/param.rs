//! Parameters of steps: by type, as `LogisticRegression::L1_RATIO.of("clf")`, or by name, as `"clf__l1_ratio"`.

use std::fmt;
use std::marker::PhantomData;

use serde::{Deserialize, Serialize};

use crate::base::{Error, Result};
use crate::ml::logistic::LogisticRegression;
use crate::ml::prepare::{DummyEncoder, StandardScaler};

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
#[derive(Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum ParamValue {
    /// A switch.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// A number.
    Float(f64),
}

/// What names a parameter of a step whose values are given as `V`.
pub trait ParamKey<V> {
    /// The name: step, two underscores, parameter.
    fn name(&self) -> String;

    /// A value of the parameter.
    fn value(&self, value: V) -> ParamValue;
}

impl<Owner, T> Param<Owner, T> {
    const fn new(name: &'static str) -> Self {
        Param { name, types: PhantomData }
    }

    /// The parameter of the step called `step`.
    pub fn of(self, step: impl Into<String>) -> StepParam<Owner, T> {
        StepParam { step: step.into(), param: self }
    }
}

impl LogisticRegression {
    /// [`c`](LogisticRegression::c).
    pub const C: Param<Self, f64> = Param::new("C");
    /// [`l1_ratio`](LogisticRegression::l1_ratio).
    pub const L1_RATIO: Param<Self, f64> = Param::new("l1_ratio");
    /// [`tol`](LogisticRegression::tol).
    pub const TOL: Param<Self, f64> = Param::new("tol");
    /// [`max_iter`](LogisticRegression::max_iter).
    pub const MAX_ITER: Param<Self, usize> = Param::new("max_iter");
    /// [`fit_intercept`](LogisticRegression::fit_intercept).
    pub const FIT_INTERCEPT: Param<Self, bool> = Param::new("fit_intercept");

    pub(crate) const PARAMS: &'static [&'static str] = &["C", "fit_intercept", "l1_ratio", "max_iter", "tol"];

    /// The same with another value of a parameter of this name; `None` if there is none.
    pub(crate) fn with_param(&self, name: &str, value: ParamValue) -> Option<Result<Self>> {
        let this = self.clone();
        Some(match name {
            "C" => value.float().map(|v| this.c(v)),
            "fit_intercept" => value.bool().map(|v| this.fit_intercept(v)),
            "l1_ratio" => value.float().map(|v| this.l1_ratio(v)),
            "max_iter" => value.count().map(|v| this.max_iter(v)),
            "tol" => value.float().map(|v| this.tol(v)),
            _ => return None,
        })
    }
}

impl StandardScaler {
    /// [`with_mean`](StandardScaler::with_mean).
    pub const WITH_MEAN: Param<Self, bool> = Param::new("with_mean");
    /// [`with_std`](StandardScaler::with_std).
    pub const WITH_STD: Param<Self, bool> = Param::new("with_std");

    pub(crate) const PARAMS: &'static [&'static str] = &["with_mean", "with_std"];

    /// The same with another value of a parameter of this name; `None` if there is none.
    pub(crate) fn with_param(&self, name: &str, value: ParamValue) -> Option<Result<Self>> {
        let this = self.clone();
        Some(match name {
            "with_mean" => value.bool().map(|v| this.with_mean(v)),
            "with_std" => value.bool().map(|v| this.with_std(v)),
            _ => return None,
        })
    }
}

impl DummyEncoder {
    /// [`drop_first`](DummyEncoder::drop_first).
    pub const DROP_FIRST: Param<Self, bool> = Param::new("drop_first");

    pub(crate) const PARAMS: &'static [&'static str] = &["drop_first"];

    /// The same with another value of a parameter of this name; `None` if there is none.
    pub(crate) fn with_param(&self, name: &str, value: ParamValue) -> Option<Result<Self>> {
        (name == "drop_first").then(|| value.bool().map(|v| self.clone().drop_first(v)))
    }
}

impl ParamValue {
    fn float(self) -> Result<f64> {
        match self {
            ParamValue::Float(value) => Ok(value),
            ParamValue::Int(value) => Ok(value as f64),
            ParamValue::Bool(_) => Err(self.is_no("number")),
        }
    }

    fn count(self) -> Result<usize> {
        match self {
            ParamValue::Int(value) => usize::try_from(value).map_err(|_| self.is_no("count")),
            _ => Err(self.is_no("whole number")),
        }
    }

    fn bool(self) -> Result<bool> {
        match self {
            ParamValue::Bool(value) => Ok(value),
            _ => Err(self.is_no("true or false")),
        }
    }

    fn is_no(self, what: &str) -> Error {
        Error::invalid(format!("the value {self} where a {what} is needed"))
    }
}

impl fmt::Display for ParamValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ParamValue::Bool(value) => write!(f, "{value}"),
            ParamValue::Int(value) => write!(f, "{value}"),
            ParamValue::Float(value) => write!(f, "{value:?}"),
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

    #[test]
    fn a_value_of_the_wrong_type_is_refused() {
        let model = LogisticRegression::new();
        assert_eq!(model.with_param("C", ParamValue::Int(2)).unwrap().unwrap(), LogisticRegression::new().c(2.0));
        let text = model.with_param("max_iter", ParamValue::Float(1.5)).unwrap().unwrap_err().to_string();
        assert!(text.contains("1.5 where a whole number is needed"), "{text}");
        assert!(model.with_param("max_iter", ParamValue::Int(-1)).unwrap().is_err());
        assert!(StandardScaler::new().with_param("with_mean", ParamValue::Int(1)).unwrap().is_err());
        assert!(model.with_param("gamma", ParamValue::Int(1)).is_none());
    }

    #[test]
    fn every_listed_parameter_can_be_set() {
        let any = |set: &dyn Fn(ParamValue) -> bool| [ParamValue::Bool(true), ParamValue::Int(1)].into_iter().any(set);
        for name in LogisticRegression::PARAMS {
            assert!(any(&|v| matches!(LogisticRegression::new().with_param(name, v), Some(Ok(_)))), "{name}");
        }
        for name in StandardScaler::PARAMS {
            assert!(any(&|v| matches!(StandardScaler::new().with_param(name, v), Some(Ok(_)))), "{name}");
        }
        for name in DummyEncoder::PARAMS {
            assert!(any(&|v| matches!(DummyEncoder::new().with_param(name, v), Some(Ok(_)))), "{name}");
        }
    }
}
