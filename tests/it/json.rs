//! Lines in whatever blocks are the same rows, and a line that is wrong is named.

use std::path::PathBuf;

use arrow::array::{Array, AsArray};
use arrow::datatypes::{DataType, Float64Type, Int64Type};
use proptest::prelude::*;

use partita::{
    Compression, DataFrame, ErrorKind, JsonOptions, JsonWriteOptions, Result, col, read_json, read_json_with,
};

fn file(text: &str) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.jsonl");
    std::fs::write(&path, text).unwrap();
    (folder, path)
}

fn error(text: &str) -> String {
    let (_folder, path) = file(text);
    read_json(&path).and_then(|frame| frame.compute()).unwrap_err().to_string()
}

#[test]
fn types_are_found_and_values_read() {
    let (_folder, path) = file(
        "{\"n\": 1, \"x\": 2, \"s\": \"ä\\n\\u00e4\", \"b\": true, \"l\": [1, 2], \"o\": {\"a\": null, \"c\": 1}}\n\n  \
         {\"x\": 2.5, \"n\": null, \"l\": null}\r\n{\"n\": 3, \"late\": \"z\"}",
    );
    let frame = read_json(&path).unwrap();
    let types: Vec<String> = frame.dtypes().iter().map(|(name, t)| format!("{name} {t}")).collect();
    assert_eq!(types[..4], ["n Int64", "x Float64", "s Utf8", "b Boolean"]);
    let batch = frame.compute().unwrap().to_batch().unwrap();
    assert_eq!(batch.num_rows(), 3);
    let n = batch.column(0).as_primitive::<Int64Type>();
    assert_eq!((n.value(0), n.is_null(1), n.value(2)), (1, true, 3));
    assert_eq!(batch.column(1).as_primitive::<Float64Type>().value(1), 2.5);
    assert_eq!(batch.column(2).as_string::<i32>().value(0), "ä\nä");
    assert_eq!(batch.column_by_name("late").unwrap().as_string::<i32>().value(2), "z");
    let text = read_json_with(&path, JsonOptions::new().dtype("n", DataType::Utf8)).unwrap();
    assert_eq!(text.compute().unwrap().to_batch().unwrap().column(0).as_string::<i32>().value(2), "3");
    assert_eq!(frame.filter(col("x").gt(2.2)).unwrap().len().unwrap(), 1);
}

#[test]
fn a_line_that_is_wrong_is_named() {
    assert!(error("{\"a\": 1}\n{\"a\": \n{\"a\": 2}\n").contains("line 2"));
    let two = error("{\"a\": 1}\n{\"a\": 2} {\"a\": 3}\n");
    assert!(two.contains("line 2") && two.contains("trailing characters at character 10"), "{two}");
    let late: String =
        (0..2_000).map(|i| if i == 1_777 { "{\"a\": \"x\"}\n".into() } else { format!("{{\"a\": {i}}}\n") }).collect();
    let text = error(&late);
    assert!(text.contains("line 1778") && text.contains("a.jsonl") && text.contains("dtype"), "{text}");
    let (_folder, path) = file(&late);
    let all = read_json_with(&path, JsonOptions::new().infer_rows(None)).unwrap();
    assert_eq!(all.dtypes()[0].1, DataType::Utf8);
    assert_eq!(all.len().unwrap(), 2_000);
    assert!(error("[1, 2]\n").contains("line 1"));
}

#[test]
fn an_empty_file_has_no_rows() {
    let (_folder, path) = file("");
    let frame = read_json_with(&path, JsonOptions::new().dtype("a", DataType::Int64)).unwrap();
    assert_eq!((frame.columns(), frame.len().unwrap()), (vec!["a".to_string()], 0));
}

fn compute(frame: DataFrame) -> Result<Vec<(Option<i64>, Option<String>)>> {
    let batch = frame.compute()?.to_batch()?;
    let (n, s) = (batch.column(0).as_primitive::<Int64Type>(), batch.column(1).as_string::<i32>());
    Ok(n.iter().zip(s.iter()).map(|(n, s)| (n, s.map(str::to_string))).collect())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn blocks_and_packing_change_no_row(
        rows in prop::collection::vec((prop::option::of(-9i64..9), prop::option::of("[a-z\"\\\\{}\n]{0,6}")), 1..40),
        block in 1u64..200,
        blanks in 0usize..3,
    ) {
        let mut text = String::new();
        for (n, s) in &rows {
            text += &serde_json::json!({ "n": n, "s": s }).to_string();
            text += &"\n".repeat(1 + blanks);
        }
        let (folder, path) = file(&text);
        let options = || JsonOptions::new().dtype("n", DataType::Int64).dtype("s", DataType::Utf8);
        let cut = read_json_with(&path, options().block_size(block)).unwrap().select(["n", "s"]).unwrap();
        prop_assert_eq!(&compute(cut.clone()).unwrap(), &rows);
        let head = cut.head(3).unwrap();
        prop_assert_eq!(&compute(head).unwrap()[..], &rows[..rows.len().min(3)]);
        let packed = folder.path().join("b.jsonl.gz");
        cut.write_file(&packed, &JsonWriteOptions::new().compression(Compression::Gzip)).unwrap();
        let back = read_json_with(&packed, options()).unwrap().select(["n", "s"]).unwrap();
        prop_assert_eq!(&compute(back).unwrap(), &rows);
        let parts = folder.path().join("parts");
        cut.to_json(&parts).unwrap();
        let back = read_json_with(&parts, options()).unwrap().select(["n", "s"]).unwrap();
        prop_assert_eq!(&compute(back).unwrap(), &rows);
    }
}

#[test]
fn other_kinds_of_files_are_refused() {
    let text = error("a,b\n1,2\n");
    assert!(text.contains("line 1") && text.contains("JSON object"), "{text}");
    let (folder, _) = file("{}\n");
    let path = folder.path().join("n.jsonl.gz");
    std::fs::write(&path, b"{}\n").unwrap();
    assert!(matches!(read_json(&path).unwrap_err().kind(), ErrorKind::Corrupt { .. }));
}
