//! Aggregates that need the values of a group in order: sorted by group and value, on disk where they do not fit.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, UInt32Array};
use arrow::datatypes::{DataType, Field, Float16Type, Float32Type, Float64Type, Schema, SchemaRef, UInt32Type};
use rustc_hash::FxHashSet;

use super::spec::{Spec, record};
use crate::base::{Error, Result};
use crate::exec::TaskContext;
use crate::expr::col;
use crate::expr::folds::OrderedFold;
use crate::io::Batch;
use crate::ops::sort_by::SortBy;
use crate::plan::shape::{Chunk, Store};
use crate::plan::{Flow, Out};

/// The values of one column, by group and value, and the aggregates of them.
pub struct Ordered {
    /// Which of the values.
    value: usize,
    /// The aggregates, by their places.
    folds: Vec<usize>,
    schema: SchemaRef,
    store: Arc<dyn Store>,
    rows: Box<dyn Chunk>,
    /// How many values each group has that are neither null nor NaN.
    sizes: Vec<u64>,
}

impl Ordered {
    /// One for each column that has such aggregates.
    pub fn of(spec: &Spec, ctx: &TaskContext) -> Result<Vec<Ordered>> {
        let ordered = || spec.folds.iter().filter(|f| f.ordered).map(|f| f.value);
        let stores = ordered().collect::<FxHashSet<_>>().len();
        // they fill side by side, beside the groups
        let ctx = TaskContext { budget: ctx.budget.divided(stores + 1), ..ctx.clone() };
        let mut made: Vec<Ordered> = Vec::new();
        for (at, folded) in spec.folds.iter().enumerate().filter(|(_, f)| f.ordered) {
            match made.iter_mut().find(|o| o.value == folded.value) {
                Some(known) => known.folds.push(at),
                None => made.push(Ordered::new(folded.value, at, &folded.data_type, &ctx)?),
            }
        }
        Ok(made)
    }

    fn new(value: usize, fold: usize, data_type: &DataType, ctx: &TaskContext) -> Result<Ordered> {
        let data_type = crate::base::schema::logical(data_type);
        let fields = vec![Field::new("group", DataType::UInt32, false), Field::new("value", data_type, true)];
        let schema: SchemaRef = Arc::new(Schema::new(fields));
        let store = SortBy::new([col("group").asc(), col("value").asc()])?.store(&schema, ctx)?;
        let rows = store.clone().start(0, 0, ctx)?;
        Ok(Ordered { value, folds: vec![fold], schema, store, rows, sizes: Vec::new() })
    }

    /// Takes in rows; `ids` are below `groups`.
    pub fn push(&mut self, values: &[ArrayRef], ids: &[u32], groups: usize) -> Result<()> {
        let values = values.get(self.value).ok_or_else(|| Error::invalid("a value is missing"))?;
        self.sizes.resize(groups, 0);
        count(values, ids, &mut self.sizes);
        let ids: ArrayRef = Arc::new(UInt32Array::from(ids.to_vec()));
        let rows = ids.len();
        self.rows.push(Batch::new(record(&self.schema, vec![ids, values.clone()], rows)?, 0, 0))?;
        Ok(())
    }

    /// Bytes of memory held beside what the sort has.
    pub fn bytes(&self) -> usize {
        self.sizes.capacity() * 8
    }

    /// The results, by the places of their aggregates.
    pub fn finish(mut self, spec: &Spec, groups: usize, ctx: &TaskContext) -> Result<Vec<(usize, ArrayRef)>> {
        self.sizes.resize(groups, 0);
        let receipt = self.rows.end()?;
        self.store.seal(vec![receipt], ctx)?;
        let folds = self.folds.iter().filter_map(|&at| spec.folds.get(at));
        let folds = folds.map(|f| f.fold.ordered(&f.data_type, &self.sizes)?.ok_or_else(unordered));
        let mut folds: Vec<Box<dyn OrderedFold>> = folds.collect::<Result<_>>()?;
        let mut sink = |batch: Batch| {
            let ids = batch.record.column(0).as_primitive::<UInt32Type>().values();
            for fold in &mut folds {
                fold.push(batch.record.column(1), ids)?;
            }
            Ok(Flow::More)
        };
        self.store.read(0, ctx, &mut Out::new(&mut [], &mut sink, ctx))?;
        self.folds.into_iter().zip(folds).map(|(at, fold)| Ok((at, fold.finish()?))).collect()
    }
}

fn unordered() -> Error {
    Error::invalid("an aggregate has no form for values in order after all")
}

/// Counts the values of each group that are neither null nor NaN.
fn count(values: &ArrayRef, ids: &[u32], sizes: &mut [u64]) {
    let nulls = values.logical_nulls().filter(|n| n.null_count() > 0);
    let there = |row: usize| nulls.as_ref().is_none_or(|n| n.is_valid(row));
    let mut each = |is_nan: &dyn Fn(usize) -> bool| {
        for (row, &id) in ids.iter().enumerate() {
            if let (true, Some(size)) = (there(row) && !is_nan(row), sizes.get_mut(id as usize)) {
                *size += 1;
            }
        }
    };
    match values.data_type() {
        DataType::Float64 => each(&|row| values.as_primitive::<Float64Type>().value(row).is_nan()),
        DataType::Float32 => each(&|row| values.as_primitive::<Float32Type>().value(row).is_nan()),
        DataType::Float16 => each(&|row| values.as_primitive::<Float16Type>().value(row).is_nan()),
        _ => each(&|_| false),
    }
}
