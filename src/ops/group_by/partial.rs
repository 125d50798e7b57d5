//! Groups and their states, as far as one task has come.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use arrow::array::{ArrayRef, AsArray, BooleanArray, RecordBatch};
use arrow::compute::filter_record_batch;
use arrow::datatypes::UInt64Type;
use rustc_hash::FxHashSet;

use super::ordered::Ordered;
use super::spec::{Spec, record};
use crate::base::{Error, Result};
use crate::exec::{Reservation, TaskContext};
use crate::expr::folds::{FoldState, Groups, Places};
use crate::expr::keys::{Grouper, hash_rows, missing};
use crate::io::{BucketWriter, Buckets, Hashed};

/// Where groups and rows go that are not kept.
#[derive(Debug)]
pub struct Sinks {
    /// Groups as columns.
    pub groups: Arc<Buckets>,
    /// Rows whose groups are nearly as many.
    pub rows: Arc<Buckets>,
    used: AtomicBool,
    few: Mutex<Option<FxHashSet<u64>>>,
    /// The least and the greatest hash of the rows of each bucket.
    bounds: Mutex<Vec<(u64, u64)>>,
}

/// So many groups are few: they belong into one partition.
const FEW: usize = 1 << 14;

impl Sinks {
    /// Empty ones, `2^bits` buckets by the bits of the hash after the first `skip`.
    pub fn new(bits: u32, skip: u32, ctx: &TaskContext) -> Arc<Sinks> {
        let (groups, rows) = (Buckets::new(bits, skip, ctx), Buckets::new(bits, skip, ctx));
        let few = Mutex::new(Some(FxHashSet::default()));
        let bounds = Mutex::new(vec![(u64::MAX, 0); rows.len()]);
        Arc::new(Sinks { groups, rows, used: AtomicBool::new(false), few, bounds })
    }

    /// Whether so many groups are few.
    pub fn are_few(groups: usize) -> bool {
        groups <= FEW
    }

    /// Whether all hashes that went in are few. It depends on the rows alone, not on how they came.
    pub fn has_few(&self) -> bool {
        self.few.lock().unwrap_or_else(PoisonError::into_inner).is_some()
    }

    /// Whether something went in.
    pub fn are_used(&self) -> bool {
        self.used.load(Ordering::Relaxed)
    }

    /// Whether all rows of a bucket share their hash: groups that cannot be told apart by it.
    pub fn is_one_hash(&self, bucket: usize) -> bool {
        let bounds = self.bounds.lock().unwrap_or_else(PoisonError::into_inner);
        bounds.get(bucket).is_none_or(|(least, greatest)| least >= greatest)
    }

    /// Takes in the rows of a bucket of others.
    pub fn refill(self: &Arc<Self>, others: &Sinks, bucket: usize) -> Result<()> {
        let mut rows = self.rows.writer(0);
        for hashed in others.rows.take(bucket)? {
            let hashed = hashed?;
            self.see_bounds(&hashed.hashes);
            rows.push(&hashed.record, &hashed.hashes)?;
        }
        rows.finish()?;
        Ok(())
    }

    /// Notes whether groups can be told apart.
    fn see_bounds(&self, hashes: &[u64]) {
        self.used.store(true, Ordering::Relaxed);
        let mut bounds = self.bounds.lock().unwrap_or_else(PoisonError::into_inner);
        for &hash in hashes {
            if let Some((least, greatest)) = bounds.get_mut(self.rows.bucket_of(hash)) {
                (*least, *greatest) = ((*least).min(hash), (*greatest).max(hash));
            }
        }
    }

    /// Notes whether groups are few.
    fn see(&self, hashes: &[u64]) {
        self.used.store(true, Ordering::Relaxed);
        let mut few = self.few.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = &mut *few {
            for &hash in hashes {
                known.insert(hash);
                if !Sinks::are_few(known.len()) {
                    *few = None;
                    return;
                }
            }
        }
    }
}

/// What writes into sinks.
struct Writers {
    sinks: Arc<Sinks>,
    groups: BucketWriter,
    rows: BucketWriter,
}

impl Writers {
    fn new(sinks: &Arc<Sinks>) -> Writers {
        Writers { sinks: sinks.clone(), groups: sinks.groups.writer(0), rows: sinks.rows.writer(0) }
    }
}

/// Groups that a task folds its rows into. When they outgrow the cache or the memory they go to the sinks.
pub struct Partial {
    spec: Arc<Spec>,
    groups: Grouper,
    states: Vec<Box<dyn FoldState>>,
    ids: Vec<u32>,
    /// Rows folded since the groups were empty.
    rows: u64,
    /// Rows go on as they are.
    passing: bool,
    reservation: Reservation,
    ctx: TaskContext,
    /// Values that have to be in order.
    ordered: Vec<Ordered>,
    /// Made when the first group leaves, by the bits of the hash after these many.
    writers: Option<Writers>,
    depth: u32,
    /// Whether these are the groups of a bucket.
    deep: bool,
    /// Whether further bits of the hash tell them apart.
    separable: bool,
    /// Whether they have become more than a task should hold.
    full: bool,
}

/// More groups than this are worth no table of their own: it is far outside of the cache.
const MOST_GROUPS: usize = 1 << 19;
/// So many groups are folded at least before it is asked whether that is worth while.
const TRIED_GROUPS: usize = 1 << 17;
/// Bits of the hash that tell groups apart that do not fit into memory together.
pub const DEEPER: u32 = 5;
/// Beyond this depth groups share their hash, and cannot be told apart by it.
pub const DEEPEST: u32 = 64 - DEEPER;
const WHAT: &str = "the groups of a group-by";

impl Partial {
    /// No groups yet, of any rows.
    pub fn new(spec: &Arc<Spec>, sinks: &Arc<Sinks>, ctx: &TaskContext) -> Result<Partial> {
        let writers = Some(Writers::new(sinks));
        Ok(Partial { writers, passing: !spec.bounded(), ..Partial::empty(spec, false, 0, ctx)? })
    }

    /// No groups yet, of rows whose hashes share their first `depth` bits; `separable` if they differ in others.
    pub fn deeper(spec: &Arc<Spec>, depth: u32, separable: bool, ctx: &TaskContext) -> Result<Partial> {
        let separable = separable && depth <= DEEPEST;
        Ok(Partial { ordered: Ordered::of(spec, ctx)?, separable, ..Partial::empty(spec, true, depth, ctx)? })
    }

    fn empty(spec: &Arc<Spec>, deep: bool, depth: u32, ctx: &TaskContext) -> Result<Partial> {
        Ok(Partial {
            groups: spec.grouper()?,
            states: spec.states()?,
            ids: Vec::new(),
            rows: 0,
            passing: false,
            reservation: ctx.budget.nothing(),
            ctx: ctx.clone(),
            ordered: Vec::new(),
            writers: None,
            deep,
            separable: true,
            full: false,
            depth,
            spec: spec.clone(),
        })
    }

    fn writers(&mut self) -> &mut Writers {
        let (depth, ctx) = (self.depth, &self.ctx);
        self.writers.get_or_insert_with(|| Writers::new(&Sinks::new(DEEPER, depth, ctx)))
    }

    /// What is reserved for them.
    pub fn reserved(&self) -> u64 {
        self.reservation.bytes()
    }

    /// The number of groups.
    pub fn len(&self) -> usize {
        self.groups.len()
    }

    /// Takes in the rows of a batch of the input, which begin at `place`. Gives how many were left out for their keys.
    pub fn push(&mut self, batch: &RecordBatch, place: u64) -> Result<u64> {
        let spec = self.spec.clone();
        let columns = |record: &RecordBatch, at: &[usize]| -> Vec<ArrayRef> {
            at.iter().map(|&i| record.column(i).clone()).collect()
        };
        let mut keys = columns(batch, &spec.keys);
        let mut kept = None;
        if let (true, Some(missing)) = (spec.dropna, missing(&keys)?) {
            let record = filter_record_batch(batch, &BooleanArray::new(!&missing, None))?;
            keys = columns(&record, &spec.keys);
            kept = Some(record);
        }
        let record = kept.as_ref().unwrap_or(batch);
        let values = columns(record, &spec.values);
        self.fold(&keys, None, &values, Places::From(place))?;
        Ok((batch.num_rows() - record.num_rows()) as u64)
    }

    /// Takes in rows on their way.
    pub fn push_rows(&mut self, hashed: &Hashed) -> Result<()> {
        let columns = hashed.record.columns();
        let (keys, rest) = columns.split_at(self.spec.keys.len());
        let (values, places) = rest.split_at(self.spec.values.len());
        match places.first() {
            Some(places) => {
                let places = places.as_primitive::<UInt64Type>().values();
                self.fold(keys, Some(&hashed.hashes), values, Places::Of(places))
            }
            None => self.fold(keys, Some(&hashed.hashes), values, Places::From(0)),
        }
    }

    /// Takes in groups on their way.
    pub fn push_groups(&mut self, columns: &[ArrayRef], hashes: &[u64]) -> Result<()> {
        let spec = self.spec.clone();
        let (keys, states) = spec.split(columns)?;
        self.groups.ids(keys, hashes, &mut self.ids)?;
        let groups = Groups::Of { ids: &self.ids, count: self.groups.len() };
        for (state, columns) in self.states.iter_mut().zip(states) {
            state.absorb(columns, groups)?;
        }
        self.settle()
    }

    fn fold(
        &mut self,
        keys: &[ArrayRef],
        hashes: Option<&[u64]>,
        values: &[ArrayRef],
        places: Places<'_>,
    ) -> Result<()> {
        let rows = keys.first().map_or(0, |k| k.len());
        if self.passing {
            let computed = if hashes.is_none() { hash_rows(keys)? } else { Vec::new() };
            let hashes = hashes.unwrap_or(&computed);
            let places = self.spec.placed().then(|| (0..rows).map(|row| places.of(row)).collect());
            let record = self.spec.row_record(keys, values, places)?;
            let bounded = self.spec.bounded();
            let writers = self.writers();
            if bounded {
                writers.sinks.see(hashes);
            } else {
                writers.sinks.see_bounds(hashes);
            }
            return writers.rows.push(&record, hashes);
        }
        match hashes {
            Some(hashes) => self.groups.ids(keys, hashes, &mut self.ids)?,
            None => self.groups.group(keys, &mut self.ids)?,
        }
        self.rows += rows as u64;
        let groups = Groups::Of { ids: &self.ids, count: self.groups.len() };
        for ordered in &mut self.ordered {
            ordered.push(values, &self.ids, self.groups.len())?;
        }
        for (state, folded) in self.states.iter_mut().zip(&self.spec.folds).filter(|(_, f)| !f.ordered) {
            let values = values.get(folded.value).ok_or_else(|| Error::invalid("a value is missing"))?;
            state.update_at(values, groups, places)?;
        }
        self.settle()
    }

    /// Whether they have become more than a task should hold, and cannot leave.
    pub fn is_full(&self) -> bool {
        self.full
    }

    /// Bytes of memory they take.
    pub fn bytes(&self) -> u64 {
        let states: usize = self.states.iter().map(|s| s.bytes()).sum();
        let sizes: usize = self.ordered.iter().map(Ordered::bytes).sum();
        (states + sizes + self.groups.bytes() + self.ids.capacity() * 4) as u64
    }

    /// Reserves what the groups have grown by; where that is not there, or too much for one task, they go.
    fn settle(&mut self) -> Result<()> {
        let bytes = self.bytes();
        let more = bytes.saturating_sub(self.reservation.bytes());
        if !self.separable {
            return self.reservation.resize(WHAT, bytes.max(self.reservation.bytes()));
        }
        // a third: what goes is held twice for a while
        let small = self.deep || self.groups.len() <= MOST_GROUPS;
        let fits = small && bytes <= self.ctx.budget.share() / 3;
        if fits && (more == 0 || self.reservation.try_take(more) || self.reservation.try_grow(more)) {
            let tried = !self.deep && self.groups.len() >= TRIED_GROUPS;
            return if tried && self.is_no_use() { self.leave() } else { Ok(()) };
        }
        if self.spec.bounded() {
            return self.leave();
        }
        self.full = true;
        Ok(())
    }

    /// Groups are nearly as many as rows.
    fn is_no_use(&self) -> bool {
        self.rows > 0 && self.groups.len() as u64 * 4 > self.rows * 3
    }

    /// Groups go to their sink, and if they were of no use, rows follow as they are.
    fn leave(&mut self) -> Result<()> {
        self.passing |= self.is_no_use();
        self.flush()
    }

    /// Groups go to their sink, memory is given back.
    pub fn flush(&mut self) -> Result<()> {
        if let Some((record, hashes)) = self.emit()? {
            self.reservation.shrink_to(0);
            let writers = self.writers();
            writers.sinks.see(&hashes);
            writers.groups.push(&record, &hashes)?;
        }
        self.states = self.spec.states()?;
        self.reservation.shrink_to(0);
        Ok(())
    }

    /// The groups as columns, and their hashes; there are none left.
    pub fn emit(&mut self) -> Result<Option<(RecordBatch, Vec<u64>)>> {
        let groups = std::mem::replace(&mut self.groups, self.spec.grouper()?);
        self.rows = 0;
        if groups.is_empty() {
            return Ok(None);
        }
        let mut columns = groups.keys(None)?;
        let hashes = groups.hashes().to_vec();
        drop(groups);
        for state in &mut self.states {
            columns.extend(state.emit()?);
        }
        Ok(Some((record(&self.spec.state_schema, columns, hashes.len())?, hashes)))
    }

    /// Everything goes to the sinks.
    pub fn sink(mut self) -> Result<Arc<Sinks>> {
        if !self.groups.is_empty() {
            self.flush()?;
        }
        self.writers();
        let Some(writers) = self.writers else { return Err(Error::invalid("groups have nowhere to go")) };
        writers.groups.finish()?;
        writers.rows.finish()?;
        Ok(writers.sinks)
    }

    /// The groups, if none has left for the sinks; else these, with all.
    pub fn end(self) -> Result<Ended> {
        match &self.writers {
            Some(writers) if writers.sinks.are_used() => Ok(Ended::Sunk(self.sink()?)),
            _ => {
                let groups = self.groups.len();
                let mut results = vec![None; self.states.len()];
                for ordered in self.ordered {
                    for (at, result) in ordered.finish(&self.spec, groups, &self.ctx)? {
                        results[at] = Some(result);
                    }
                }
                let results = self.states.into_iter().zip(results).map(|(state, known)| match known {
                    Some(result) => Ok(result),
                    None => state.finish()?.value(),
                });
                Ok(Ended::Here(Box::new(self.groups), results.collect::<Result<_>>()?, self.reservation))
            }
        }
    }
}

/// Where the groups are in the end.
pub enum Ended {
    /// In memory, and the results of each.
    Here(Box<Grouper>, Vec<ArrayRef>, Reservation),
    /// In sinks.
    Sunk(Arc<Sinks>),
}
