//! What some writers got wrong in their footers, put right. Pure.

use parquet::errors::ParquetError;
use parquet::file::metadata::{
    ColumnChunkMetaData, FileMetaData, ParquetMetaData, ParquetMetaDataReader, RowGroupMetaData,
};

use super::thrift;

/// The metadata in the bytes of a footer.
///
/// Fields that are not of the type the format gives them are left out where the rest can be read without: private
/// additions of some writers (an old Dremio's).
///
/// # Errors
/// When it is damaged.
pub fn decode(footer: &[u8]) -> Result<ParquetMetaData, ParquetError> {
    ParquetMetaDataReader::decode_metadata(footer).or_else(|error| match thrift::well_typed(footer) {
        Some(cleaned) if cleaned != footer => ParquetMetaDataReader::decode_metadata(&cleaned).map_err(|_| error),
        _ => Err(error),
    })
}

/// The metadata with what is known to be wrong mended; its columns end before `end`, where the footer begins.
///
/// - The number of rows of the file is that of its row groups (early versions of parquet-rs wrote 0).
/// - A dictionary that would be before the first column is none.
/// - The lengths of columns that parquet-mr wrote before 1.2.9 leave out the header of the dictionary (PARQUET-816): they
///   reach to the next column.
///
/// # Errors
/// Never in practice.
pub fn mended(metadata: ParquetMetaData, end: u64) -> Result<ParquetMetaData, ParquetError> {
    let rows = metadata.row_groups().iter().map(RowGroupMetaData::num_rows).fold(0, i64::saturating_add);
    let file = metadata.file_metadata().clone();
    let short = file.created_by().is_some_and(leaves_out_headers);
    let no_dictionary = |c: &ColumnChunkMetaData| c.dictionary_page_offset().is_some_and(|at| at <= 0);
    let none = metadata.row_groups().iter().flat_map(RowGroupMetaData::columns).any(no_dictionary);
    if file.num_rows() == rows && !short && !none {
        return Ok(metadata);
    }
    let file = FileMetaData::new(
        file.version(),
        rows,
        file.created_by().map(str::to_string),
        file.key_value_metadata().cloned(),
        file.schema_descr_ptr(),
        file.column_orders().cloned(),
    );
    let mut groups = metadata.row_groups().to_vec();
    if none {
        groups = each_column(groups, |column| match no_dictionary(&column) {
            true => column.into_builder().set_dictionary_page_offset(None).build(),
            false => Ok(column),
        })?;
    }
    Ok(ParquetMetaData::new(file, if short { lengthened(groups, end)? } else { groups }))
}

fn each_column(
    groups: Vec<RowGroupMetaData>,
    change: impl Fn(ColumnChunkMetaData) -> Result<ColumnChunkMetaData, ParquetError>,
) -> Result<Vec<RowGroupMetaData>, ParquetError> {
    let mended = groups.into_iter().map(|group| {
        let mut builder = group.into_builder();
        let columns = builder.take_columns().into_iter().map(&change).collect::<Result<Vec<_>, _>>()?;
        builder.set_column_metadata(columns).build()
    });
    mended.collect()
}

/// Whether this writer is parquet-mr before 1.2.9.
fn leaves_out_headers(created_by: &str) -> bool {
    let Some(rest) = created_by.strip_prefix("parquet-mr") else { return false };
    let Some(version) = rest.trim_start().strip_prefix("version ") else { return true };
    let mut numbers = version.split(|c: char| !c.is_ascii_digit()).map(|n| n.parse::<u32>().unwrap_or(0));
    let mut next = || numbers.next().unwrap_or(0);
    (next(), next(), next()) < (1, 2, 9)
}

/// Columns reach to the next one, if it is no further away than the header of a page may be long.
fn lengthened(groups: Vec<RowGroupMetaData>, end: u64) -> Result<Vec<RowGroupMetaData>, ParquetError> {
    const HEADER: u64 = 100;
    let start = |offset: i64| u64::try_from(offset).unwrap_or(0);
    let columns = || groups.iter().flat_map(RowGroupMetaData::columns);
    let mut starts: Vec<u64> =
        columns().map(|c| start(c.dictionary_page_offset().unwrap_or(c.data_page_offset()))).collect();
    starts.push(end);
    starts.sort_unstable();
    each_column(groups, |column| {
        let (begin, length) = column.byte_range();
        let after = starts.iter().copied().find(|&s| s > begin).unwrap_or(end);
        let gap = after.saturating_sub(begin.saturating_add(length));
        if gap == 0 || gap > HEADER {
            return Ok(column);
        }
        let length = i64::try_from(length + gap)?;
        column.into_builder().set_total_compressed_size(length).build()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn writers_are_known_by_their_versions() {
        assert!(leaves_out_headers("parquet-mr"));
        assert!(leaves_out_headers("parquet-mr version 1.2.8 (build abc)"));
        assert!(!leaves_out_headers("parquet-mr version 1.2.9"));
        assert!(!leaves_out_headers("parquet-mr version 1.12.0-201812210311360288-a86293f"));
        assert!(!leaves_out_headers("parquet-cpp version 1.0.0"));
    }
}
