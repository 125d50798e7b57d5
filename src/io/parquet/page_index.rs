//! What the page index says: which rows of a row group are in pages that can have what is wanted.

use std::any::Any;
use std::ops::Range;

use arrow::array::{Array, ArrayRef};
use arrow::datatypes::SchemaRef;
use parquet::file::metadata::page_index::PageIndexProvider;
use parquet::file::page_index::column_index::ColumnIndexMetaData;
use parquet::file::page_index::index_reader::{decode_column_index, decode_offset_index};
use parquet::file::page_index::offset_index::OffsetIndexMetaData;
use parquet::file::reader::ChunkReader;
use rustc_hash::FxHashMap;

use super::footer::{Footer, guarded};
use super::pages::Pages;
use super::prune::{Facts, Nulls, can_be_true, names_of};
use super::statistics::{Column, facts_of};
use crate::expr::Expr;

/// What is known of the pages of a column.
struct PageFacts {
    /// The first row of each page.
    starts: Vec<u64>,
    /// Smallest and largest value of each page, one after the other.
    ranges: Option<ArrayRef>,
    nulls: Vec<Nulls>,
}

/// Row groups whose pages cut them into more pieces are not looked at.
const PIECES: usize = 20_000;

/// The rows of a row group, rising, that are in pages which can have rows for which `predicate` is true; `None` if that are
/// all, or there is no index.
pub fn rows_that_can_match(
    footer: &Footer,
    pages: &Pages,
    group: usize,
    predicate: &Expr,
    schema: &SchemaRef,
    places: &[Option<usize>],
) -> Option<Vec<Range<u64>>> {
    let rows = footer.groups.get(group)?.rows;
    let (mut known, mut others) = (FxHashMap::default(), FxHashMap::default());
    for name in names_of(predicate) {
        let column = Column::named(footer, group, &name, schema, places);
        match column.and_then(|column| page_facts(&column, pages, rows)) {
            Some(facts) => known.insert(name, facts).map(drop),
            None => {
                let facts = facts_of(footer, group, &name, schema, places);
                others.insert(name, facts).map(drop)
            }
        };
    }
    if known.is_empty() {
        return None;
    }
    let mut cuts: Vec<u64> = known.values().flat_map(|facts| facts.starts.iter().copied()).collect();
    cuts.sort_unstable();
    cuts.dedup();
    if cuts.len() > PIECES {
        return None;
    }
    let mut kept: Vec<Range<u64>> = Vec::new();
    for (k, &start) in cuts.iter().enumerate() {
        let end = cuts.get(k + 1).copied().unwrap_or(rows);
        let facts = |name: &str| match known.get(name) {
            Some(pages) => pages.at(start),
            None => others.get(name).cloned().unwrap_or_default(),
        };
        if can_be_true(predicate, &facts) {
            match kept.last_mut() {
                Some(last) if last.end == start => last.end = end,
                _ => kept.push(start..end),
            }
        }
    }
    let all = kept.len() == 1 && kept.iter().all(|range| *range == (0..rows));
    (!all).then_some(kept)
}

impl PageFacts {
    /// What is known of the page that row `row` is in.
    fn at(&self, row: u64) -> Facts {
        let page = self.starts.partition_point(|start| *start <= row).saturating_sub(1);
        let range = self.ranges.as_ref().map(|ranges| ranges.slice(2 * page, 2)).filter(|r| r.null_count() == 0);
        Facts { range, nulls: self.nulls.get(page).copied().unwrap_or_default(), ..Facts::default() }
    }
}

/// What the index says of a column of `rows` rows; `None` if there is none, or it contradicts itself.
fn page_facts(column: &Column<'_>, pages: &Pages, rows: u64) -> Option<PageFacts> {
    let chunk = column.chunk();
    let (values, places) = (chunk.column_index_range()?, chunk.offset_index_range()?);
    let read = |range: Range<u64>| pages.get_bytes(range.start, usize::try_from(range.end - range.start)?);
    let (values, places) = guarded(|| {
        let values = decode_column_index(&read(values)?, chunk.column_type())?;
        Ok((values, decode_offset_index(&read(places)?)?))
    })
    .ok()?;
    let starts: Option<Vec<u64>> =
        places.page_locations().iter().map(|page| u64::try_from(page.first_row_index).ok()).collect();
    let starts = starts?;
    let rising = starts.first() == Some(&0) && starts.is_sorted() && starts.last().is_some_and(|last| *last <= rows);
    if !rising || starts.len() as u64 != values.num_pages() {
        return None;
    }
    let nulls = (0..starts.len()).map(|page| {
        let rows = starts.get(page + 1).copied().unwrap_or(rows) - starts[page];
        match values.null_count(page).and_then(|n| u64::try_from(n).ok()) {
            _ if values.is_null_page(page) => Nulls::All,
            None => Nulls::Unknown,
            Some(0) => Nulls::None,
            Some(n) if n == rows => Nulls::All,
            Some(_) => Nulls::Some,
        }
    });
    let nulls = nulls.collect();
    let index = OneIndex { values, places };
    let ranges = column.range_of(false, |converter| {
        Some((converter.data_page_mins(&index, &[0]).ok()?, converter.data_page_maxes(&index, &[0]).ok()?))
    });
    Some(PageFacts { ranges: ranges.filter(|r| r.len() == 2 * starts.len()), starts, nulls })
}

/// The index of one column of one row group, whichever is asked for.
#[derive(Debug)]
struct OneIndex {
    values: ColumnIndexMetaData,
    places: OffsetIndexMetaData,
}

impl PageIndexProvider for OneIndex {
    fn has_offset_indexes(&self) -> bool {
        true
    }

    fn has_column_indexes(&self) -> bool {
        true
    }

    fn as_any(&self) -> &dyn Any {
        self
    }

    fn column_index(&self, _group: usize, _leaf: usize) -> Option<&ColumnIndexMetaData> {
        Some(&self.values)
    }

    fn offset_index(&self, _group: usize, _leaf: usize) -> Option<&OffsetIndexMetaData> {
        Some(&self.places)
    }
}
