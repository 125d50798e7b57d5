use std::io::Write;

use arrow::array::cast::AsArray;
use arrow::array::types::{Float64Type, Int64Type, TimestampMicrosecondType};
use arrow::array::{Array, RecordBatch};
use arrow::compute::concat_batches;
use proptest::prelude::*;

use super::*;
use crate::base::Token;
use crate::exec::Budget;
use crate::io::csv::{CsvWriteOptions, CsvWriter, Infer, Ragged};

/// Files in a folder of their own, and a source over them.
fn open(files: &[(&str, &[u8])], options: CsvOptions) -> (tempfile::TempDir, Result<CsvSource>) {
    let folder = tempfile::tempdir().unwrap();
    for (name, bytes) in files {
        std::fs::write(folder.path().join(name), bytes).unwrap();
    }
    let source = CsvSource::open(&[format!("{}/*", folder.path().display())], options);
    (folder, source)
}

/// All rows in one batch, and their places.
fn rows(source: &CsvSource, scan: &Scan, ctx: &TaskContext) -> Result<(RecordBatch, Vec<(u64, u64)>)> {
    let (mut batches, mut places) = (Vec::new(), Vec::new());
    for i in 0..source.partitions().len() {
        for batch in source.read(i, scan, ctx)? {
            let batch = batch?;
            assert!(batch.rows() > 0 && batch.rows() <= ctx.batch_rows);
            places.extend(batch.origin.rows.places(batch.rows()).into_iter().map(|p| (batch.origin.file, p)));
            batches.push(batch.record);
        }
    }
    Ok((concat_batches(&scan.project(&source.schema()), &batches)?, places))
}

fn read(text: &str, options: CsvOptions) -> Result<RecordBatch> {
    let (_folder, source) = open(&[("a.csv", text.as_bytes())], options);
    Ok(rows(&source?, &Scan::default(), &TaskContext::default())?.0)
}

fn types(batch: &RecordBatch) -> String {
    let types: Vec<String> =
        batch.schema().fields().iter().map(|f| format!("{}:{}", f.name(), f.data_type())).collect();
    types.join(" ")
}

fn texts(batch: &RecordBatch, column: &str) -> Vec<Option<String>> {
    let column = batch.column_by_name(column).unwrap();
    let column = arrow::compute::cast(column, &DataType::Utf8).unwrap();
    column.as_string::<i32>().iter().map(|t| t.map(str::to_string)).collect()
}

#[test]
fn the_usual_files_are_read() {
    // the cases of the csv-spectrum collection
    for (text, shown) in [
        (
            "first,last,address,zip\nJohn,Doe,120 any st.,\"Anytown, WW\"",
            r#"["John","Doe","120 any st.","Anytown, WW"]"#,
        ),
        ("a,b\n1,\"ha \"\"ha\"\" ha\"\n", r#"["1","ha \"ha\" ha"]"#),
        ("a,b\r\n1,\"ha \n\"\"ha\"\" \nha\"\r\n", r#"["1","ha \n\"ha\" \nha"]"#),
        ("key,val\n1,\"{\"\"type\"\": \"\"Point\"\"}\"\n", r#"["1","{\"type\": \"Point\"}"]"#),
        ("a,b\n5,ʤ", r#"["5","ʤ"]"#),
        ("\u{feff}a,b\n\n5,6\n\n\n", r#"["5","6"]"#),
        ("a,b\r5,6\r", r#"["5","6"]"#),
    ] {
        let batch = read(text, CsvOptions::new()).unwrap();
        let names: Vec<String> = batch.schema().fields().iter().map(|f| f.name().clone()).collect();
        let row: Vec<String> = names.iter().map(|n| texts(&batch, n)[0].clone().unwrap()).collect();
        assert_eq!((batch.num_rows(), serde_json::to_string(&row).unwrap().as_str()), (1, shown), "{text}");
    }
    let empty = read("a,b,c\n1,\"\",\n2,3,4", CsvOptions::new().dtype("b", DataType::Utf8)).unwrap();
    assert_eq!(texts(&empty, "b"), [Some(String::new()), Some("3".into())]);
    assert_eq!(texts(&empty, "c"), [None, Some("4".into())]);
}

#[test]
fn types_are_inferred_and_given() {
    let text = "i,x,b,s,d,t,n,na\n1,1,true,x,2023-01-01,2023-01-01 10:00:00,,NA\n2,2.5,False,N/A,2023-01-02,2023-01-01T10:00:01.5,,3\n";
    let read = |options| read(text, options).unwrap();
    let plain = read(CsvOptions::new());
    assert_eq!(types(&plain), "i:Int64 x:Float64 b:Boolean s:Utf8 d:Utf8 t:Utf8 n:Float64 na:Int64");
    assert_eq!(texts(&plain, "s")[1].as_deref(), Some("N/A"));
    assert_eq!((plain["na"].null_count(), plain["n"].null_count()), (1, 2));
    let times = read(CsvOptions::new().try_parse_dates(true));
    assert_eq!(types(&times), "i:Int64 x:Float64 b:Boolean s:Utf8 d:Date32 t:Timestamp(µs) n:Float64 na:Int64");
    assert_eq!(times["t"].as_primitive::<TimestampMicrosecondType>().value(1), 1_672_567_201_500_000);
    let named = read(CsvOptions::new().parse_dates(["d"]).assume_missing(true).dtype("na", DataType::Int64));
    assert_eq!(types(&named), "i:Float64 x:Float64 b:Boolean s:Utf8 d:Timestamp(µs) t:Utf8 n:Float64 na:Int64");
    let given = read(
        CsvOptions::new()
            .dtype("i", DataType::UInt8)
            .dtype("x", DataType::Float32)
            .dtype("d", DataType::Date32)
            .dtype("n", DataType::Null)
            .dtype("t", DataType::Timestamp(TimeUnit::Millisecond, None)),
    );
    assert_eq!(types(&given), "i:UInt8 x:Float32 b:Boolean s:Utf8 d:Date32 t:Timestamp(ms) n:Null na:Int64");
    let spelled = read(CsvOptions::new().null_values(["N/A", "NA", "1"]).true_values(["true"]).false_values(["False"]));
    assert_eq!((spelled["s"].null_count(), spelled["i"].null_count(), spelled["x"].null_count()), (1, 1, 1));
    let zoned = super::super::CsvOptions::new().parse_dates(["t"]);
    let zoned = self::read("t\n2023-01-01T10:00:00+01:00\n", zoned).unwrap();
    assert_eq!(types(&zoned), "t:Timestamp(µs, \"UTC\")");
}

#[test]
fn dialects_are_heeded() {
    let options = CsvOptions::new().delimiter(b';').quote(Some(b'\'')).escape(Some(b'\\')).comment(Some(b'#'));
    let text = "junk\n# note ' of nothing\na;b\n#x\n1;'p;\\'q'\n2;u\\;v\n";
    let batch = read(text, options.skip_rows(1)).unwrap();
    assert_eq!(texts(&batch, "b"), [Some("p;'q".into()), Some("u;v".into())]);
    let batch = read("1\t\"a\n2\tb\"\n", CsvOptions::new().delimiter(b'\t').quote(None).has_header(false)).unwrap();
    assert_eq!(types(&batch), "column_0:Int64 column_1:Utf8");
    assert_eq!(texts(&batch, "column_1"), [Some("\"a".into()), Some("b\"".into())]);
}

#[test]
fn packed_files_are_one_partition() {
    let text = b"a,b\n1,x\n2,y\n";
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(text).unwrap();
    let files = [("a.csv.gz", gzip.finish().unwrap()), ("b.bin", zstd::encode_all(&text[..], 1).unwrap())];
    let files: Vec<(&str, &[u8])> = files.iter().map(|(n, b)| (*n, &b[..])).collect();
    let (_folder, source) = open(&files, CsvOptions::new().block_size(1u64));
    let source = source.unwrap();
    assert_eq!(source.partitions().len(), 2);
    let (batch, places) = rows(&source, &Scan::default(), &TaskContext::default()).unwrap();
    assert_eq!(batch["a"].as_primitive::<Int64Type>().values(), &[1, 2, 1, 2]);
    assert_eq!(places, [(0, 4), (0, 8), (1, 4), (1, 8)]);
    let cut = &files[0].1[..files[0].1.len() - 12];
    let (_folder, source) = open(&[("a.gz", cut)], CsvOptions::new());
    assert!(matches!(source.unwrap_err().kind(), ErrorKind::Corrupt { .. } | ErrorKind::Io { .. }));
    assert!(open(&[("a.gz", text)], CsvOptions::new()).1.unwrap_err().to_string().contains("not gzip"));
}

#[test]
fn files_come_together() {
    let (_folder, source) = open(
        &[("1.csv", b"a,b\n1,2\n"), ("10.csv", b"b,c\n2.5,x\n"), ("2.csv", b"a,b\n3,\n")],
        CsvOptions::new().block_size(1u64),
    );
    let (batch, _) = rows(&source.unwrap(), &Scan::default(), &TaskContext::default()).unwrap();
    assert_eq!(types(&batch), "a:Int64 b:Float64 c:Utf8");
    assert_eq!(texts(&batch, "a"), [Some("1".into()), None, Some("3".into())]);
    assert_eq!(texts(&batch, "b"), [Some("2.0".into()), Some("2.5".into()), None]);
    assert_eq!(texts(&batch, "c"), [None, Some("x".into()), None]);
    let files: [(&str, &[u8]); 2] = [("1.csv", b"a\n1\n"), ("2.csv", b"a\nx\n")];
    let error = open(&files, CsvOptions::new()).1.unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Schema { .. }));
    let text = error.to_string();
    assert!(text.contains("2.csv, column `a`: the column is Utf8 here and Int64 in the files before"), "{text}");
    assert!(open(&files, CsvOptions::new().dtype("a", DataType::Utf8)).1.is_ok());
}

#[test]
fn a_projection_has_its_columns_only_and_none_counts_rows() {
    let (_folder, source) = open(&[("a.csv", b"a,b,c\n1,x,2\n3,y,4\n5,z,6\n")], CsvOptions::new());
    let source = source.unwrap();
    let scan = Scan { projection: Some([1, 2].into()), limit: Some(2), ..Scan::default() };
    let (batch, _) = rows(&source, &scan, &TaskContext::default()).unwrap();
    assert_eq!((types(&batch).as_str(), batch.num_rows()), ("b:Utf8 c:Int64", 2));
    let none = Scan { projection: Some([].into()), ..Scan::default() };
    let batches: Vec<_> = source.read(0, &none, &TaskContext::default()).unwrap().collect::<Result<_>>().unwrap();
    assert_eq!(batches.iter().map(Batch::rows).sum::<usize>(), 3);
    let nothing = Scan { limit: Some(0), ..Scan::default() };
    assert!(source.read(0, &nothing, &TaskContext::default()).unwrap().next().is_none());
}

use crate::io::Batch;

/// A file whose first value that does not fit is behind the samples.
fn late(value: &str) -> String {
    let line = "2023-01-01 00:26:10,12.5,\"a\nb\"\n";
    let head = line.repeat(20_000);
    format!("t,fare,s\n{head}2023-01-01 00:26:10,{value},c\n{}", line.repeat(20_000))
}

#[test]
fn errors_name_file_line_column_types_and_the_next_step() {
    for block in [1u64 << 30, 100_000, 5_000] {
        let options = || CsvOptions::new().block_size(block);
        let error = read(&late("\"12,5\""), options()).unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::Parse { value, .. } if value == "12,5"), "{error}");
        assert_eq!((error.location().line, error.location().column.as_deref()), (Some(40_002), Some("fare")));
        assert!(error.location().path.as_deref().unwrap().ends_with("a.csv"));
        assert!(error.to_string().contains("`12,5` is not a Float64; it looks like Utf8"), "{error}");
        assert!(error.to_string().contains(".dtype(\"fare\", DataType::Utf8)"), "{error}");
        let error = read(&late("1,2"), options()).unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::Ragged { found: 4, expected: 3 }), "{error}");
        assert_eq!(error.location().line, Some(40_002));
        let error = read(&late("1").replace(",c\n", ",\"c\n"), options().has_header(false)).unwrap_err();
        assert!(error.location().line.is_some(), "{error}");
    }
    let error = read("a,b\n1,2\n3,\"x\ny\n", CsvOptions::new()).unwrap_err();
    assert!(error.to_string().contains("line 3: a quote is opened"), "{error}");
    let (_folder, source) = open(&[("a.csv", b"a,b\n1,x\n2,\xff\n")], CsvOptions::new());
    let error = rows(&source.unwrap(), &Scan::default(), &TaskContext::default()).unwrap_err();
    assert!(error.to_string().contains("line 3, column `b`: the text is not valid UTF-8"), "{error}");
    let error = read("i\n1\n", CsvOptions::new().dtype("j", DataType::Int64)).unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::UnknownColumn { .. }));
    let error = read("i\n300\n", CsvOptions::new().dtype("i", DataType::UInt8)).unwrap_err();
    assert!(error.to_string().contains("`300` is not a UInt8"), "{error}");
    assert!(read("", CsvOptions::new()).unwrap_err().to_string().contains("the file is empty"));
    let error = read("i\n1\n", CsvOptions::new().dtype("i", DataType::Binary)).unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Unsupported { .. }));
}

#[test]
fn all_values_decide_when_asked_and_the_place_is_told() {
    let text = late("\"12,5\"");
    let (_folder, source) = open(&[("a.csv", text.as_bytes())], CsvOptions::new().infer(Infer::All));
    let source = source.unwrap();
    let [found] = source.widened() else { panic!("{:?}", source.widened()) };
    assert_eq!((found.line, found.column.as_str(), found.value.as_deref()), (Some(40_002), "fare", Some("12,5")));
    assert_eq!((&found.from, &found.to), (&DataType::Float64, &DataType::Utf8));
    assert!(rows(&source, &Scan::default(), &TaskContext::default()).is_ok());
}

#[test]
fn memory_and_cancellation_are_heeded() {
    let long = format!("a,b\n1,{}\n2,y\n", "x".repeat(1 << 20));
    let (_folder, source) = open(&[("a.csv", long.as_bytes())], CsvOptions::new());
    let source = source.unwrap();
    let ctx = TaskContext { budget: Budget::new(3 << 20), ..TaskContext::default() };
    let error = rows(&source, &Scan::default(), &ctx).unwrap_err();
    assert!(
        matches!(error.kind(), ErrorKind::Memory { .. }) && error.to_string().contains("record at byte 4"),
        "{error}"
    );
    let ctx = TaskContext { budget: Budget::new(16 << 20), ..TaskContext::default() };
    assert!(rows(&source, &Scan::default(), &ctx).is_ok());
    assert_eq!(ctx.budget.held(), 0);
    ctx.cancel.cancel();
    assert!(rows(&source, &Scan::default(), &ctx).unwrap_err().is_cancelled());
}

#[test]
fn the_token_is_the_content() {
    let token = |source: &CsvSource| Token::of(|t| t.identity(source));
    let (folder, source) = open(&[("a.csv", b"a\n1\n")], CsvOptions::new());
    let again = CsvSource::open(&[format!("{}/*", folder.path().display())], CsvOptions::new()).unwrap();
    let other = CsvSource::open(&[format!("{}/*", folder.path().display())], CsvOptions::new().assume_missing(true));
    assert_eq!(token(source.as_ref().unwrap()), token(&again));
    assert_ne!(token(&again), token(&other.unwrap()));
}

/// A table as text: quoted newlines, quotes in quotes, quotes as letters, `\r\n`, empty lines, with or without an end.
fn table() -> impl Strategy<Value = String> {
    let text = prop_oneof![
        3 => "[a-zé]{0,6}",
        1 => Just("\"\"".to_string()),
        1 => Just("\"x,\n\"\"1,2,3\n,\"\"\r\n\"".to_string()),
        1 => Just("5\" disk".to_string()),
    ];
    let end = prop_oneof![3 => Just("\n"), 1 => Just("\r\n"), 1 => Just("\n\n")];
    let line = ("[0-9]{0,4}", text, "[0-9]{1,3}\\.[0-9]{1,2}", end).prop_map(|(i, t, x, e)| format!("{i},{t},{x}{e}"));
    (proptest::collection::vec(line, 0..60), any::<bool>()).prop_map(|(lines, ended)| {
        let text = format!("i,t,x\n{}", lines.concat());
        if ended { text } else { text.trim_end_matches(['\n', '\r']).to_string() }
    })
}

fn any_order(n: usize, seed: u64) -> Vec<usize> {
    let mut order: Vec<usize> = (0..n).collect();
    order.sort_by_key(|&i| Token::of(|t| t.u64(seed ^ i as u64)));
    order
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn rows_and_places_are_the_same_for_any_block_and_batch(
        text in table(),
        block in prop_oneof![Just(1u64), 2u64..200],
        batch_rows in 1usize..50,
        seed: u64,
    ) {
        let options = || CsvOptions::new().dtype("t", DataType::Utf8).dtype("i", DataType::Int64);
        let (folder, source) = open(&[("a.csv", text.as_bytes())], options());
        let whole = rows(&source.unwrap(), &Scan::default(), &TaskContext::default()).unwrap();
        let blocks = CsvSource::open(&[folder.path().display().to_string()], options().block_size(block)).unwrap();
        let ctx = TaskContext { batch_rows, ..TaskContext::default() };
        // partitions in any order first: what they learn of each other must not matter
        for i in any_order(blocks.partitions().len(), seed).into_iter().take(5) {
            for batch in blocks.read(i, &Scan::default(), &ctx).unwrap() {
                batch.unwrap();
            }
        }
        prop_assert_eq!(&rows(&blocks, &Scan::default(), &ctx).unwrap(), &whole);
        for &(_, place) in &whole.1 {
            prop_assert!(matches!(text.as_bytes()[place as usize - 1], b'\n' | b'\r'));
        }
    }

    #[test]
    fn what_is_written_is_read_back(
        values in proptest::collection::vec(
            (proptest::option::of(any::<i64>()), any::<f64>(), proptest::option::of("[a-z\",\r\n é]{0,8}"), -62_135_596_800_000_000i64..253_402_300_799_000_000),
            1..40,
        ),
    ) {
        use arrow::array::{ArrayRef, Float64Array, Int64Array, StringArray, TimestampMicrosecondArray};
        let batch = RecordBatch::try_from_iter_with_nullable([
            ("i", Arc::new(values.iter().map(|v| v.0).collect::<Int64Array>()) as ArrayRef, true),
            ("x", Arc::new(values.iter().map(|v| Some(v.1)).collect::<Float64Array>()), true),
            ("s", Arc::new(values.iter().map(|v| v.2.clone()).collect::<StringArray>()), true),
            ("t", Arc::new(values.iter().map(|v| Some(v.3)).collect::<TimestampMicrosecondArray>()), true),
        ]).unwrap();
        let mut writer = CsvWriter::new(Vec::new(), &CsvWriteOptions::new());
        writer.write(&batch).unwrap();
        let bytes = writer.finish().unwrap();
        let mut options = CsvOptions::new().null_values([""; 0]);
        for field in batch.schema().fields() {
            options = options.dtype(field.name(), field.data_type().clone());
        }
        let again = read(std::str::from_utf8(&bytes).unwrap(), options).unwrap();
        for (a, b) in batch.columns().iter().zip(again.columns()) {
            if let (Some(a), Some(b)) = (a.as_primitive_opt::<Float64Type>(), b.as_primitive_opt::<Float64Type>()) {
                let bits = |a: &arrow::array::Float64Array| a.values().iter().map(|v| if v.is_nan() { 0 } else { v.to_bits() }).collect::<Vec<_>>();
                prop_assert_eq!(bits(a), bits(b));
            } else {
                prop_assert_eq!(a, b);
            }
        }
    }
}

#[test]
fn numbers_and_times_are_read_as_they_are_spelled() {
    let text = "n;x;d;t;s\n1.234;1,5;31/12/2023;20160525 13:30:00.023;a\n;-2.000,25;01/02/2023;20160526 00:00:00;NA\n";
    let options = || CsvOptions::new().delimiter(b';').decimal(',').thousands('.');
    let batch = read(text, options().try_parse_dates(true)).unwrap();
    assert_eq!(types(&batch), "n:Int64 x:Float64 d:Date32 t:Timestamp(µs) s:Utf8");
    assert_eq!(texts(&batch, "n"), [Some("1234".into()), None]);
    assert_eq!(texts(&batch, "x"), [Some("1.5".into()), Some("-2000.25".into())]);
    assert_eq!(texts(&batch, "d"), [Some("2023-12-31".into()), Some("2023-02-01".into())]);
    assert_eq!(texts(&batch, "t")[0].as_deref(), Some("2016-05-25T13:30:00.023"));
    let batch = read(text, options().parse_dates(["d"]).dtype("t", DataType::Date32)).unwrap_err();
    assert!(batch.to_string().contains("times are read as %Y%m%d %H:%M:%S%.f here"), "{batch}");
    let given = options().date_format_of("d", "%d/%m/%Y").date_format("%Y%m%d %H:%M:%S%.f").parse_dates(["t"]);
    assert_eq!(types(&read(text, given).unwrap()), "n:Int64 x:Float64 d:Timestamp(µs) t:Timestamp(µs) s:Utf8");
    let error = read(text, options().date_format_of("d", "%m/%d/%Y")).unwrap_err().to_string();
    assert!(
        error.contains("line 2, column `d`: `31/12/2023` is not a Timestamp(µs); times are read as %m/%d/%Y"),
        "{error}"
    );
    let error = read("x\n1,5\n", CsvOptions::new().delimiter(b';').dtype("x", DataType::Float64)).unwrap_err();
    assert!(error.to_string().contains("`1,5` is not a Float64"), "{error}");
    // what programs write is no number where another spelling was asked for
    assert_eq!(types(&read("x\n1.5\n", CsvOptions::new().delimiter(b';').decimal(',')).unwrap()), "x:Utf8");
    for wrong in [CsvOptions::new().decimal('1'), CsvOptions::new().thousands('.'), CsvOptions::new().date_format("%Q")]
    {
        assert!(read("x\n1\n", wrong).is_err());
    }
}

#[test]
fn dates_that_may_be_two_days_are_noted() {
    let open = |text: &str, options: CsvOptions| {
        let (folder, source) = open(&[("a.csv", text.as_bytes())], options.parse_dates(["d"]));
        let source = source.unwrap();
        let (batch, _) = rows(&source, &Scan::default(), &TaskContext::default()).unwrap();
        drop(folder);
        (texts(&batch, "d")[0].clone().unwrap(), source.notes())
    };
    let (first, notes) = open("d\n01/02/2023\n", CsvOptions::new());
    assert_eq!(first, "2023-01-02T00:00:00");
    assert!(notes.len() == 1 && notes[0].contains("are read as %m/%d/%Y"), "{notes:?}");
    assert_eq!(open("d\n01/02/2023\n", CsvOptions::new().day_first(true)), ("2023-02-01T00:00:00".into(), vec![]));
    assert_eq!(open("d\n01/02/2023\n13/02/2023\n", CsvOptions::new()), ("2023-02-01T00:00:00".into(), vec![]));
    let files: [(&str, &[u8]); 2] = [("1.csv", b"d\n31/01/2023\n"), ("2.csv", b"d\n01/31/2023\n")];
    let error = self::open(&files, CsvOptions::new().parse_dates(["d"])).1.unwrap_err().to_string();
    assert!(error.contains("times are written as %m/%d/%Y here and as %d/%m/%Y in the files before"), "{error}");
}

#[test]
fn ragged_records_are_as_asked_for_and_counted() {
    let line = "1,2,3\n";
    let text = format!("a,b,c\n{}4,5\n{}6,7,8,9\n{}", line.repeat(5000), line.repeat(5000), line.repeat(5000));
    for block in [1u64 << 30, 30_000, 700] {
        let options = |ragged| CsvOptions::new().ragged(ragged).block_size(block);
        let error = read(&text, options(Ragged::Error)).unwrap_err();
        assert_eq!(error.location().line, Some(5002));
        assert!(error.to_string().contains(".ragged(Ragged::Fill)"), "{error}");
        assert_eq!(read(&text, options(Ragged::Fill)).unwrap_err().location().line, Some(10_003));
        let batch = read(&text, options(Ragged::Fit)).unwrap();
        assert_eq!((batch.num_rows(), batch["c"].null_count()), (15_002, 1));
        assert_eq!(texts(&batch, "c")[10_001].as_deref(), Some("8"));
        let (_folder, source) = open(&[("a.csv", text.as_bytes())], options(Ragged::Skip));
        let source = source.unwrap();
        assert!(source.notes().is_empty());
        for _ in 0..2 {
            assert_eq!(rows(&source, &Scan::default(), &TaskContext::default()).unwrap().0.num_rows(), 15_000);
        }
        let notes = source.notes();
        let said = "2 records have not 3 fields and are left out, the first at line 5,002";
        assert!(notes.len() == 1 && notes[0].ends_with(said), "{notes:?}");
    }
}

#[test]
fn records_that_are_left_out_are_counted_where_there_are_no_others() {
    let text = format!("a,b\n1,2\n{}3,4\n{}", "x\n".repeat(200_000), "y\n".repeat(100_000));
    for block in [1u64 << 30, 50_000] {
        let options = CsvOptions::new().ragged(Ragged::Skip).block_size(block).infer(Infer::All);
        let (_folder, source) = open(&[("a.csv", text.as_bytes())], options);
        let source = source.unwrap();
        assert_eq!(rows(&source, &Scan::default(), &TaskContext::default()).unwrap().0.num_rows(), 2);
        assert!(source.notes()[0].contains("300,000 records"), "{:?}", source.notes());
    }
}

#[test]
fn separators_of_any_length_and_blanks_are_read_in_blocks() {
    let (comma, other) = ("i,s\n1,\"x,y\"\n22,z\n", "i§§s\n1§§\"x§§y\"\n22§§z\n");
    for block in [1u64, 3, 1000] {
        let expected = read(comma, CsvOptions::new().block_size(block)).unwrap();
        let found = read(other, CsvOptions::new().delimiter("§§").block_size(block)).unwrap();
        assert_eq!(texts(&found, "s"), [Some("x§§y".into()), Some("z".into())]);
        assert_eq!(found["i"].as_ref(), expected["i"].as_ref());
        let found =
            read("  i  s\n 1   \"x y\" \n22\tz\n", CsvOptions::new().delimiter(r"\s+").block_size(block)).unwrap();
        assert_eq!(texts(&found, "s"), [Some("x y".into()), Some("z".into())]);
    }
    let trimmed = read("i , s\n 1 , \" x \" \n2,  y  \n", CsvOptions::new().trim(true)).unwrap();
    assert_eq!(texts(&trimmed, "s"), [Some(" x ".into()), Some("y".into())]);
    for wrong in ["", "a\nb", "0123456789abcdef", "\"", "#|"] {
        let options = CsvOptions::new().delimiter(wrong).comment(Some(b'#'));
        assert!(read("a\n", options).is_err(), "{wrong}");
    }
}

#[test]
fn files_that_are_wider_than_those_before_are_told() {
    let files: [(&str, &[u8]); 3] = [("1.csv", b"a\n1\n"), ("2.csv", b"a\n2\n2.5\n"), ("3.csv", b"a\nx\n")];
    let (_folder, source) = open(&files[..2], CsvOptions::new());
    let notes = source.unwrap().notes();
    assert!(notes.len() == 1 && notes[0].starts_with("column a: Int64 → Float64 from "), "{notes:?}");
    let (_folder, source) = open(&files, CsvOptions::new().infer(Infer::All));
    let source = source.unwrap();
    assert_eq!(types(&rows(&source, &Scan::default(), &TaskContext::default()).unwrap().0), "a:Utf8");
    let told: Vec<String> = source.notes().iter().map(|n| n.split(" of ").next().unwrap().to_string()).collect();
    assert_eq!(told[0], "column a: Int64 → Float64 at line 3", "{told:?}");
    assert!(told[1].starts_with("column a: Float64 → Utf8 from ") && told.len() == 2, "{told:?}");
}
