//! The rows of a frame, read once and kept in chunks of a fixed number of rows, so that no sum depends on where partitions
//! end. Chunks go to disk when memory is short.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch, RecordBatchOptions};
use arrow::compute::{cast, concat_batches};
use arrow::datatypes::{DataType, Field, Float64Type, Int32Type, Schema, SchemaRef, UInt32Type};
use rayon::prelude::*;

use super::codes::Dictionary;
use super::labels::{Seen, truth};
use super::memory::short;
use crate::base::schema::{index_of, logical};
use crate::base::{Error, ErrorKind, Result};
use crate::exec::{Reservation, TaskContext};
use crate::frame::DataFrame;
use crate::io::Batch;
use crate::ml::classes::Classes;
use crate::ml::estimator::labels::{Task, Truth};
use crate::plan::{Gather, Partition};

/// Rows in a chunk. What is summed up chunk by chunk has the same bits on every machine and under every limit. Tests have
/// small ones, so that few rows make many.
pub(crate) const CHUNK: usize = if cfg!(test) { 1_000 } else { 49_152 };

const WHAT: &str = "a few chunks of the rows to fit a model to";
const TARGET: &str = "\u{0}target";
const WEIGHT: &str = "\u{0}weight";
const GROUP: &str = "\u{0}group";

/// What of a frame is cached.
#[derive(Clone, Debug)]
pub(crate) struct Wanted<'a> {
    /// The columns that steps and models see.
    pub features: Vec<String>,
    /// Those of them that are kept as codes of a dictionary.
    pub coded: Vec<String>,
    pub target: &'a str,
    pub task: Task,
    /// The column of the weights of rows.
    pub weight: Option<&'a str>,
    /// The column of groups that are not to be divided.
    pub group: Option<&'a str>,
}

/// The rows of a frame, cached.
pub(crate) struct Cached {
    schema: SchemaRef,
    /// The values of the coded columns, by their place in the schema.
    dictionaries: Vec<Option<ArrayRef>>,
    chunks: Vec<Held>,
    /// The classes of the target; none for values.
    pub classes: Classes,
    /// The place among the classes of each label, in the order of appearance.
    places: Vec<u32>,
    /// Rows of each label in the order of appearance.
    pub counts: Vec<u64>,
    /// Rows of each group, the groups in rising order.
    pub groups: Vec<u64>,
    /// The place there of each group, in the order of appearance.
    group_places: Vec<u32>,
    pub rows: u64,
    /// The bytes of a row, about.
    row_bytes: u64,
    ctx: TaskContext,
}

/// A chunk in memory or on disk.
struct Held {
    partition: Partition,
    first: u64,
    /// Rows of each label before it, in the order of appearance.
    before: Vec<u64>,
}

/// The rows of a chunk.
pub(crate) struct Chunk {
    pub features: RecordBatch,
    pub truth: Truth,
    pub weights: Option<Vec<f64>>,
    pub groups: Option<Vec<u32>>,
    /// The number of its first row among all.
    pub first: u64,
    /// Rows of each class before it, the classes in rising order.
    pub before: Vec<u64>,
}

/// The cache in the making.
struct Filling {
    dictionaries: Vec<Option<Dictionary>>,
    target: Seen,
    group: Option<Dictionary>,
    group_rows: Vec<u64>,
    waiting: Vec<RecordBatch>,
    rows_waiting: usize,
    chunks: Vec<Held>,
    first: u64,
    before: Vec<u64>,
    bytes: u64,
    /// For the rows that wait to be a chunk, and the chunk.
    room: Reservation,
    ctx: TaskContext,
}

impl Cached {
    /// Reads all rows of a frame, once.
    ///
    /// # Errors
    /// `UnknownColumn`; `Model` for a target, weight or group that cannot be used, naming column and row; the first error
    /// of a task; `Io` when the disk is full.
    pub fn of(frame: &DataFrame, wanted: &Wanted<'_>) -> Result<Cached> {
        let beside = [Some(wanted.target), wanted.weight, wanted.group];
        let mut names = wanted.features.clone();
        for name in beside.into_iter().flatten() {
            index_of(frame.schema(), name)?;
            if !names.iter().any(|known| known == name) {
                names.push(name.to_string());
            }
        }
        let chosen = frame.select(names)?;
        let schema = chosen.schema().clone();
        let dictionaries = wanted.features.iter().map(|name| {
            let field = schema.field(index_of(&schema, name)?);
            let coded = wanted.coded.contains(name) || matches!(field.data_type(), DataType::Dictionary(..));
            Ok(coded.then(|| Dictionary::for_type(field.data_type())).flatten())
        });
        let group = wanted.group.map(|name| {
            let t = schema.field(index_of(&schema, name)?).data_type();
            Dictionary::for_type(t)
                .ok_or_else(|| Error::types(format!("values of type {t} cannot be groups")).at_column(name))
        });
        let mut filling = Filling {
            dictionaries: dictionaries.collect::<Result<_>>()?,
            target: Seen::new(wanted.task),
            group: group.transpose()?,
            group_rows: Vec::new(),
            waiting: Vec::new(),
            rows_waiting: 0,
            chunks: Vec::new(),
            first: 0,
            before: Vec::new(),
            bytes: 0,
            room: frame.session().budget().nothing(),
            ctx: frame.session().task_context().clone(),
        };
        for batch in chosen.batches()? {
            let batch = batch.map_err(|e| match e.kind() {
                ErrorKind::Memory { .. } => e.doing("read the rows to fit a model to"),
                _ => e,
            })?;
            filling.push(&batch, wanted)?;
        }
        filling.end(&schema, wanted)
    }

    pub fn chunks(&self) -> usize {
        self.chunks.len()
    }

    /// About the bytes of a chunk in memory.
    pub fn chunk_bytes(&self) -> u64 {
        self.row_bytes * (CHUNK as u64).min(self.rows)
    }

    /// Rows of the largest chunk.
    pub fn chunk_rows(&self) -> u64 {
        self.rows.min(CHUNK as u64)
    }

    /// Memory for the chunks of a window, read and changed by the steps of so many views.
    ///
    /// # Errors
    /// `Memory` when the limit does not leave that.
    pub fn room(&self, views: usize) -> Result<Reservation> {
        let step = "raise the memory limit of the session, or take fewer threads";
        self.ctx.budget.reserve(WHAT, self.room_bytes(views)).map_err(|e| short(e, step))
    }

    fn room_bytes(&self, views: usize) -> u64 {
        // the bytes that were read, their columns, and for each view columns before and after a step
        Cached::window() as u64 * self.chunk_bytes() * (2 + 2 * views as u64)
    }

    /// How many of so many views memory has room for at once; at least one.
    pub fn at_once(&self, views: usize) -> usize {
        let mut some = views.max(1);
        while some > 1 && !self.ctx.budget.nothing().try_grow(self.room_bytes(some)) {
            some = some.div_ceil(2);
        }
        some
    }

    /// What `of` makes of each chunk for so many views, a few chunks side by side, goes to `merge` in the order of the rows.
    ///
    /// # Errors
    /// Those of both; `Memory` when the limit does not leave room for a few chunks.
    pub fn each<T: Send>(
        &self,
        views: usize,
        of: impl Fn(Chunk) -> Result<T> + Sync,
        mut merge: impl FnMut(T) -> Result<()>,
    ) -> Result<()> {
        let _room = self.room(views)?;
        let numbers: Vec<usize> = (0..self.chunks()).collect();
        for window in numbers.chunks(Cached::window()) {
            let made = window.par_iter().map(|number| of(self.chunk(*number)?)).collect::<Result<Vec<T>>>()?;
            made.into_iter().try_for_each(&mut merge)?;
        }
        Ok(())
    }

    /// Chunks that are worked on at once.
    pub fn window() -> usize {
        rayon::current_num_threads().max(1)
    }

    pub fn context(&self) -> &TaskContext {
        &self.ctx
    }

    /// The classes in the order in which they first appeared, by their places in rising order.
    pub fn appearance(&self) -> Vec<usize> {
        self.places.iter().map(|place| *place as usize).collect()
    }

    /// A batch of the features without rows, its dictionaries known.
    ///
    /// # Errors
    /// Never in practice.
    pub fn empty(&self) -> Result<RecordBatch> {
        let columns = self.schema.fields().iter().zip(&self.dictionaries).map(|(field, dictionary)| match dictionary {
            Some(values) => Dictionary::column(&arrow::array::new_empty_array(&DataType::Int32), values),
            None => Ok(arrow::array::new_empty_array(field.data_type())),
        });
        let options = RecordBatchOptions::new().with_row_count(Some(0));
        Ok(RecordBatch::try_new_with_options(self.schema.clone(), columns.collect::<Result<_>>()?, &options)?)
    }

    /// Reads a chunk.
    ///
    /// # Errors
    /// `Io` and `Corrupt` when it cannot be read back from disk.
    pub fn chunk(&self, number: usize) -> Result<Chunk> {
        self.ctx.cancel.check()?;
        let held = &self.chunks[number];
        let batch = held.partition.clone().read().next();
        let record = batch.ok_or_else(|| Error::invalid("a chunk of rows is empty"))??.record;
        let wanted = self.schema.fields().len();
        let columns =
            record.columns()[..wanted].iter().zip(&self.dictionaries).map(|(column, dictionary)| match dictionary {
                Some(values) => Dictionary::column(column, values),
                None => Ok(column.clone()),
            });
        let options = RecordBatchOptions::new().with_row_count(Some(record.num_rows()));
        let columns = columns.collect::<Result<_>>()?;
        let features = RecordBatch::try_new_with_options(self.schema.clone(), columns, &options)?;
        let mut before = vec![0; self.places.len()];
        held.before.iter().zip(&self.places).for_each(|(rows, place)| before[*place as usize] = *rows);
        let floats = |name: &str| record.column_by_name(name).map(numbers);
        let place = |code: &i32| self.group_places[*code as usize];
        let groups = record.column_by_name(GROUP);
        let groups = groups.map(|c| c.as_primitive::<Int32Type>().values().iter().map(place).collect());
        let truth = truth(record.column(wanted), &self.places);
        Ok(Chunk { features, truth, weights: floats(WEIGHT), groups, first: held.first, before })
    }
}

fn numbers(column: &ArrayRef) -> Vec<f64> {
    column.as_primitive::<Float64Type>().values().to_vec()
}

impl Filling {
    /// Takes in a batch of the chosen columns.
    fn push(&mut self, batch: &RecordBatch, wanted: &Wanted<'_>) -> Result<()> {
        let features = wanted.features.len();
        let mut columns: Vec<ArrayRef> = Vec::with_capacity(features + 3);
        for ((column, dictionary), name) in batch.columns().iter().zip(&mut self.dictionaries).zip(&wanted.features) {
            columns.push(match dictionary {
                Some(dictionary) => {
                    Arc::new(dictionary.codes(column).map_err(|e| e.at_column(name.as_str()).doing("encode"))?)
                }
                None => column.clone(),
            });
        }
        let schema = batch.schema();
        let of = |name: &str| Ok::<_, Error>(batch.column(index_of(&schema, name)?));
        let target = self.target.column(of(wanted.target)?);
        columns.push(target.map_err(|e| e.at_column(wanted.target).doing("learn"))?);
        let rows = self.first + self.rows_waiting as u64;
        if let Some(name) = wanted.weight {
            columns.push(weights(of(name)?, rows).map_err(|e| e.at_column(name).doing("weigh the rows"))?);
        }
        if let (Some(name), Some(groups)) = (wanted.group, &mut self.group) {
            let column = of(name)?;
            let codes = groups.codes(column)?;
            if codes.null_count() > 0 {
                let row = (0..codes.len()).find(|&row| codes.is_null(row)).unwrap_or(0);
                let what = format!("the group is null in row {}", rows + row as u64);
                return Err(Error::model(what).at_column(name).doing("divide the rows into folds"));
            }
            self.group_rows.resize(groups.len(), 0);
            codes.values().iter().for_each(|code| self.group_rows[*code as usize] += 1);
            columns.push(Arc::new(codes));
        }
        let fields = columns.iter().enumerate().map(|(i, column)| {
            let name = match i.checked_sub(features) {
                None => wanted.features[i].as_str(),
                Some(0) => TARGET,
                Some(1) if wanted.weight.is_some() => WEIGHT,
                _ => GROUP,
            };
            Field::new(name, column.data_type().clone(), true)
        });
        let schema = Arc::new(Schema::new(fields.collect::<Vec<_>>()));
        let mut rest = RecordBatch::try_new(schema, columns)?;
        while self.rows_waiting + rest.num_rows() >= CHUNK {
            let room = CHUNK - self.rows_waiting;
            self.waiting.push(rest.slice(0, room));
            rest = rest.slice(room, rest.num_rows() - room);
            self.rows_waiting = CHUNK;
            self.flush()?;
        }
        if rest.num_rows() > 0 {
            self.rows_waiting += rest.num_rows();
            self.waiting.push(rest);
        }
        Ok(())
    }

    /// Makes a chunk of what waits.
    fn flush(&mut self) -> Result<()> {
        let Some(first) = self.waiting.first() else { return Ok(()) };
        // the rows that wait, and once more in one piece
        let bytes: usize = self.waiting.iter().map(|batch| Batch::new(batch.clone(), 0, 0).bytes()).sum();
        self.room.resize(WHAT, 2 * bytes as u64).map_err(|e| short(e, "raise the memory limit of the session"))?;
        let whole = concat_batches(&first.schema(), &self.waiting)?;
        self.waiting.clear();
        let rows = std::mem::take(&mut self.rows_waiting);
        let mut after = self.before.clone();
        if let Some(codes) = { whole.column_by_name(TARGET).and_then(|c| c.as_primitive_opt::<UInt32Type>()) } {
            after.resize(self.target.counts().len(), 0);
            codes.values().iter().for_each(|code| after[*code as usize] += 1);
        }
        let batch = Batch::new(whole, 0, self.first);
        self.bytes += batch.bytes() as u64;
        let mut gather = Gather::default();
        gather.push(batch, &self.ctx)?;
        let before = std::mem::replace(&mut self.before, after);
        self.chunks.push(Held { partition: gather.end(&self.ctx), first: self.first, before });
        self.first += rows as u64;
        Ok(())
    }

    fn end(mut self, schema: &Schema, wanted: &Wanted<'_>) -> Result<Cached> {
        self.flush()?;
        let at = |e: Error| e.at_column(wanted.target).doing("learn");
        let (classes, places) = self.target.finish().map_err(at)?;
        let fields = wanted.features.iter().zip(&self.dictionaries).map(|(name, dictionary)| {
            let field = schema.field(index_of(schema, name)?);
            Ok(dictionary.as_ref().map_or_else(|| field.clone(), |dictionary| dictionary.field(field)))
        });
        let fields = fields.collect::<Result<Vec<Field>>>()?;
        let group_places = match &self.group {
            Some(groups) => Classes::of_column(&groups.values())?.1,
            None => Vec::new(),
        };
        let mut groups = vec![0; group_places.len()];
        group_places.iter().zip(&self.group_rows).for_each(|(place, rows)| groups[*place as usize] += *rows);
        // labels that appear later have no rows before
        self.chunks.iter_mut().for_each(|chunk| chunk.before.resize(places.len(), 0));
        Ok(Cached {
            schema: Arc::new(Schema::new(fields)),
            dictionaries: self.dictionaries.iter().map(|d| d.as_ref().map(Dictionary::values)).collect(),
            chunks: self.chunks,
            classes,
            places,
            counts: self.target.counts().to_vec(),
            groups,
            group_places,
            rows: self.first,
            row_bytes: self.bytes.div_ceil(self.first.max(1)),
            ctx: self.ctx,
        })
    }
}

/// Weights of rows: finite and not below 0.
fn weights(column: &ArrayRef, first: u64) -> Result<ArrayRef> {
    let t = logical(column.data_type());
    if !(t.is_numeric() || t == DataType::Boolean) {
        return Err(Error::types(format!("values of type {t} are no weights")));
    }
    let values = cast(column, &DataType::Float64)?;
    let floats = values.as_primitive::<Float64Type>();
    let wrong = floats.iter().position(|v| v.is_none_or(|v| !(v >= 0.0 && v.is_finite())));
    match wrong {
        Some(row) => {
            let value = floats.iter().nth(row).flatten().map_or("null".to_string(), |v| v.to_string());
            Err(Error::model(format!("the weight is {value} in row {}", first + row as u64))
                .help("weights have to be finite and not below 0"))
        }
        None => Ok(values),
    }
}
