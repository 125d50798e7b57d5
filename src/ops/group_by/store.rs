//! What lies between the rows that come and the groups that go.

use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use super::categories::Seen;
use super::finish::{Finished, Shared, buckets};
use super::partial::{Ended, Partial, Sinks};
use super::spec::Spec;
use crate::base::{Error, ErrorKind, Result};
use crate::exec::{Reclaim, TaskContext};
use crate::graph::{Held, Payload};
use crate::io::{Batch, Buckets};
use crate::plan::shape::{Chunk, Exchange, Store};
use crate::plan::{Flow, Out};

/// Makes the stores of a group-by.
pub struct GroupExchange {
    pub spec: Arc<Spec>,
    /// How many partitions come out: a power of two, so that they are the same for any number of buckets.
    pub partitions: usize,
    /// About how many bytes come in.
    pub bytes: Option<u64>,
    /// What stands for the file of the groups.
    pub file: u64,
}

impl Exchange for GroupExchange {
    fn open(&self, ctx: &TaskContext) -> Result<Arc<dyn Store>> {
        let bits = Buckets::bits_for(self.bytes, ctx).max(self.partitions.trailing_zeros());
        let store = Arc::new(GroupStore {
            spec: self.spec.clone(),
            partitions: self.partitions,
            file: self.file,
            seen: Mutex::new(Seen::new(&self.spec, ctx)?),
            sinks: Sinks::new(bits, 0, ctx),
            idle: Mutex::default(),
            reclaiming: Mutex::default(),
            sealed: OnceLock::new(),
        });
        let weak: std::sync::Weak<GroupStore> = Arc::downgrade(&store);
        ctx.budget.register(weak);
        Ok(store)
    }
}

struct GroupStore {
    spec: Arc<Spec>,
    partitions: usize,
    file: u64,
    /// The categories among the keys of all rows.
    seen: Mutex<Seen>,
    sinks: Arc<Sinks>,
    /// Groups that no task is working on: the next one goes on with them.
    idle: Mutex<Vec<Idle>>,
    /// Held while idle groups are on their way to disk; what went wrong there, for whoever asks for the groups.
    reclaiming: Mutex<Option<Error>>,
    sealed: OnceLock<(Sealed, Shared)>,
}

struct Idle {
    partial: Partial,
    rows: u64,
}

/// Where the groups are when everything is in.
enum Sealed {
    Here(Box<Finished>),
    Sunk,
}

/// How many rows a task has put in.
struct Receipt(u64);

impl Held for Receipt {
    fn bytes(&self) -> u64 {
        0
    }
}

impl GroupStore {
    fn take_idle(&self) -> Vec<Idle> {
        std::mem::take(&mut *self.idle.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// All groups in one place, if they fit.
    fn gather(&self, partials: Vec<Partial>, ctx: &TaskContext) -> Result<Sealed> {
        if self.sinks.are_used() {
            for partial in partials {
                partial.sink()?;
            }
            return Ok(Sealed::Sunk);
        }
        let mut partials = partials;
        partials.sort_by_key(Partial::len);
        let mut all = match partials.pop() {
            Some(largest) => largest,
            None => Partial::new(&self.spec, &self.sinks, ctx)?,
        };
        for mut partial in partials {
            if let Some((record, hashes)) = partial.emit()? {
                all.push_groups(record.columns(), &hashes)?;
            }
        }
        match all.end()? {
            Ended::Here(groups, results, reservation) => {
                Ok(Sealed::Here(Box::new(Finished::new(&self.spec, groups, results, reservation))))
            }
            Ended::Sunk(_) => Ok(Sealed::Sunk),
        }
    }
}

impl Store for GroupStore {
    fn start(self: Arc<Self>, _input: usize, partition: usize, ctx: &TaskContext) -> Result<Box<dyn Chunk>> {
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let idle = match idle {
            Some(idle) => idle,
            None => Idle { partial: Partial::new(&self.spec, &self.sinks, ctx)?, rows: 0 },
        };
        let seen = Seen::new(&self.spec, ctx)?;
        Ok(Box::new(Filling { idle, place: (partition as u64) << 40, rows: 0, seen, store: self }))
    }

    fn seal(&self, receipts: Vec<Payload>, ctx: &TaskContext) -> Result<()> {
        let rows_in = receipts.iter().filter_map(Payload::get::<Receipt>).map(|r| r.0).sum();
        let idle = {
            let mut failed = self.reclaiming.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(error) = failed.take() {
                return Err(error);
            }
            self.take_idle()
        };
        let rows_out = idle.iter().map(|i| i.rows).sum();
        if rows_in != rows_out {
            return Err(Error::new(ErrorKind::Conservation { what: "a group-by".into(), rows_in, rows_out }));
        }
        let sealed = self.gather(idle.into_iter().map(|i| i.partial).collect(), ctx)?;
        let categories = self.seen.lock().unwrap_or_else(PoisonError::into_inner).categories()?;
        let shared = Shared { file: self.file, categories };
        self.sealed.set((sealed, shared)).map_err(|_| Error::invalid("the groups were put together twice"))
    }

    fn read(&self, partition: usize, _ctx: &TaskContext, out: &mut Out<'_>) -> Result<Flow> {
        match self.sealed.get() {
            Some((Sealed::Here(finished), shared)) => {
                let bound = |i: usize| match i {
                    _ if Sinks::are_few(finished.len()) => {
                        if i == 0 {
                            0
                        } else {
                            finished.len()
                        }
                    }
                    0 => 0,
                    i if i >= self.partitions => finished.len(),
                    i => finished.below((i as u64) << (64 - self.partitions.trailing_zeros())),
                };
                finished.give(bound(partition)..bound(partition + 1), shared, out)
            }
            Some((Sealed::Sunk, shared)) => {
                // rows that were not folded are many, however few their groups are
                let few = self.spec.bounded() && self.sinks.has_few();
                let range = match (few, partition) {
                    (false, partition) => self.sinks.rows.range(partition, self.partitions),
                    (true, 0) => 0..self.sinks.rows.len(),
                    (true, _) => return Ok(Flow::More),
                };
                buckets(&self.spec, &self.sinks, range, shared, out)
            }
            None => Err(Error::invalid("groups were asked for before all rows were in")),
        }
    }
}

impl Reclaim for GroupStore {
    fn reclaim(&self, _bytes: u64) -> Option<u64> {
        let mut failed = self.reclaiming.try_lock().ok()?;
        let taken = match self.idle.try_lock() {
            Ok(mut idle) => std::mem::take(&mut *idle),
            Err(_) => return None,
        };
        let mut freed = 0;
        let mut kept = Vec::with_capacity(taken.len());
        for mut idle in taken {
            let before = idle.partial.reserved();
            match idle.partial.flush() {
                Ok(()) => freed += before,
                // groups were lost on the way: nobody must get what is left
                Err(error) => *failed = Some(error),
            }
            kept.push(idle);
        }
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).extend(kept);
        Some(freed)
    }
}

/// The groups of one task while its rows come in.
struct Filling {
    store: Arc<GroupStore>,
    idle: Idle,
    place: u64,
    rows: u64,
    seen: Seen,
}

impl Chunk for Filling {
    fn push(&mut self, batch: Batch) -> Result<Flow> {
        let rows = batch.rows() as u64;
        self.seen.see(&batch.record)?;
        self.idle.partial.push(&batch.record, self.place)?;
        self.place += rows;
        self.rows += rows;
        Ok(Flow::More)
    }

    fn end(mut self: Box<Self>) -> Result<Payload> {
        self.store.seen.lock().unwrap_or_else(PoisonError::into_inner).merge(self.seen)?;
        self.idle.rows += self.rows;
        self.store.idle.lock().unwrap_or_else(PoisonError::into_inner).push(self.idle);
        Ok(Payload::new(Receipt(self.rows)))
    }
}
