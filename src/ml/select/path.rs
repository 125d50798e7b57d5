//! What the coefficients of a model become as one of its parameters changes.

use std::sync::Arc;

use arrow::array::{ArrayRef, Float64Array, RecordBatch, StringArray, UInt64Array};
use arrow::compute::take;
use linfa::dataset::DatasetBase;

use super::grid::{Params, shown};
use super::report::param_column;
use super::search::{Group, grouped};
use crate::base::{Error, Result};
use crate::frame::{DataFrame, Table};
use crate::ml::dataset::{Target, features};
use crate::ml::estimator::FittedModel;
use crate::ml::pipeline::chain::finished;
use crate::ml::pipeline::note::Note;
use crate::ml::pipeline::{FittedPipeline, ParamKey, ParamValue, Pipeline};
use crate::ml::train::Passes;
use crate::ml::train::cache::Cached;
use crate::ml::train::training::{Wish, train};
use crate::ml::train::views::{Undivided, View, Views};

/// A pipeline fitted to the same rows with several values of one parameter: see [`coefficient_path`].
#[derive(Clone, Debug)]
pub struct CoefficientPath {
    key: String,
    values: Vec<ParamValue>,
    models: Vec<FittedPipeline>,
    notes: Vec<Note>,
    passes: Passes,
}

/// Fits a pipeline with each of some values of a parameter to all rows, all on the same passes over the data: the frame is
/// read once, and the passes do not grow with the values. `path.plot()` shows the coefficients, `path.table()` lists them.
///
/// ```
/// use partita::ml::{LogisticRegression, Pipeline, StandardScaler, Target, coefficient_path, linfa::DatasetBase};
/// # use std::sync::Arc;
/// # let hour = Arc::new(arrow::array::Int64Array::from(vec![1, 7, 3, 9, 2, 8])) as arrow::array::ArrayRef;
/// # let tip = Arc::new(arrow::array::BooleanArray::from(vec![false, true, false, true, true, false])) as _;
/// # let batch = arrow::array::RecordBatch::try_from_iter([("hour", hour), ("high_tip", tip)]).unwrap();
/// # let taxi = partita::DataFrame::from_batches([batch])?;
/// let pipeline = Pipeline::new().step("scale", StandardScaler::new()).step("clf", LogisticRegression::new().l1_ratio(1.0));
/// let taxi = DatasetBase::new(taxi, Target::column("high_tip"));
/// let path = coefficient_path(&pipeline, LogisticRegression::C.of("clf"), [0.01, 1.0, 100.0], &taxi)?;
/// assert_eq!(path.coefficients()?[0].1[0], 0.0); // a strong penalty leaves nothing
/// let svg = path.plot()?.to_svg();
/// # Ok::<(), partita::Error>(())
/// ```
///
/// # Errors
/// As the `fit` of a pipeline and of a search; the first fit that fails is an error that names the value.
pub fn coefficient_path<V, K: ParamKey<V>>(
    pipeline: &Pipeline,
    key: K,
    values: impl IntoIterator<Item = V>,
    dataset: &DatasetBase<DataFrame, Target>,
) -> Result<CoefficientPath> {
    let (frame, target) = (dataset.records(), dataset.targets());
    let name = key.name();
    let values: Vec<ParamValue> = values.into_iter().map(|value| key.value(value)).collect();
    if values.is_empty() {
        return Err(Error::invalid(format!("there are no values to try for `{name}`")));
    }
    let candidates: Vec<Params> = values.iter().map(|value| Params::from([(name.clone(), value.clone())])).collect();
    let (groups, wanted) = grouped(pipeline, &candidates, &features(dataset)?, target, None)?;
    let cached = Cached::of(frame, &wanted)?;
    let session = frame.session();
    let fit = || fitted(&cached, &groups, &candidates, target.name());
    let (models, notes, cache) = session.install(fit).unwrap_or_else(fit)?;
    Ok(CoefficientPath { key: name, values, models, notes, passes: Passes { source: 1, cache } })
}

/// The models of all candidates in their order, what a user may not expect of them, and the passes over the cache.
fn fitted(
    cached: &Cached,
    groups: &[Group],
    candidates: &[Params],
    target: &str,
) -> Result<(Vec<FittedPipeline>, Vec<Note>, u64)> {
    let mut notes: Vec<Note> = Vec::new();
    let (mut wishes, mut of_wish) = (Vec::new(), Vec::new());
    for (view, group) in groups.iter().enumerate() {
        for (place, model) in &group.candidates {
            wishes.push(Wish { view, model: model.clone() });
            of_wish.push((*place, view));
        }
    }
    let wanted: Vec<_> = groups.iter().map(|group| (group.prepared.clone(), None)).collect();
    let views = Views::of(cached, &Undivided, &wanted)?;
    let trained = train(cached, &Undivided, &views, &wishes)?;
    let mut models: Vec<(usize, FittedPipeline)> = Vec::with_capacity(candidates.len());
    for ((place, view), outcome) in of_wish.into_iter().zip(trained.fits) {
        let fit = shown(&candidates[place]);
        let model = outcome.map_err(|e| e.at_column(target).help(format!("this was with {fit}")))?;
        let late = model.unconverged().map(|kkt| Note::NotConverged { fit, kkt });
        let View { prepared, steps, .. } = &views.views[view];
        let model = finished(prepared, steps.clone(), model, &cached.classes, target);
        for note in model.notes().iter().filter(|note| !matches!(note, Note::NotConverged { .. })) {
            if !notes.contains(note) {
                notes.push(note.clone());
            }
        }
        notes.extend(late);
        models.push((place, model));
    }
    models.sort_by_key(|(place, _)| *place);
    Ok((models.into_iter().map(|(_, model)| model).collect(), notes, views.passes + trained.passes))
}

impl CoefficientPath {
    /// The name of the parameter, as `clf__C`.
    pub fn key(&self) -> &str {
        &self.key
    }

    /// The values of the parameter, in the order they were given in.
    pub fn values(&self) -> &[ParamValue] {
        &self.values
    }

    /// The pipeline fitted with each value.
    pub fn models(&self) -> &[FittedPipeline] {
        &self.models
    }

    /// What a user may not expect: columns that are dropped, fits that have not converged.
    pub fn notes(&self) -> &[Note] {
        &self.notes
    }

    /// How often rows were read, for all values together.
    pub fn passes(&self) -> Passes {
        self.passes
    }

    /// The name of each feature and its coefficient for each value; NaN for values without the feature. Of more than two
    /// classes the names end in that of the class: `hour (cash)`.
    ///
    /// # Errors
    /// `Model` for a model without coefficients.
    pub fn coefficients(&self) -> Result<Vec<(String, Vec<f64>)>> {
        let mut all: Vec<(String, Vec<f64>)> = Vec::new();
        let mut places = rustc_hash::FxHashMap::default();
        for (i, model) in self.models.iter().enumerate() {
            for (name, coef) in coefficients_of(model)? {
                let place = *places.entry(name.clone()).or_insert_with(|| {
                    all.push((name, vec![f64::NAN; self.models.len()]));
                    all.len() - 1
                });
                all[place].1[i] = coef;
            }
        }
        Ok(all)
    }

    /// A row for each value and feature: the parameter, `feature`, `coefficient`.
    ///
    /// # Errors
    /// As [`coefficients`](Self::coefficients).
    pub fn table(&self) -> Result<Table> {
        let all = self.coefficients()?;
        let each = || (0..self.values.len()).flat_map(|value| all.iter().map(move |feature| (value, feature)));
        let values: Vec<Option<&ParamValue>> = self.values.iter().map(Some).collect();
        let places: UInt64Array = each().map(|(value, _)| Some(value as u64)).collect();
        let columns: [(&str, ArrayRef); 3] = [
            (&self.key, take(&param_column(&values), &places, None)?),
            ("feature", Arc::new(each().map(|(_, (name, _))| Some(name.as_str())).collect::<StringArray>())),
            ("coefficient", Arc::new(each().map(|(value, (_, coefs))| coefs[value]).collect::<Float64Array>())),
        ];
        let batch = RecordBatch::try_from_iter(columns)?;
        Ok(Table::new(batch.schema(), vec![batch]))
    }
}

/// The features of a model and their coefficients.
fn coefficients_of(pipeline: &FittedPipeline) -> Result<Vec<(String, f64)>> {
    let model = match pipeline.estimator()? {
        FittedModel::Logistic(model) => model,
        FittedModel::Linear(model) => return Ok(model.coef().map(|(name, coef)| (name.to_string(), coef)).collect()),
        FittedModel::Other(_) => {
            let error = Error::model("a model that is not one of this crate tells no coefficients");
            return Err(error.doing("list the coefficients").help("look at models()"));
        }
    };
    if model.classes().len() == 2 {
        return Ok(model.coef().map(|(name, coef)| (name.to_string(), coef)).collect());
    }
    let classes = model.classes().names();
    let matrix = model.coef_matrix();
    let rows = matrix.rows().into_iter().zip(classes).map(|(row, class)| {
        let named = model.layout().names().zip(row.to_vec());
        named.map(|(name, coef)| (format!("{name} ({class})"), coef)).collect::<Vec<_>>()
    });
    Ok(rows.flatten().collect())
}
