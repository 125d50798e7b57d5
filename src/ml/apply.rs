//! Fitted things applied to frames: an operation over batches whose identity is their content.

use std::fmt;
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use serde::Serialize;

use crate::base::{Identity, Result, Token, Tokenizer};
use crate::frame::DataFrame;
use crate::io::Batch;
use crate::plan::{Flow, Map, Op, Out, Plan, Shape, Stage};

/// What is done with each batch; rows in and out are one for one.
type Work = Arc<dyn Fn(&RecordBatch) -> Result<RecordBatch> + Send + Sync>;

/// Applies a fitted thing batch by batch. The content of the thing decides the identity, so equal work is shared.
#[derive(Clone)]
pub(crate) struct Apply {
    name: &'static str,
    content: Token,
    schema: SchemaRef,
    needs: Option<Vec<String>>,
    work: Work,
}

impl Apply {
    /// `work`, which gives columns of `schema` and is decided by `of` alone.
    ///
    /// # Errors
    /// Never in practice.
    pub fn new(
        name: &'static str,
        of: &impl Serialize,
        schema: SchemaRef,
        work: impl Fn(&RecordBatch) -> Result<RecordBatch> + Send + Sync + 'static,
    ) -> Result<Self> {
        Ok(Apply { name, content: content(of), schema, needs: None, work: Arc::new(work) })
    }

    /// The work reads these columns and no others.
    pub fn reading(mut self, columns: Vec<String>) -> Self {
        self.needs = Some(columns);
        self
    }

    /// The frame of this work on `frame`.
    ///
    /// # Errors
    /// Never in practice.
    pub fn on(self, frame: &DataFrame) -> Result<DataFrame> {
        frame.then(self)
    }
}

/// The identity of what has no other content than what is saved of it. What cannot be saved, as a closure, is like
/// nothing else.
pub(crate) fn content(of: &impl Serialize) -> Token {
    serde_json::to_vec(of).map_or_else(|_| Token::fresh(), |bytes| Token::of(|t| t.bytes(&bytes)))
}

impl fmt::Debug for Apply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

impl fmt::Display for Apply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} to {} columns", self.name, self.schema.fields().len())
    }
}

impl Identity for Apply {
    fn token(&self, t: &mut Tokenizer) {
        t.str("apply");
        t.str(self.name);
        t.token(self.content);
    }
}

impl Op for Apply {
    fn name(&self) -> &'static str {
        self.name
    }

    fn schema(&self, _inputs: &[SchemaRef]) -> Result<SchemaRef> {
        Ok(self.schema.clone())
    }

    fn shape(&self, _inputs: &[Plan]) -> Result<Shape> {
        let work = self.work.clone();
        Ok(Map::each(move |_| Ok(Box::new(Applied(work.clone())))))
    }

    fn columns_needed(&self, _wanted: &[usize], inputs: &[SchemaRef]) -> Option<Vec<Vec<usize>>> {
        let (needs, input) = (self.needs.as_ref()?, inputs.first()?);
        Some(vec![needs.iter().filter_map(|name| input.index_of(name).ok()).collect()])
    }

    fn known_rows(&self, inputs: &[Option<Vec<u64>>]) -> Option<Vec<u64>> {
        inputs.first().cloned().flatten()
    }
}

struct Applied(Work);

impl Stage for Applied {
    fn push(&mut self, batch: Batch, out: &mut Out<'_>) -> Result<Flow> {
        let record = (self.0)(&batch.record)?;
        out.push(batch.with_record(record))
    }
}
