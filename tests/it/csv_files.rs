//! CSV files of the real world as frames: the same rows for any partitioning and memory limit, and notes of what is not
//! expected of them.

use std::fmt::Write as _;

use partita::{CsvOptions, DataFrame, Infer, Ragged, Session, col};

/// A file whose fare is whole up to line 70,002, where two records are ragged and one text is quoted over lines.
fn trips(separator: &str) -> String {
    let mut text = ["day", "fare", "note"].join(separator) + "\n";
    for row in 0..70_001 {
        let note = if row == 500 { format!("\"two\nlines{separator}\"") } else { "ä".to_string() };
        let _ = writeln!(text, "{:02}.02.2023{separator}{}{separator}{note}", row % 28 + 1, row % 100);
    }
    let _ = writeln!(text, "01.02.2023{separator}12,5{separator}");
    let _ = writeln!(text, "01.02.2023{separator}1");
    let _ = writeln!(text, "01.02.2023{separator}1{separator}x{separator}y");
    text
}

fn open(folder: &tempfile::TempDir, options: CsvOptions, limit: &str) -> DataFrame {
    let session = Session::builder().memory_limit(limit).build().unwrap();
    session.read_csv_with(format!("{}/*.csv", folder.path().display()), options).unwrap()
}

fn options() -> CsvOptions {
    CsvOptions::new().decimal(',').infer(Infer::All).ragged(Ragged::Skip).parse_dates(["day"])
}

#[test]
fn any_dialect_gives_the_same_rows_for_any_partitioning_and_memory_limit() {
    let folder = tempfile::tempdir().unwrap();
    let total = |frame: &DataFrame| {
        let sums = frame.filter(col("day").dt().day().gt(14)).unwrap();
        let sums = sums.groupby(["note"]).unwrap().agg([col("fare").sum(), col("day").max().alias("last")]).unwrap();
        sums.compute().unwrap().to_batch().unwrap()
    };
    std::fs::write(folder.path().join("trips-02.csv"), trips(";")).unwrap();
    let expected = total(&open(&folder, options().delimiter(b';'), "1GB"));
    assert_eq!(expected.num_rows(), 2);
    for separator in ["||", "§"] {
        std::fs::write(folder.path().join("trips-02.csv"), trips(separator)).unwrap();
        for (block, limit) in [(1u64 << 30, "1GB"), (50_000, "64MB")] {
            let found = total(&open(&folder, options().delimiter(separator).block_size(block), limit));
            assert_eq!(found.column(1), expected.column(1), "{separator} {block}");
            assert_eq!(found.column(2), expected.column(2), "{separator} {block}");
        }
    }
}

#[test]
fn what_is_not_expected_of_files_is_noted() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("trips-02.csv"), trips(";")).unwrap();
    let frame = open(&folder, options().delimiter(b';').block_size(100_000u64), "1GB");
    let notes = frame.notes();
    assert!(notes.len() == 1 && notes[0].contains("column fare: Int64 → Float64 at line 70,004 of "), "{notes:?}");
    assert!(notes[0].ends_with("trips-02.csv (`12,5`)"), "{notes:?}");
    assert!(frame.explain().unwrap().contains("note: column fare: Int64 → Float64"));
    // which records are left out is known when they have been read
    assert_eq!(frame.filter(col("fare").gt(0)).unwrap().count().unwrap().compute().unwrap().num_rows(), 1);
    let said = "2 records have not 3 fields and are left out, the first at line 70,005";
    assert!(frame.head(1).unwrap().notes().iter().any(|note| note.ends_with(said)), "{:?}", frame.notes());
    let days = open(&folder, CsvOptions::new().delimiter(b';').parse_dates(["day"]).ragged(Ragged::Fit), "1GB");
    assert!(days.notes().is_empty(), "the 28th of a month is no month: {:?}", days.notes());
}
