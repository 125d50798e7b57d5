//! Validation curves: the scores of a search over one of its parameters.

use std::fmt::Display;

use crate::base::chart::{Axis, Hue, Mark, Panel, Plot, Series};
use crate::base::{Error, Result};
use crate::ml::pipeline::ParamValue;
use crate::ml::pipeline::chain::nearest_param;
use crate::ml::select::{FittedGridSearchCv, Params, Scoring};

/// More points than this are a line without dots.
pub(super) const DOTS: usize = 40;

impl FittedGridSearchCv {
    /// The scores over a parameter, by the scoring that decides: means over the folds, and a standard deviation around them; of
    /// the training rows too if [`return_train_score`](crate::ml::SearchCv::return_train_score) asked for those. Of a search over several
    /// parameters, the others are those of the best candidate: `sklearn.model_selection.ValidationCurveDisplay`.
    ///
    /// The parameter is named by text, or as [`LogisticRegression::C.of("clf")`](crate::ml::LogisticRegression::C).
    ///
    /// # Errors
    /// `Invalid` for a parameter that the search has not, listing those it has.
    pub fn validation_plot(&self, key: impl Display) -> Result<Plot> {
        self.validation_plot_by(self.deciding().scoring(), key)
    }

    /// As [`validation_plot`](Self::validation_plot), by another scoring of the search.
    ///
    /// # Errors
    /// `Invalid` for a parameter that the search has not, and for a scoring it was not given.
    pub fn validation_plot_by(&self, scoring: Scoring, key: impl Display) -> Result<Plot> {
        let (key, judged) = (key.to_string(), self.by(scoring)?);
        let chosen = self.along(&key)?;
        let values: Vec<&ParamValue> = chosen.iter().map(|(_, value)| *value).collect();
        let (axis, places) = parameter(&key, &values);
        let series = |name: &str, hue: usize, mean: &[f64], std: &[f64]| {
            let mut points: Vec<(f64, f64, f64)> = chosen
                .iter()
                .zip(&places)
                .map(|((candidate, _), place)| (*place, mean[*candidate], std[*candidate]))
                .collect();
            points.sort_by(|a, b| a.0.total_cmp(&b.0));
            let line: Vec<(f64, f64)> = points.iter().map(|&(at, mean, _)| (at, mean)).collect();
            let around = points.iter().map(|&(at, mean, std)| (at, mean - std, mean + std)).collect();
            let mut marks = vec![Mark::Area(around), Mark::Line(line.clone())];
            if line.len() <= DOTS {
                marks.push(Mark::Dots(line));
            }
            let note = format!("mean ± std of {} folds", self.fold_sizes().len());
            Series { name: name.to_string(), note, hue: Hue::Of(hue), marks }
        };
        let mut all = vec![series("test rows", 0, judged.mean_test_scores(), judged.std_test_scores())];
        if let (Some(mean), Some(std)) = (judged.mean_train_scores(), judged.std_train_scores()) {
            all.push(series("training rows", 1, mean, std));
        }
        let panel = Panel::of(Axis::numbers().called(scoring.to_string()), all);
        Ok(Plot::new(axis, vec![panel]).title("Validation curve"))
    }

    /// The candidates that differ from the best in this parameter only, and their values of it.
    fn along(&self, key: &str) -> Result<Vec<(usize, &ParamValue)>> {
        let best = self.best_params();
        let same = |params: &Params| {
            let others = |params: &Params| params.iter().filter(|(name, _)| *name != key).count();
            others(params) == others(best)
                && params.iter().all(|(name, value)| name == key || best.get(name) == Some(value))
        };
        let candidates = self.candidates().iter().enumerate().filter(|(_, params)| same(params));
        let found: Vec<_> = candidates.filter_map(|(place, params)| Some((place, params.get(key)?))).collect();
        if found.is_empty() {
            let mut known: Vec<String> = self.candidates().iter().flat_map(|p| p.keys().cloned()).collect();
            known.sort_unstable();
            known.dedup();
            let near = nearest_param(key, &known);
            let near = near.map(|near| format!(", did you mean `{near}`?")).unwrap_or_default();
            return Err(Error::invalid(format!("the search did not try values of `{key}`{near}"))
                .doing("plot")
                .help(format!("it tried those of {}", known.join(", "))));
        }
        Ok(found)
    }
}

/// The axis of a parameter, and where its values are on it: numbers, or names in their order.
pub(super) fn parameter(key: &str, values: &[&ParamValue]) -> (Axis, Vec<f64>) {
    let number = |value: &&ParamValue| match value {
        ParamValue::Int(value) => Some(*value as f64),
        ParamValue::Float(value) => Some(*value).filter(|value| value.is_finite()),
        _ => None,
    };
    match values.iter().map(number).collect::<Option<Vec<f64>>>() {
        Some(places) => (Axis::through(&places).called(key), places),
        None => {
            let names = values.iter().map(ToString::to_string).collect();
            (Axis::names(names).called(key), (0..values.len()).map(|place| place as f64).collect())
        }
    }
}
