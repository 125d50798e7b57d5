//! Steps for some columns, and what becomes of the others: scikit-learn's `ColumnTransformer`.

use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch};
use arrow::datatypes::{FieldRef, Schema, SchemaRef};
use serde::{Deserialize, Serialize};

use super::one_pass::{OnePass, with_columns};
use super::scaler::{FittedStandardScaler, Moments, StandardScaler};
use crate::base::schema::index_of;
use crate::base::{Error, Result};

/// Applies steps to columns. The result has the columns of the steps, in their order, then the remainder if it is kept.
///
/// The columns that no step names are dropped unless [`remainder`](Self::remainder) says otherwise, as in scikit-learn
/// and dask-ml. That easily drops what an earlier step made, so the fitted transformer has a
/// [`note`](FittedColumnTransformer::note) of it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ColumnTransformer {
    steps: Vec<Part<ColumnStep>>,
    remainder: Remainder,
}

/// What becomes of the columns that no step names.
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
    /// They are scaled.
    Scale(StandardScaler),
    /// They are kept as they are.
    Passthrough,
    /// They are dropped.
    Drop,
}

impl From<StandardScaler> for ColumnStep {
    fn from(scaler: StandardScaler) -> Self {
        ColumnStep::Scale(scaler)
    }
}

/// A named step and its columns.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Part<S> {
    name: String,
    columns: Vec<String>,
    step: S,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
enum FittedStep {
    Scale(FittedStandardScaler),
    Passthrough,
    Drop,
}

/// A [`ColumnTransformer`] whose steps are fitted.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FittedColumnTransformer {
    steps: Vec<Part<FittedStep>>,
    kept: Vec<String>,
    dropped: Vec<String>,
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
        let columns = columns.into_iter().map(Into::into).collect();
        self.steps.push(Part { name: name.into(), columns, step: step.into() });
        self
    }

    /// What becomes of the columns that no step names.
    #[must_use]
    pub fn remainder(mut self, remainder: Remainder) -> Self {
        self.remainder = remainder;
        self
    }

    /// The same for fewer columns: those of its steps that `wanted` names, and of the remainder none but such.
    pub(crate) fn limited_to(&self, wanted: impl Fn(&str) -> bool) -> Self {
        let kept = |part: &Part<ColumnStep>| Part {
            columns: part
                .columns
                .iter()
                .filter(|name| part.step != ColumnStep::Drop && wanted(name))
                .cloned()
                .collect(),
            ..part.clone()
        };
        ColumnTransformer { steps: self.steps.iter().map(kept).collect(), remainder: self.remainder }
    }

    /// Whether the columns that no step names are kept.
    pub(crate) fn keeps_remainder(&self) -> bool {
        self.remainder == Remainder::Passthrough
    }

    /// The columns that come out of the steps, in their order, and whether they are scaled.
    pub(crate) fn named(&self) -> impl Iterator<Item = (&str, bool)> {
        let kept = self.steps.iter().filter(|part| part.step != ColumnStep::Drop);
        kept.flat_map(|part| part.columns.iter().map(|c| (c.as_str(), matches!(part.step, ColumnStep::Scale(_)))))
    }

    /// The columns that no step names.
    pub(crate) fn others(&self, schema: &Schema) -> Vec<String> {
        let named = |name: &String| self.steps.iter().any(|part| part.columns.contains(name));
        schema.fields().iter().map(|f| f.name()).filter(|name| !named(name)).cloned().collect()
    }
}

/// The statistics of each step, and the columns that no step names.
#[derive(Clone, Debug)]
pub struct StepStats {
    steps: Vec<Option<Vec<(String, Moments)>>>,
    others: Vec<String>,
}

impl OnePass for ColumnTransformer {
    type Stats = StepStats;
    type Fitted = FittedColumnTransformer;

    fn begin(&self, schema: &Schema) -> Result<StepStats> {
        let mut taken: Vec<&String> = Vec::new();
        for name in self.steps.iter().flat_map(|part| &part.columns) {
            if taken.contains(&name) {
                let error = Error::invalid("the column is named by two steps, or twice by one");
                return Err(error.at_column(name.as_str()).doing("transform"));
            }
            taken.push(name);
        }
        let steps = self.steps.iter().map(|part| {
            let chosen = select_schema(schema, &part.columns)?;
            match &part.step {
                ColumnStep::Scale(scaler) => scaler.begin(&chosen).map(Some),
                ColumnStep::Passthrough | ColumnStep::Drop => Ok(None),
            }
        });
        Ok(StepStats { steps: steps.collect::<Result<_>>()?, others: self.others(schema) })
    }

    fn reads(&self, _schema: &Schema) -> Option<Vec<String>> {
        let scaled = self.steps.iter().filter(|part| matches!(part.step, ColumnStep::Scale(_)));
        Some(scaled.flat_map(|part| part.columns.iter().cloned()).collect())
    }

    fn changes(&self, _schema: &Schema) -> Vec<String> {
        let changed = self.steps.iter().filter(|part| part.step != ColumnStep::Passthrough);
        changed.flat_map(|part| part.columns.iter().cloned()).collect()
    }

    fn looks_at_rows(&self) -> bool {
        self.steps.iter().any(|part| matches!(part.step, ColumnStep::Scale(_)))
    }

    fn update(&self, stats: &mut StepStats, batch: &RecordBatch) -> Result<()> {
        for (part, stats) in self.steps.iter().zip(&mut stats.steps) {
            if let (ColumnStep::Scale(scaler), Some(stats)) = (&part.step, stats) {
                scaler.update(stats, batch)?;
            }
        }
        Ok(())
    }

    fn merge(&self, stats: &mut StepStats, later: StepStats) -> Result<()> {
        for (part, (stats, later)) in self.steps.iter().zip(stats.steps.iter_mut().zip(later.steps)) {
            if let (ColumnStep::Scale(scaler), Some(stats), Some(later)) = (&part.step, stats, later) {
                scaler.merge(stats, later)?;
            }
        }
        Ok(())
    }

    fn finish(&self, stats: StepStats) -> Result<FittedColumnTransformer> {
        let steps = self.steps.iter().zip(stats.steps).map(|(part, stats)| {
            let step = match (&part.step, stats) {
                (ColumnStep::Scale(scaler), Some(stats)) => FittedStep::Scale(scaler.finish(stats)?),
                (ColumnStep::Drop, _) => FittedStep::Drop,
                _ => FittedStep::Passthrough,
            };
            Ok(Part { name: part.name.clone(), columns: part.columns.clone(), step })
        });
        let (kept, dropped) = match self.remainder {
            Remainder::Drop => (Vec::new(), stats.others),
            Remainder::Passthrough => (stats.others, Vec::new()),
        };
        let fitted = FittedColumnTransformer { steps: steps.collect::<Result<_>>()?, kept, dropped };
        if let Some(note) = fitted.note() {
            tracing::warn!("{note}");
        }
        Ok(fitted)
    }
}

impl FittedColumnTransformer {
    /// The columns that no step names and that are dropped.
    pub fn dropped(&self) -> &[String] {
        &self.dropped
    }

    /// What a user may not expect: that columns are dropped because no step names them.
    pub fn note(&self) -> Option<String> {
        let used: usize = self.steps.iter().map(|part| part.columns.len()).sum();
        let total = used + self.kept.len() + self.dropped.len();
        let first = self.dropped.iter().take(3).map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
        let more = if self.dropped.len() > 3 { ", …" } else { "" };
        (!self.dropped.is_empty()).then(|| {
            format!(
                "ColumnTransformer drops {} of {total} columns ({first}{more}): keep them with \
                 remainder(Remainder::Passthrough)",
                self.dropped.len()
            )
        })
    }

    /// The schema after [`transform_batch`](Self::transform_batch).
    ///
    /// # Errors
    /// `UnknownColumn` if a column of the fit is missing.
    pub fn schema(&self, input: &Schema) -> Result<SchemaRef> {
        let mut fields: Vec<FieldRef> = Vec::new();
        for part in &self.steps {
            let chosen = select_schema(input, &part.columns)?;
            match &part.step {
                FittedStep::Scale(scaler) => fields.extend(scaler.schema(&chosen)?.fields().iter().cloned()),
                FittedStep::Passthrough => fields.extend(chosen.fields().iter().cloned()),
                FittedStep::Drop => {}
            }
        }
        fields.extend(select_schema(input, &self.kept)?.fields().iter().cloned());
        Ok(Arc::new(Schema::new(fields)))
    }

    /// The columns of the steps, in their order, then the remainder if it is kept.
    ///
    /// # Errors
    /// `UnknownColumn` if a column of the fit is missing; the errors of the steps.
    pub fn transform_batch(&self, batch: &RecordBatch) -> Result<RecordBatch> {
        let mut columns: Vec<ArrayRef> = Vec::new();
        for part in &self.steps {
            let chosen = select(batch, &part.columns)?;
            match &part.step {
                FittedStep::Scale(scaler) => columns.extend(scaler.transform_batch(&chosen)?.columns().iter().cloned()),
                FittedStep::Passthrough => columns.extend(chosen.columns().iter().cloned()),
                FittedStep::Drop => {}
            }
        }
        columns.extend(select(batch, &self.kept)?.columns().iter().cloned());
        with_columns(batch, self.schema(&batch.schema())?, columns)
    }
}

fn places(schema: &Schema, columns: &[String]) -> Result<Vec<usize>> {
    columns.iter().map(|name| index_of(schema, name).map_err(|e| e.doing("transform"))).collect()
}

fn select_schema(schema: &Schema, columns: &[String]) -> Result<Schema> {
    Ok(schema.project(&places(schema, columns)?)?)
}

fn select(batch: &RecordBatch, columns: &[String]) -> Result<RecordBatch> {
    Ok(batch.project(&places(&batch.schema(), columns)?)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow::array::{AsArray, Int64Array};
    use arrow::datatypes::Float64Type;

    fn batch() -> RecordBatch {
        let column = |v: Vec<i64>| Arc::new(Int64Array::from(v)) as ArrayRef;
        let columns = vec![("a", column(vec![1, 3])), ("b", column(vec![5, 6])), ("c", column(vec![7, 8]))];
        RecordBatch::try_from_iter(columns).unwrap()
    }

    fn names(schema: &Schema) -> Vec<&str> {
        schema.fields().iter().map(|f| f.name().as_str()).collect()
    }

    #[test]
    fn the_remainder_is_dropped_and_said_to_be() {
        let batch = batch();
        let step = ColumnTransformer::new().with("num", StandardScaler::new(), ["b", "a"]);
        let fitted = step.fit_batches(&batch.schema(), [&batch]).unwrap();
        let out = fitted.transform_batch(&batch).unwrap();
        assert_eq!(names(&out.schema()), ["b", "a"]);
        assert_eq!(out.column(1).as_primitive::<Float64Type>().values(), &[-1.0, 1.0]);
        assert_eq!(
            fitted.note().unwrap(),
            "ColumnTransformer drops 1 of 3 columns (`c`): keep them with remainder(Remainder::Passthrough)"
        );
    }

    #[test]
    fn the_remainder_can_be_kept() {
        let batch = batch();
        let step = ColumnTransformer::new()
            .with("num", StandardScaler::new(), ["c"])
            .with("no", ColumnStep::Drop, ["a"])
            .remainder(Remainder::Passthrough);
        let fitted = step.fit_batches(&batch.schema(), [&batch]).unwrap();
        assert_eq!(names(&fitted.transform_batch(&batch).unwrap().schema()), ["c", "b"]);
        assert_eq!(fitted.note(), None);
    }

    #[test]
    fn statistics_merge() {
        let batch = batch();
        let step = ColumnTransformer::new().with("num", StandardScaler::new(), ["a", "b"]);
        let mut stats = step.begin(&batch.schema()).unwrap();
        let mut later = stats.clone();
        step.update(&mut stats, &batch.slice(0, 1)).unwrap();
        step.update(&mut later, &batch.slice(1, 1)).unwrap();
        step.merge(&mut stats, later).unwrap();
        assert_eq!(step.finish(stats).unwrap(), step.fit_batches(&batch.schema(), [&batch]).unwrap());
    }

    #[test]
    fn columns_are_checked() {
        let schema = batch().schema();
        let twice = ColumnTransformer::new().with("x", StandardScaler::new(), ["a", "a"]);
        assert!(twice.begin(&schema).unwrap_err().to_string().contains("column `a`"));
        let unknown = ColumnTransformer::new().with("x", StandardScaler::new(), ["z"]);
        assert!(unknown.begin(&schema).unwrap_err().to_string().contains("unknown column `z`"));
    }
}
