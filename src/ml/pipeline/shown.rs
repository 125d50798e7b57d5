//! Pipelines as text: which steps there are, what is predicted from what, and by which coefficients.

use std::fmt;

use super::chain::Pipeline;
use super::fitted::FittedPipeline;
use super::step::{FittedStep, Step};
use crate::ml::classes::Classes;
use crate::ml::design::Layout;
use crate::ml::estimator::FittedModel;

/// So many names are shown, and so many coefficients.
const SHOWN: usize = 6;

impl fmt::Display for Step {
    /// What kind of step it is, and of a transformer of columns or a pipeline what it is made of.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Step::ColumnTransformer(step) => write!(f, "{step}"),
            Step::Pipeline(steps) => {
                let shown: Vec<String> = steps.steps().iter().map(|(_, step)| step.to_string()).collect();
                write!(f, "Pipeline({})", shown.join(", "))
            }
            Step::Custom(model) => write!(f, "{model:?}"),
            Step::Fitted(step) => write!(f, "{step} (fitted)"),
            other => f.write_str(other.kind()),
        }
    }
}

impl fmt::Display for FittedStep {
    /// What kind of step it is.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.kind())
    }
}

impl fmt::Display for Pipeline {
    /// A line for each step.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "pipeline of {}", counted(self.steps().len(), "step"))?;
        self.steps().iter().try_for_each(|(name, step)| write!(f, "\n  {name}: {step}"))
    }
}

impl fmt::Display for FittedPipeline {
    /// What goes in, a line for each step, the model with its largest coefficients, and the notes of the fit.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let inputs = listed(self.inputs().iter().map(|name| format!("`{name}`")), self.inputs().len());
        match self.predicts() {
            Some((target, _)) => write!(f, "fitted pipeline that predicts `{target}` from {inputs}")?,
            None => write!(f, "fitted pipeline of {inputs}")?,
        }
        self.steps().iter().try_for_each(|(name, step)| write!(f, "\n  {name}: {step}"))?;
        if let (Some((_, name)), Ok(model)) = (self.predicts(), self.estimator()) {
            write!(f, "\n  {name}: ")?;
            show_model(f, model)?;
        }
        self.notes().iter().try_for_each(|note| write!(f, "\nnote: {note}"))
    }
}

fn show_model(f: &mut fmt::Formatter<'_>, model: &FittedModel) -> fmt::Result {
    match model {
        FittedModel::Logistic(model) => {
            let features = counted(model.layout().len(), "feature");
            write!(f, "logistic regression on {features}, of the classes {}", model.classes())?;
            let of_class = model.coef_matrix();
            for (margin, (coef, intercept)) in of_class.rows().into_iter().zip(model.intercepts()).enumerate() {
                match label(model.classes(), margin) {
                    Some(label) => write!(f, "\n    {label}: intercept {intercept:.4}")?,
                    None => write!(f, "\n    intercept {intercept:.4}")?,
                }
                show_coefficients(f, model.layout(), &coef.to_vec())?;
            }
            Ok(())
        }
        FittedModel::Linear(model) => {
            let features = counted(model.layout().len(), "feature");
            write!(f, "linear regression on {features}\n    intercept {:.4}", model.intercept())?;
            show_coefficients(f, model.layout(), model.coef_values())
        }
        FittedModel::Other(other) => write!(f, "{other:?} on {}", counted(other.layout().len(), "feature")),
    }
}

/// Whose margin it is; of two classes there is but one.
fn label(classes: &Classes, margin: usize) -> Option<String> {
    if classes.len() == 2 { None } else { classes.labels().get(margin).cloned() }
}

/// The coefficients that are farthest from 0; of equal ones the first.
fn show_coefficients(f: &mut fmt::Formatter<'_>, layout: &Layout, coef: &[f64]) -> fmt::Result {
    let mut named: Vec<(&str, f64)> = layout.names().zip(coef.iter().copied()).filter(|(_, w)| *w != 0.0).collect();
    named.sort_by(|a, b| b.1.abs().total_cmp(&a.1.abs()));
    let shown = named.iter().map(|(name, w)| format!("{name} {w:.4}"));
    match named.len() {
        0 => write!(f, ", all coefficients 0"),
        n if n < coef.len() => write!(f, ", {} ({n} not 0)", listed(shown, SHOWN.min(n))),
        n => write!(f, ", {}", listed(shown, n)),
    }
}

/// The first of some texts; how many there are, if that is more.
fn listed(texts: impl Iterator<Item = String>, all: usize) -> String {
    let first = texts.take(SHOWN).collect::<Vec<_>>().join(", ");
    if all > SHOWN { format!("{first}, … ({all} in all)") } else { first }
}

fn counted(n: usize, what: &str) -> String {
    let s = if n == 1 { "" } else { "s" };
    format!("{n} {what}{s}")
}
