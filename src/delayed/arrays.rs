//! Arrays to delayed blocks and back, frames to arrays and back.

use std::any::Any;
use std::fmt;
use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, BooleanArray, RecordBatch};
use arrow::array::{Float32Array, Float64Array, Int32Array, Int64Array, UInt8Array};
use arrow::datatypes::{DataType, Field, Float64Type, Schema, SchemaRef};
use ndarray::{ArrayD, Axis, IxDyn};

use super::content;
use super::lazy::Delayed;
use super::node::{Node, NodeWork};
use super::shared::shared_once;
use crate::array::loaded::{from_chunks, from_chunks_within};
use crate::array::shape::Index;
use crate::array::{Array, Chunks, DType, Element};
use crate::base::{Error, Identity, Result, Token, Tokenizer};
use crate::exec::{LiveWork, TaskContext};
use crate::frame::{DataFrame, Table};
use crate::graph::Key;
use crate::io::{Batch, Batches, MemorySource, PartitionInfo, Scan, Source};
use crate::plan::lower::is_costly;
use crate::session::Session;

/// The chunk at a place, as an array.
fn chunk<T: Element>(array: &Array<T>, place: &[usize]) -> Result<Array<T>> {
    let ranges = array.chunks().range(place);
    let indices = ranges.into_iter().map(|(start, len)| {
        let (start, stop) = (start as isize, (start + len) as isize);
        Index::Slice { start: Some(start), stop: Some(stop), step: 1 }
    });
    array.slice(indices.collect::<Vec<_>>())
}

impl<T: Element> Array<T> {
    /// Its chunks, each as a delayed array in memory, in order: the last axis runs fastest (Dask's `to_delayed`, as a
    /// list).
    ///
    /// # Errors
    /// What an operator found wrong before.
    pub fn to_delayed(&self) -> Result<Vec<Delayed<ArrayD<T>>>> {
        let part = |number: usize| {
            let part = chunk(self, &self.chunks().place(number))?;
            let token = Token::of(|t| {
                t.str("block");
                t.token(part.token());
            });
            let within = move |session: &Session| -> LiveWork {
                let part = part.clone().in_session(session);
                Arc::new(move |_, ctx| content::keep(part.compute()?, ctx))
            };
            let work = NodeWork::Within(Arc::new(within));
            Ok(Delayed::of(Node::new(Key::new(token, 0), "block".into(), Vec::new(), work)))
        };
        (0..self.npartitions()).map(part).collect()
    }

    /// The array whose chunks are these delayed arrays, in order: the last axis runs fastest (Dask's `from_delayed`, for many).
    /// Each is computed when it is needed, in the session that is current now; what several of them need is computed once and
    /// held as long as there is the array.
    ///
    /// ```
    /// use partita::array::{Array, Chunks, ones};
    /// let x = ones([4, 3], (2, 3))?;
    /// let doubled = x.to_delayed()?.into_iter().map(|block| block.map(|b: ndarray::ArrayD<f64>| b * 2.0));
    /// let y = Array::from_delayed(doubled, x.chunks().clone())?;
    /// assert_eq!(y.sum()?.item()?, 24.0);
    /// # Ok::<(), partita::Error>(())
    /// ```
    ///
    /// # Errors
    /// `Invalid` when there are not as many as chunks; when it is computed, for one of another shape.
    pub fn from_delayed(parts: impl IntoIterator<Item = Delayed<ArrayD<T>>>, chunks: Chunks) -> Result<Array<T>> {
        let parts: Vec<Delayed<ArrayD<T>>> = parts.into_iter().collect();
        if parts.len() != chunks.count() {
            let what = format!("there are {} delayed arrays for {} chunks", parts.len(), chunks.count());
            return Err(Error::invalid(what).doing("make an array of delayed ones"));
        }
        let session = Session::current()?;
        let nodes: Vec<_> = parts.iter().map(|part| part.node.clone()).collect();
        let (parts, of) = (shared_once(&nodes, &session), chunks.clone());
        from_chunks(chunks, move |place| Delayed::of(parts[of.number(place)].clone()).compute_with(&session))
    }

    /// A frame whose rows are those of the array, which has one axis or two, with these names for its columns. Its
    /// partitions are the chunks along the first axis, and computed when they are needed, in the session where the frame is.
    ///
    /// # Errors
    /// `Invalid` when there are not as many names as columns, when a name is there twice, or for more than two axes.
    pub fn to_frame<N: Into<String>>(&self, columns: impl IntoIterator<Item = N>) -> Result<DataFrame> {
        let names: Vec<String> = columns.into_iter().map(Into::into).collect();
        let table = if self.ndim() == 1 { self.expand_dims(1)? } else { self.clone() };
        if table.ndim() != 2 || table.shape()[1] != names.len() {
            let what = format!("{} names of columns do not fit an array of shape {:?}", names.len(), self.shape());
            return Err(Error::invalid(what).doing("make a frame of an array"));
        }
        if let Some((_, twice)) = names.iter().enumerate().find(|(i, name)| names[..*i].contains(name)) {
            let error =
                Error::invalid(format!("two columns are named {twice}")).help("give each column a name of its own");
            return Err(error.doing("make a frame of an array"));
        }
        DataFrame::from_source(Arc::new(ArraySource::new(table, names)?), self.session())
    }
}

impl DataFrame {
    /// Numeric columns as an array of two axes, a row a row, in the order given; null becomes NaN. The rows of every
    /// partition are counted now: they are the chunks, which are computed in the session where the array is. (Dask's
    /// `to_dask_array(lengths=True)`.)
    ///
    /// # Errors
    /// `UnknownColumn`; `TypeMismatch` for a column that is not numeric; the first error of counting.
    pub fn to_array<N: Into<String>>(&self, columns: impl IntoIterator<Item = N>) -> Result<Array<f64>> {
        let names: Vec<String> = columns.into_iter().map(Into::into).collect();
        let wide = names.len();
        let frame = self.select(names)?.astype(DataType::Float64)?;
        // where partitions are made together, they are made once
        let frame = if is_costly(frame.plan()) { frame.persist()? } else { frame };
        let parts = (0..frame.npartitions()?).map(|i| frame.partitions(i..i + 1)).collect::<Result<Vec<_>>>()?;
        let rows = parts.iter().map(|part| Ok(part.len()? as usize)).collect::<Result<Vec<usize>>>()?;
        let rows = if rows.is_empty() { vec![0] } else { rows };
        let array = from_chunks_within(Chunks::new([rows, vec![wide]]), move |place, session, cancel| {
            let part = place.first().and_then(|&i| parts.get(i)).map(|part| part.in_session(session));
            part.map_or_else(|| Ok(ArrayD::zeros(IxDyn(&[0, wide]))), |part| by_rows(&part.compute_unless(cancel)?))
        })?;
        Ok(array.in_session(self.session()))
    }
}

/// A table of floating columns, row after row.
fn by_rows(table: &Table) -> Result<ArrayD<f64>> {
    let (rows, wide) = (table.num_rows(), table.num_columns());
    let mut values = vec![f64::NAN; rows * wide];
    let mut first = 0;
    for batch in table.batches() {
        for (at, column) in batch.columns().iter().enumerate() {
            let places = values[first * wide..].iter_mut().skip(at).step_by(wide.max(1));
            let column = column.as_primitive::<Float64Type>();
            places.zip(column.iter()).for_each(|(place, value)| *place = value.unwrap_or(f64::NAN));
        }
        first += batch.num_rows();
    }
    let made = ArrayD::from_shape_vec(IxDyn(&[rows, wide]), values);
    made.map_err(|error| Error::invalid(format!("the rows do not fit: {error}")))
}

/// Rows that are those of an array.
struct ArraySource<T> {
    array: Array<T>,
    schema: SchemaRef,
    infos: Vec<PartitionInfo>,
}

impl<T: Element> ArraySource<T> {
    fn new(array: Array<T>, names: Vec<String>) -> Result<ArraySource<T>> {
        let fields = names.into_iter().map(|name| Field::new(name, arrow_type(T::DTYPE), false));
        let schema = Arc::new(Schema::new(fields.collect::<Vec<Field>>()));
        // whole rows
        let chunks = Chunks::new([array.chunks().axis(0).to_vec(), vec![array.shape()[1]]]);
        let array = array.rechunk(chunks)?;
        let bytes = array.shape()[1] as u64 * size_of::<T>() as u64;
        let info = |(i, &rows): (usize, &usize)| PartitionInfo {
            rows: Some(rows as u64),
            bytes: rows as u64 * bytes,
            origin: format!("block {i}"),
        };
        let infos = array.chunks().axis(0).iter().enumerate().map(info).collect();
        Ok(ArraySource { array, schema, infos })
    }
}

fn arrow_type(dtype: DType) -> DataType {
    match dtype {
        DType::Float64 => DataType::Float64,
        DType::Float32 => DataType::Float32,
        DType::Int64 => DataType::Int64,
        DType::Int32 => DataType::Int32,
        DType::UInt8 => DataType::UInt8,
        DType::Bool => DataType::Boolean,
    }
}

/// Elements as a column.
fn column<T: Element>(values: Vec<T>) -> Result<ArrayRef> {
    let values = &values as &dyn Any;
    macro_rules! of {
        ($($element:ty => $array:ident),*) => {$(
            if let Some(values) = values.downcast_ref::<Vec<$element>>() {
                return Ok(Arc::new($array::from(values.clone())));
            }
        )*};
    }
    of!(f64 => Float64Array, f32 => Float32Array, i64 => Int64Array, i32 => Int32Array, u8 => UInt8Array, bool => BooleanArray);
    Err(Error::invalid(format!("frames have no columns of {}", T::DTYPE)))
}

impl<T: Element> Identity for ArraySource<T> {
    fn token(&self, t: &mut Tokenizer) {
        t.str("array");
        t.token(self.array.token());
        t.debug(&self.schema.fields());
    }
}

impl<T: Element> fmt::Debug for ArraySource<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ArraySource({:?})", self.array)
    }
}

impl<T: Element> Source for ArraySource<T> {
    fn describe(&self) -> String {
        format!("an array of shape {:?}", self.array.shape())
    }

    fn schema(&self) -> SchemaRef {
        self.schema.clone()
    }

    fn partitions(&self) -> &[PartitionInfo] {
        &self.infos
    }

    fn read(&self, i: usize, scan: &Scan, ctx: &TaskContext) -> Result<Batches> {
        let rows = chunk(&self.array, &[i, 0])?.compute_within(ctx)?;
        let lanes = rows.lanes(Axis(0)).into_iter();
        let columns = lanes.map(|lane| column(lane.iter().copied().collect::<Vec<T>>())).collect::<Result<Vec<_>>>()?;
        let batch = Batch::new(RecordBatch::try_new(self.schema.clone(), columns)?, i as u64, 0);
        MemorySource::new(self.schema.clone(), vec![vec![batch]]).read(0, scan, ctx)
    }
}
