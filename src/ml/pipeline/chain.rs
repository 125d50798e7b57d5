//! Named steps one after the other.

use std::collections::BTreeMap;

use arrow::array::RecordBatch;
use arrow::datatypes::Schema;
use linfa::ParamGuard;
use linfa::dataset::DatasetBase;
use linfa::traits::Fit;
use serde::{Deserialize, Serialize};

use super::fitted::FittedPipeline;
use super::note::{self, Note};
use super::outline::Outline;
use super::param::{ParamValue, Parameters};
use super::rows::{Collected, Rows};
use super::step::{FittedStep, Step, names};
use crate::base::{Error, ErrorKind, Result};
use crate::frame::DataFrame;
use crate::ml::dataset::{Target, features};
use crate::ml::logistic::{ValidLogisticRegression, fit_path};

/// Steps that prepare columns, each fitted to what the one before it gives, and a model at the end.
///
/// All columns of the frame but the target go in. Work whose result no later step uses is left out: an encoder whose
/// features a `ColumnTransformer` drops costs nothing (and there is a [`Note`] of it).
///
/// ```
/// use partita::ml::{LogisticRegression, Pipeline, StandardScaler, Target, linfa::DatasetBase};
/// # use std::sync::Arc;
/// # let hour = Arc::new(arrow::array::Int64Array::from(vec![1, 7, 3, 9, 2, 8])) as arrow::array::ArrayRef;
/// # let tip = Arc::new(arrow::array::BooleanArray::from(vec![false, true, false, true, true, false])) as _;
/// # let batch = arrow::array::RecordBatch::try_from_iter([("hour", hour), ("high_tip", tip)]).unwrap();
/// # let taxi = partita::DataFrame::from_batches([batch])?;
/// let pipeline = Pipeline::new().step("scale", StandardScaler::new()).step("clf", LogisticRegression::new());
/// let model = pipeline.fit(&DatasetBase::new(taxi.clone(), Target::column("high_tip")))?;
/// let table = model.predict(&taxi)?.compute()?;
/// assert_eq!(table.num_rows(), 6);
/// # Ok::<(), partita::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Pipeline {
    steps: Vec<(String, Step)>,
}

/// A pipeline made ready for columns: checked, and without the work that is not needed.
#[derive(Clone, Debug)]
pub(crate) struct Prepared {
    /// The columns that are needed.
    pub inputs: Vec<String>,
    /// The steps before the model.
    pub steps: Vec<(String, Step)>,
    /// The name of the model's step.
    pub name: String,
    pub model: ValidLogisticRegression,
    pub notes: Vec<Note>,
}

impl Pipeline {
    /// No steps.
    pub fn new() -> Self {
        Pipeline::default()
    }

    /// Adds a step.
    #[must_use]
    pub fn step(mut self, name: impl Into<String>, step: impl Into<Step>) -> Self {
        self.steps.push((name.into(), step.into()));
        self
    }

    /// The steps and their names.
    pub fn steps(&self) -> &[(String, Step)] {
        &self.steps
    }

    /// The names of all parameters, as `clf__l1_ratio`.
    pub fn params(&self) -> Vec<String> {
        let of = |(name, step): &(String, Step)| step.params().iter().map(move |p| format!("{name}__{p}")).collect();
        self.steps.iter().flat_map(|step| -> Vec<String> { of(step) }).collect()
    }

    /// The same with other values of some parameters, by their names.
    ///
    /// # Errors
    /// `Invalid` for a name that is none, listing those there are, and for a value of the wrong type.
    pub fn with_params(&self, params: &BTreeMap<String, ParamValue>) -> Result<Pipeline> {
        let mut changed = self.clone();
        for (name, value) in params {
            changed.set(name, value)?;
        }
        Ok(changed)
    }

    fn set(&mut self, key: &str, value: &ParamValue) -> Result<()> {
        let found = self.steps.iter_mut().find_map(|(name, step)| {
            let param = key.strip_prefix(name.as_str())?.strip_prefix("__")?;
            step.with_param(param, value).map(|new| (step, new))
        });
        match found {
            Some((step, new)) => {
                *step = new.map_err(|e| e.doing(format!("set {key}")))?;
                Ok(())
            }
            None => Err(self.unknown(key)),
        }
    }

    fn unknown(&self, key: &str) -> Error {
        let known = self.params();
        let near = crate::base::schema::nearest(key, known.iter().map(String::as_str));
        let near = near.map(|near| format!(", did you mean `{near}`?")).unwrap_or_default();
        Error::invalid(format!("the pipeline has no parameter `{key}`{near}"))
            .help(format!("its parameters are {}", known.join(", ")))
    }

    /// Fits to all rows of a frame, which are held in memory.
    ///
    /// # Errors
    /// `UnknownColumn`, `TypeMismatch` and `Model` for columns that do not fit the steps or cannot be features, and for
    /// a target that has not two classes or is null somewhere: they name the column. `Memory` if the rows do not fit
    /// into the session's memory limit. `Invalid` for a pipeline without a model at its end.
    pub fn fit(&self, dataset: &DatasetBase<DataFrame, Target>) -> Result<FittedPipeline> {
        let (frame, target) = (dataset.records(), dataset.targets().name());
        let prepared = self.prepare(&features(dataset)?)?;
        let mut collected = Collected::of(frame, &prepared.inputs, target)?;
        collected.reserve(1)?;
        note::log(&prepared.notes);
        let session = frame.session();
        session.install(|| prepared.fit(&collected, target)).unwrap_or_else(|| prepared.fit(&collected, target))
    }

    /// Fits a pipeline that has no model to a frame, a pass over its partitions for each step.
    ///
    /// # Errors
    /// Those of the steps; `Invalid` for a pipeline with a model, which needs a target.
    pub fn fit_frame(&self, frame: &DataFrame) -> Result<FittedPipeline> {
        let Pruned { inputs, steps, notes } = prune(&self.steps, frame.schema())?;
        note::log(&notes);
        let mut fitted = FittedPipeline::new(inputs, Vec::new(), None, notes);
        for (name, step) in steps {
            let so_far = fitted.prepared(frame, |rows| Ok(rows.plain))?;
            let step = step.fit_frame(&so_far).map_err(|e| in_step(e, &name))?;
            fitted = fitted.and(name, step);
        }
        Ok(fitted)
    }

    /// Checks the steps against the columns, and leaves out what is not needed.
    pub(crate) fn prepare(&self, features: &Schema) -> Result<Prepared> {
        let Some(((name, Step::LogisticRegression(model)), steps)) = self.steps.split_last() else {
            return Err(Error::invalid("the last step of the pipeline has to be a model")
                .help("add .step(\"clf\", LogisticRegression::new()), or use fit_frame"));
        };
        check_names(&self.steps)?;
        let Pruned { inputs, steps, notes } = prune(steps, features)?;
        Ok(Prepared { inputs, steps, name: name.clone(), model: model.check_ref()?.clone(), notes })
    }
}

/// Steps that were checked against columns.
struct Pruned {
    /// The columns that are needed.
    inputs: Vec<String>,
    /// The steps, without the work that is not needed.
    steps: Vec<(String, Step)>,
    notes: Vec<Note>,
}

/// Checks steps against the columns, and leaves out what is not needed.
fn prune(steps: &[(String, Step)], features: &Schema) -> Result<Pruned> {
    check_names(steps)?;
    let (mut outlines, mut notes) = (Vec::with_capacity(steps.len()), Vec::new());
    let mut at = Outline::of(features);
    for (name, step) in steps {
        if let Step::LogisticRegression(_) = step {
            return Err(Error::invalid(format!(
                "step `{name}` is a model: it needs a target and has to be the last step"
            ))
            .help("use fit with DatasetBase::new(frame, Target::column(..))"));
        }
        notes.extend(at.note(name, step));
        let next = at.after(name, step).map_err(|e| in_step(e, name))?;
        outlines.push(std::mem::replace(&mut at, next));
    }
    let mut wanted = at.all();
    if wanted.plain.is_empty() && wanted.one_hot.is_empty() {
        return Err(Error::model("no column is left after the last step").doing("fit"));
    }
    let mut pruned = Vec::with_capacity(steps.len());
    for ((name, step), outline) in steps.iter().zip(&outlines).rev() {
        let (step, needed) = outline.prune(step, wanted);
        pruned.push((name.clone(), step));
        wanted = needed;
    }
    pruned.reverse();
    let inputs = names(features).into_iter().filter(|name| wanted.plain.contains(name)).collect();
    Ok(Pruned { inputs, steps: pruned, notes })
}

fn check_names(steps: &[(String, Step)]) -> Result<()> {
    for (i, (name, _)) in steps.iter().enumerate() {
        if name.is_empty() || name.contains("__") {
            return Err(Error::invalid(format!("a step cannot be called `{name}`"))
                .help("two underscores part the name of a step from that of its parameter"));
        }
        if steps[..i].iter().any(|(other, _)| other == name) {
            return Err(Error::invalid(format!("two steps are called `{name}`")));
        }
    }
    Ok(())
}

/// The place of an error of a step.
fn in_step(error: Error, name: &str) -> Error {
    match error.kind() {
        ErrorKind::Invalid { .. } | ErrorKind::Unsupported { .. } => error,
        _ => error.at_step(name).doing("fit"),
    }
}

impl Prepared {
    /// Fits the steps before the model, and gives what they make of the rows.
    pub fn fit_steps(&self, batch: &RecordBatch) -> Result<(Vec<(String, FittedStep)>, Rows)> {
        let mut rows = Rows::of(batch, &self.inputs)?;
        let mut fitted = Vec::with_capacity(self.steps.len());
        for (name, step) in &self.steps {
            let step = step.fit_rows(&rows).map_err(|e| in_step(e, name))?;
            rows = step.apply(rows).map_err(|e| in_step(e, name))?;
            fitted.push((name.clone(), step));
        }
        Ok((fitted, rows))
    }

    /// Fits everything to all rows.
    pub fn fit(&self, collected: &Collected, target: &str) -> Result<FittedPipeline> {
        let (steps, rows) = self.fit_steps(&collected.features)?;
        let design = rows.design()?;
        let mut models = fit_path(std::slice::from_ref(&self.model), &design, &collected.classes, &collected.y)
            .map_err(|e| e.at_column(target))?;
        let model = models.pop().ok_or_else(|| Error::model("nothing was fitted"))?;
        let mut notes = self.notes.clone();
        if !model.converged() {
            let late = Note::NotConverged { fit: format!("step `{}` to all rows", self.name), kkt: model.kkt() };
            note::log(std::slice::from_ref(&late));
            notes.push(late);
        }
        let model = Some((self.name.clone(), target.to_string(), model));
        Ok(FittedPipeline::new(self.inputs.clone(), steps, model, notes))
    }
}

impl Fit<DataFrame, Target, Error> for Pipeline {
    type Object = FittedPipeline;

    fn fit(&self, dataset: &DatasetBase<DataFrame, Target>) -> Result<FittedPipeline> {
        Pipeline::fit(self, dataset)
    }
}
