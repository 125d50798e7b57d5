//! Methods that ask for results.

use std::path::Path;
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::Field;

use super::{DataFrame, Table};
use crate::base::{Error, Result, Token};
use crate::exec::Cancel;
use crate::io::{Batch, ParquetReadOptions, ParquetSource, Shared};
use crate::ops::{Count, Divided, ScanOp};
use crate::plan::lower::expand;
use crate::plan::{Partition, Plan};

impl DataFrame {
    /// Computes all rows and gives them as a table in memory.
    ///
    /// # Errors
    /// The first error of a task, with its place; `Memory` when the rows do not fit into the memory limit (iterate
    /// over [`batches`](Self::batches), or write them, instead).
    pub fn compute(&self) -> Result<Table> {
        let budget = self.session.budget();
        let (mut batches, mut held) = (Vec::new(), budget.nothing());
        for payload in self.session.start_for(&self.plan, None, false)? {
            let (more, reservation) = Partition::from_payload(payload?)?.load("a result in memory", budget)?;
            batches.extend(more.into_iter().map(|b| b.record));
            held.join(reservation);
        }
        Ok(Table::held(self.schema().clone(), batches, held))
    }

    /// As [`compute`](Self::compute), for somebody who may be cancelled meanwhile.
    pub(crate) fn compute_unless(&self, cancel: &Cancel) -> Result<Table> {
        let budget = self.session.budget();
        let run = self.session.start(&self.plan, None)?;
        let (mut batches, mut held) = (Vec::new(), budget.nothing());
        for position in 0..run.wanted() {
            let partition = Partition::from_payload(run.get_unless(position, cancel)?)?;
            let (more, reservation) = partition.load("a result in memory", budget)?;
            batches.extend(more.into_iter().map(|b| b.record));
            held.join(reservation);
        }
        Ok(Table::held(self.schema().clone(), batches, held))
    }

    /// The rows as record batches in order, computed while they are taken: only a few partitions are held at a time.
    /// Dropping the iterator stops the computation.
    ///
    /// # Errors
    /// When an operation is found wrong only now; from the iterator the first error of a task, and then it ends.
    pub fn batches(&self) -> Result<impl Iterator<Item = Result<RecordBatch>> + Send + use<>> {
        let run = self.session.start_for(&self.plan, Some(self.session.threads() + 1), false)?;
        let read = |partition: Result<Partition>| match partition {
            Ok(partition) => Box::new(partition.read()) as Box<dyn Iterator<Item = Result<Batch>> + Send>,
            Err(error) => Box::new(std::iter::once(Err(error))),
        };
        let partitions = run.map(|payload| payload.and_then(Partition::from_payload));
        Ok(partitions.flat_map(read).map(|batch| batch.map(|b| b.record)))
    }

    /// Starts computing all partitions in the background and returns at once a frame of the results, which are held in
    /// memory as long as it (or a frame made from it) lives. Reading it waits for what is not there yet. An equal
    /// frame that is persisted already is not computed again.
    ///
    /// Where an engine elsewhere computes the frame, it writes the results into its
    /// [shared folder](crate::plan::Engine::shared_folder) before this returns, and the frame of them goes on there; the
    /// files go with the last frame that reads them. Rows have new places then: a [`sample`](Self::sample) of them draws
    /// others than one of a frame that is persisted here. Without such a folder the results come here, and the frame of
    /// them goes on here.
    ///
    /// What the frame depends on (the first rows of `head`, the passes of `describe`, the row counts of a `repartition`
    /// to more partitions) is computed first, before this returns.
    ///
    /// # Errors
    /// When an operation is found wrong only now; with the synchronous scheduler, which computes here, also those of
    /// the tasks.
    pub fn persist(&self) -> Result<DataFrame> {
        if let Some(shared) = self.session.shared_folder() {
            return self.persist_into(&shared);
        }
        let persisted = self.session.persist(&self.plan)?;
        let held = DataFrame::from_source(persisted, &self.session.here())?;
        // what decides the divisions was computed on the way
        match expand(&self.plan)?.divisions() {
            Some(divisions) => held.then(Divided::new(divisions)),
            None => Ok(held),
        }
    }

    fn persist_into(&self, shared: &Path) -> Result<DataFrame> {
        std::fs::create_dir_all(shared).map_err(|e| Error::io(shared.display(), e).doing("persist"))?;
        let folder = shared.join(format!("persisted-{:032x}", Token::fresh().0));
        let rows = folder.join("rows");
        let written = || {
            self.to_parquet(&rows)?;
            let mut options = ParquetReadOptions::new();
            options.hive = false;
            ParquetSource::open_hive(&[rows.to_string_lossy().into_owned()], options)
        };
        let files = written().inspect_err(|_| drop(std::fs::remove_dir_all(&folder)))?;
        let held = DataFrame::from_source(Arc::new(Shared::new(files, folder)), &self.session)?;
        // files have no categories
        let same = |field: &Field| {
            held.schema().field_with_name(field.name()).is_ok_and(|f| f.data_type() == field.data_type())
        };
        let differing = self.schema().fields().iter().filter(|field| !same(field));
        let casts: Vec<_> = differing.map(|f| (f.name().clone(), f.data_type().clone())).collect();
        if casts.is_empty() { Ok(held) } else { held.astype(casts) }
    }

    /// Computes all partitions and keeps them in a folder below `folder`; gives a frame that reads them from there. The
    /// same program run again, after a crash or a kill too, computes only the partitions that are missing, and nothing
    /// at all once they are all there.
    ///
    /// What is the same is told by content: the plan, and of files their path, size and time of change. Closures have no
    /// content that could be seen, so they need a name and a version ([`named`](Self::named),
    /// [`Map::named`](crate::expr::fns::Map::named)), which promises that they give the same; a sample needs a seed. What
    /// the partitions depend on as a whole (the first passes of a sort, the row counts of a `repartition`) is computed
    /// again unless all of them are there. Folders of plans that are no longer asked for are yours to remove.
    ///
    /// ```no_run
    /// # let trips = partita::read_csv("trips/*.csv")?;
    /// let cleaned = trips.filter(partita::col("fare").gt(0))?.checkpoint("checkpoints")?;
    /// # Ok::<(), partita::Error>(())
    /// ```
    ///
    /// # Errors
    /// `Invalid` when the next run could not tell that it is the same; those of the tasks, `Io`: what was finished before
    /// stays.
    pub fn checkpoint(&self, folder: impl AsRef<Path>) -> Result<DataFrame> {
        let source = self.session.checkpoint(&self.plan, folder.as_ref())?;
        DataFrame::from_source(Arc::new(source), &self.session)
    }

    /// The number of rows: from what the files say of themselves where that is enough, else by counting.
    ///
    /// # Errors
    /// The first error of a task.
    pub fn len(&self) -> Result<u64> {
        if let Some(rows) = self.plan.known_rows() {
            return Ok(rows.iter().sum());
        }
        let counted = self.then(Count)?.compute()?;
        Ok(counted.value("rows", 0)?.as_i64().unwrap_or(0) as u64)
    }

    /// Whether there are no rows.
    ///
    /// # Errors
    /// The first error of a task.
    pub fn is_empty(&self) -> Result<bool> {
        Ok(self.head(1)?.len()? == 0)
    }
}

/// Waits until a persisted frame is there; a frame that is not persisted has nothing to wait for.
///
/// # Errors
/// The first error of the computation.
pub fn wait(frame: &DataFrame) -> Result<()> {
    let mut sources = Vec::new();
    frame.plan.visit(&mut |p: &Plan| {
        if let Some(scan) = p.downcast::<ScanOp>() {
            sources.push(scan.source().clone());
        }
    });
    for source in sources {
        let any: Arc<dyn std::any::Any + Send + Sync> = source;
        if let Ok(persisted) = any.downcast::<crate::ops::Persisted>() {
            persisted.wait()?;
        }
    }
    Ok(())
}
