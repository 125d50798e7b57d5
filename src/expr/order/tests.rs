//! Laws of orders beside a slow obvious twin: rows as vectors of values, sorted by a stable sort.

use std::cmp::Ordering;
use std::sync::Arc;

use arrow::array::{
    ArrayRef, BinaryArray, BooleanArray, Decimal128Array, DictionaryArray, Float32Array, Float64Array, Int64Array,
    LargeStringArray, RecordBatch, StringArray, StringViewArray, UInt8Array,
};
use arrow::compute::{concat_batches, interleave_record_batch};
use arrow::datatypes::{DataType, Field, Int16Type, Schema, SchemaRef};
use proptest::prelude::*;

use super::*;
use crate::expr::col;

/// A value as the twin sees it: null and NaN are nothing.
#[derive(Clone, Debug, PartialEq, PartialOrd)]
enum Seen {
    Number(f64),
    Whole(i128),
    Bytes(Vec<u8>),
}

fn seen(kind: usize, draw: &[u8]) -> Option<Seen> {
    let floats = [0.0, -0.0, 1.0, -1.0, 1.5, f64::INFINITY, f64::NEG_INFINITY, 1e300, -1e-300, 5e-324];
    let pick = usize::from(draw[0]);
    if pick % 7 == 0 {
        return None;
    }
    Some(match kind % 10 {
        0 => Seen::Number(floats[pick % floats.len()]),
        1 => Seen::Number(f64::from(floats[pick % 7] as f32)),
        2 => Seen::Whole([i64::MIN, i64::MAX, 0, -1, 1, 7][pick % 6].into()),
        3 => Seen::Whole((draw[0] % 4).into()),
        4 => Seen::Whole((draw[0] % 2).into()),
        5 => Seen::Whole([i128::MIN / 1000, i128::MAX / 1000, 0, -1][pick % 4]),
        6 => Seen::Bytes(draw.to_vec()),
        // texts with much in common
        _ => {
            let mut text = "id0000000000000000".to_string()[..(pick % 3) * 9].to_string();
            text.extend(draw.iter().take(4).map(|b| char::from(b'a' + b % 3)));
            text.push_str(["", "\0", "ü", "\u{10FFFF}"][pick % 4]);
            Seen::Bytes(text.into_bytes())
        }
    })
}

fn array(kind: usize, values: &[Option<Seen>]) -> ArrayRef {
    let number = |v: &Option<Seen>| match v {
        Some(Seen::Number(x)) => Some(*x),
        _ => None,
    };
    let whole = |v: &Option<Seen>| match v {
        Some(Seen::Whole(x)) => Some(*x),
        _ => None,
    };
    let bytes = |v: &Option<Seen>| match v {
        Some(Seen::Bytes(x)) => Some(x.clone()),
        _ => None,
    };
    let text = |v: &Option<Seen>| bytes(v).map(|b| String::from_utf8(b).unwrap());
    let texts = || values.iter().map(text);
    match kind % 10 {
        // nothing is null in one row and NaN in the next
        0 => Arc::new(Float64Array::from_iter(
            values.iter().enumerate().map(|(i, v)| number(v).or((i % 2 == 0).then_some(f64::NAN))),
        )),
        1 => Arc::new(Float32Array::from_iter(values.iter().map(|v| number(v).map(|x| x as f32)))),
        2 => Arc::new(Int64Array::from_iter(values.iter().map(|v| whole(v).map(|x| x as i64)))),
        3 => Arc::new(UInt8Array::from_iter(values.iter().map(|v| whole(v).map(|x| x as u8)))),
        4 => Arc::new(BooleanArray::from_iter(values.iter().map(|v| whole(v).map(|x| x == 1)))),
        5 => Arc::new(Decimal128Array::from_iter(values.iter().map(whole)).with_precision_and_scale(38, 2).unwrap()),
        6 => Arc::new(BinaryArray::from_iter(values.iter().map(bytes))),
        7 => Arc::new(StringArray::from_iter(texts())),
        8 => match values.len() % 2 {
            0 => Arc::new(StringViewArray::from_iter(texts())),
            _ => Arc::new(LargeStringArray::from_iter(texts())),
        },
        _ => {
            let texts: Vec<_> = texts().collect();
            Arc::new(DictionaryArray::<Int16Type>::from_iter(texts.iter().map(|t| t.as_deref())))
        }
    }
}

fn twin(a: &[Option<Seen>], b: &[Option<Seen>], keys: &[SortKey]) -> Ordering {
    for ((a, b), key) in a.iter().zip(b).zip(keys) {
        let nothing_first = if key.nulls_first { Ordering::Less } else { Ordering::Greater };
        let order = match (a, b) {
            (None, None) => Ordering::Equal,
            (None, Some(_)) => nothing_first,
            (Some(_), None) => nothing_first.reverse(),
            (Some(a), Some(b)) if key.descending => b.partial_cmp(a).unwrap(),
            (Some(a), Some(b)) => a.partial_cmp(b).unwrap(),
        };
        if order.is_ne() {
            return order;
        }
    }
    Ordering::Equal
}

struct Case {
    record: RecordBatch,
    rows: Vec<Vec<Option<Seen>>>,
    keys: Vec<SortKey>,
}

fn case(kinds: &[(usize, bool, bool)], draws: &[Vec<u8>]) -> Case {
    let columns: Vec<Vec<Option<Seen>>> =
        kinds.iter().enumerate().map(|(c, (kind, ..))| draws.iter().map(|d| seen(*kind, &d[c..])).collect()).collect();
    let arrays: Vec<ArrayRef> = kinds.iter().zip(&columns).map(|((kind, ..), v)| array(*kind, v)).collect();
    let field = |(i, a): (usize, &ArrayRef)| Field::new(format!("k{i}"), a.data_type().clone(), true);
    let schema: SchemaRef = Arc::new(Schema::new(arrays.iter().enumerate().map(field).collect::<Vec<_>>()));
    let key = |(i, (_, desc, first)): (usize, &(usize, bool, bool))| SortKey {
        expr: col(format!("k{i}")),
        descending: *desc,
        nulls_first: *first,
    };
    Case {
        record: RecordBatch::try_new(schema, arrays).unwrap(),
        rows: (0..draws.len()).map(|r| columns.iter().map(|c| c[r].clone()).collect()).collect(),
        keys: kinds.iter().enumerate().map(key).collect(),
    }
}

fn kinds() -> impl Strategy<Value = Vec<(usize, bool, bool)>> {
    proptest::collection::vec((0..10usize, any::<bool>(), any::<bool>()), 1..4)
}

fn draws(most: usize) -> impl Strategy<Value = Vec<Vec<u8>>> {
    proptest::collection::vec(proptest::collection::vec(any::<u8>(), 8), 1..most)
}

/// Row numbers in the order of the twin.
fn slow(case: &Case) -> Vec<usize> {
    let mut order: Vec<usize> = (0..case.rows.len()).collect();
    order.sort_by(|&a, &b| twin(&case.rows[a], &case.rows[b], &case.keys));
    order
}

proptest! {
    #[test]
    fn keys_compare_like_rows(kinds in kinds(), draws in draws(40)) {
        let case = case(&kinds, &draws);
        let keys = Encoder::new(&case.keys, &case.record.schema()).unwrap().encode(&case.record).unwrap();
        for a in 0..draws.len() {
            let mut start = [0; 16];
            start.iter_mut().zip(keys.whole(a)).for_each(|(to, b)| *to = *b);
            prop_assert_eq!(keys.prefix(a), u128::from_be_bytes(start));
            for b in 0..draws.len() {
                let order = twin(&case.rows[a], &case.rows[b], &case.keys);
                prop_assert_eq!(keys.compare(a, &keys, b), order, "{:?} {:?}", &case.rows[a], &case.rows[b]);
                prop_assert_eq!(keys.whole(a).cmp(keys.whole(b)), order);
            }
        }
    }

    #[test]
    fn keys_behind_what_they_share_compare_like_rows(kinds in kinds(), draws in draws(30), alike in 0..8usize, most in 0..80usize) {
        // the first columns are alike
        let draws: Vec<Vec<u8>> = draws.iter().map(|d| [&draws[0][..alike], &d[alike..]].concat()).collect();
        let case = case(&kinds, &draws);
        let encoder = Encoder::new(&case.keys, &case.record.schema()).unwrap();
        let plain = encoder.encode(&case.record).unwrap();
        let all = || (0..draws.len()).map(|row| plain.whole(row));
        let shared = all().fold(plain.whole(0), |shared, key| {
            &shared[..shared.iter().zip(key).take_while(|(a, b)| a == b).count()]
        });
        let skip = shared.len().min(most).min(Encoder::MOST_SHARED);
        let keys = encoder.encode_behind(&case.record, &shared[..shared.len().min(most)]).unwrap();
        prop_assert_eq!(keys.starts().collect::<Vec<_>>(), plain.prefixes());
        for a in 0..draws.len() {
            let mut start = [0; 16];
            start.iter_mut().zip(&plain.whole(a)[skip..]).for_each(|(to, b)| *to = *b);
            prop_assert_eq!(keys.prefix(a), u128::from_be_bytes(start));
            for b in 0..draws.len() {
                prop_assert_eq!(keys.compare(a, &keys, b), twin(&case.rows[a], &case.rows[b], &case.keys));
            }
        }
        prop_assert!(!keys.is_exact() || all().all(|key| key.len() <= skip + 16));
    }

    #[test]
    fn batches_are_sorted_like_rows(kinds in kinds(), draws in draws(200), cut in 1..200usize) {
        let case = case(&kinds, &draws);
        let encoder = Encoder::new(&case.keys, &case.record.schema()).unwrap();
        let starts: Vec<usize> = (0..draws.len()).step_by(cut).collect();
        let pieces = starts.iter().map(|&s| case.record.slice(s, cut.min(draws.len() - s)));
        let keys: Vec<Keys> = pieces.map(|p| encoder.encode(&p).unwrap()).collect();
        let found: Vec<usize> = sorted(&keys).iter().map(|p| starts[p.batch as usize] + p.row as usize).collect();
        prop_assert_eq!(found, slow(&case));
    }

    #[test]
    fn runs_are_merged_like_rows(kinds in kinds(), draws in draws(200), runs in 1..9usize, block in 1..20usize, most in 1..50usize) {
        let case = case(&kinds, &draws);
        let encoder = Encoder::new(&case.keys, &case.record.schema()).unwrap();
        let length = draws.len().div_ceil(runs);
        let run = |start: usize| {
            let part = case.record.slice(start, length.min(draws.len() - start));
            let order = sorted(&[encoder.encode(&part).unwrap()]);
            let rows: Vec<(usize, usize)> = order.iter().map(|p| (0, p.row as usize)).collect();
            let record = interleave_record_batch(&[&part], &rows).unwrap();
            (0..record.num_rows()).step_by(block).map(|s| record.slice(s, block.min(record.num_rows() - s))).collect::<Vec<_>>()
        };
        let blocks: Vec<Vec<RecordBatch>> = (0..draws.len()).step_by(length).map(run).collect();
        let mut merge = Merge::new(blocks.len());
        let mut at = vec![0; blocks.len()];
        for (i, blocks) in blocks.iter().enumerate() {
            merge.supply(i, encoder.encode(&blocks[0]).unwrap());
        }
        let mut out = Vec::new();
        while let Some(step) = merge.step(most) {
            prop_assert!(step.rows.len() <= most && !step.rows.is_empty());
            out.push(blocks[step.run][at[step.run]].slice(step.rows.start, step.rows.len()));
            if step.last {
                at[step.run] += 1;
                if let Some(next) = blocks[step.run].get(at[step.run]) {
                    merge.supply(step.run, encoder.encode(next).unwrap());
                }
            }
        }
        let order: Vec<(usize, usize)> = slow(&case).into_iter().map(|r| (0, r)).collect();
        let expected = interleave_record_batch(&[&case.record], &order).unwrap();
        let found = concat_batches(&case.record.schema(), &out).unwrap();
        prop_assert_eq!(format!("{found:?}"), format!("{expected:?}"));
    }
}

#[test]
fn lists_have_no_order_and_a_key_may_be_computed() {
    let list = DataType::new_list(DataType::Int64, true);
    let schema = Schema::new(vec![Field::new("l", list, true), Field::new("x", DataType::Int64, true)]);
    let error = Encoder::new(&["l".into()], &schema).unwrap_err();
    assert!(error.to_string().contains("ordering rows by values of type List"), "{error}");
    assert!(Encoder::new(&[(col("x") % 3).desc()], &schema).is_ok());
}
