//! Laws of keys: every layout of a column, any batches, any hash, give the groups of a map.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, BooleanArray, Decimal128Array, Float32Array, Float64Array, Int64Array, NullArray,
    StringArray, StructArray, UInt32Array,
};
use arrow::compute::{cast, concat, take};
use arrow::datatypes::{DataType, Field, Float32Type, Float64Type, IntervalMonthDayNano, IntervalUnit, TimeUnit};
use proptest::prelude::*;

use super::{Grouper, hash_rows, missing};
use crate::base::schema::logical;
use crate::expr::value::Scalar;

/// What a key means, as text.
fn meaning(array: &ArrayRef, row: usize) -> String {
    let array = cast(array, &logical(array.data_type())).unwrap();
    if array.logical_nulls().is_some_and(|n| n.is_null(row)) {
        return "null".into();
    }
    match array.data_type() {
        DataType::Float64 => (array.as_primitive::<Float64Type>().value(row) + 0.0).to_string(),
        DataType::Float32 => (array.as_primitive::<Float32Type>().value(row) + 0.0).to_string(),
        _ => format!("<{}>", Scalar::of(&array, row)),
    }
}

fn meanings(columns: &[ArrayRef], row: usize) -> Vec<String> {
    columns.iter().map(|c| meaning(c, row)).collect()
}

fn dictionary_of(codes: DataType, values: DataType) -> DataType {
    DataType::Dictionary(Box::new(codes), Box::new(values))
}

/// Every layout of a type of strings or numbers.
fn layouts(data_type: &DataType) -> Vec<DataType> {
    let mut all = vec![data_type.clone(), dictionary_of(DataType::Int32, data_type.clone())];
    match data_type {
        DataType::Utf8 => all.extend([
            DataType::LargeUtf8,
            DataType::Utf8View,
            dictionary_of(DataType::UInt8, DataType::Utf8),
            dictionary_of(DataType::Int64, DataType::LargeUtf8),
        ]),
        DataType::Binary => all.extend([DataType::LargeBinary, DataType::BinaryView]),
        _ => {}
    }
    all
}

/// A column of up to 120 rows with few distinct values.
fn any_column() -> impl Strategy<Value = ArrayRef> {
    let texts = ["", "a", "b", "ab", "zone", "zone 12", "a key of more than sixteen bytes", "0123456789abcdef", "é"];
    let text = prop::option::weighted(0.9, prop::sample::select(texts.to_vec()));
    let texts = prop::collection::vec(text, 120).prop_map(|v| Arc::new(StringArray::from(v)) as ArrayRef);
    let binaries = texts.clone().prop_map(|t| cast(&t, &DataType::Binary).unwrap());
    let few = prop_oneof![4 => -3..9i64, 1 => prop::sample::select(vec![i64::MIN, i64::MAX, 1 << 40])];
    let wholes = prop::collection::vec(prop::option::weighted(0.9, few), 120)
        .prop_map(|v| Arc::new(Int64Array::from(v)) as ArrayRef);
    let small = prop::collection::vec(prop::option::weighted(0.9, 0..7i64), 120)
        .prop_map(|v| Arc::new(Int64Array::from(v)) as ArrayRef);
    let narrow = [
        DataType::Int8,
        DataType::UInt8,
        DataType::Int16,
        DataType::UInt32,
        DataType::Int32,
        DataType::UInt64,
        DataType::Date32,
        DataType::Boolean,
        DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
        DataType::Decimal128(20, 2),
        DataType::Decimal256(40, 2),
        DataType::Float16,
    ];
    let narrow = (small, prop::sample::select(narrow.to_vec())).prop_map(|(column, to)| {
        let through = if to == DataType::Date32 { cast(&column, &DataType::Int32).unwrap() } else { column };
        cast(&through, &to).unwrap()
    });
    let float = prop::sample::select(vec![0.0, -0.0, f64::NAN, -f64::NAN, 1.5, -1.5, f64::INFINITY]);
    let floats = prop::collection::vec(prop::option::weighted(0.9, float), 120);
    let floats = (floats, any::<bool>()).prop_map(|(v, wide)| -> ArrayRef {
        if wide {
            Arc::new(Float64Array::from(v))
        } else {
            Arc::new(v.into_iter().map(|v| v.map(|v| v as f32)).collect::<Float32Array>())
        }
    });
    prop_oneof![texts, binaries, wholes, narrow, floats, Just(Arc::new(NullArray::new(120)) as ArrayRef)]
}

/// Batches of some columns: each cut with the layouts its columns come in.
fn cut(columns: &[ArrayRef], cuts: &[(usize, usize)]) -> Vec<Vec<ArrayRef>> {
    let (mut from, mut batches) = (0, Vec::new());
    for &(len, layout) in cuts.iter().chain(&[(usize::MAX, 0)]) {
        let len = len.min(columns[0].len() - from);
        let batch = columns.iter().enumerate().map(|(i, column)| {
            let layouts = layouts(column.data_type());
            let layout = &layouts[(layout + i) % layouts.len()];
            // a slice of what was converted whole, or the conversion of a slice
            match cast(column, layout) {
                Ok(whole) if layout != column.data_type() && from % 2 == 0 => whole.slice(from, len),
                _ => cast(&column.slice(from, len), layout).unwrap_or_else(|_| column.slice(from, len)),
            }
        });
        batches.push(batch.collect());
        from += len;
    }
    batches
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn groups_are_those_of_a_map(
        columns in prop::collection::vec(any_column(), 1..4),
        cuts in prop::collection::vec((0usize..50, 0usize..6), 0..6),
        bits in prop::sample::select(vec![0u32, 1, 3, 64]),
        given in any::<bool>(),
    ) {
        let types: Vec<DataType> = columns.iter().map(|c| c.data_type().clone()).collect();
        let mut grouper = Grouper::new(&types).unwrap();
        let whole = hash_rows(&columns).unwrap();
        let (mut map, mut from, mut ids) = (HashMap::new(), 0, Vec::new());
        for batch in cut(&columns, &cuts) {
            let mut hashes = hash_rows(&batch).unwrap();
            prop_assert_eq!(&hashes[..], &whole[from..from + hashes.len()]);
            // a hash that says little leaves the work to the comparison of keys
            hashes.iter_mut().for_each(|h| *h &= u64::MAX.checked_shr(64 - bits).unwrap_or(0));
            if given || bits < 64 { grouper.ids(&batch, &hashes, &mut ids).unwrap() } else { grouper.group(&batch, &mut ids).unwrap() }
            prop_assert_eq!(ids.len(), hashes.len());
            let mut again = Vec::new();
            grouper.find(&batch, &hashes, &mut again).unwrap();
            prop_assert_eq!(&ids, &again);
            for (row, &id) in ids.iter().enumerate() {
                prop_assert_eq!(*map.entry(meanings(&columns, from + row)).or_insert(id), id);
            }
            from += ids.len();
        }
        prop_assert_eq!((from, grouper.len()), (columns[0].len(), map.len()));
        let order = grouper.in_hash_order();
        for (keys, ids) in [
            (grouper.keys(None).unwrap(), (0..map.len() as u32).collect::<Vec<_>>()),
            (grouper.keys(Some(&order)).unwrap(), order.clone()),
        ] {
            for (i, id) in ids.iter().enumerate() {
                prop_assert_eq!(map[&meanings(&keys, i)], *id);
            }
            prop_assert!(keys.iter().zip(&types).all(|(key, t)| key.data_type() == &logical(t)));
            if bits == 64 {
                let hashes = hash_rows(&keys).unwrap();
                prop_assert!(ids.iter().zip(&hashes).all(|(id, hash)| grouper.hashes()[*id as usize] == *hash));
            }
        }
        prop_assert!(order.windows(2).all(|o| grouper.hashes()[o[0] as usize] <= grouper.hashes()[o[1] as usize]));
    }

    #[test]
    fn the_order_of_groups_is_that_of_their_hashes_and_keys(
        columns in prop::collection::vec(any_column(), 1..3), weak in any::<bool>(), seed in any::<u64>(),
    ) {
        let types: Vec<DataType> = columns.iter().map(|c| c.data_type().clone()).collect();
        let mut hashes = hash_rows(&columns).unwrap();
        if weak { hashes.iter_mut().for_each(|h| *h &= 3) }
        let mut orders = Vec::new();
        for turn in [0, seed as usize % 120] {
            let rows: UInt32Array = (0..120u32).map(|i| (i + turn as u32) % 120).collect();
            let turned: Vec<ArrayRef> = columns.iter().map(|c| take(c, &rows, None).unwrap()).collect();
            let hashes: Vec<u64> = rows.values().iter().map(|&r| hashes[r as usize]).collect();
            let mut grouper = Grouper::new(&types).unwrap();
            grouper.ids(&turned, &hashes, &mut Vec::new()).unwrap();
            let keys = grouper.keys(Some(&grouper.in_hash_order())).unwrap();
            orders.push((0..grouper.len()).map(|i| meanings(&keys, i)).collect::<Vec<_>>());
            grouper.clear();
            prop_assert!(grouper.is_empty());
            grouper.group(&turned, &mut Vec::new()).unwrap();
            prop_assert_eq!(grouper.len(), keys[0].len());
        }
        prop_assert_eq!(&orders[0], &orders[1]);
    }

    #[test]
    fn many_groups_are_ordered(hashes in prop::collection::vec((any::<u64>(), 0..3u32), 0..3000), top in 0..50u32) {
        let hashes: Vec<u64> = hashes.iter().map(|(h, same)| if *same == 0 { 7 } else { h >> top }).collect();
        let mut slow: Vec<u32> = (0..hashes.len() as u32).collect();
        slow.sort_by_key(|&i| (hashes[i as usize], i));
        prop_assert_eq!(super::order::by_hash(&hashes, |a, b| a.cmp(&b)), slow);
    }
}

#[test]
fn dictionaries_that_change_and_windows_that_grow_keep_their_groups() {
    let mut grouper = Grouper::new(&[DataType::Utf8, DataType::Int64]).unwrap();
    let (mut map, mut ids) = (HashMap::new(), Vec::new());
    for round in 0..60i64 {
        let texts: StringArray =
            (0..200).map(|i| (i % 7 != 0).then(|| format!("id{}", (i * (round / 3 + 1)) % 11))).collect();
        let codes = cast(&texts, &dictionary_of(DataType::Int32, DataType::Utf8)).unwrap();
        let reach = 1i64 << (round / 3).min(30);
        let numbers: ArrayRef =
            Arc::new((0..200).map(|i| (i % 5 != 0).then_some((i * 31) % reach - reach / 2)).collect::<Int64Array>());
        for part in [(0, 150), (150, 50), (20, 0)] {
            let batch = [codes.slice(part.0, part.1), numbers.slice(part.0, part.1)];
            grouper.group(&batch, &mut ids).unwrap();
            for (row, &id) in ids.iter().enumerate() {
                assert_eq!(*map.entry(meanings(&batch, row)).or_insert(id), id, "round {round}");
            }
        }
    }
    assert_eq!(grouper.len(), map.len());
    assert!(grouper.bytes() > grouper.len() * 16);
}

#[test]
fn keys_that_cannot_be_grouped_say_so() {
    let list = StructArray::from(vec![(
        Arc::new(Field::new("a", DataType::Int64, true)),
        Arc::new(Int64Array::from(vec![1])) as ArrayRef,
    )]);
    let list: ArrayRef = Arc::new(list);
    assert!(
        hash_rows(std::slice::from_ref(&list)).is_err()
            && Grouper::new(std::slice::from_ref(list.data_type())).is_err()
    );
    assert!(hash_rows(&[]).is_err() && Grouper::new(&[]).is_err());
    let mut grouper = Grouper::new(&[DataType::Int64]).unwrap();
    let text: ArrayRef = Arc::new(StringArray::from(vec!["a"]));
    assert!(grouper.group(&[text], &mut Vec::new()).is_err());
}

#[test]
fn wide_and_odd_types_come_back() {
    let interval: ArrayRef = Arc::new(arrow::array::IntervalMonthDayNanoArray::from(vec![
        Some(IntervalMonthDayNano::new(1, 2, 3)),
        None,
        Some(IntervalMonthDayNano::new(1, 2, 3)),
    ]));
    let decimal: ArrayRef =
        Arc::new(Decimal128Array::from(vec![Some(1), None, Some(1)]).with_precision_and_scale(5, 1).unwrap());
    let mut grouper =
        Grouper::new(&[DataType::Interval(IntervalUnit::MonthDayNano), decimal.data_type().clone()]).unwrap();
    let mut ids = Vec::new();
    grouper.group(&[interval.clone(), decimal.clone()], &mut ids).unwrap();
    assert_eq!(ids, [0, 1, 0]);
    let keys = grouper.keys(None).unwrap();
    assert_eq!((&keys[0], &keys[1]), (&interval.slice(0, 2), &decimal.slice(0, 2)));
    let both = concat(&[&keys[0], &interval]).unwrap();
    assert_eq!(hash_rows(&[both]).unwrap()[0], hash_rows(&[interval]).unwrap()[2]);
}

#[test]
fn null_and_nan_keys_are_missing() {
    let floats: ArrayRef = Arc::new(Float64Array::from(vec![Some(1.0), Some(f64::NAN), None, Some(2.0)]));
    let truths: ArrayRef = Arc::new(BooleanArray::from(vec![Some(true), Some(false), Some(true), None]));
    let rows = |columns: &[ArrayRef]| missing(columns).unwrap().map(|bits| bits.iter().collect::<Vec<_>>());
    assert_eq!(rows(std::slice::from_ref(&floats)), Some(vec![false, true, true, false]));
    assert_eq!(rows(&[floats.slice(0, 1), truths.slice(0, 1)]), None);
    assert_eq!(rows(&[truths, floats]), Some(vec![false, true, true, true]));
}
