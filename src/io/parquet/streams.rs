//! Which bytes of a file some of its rows and columns need. Pure.

use std::ops::Range;

use parquet::arrow::ProjectionMask;
use parquet::file::metadata::ParquetMetaData;
use parquet::file::page_index::offset_index::PageLocation;

/// The bytes of the columns of `mask` for `rows` rows of some row groups, behind `skip` rows of the first of them, as far as they
/// are kept: a stream for each column chunk, or for its parts where its pages are known and not all of them are needed. They
/// rise.
pub fn streams(
    metadata: &ParquetMetaData,
    groups: Range<usize>,
    (skip, rows): (u64, u64),
    mask: &ProjectionMask,
    is_kept: &dyn Fn(Range<u64>) -> bool,
) -> Vec<Range<u64>> {
    let mut found = Vec::new();
    let (mut skip, mut left, mut before) = (skip, rows, 0);
    for group in groups {
        let of_group = metadata.row_group(group);
        let all = u64::try_from(of_group.num_rows()).unwrap_or(0);
        let wanted = skip.min(all)..skip.saturating_add(left).min(all);
        let count = wanted.end - wanted.start;
        (skip, left) = (0, left.saturating_sub(count));
        // rows are kept by their number in the run
        let shift = |row: u64| before + row.saturating_sub(wanted.start);
        let are_kept = |rows: Range<u64>| {
            let rows = rows.start.max(wanted.start)..rows.end.min(wanted.end);
            rows.start < rows.end && is_kept(shift(rows.start)..shift(rows.end))
        };
        let index = metadata.page_index_for_row_group(group);
        for (leaf, column) in of_group.columns().iter().enumerate().filter(|(leaf, _)| mask.leaf_included(*leaf)) {
            let (start, length) = column.byte_range();
            let chunk = start..start.saturating_add(length);
            match index.page_locations(leaf) {
                Some(pages) => found.extend(of_pages(&chunk, pages, all, &are_kept)),
                None if wanted == (0..all) => found.push(chunk),
                // pages before it are read to be skipped; how large the others are is not known
                None => {
                    let part = length as u128 * u128::from(wanted.end) / u128::from(all.max(1));
                    found.push(chunk.start..chunk.end.min(chunk.start.saturating_add(part as u64 + SLACK)));
                }
            }
        }
        before += count;
    }
    found.retain(|range| range.start < range.end);
    found.sort_by_key(|range| range.start);
    found
}

/// Pages are not of the same size: so much more is asked for.
const SLACK: u64 = 64 << 10;

/// The dictionary of a column chunk of `all` rows, and the pages with rows that are kept, neighbours together.
fn of_pages(
    chunk: &Range<u64>,
    pages: &[PageLocation],
    all: u64,
    are_kept: &dyn Fn(Range<u64>) -> bool,
) -> Vec<Range<u64>> {
    let at = |page: &PageLocation| u64::try_from(page.offset).unwrap_or(0).clamp(chunk.start, chunk.end);
    let row = |page: &PageLocation| u64::try_from(page.first_row_index).unwrap_or(0);
    let dictionary = chunk.start..pages.first().map_or(chunk.end, at);
    let mut found: Vec<_> = std::iter::once(dictionary).collect();
    for (i, page) in pages.iter().enumerate() {
        let next = pages.get(i + 1);
        if are_kept(row(page)..next.map_or(all, row)) {
            let (start, end) = (at(page), next.map_or(chunk.end, at));
            match found.last_mut() {
                Some(last) if last.end == start => last.end = end,
                _ => found.push(start..end.max(start)),
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pages_of_some_rows_are_found() {
        let page = |offset, first_row_index| PageLocation { offset, compressed_page_size: 10, first_row_index };
        let pages = [page(120, 0), page(130, 100), page(150, 200)];
        let of = |kept: Range<u64>| of_pages(&(100..170), &pages, 300, &|r| r.start < kept.end && kept.start < r.end);
        let one = |range: Range<u64>| std::iter::once(range).collect::<Vec<_>>();
        assert_eq!((of(0..100), of(99..101)), (one(100..130), one(100..150)));
        assert_eq!(of(100..200), [100..120, 130..150]);
        assert_eq!(of(250..300), [100..120, 150..170]);
    }
}
