//! What is written comes back, in whatever pieces; what is damaged is an error.

use std::sync::Arc;

use arrow::array::{ArrayRef, Float64Array, Int64Array, RecordBatch, StringArray};
use arrow::ipc::CompressionType;
use arrow::ipc::writer::{IpcWriteOptions as ArrowOptions, StreamWriter};

use partita::{Compression, DataFrame, ErrorKind, IpcWriteOptions, Result, Session, WriteMode, read_ipc};

fn rows(from: i64, to: i64) -> RecordBatch {
    let columns: [(&str, ArrayRef); 3] = [
        ("n", Arc::new((from..to).map(|n| (n % 7 > 0).then_some(n)).collect::<Int64Array>())),
        ("x", Arc::new((from..to).map(|n| n as f64 / 3.0).collect::<Float64Array>())),
        ("city", Arc::new((from..to).map(|n| Some(format!("city {}", n % 5))).collect::<StringArray>())),
    ];
    RecordBatch::try_from_iter_with_nullable(columns.map(|(name, column)| (name, column, true))).unwrap()
}

fn frame() -> DataFrame {
    DataFrame::from_batches((0..5).map(|i| rows(i * 100, i * 100 + 100))).unwrap()
}

fn read(path: &std::path::Path) -> Result<RecordBatch> {
    read_ipc(path)?.compute()?.to_batch()
}

#[test]
fn files_come_back() {
    let folder = tempfile::tempdir().unwrap();
    let whole = frame().compute().unwrap().to_batch().unwrap();
    for compression in [Compression::None, Compression::Lz4, Compression::Zstd(1)] {
        let path = folder.path().join(format!("{compression:?}.arrow"));
        frame().write_file(&path, &IpcWriteOptions::new().compression(compression)).unwrap();
        assert_eq!(read(&path).unwrap(), whole);
        let some = read_ipc(&path).unwrap().select(["city", "n"]).unwrap().head(7).unwrap();
        assert_eq!(some.compute().unwrap().to_batch().unwrap(), whole.project(&[2, 0]).unwrap().slice(0, 7));
    }
    let refused =
        frame().write_file(folder.path().join("x.arrow"), &IpcWriteOptions::new().compression(Compression::Gzip));
    assert!(matches!(refused.unwrap_err().kind(), ErrorKind::Unsupported { .. }));
}

#[test]
fn streams_and_folders_by_value_are_read() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("s.arrows");
    let mut writer = StreamWriter::try_new(std::fs::File::create(&path).unwrap(), &rows(0, 1).schema()).unwrap();
    (0..3).for_each(|i| writer.write(&rows(i * 100, i * 100 + 100)).unwrap());
    writer.finish().unwrap();
    assert_eq!(read(&path).unwrap(), rows(0, 300));
    let below = folder.path().join("by city");
    frame().to_ipc_with(&below, IpcWriteOptions::new().partition_by(["city"])).unwrap();
    let back = read_ipc(&below).unwrap();
    assert_eq!(back.columns(), ["n", "x", "city"]);
    assert_eq!((back.len().unwrap(), frame().len().unwrap()), (500, 500));
    let sum = |frame: &DataFrame| frame.sum().unwrap().compute().unwrap().f64s("x").unwrap();
    assert_eq!(sum(&back), sum(&frame()));
}

#[test]
fn categories_are_written_as_values() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("c.arrow");
    let columns = frame().categorize(["city"]).unwrap();
    columns.write_file(&path, &IpcWriteOptions::new()).unwrap();
    assert_eq!(read(&path).unwrap().column(2), frame().compute().unwrap().to_batch().unwrap().column(2));
}

#[test]
fn little_memory_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.arrow");
    frame().write_file(&path, &IpcWriteOptions::new()).unwrap();
    let little = Session::builder().memory_limit(200_000_u64).threads(2).build().unwrap();
    let sum = |frame: DataFrame| frame.sum().unwrap().compute().unwrap().f64s("x").unwrap();
    assert_eq!(sum(little.read_ipc(&path).unwrap()), sum(frame()));
    assert_eq!(little.budget().held(), 0);
}

/// Files of few rows: not packed, packed, and a stream.
fn small(folder: &std::path::Path) -> Vec<Vec<u8>> {
    let path = folder.join("a.arrow");
    let frame = DataFrame::from_batches([rows(0, 20)]).unwrap();
    let overwrite = IpcWriteOptions::new().mode(WriteMode::Overwrite);
    let written = |compression| {
        frame.write_file(&path, &overwrite.clone().compression(compression)).unwrap();
        std::fs::read(&path).unwrap()
    };
    let mut files: Vec<_> = [Compression::None, Compression::Lz4, Compression::Zstd(1)].map(written).to_vec();
    let packed = ArrowOptions::default().try_with_compression(Some(CompressionType::ZSTD)).unwrap();
    for options in [ArrowOptions::default(), packed] {
        let mut writer = StreamWriter::try_new_with_options(Vec::new(), &rows(0, 1).schema(), options).unwrap();
        writer.write(&rows(0, 20)).unwrap();
        files.push(writer.into_inner().unwrap());
    }
    files
}

#[test]
fn a_damaged_file_is_an_error_and_nothing_worse() {
    let folder = tempfile::tempdir().unwrap();
    let bad = folder.path().join("b.arrow");
    for (kind, good) in small(folder.path()).into_iter().enumerate() {
        std::fs::write(&bad, &good).unwrap();
        assert_eq!(read(&bad).unwrap(), rows(0, 20));
        for length in (0..good.len() - 10).step_by(7) {
            std::fs::write(&bad, &good[..length]).unwrap();
            if let Err(error) = read(&bad) {
                assert!(
                    matches!(error.kind(), ErrorKind::Corrupt { .. } | ErrorKind::Schema { .. }),
                    "{length}: {error}"
                );
            }
        }
        // lengths below 0, of a tebibyte and of the highest bit are among them
        for at in 0..good.len() {
            let mut bytes = good.clone();
            bytes[at] ^= [0xff, 0x01, 0x40][(at + kind) % 3];
            std::fs::write(&bad, &bytes).unwrap();
            if let Err(error) = read(&bad) {
                assert!(error.to_string().contains("b.arrow"), "{at}: {error}");
            }
        }
    }
    std::fs::write(&bad, b"FEA1 and so on").unwrap();
    assert!(read(&bad).unwrap_err().to_string().contains("write it again"));
    std::fs::write(&bad, b"PAR1 is something else").unwrap();
    assert!(read(&bad).unwrap_err().to_string().contains("read_parquet"));
}
