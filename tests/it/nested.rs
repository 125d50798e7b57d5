//! Columns of every type go through every operation on other columns as they are.

use std::path::Path;
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, BinaryArray, BooleanArray, Date64Array, Decimal128Array, Decimal256Array,
    DurationMicrosecondArray, FixedSizeBinaryArray, FixedSizeListArray, Int32Array, Int64Array,
    IntervalMonthDayNanoArray, LargeListArray, ListArray, MapArray, NullArray, RecordBatch, StringArray, StructArray,
    Time32MillisecondArray, Time64NanosecondArray, TimestampNanosecondArray, UInt64Array,
};
use arrow::buffer::{NullBuffer, OffsetBuffer};
use arrow::compute::{cast, take};
use arrow::datatypes::{DataType, Field, Fields, Int64Type, IntervalMonthDayNanoType, i256};
use partita::{DataFrame, ErrorKind, Join, Keep, Result, Session, SetIndex, col, concat as concat_frames};

fn nulls(rows: usize, every: usize) -> Option<NullBuffer> {
    Some((0..rows).map(|i| i % every != 1).collect::<Vec<_>>().into())
}

fn structs(rows: usize) -> ArrayRef {
    let fields = Fields::from(vec![
        Field::new("number", DataType::Int64, true),
        Field::new("text", DataType::Utf8, true),
        Field::new("list", DataType::List(Arc::new(Field::new("item", DataType::Int32, true))), true),
    ]);
    let number: ArrayRef = Arc::new(Int64Array::from_iter((0..rows as i64).map(|i| (i % 7 > 0).then_some(i * 3))));
    let text: ArrayRef = Arc::new(StringArray::from_iter((0..rows).map(|i| (i % 6 > 0).then(|| format!("t{i}")))));
    Arc::new(StructArray::new(fields, vec![number, text, lists(rows)], nulls(rows, 5)))
}

fn lists(rows: usize) -> ArrayRef {
    let list = |i: usize| {
        (!i.is_multiple_of(4)).then(|| (0..i % 5).map(|k| (k != 2).then_some((i + k) as i32)).collect::<Vec<_>>())
    };
    Arc::new(ListArray::from_iter_primitive::<arrow::datatypes::Int32Type, _, _>((0..rows).map(list)))
}

fn offsets(rows: usize) -> OffsetBuffer<i32> {
    OffsetBuffer::from_lengths((0..rows).map(|i| i % 3))
}

fn maps(rows: usize) -> ArrayRef {
    let all = offsets(rows).last() as usize;
    let keys: ArrayRef = Arc::new(StringArray::from_iter_values((0..all).map(|i| format!("k{i}"))));
    let fields = Fields::from(vec![
        Field::new("key", DataType::Utf8, false),
        Field::new("value", lists(0).data_type().clone(), true),
    ]);
    let entries = StructArray::new(fields.clone(), vec![keys, lists(all)], None);
    let field = Arc::new(Field::new("entries", DataType::Struct(fields), false));
    Arc::new(MapArray::new(field, offsets(rows), entries, nulls(rows, 7), false))
}

fn lists_of(rows: usize, items: impl Fn(usize) -> ArrayRef) -> ArrayRef {
    let items = items(offsets(rows).last() as usize);
    let field = Arc::new(Field::new("item", items.data_type().clone(), true));
    Arc::new(ListArray::new(field, offsets(rows), items, nulls(rows, 4)))
}

/// A column of each type that a file can have.
fn columns(rows: usize) -> Vec<(&'static str, ArrayRef)> {
    let numbers = || 0..rows as i64;
    let ints: ArrayRef = Arc::new(Int32Array::from_iter_values((0..3 * rows as i32).map(|i| i * i)));
    let item = |array: &ArrayRef| Arc::new(Field::new("item", array.data_type().clone(), true));
    let large =
        LargeListArray::new(item(&ints), OffsetBuffer::from_lengths((0..rows).map(|i| i % 4 / 2)), ints.clone(), None);
    let fixed = FixedSizeListArray::new(item(&ints), 3, ints.clone(), nulls(rows, 9));
    let coded = cast(
        &StringArray::from_iter_values((0..rows).map(|i| format!("code {}", i % 3))),
        &DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8)),
    )
    .unwrap();
    let inside = StructArray::from(vec![(Arc::new(Field::new("code", coded.data_type().clone(), true)), coded)]);
    let bytes: Vec<[u8; 16]> = numbers().map(|i| i128::from(i * 77_777_777).to_be_bytes()).collect();
    let interval = numbers().map(|i| IntervalMonthDayNanoType::make_value(i as i32, 2, 3));
    vec![
        ("struct", structs(rows)),
        ("list", lists(rows)),
        ("large_list", Arc::new(large)),
        ("fixed_list", Arc::new(fixed)),
        ("map", maps(rows)),
        ("list_of_structs", lists_of(rows, structs)),
        ("list_of_lists", lists_of(rows, lists)),
        ("list_of_maps", lists_of(rows, maps)),
        ("code_in_struct", Arc::new(inside)),
        (
            "decimal128",
            Arc::new(
                Decimal128Array::from_iter(numbers().map(|i| (i % 5 > 0).then_some(i as i128 - 9)))
                    .with_precision_and_scale(38, 4)
                    .unwrap(),
            ),
        ),
        (
            "decimal256",
            Arc::new(
                Decimal256Array::from_iter_values(numbers().map(|i| i256::from(i * 3 - 7)))
                    .with_precision_and_scale(60, 10)
                    .unwrap(),
            ),
        ),
        ("uuid", Arc::new(FixedSizeBinaryArray::try_from_iter(bytes.iter()).unwrap())),
        ("binary", Arc::new(BinaryArray::from_iter((0..rows).map(|i| (i % 3 > 0).then(|| vec![i as u8; i % 4]))))),
        ("time32", Arc::new(Time32MillisecondArray::from_iter_values(0..rows as i32))),
        ("time64", Arc::new(Time64NanosecondArray::from_iter_values(numbers()))),
        ("duration", Arc::new(DurationMicrosecondArray::from_iter_values(numbers()))),
        ("date64", Arc::new(Date64Array::from_iter_values(numbers().map(|i| i * 86_400_000)))),
        ("zoned", Arc::new(TimestampNanosecondArray::from_iter_values(numbers()).with_timezone("Europe/Berlin"))),
        ("interval", Arc::new(IntervalMonthDayNanoArray::from_iter_values(interval))),
        ("uint64", Arc::new(UInt64Array::from_iter_values(numbers().map(|i| u64::MAX - i as u64)))),
        (
            "float16",
            cast(&Int64Array::from_iter(numbers().map(|i| (i % 4 > 0).then_some(i))), &DataType::Float16).unwrap(),
        ),
        ("bool", Arc::new(BooleanArray::from_iter((0..rows).map(|i| (i % 4 > 0).then_some(i % 3 == 0))))),
        ("null", Arc::new(NullArray::new(rows))),
    ]
}

const ROWS: usize = 600;

/// The column beside the number of its row, a key and something unordered.
fn batch(column: &ArrayRef) -> RecordBatch {
    let id: ArrayRef = Arc::new(Int64Array::from_iter_values(0..ROWS as i64));
    let key: ArrayRef = Arc::new(StringArray::from_iter_values((0..ROWS).map(|i| format!("key {}", i % 7))));
    let x: ArrayRef = Arc::new(Int64Array::from_iter_values((0..ROWS as i64).map(|i| i * 7919 % 601)));
    RecordBatch::try_from_iter_with_nullable([
        ("id", id, false),
        ("key", key, true),
        ("x", x, true),
        ("c", column.clone(), true),
    ])
    .unwrap()
}

/// Cut into five partitions of batches.
fn frame(session: &Session, batch: &RecordBatch) -> DataFrame {
    session.from_batches((0..5).map(|i| batch.slice(i * 120, 120))).unwrap()
}

/// The values of the column that came out belong to the rows that they say they are of.
fn check(frame: DataFrame, batch: &RecordBatch) -> Result<usize> {
    let table = frame.compute()?;
    let _ = table.to_string();
    let ids = table.column("id")?;
    let ids = ids.as_primitive::<Int64Type>();
    let places = Int64Array::from_iter_values(ids.values().iter().copied());
    let found = table.column("c")?;
    // the layout of strings is not kept by files
    let expected = cast(&take(batch.column(3), &places, None).unwrap(), found.data_type())?;
    assert_eq!(&found.to_data(), &expected.to_data());
    Ok(ids.len())
}

type Work = fn(&DataFrame, &Path) -> Result<DataFrame>;

const WORK: [(&str, Work); 21] = [
    ("as it is", |df, _| Ok(df.clone())),
    ("filter", |df, _| df.filter(col("x").gt(300))),
    ("with_column", |df, _| df.with_column("y", col("x") * 2)),
    ("sort", |df, _| df.sort_by([col("x").desc()])),
    ("sort by text", |df, _| df.sort_by(["key", "id"])),
    ("top_k", |df, _| df.top_k(50, ["x"])),
    ("join", |df, _| df.join(&df.select(["id", "x"])?.rename([("x", "y")])?, Join::inner("id").broadcast(false))),
    ("join from the right", |df, _| df.select(["id", "x"])?.join(&df.select(["id", "c"])?, Join::left("id"))),
    ("broadcast join", |df, _| df.join(&df.head(100)?.select(["id"])?, Join::inner("id").broadcast(true))),
    ("drop_duplicates", |df, _| df.drop_duplicates(["key"], Keep::First)),
    ("concat", |df, _| concat_frames([df, df])),
    ("repartition", |df, _| df.repartition(3)),
    ("persist", |df, _| df.persist()),
    ("sample", |df, _| df.sample(partita::Sample::fraction(0.5))),
    ("head", |df, _| df.head(17)),
    ("tail", |df, _| df.tail(17)),
    ("set_index", |df, _| df.set_index(SetIndex::new("x"))),
    ("window", |df, _| df.with_column("y", col("x").sum().over(["key"]))),
    ("shift", |df, _| df.with_column("y", col("x").shift(1))),
    ("dropna", |df, _| df.dropna(partita::DropNa::any().subset(["x"]))),
    ("parquet", |df, folder| {
        df.to_parquet(folder.join("out"))?;
        df.session().read_parquet(folder.join("out").as_path())
    }),
];

/// What Parquet has no type for.
const REFUSED: [(&str, &str); 1] = [("parquet", "interval")];

fn run(session: &Session) {
    let mut wrong = Vec::new();
    for (name, column) in columns(ROWS) {
        let batch = batch(&column);
        for (operation, work) in WORK {
            let folder = tempfile::tempdir().unwrap();
            let refused = REFUSED.contains(&(operation, name));
            let result = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
                work(&frame(session, &batch), folder.path()).and_then(|frame| check(frame, &batch))
            }));
            match result {
                Ok(Ok(rows)) if rows > 0 && !refused => {}
                Ok(Err(error)) if refused => assert!(!error.to_string().is_empty()),
                Ok(Ok(rows)) => wrong.push(format!("{operation} of {name}: {rows} rows")),
                Ok(Err(error)) => wrong.push(format!("{operation} of {name}: {error}")),
                Err(panic) => wrong.push(format!("{operation} of {name}: {:?}", panic.downcast_ref::<String>())),
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_type_goes_through() {
    run(&Session::builder().threads(2).batch_rows(50).build().unwrap());
}

#[test]
fn every_type_goes_through_disk() {
    run(&Session::builder().threads(2).batch_rows(50).memory_limit(600_000u64).build().unwrap());
}

#[test]
fn what_makes_no_sense_is_refused_at_once() {
    let session = Session::current().unwrap();
    let mut wrong = Vec::new();
    for (name, column) in columns(ROWS).into_iter().take(9) {
        let df = frame(&session, &batch(&column));
        let mut refused = |what: &str, result: Result<DataFrame>| match result.as_ref().map_err(|error| error.kind()) {
            Err(ErrorKind::TypeMismatch { .. } | ErrorKind::Unsupported { .. }) => {}
            Err(other) => wrong.push(format!("{what} of {name}: {other:?}")),
            Ok(frame) => {
                wrong.push(format!("{what} of {name} is let through: {:?}", frame.compute().map(|t| t.num_rows())))
            }
        };
        refused("sum", df.groupby(["key"]).and_then(|g| g.agg([col("c").sum()])));
        refused("mean", df.groupby(["key"]).and_then(|g| g.agg([col("c").mean()])));
        refused("min", df.groupby(["key"]).and_then(|g| g.agg([col("c").min()])));
        refused("quantile", df.groupby(["key"]).and_then(|g| g.agg([col("c").median()])));
        refused("nunique", df.groupby(["key"]).and_then(|g| g.agg([col("c").nunique()])));
        refused("groupby", df.groupby(["c"]).and_then(|g| g.size()));
        refused("sort", df.sort_by(["c"]));
        refused("join", df.join(&df.rename([("x", "y")]).unwrap(), Join::inner("c")));
        refused("filter", df.filter(col("c").gt(1)));
        refused("equal", df.filter(col("c").eq(col("c"))));
        refused("plus", df.with_column("y", col("c") + 1));
        refused("is_in", df.filter(col("c").is_in([1])));
        refused("fillna", df.with_column("y", col("c").fillna(1)));
        refused("drop_duplicates", df.drop_duplicates(["c"], Keep::First));
        refused("csv", df.to_csv(std::env::temp_dir().join("never")).map(|_| df.clone()));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn fields_of_structs_are_columns() {
    let folder = tempfile::tempdir().unwrap();
    let session = Session::builder().threads(2).build().unwrap();
    frame(&session, &batch(&structs(ROWS))).to_parquet(folder.path().join("a")).unwrap();
    let df = session.read_parquet(folder.path().join("a").as_path()).unwrap();
    let work = |df: &DataFrame| {
        let kept = df.filter(col("c").field("number").gt(900))?;
        kept.select(["key", "c"])?.with_column("n", col("c").field("number"))?.groupby(["key"])?.agg([col("n").sum()])
    };
    let plan = work(&df).unwrap().explain().unwrap();
    assert!(plan.contains("of structs only c.number"), "{plan}");
    let memory = frame(&session, &batch(&structs(ROWS)));
    let texts = |df: DataFrame| df.sort_by(["key"]).unwrap().compute().unwrap().to_string();
    assert_eq!(texts(work(&df).unwrap()), texts(work(&memory).unwrap()));
    // whoever takes the struct gets it whole
    let whole = df.filter(col("c").field("number").gt(900)).unwrap();
    assert!(!whole.explain().unwrap().contains("of structs only"), "{}", whole.explain().unwrap());
    let expected = memory.filter(col("c").field("number").gt(900)).unwrap().compute().unwrap();
    assert_eq!(whole.compute().unwrap().column("c").unwrap().to_data(), expected.column("c").unwrap().to_data());
    let error = df.with_column("y", col("c").field("numbr")).unwrap_err().to_string();
    assert!(error.contains("did you mean `number`"), "{error}");
}
