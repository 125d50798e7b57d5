//! Which rows of a run are read: not those of pages that the page index rules out, and where a condition keeps few rows, the
//! columns that it does not look at are read for these only.

use std::ops::Range;
use std::sync::Arc;

use arrow::array::{Array, AsArray, BooleanArray, BooleanBufferBuilder, RecordBatch};
use arrow::buffer::BooleanBuffer;
use arrow::datatypes::SchemaRef;
use parquet::arrow::arrow_reader::RowSelection;
use parquet::errors::ParquetError;
use parquet::file::metadata::RowGroupMetaData;

use super::bloom;
use super::footer::{Footer, guarded};
use super::page_index::rows_that_can_match;
use super::pages::Pages;
use super::read::{Run, reader_of};
use super::wanted::Wanted;
use crate::base::Result;
use crate::exec::Cancel;
use crate::expr::fns::struct_field::{Path, by_column, paths};
use crate::expr::{Expr, Program};
use crate::io::{Rows, Scan};

/// What rows must satisfy to be wanted, ready to be asked.
#[derive(Clone, Debug)]
pub struct Condition {
    expr: Expr,
    program: Program,
    /// The columns that it looks at.
    wanted: Wanted,
    /// The footer with the types in which the condition wants its columns.
    footer: Arc<Footer>,
    schema: SchemaRef,
    places: Arc<[Option<usize>]>,
}

/// A condition is not asked further about a run once it has kept one row of so many.
const MANY: u64 = 8;

impl Condition {
    /// As much of `predicate` as can be asked of a file that has the columns of `schema` at `places`.
    pub fn new(
        predicate: &Expr,
        footer: &Arc<Footer>,
        schema: &SchemaRef,
        places: &Arc<[Option<usize>]>,
    ) -> Option<Condition> {
        let known = |e: &Expr| e.columns().iter().all(|name| schema.index_of(name).is_ok());
        let asked = predicate.conjuncts().into_iter().filter(|e| e.is_repeatable() && e.is_rowwise() && known(e));
        let expr = Expr::all(asked)?;
        let mut columns: Vec<usize> = expr.columns().iter().filter_map(|name| schema.index_of(name).ok()).collect();
        columns.sort_unstable();
        let looked = by_column(schema, paths(&expr)).into_iter().enumerate();
        let fields = looked.filter(|(_, paths)| !paths.is_empty() && !paths.contains(&Path::new()));
        let fields = fields.map(|(column, paths)| (column, paths.into_iter().collect())).collect();
        let scan = Scan { projection: Some(columns.into()), fields, ..Scan::default() };
        let program = Program::new(std::slice::from_ref(&expr), &scan.project(schema)).ok()?;
        let wanted = Wanted::new(&scan, schema, places, footer);
        Some(Condition {
            expr,
            program,
            wanted,
            footer: footer.clone(),
            schema: schema.clone(),
            places: places.clone(),
        })
    }

    /// The leaves that it looks at.
    pub fn leaves(&self, group: &RowGroupMetaData) -> Vec<usize> {
        self.wanted.leaves(group).map(|(leaf, _)| leaf).collect()
    }

    /// The rows of a run that are worth reading; `None` for all of them.
    ///
    /// # Errors
    /// `Cancelled`. Damage is reported by whoever reads the rows.
    pub fn rows_of(
        &self,
        footer: &Footer,
        run: &Run,
        pages: &Pages,
        wanted: &Wanted,
        batch_rows: usize,
        cancel: &Cancel,
    ) -> Result<Option<Kept>> {
        let mut kept = self.in_pages(run, pages).map(|bits| Kept::new(run.at, bits));
        if kept.as_ref().is_some_and(|kept| kept.rows() == 0) || !self.pays(footer, run, wanted) {
            return Ok(kept);
        }
        let Some(columns) = self.open(run, pages, batch_rows, kept.as_ref()) else { return Ok(kept) };
        let candidates = kept.as_ref().map_or(run.rows, Kept::rows);
        let (mut found, mut seen) = (BooleanBufferBuilder::new(usize::try_from(candidates).unwrap_or(0)), 0);
        for batch in columns {
            cancel.check()?;
            // what cannot be asked here is asked above, of all rows
            let Some(matching) = batch.ok().and_then(|batch| self.ask(&batch)) else { return Ok(kept) };
            seen += matching.count_set_bits() as u64;
            found.append_buffer(&matching);
            if seen > (found.len() as u64).max(candidates / 2) / MANY {
                return Ok(kept);
            }
        }
        if found.len() as u64 != candidates {
            return Ok(kept);
        }
        let found = found.finish();
        kept = Some(match kept {
            None => Kept::new(run.at, found),
            Some(kept) => kept.and_then(&found),
        });
        Ok(kept)
    }

    /// Whether the columns that are not looked at are worth the trouble.
    fn pays(&self, footer: &Footer, run: &Run, wanted: &Wanted) -> bool {
        let (mut own, mut others) = (0u64, 0u64);
        for group in run.groups.clone() {
            let group = footer.metadata().row_group(group);
            let asked = self.leaves(group);
            own += asked.iter().map(|&leaf| group.column(leaf).uncompressed_size().max(0) as u64).sum::<u64>();
            let rest = wanted.leaves(group).filter(|(leaf, _)| !asked.contains(leaf));
            others += rest.map(|(_, column)| column.uncompressed_size().max(0) as u64).sum::<u64>();
        }
        others > own && !self.wanted.columns.read.is_empty()
    }

    fn open(
        &self,
        run: &Run,
        pages: &Pages,
        batch_rows: usize,
        kept: Option<&Kept>,
    ) -> Option<impl Iterator<Item = Result<RecordBatch>> + use<>> {
        let pages = pages.planned(self.footer.metadata(), run, &self.wanted.mask, kept);
        let reader = guarded(|| reader_of(&self.footer, &pages, run, &self.wanted.mask, batch_rows, kept)).ok()?;
        let mut reader = Some(reader);
        Some(std::iter::from_fn(move || {
            // a panic of the decoder must not be met with the same reader again
            let mut own = reader.take()?;
            let batch = guarded(|| Ok(own.next().transpose()?.map(|batch| (batch, own))));
            match batch {
                Ok(None) => None,
                Ok(Some((batch, own))) => {
                    reader = Some(own);
                    Some(Ok(batch))
                }
                Err(error) => Some(Err(error)),
            }
        }))
    }

    /// The rows of a batch for which it is true; `None` when it cannot be asked.
    fn ask(&self, batch: &RecordBatch) -> Option<BooleanBuffer> {
        let result = self.program.run(&self.wanted.assemble(batch).ok()?).ok()?;
        let mask: &BooleanArray = result.column(0).as_boolean_opt()?;
        Some(match mask.nulls() {
            None => mask.values().clone(),
            Some(valid) => mask.values() & valid.inner(),
        })
    }

    /// The row groups that can have matching rows as far as Bloom filters tell.
    pub fn groups(&self, groups: &[usize], pages: &Pages) -> Vec<usize> {
        let can = |group: &usize| bloom::can_match(&self.footer, pages, *group, &self.expr, &self.schema, &self.places);
        groups.iter().copied().filter(can).collect()
    }

    /// The rows of a run that are in pages that can have matching ones; `None` if all are, or nothing is known.
    fn in_pages(&self, run: &Run, pages: &Pages) -> Option<BooleanBuffer> {
        let mut bits = BooleanBufferBuilder::new(usize::try_from(run.rows).ok()?);
        let mut left = run.rows;
        let mut skip = run.skip;
        let mut all = true;
        for group in run.groups.clone() {
            let rows = self.footer.groups.get(group)?.rows;
            let ranges = rows_that_can_match(&self.footer, pages, group, &self.expr, &self.schema, &self.places);
            let (start, end) = (skip, rows.min(skip + left));
            match ranges {
                None => bits.append_n(usize::try_from(end - start).ok()?, true),
                Some(ranges) => {
                    all = false;
                    let mut at = start;
                    for range in ranges {
                        let (from, to) = (range.start.clamp(at, end), range.end.clamp(at, end));
                        bits.append_n(usize::try_from(from - at).ok()?, false);
                        bits.append_n(usize::try_from(to - from).ok()?, true);
                        at = to;
                    }
                    bits.append_n(usize::try_from(end - at).ok()?, false);
                }
            }
            left -= end - start;
            skip = 0;
        }
        if all { None } else { Some(bits.finish()) }
    }
}

/// The rows of a run that are read.
#[derive(Clone, Debug)]
pub struct Kept {
    /// The number of the run's first row in the file.
    start: u64,
    bits: BooleanBuffer,
    /// How many of them were given.
    next: usize,
}

impl Kept {
    fn new(start: u64, bits: BooleanBuffer) -> Kept {
        Kept { start, bits, next: 0 }
    }

    /// How many rows.
    pub fn rows(&self) -> u64 {
        self.bits.count_set_bits() as u64
    }

    /// Whether any of these rows of the run is kept.
    pub fn any(&self, rows: Range<u64>) -> bool {
        let end = usize::try_from(rows.end).unwrap_or(usize::MAX).min(self.bits.len());
        let start = usize::try_from(rows.start).unwrap_or(usize::MAX).min(end);
        self.bits.slice(start, end - start).set_indices().next().is_some()
    }

    /// Those of them for which a bit is set.
    fn and_then(self, found: &BooleanBuffer) -> Kept {
        let mut bits = BooleanBufferBuilder::new(self.bits.len());
        bits.append_n(self.bits.len(), false);
        let places = self.bits.set_indices().zip(found.iter());
        places.filter(|(_, keep)| *keep).for_each(|(place, _)| bits.set_bit(place, true));
        Kept::new(self.start, bits.finish())
    }

    /// The same for a reader of row groups that have `all` rows, of which the run leaves out the first `skip`.
    ///
    /// # Errors
    /// When a number of rows is beyond what memory can count.
    pub fn selection(&self, skip: u64, all: u64) -> Result<RowSelection, ParquetError> {
        let skip = usize::try_from(skip)?;
        let ranges = self.bits.set_slices().map(|(from, to)| skip + from..skip + to);
        Ok(RowSelection::from_consecutive_ranges(ranges, usize::try_from(all)?))
    }

    /// The places of the next `rows` rows.
    pub fn next(&mut self, rows: usize) -> Rows {
        let left = self.bits.slice(self.next, self.bits.len() - self.next);
        let mut set = left.set_indices();
        let first = set.next().unwrap_or(left.len());
        let end = if rows < 2 { first + rows } else { set.nth(rows - 2).map_or(left.len(), |last| last + 1) };
        let start = self.start + (self.next + first) as u64;
        self.next += end;
        if end - first == rows {
            return Rows::Range { start };
        }
        Rows::Masked { start, mask: left.slice(first, end - first) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn places_follow_the_bits(bits in proptest::collection::vec(any::<bool>(), 1..300), batch in 1usize..50) {
            let mut kept = Kept::new(1000, bits.clone().into());
            let places: Vec<u64> = bits.iter().zip(1000..).filter(|(b, _)| **b).map(|(_, i)| i).collect();
            let mut given = Vec::new();
            while given.len() < places.len() {
                let rows = batch.min(places.len() - given.len());
                let next = kept.next(rows);
                prop_assert_eq!(next.places(rows).len(), rows);
                given.extend(next.places(rows));
            }
            prop_assert_eq!(given, places);
        }
    }
}
