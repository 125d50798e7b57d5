//! A pipeline as a step of another, or as a part of a `ColumnTransformer`: its steps one after the other, without a model.

use arrow::array::RecordBatch;
use arrow::datatypes::{Schema, SchemaRef};
use serde::{Deserialize, Serialize};

use super::chain::Pipeline;
use super::outline::{Outline, Uses, Wanted};
use super::param::{ParamValue, Parameters};
use super::rows::Rows;
use super::step::{FittedStep, Step, StepStats, names};
use crate::base::{Error, Result};
use crate::ml::prepare::OnePass;
use crate::ml::prepare::one_pass::Fitting;
use crate::ml::prepare::transform::{FittedTransform, Transform};

/// A fitted pipeline inside of another.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FittedSteps {
    inputs: Vec<String>,
    steps: Vec<(String, FittedStep)>,
}

/// What a pass over the rows has gathered for the first step of a pipeline that is not fitted yet.
#[derive(Debug)]
pub struct NestedStats {
    schema: SchemaRef,
    stats: Option<Box<StepStats>>,
}

impl Pipeline {
    /// Its first steps, as far as they are fitted.
    fn fitted_steps(&self) -> impl Iterator<Item = (&str, &FittedStep)> {
        self.steps().iter().map_while(|(name, step)| match step {
            Step::Fitted(step) => Some((name.as_str(), step.as_ref())),
            _ => None,
        })
    }

    /// The first step that is not fitted.
    fn next_step(&self) -> Option<&(String, Step)> {
        self.steps().iter().find(|(_, step)| !matches!(step, Step::Fitted(_)))
    }

    /// What the next step is fitted to.
    fn so_far(&self, batch: &RecordBatch) -> Result<RecordBatch> {
        let rows = Rows { plain: batch.clone(), blocks: Vec::new() };
        let mut fitted = self.fitted_steps();
        Ok(fitted.try_fold(rows, |rows, (name, step)| step.apply(rows).map_err(|e| e.at_step(name)))?.plain)
    }

    /// The columns before each step, as far as the steps fit them.
    fn outlines(&self, at: &Outline) -> Vec<Outline> {
        let mut next = Some(at.clone());
        let before = |(name, step): &(String, Step)| {
            let at = next.take()?;
            next = at.after(name, step).ok();
            Some(at)
        };
        self.steps().iter().map_while(before).collect()
    }

    /// The same with its first unfitted step replaced.
    fn with_next(&self, next: Step) -> Pipeline {
        let mut next = Some(next);
        self.steps().iter().fold(Pipeline::new(), |pipeline, (name, step)| {
            let replaced = if matches!(step, Step::Fitted(_)) { None } else { next.take() };
            pipeline.step(name, replaced.unwrap_or_else(|| step.clone()))
        })
    }
}

impl OnePass for Pipeline {
    type Stats = NestedStats;
    type Fitted = FittedSteps;

    fn begin(&self, schema: &Schema) -> Result<NestedStats> {
        let schema = SchemaRef::new(schema.clone());
        let stats = match self.next_step() {
            Some((name, step)) => {
                let so_far = self.so_far(&RecordBatch::new_empty(schema.clone()))?;
                Some(Box::new(step.begin(&so_far.schema()).map_err(|e| e.at_step(name))?))
            }
            None => None,
        };
        Ok(NestedStats { schema, stats })
    }

    fn changes(&self, schema: &Schema) -> Vec<String> {
        let mut all = names(schema);
        if let Ok(after) = Transform::after(self, "", &Outline::of(schema)) {
            all.extend(names(&after.plain));
        }
        all
    }

    fn looks_at_rows(&self) -> bool {
        self.steps().iter().any(|(_, step)| step.looks_at_rows())
    }

    fn update(&self, stats: &mut NestedStats, batch: &RecordBatch) -> Result<()> {
        let (Some((name, step)), Some(stats)) = (self.next_step(), &mut stats.stats) else { return Ok(()) };
        step.update(stats, &self.so_far(batch)?).map_err(|e| e.at_step(name))
    }

    fn merge(&self, stats: &mut NestedStats, later: NestedStats) -> Result<()> {
        match (self.next_step(), &mut stats.stats, later.stats) {
            (Some((name, step)), Some(stats), Some(later)) => step.merge(stats, *later).map_err(|e| e.at_step(name)),
            _ => Ok(()),
        }
    }

    fn finish(&self, stats: NestedStats) -> Result<FittedSteps> {
        self.after_pass(stats)?.fitted()
    }

    fn after_pass(&self, stats: NestedStats) -> Result<Fitting<Self>> {
        let mut pipeline = self.clone();
        if let (Some((name, step)), Some(stats)) = (self.next_step(), stats.stats) {
            pipeline = self.with_next(match step.after_pass(*stats).map_err(|e| e.at_step(name))? {
                Fitting::Fitted(fitted) => fitted.into(),
                Fitting::Again(step) => step,
            });
        }
        while let Some((name, step)) = pipeline.next_step().cloned() {
            if step.looks_at_rows() {
                return Ok(Fitting::Again(pipeline));
            }
            let so_far = pipeline.so_far(&RecordBatch::new_empty(stats.schema.clone()))?;
            let fitted = step.fit_batches(&so_far.schema(), [&so_far]).map_err(|e| e.at_step(&name))?;
            pipeline = pipeline.with_next(fitted.into());
        }
        let steps = pipeline.fitted_steps().map(|(name, step)| (name.to_string(), step.clone())).collect();
        Ok(Fitting::Fitted(FittedSteps { inputs: names(&stats.schema), steps }))
    }
}

impl Parameters for Pipeline {
    fn params(&self) -> Vec<String> {
        Pipeline::params(self)
    }

    fn with_param(&self, name: &str, value: &ParamValue) -> Option<Result<Self>> {
        let known = Pipeline::params(self).iter().any(|param| param == name);
        known.then(|| self.with_params(&[(name.to_string(), value.clone())].into()))
    }
}

impl Transform for Pipeline {
    fn after(&self, name: &str, at: &Outline) -> Result<Outline> {
        self.steps().iter().try_fold(at.clone(), |at, (inner, step)| {
            if step.is_model() {
                return Err(Error::invalid(format!(
                    "`{inner}` in step `{name}` is a model: it has to be the last step"
                )));
            }
            at.after(inner, step).map_err(|e| e.at_step(inner))
        })
    }

    fn uses(&self, at: &Outline) -> Uses {
        let outlines = self.outlines(at);
        Uses::in_turn(self.steps().iter().map(|(_, step)| step).zip(&outlines))
    }

    fn prune(&self, at: &Outline, wanted: Wanted) -> (Self, Wanted) {
        let outlines = self.outlines(at);
        if outlines.len() < self.steps().len() {
            return (self.clone(), at.all());
        }
        let (mut steps, mut wanted) = (Vec::new(), wanted);
        for ((name, step), at) in self.steps().iter().zip(&outlines).rev() {
            let (step, needed) = at.prune(step, wanted);
            steps.push((name.clone(), step));
            wanted = needed;
        }
        let pruned = steps.into_iter().rev().fold(Pipeline::new(), |pipeline, (name, step)| pipeline.step(name, step));
        (pruned, wanted)
    }
}

impl FittedSteps {
    /// The names and the fitted steps.
    pub fn steps(&self) -> &[(String, FittedStep)] {
        &self.steps
    }

    /// The columns that went in when it was fitted.
    pub fn inputs(&self) -> &[String] {
        &self.inputs
    }
}

impl FittedTransform for FittedSteps {
    fn apply(&self, rows: Rows) -> Result<Rows> {
        self.steps.iter().try_fold(rows, |rows, (name, step)| step.apply(rows).map_err(|e| e.at_step(name)))
    }

    fn undo(&self, batch: &RecordBatch) -> Result<RecordBatch> {
        let undo =
            |batch: RecordBatch, (name, step): &(String, FittedStep)| step.undo(&batch).map_err(|e| e.at_step(name));
        self.steps.iter().rev().try_fold(batch.clone(), undo)
    }
}
