//! Fitting: a pass over the rows is one for all parts.

use arrow::array::RecordBatch;
use arrow::datatypes::Schema;

use super::fitted::{FittedColumnStep, FittedColumnTransformer};
use super::parts::{Borrowed, ColumnStep, ColumnTransformer, Part, check_parts};
use crate::base::Result;
use crate::ml::pipeline::Step;
use crate::ml::pipeline::step::StepStats;
use crate::ml::prepare::columns::{select, select_schema};
use crate::ml::prepare::one_pass::{Fitting, OnePass};

/// What the steps have gathered, and the columns that no part names.
#[derive(Debug)]
pub struct PartStats {
    steps: Vec<Option<StepStats>>,
    others: Vec<String>,
}

impl OnePass for ColumnTransformer {
    type Stats = PartStats;
    type Fitted = FittedColumnTransformer;

    fn begin(&self, schema: &Schema) -> Result<PartStats> {
        check_parts(&self.steps)?;
        let others = self.others(schema);
        let begin = |part: Borrowed<'_>| match part.step {
            ColumnStep::Step(step) => {
                let chosen = select_schema(schema, part.columns).map_err(|e| e.at_step(part.name))?;
                step.begin(&chosen).map(Some).map_err(|e| e.at_step(part.name))
            }
            ColumnStep::Passthrough => {
                select_schema(schema, part.columns).map(|_| None).map_err(|e| e.at_step(part.name))
            }
            ColumnStep::Drop => Ok(None),
        };
        let steps = self.parts(&others).map(begin).collect::<Result<_>>()?;
        Ok(PartStats { steps, others })
    }

    fn reads(&self, schema: &Schema) -> Option<Vec<String>> {
        let others = self.others(schema);
        let parts = self.parts(&others).filter(|part| part.unfitted().is_some());
        Some(parts.flat_map(|part| part.columns.iter().cloned()).collect())
    }

    fn changes(&self, schema: &Schema) -> Vec<String> {
        let others = self.others(schema);
        let changed = self.parts(&others).filter(|part| self.verbose || *part.step != ColumnStep::Passthrough);
        let of_part = |part: Borrowed<'_>| {
            let made = match (part.step, select_schema(schema, part.columns)) {
                (ColumnStep::Step(step), Ok(chosen)) => step.changes(&chosen),
                _ => part.columns.to_vec(),
            };
            let called: Vec<String> = made.iter().map(|name| self.called(part.name, name)).collect();
            part.columns.iter().cloned().chain(called).collect::<Vec<_>>()
        };
        changed.flat_map(of_part).collect()
    }

    fn looks_at_rows(&self) -> bool {
        let steps = self.steps.iter().map(|part| &part.step).chain([&self.remainder]);
        steps.into_iter().any(|step| matches!(step, ColumnStep::Step(step) if step.looks_at_rows()))
    }

    fn update(&self, stats: &mut PartStats, batch: &RecordBatch) -> Result<()> {
        let PartStats { steps, others } = stats;
        for (part, stats) in self.parts(others).zip(steps) {
            if let (Some(step), Some(stats)) = (part.unfitted(), stats) {
                step.update(stats, &select(batch, part.columns)?).map_err(|e| e.at_step(part.name))?;
            }
        }
        Ok(())
    }

    fn merge(&self, stats: &mut PartStats, later: PartStats) -> Result<()> {
        let PartStats { steps, others } = stats;
        for (part, (stats, later)) in self.parts(others).zip(steps.iter_mut().zip(later.steps)) {
            if let (ColumnStep::Step(step), Some(stats), Some(later)) = (part.step, stats, later) {
                step.merge(stats, later).map_err(|e| e.at_step(part.name))?;
            }
        }
        Ok(())
    }

    fn finish(&self, stats: PartStats) -> Result<FittedColumnTransformer> {
        self.after_pass(stats)?.fitted()
    }

    fn after_pass(&self, stats: PartStats) -> Result<Fitting<Self>> {
        let PartStats { steps, others } = stats;
        let mut fitted: Vec<ColumnStep> = Vec::with_capacity(steps.len());
        for (part, stats) in self.parts(&others).zip(steps) {
            fitted.push(match (part.step, stats) {
                (ColumnStep::Step(step), Some(stats)) => {
                    match step.after_pass(stats).map_err(|e| e.at_step(part.name))? {
                        Fitting::Fitted(step) => Step::from(step).into(),
                        Fitting::Again(step) => step.into(),
                    }
                }
                (step, _) => step.clone(),
            });
        }
        let remainder = fitted.pop().unwrap_or(ColumnStep::Drop);
        let steps = self.steps.iter().zip(fitted).map(|(part, step)| Part { step, ..part.clone() }).collect();
        let so_far = ColumnTransformer { steps, remainder, verbose: self.verbose };
        Ok(so_far.whole(others).map_or_else(|| Fitting::Again(so_far), Fitting::Fitted))
    }
}

impl ColumnTransformer {
    /// The fitted transformer, if all its steps are.
    fn whole(&self, others: Vec<String>) -> Option<FittedColumnTransformer> {
        let fitted = |part: Borrowed<'_>| {
            let step = match part.step {
                ColumnStep::Step(step) => match step.as_ref() {
                    Step::Fitted(step) => FittedColumnStep::Step(step.clone()),
                    _ => return None,
                },
                ColumnStep::Passthrough => FittedColumnStep::Passthrough,
                ColumnStep::Drop => FittedColumnStep::Drop,
            };
            Some(Part { name: part.name.to_string(), columns: part.columns.to_vec(), step })
        };
        let mut steps = self.parts(&others).map(fitted).collect::<Option<Vec<_>>>()?;
        let (mut kept, mut dropped) = (Vec::new(), Vec::new());
        match self.remainder {
            ColumnStep::Step(_) => {}
            ColumnStep::Passthrough => (kept, _) = (others, steps.pop()),
            ColumnStep::Drop => (dropped, _) = (others, steps.pop()),
        }
        let fitted = FittedColumnTransformer { steps, kept, dropped, verbose: self.verbose };
        if let Some(note) = fitted.note() {
            tracing::warn!("{note}");
        }
        Some(fitted)
    }
}
