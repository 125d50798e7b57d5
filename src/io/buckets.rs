//! Rows by the hash of their keys: what lies in the middle of an exchange.

use std::cmp::Reverse;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, TryLockError};

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch, RecordBatchOptions, UInt32Array, UInt64Array};
use arrow::buffer::ScalarBuffer;
use arrow::compute::{concat, take};
use arrow::datatypes::{DataType, Field, Schema, UInt64Type};

use super::{Batch, SpilledBatch};
use crate::base::{Error, ErrorKind, Result};
use crate::exec::{Budget, Reclaim, Reservation, SpillFile, TaskContext};

/// Rows in buckets by the leading bits of a 64-bit hash, so that equal keys meet. Buckets are held in memory while the
/// budget allows it; else those that are read last go to disk first. What comes out of a bucket is counted and summed
/// against what went in.
#[derive(Debug)]
pub struct Buckets {
    budget: Budget,
    file: SpillFile,
    /// How many leading bits of the hash were used up by an exchange around this one.
    skip: u32,
    bits: u32,
    buckets: Vec<Mutex<Bucket>>,
    spilled: AtomicU64,
}

#[derive(Debug, Default)]
struct Bucket {
    chunks: Vec<Chunk>,
    rows: u64,
    bytes: u64,
    checksum: u64,
    /// The smallest and the largest hash.
    hashes: Option<(u64, u64)>,
    taken: bool,
}

#[derive(Debug)]
struct Chunk {
    place: (u32, u32),
    rows: Where,
}

#[derive(Debug)]
enum Where {
    Memory(RecordBatch, Reservation),
    Disk(SpilledBatch),
}

/// Rows and the hashes of their keys.
#[derive(Debug)]
pub struct Hashed {
    /// The rows.
    pub record: RecordBatch,
    /// The hash of each.
    pub hashes: ScalarBuffer<u64>,
    /// The memory that is spoken for by them.
    pub reservation: Reservation,
}

const WHAT: &str = "the rows of an exchange";
/// What the column of hashes is called on disk.
const HASHES: &str = "\u{0}hashes";
/// A bucket should have about this many bytes, so that what is made of it stays in the cache.
const BUCKET: u64 = 4 << 20;
/// Rows are put into buckets when there are about so many bytes of them, so that the pieces are not small.
const FLUSH: u64 = 16 << 20;
/// A piece of a bucket that comes from one flush should not be smaller.
const PIECE: u64 = 16 << 10;

/// How many bytes a writer gathers before it puts them into buckets.
fn flush_bytes(budget: &Budget) -> u64 {
    FLUSH.min(budget.share() / 4).max(8 << 10)
}

impl Buckets {
    /// The number of bits for about `bytes` bytes of rows: buckets that fit into the cache and into the share of a task.
    pub fn bits_for(bytes: Option<u64>, ctx: &TaskContext) -> u32 {
        let bytes = bytes.unwrap_or(256 * BUCKET);
        let bucket = BUCKET.min(ctx.budget.share() / 8).max(64 << 10);
        // pieces should not be small either: they are written and remembered one by one
        let most = (flush_bytes(&ctx.budget) / PIECE).clamp(1, 1 << 10);
        (bytes / bucket).clamp(1, most).next_power_of_two().trailing_zeros()
    }

    /// `2^bits` empty buckets by the bits of the hash that follow the first `skip`.
    pub fn new(bits: u32, skip: u32, ctx: &TaskContext) -> Arc<Buckets> {
        let buckets = (0..1usize << bits).map(|_| Mutex::default()).collect();
        let (budget, file) = (ctx.budget.clone(), ctx.spill.file());
        let made = Arc::new(Buckets { budget, file, skip, bits, buckets, spilled: AtomicU64::new(0) });
        let weak: std::sync::Weak<Buckets> = Arc::downgrade(&made);
        made.budget.register(weak);
        made
    }

    /// How many buckets there are.
    pub fn len(&self) -> usize {
        self.buckets.len()
    }

    /// Whether there are no rows.
    pub fn is_empty(&self) -> bool {
        (0..self.len()).all(|b| self.rows(b) == 0)
    }

    /// How many leading bits of the hash are the same for all rows of a bucket.
    pub fn depth(&self) -> u32 {
        self.skip + self.bits
    }

    /// The buckets that make output partition `i` of `partitions`, in order.
    pub fn range(&self, i: usize, partitions: usize) -> std::ops::Range<usize> {
        let bound = |i: usize| i * self.len() / partitions.max(1);
        bound(i)..bound(i + 1)
    }

    /// The rows in a bucket.
    pub fn rows(&self, bucket: usize) -> u64 {
        self.lock(bucket).rows
    }

    /// About how many bytes the rows of a bucket take in memory.
    pub fn bytes(&self, bucket: usize) -> u64 {
        self.lock(bucket).bytes
    }

    /// The hash of all rows of a bucket, if they have the same.
    pub fn single_hash(&self, bucket: usize) -> Option<u64> {
        self.lock(bucket).hashes.filter(|(low, high)| low == high).map(|(low, _)| low)
    }

    /// Bytes that were moved to disk.
    pub fn spilled(&self) -> u64 {
        self.spilled.load(Ordering::Relaxed)
    }

    fn lock(&self, bucket: usize) -> MutexGuard<'_, Bucket> {
        self.buckets[bucket].lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Which bucket a hash belongs to.
    pub fn bucket_of(&self, hash: u64) -> usize {
        // without bits everything is in the one bucket; a shift by 64 is none
        if self.bits == 0 { 0 } else { (hash << self.skip >> (64 - self.bits)) as usize }
    }

    /// Puts rows into a bucket. Rows come out in the order of `place`: the partition they came from, and their turn in it.
    ///
    /// # Errors
    /// `Io` when the disk is full.
    fn put(&self, bucket: usize, place: (u32, u32), record: RecordBatch, hashes: ScalarBuffer<u64>) -> Result<()> {
        let rows = record.num_rows() as u64;
        let mut checksum = 0u64;
        let (mut low, mut high) = (u64::MAX, 0);
        for &hash in &hashes {
            checksum = checksum.wrapping_add(hash);
            (low, high) = (low.min(hash), high.max(hash));
        }
        let record = with_hashes(record, hashes)?;
        let bytes = bytes_of(record.columns());
        let mut reservation = self.budget.nothing();
        if !reservation.try_take(bytes) {
            // some room at once, so that this does not happen for every piece
            self.spill((self.budget.share() / 4).max(bytes))?;
        }
        let chunk = if reservation.bytes() == bytes || reservation.try_grow(bytes) {
            Chunk { place, rows: Where::Memory(record, reservation) }
        } else {
            Chunk { place, rows: Where::Disk(self.write(record)?) }
        };
        let mut bucket = self.lock(bucket);
        bucket.chunks.push(chunk);
        bucket.rows += rows;
        bucket.bytes += bytes;
        let known = bucket.hashes.unwrap_or((low, high));
        bucket.hashes = Some((known.0.min(low), known.1.max(high)));
        bucket.checksum = bucket.checksum.wrapping_add(checksum);
        Ok(())
    }

    fn write(&self, record: RecordBatch) -> Result<SpilledBatch> {
        let spilled = SpilledBatch::write(&self.file, &Batch::new(record, 0, 0))?;
        self.spilled.fetch_add(spilled.bytes(), Ordering::Relaxed);
        Ok(spilled)
    }

    /// Moves about `bytes` bytes to disk, from the last bucket down: they are needed last. Gives what it has moved, and
    /// whether somebody else was at a bucket.
    fn spill(&self, bytes: u64) -> Result<(u64, bool)> {
        let (mut freed, mut busy) = (0, false);
        for bucket in self.buckets.iter().rev() {
            let mut bucket = match bucket.try_lock() {
                Ok(bucket) => bucket,
                Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
                Err(TryLockError::WouldBlock) => {
                    busy = true;
                    continue;
                }
            };
            for chunk in &mut bucket.chunks {
                if let Where::Memory(record, reservation) = &chunk.rows {
                    let back = reservation.bytes();
                    chunk.rows = Where::Disk(self.write(record.clone())?);
                    freed += back;
                }
            }
            if freed >= bytes {
                break;
            }
        }
        Ok((freed, busy))
    }

    /// Takes all rows out of a bucket, in the order of their places. Those that have not come yet may still go to disk.
    pub fn take(self: &Arc<Self>, bucket: usize) -> Result<impl Iterator<Item = Result<Hashed>> + Send + use<>> {
        let mut count = {
            let mut bucket = self.lock(bucket);
            bucket.refuse_twice()?;
            let mut chunks = std::mem::take(&mut bucket.chunks);
            // the last first: it is the first that goes to disk
            chunks.sort_by_key(|c| Reverse(c.place));
            let count = Count::of(&bucket);
            *bucket = Bucket { chunks, taken: true, ..Bucket::default() };
            count
        };
        let store = self.clone();
        Ok(std::iter::from_fn(move || {
            let chunk = store.lock(bucket).chunks.pop();
            match chunk {
                Some(chunk) => Some(store.load(chunk).inspect(|hashed| count.see(hashed))),
                None => count.missing().map(Err),
            }
        }))
    }

    /// The rows of a bucket, in the order of their places; they stay in it, for whoever takes them in the end.
    pub fn look(self: &Arc<Self>, bucket: usize) -> Result<impl Iterator<Item = Result<Hashed>> + Send + use<>> {
        let mut count = {
            let mut bucket = self.lock(bucket);
            bucket.refuse_twice()?;
            bucket.chunks.sort_by_key(|c| c.place);
            Count::of(&bucket)
        };
        let (store, mut at) = (self.clone(), 0);
        Ok(std::iter::from_fn(move || {
            let chunk =
                store.lock(bucket).chunks.get(at).map(|c| Chunk { place: c.place, rows: c.rows.share(&store.budget) });
            at += 1;
            match chunk {
                Some(chunk) => Some(store.load(chunk).inspect(|hashed| count.see(hashed))),
                None => count.missing().map(Err),
            }
        }))
    }

    /// Drops the rows of a bucket, which were seen.
    pub fn clear(&self, bucket: usize) {
        let mut bucket = self.lock(bucket);
        *bucket = Bucket { taken: true, ..Bucket::default() };
    }

    fn load(&self, chunk: Chunk) -> Result<Hashed> {
        let (mut record, reservation) = match chunk.rows {
            Where::Memory(record, reservation) => (record, reservation),
            Where::Disk(spilled) => {
                let reservation = self.budget.reserve(WHAT, spilled.bytes())?;
                (spilled.read(&self.file)?.record, reservation)
            }
        };
        let hashes = record.remove_column(record.num_columns() - 1);
        Ok(Hashed { record, hashes: hashes.as_primitive::<UInt64Type>().values().clone(), reservation })
    }

    /// Begins to put in the rows of a partition; `part` gives their place among the others.
    pub fn writer(self: &Arc<Self>, part: u32) -> BucketWriter {
        let flush = flush_bytes(&self.budget);
        let reservation = self.budget.nothing();
        BucketWriter { store: self.clone(), part, turn: 0, flush, pending: Vec::new(), reservation, rows: 0 }
    }
}

impl Bucket {
    fn refuse_twice(&self) -> Result<()> {
        if self.taken { Err(Error::invalid("a bucket of an exchange was read twice")) } else { Ok(()) }
    }
}

impl Where {
    /// The same rows once more; what is in memory is spoken for by the bucket.
    fn share(&self, budget: &Budget) -> Where {
        match self {
            Where::Memory(record, _) => Where::Memory(record.clone(), budget.nothing()),
            Where::Disk(spilled) => Where::Disk(spilled.clone()),
        }
    }
}

/// What of a bucket has not been seen yet.
struct Count {
    all: u64,
    rows: u64,
    checksum: u64,
}

impl Count {
    fn of(bucket: &Bucket) -> Count {
        Count { all: bucket.rows, rows: bucket.rows, checksum: bucket.checksum }
    }

    fn see(&mut self, hashed: &Hashed) {
        self.rows = self.rows.wrapping_sub(hashed.hashes.len() as u64);
        self.checksum = hashed.hashes.iter().fold(self.checksum, |sum, hash| sum.wrapping_sub(*hash));
    }

    /// The error for rows that did not come; it is given once.
    fn missing(&mut self) -> Option<Error> {
        if (self.rows, self.checksum) == (0, 0) {
            return None;
        }
        let (lost, what) = (std::mem::take(&mut self.rows), "an exchange".to_string());
        self.checksum = 0;
        let (rows_in, rows_out) = (self.all, self.all.wrapping_sub(lost));
        Some(Error::new(ErrorKind::Conservation { what, rows_in, rows_out }))
    }
}

impl Reclaim for Buckets {
    fn reclaim(&self, bytes: u64) -> Option<u64> {
        // who asks gets the error of a full disk when it spills itself, or that of no memory
        match self.spill(bytes).unwrap_or((0, false)) {
            (0, true) => None,
            (freed, _) => Some(freed),
        }
    }
}

/// Puts the rows of one partition into [`Buckets`].
#[derive(Debug)]
pub struct BucketWriter {
    store: Arc<Buckets>,
    part: u32,
    turn: u32,
    flush: u64,
    pending: Vec<Sorted>,
    reservation: Reservation,
    rows: u64,
}

/// Rows sorted by bucket: those of bucket `b` are `starts[b]..starts[b + 1]`.
#[derive(Debug)]
struct Sorted {
    record: RecordBatch,
    hashes: ScalarBuffer<u64>,
    starts: Vec<u32>,
}

impl BucketWriter {
    /// Takes rows and the hash of each.
    ///
    /// # Errors
    /// As [`finish`](Self::finish).
    pub fn push(&mut self, record: &RecordBatch, hashes: &[u64]) -> Result<()> {
        self.rows += hashes.len() as u64;
        let (order, starts) = self.sort(hashes);
        let sorted = order.values().iter().map(|&i| hashes[i as usize]).collect();
        let columns = record.columns().iter().map(|c| Ok(take(c, &order, None)?));
        let columns = columns.collect::<Result<Vec<ArrayRef>>>()?;
        let bytes = bytes_of(&columns) + 12 * hashes.len() as u64;
        let options = RecordBatchOptions::new().with_row_count(Some(hashes.len()));
        let record = RecordBatch::try_new_with_options(record.schema(), columns, &options)?;
        if !self.reservation.try_grow(bytes) {
            self.flush()?;
            self.reservation.grow(WHAT, bytes)?;
        }
        self.pending.push(Sorted { record, hashes: sorted, starts });
        if self.reservation.bytes() >= self.flush { self.flush() } else { Ok(()) }
    }

    /// The order of the rows by bucket, rows of one bucket in their order, and where each bucket begins.
    fn sort(&self, hashes: &[u64]) -> (UInt32Array, Vec<u32>) {
        let buckets: Vec<u32> = hashes.iter().map(|&h| self.store.bucket_of(h) as u32).collect();
        let mut starts = vec![0u32; self.store.len() + 1];
        buckets.iter().for_each(|&b| starts[b as usize + 1] += 1);
        (0..self.store.len()).for_each(|b| starts[b + 1] += starts[b]);
        let mut next = starts.clone();
        let mut order = vec![0u32; hashes.len()];
        for (row, &bucket) in buckets.iter().enumerate() {
            let at = &mut next[bucket as usize];
            order[*at as usize] = row as u32;
            *at += 1;
        }
        (UInt32Array::from(order), starts)
    }

    fn flush(&mut self) -> Result<()> {
        let pending = std::mem::take(&mut self.pending);
        let turn = self.turn;
        self.turn += 1;
        if pending.is_empty() {
            return Ok(());
        }
        for bucket in 0..self.store.len() {
            let pieces = pending.iter().filter_map(|sorted| {
                let (start, end) = (sorted.starts[bucket] as usize, sorted.starts[bucket + 1] as usize);
                (end > start).then(|| (sorted, start, end - start))
            });
            let pieces: Vec<_> = pieces.collect();
            let Some((first, ..)) = pieces.first() else { continue };
            let mut hashes = Vec::with_capacity(pieces.iter().map(|p| p.2).sum());
            pieces.iter().for_each(|(s, start, rows)| hashes.extend_from_slice(&s.hashes[*start..start + rows]));
            let columns = (0..first.record.num_columns()).map(|c| {
                let mut parts: Vec<ArrayRef> =
                    pieces.iter().map(|(s, start, rows)| s.record.column(c).slice(*start, *rows)).collect();
                // a single piece would stay a slice, which holds the rows of all buckets: beside another it is copied
                parts.push(first.record.column(c).slice(0, 0));
                let parts: Vec<_> = parts.iter().map(AsRef::as_ref).collect();
                Ok(own_views(concat(&parts)?))
            });
            let columns = columns.collect::<Result<Vec<ArrayRef>>>()?;
            let options = RecordBatchOptions::new().with_row_count(Some(hashes.len()));
            let record = RecordBatch::try_new_with_options(first.record.schema(), columns, &options)?;
            self.store.put(bucket, (self.part, turn), record, hashes.into())?;
        }
        self.reservation.shrink_to(0);
        Ok(())
    }

    /// Puts in what is left. Gives the number of rows of the partition.
    ///
    /// # Errors
    /// `Io` when the disk is full; `Memory` when not even one piece fits.
    pub fn finish(mut self) -> Result<u64> {
        self.flush()?;
        Ok(self.rows)
    }
}

/// Bytes that these columns hold for themselves; a dictionary is shared with others and counts no more than its codes.
fn bytes_of(columns: &[ArrayRef]) -> u64 {
    let bytes = columns.iter().map(|column| match column.as_any_dictionary_opt() {
        Some(dictionary) => {
            let codes = dictionary.keys().get_array_memory_size();
            codes + codes.min(dictionary.values().get_array_memory_size())
        }
        None => column.get_array_memory_size(),
    });
    bytes.sum::<usize>() as u64
}

/// Views with buffers of their own, instead of those of the batches they come from.
fn own_views(column: ArrayRef) -> ArrayRef {
    match column.data_type() {
        DataType::Utf8View => Arc::new(column.as_string_view().gc()),
        DataType::BinaryView => Arc::new(column.as_binary_view().gc()),
        _ => column,
    }
}

fn with_hashes(record: RecordBatch, hashes: ScalarBuffer<u64>) -> Result<RecordBatch> {
    let mut fields: Vec<_> = record.schema().fields().iter().cloned().collect();
    fields.push(Arc::new(Field::new(HASHES, DataType::UInt64, false)));
    let mut columns = record.columns().to_vec();
    columns.push(Arc::new(UInt64Array::new(hashes, None)));
    Ok(RecordBatch::try_new(Arc::new(Schema::new(fields)), columns)?)
}

#[cfg(test)]
mod tests {
    use arrow::array::{Int64Array, StringArray};
    use arrow::datatypes::Int64Type;
    use proptest::prelude::*;

    use super::*;
    use crate::exec::{Budget, Spill};

    fn hash(n: i64) -> u64 {
        (n as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15)
    }

    fn record(numbers: &[i64]) -> RecordBatch {
        let texts: StringArray = numbers.iter().map(|n| Some(format!("text {n}"))).collect();
        let columns: [(&str, ArrayRef); 2] =
            [("n", Arc::new(Int64Array::from(numbers.to_vec()))), ("text", Arc::new(texts))];
        RecordBatch::try_from_iter(columns).unwrap()
    }

    /// All rows, bucket after bucket.
    fn exchanged(parts: &[Vec<Vec<i64>>], bits: u32, limit: u64, step: usize) -> (Vec<i64>, u64) {
        let ctx = TaskContext { budget: Budget::new(limit), spill: Spill::default(), ..TaskContext::default() };
        let store = Buckets::new(bits, 0, &ctx);
        // the parts come in any order
        for i in 0..parts.len() {
            let part = (i * step) % parts.len();
            let mut writer = store.writer(part as u32);
            for numbers in &parts[part] {
                let hashes: Vec<u64> = numbers.iter().map(|n| hash(*n)).collect();
                writer.push(&record(numbers), &hashes).unwrap();
            }
            writer.finish().unwrap();
        }
        let mut all = Vec::new();
        for bucket in 0..store.len() {
            for hashed in store.take(bucket).unwrap() {
                let hashed = hashed.unwrap();
                let numbers = hashed.record.column(0).as_primitive::<Int64Type>();
                for (row, n) in numbers.values().iter().enumerate() {
                    assert_eq!((hashed.hashes[row], store.bucket_of(hash(*n))), (hash(*n), bucket));
                    assert_eq!(hashed.record.column(1).as_string::<i32>().value(row), format!("text {n}"));
                }
                all.extend_from_slice(numbers.values());
            }
        }
        assert_eq!(ctx.budget.held(), 0);
        (all, store.spilled())
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]
        #[test]
        fn rows_come_out_by_bucket_in_their_order(
            parts in proptest::collection::vec(proptest::collection::vec(proptest::collection::vec(0i64..500, 0..200), 0..4), 1..6),
            bits in 0u32..6,
        ) {
            let mut expected: Vec<i64> = parts.iter().flatten().flatten().copied().collect();
            if bits > 0 {
                expected.sort_by_key(|n| hash(*n) >> (64 - bits));
            }
            let steps: &[usize] = if parts.len() == 5 { &[1, 2, 3] } else { &[1] };
            for &step in steps {
                prop_assert_eq!(&exchanged(&parts, bits, u64::MAX, step).0, &expected);
                prop_assert_eq!(&exchanged(&parts, bits, 400_000, step).0, &expected);
            }
        }
    }

    #[test]
    fn what_does_not_fit_is_spilled() {
        let parts: Vec<Vec<Vec<i64>>> =
            (0..8).map(|p| (0..8).map(|b| (0..2000).map(|i| p * 16_000 + b * 2000 + i).collect()).collect()).collect();
        let (whole, spilled) = exchanged(&parts, 4, u64::MAX, 1);
        assert_eq!(spilled, 0);
        let (limited, spilled) = exchanged(&parts, 4, 1 << 20, 3);
        assert_eq!(whole, limited);
        assert!(spilled > 1 << 20, "{spilled}");
    }

    #[test]
    fn a_bucket_is_read_once() {
        let store = Buckets::new(1, 0, &TaskContext::default());
        assert_eq!(store.take(0).unwrap().count(), 0);
        assert!(store.take(0).is_err());
    }

    #[test]
    fn a_look_leaves_the_rows_where_they_are() {
        let ctx = TaskContext { budget: Budget::new(400_000), spill: Spill::default(), ..TaskContext::default() };
        let store = Buckets::new(1, 0, &ctx);
        let mut writer = store.writer(0);
        for start in 0..20 {
            let numbers: Vec<i64> = (start * 1000..(start + 1) * 1000).collect();
            let hashes: Vec<u64> = numbers.iter().map(|n| hash(*n)).collect();
            writer.push(&record(&numbers), &hashes).unwrap();
        }
        writer.finish().unwrap();
        assert!(store.spilled() > 0);
        let numbers = |hashed: Vec<Result<Hashed>>| -> Vec<i64> {
            let record = |h: Result<Hashed>| h.unwrap().record.column(0).as_primitive::<Int64Type>().values().to_vec();
            hashed.into_iter().flat_map(record).collect()
        };
        let looked = numbers(store.look(1).unwrap().collect());
        assert_eq!(looked, numbers(store.look(1).unwrap().collect()));
        assert_eq!(looked.len() as u64, store.rows(1));
        assert_eq!(looked, numbers(store.take(1).unwrap().collect()));
        store.clear(0);
        assert_eq!((store.rows(0), ctx.budget.held()), (0, 0));
        assert!(store.look(0).is_err());
    }
}
