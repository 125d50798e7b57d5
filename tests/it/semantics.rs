//! What each thing must mean: values measured on pandas, Dask and numpy.

use std::fs;
use std::sync::Arc;

use arrow::array::{
    ArrayRef, BooleanArray, Float64Array, Int64Array, RecordBatch, StringArray, TimestampMicrosecondArray,
};
use arrow::datatypes::DataType;
use partita::{CsvOptions, DataFrame, Include, Sample, SampleMode, Session, col, read_csv, read_csv_with};

fn one(name: &str, column: ArrayRef) -> DataFrame {
    DataFrame::from_batches([RecordBatch::try_from_iter([(name, column)]).unwrap()]).unwrap()
}

/// The same column in `parts` partitions, on so many threads.
fn split(column: &ArrayRef, parts: usize, threads: usize) -> DataFrame {
    let session = Session::builder().threads(threads).batch_rows(3).build().unwrap();
    let size = column.len().div_ceil(parts);
    let batch = |p: usize| {
        let from = (p * size).min(column.len());
        let part = column.slice(from, size.min(column.len() - from));
        RecordBatch::try_from_iter([("x", part)]).unwrap()
    };
    session.from_batches((0..parts).map(batch).collect::<Vec<_>>()).unwrap()
}

fn floats(values: &[f64]) -> ArrayRef {
    Arc::new(Float64Array::from(values.to_vec()))
}

#[test]
fn describe_equals_pandas_for_any_partitioning() {
    let mut values = vec![Some(3.5), Some(f64::NAN), Some(-1.25), Some(7.0), Some(0.1), Some(1e9), Some(2.75), None];
    values.extend([Some(0.3), Some(12.5), Some(-4.0)]);
    let column: ArrayRef = Arc::new(Float64Array::from(values));
    for parts in [1, 2, 3, 11, 40] {
        let df = split(&column, parts, 1 + parts % 3);
        // std is rounded once here; pandas' own is 333333332.4625, one unit in the last place away
        let table = df.describe_with(Include::Numeric, &[0.1, 0.25, 0.5, 0.9]).unwrap().compute().unwrap();
        let expected = [
            9.0,
            111111113.43333334,
            333333332.46250004,
            -4.0,
            -1.7999999999999998,
            0.1,
            2.75,
            200000010.00000018,
            1e9,
        ];
        assert_eq!(table.f64s("x").unwrap(), expected.map(Some), "{parts} partitions");
        let value = |df: DataFrame| df.compute().unwrap().f64s("x").unwrap()[0].unwrap();
        assert_eq!(value(df.sum().unwrap()), 1000000020.9);
        assert_eq!(value(df.median().unwrap()), 2.75);
        assert_eq!(value(df.quantile(0.37).unwrap()), 0.292);
        assert_eq!(value(df.count().unwrap()), 9.0);
        assert_eq!(value(df.nunique().unwrap()), 9.0);
    }
}

#[test]
fn many_distinct_values_need_more_passes_and_give_the_same() {
    // 200,000 distinct values, far more than are counted one by one
    let values: Vec<f64> = (0..200_000u64).map(|i| (i.wrapping_mul(2_654_435_761) % 1_000_003) as f64 / 7.0).collect();
    let mut sorted = values.clone();
    sorted.sort_by(f64::total_cmp);
    let at = |q: f64| {
        let place = q * (sorted.len() - 1) as f64;
        let (a, b, t) = (sorted[place as usize], sorted[place as usize + 1], place.fract());
        if t >= 0.5 { b - (b - a) * (1.0 - t) } else { a + (b - a) * t }
    };
    let column = floats(&values);
    let tables: Vec<_> = [1, 7]
        .map(|parts| {
            let session = Session::builder().threads(2).build().unwrap();
            let size = values.len().div_ceil(parts);
            let batches = (0..parts).map(|p| {
                let from = p * size;
                RecordBatch::try_from_iter([("x", column.slice(from, size.min(values.len() - from)))]).unwrap()
            });
            let df = session.from_batches(batches.collect::<Vec<_>>()).unwrap();
            df.describe().unwrap().compute().unwrap().f64s("x").unwrap()
        })
        .to_vec();
    assert_eq!(tables[0], tables[1]);
    let quartiles = [0.25, 0.5, 0.75].map(|q| Some(at(q)));
    assert_eq!(tables[0][4..7], quartiles);
}

#[test]
fn describe_of_nothing_and_of_texts() {
    let nothing = one("x", Arc::new(Float64Array::from(vec![None, Some(f64::NAN)])));
    let table = nothing.describe().unwrap().compute().unwrap();
    assert_eq!(table.f64s("x").unwrap(), [Some(0.0), None, None, None, None, None, None, None]);
    let texts = one("c", Arc::new(StringArray::from(vec![Some("b"), Some("a"), Some("b"), None, Some("c")])));
    let table = texts.describe().unwrap().compute().unwrap();
    let shown: Vec<_> = (0..4).map(|r| table.value("c", r).unwrap().as_str().unwrap().to_string()).collect();
    assert_eq!(shown, ["4", "3", "b", "2"]);
}

#[test]
fn division_follows_ieee_and_comparison_with_nan_is_false() {
    let a: ArrayRef = Arc::new(Int64Array::from(vec![Some(1), Some(-1), Some(0), Some(3), None]));
    let b: ArrayRef = Arc::new(Int64Array::from(vec![0, 0, 0, 2, 1]));
    let df = DataFrame::from_batches([RecordBatch::try_from_iter([("a", a), ("b", b)]).unwrap()]).unwrap();
    let quotient = df.select((col("a") / col("b")).alias("q")).unwrap();
    assert_eq!(quotient.dtype("q").unwrap(), DataType::Float64);
    let values = quotient.compute().unwrap().f64s("q").unwrap();
    assert_eq!(
        (values[0], values[1], values[3], values[4]),
        (Some(f64::INFINITY), Some(f64::NEG_INFINITY), Some(1.5), None)
    );
    assert!(values[2].unwrap().is_nan());
    // null and NaN rows are dropped by a filter
    assert_eq!(quotient.filter(col("q").gt(0.2)).unwrap().len().unwrap(), 2);
    let flags = quotient.select(col("q").gt(0.2).alias("f")).unwrap().compute().unwrap().f64s("f").unwrap();
    assert_eq!(flags, [Some(1.0), Some(0.0), Some(0.0), Some(1.0), None]);
    let filled = quotient.select(col("q").gt(0.2).fillna(false).alias("f")).unwrap().compute().unwrap();
    assert_eq!(filled.f64s("f").unwrap()[4], Some(0.0));
}

#[test]
fn astype_and_fillna_as_in_pandas() {
    let df = one("b", Arc::new(BooleanArray::from(vec![Some(true), Some(false), None])));
    let numbers = df.astype(DataType::Float64).unwrap();
    assert_eq!(numbers.compute().unwrap().f64s("b").unwrap(), [Some(1.0), Some(0.0), None]);
    let gaps = one("x", Arc::new(Float64Array::from(vec![Some(1.0), Some(f64::NAN), None])));
    let filled = gaps.fillna(-1).unwrap();
    assert_eq!(filled.compute().unwrap().f64s("x").unwrap(), [Some(1.0), Some(-1.0), Some(-1.0)]);
    assert!(!filled.schema().field(0).is_nullable());
}

#[test]
fn times_as_in_pandas() {
    let micros = [1_672_531_201, 1_609_459_199, 1_609_677_000, 1_546_236_428].map(|s: i64| s * 1_000_000);
    let df = one("t", Arc::new(TimestampMicrosecondArray::from(micros.to_vec())));
    let t = || col("t").dt();
    let fields = [
        (t().weekday(), [6, 3, 6, 0]),
        (t().iso_week(), [52, 53, 53, 1]),
        (t().hour(), [0, 23, 12, 6]),
        (t().day_of_year(), [1, 366, 3, 365]),
        (t().quarter(), [1, 4, 1, 4]),
    ];
    for (expr, expected) in fields {
        let shown = expr.to_string();
        let got = df.select(expr.alias("v")).unwrap().compute().unwrap().f64s("v").unwrap();
        assert_eq!(got, expected.map(|v| Some(f64::from(v))), "{shown}");
    }
}

#[test]
fn head_reads_on_until_there_are_enough() {
    let column: ArrayRef = Arc::new(Int64Array::from_iter_values(0..40));
    let df = split(&column, 10, 2).filter(col("x").ge(10)).unwrap();
    assert_eq!(df.head(9).unwrap().compute().unwrap().num_rows(), 9);
    let first = df.head(3).unwrap().compute().unwrap().f64s("x").unwrap();
    assert_eq!(first, [Some(10.0), Some(11.0), Some(12.0)]);
    assert_eq!(df.head(100).unwrap().len().unwrap(), 30);
}

#[test]
fn the_sample_of_dask() {
    let column: ArrayRef = Arc::new(Int64Array::from_iter_values(0..100));
    let sample = |parts| {
        let sample = Sample::fraction(0.1).seed(42).mode(SampleMode::Dask);
        let rows = split(&column, parts, 2).sample(sample).unwrap().compute().unwrap().f64s("x").unwrap();
        rows.into_iter().map(|x| x.unwrap() as i64).collect::<Vec<_>>()
    };
    assert_eq!(sample(4), [14, 22, 47, 38, 66, 64, 77, 96]);
    assert_eq!(sample(1), [43, 28, 83, 15, 19, 29, 45, 3, 98, 99]);
}

#[test]
fn csv_types_are_inferred_as_dask_does() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.csv");
    fs::write(
        &path,
        "id,name,fare,when,flag,empty\n1,a,2.5,2023-01-01 10:00:00,true,\n2,\"b,\nc\",3,2023-01-02 00:00:00,false,\n",
    )
    .unwrap();
    let plain = read_csv(&path).unwrap();
    let types: Vec<DataType> = plain.dtypes().into_iter().map(|(_, t)| t).collect();
    assert_eq!(types[..3], [DataType::Int64, DataType::Utf8, DataType::Float64]);
    assert_eq!((&types[4], &types[5]), (&DataType::Boolean, &DataType::Float64));
    // assume_missing turns inferred ints to floats; an explicit type wins
    let options = CsvOptions::new().assume_missing(true).parse_dates(["when"]);
    let missing = read_csv_with(&path, options.clone()).unwrap();
    assert_eq!(missing.dtype("id").unwrap(), DataType::Float64);
    assert!(matches!(missing.dtype("when").unwrap(), DataType::Timestamp(_, None)));
    let told = read_csv_with(&path, options.dtype("id", DataType::Int32)).unwrap();
    assert_eq!(told.dtype("id").unwrap(), DataType::Int32);
    assert_eq!(told.len().unwrap(), 2);
    assert_eq!(told.compute().unwrap().value("name", 1).unwrap().as_str(), Some("b,\nc"));
}

#[test]
fn a_table_is_rounded_turned_and_shown() {
    let x: ArrayRef = Arc::new(Int64Array::from(vec![5, 3, 8, 1, 9, 2, 7]));
    let y = floats(&[0.5, 1.5, 2.5, 3.5, 1.0, 2.0, 0.123_456]);
    let df = DataFrame::from_batches([RecordBatch::try_from_iter([("x", x), ("y", y)]).unwrap()]).unwrap();
    let table = df.describe().unwrap().compute().unwrap();
    assert_eq!(table.f64s("x").unwrap()[2], Some(3.109126351029605)); // rounded once; pandas is a unit away
    let turned = table.round(3).unwrap().transpose().unwrap();
    assert_eq!(turned.f64s("std").unwrap(), [Some(3.109), Some(1.179)]);
    insta::assert_snapshot!(turned.to_string());
    insta::assert_snapshot!(df.head(2).unwrap().compute().unwrap().to_string());
}

#[test]
fn the_length_and_the_size_come_from_what_files_say() {
    let folder = tempfile::tempdir().unwrap();
    let column: ArrayRef = Arc::new(Int64Array::from_iter_values(0..100));
    split(&column, 4, 2).to_parquet(folder.path().join("out")).unwrap();
    let back = partita::read_parquet(folder.path().join("out")).unwrap();
    assert_eq!((back.len().unwrap(), back.plan().known_rows().map(|r| r.iter().sum::<u64>())), (100, Some(100)));
    assert_eq!(back.memory_total().unwrap().0, 800);
    assert_eq!(back.compute().unwrap().f64s("x").unwrap().len(), 100);
    // row groups that statistics rule out are not read, and the answer is the same
    let few = back.filter(col("x").lt(10)).unwrap();
    assert!(few.explain().unwrap().contains("(3 of 4 partitions)") || back.npartitions().unwrap() < 4);
    assert_eq!(few.len().unwrap(), 10);
}
