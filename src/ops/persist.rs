//! Results that are held: computed once, in the background where the scheduler has threads.

use std::fmt;
use std::sync::Arc;

use arrow::datatypes::SchemaRef;

use crate::base::{Identity, Result, Token, Tokenizer};
use crate::exec::{Run, TaskContext};
use crate::io::{Batches, PartitionInfo, Scan, Source};
use crate::plan::Partition;

/// The partitions of a plan that are being computed, or are there. Reading one waits for it.
pub struct Persisted {
    run: Run,
    schema: SchemaRef,
    infos: Vec<PartitionInfo>,
    token: Token,
}

impl Persisted {
    /// The results of `run`, which computes the plan `token`.
    pub fn new(run: Run, schema: SchemaRef, token: Token) -> Persisted {
        let infos = (0..run.wanted())
            .map(|i| PartitionInfo { rows: None, bytes: 0, origin: format!("persisted partition {i}") })
            .collect();
        Persisted { run, schema, infos, token }
    }

    /// Waits until all partitions are there.
    ///
    /// # Errors
    /// The first error of the computation.
    pub fn wait(&self) -> Result<()> {
        self.run.wait()
    }

    /// Whether the computation failed or was cancelled.
    pub fn has_failed(&self) -> bool {
        self.run.has_failed()
    }

    /// How many partitions are there already.
    pub fn ready(&self) -> usize {
        (0..self.infos.len()).filter(|&i| self.run.is_ready(i)).count()
    }
}

impl fmt::Debug for Persisted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Persisted")
    }
}

impl Identity for Persisted {
    fn token(&self, t: &mut Tokenizer) {
        t.str("persisted");
        t.token(self.token);
    }
}

impl Source for Persisted {
    fn describe(&self) -> String {
        format!("persisted, {} partitions", self.infos.len())
    }

    fn schema(&self) -> SchemaRef {
        self.schema.clone()
    }

    fn partitions(&self) -> &[PartitionInfo] {
        &self.infos
    }

    fn read(&self, i: usize, scan: &Scan, ctx: &TaskContext) -> Result<Batches> {
        let partition = Partition::from_payload(self.run.get_unless(i, &ctx.cancel)?)?;
        let projection: Option<Arc<[usize]>> = scan.projection.clone();
        Ok(Box::new(partition.read().map(move |batch| batch?.projected(projection.as_deref()))))
    }
}
