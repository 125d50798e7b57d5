//! The fitted transformer of columns.

use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch};
use arrow::datatypes::{FieldRef, Schema, SchemaRef};
use serde::{Deserialize, Serialize};

use super::outline::{expect_distinct, renamed};
use super::parts::{Part, REMAINDER};
use crate::base::Result;
use crate::ml::pipeline::FittedStep;
use crate::ml::pipeline::rows::Rows;
use crate::ml::prepare::FittedStandardScaler;
use crate::ml::prepare::columns::select;
use crate::ml::prepare::one_pass::with_columns;
use crate::ml::prepare::transform::FittedTransform;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(from = "SavedColumnStep")]
pub(super) enum FittedColumnStep {
    Step(Box<FittedStep>),
    Passthrough,
    Drop,
}

/// What files hold: before steps of all kinds could be parts there were scalers.
#[derive(Deserialize)]
enum SavedColumnStep {
    Scale(FittedStandardScaler),
    Step(Box<FittedStep>),
    Passthrough,
    Drop,
}

impl From<SavedColumnStep> for FittedColumnStep {
    fn from(saved: SavedColumnStep) -> Self {
        match saved {
            SavedColumnStep::Scale(scaler) => FittedColumnStep::Step(Box::new(scaler.into())),
            SavedColumnStep::Step(step) => FittedColumnStep::Step(step),
            SavedColumnStep::Passthrough => FittedColumnStep::Passthrough,
            SavedColumnStep::Drop => FittedColumnStep::Drop,
        }
    }
}

/// A [`ColumnTransformer`](super::ColumnTransformer) whose steps are fitted.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FittedColumnTransformer {
    pub(super) steps: Vec<Part<FittedColumnStep>>,
    pub(super) kept: Vec<String>,
    pub(super) dropped: Vec<String>,
    #[serde(default)]
    pub(super) verbose: bool,
}

impl FittedColumnTransformer {
    /// The columns that no part names and that are dropped.
    pub fn dropped(&self) -> &[String] {
        &self.dropped
    }

    /// The fitted step of the part of this name; `remainder` is that of the columns that no part names.
    pub fn step(&self, part: &str) -> Option<&FittedStep> {
        self.steps.iter().find(|p| p.name == part).and_then(|part| match &part.step {
            FittedColumnStep::Step(step) => Some(step.as_ref()),
            _ => None,
        })
    }

    /// What a user may not expect: that columns are dropped because no part names them.
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
        Ok(self.transform_batch(&RecordBatch::new_empty(Arc::new(input.clone())))?.schema())
    }

    /// The columns of the parts, in their order, then the remainder if it is kept. One-hot features are boolean columns.
    ///
    /// # Errors
    /// `UnknownColumn` if a column of the fit is missing; the errors of the steps.
    pub fn transform_batch(&self, batch: &RecordBatch) -> Result<RecordBatch> {
        let (mut fields, mut columns): (Vec<FieldRef>, Vec<ArrayRef>) = (Vec::new(), Vec::new());
        for rows in self.rows_of_parts(batch)? {
            let dense = rows.dense()?;
            fields.extend(dense.schema().fields().iter().cloned());
            columns.extend(dense.columns().iter().cloned());
        }
        expect_distinct(fields.iter().map(|f| f.name()))?;
        with_columns(batch, Arc::new(Schema::new(fields)), columns)
    }

    /// What each part makes of its columns, then the remainder.
    fn rows_of_parts(&self, batch: &RecordBatch) -> Result<Vec<Rows>> {
        let mut parts = Vec::with_capacity(self.steps.len() + 1);
        for part in &self.steps {
            let chosen = || select(batch, &part.columns).map(|plain| Rows { plain, blocks: Vec::new() });
            let rows = match &part.step {
                FittedColumnStep::Drop => continue,
                FittedColumnStep::Passthrough => chosen()?,
                FittedColumnStep::Step(step) => step.apply(chosen()?).map_err(|e| e.at_step(&part.name))?,
            };
            parts.push(self.rename(&part.name, rows)?);
        }
        parts.push(self.rename(REMAINDER, Rows { plain: select(batch, &self.kept)?, blocks: Vec::new() })?);
        Ok(parts)
    }

    /// The same, called by the name of the part too if that is asked for.
    fn rename(&self, part: &str, mut rows: Rows) -> Result<Rows> {
        if self.verbose {
            let called = |name: &str| format!("{part}__{name}");
            let fields = rows.plain.schema();
            let fields: Vec<FieldRef> = fields.fields().iter().map(|f| renamed(f, called(f.name()))).collect();
            rows.plain = with_columns(&rows.plain, Arc::new(Schema::new(fields)), rows.plain.columns().to_vec())?;
            for (block, _) in &mut rows.blocks {
                block.column = called(&block.column);
                block.features.iter_mut().for_each(|feature| *feature = called(feature));
            }
        }
        Ok(rows)
    }
}

impl FittedTransform for FittedColumnTransformer {
    fn apply(&self, rows: Rows) -> Result<Rows> {
        let (mut fields, mut columns): (Vec<FieldRef>, Vec<ArrayRef>) = (Vec::new(), Vec::new());
        let mut blocks = Vec::new();
        for part in self.rows_of_parts(&rows.plain)? {
            fields.extend(part.plain.schema().fields().iter().cloned());
            columns.extend(part.plain.columns().iter().cloned());
            blocks.extend(part.blocks);
        }
        let plain = with_columns(&rows.plain, Arc::new(Schema::new(fields)), columns)?;
        // one-hot features that are dropped are not made in the first place
        let kept = RecordBatch::new_empty(Arc::new(Schema::empty()));
        blocks.extend(self.rename(REMAINDER, Rows { plain: kept, blocks: rows.blocks })?.blocks);
        Ok(Rows { plain, blocks })
    }
}
