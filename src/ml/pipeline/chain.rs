//! Named steps one after the other.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::datatypes::Schema;
use linfa::dataset::DatasetBase;
use linfa::traits::Fit;
use serde::{Deserialize, Serialize};

use super::fitted::FittedPipeline;
use super::note::{self, Note};
use super::outline::{Outline, Uses};
use super::param::{ParamValue, Parameters};
use super::step::{FittedStep, Step, names};
use crate::base::schema::nearest;
use crate::base::{Error, ErrorKind, Result};
use crate::frame::DataFrame;
use crate::ml::classes::Classes;
use crate::ml::dataset::{Target, features, no_feature};
use crate::ml::estimator::FittedModel;
use crate::ml::estimator::training::Estimator;
use crate::ml::train::Passes;
use crate::ml::train::cache::{Cached, Wanted};
use crate::ml::train::training::{Trained, Wish, train};
use crate::ml::train::views::{Undivided, View, Views};

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
    /// Those of which the steps see categories and nothing else: a `Categorizer` is the first to read them.
    pub coded: Vec<String>,
    /// The steps before the model.
    pub steps: Vec<(String, Step)>,
    /// The name of the model's step.
    pub name: String,
    pub model: Arc<dyn Estimator>,
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
        let near = nearest_param(key, &known).map(|near| format!(", did you mean `{near}`?")).unwrap_or_default();
        let instead = match key.rsplit_once("__") {
            Some((step, "penalty")) if known.contains(&format!("{step}__l1_ratio")) => {
                format!("use `{step}__l1_ratio`: 0 is the ℓ₂ penalty, 1 the ℓ₁ penalty; ")
            }
            _ => String::new(),
        };
        let of_linfa = |(_, step): &(String, Step)| matches!(step, Step::Custom(_));
        let linfa = match self.steps.iter().any(of_linfa) {
            true => "; those of a model of one's own or of linfa cannot be searched: fit a pipeline for each value",
            false => "",
        };
        Error::invalid(format!("the pipeline has no parameter `{key}`{near}"))
            .help(format!("{instead}its parameters are {}{linfa}", known.join(", ")))
    }

    /// Fits to all rows of a frame. The frame is read once; its rows are cached in memory, or on disk where the session's
    /// memory limit asks for that, and the steps and the model are fitted in passes over the cache.
    ///
    /// # Errors
    /// `UnknownColumn`, `TypeMismatch` and `Model` for columns that do not fit the steps or cannot be features, and for
    /// a target that is null somewhere or, where classes are learnt, has fewer than two: they name the column. `Memory` if the memory limit does
    /// not leave room for what a pass needs. `Invalid` for a pipeline without a model at its end.
    pub fn fit(&self, dataset: &DatasetBase<DataFrame, Target>) -> Result<FittedPipeline> {
        let (frame, target) = (dataset.records(), dataset.targets());
        let prepared = self.prepare(&features(dataset)?).map_err(|e| no_feature(e, target, None))?;
        let prepared = Arc::new(prepared);
        let wanted = Wanted {
            features: prepared.inputs.clone(),
            coded: prepared.coded.clone(),
            target: target.name(),
            task: prepared.model.task(),
            weight: target.weight(),
            group: None,
        };
        let cached = Cached::of(frame, &wanted)?;
        note::log(&prepared.notes);
        let session = frame.session();
        let fit = || {
            let views = Views::of(&cached, &Undivided, &[(prepared.clone(), None)])?;
            let (mut fitted, passes) = fit_view(&cached, &views, 0, &prepared.model, target.name())?;
            fitted.took(Passes { source: 1, cache: views.passes + passes });
            Ok(fitted)
        };
        session.install(fit).unwrap_or_else(fit)
    }

    /// Fits a pipeline that has no model to a frame, a pass over its partitions for each step.
    ///
    /// # Errors
    /// Those of the steps; `Invalid` for a pipeline with a model, which needs a target.
    pub fn fit_frame(&self, frame: &DataFrame) -> Result<FittedPipeline> {
        let Pruned { inputs, steps, notes, .. } = prune(&self.steps, frame.schema())?;
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
        check_names(&self.steps)?;
        if let Some(pair) = self.steps.windows(2).find(|pair| pair[0].1.is_model()) {
            let (model, next) = (&pair[0].0, &pair[1].0);
            let what = format!("step `{model}` is a model, and stands before step `{next}`");
            return Err(Error::invalid(what).help("a model has to be the last step: put the others before it"));
        }
        let end = self
            .steps
            .split_last()
            .map(|((name, step), steps)| Ok::<_, Error>((name, step.estimator().map_err(|e| e.at_step(name))?, steps)));
        let Some((name, Some(model), steps)) = end.transpose()? else {
            return Err(Error::invalid("the last step of the pipeline has to be a model")
                .help("add .step(\"clf\", LogisticRegression::new()), or use fit_frame"));
        };
        let Pruned { inputs, coded, steps, notes } = prune(steps, features)?;
        Ok(Prepared { inputs, coded, steps, name: name.clone(), model, notes })
    }
}

/// Steps that were checked against columns.
struct Pruned {
    /// The columns that are needed.
    inputs: Vec<String>,
    /// Those that a `Categorizer` is the first to read.
    coded: Vec<String>,
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
        if step.is_model() {
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
    let coded = Uses::in_turn(pruned.iter().map(|(_, step)| step).zip(&outlines)).looked_up;
    let inputs = names(features).into_iter().filter(|name| wanted.plain.contains(name)).collect();
    Ok(Pruned { inputs, coded, steps: pruned, notes })
}

/// The parameter that a wrong name most likely means: that of the same step which is called most like it, or the one of
/// this name of the step that is called most like it.
pub(crate) fn nearest_param<'a>(key: &str, known: &'a [String]) -> Option<&'a String> {
    let parted = || known.iter().filter_map(|name| name.rsplit_once("__"));
    let (step, param) = key.rsplit_once("__")?;
    let near = match nearest(param, parted().filter(|(of, _)| *of == step).map(|(_, param)| param)) {
        Some(param) => format!("{step}__{param}"),
        None => format!("{}__{param}", nearest(step, parted().map(|(step, _)| step).filter(|of| *of != step))?),
    };
    known.iter().find(|name| **name == near)
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
pub(crate) fn in_step(error: Error, name: &str) -> Error {
    match error.kind() {
        ErrorKind::Invalid { .. } | ErrorKind::Unsupported { .. } => error,
        _ => error.at_step(name).doing("fit"),
    }
}

/// Fits a model to the rows of a view; says in how many passes over the cache.
///
/// # Errors
/// Those of the model.
pub(crate) fn fit_view(
    cached: &Cached,
    views: &Views,
    view: usize,
    model: &Arc<dyn Estimator>,
    target: &str,
) -> Result<(FittedPipeline, u64)> {
    let Trained { fits, passes, history } = train(cached, &Undivided, views, &[Wish { view, model: model.clone() }])?;
    let outcome = fits.into_iter().next().unwrap_or_else(|| Err(Error::invalid("a fit has no end")));
    let fitted = outcome.map_err(|e| e.at_column(target))?;
    let separable = model.tells_all_apart(&views.facts[view], &fitted);
    let View { prepared, steps, .. } = &views.views[view];
    let mut finished = finished(prepared, steps.clone(), fitted, &cached.classes, target);
    finished.learnt(history);
    if separable {
        let note = Note::Separable { fit: format!("step `{}` to all rows", prepared.name) };
        note::log(std::slice::from_ref(&note));
        finished.remarked(note);
    }
    Ok((finished, passes))
}

/// The pipeline of fitted steps and a fitted model.
pub(crate) fn finished(
    prepared: &Prepared,
    steps: Vec<(String, FittedStep)>,
    fitted: FittedModel,
    classes: &Classes,
    target: &str,
) -> FittedPipeline {
    let mut notes = prepared.notes.clone();
    for (name, step) in &steps {
        let columns = step.without_categories();
        if !columns.is_empty() {
            let none = Note::NoCategories { step: name.clone(), columns };
            note::log(std::slice::from_ref(&none));
            notes.push(none);
        }
    }
    if let Some(kkt) = fitted.unconverged() {
        let late = Note::NotConverged { fit: format!("step `{}` to all rows", prepared.name), kkt };
        note::log(std::slice::from_ref(&late));
        notes.push(late);
    }
    let model = Some((prepared.name.clone(), target.to_string(), classes.clone(), fitted));
    FittedPipeline::new(prepared.inputs.clone(), steps, model, notes)
}

impl Fit<DataFrame, Target, Error> for Pipeline {
    type Object = FittedPipeline;

    fn fit(&self, dataset: &DatasetBase<DataFrame, Target>) -> Result<FittedPipeline> {
        Pipeline::fit(self, dataset)
    }
}
