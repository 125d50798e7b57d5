//! `describe`, composed of queries that travel: exact moments in one, order statistics from the sorted distinct values.

use std::collections::BTreeMap;
use std::sync::Arc;

use partita::arrow::array::{Array, ArrayRef, AsArray, Float64Array, RecordBatch, StringArray};
use partita::arrow::datatypes::{DataType, Float64Type, Int64Type};
use partita::exec::Cancel;
use partita::expr::fns::cast::convert;
use partita::expr::folds::{Count, Fold, Max, Mean, Min, Std, percentile_label};
use partita::ops::GroupBy;
use partita::ops::aggregate::{Agg, Aggregate};
use partita::plan::Plan;
use partita::{Error, Result, col, size};

use crate::client::Client;
use crate::engine;

/// The table of a describe over its input, as it is in one process.
///
/// # Errors
/// `Unsupported` for columns that are not numbers; as running the queries.
pub fn table(client: &Client, plan: &Plan, what: (&[String], &[f64]), cancel: &Cancel) -> Result<RecordBatch> {
    let (columns, percentiles) = what;
    let input = plan.only_input()?;
    numbers(plan, columns)?;
    let moments = moments(client, input, columns, cancel)?;
    let mut names = vec!["count".to_string(), "mean".into(), "std".into(), "min".into()];
    names.extend(percentiles.iter().map(|q| percentile_label(*q)));
    names.push("max".into());
    let mut table: Vec<ArrayRef> = vec![Arc::new(StringArray::from(names))];
    for name in columns {
        let [count, mean, std, min, max] = moments.get(name).copied().unwrap_or_default();
        let between = quantiles(client, input, name, (count.unwrap_or(0.0) as u64, percentiles), cancel)?;
        let column = [count, mean, std, min].into_iter().chain(between).chain([max]);
        table.push(Arc::new(column.collect::<Float64Array>()));
    }
    Ok(RecordBatch::try_new(plan.schema().clone(), table)?)
}

/// That all columns are numbers.
///
/// # Errors
/// `Unsupported`, naming it, for another one.
pub fn numbers(plan: &Plan, columns: &[String]) -> Result<()> {
    let input = plan.only_input()?;
    for name in columns {
        let field = input.schema().field_with_name(name)?;
        if !(field.data_type().is_integer() || field.data_type().is_floating()) {
            let what = format!("describe of `{name}`, which is {}, on a cluster", field.data_type());
            return Err(Error::unsupported(what).help("describe whole and floating numbers there, or all of it here"));
        }
    }
    Ok(())
}

fn rows(client: &Client, plan: &Plan, cancel: &Cancel) -> Result<impl Iterator<Item = Result<RecordBatch>> + use<>> {
    engine::rows(client, &partita::plan::rules::optimise(plan, false)?, cancel)
}

/// Count, mean, std, min and max of each column.
fn moments(
    client: &Client,
    input: &Plan,
    columns: &[String],
    cancel: &Cancel,
) -> Result<BTreeMap<String, [Option<f64>; 5]>> {
    let folds: [Arc<dyn Fold>; 5] =
        [Arc::new(Count), Arc::new(Mean), Arc::new(Std { ddof: 1 }), Arc::new(Min), Arc::new(Max)];
    let aggs = columns.iter().enumerate().flat_map(|(c, column)| {
        let agg = move |(f, fold): (usize, &Arc<dyn Fold>)| Agg {
            column: column.clone(),
            fold: fold.clone(),
            name: format!("{}", c * 5 + f),
        };
        folds.iter().enumerate().map(agg).collect::<Vec<_>>()
    });
    let plan = Plan::new(Aggregate::new(aggs.collect()), vec![input.clone()])?;
    let mut found = BTreeMap::new();
    for record in rows(client, &plan, cancel)? {
        let record = record?;
        let value = |i: usize| -> Result<Option<f64>> {
            let column = convert(record.column(i), &DataType::Float64)?;
            let column = column.as_primitive::<Float64Type>();
            Ok((!column.is_empty() && column.is_valid(0)).then(|| column.value(0)))
        };
        for (c, column) in columns.iter().enumerate() {
            let mut all = [None; 5];
            for (f, one) in all.iter_mut().enumerate() {
                *one = value(c * 5 + f)?;
            }
            found.insert(column.clone(), all);
        }
    }
    Ok(found)
}

/// Order statistics of a column of `count` values, by how often each distinct value occurs, in order. What is held is one
/// batch of them.
fn quantiles(
    client: &Client,
    input: &Plan,
    column: &str,
    (count, percentiles): (u64, &[f64]),
    cancel: &Cancel,
) -> Result<Vec<Option<f64>>> {
    let places: Vec<Option<Place>> = percentiles.iter().map(|q| Place::of(*q, count)).collect();
    let mut ranks: BTreeMap<u64, Option<(f64, i128)>> =
        places.iter().flatten().flat_map(|p| [(p.lower, None), (p.upper, None)]).collect();
    if ranks.is_empty() {
        return Ok(vec![None; percentiles.len()]);
    }
    let single = *input.schema().field_with_name(column)?.data_type() == DataType::Float32;
    let whole = input.schema().field_with_name(column)?.data_type().is_integer();
    let counted = GroupBy { keys: vec![col(column).alias("value")], aggs: vec![size()], sort: true, dropna: true };
    let plan = Plan::new(counted, vec![input.clone()])?;
    let mut seen = 0;
    for record in rows(client, &plan, cancel)? {
        let record = record?;
        let values = convert(record.column(0), &DataType::Float64)?;
        let exact = convert(record.column(0), &if whole { DataType::Decimal128(38, 0) } else { DataType::Float64 })?;
        let sizes = convert(record.column(1), &DataType::Int64)?;
        let (values, sizes) = (values.as_primitive::<Float64Type>(), sizes.as_primitive::<Int64Type>());
        let exact = exact.as_primitive_opt::<partita::arrow::datatypes::Decimal128Type>();
        for i in 0..record.num_rows() {
            let behind = seen + sizes.value(i) as u64;
            for (_, found) in ranks.range_mut(seen..behind) {
                *found = Some((values.value(i), exact.map_or(0, |e| e.value(i))));
            }
            seen = behind;
        }
    }
    let value = |rank: &u64| ranks.get(rank).copied().flatten();
    let quantile = |place: &Option<Place>| {
        let place = place.as_ref()?;
        let (a, b) = (value(&place.lower)?, value(&place.upper)?);
        let distance = match (whole, single) {
            (true, _) => (b.1 - a.1) as f64,
            (_, true) => f64::from(b.0 as f32 - a.0 as f32),
            _ => b.0 - a.0,
        };
        Some(if place.part >= 0.5 { b.0 - distance * (1.0 - place.part) } else { a.0 + distance * place.part })
    };
    Ok(places.iter().map(quantile).collect())
}

/// Between which ranks a quantile lies, by numpy's rule.
struct Place {
    lower: u64,
    upper: u64,
    part: f64,
}

impl Place {
    fn of(q: f64, count: u64) -> Option<Place> {
        let last = count.checked_sub(1)?;
        let index = last as f64 * q;
        if index >= last as f64 {
            return Some(Place { lower: last, upper: last, part: 0.0 });
        }
        let lower = index.floor();
        Some(Place { lower: lower as u64, upper: (lower as u64 + 1).min(last), part: index - lower })
    }
}
