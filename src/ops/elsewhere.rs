//! The rows of a plan that somebody else computes.

use std::sync::Arc;

use arrow::datatypes::SchemaRef;

use crate::base::{Identity, Result, Tokenizer};
use crate::exec::TaskContext;
use crate::io::{Batches, PartitionInfo, Scan, Source};
use crate::plan::{Engine, Plan};

/// A plan that an engine runs elsewhere, as a source of one partition: its rows come as they are read.
#[derive(Debug)]
pub struct Elsewhere {
    engine: Arc<dyn Engine>,
    plan: Plan,
    infos: [PartitionInfo; 1],
}

impl Elsewhere {
    /// The rows that `engine` gives for an optimised plan.
    pub fn new(engine: Arc<dyn Engine>, plan: Plan) -> Elsewhere {
        let infos = [PartitionInfo { rows: None, bytes: 0, origin: engine.to_string() }];
        Elsewhere { engine, plan, infos }
    }
}

impl Identity for Elsewhere {
    fn token(&self, t: &mut Tokenizer) {
        t.str("elsewhere");
        t.str(&self.engine.to_string());
        t.token(self.plan.token());
    }
}

impl Source for Elsewhere {
    fn describe(&self) -> String {
        format!("results of {}", self.engine)
    }

    fn schema(&self) -> SchemaRef {
        self.plan.schema().clone()
    }

    fn partitions(&self) -> &[PartitionInfo] {
        &self.infos
    }

    fn read(&self, _i: usize, scan: &Scan, ctx: &TaskContext) -> Result<Batches> {
        let (projection, cancel) = (scan.projection.clone(), ctx.cancel.clone());
        let batches = self.engine.run(&self.plan, ctx)?;
        Ok(Box::new(batches.map(move |batch| {
            cancel.check()?;
            batch?.projected(projection.as_deref())
        })))
    }
}
