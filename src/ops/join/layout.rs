//! Which columns of a join go where.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, BooleanArray, RecordBatch, RecordBatchOptions, UInt32Array};
use arrow::buffer::NullBuffer;
use arrow::compute::{FilterPredicate, filter_record_batch, take};
use arrow::datatypes::{DataType, SchemaRef};

use super::JoinKind;
use crate::base::{Result, Tokenizer};
use crate::expr::fns::cast::convert;
use crate::expr::keys::hash_rows;

/// Where a column of the result comes from, by its place in a side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum From {
    /// The side that is looked through row by row.
    Probe(usize),
    /// The side that rows are looked up in.
    Build(usize),
    /// The key: from the first side, or from the second where there is no row of the first.
    Either(usize, usize),
}

/// The join as it runs: rows of the probe side are looked up in the build side. That is the left and the right frame,
/// but the other way round for a right join.
#[derive(Clone, Debug)]
pub struct Layout {
    /// Right joins are left joins by now.
    pub kind: JoinKind,
    pub nulls_equal: bool,
    /// The places of the keys: of the probe side, of the build side.
    pub keys: [Vec<usize>; 2],
    /// The types that the keys of both sides meet in.
    pub types: Vec<DataType>,
    pub columns: Vec<From>,
    pub schema: SchemaRef,
}

/// The probe side.
pub const PROBE: usize = 0;
/// The build side.
pub const BUILD: usize = 1;

impl Layout {
    /// The keys of the rows of a side.
    pub fn keys_of(&self, side: usize, record: &RecordBatch) -> Result<Vec<ArrayRef>> {
        let keys = self.keys[side].iter().zip(&self.types);
        keys.map(|(&at, to)| convert(record.column(at), to)).collect()
    }

    /// The hash of each row of a side.
    pub fn hashes(&self, keys: &[ArrayRef], rows: usize) -> Result<Vec<u64>> {
        if keys.is_empty() { Ok(vec![0; rows]) } else { hash_rows(keys) }
    }

    /// Which rows may have a partner; absent: all.
    pub fn partnered(&self, keys: &[ArrayRef]) -> Option<NullBuffer> {
        if self.nulls_equal {
            return None;
        }
        let nulls = keys.iter().fold(None, |met, key| NullBuffer::union(met.as_ref(), key.logical_nulls().as_ref()));
        nulls.filter(|nulls| nulls.null_count() > 0)
    }

    /// Whether rows of a side are in the result though they have no partner.
    pub fn keeps(&self, side: usize) -> bool {
        match self.kind {
            JoinKind::Outer => true,
            JoinKind::Left | JoinKind::Anti => side == PROBE,
            _ => false,
        }
    }

    /// The rows of a side that matter, and the hash of each.
    pub fn hashed(&self, side: usize, record: &RecordBatch) -> Result<(RecordBatch, Vec<u64>)> {
        let keys = self.keys_of(side, record)?;
        let hashes = self.hashes(&keys, record.num_rows())?;
        match self.partnered(&keys) {
            Some(valid) if !self.keeps(side) => {
                let hashes = valid.valid_indices().map(|row| hashes[row]).collect();
                let kept = BooleanArray::new(valid.into_inner(), None);
                Ok((filter_record_batch(record, &kept)?, hashes))
            }
            _ => Ok((record.clone(), hashes)),
        }
    }

    /// The rows of the result, from rows of the probe side and places in the other; a place that is null has no row.
    pub fn assemble(
        &self,
        probe: &RecordBatch,
        rows: Rows<'_>,
        build: &RecordBatch,
        found: &UInt32Array,
    ) -> Result<RecordBatch> {
        let count = match rows {
            Rows::All => probe.num_rows(),
            Rows::Kept(kept) => kept.count(),
            Rows::At(places) => places.len(),
        };
        let of_probe = |i: usize| -> Result<ArrayRef> {
            match rows {
                Rows::All => Ok(probe.column(i).clone()),
                Rows::Kept(kept) => Ok(kept.filter(probe.column(i))?),
                Rows::At(places) => Ok(take(probe.column(i), places, None)?),
            }
        };
        let missing = match rows {
            Rows::At(places) => places.nulls().filter(|nulls| nulls.null_count() > 0),
            _ => None,
        };
        let columns = self.columns.iter().zip(self.schema.fields()).map(|(from, field)| {
            let column = match from {
                From::Probe(i) => of_probe(*i)?,
                From::Build(i) => take(build.column(*i), found, None)?,
                From::Either(i, j) => {
                    let own = convert(&of_probe(*i)?, field.data_type())?;
                    match missing {
                        None => own,
                        Some(valid) => {
                            let other = convert(&take(build.column(*j), found, None)?, field.data_type())?;
                            let own_rows = BooleanArray::new(valid.inner().clone(), None);
                            arrow::compute::kernels::zip::zip(&own_rows, &own, &other)?
                        }
                    }
                }
            };
            // sides that arrive in several layouts leave in one
            if column.data_type() == field.data_type() { Ok(column) } else { convert(&column, field.data_type()) }
        });
        let columns = columns.collect::<Result<Vec<ArrayRef>>>()?;
        let options = RecordBatchOptions::new().with_row_count(Some(count));
        Ok(RecordBatch::try_new_with_options(self.schema.clone(), columns, &options)?)
    }
}

/// Which rows of the probe side there are in the result.
#[derive(Clone, Copy)]
pub enum Rows<'a> {
    /// All, one after the other.
    All,
    /// Those that are kept, in their order.
    Kept(&'a FilterPredicate),
    /// Those at these places; one that is null has no row.
    At(&'a UInt32Array),
}

/// One record of several, with the columns in the types of `schema`.
pub fn joined(schema: &SchemaRef, records: &[RecordBatch]) -> Result<RecordBatch> {
    let same = |r: &RecordBatch| r.columns().iter().zip(schema.fields()).all(|(c, f)| c.data_type() == f.data_type());
    if let [only] = records
        && same(only)
    {
        return Ok(only.clone());
    }
    let rows = records.iter().map(RecordBatch::num_rows).sum();
    let columns = schema.fields().iter().enumerate().map(|(i, field)| {
        let parts = records.iter().map(|r| match r.column(i) {
            fit if fit.data_type() == field.data_type() => Ok(fit.clone()),
            other => convert(other, field.data_type()),
        });
        let parts = parts.collect::<Result<Vec<ArrayRef>>>()?;
        let parts: Vec<&dyn Array> = parts.iter().map(AsRef::as_ref).collect();
        Ok(match parts.as_slice() {
            [] => arrow::array::new_empty_array(field.data_type()),
            parts => arrow::compute::concat(parts)?,
        })
    });
    let options = RecordBatchOptions::new().with_row_count(Some(rows));
    Ok(RecordBatch::try_new_with_options(Arc::clone(schema), columns.collect::<Result<_>>()?, &options)?)
}

impl Layout {
    /// What tells this join from others over the same inputs.
    pub fn token(&self, t: &mut Tokenizer) {
        t.str(&self.kind.to_string());
        t.u64(u64::from(self.nulls_equal));
        self.keys.iter().for_each(|keys| t.list(keys, |t, &key| t.u64(key as u64)));
        t.debug(&self.types);
        t.debug(&self.columns);
        t.debug(&self.schema);
    }
}
