//! Rows to folders by their values.

use std::path::Path;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, RecordBatch, UInt32Array};
use arrow::compute::{concat_batches, take};
use arrow::datatypes::{FieldRef, Schema, SchemaRef};
use arrow::row::{RowConverter, SortField};
use rustc_hash::FxHashMap;

use super::columns::TYPES;
use super::names::{folder, takes, text_of};
use crate::base::schema::index_of;
use crate::base::{Error, Result};
use crate::exec::{Reservation, TaskContext};
use crate::io::sink::folder::Folder;
use crate::io::sink::part::{FileWriter, conserved};
use crate::io::sink::{Part, Receipt};

/// Files of a part that are open at once, at most.
const MOST_OPEN: u64 = 32;
/// Bytes that each of them holds until they are written.
const BUFFER: usize = 64 << 10;
/// Rows that are worth being encoded together.
const WORTH: usize = 8 << 10;

/// The columns that rows are split by, and those that are left for the files.
#[derive(Debug)]
pub(crate) struct Split {
    keys: Vec<(usize, FieldRef)>,
    rest: Vec<usize>,
    schema: SchemaRef,
}

impl Split {
    /// Split by the columns `names`.
    ///
    /// # Errors
    /// `UnknownColumn`, `Unsupported` for columns that cannot be names, `Invalid` when no column is left or one is named
    /// twice.
    pub(crate) fn new(names: &[String], schema: &Schema) -> Result<Split> {
        let mut keys: Vec<(usize, FieldRef)> = Vec::with_capacity(names.len());
        for name in names {
            let index = index_of(schema, name)?;
            let field = &schema.fields()[index];
            if !takes(field.data_type()) {
                let what = format!("partition_by with a column of {}", field.data_type());
                return Err(Error::unsupported(what).at_column(name).help("cast it to text first"));
            }
            if keys.iter().any(|(known, _)| *known == index) {
                return Err(Error::invalid("partition_by names this column twice").at_column(name));
            }
            keys.push((index, field.clone()));
        }
        let rest: Vec<usize> = (0..schema.fields().len()).filter(|i| keys.iter().all(|(k, _)| k != i)).collect();
        if rest.is_empty() {
            return Err(Error::invalid("partition_by leaves no column for the files"));
        }
        let types: Vec<(&str, String)> =
            keys.iter().map(|(_, f)| (f.name().as_str(), f.data_type().to_string())).collect();
        let mut metadata = schema.metadata().clone();
        // folders tell values, not types: formats that can keep this, do
        metadata.insert(TYPES.to_string(), serde_json::to_string(&types).unwrap_or_default());
        let fields: Vec<FieldRef> = rest.iter().map(|&i| schema.fields()[i].clone()).collect();
        Ok(Split { keys, rest, schema: Arc::new(Schema::new_with_metadata(fields, metadata)) })
    }

    /// The columns of the files.
    pub(crate) fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    /// The columns that rows are split by.
    pub(crate) fn names(&self) -> Vec<&str> {
        self.keys.iter().map(|(_, field)| field.name().as_str()).collect()
    }
}

/// A partition whose rows go to folders by their values.
///
/// Rows are gathered for each folder, so that a partition gives one file to each. When they reach the part of memory that
/// a task may have, the largest heap is written, as a row group of its file.
pub(crate) struct SplitPart {
    shared: Arc<Folder>,
    split: Arc<Split>,
    partition: usize,
    ctx: TaskContext,
    rows: RowConverter,
    /// The heap of each combination of values, by its bytes,
    known: FxHashMap<Box<[u8]>, usize>,
    /// and by the name of its folder: values may differ in bytes only, as NaN does.
    by_name: FxHashMap<String, usize>,
    heaps: Vec<Heap>,
    held: Reservation,
    open: u64,
    clock: u64,
    rows_in: u64,
    receipts: Vec<Receipt>,
}

/// The rows for one folder.
struct Heap {
    folder: String,
    gathered: Vec<RecordBatch>,
    bytes: u64,
    file: Option<FileWriter>,
    /// Files that were begun.
    files: usize,
    /// When something was written to it.
    used: u64,
}

impl SplitPart {
    pub(crate) fn new(shared: Arc<Folder>, split: Arc<Split>, partition: usize, ctx: &TaskContext) -> Result<Self> {
        let fields = split.keys.iter().map(|(_, f)| SortField::new(f.data_type().clone())).collect();
        Ok(SplitPart {
            shared,
            partition,
            ctx: ctx.clone(),
            rows: RowConverter::new(fields)?,
            known: FxHashMap::default(),
            by_name: FxHashMap::default(),
            heaps: Vec::new(),
            held: ctx.budget.nothing(),
            open: 0,
            clock: 0,
            rows_in: 0,
            receipts: Vec::new(),
            split,
        })
    }

    /// The heap of each row.
    fn heaps_of(&mut self, record: &RecordBatch) -> Result<Vec<usize>> {
        let keys: Vec<ArrayRef> = self.split.keys.iter().map(|(i, _)| record.column(*i).clone()).collect();
        let rows = self.rows.convert_columns(&keys)?;
        let mut of = Vec::with_capacity(record.num_rows());
        for (row, bytes) in rows.iter().enumerate() {
            of.push(match self.known.get(bytes.as_ref()) {
                Some(&heap) => heap,
                None => {
                    let heap = self.heap(&keys, row)?;
                    self.known.insert(bytes.as_ref().into(), heap);
                    heap
                }
            });
        }
        Ok(of)
    }

    /// The heap for the values in a row, which are new.
    fn heap(&mut self, keys: &[ArrayRef], row: usize) -> Result<usize> {
        let mut name = Vec::with_capacity(keys.len());
        for (key, (_, field)) in keys.iter().zip(&self.split.keys) {
            let text = text_of(key.as_ref(), row).map_err(|e| e.at_column(field.name()))?;
            name.push(folder(field.name(), text.as_deref()));
        }
        let name = name.join("/");
        if let Some(&heap) = self.by_name.get(&name) {
            return Ok(heap);
        }
        self.by_name.insert(name.clone(), self.heaps.len());
        self.heaps.push(Heap { folder: name, gathered: Vec::new(), bytes: 0, file: None, files: 0, used: 0 });
        Ok(self.heaps.len() - 1)
    }

    /// What heaps may hold; as much is left for the row group that is being encoded.
    fn most(&self) -> u64 {
        self.ctx.budget.share() / 2
    }

    /// Reserves memory for more rows, writing heaps until there is room.
    fn make_room(&mut self, more: u64) -> Result<()> {
        while self.held.bytes() + more > self.most() && self.write_largest()? {}
        loop {
            let grown = self.held.grow("rows that are sorted into folders", more);
            if grown.is_ok() || !self.write_largest()? {
                return grown;
            }
        }
    }

    /// Writes the heap that holds most. Says whether there was one.
    fn write_largest(&mut self) -> Result<bool> {
        let largest = (0..self.heaps.len()).max_by_key(|&i| self.heaps[i].bytes);
        let Some(largest) = largest.filter(|&i| self.heaps[i].bytes > 0) else { return Ok(false) };
        self.write(largest)?;
        Ok(true)
    }

    /// Writes what a heap holds to its file.
    fn write(&mut self, at: usize) -> Result<()> {
        self.clock += 1;
        self.heaps[at].used = self.clock;
        if self.heaps[at].file.is_none() {
            while self.open >= (self.most() / 4 / BUFFER as u64).clamp(1, MOST_OPEN) {
                let unused = (0..self.heaps.len()).filter(|&i| self.heaps[i].file.is_some());
                let Some(longest) = unused.min_by_key(|&i| self.heaps[i].used) else { break };
                self.close(longest)?;
            }
            self.begin(at)?;
        }
        let heap = &mut self.heaps[at];
        let Some(file) = &mut heap.file else { return Ok(()) };
        let (mut together, mut rows) = (Vec::new(), 0);
        let mut gathered = std::mem::take(&mut heap.gathered).into_iter().peekable();
        while let Some(batch) = gathered.next() {
            rows += batch.num_rows();
            together.push(batch);
            if rows >= WORTH || gathered.peek().is_none() {
                match &*together {
                    [one] => file.push(one)?,
                    some => file.push(&concat_batches(self.split.schema(), some)?)?,
                }
                (together, rows) = (Vec::new(), 0);
            }
        }
        file.flush()?;
        let left = self.held.bytes().saturating_sub(std::mem::take(&mut heap.bytes));
        self.held.resize("rows that are sorted into folders", left)
    }

    fn begin(&mut self, at: usize) -> Result<()> {
        let heap = &mut self.heaps[at];
        if heap.files == 0 {
            self.shared.create_folder(Path::new(&heap.folder))?;
        }
        let folder = Path::new(&heap.folder);
        heap.file = Some(self.shared.create(folder, self.partition, heap.files, BUFFER, &self.ctx)?);
        heap.files += 1;
        self.open += 1;
        Ok(())
    }

    /// Finishes the file of a heap, if it has one.
    fn close(&mut self, at: usize) -> Result<()> {
        if let Some(file) = self.heaps[at].file.take() {
            self.open -= 1;
            self.receipts.push(file.finish()?);
        }
        Ok(())
    }
}

impl Part for SplitPart {
    fn push(&mut self, record: &RecordBatch) -> Result<()> {
        if record.num_rows() == 0 {
            return Ok(());
        }
        self.rows_in += record.num_rows() as u64;
        let of = self.heaps_of(record)?;
        let bytes =
            |r: &RecordBatch| r.columns().iter().map(|c| c.to_data().get_slice_memory_size()).sum::<Result<usize, _>>();
        let rest = record.project(&self.split.rest)?;
        self.make_room(bytes(&rest)? as u64)?;
        let mut places: Vec<Vec<u32>> = vec![Vec::new(); self.heaps.len()];
        of.iter().enumerate().for_each(|(row, &heap)| places[heap].push(row as u32));
        for (at, places) in places.into_iter().enumerate().filter(|(_, places)| !places.is_empty()) {
            let own = if places.len() == record.num_rows() {
                RecordBatch::try_new(self.split.schema().clone(), rest.columns().to_vec())?
            } else {
                let places = UInt32Array::from(places);
                let columns = rest.columns().iter().map(|c| take(c, &places, None)).collect::<Result<Vec<_>, _>>()?;
                RecordBatch::try_new(self.split.schema().clone(), columns)?
            };
            let size = bytes(&own)? as u64;
            self.heaps[at].bytes += size;
            self.heaps[at].gathered.push(own);
        }
        // small parts may need a little more than the whole did
        loop {
            let all = self.heaps.iter().map(|h| h.bytes).sum();
            let resized = self.held.resize("rows that are sorted into folders", all);
            if resized.is_ok() || !self.write_largest()? {
                return resized;
            }
        }
    }

    fn finish(mut self: Box<Self>) -> Result<Vec<Receipt>> {
        for at in 0..self.heaps.len() {
            if self.heaps[at].bytes > 0 || !self.heaps[at].gathered.is_empty() {
                self.write(at)?;
            }
            self.close(at)?;
        }
        let mut receipts = std::mem::take(&mut self.receipts);
        receipts.sort_by(|a, b| a.path.cmp(&b.path));
        conserved("partition_by", self.rows_in, receipts.iter().map(|r| r.rows).sum())?;
        self.shared.note(receipts.len(), self.rows_in);
        Ok(receipts)
    }
}
