//! Files of every kind, damaged in every way: rows or a typed error, never a panic, and no memory beyond the limit.

use std::fs;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, Float64Array, RecordBatch, StringArray, StructArray};
use parquet::basic::{BrotliLevel, Compression, GzipLevel, ZstdLevel};
use parquet::file::properties::{EnabledStatistics, WriterProperties, WriterVersion};

use super::tests::{rows, write};
use crate::io::fuzz::parquet as read;

/// Numbers that look as if they were random, the same each time.
struct Numbers(u64);

impl Numbers {
    fn next(&mut self, below: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % below.max(1)
    }
}

fn everything(n: i64) -> RecordBatch {
    let plain = rows(n);
    let float: ArrayRef = Arc::new(Float64Array::from_iter_values((0..n).map(|i| i as f64 / 3.0)));
    let text: ArrayRef = Arc::new(StringArray::from_iter_values((0..n).map(|i| format!("text {i}"))));
    let inside = StructArray::try_from(vec![("float", float.clone()), ("list", plain.column(2).clone())]).unwrap();
    let mut columns: Vec<(String, ArrayRef)> = plain
        .schema()
        .fields()
        .iter()
        .zip(plain.columns())
        .map(|(field, column)| (field.name().clone(), column.clone()))
        .collect();
    columns.extend([("float".into(), float), ("words".into(), text), ("inside".into(), Arc::new(inside) as ArrayRef)]);
    RecordBatch::try_from_iter_with_nullable(columns.into_iter().map(|(name, column)| {
        let nullable = column.null_count() > 0;
        (name, column, nullable)
    }))
    .unwrap()
}

fn files(folder: &std::path::Path) -> Vec<Vec<u8>> {
    let codecs = [
        Compression::UNCOMPRESSED,
        Compression::SNAPPY,
        Compression::GZIP(GzipLevel::default()),
        Compression::BROTLI(BrotliLevel::default()),
        Compression::LZ4_RAW,
        Compression::ZSTD(ZstdLevel::default()),
    ];
    let made = codecs.into_iter().enumerate().map(|(i, codec)| {
        let path = folder.join("good.parquet");
        let version = if i % 2 == 0 { WriterVersion::PARQUET_1_0 } else { WriterVersion::PARQUET_2_0 };
        let level = if i % 3 == 0 { EnabledStatistics::Chunk } else { EnabledStatistics::Page };
        let properties = WriterProperties::builder()
            .set_compression(codec)
            .set_writer_version(version)
            .set_statistics_enabled(level)
            .set_dictionary_enabled(i % 3 != 1)
            .set_bloom_filter_enabled(i % 2 == 0)
            .set_bloom_filter_max_ndv(100)
            .set_data_page_row_count_limit(40)
            .set_write_batch_size(40)
            .set_max_row_group_row_count(Some(100));
        write(&path, &everything(150), properties);
        fs::read(&path).unwrap()
    });
    made.collect()
}

fn damaged(good: &[u8], numbers: &mut Numbers) -> Vec<u8> {
    let mut bytes = good.to_vec();
    let footer = bytes.len() - 8 - u32::from_le_bytes(bytes[bytes.len() - 8..][..4].try_into().unwrap()) as usize;
    for _ in 0..=numbers.next(4) {
        // every other time in the footer, where little is checked
        let from = if numbers.next(2) == 0 { footer.min(bytes.len().saturating_sub(1)) } else { 0 };
        let at = from + numbers.next(bytes.len() - from);
        match numbers.next(6) {
            0 => bytes[at] ^= 1 << numbers.next(8),
            1 => bytes[at] = numbers.next(256) as u8,
            // numbers as large as can be
            2 => bytes.iter_mut().skip(at).take(numbers.next(9)).for_each(|b| *b = 0xff),
            3 => bytes.truncate(at.max(1)),
            4 => bytes.insert(at, numbers.next(256) as u8),
            _ => {
                let other = numbers.next(bytes.len());
                let length = numbers.next(20).min(bytes.len() - at.max(other));
                bytes.copy_within(other..other + length, at);
            }
        }
    }
    bytes
}

#[test]
fn damaged_files_give_rows_or_typed_errors() {
    let folder = tempfile::tempdir().unwrap();
    let mut numbers = Numbers(7);
    let (mut refused, mut whole) = (0, 0);
    for good in files(folder.path()) {
        assert!(read(&good).is_some_and(|rows| rows > 150));
        for _ in 0..30 {
            let bytes = damaged(&good, &mut numbers);
            if read(&bytes).is_some() { whole += 1 } else { refused += 1 }
        }
    }
    assert!(refused > 60 && whole > 5, "{refused} refused, {whole} read");
}

#[test]
fn a_length_without_end_ends_with_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.parquet");
    let properties = WriterProperties::builder().set_offset_index_disabled(true).set_dictionary_enabled(false);
    write(&path, &rows(10), properties.set_statistics_enabled(EnabledStatistics::Chunk));
    let mut bytes = fs::read(&path).unwrap();
    assert!(read(&bytes).is_some());
    // the header of the first page: an unknown field, a list of 2³¹ − 1 floating numbers
    bytes[4..11].copy_from_slice(&[0xf9, 0xf7, 0xff, 0xff, 0xff, 0xff, 0x07]);
    assert_eq!(read(&bytes), None);
}
