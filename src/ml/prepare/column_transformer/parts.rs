//! Which steps for which columns.

use std::fmt;

use arrow::datatypes::Schema;
use serde::{Deserialize, Serialize};

use crate::base::{Error, Result};
use crate::ml::pipeline::Step;
use crate::ml::pipeline::outline::Outline;
use crate::ml::pipeline::param::{ParamValue, Parameters};
use crate::ml::pipeline::step::names;
use crate::ml::prepare::transform::Transform;

/// What the columns are called that no part names.
pub(super) const REMAINDER: &str = "remainder";

/// Applies steps to columns: scalers, encoders, imputers, functions, pipelines of them, another transformer of columns.
/// The result has the columns of the parts, in their order, then the remainder if it is kept.
///
/// A step sees the columns of its part and no others; an encoder that was not told columns encodes all of them. A column
/// may be in several parts, if what they make of it has different names.
///
/// The columns that no part names are dropped unless [`remainder`](Self::remainder) says otherwise, as in scikit-learn
/// and dask-ml. That easily drops what an earlier step made, so the fitted transformer has a
/// [`note`](super::FittedColumnTransformer::note) of it.
///
/// ```
/// use partita::ml::{ColumnTransformer, OneHotEncoder, Pipeline, Remainder, SimpleImputer, StandardScaler};
/// # let fare = std::sync::Arc::new(arrow::array::Float64Array::from(vec![Some(1.0), None, Some(3.0)])) as arrow::array::ArrayRef;
/// # let zone = std::sync::Arc::new(arrow::array::StringArray::from(vec!["a", "b", "a"])) as _;
/// # let flag = std::sync::Arc::new(arrow::array::BooleanArray::from(vec![true, false, true])) as _;
/// # let batch = arrow::array::RecordBatch::try_from_iter([("flag", flag), ("fare", fare), ("zone", zone)]).unwrap();
/// # let taxi = partita::DataFrame::from_batches([batch])?;
/// let numbers = Pipeline::new().step("fill", SimpleImputer::median()).step("scale", StandardScaler::new());
/// let step = ColumnTransformer::new()
///     .with("num", numbers, ["fare"])
///     .with("cat", OneHotEncoder::new(), ["zone"])
///     .remainder(Remainder::Passthrough);
/// let prepared = step.fit(&taxi)?.transform(&taxi)?;
/// assert_eq!(prepared.columns(), ["fare", "zone_a", "zone_b", "flag"]);
/// # Ok::<(), partita::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ColumnTransformer {
    pub(super) steps: Vec<Part<ColumnStep>>,
    pub(super) remainder: ColumnStep,
    pub(super) verbose: bool,
}

/// What becomes of the columns that no part names.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Remainder {
    /// They are dropped.
    #[default]
    Drop,
    /// They are kept as they are.
    Passthrough,
}

/// What happens to some columns.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum ColumnStep {
    /// They go through a step.
    Step(Box<Step>),
    /// They are kept as they are.
    Passthrough,
    /// They are dropped.
    Drop,
}

impl From<Remainder> for ColumnStep {
    fn from(remainder: Remainder) -> Self {
        match remainder {
            Remainder::Drop => ColumnStep::Drop,
            Remainder::Passthrough => ColumnStep::Passthrough,
        }
    }
}

impl From<Step> for ColumnStep {
    fn from(step: Step) -> Self {
        ColumnStep::Step(Box::new(step))
    }
}

/// A named step and its columns.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Part<S> {
    pub name: String,
    pub columns: Vec<String>,
    pub step: S,
}

impl Default for ColumnTransformer {
    fn default() -> Self {
        ColumnTransformer { steps: Vec::new(), remainder: ColumnStep::Drop, verbose: false }
    }
}

impl ColumnTransformer {
    /// No steps; the remainder is dropped.
    pub fn new() -> Self {
        ColumnTransformer::default()
    }

    /// Adds a step for these columns.
    #[must_use]
    pub fn with<S: Into<String>>(
        mut self,
        name: impl Into<String>,
        step: impl Into<ColumnStep>,
        columns: impl IntoIterator<Item = S>,
    ) -> Self {
        let columns: Vec<String> = columns.into_iter().map(Into::into).collect();
        let step = match step.into() {
            ColumnStep::Step(step) => ColumnStep::Step(Box::new(step.for_columns(&columns))),
            other => other,
        };
        self.steps.push(Part { name: name.into(), columns, step });
        self
    }

    /// What becomes of the columns that no part names: [`Remainder::Drop`], [`Remainder::Passthrough`], or a step.
    #[must_use]
    pub fn remainder(mut self, remainder: impl Into<ColumnStep>) -> Self {
        self.remainder = remainder.into();
        self
    }

    /// Whether what comes out is called by the name of its part too, as `num__fare`; not so if nothing is said.
    #[must_use]
    pub fn verbose_feature_names_out(mut self, verbose: bool) -> Self {
        self.verbose = verbose;
        self
    }

    /// The columns that no part names.
    pub(super) fn others(&self, schema: &Schema) -> Vec<String> {
        let named = |name: &String| self.steps.iter().any(|part| part.columns.contains(name));
        names(schema).into_iter().filter(|name| !named(name)).collect()
    }

    /// What a column that a part makes is called.
    pub(super) fn called(&self, part: &str, name: &str) -> String {
        if self.verbose { format!("{part}__{name}") } else { name.to_string() }
    }

    /// All parts, the remainder as the last, where the columns that no other names are known.
    pub(super) fn parts<'a>(&'a self, others: &'a [String]) -> impl Iterator<Item = Borrowed<'a>> {
        let rest = Borrowed { name: REMAINDER, columns: others, step: &self.remainder };
        let part = |part: &'a Part<ColumnStep>| Borrowed { name: &part.name, columns: &part.columns, step: &part.step };
        self.steps.iter().map(part).chain([rest])
    }
}

/// A part of an unfitted transformer.
#[derive(Clone, Copy)]
pub(super) struct Borrowed<'a> {
    pub name: &'a str,
    pub columns: &'a [String],
    pub step: &'a ColumnStep,
}

impl Borrowed<'_> {
    /// What it makes of its columns, by their own names; nothing if it drops them.
    pub fn after(&self, at: &Outline) -> Result<Option<Outline>> {
        let chosen = at.select(self.name, self.columns)?;
        Ok(match self.step {
            ColumnStep::Drop => None,
            ColumnStep::Passthrough => Some(chosen),
            ColumnStep::Step(step) if step.is_model() => {
                let what =
                    format!("part `{}` is a model, and a model can only be the last step of a pipeline", self.name);
                return Err(Error::invalid(what));
            }
            ColumnStep::Step(step) => Some(step.after(self.name, &chosen).map_err(|e| e.at_step(self.name))?),
        })
    }

    /// The step, if it is to be fitted.
    pub fn unfitted(&self) -> Option<&Step> {
        match self.step {
            ColumnStep::Step(step) if !matches!(**step, Step::Fitted(_)) => Some(step),
            _ => None,
        }
    }
}

impl fmt::Display for ColumnTransformer {
    /// Its parts and their columns, and what becomes of the others.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ColumnTransformer(")?;
        for part in &self.steps {
            write!(f, "{}: {} of {}; ", part.name, part.step, part.columns.join(", "))?;
        }
        write!(f, "others: {})", self.remainder)
    }
}

impl fmt::Display for ColumnStep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ColumnStep::Step(step) => write!(f, "{step}"),
            ColumnStep::Passthrough => f.write_str("kept"),
            ColumnStep::Drop => f.write_str("dropped"),
        }
    }
}

impl Parameters for ColumnTransformer {
    /// Those of its parts, as `num__with_mean`.
    fn params(&self) -> Vec<String> {
        let parts = self.parts(&[]).filter_map(|part| match part.step {
            ColumnStep::Step(step) => Some((part.name.to_string(), step.params())),
            _ => None,
        });
        parts.flat_map(|(part, names)| names.into_iter().map(move |name| format!("{part}__{name}"))).collect()
    }

    fn with_param(&self, name: &str, value: &ParamValue) -> Option<Result<Self>> {
        let set = |part: &str, step: &ColumnStep| -> Option<Result<ColumnStep>> {
            let ColumnStep::Step(step) = step else { return None };
            let param = name.strip_prefix(part)?.strip_prefix("__")?;
            step.with_param(param, value).map(|step| step.map(ColumnStep::from))
        };
        for (place, part) in self.steps.iter().enumerate() {
            if let Some(step) = set(&part.name, &part.step) {
                return Some(step.map(|step| {
                    let mut changed = self.clone();
                    changed.steps[place].step = step;
                    changed
                }));
            }
        }
        set(REMAINDER, &self.remainder)
            .map(|step| step.map(|remainder| ColumnTransformer { remainder, ..self.clone() }))
    }
}

/// Succeeds where parts have names of their own, and no column twice.
///
/// # Errors
/// `Invalid`, naming the part.
pub(super) fn check_parts(parts: &[Part<ColumnStep>]) -> Result<()> {
    for (i, part) in parts.iter().enumerate() {
        if part.name.is_empty() || part.name.contains("__") {
            return Err(Error::invalid(format!("a part cannot be called `{}`", part.name))
                .help("two underscores part the name of a step from that of its parameter"));
        }
        if part.name == REMAINDER || parts[..i].iter().any(|other| other.name == part.name) {
            return Err(Error::invalid(format!("two parts are called `{}`", part.name)));
        }
        if let Some((_, twice)) = part.columns.iter().enumerate().find(|(j, name)| part.columns[..*j].contains(name)) {
            let what = format!("the column is named twice by part `{}`", part.name);
            return Err(Error::invalid(what).at_column(twice.as_str()).doing("transform"));
        }
    }
    Ok(())
}
