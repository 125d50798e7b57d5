//! Columns to rows, rows to columns, rows without missing values.

use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, Float64Array, Int64Array, ListArray, RecordBatch, StringArray};
use arrow::datatypes::{DataType, Int32Type, Int64Type};
use arrow::util::display::{ArrayFormatter, FormatOptions};
use partita::{DataFrame, DropNa, Join, Keep, Scheduler, Session, col, row_number};

fn sessions() -> Vec<Session> {
    let session = |scheduler, limit: &str, rows| {
        Session::builder().scheduler(scheduler).memory_limit(limit).batch_rows(rows).build().unwrap()
    };
    vec![
        session(Scheduler::Synchronous, "1GB", 1000),
        session(Scheduler::Threads(3), "1GB", 2),
        session(Scheduler::Threads(2), "300 kB", 16),
    ]
}

const NAN: f64 = f64::NAN;

/// Ten rows in partitions of `size`.
fn frame(session: &Session, size: usize) -> DataFrame {
    let k = [Some("a"), Some("b"), Some("a"), None, Some("b"), Some("a"), Some("b"), Some("a"), Some("b"), Some("a")];
    let x = [Some(3.0), None, Some(1.5), Some(-2.0), Some(NAN), Some(7.25), Some(0.1), Some(0.2), None, Some(5.0)];
    let z = [1, 1, 2, 2, 3, 3, 1, 2, 3, 1];
    let batch = |i: usize| {
        let end = (i + size).min(10);
        let columns: [(&str, ArrayRef, bool); 3] = [
            ("k", Arc::new(StringArray::from(k[i..end].to_vec())), true),
            ("x", Arc::new(Float64Array::from(x[i..end].to_vec())), true),
            ("z", Arc::new(Int64Array::from(z[i..end].to_vec())), false),
        ];
        RecordBatch::try_from_iter_with_nullable(columns).unwrap()
    };
    session.from_batches((0..10).step_by(size).map(batch)).unwrap()
}

fn numbers(df: &DataFrame, name: &str) -> Vec<Option<f64>> {
    let values = df.compute().unwrap().f64s(name).unwrap();
    values.into_iter().map(|v| v.filter(|v| !v.is_nan())).collect()
}

#[test]
fn melt_is_that_of_pandas() {
    for session in sessions() {
        for size in [1, 4, 10] {
            let df = frame(&session, size);
            let long = df.melt("k", ["z", "x"]).unwrap();
            assert_eq!(long.columns(), ["k", "variable", "value"]);
            let (z, x) = (numbers(&df, "z"), numbers(&df, "x"));
            assert_eq!(numbers(&long, "value"), [z.clone(), x].concat());
            let only_z = long.filter(col("variable").eq("z")).unwrap();
            assert_eq!(numbers(&only_z, "value"), z);
            assert_eq!(df.melt(["k", "x"], Vec::<String>::new()).unwrap().len().unwrap(), 10);
        }
    }
    let df = frame(&sessions()[0], 4);
    let error = df.melt("z", ["k", "x"]).unwrap_err().to_string();
    assert!(error.contains("`x`, a Float64, does not go together with Utf8"), "{error}");
}

#[test]
fn lists_become_rows() {
    let lists: Vec<Option<Vec<Option<i64>>>> =
        vec![Some(vec![Some(1), None, Some(2)]), None, Some(vec![]), Some(vec![Some(3)]), Some(vec![Some(4), Some(5)])];
    for session in sessions() {
        for size in [1, 2, 5] {
            let parts = lists.chunks(size).enumerate().map(|(i, part)| {
                let list = ListArray::from_iter_primitive::<Int64Type, _, _>(part.to_vec());
                let id = Int64Array::from_iter_values((i * size) as i64..(i * size + part.len()) as i64);
                let columns: [(&str, ArrayRef, bool); 2] = [("id", Arc::new(id), false), ("l", Arc::new(list), true)];
                RecordBatch::try_from_iter_with_nullable(columns).unwrap()
            });
            let df = session.from_batches(parts.collect::<Vec<_>>()).unwrap().explode("l").unwrap();
            let some = |n: f64| Some(n);
            assert_eq!(numbers(&df, "l"), [some(1.0), None, some(2.0), None, None, some(3.0), some(4.0), some(5.0)]);
            assert_eq!(numbers(&df, "id"), [0, 0, 0, 1, 2, 3, 4, 4].map(|n| some(f64::from(n))));
        }
    }
    let error = frame(&sessions()[0], 4).explode("x").unwrap_err().to_string();
    assert!(error.contains("`x` is Float64, not a column of lists"), "{error}");
}

#[test]
fn a_pivot_table_is_that_of_pandas() {
    for session in sessions() {
        for size in [1, 4, 10] {
            let df = frame(&session, size);
            let table = df.pivot_table("k", "z", col("x").mean()).unwrap();
            assert_eq!(table.columns(), ["k", "1", "2", "3"]);
            assert_eq!(numbers(&table, "1"), [Some(4.0), Some(0.1)]);
            assert_eq!(numbers(&table, "2"), [Some(0.85), None]);
            assert_eq!(numbers(&table, "3"), [Some(7.25), None]);
            // a column in which nothing has a value is none (pandas' dropna=True), but a count is one
            let few = df.filter(col("k").eq("b")).unwrap();
            assert_eq!(few.pivot_table("k", "z", col("x").mean()).unwrap().columns(), ["k", "1"]);
            assert_eq!(few.pivot_table("k", "z", col("x").count()).unwrap().columns(), ["k", "1", "3"]);
            let other = df.pivot_table("z", "k", col("x").count()).unwrap();
            assert_eq!(other.columns(), ["z", "a", "b"]);
            assert_eq!(numbers(&other, "a"), [Some(2.0), Some(2.0), Some(1.0)]);
            assert_eq!(numbers(&other, "b"), [Some(1.0), None, Some(0.0)]);
        }
    }
    let df = sessions()[0]
        .from_batches([RecordBatch::try_from_iter([(
            "n",
            Arc::new(Int64Array::from_iter_values(0..10_001)) as ArrayRef,
        )])
        .unwrap()])
        .unwrap();
    let error = df.pivot_table((col("n") % 2).alias("odd"), "n", col("n").sum()).err().unwrap().to_string();
    assert!(error.contains("a pivot table of more than 10000 columns"), "{error}");
}

#[test]
fn rows_with_missing_values_are_left_out() {
    let df = frame(&sessions()[1], 3);
    let count = |what: DropNa| df.dropna(what).unwrap().len().unwrap();
    assert_eq!(count(DropNa::any()), 6);
    assert_eq!(count(DropNa::any().subset("k")), 9);
    assert_eq!(count(DropNa::all()), 10);
    assert_eq!(count(DropNa::all().subset(["k", "x"])), 10);
    assert_eq!(count(DropNa::all().subset(["x"])), 7);
    assert_eq!(count(DropNa::fewer_than(3)), 6);
    assert_eq!(count(DropNa::fewer_than(2)), 10);
    assert!(df.dropna(DropNa::any().subset("q")).unwrap_err().to_string().contains("unknown column `q`"));
}

/// The rows as texts.
fn texts(df: &DataFrame) -> Vec<String> {
    let options = FormatOptions::default().with_null("-");
    let mut all = Vec::new();
    for batch in df.batches().unwrap() {
        let batch = batch.unwrap();
        let columns: Vec<_> =
            batch.columns().iter().map(|c| ArrayFormatter::try_new(c.as_ref(), &options).unwrap()).collect();
        all.extend(
            (0..batch.num_rows())
                .map(|row| columns.iter().map(|c| c.value(row).to_string()).collect::<Vec<_>>().join(" ")),
        );
    }
    all
}

#[test]
fn categories_are_the_texts_they_stand_for() {
    let folder = tempfile::tempdir().unwrap();
    for (i, session) in sessions().iter().enumerate() {
        let plain = frame(session, 3);
        let df = plain.categorize("k").unwrap();
        let dictionary = DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8));
        assert_eq!(df.dtype("k").unwrap(), dictionary);
        assert_eq!(texts(&df), texts(&plain));
        for batch in df.batches().unwrap() {
            let batch = batch.unwrap();
            let k = batch.column(0).as_dictionary::<Int32Type>().clone();
            assert_eq!(k.values().as_string::<i32>().iter().flatten().collect::<Vec<_>>(), ["a", "b"]);
        }
        let same = |of: &dyn Fn(&DataFrame) -> partita::Result<DataFrame>| {
            assert_eq!(texts(&of(&df).unwrap()), texts(&of(&plain).unwrap()));
        };
        same(&|df| df.groupby("k")?.dropna(false).agg([col("x").sum(), col("z").max()]));
        same(&|df| df.groupby("z")?.agg([col("k").nunique(), col("k").first().alias("f"), col("k").max().alias("m")]));
        same(&|df| df.sort_by([col("k").desc(), col("z").asc()]));
        same(&|df| df.join(df, Join::inner("k").broadcast(true)));
        same(&|df| df.join(df, Join::outer("k").broadcast(false)));
        same(&|df| df.join(&plain, Join::inner("k").broadcast(false)));
        same(&|df| df.filter(col("k").eq("a") & col("k").is_in(["a", "q"])));
        same(&|df| df.with_column("n", row_number().over("k")));
        same(&|df| df.with_column("n", col("k").shift(1)));
        same(&|df| df.pivot_table("k", "z", col("x").sum()));
        same(&|df| df.pivot_table("z", "k", col("x").sum()));
        same(&|df| df.drop_duplicates(["k"], Keep::First));
        same(&|df| df.value_counts("k"));
        // keys stay what they are, with the categories that occur
        let only = df.filter(col("k").ne("b")).unwrap().groupby(["k", "z"]).unwrap();
        assert_eq!(only.clone().agg([col("x").sum()]).unwrap().dtype("k").unwrap(), dictionary);
        let only = only.sort(false).agg([col("x").median()]).unwrap();
        for batch in only.batches().unwrap() {
            let batch = batch.unwrap();
            let k = batch.column(0).as_dictionary::<Int32Type>();
            assert_eq!(k.values().as_string::<i32>().iter().flatten().collect::<Vec<_>>(), ["a"]);
        }
        same(&|df| df.melt("z", "k"));
        same(&|df| df.repartition(2)?.top_k(3, [col("k").desc()]));
        let csv = |df: &DataFrame, name: &str| {
            let path = folder.path().join(format!("{name}{i}"));
            df.repartition(1).unwrap().to_csv(&path).unwrap();
            let file = std::fs::read_dir(path).unwrap().map(|f| f.unwrap().path());
            let file = file.filter(|f| f.extension().is_some_and(|e| e == "csv")).max().unwrap();
            std::fs::read_to_string(file).unwrap()
        };
        assert_eq!(csv(&df, "coded"), csv(&plain, "plain"));
        let path = folder.path().join(format!("p{i}"));
        df.repartition(1).unwrap().to_parquet(&path).unwrap();
        assert_eq!(texts(&session.read_parquet(&path).unwrap()), texts(&plain));
        let error = df.categorize("x").unwrap_err().to_string();
        assert!(error.contains("`x` is Float64, not text"), "{error}");
    }
}
