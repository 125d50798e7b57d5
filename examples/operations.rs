//! One relational operation at a time, on files: what `tests/oracle/relational.py` compares with pandas.
//!
//!     operations OPERATION --left FILE --right FILE --out FILE [--mem SIZE] [--threads N] [--partitions N]
//!
//! An operation is its name and its arguments, with `:` between them and `,` inside lists: `group:k,s:dropna`,
//! `join:left:k,s`, `sort:k,-f`, `top:5:f`, `distinct:first:k`, `counts:s`, `unique:k,s`, `dropna:k,f`, `melt:k`,
//! `windows:k`.

use std::collections::BTreeMap;

use partita::{
    DataFrame, DropNa, Error, Expr, Join, JoinKind, Keep, ParquetWriteOptions, RankMethod, Result, Rolling, Session,
    col, read_parquet, size,
};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn wrong(operation: &str) -> Error {
    Error::invalid(format!("there is no operation `{operation}`")).help("see the head of examples/operations.rs")
}

fn kind(name: &str) -> Result<JoinKind> {
    Ok(match name {
        "inner" => JoinKind::Inner,
        "left" => JoinKind::Left,
        "right" => JoinKind::Right,
        "outer" => JoinKind::Outer,
        "semi" => JoinKind::Semi,
        "anti" => JoinKind::Anti,
        other => return Err(wrong(other)),
    })
}

/// Every aggregate of the numbers `v` and `f`, and those that texts have.
fn grouped(frame: &DataFrame, keys: &[String], dropna: bool) -> Result<DataFrame> {
    let mut aggs = vec![size(), col("s2").nunique().alias("s2_nunique"), col("s2").max().alias("s2_max")];
    for column in ["v", "f"] {
        let column = || col(column);
        let named = |what: &str| format!("{}_{what}", column().name());
        aggs.extend([
            column().sum().alias(named("sum")),
            column().mean().alias(named("mean")),
            column().count().alias(named("count")),
            column().min().alias(named("min")),
            column().max().alias(named("max")),
            column().std(1).alias(named("std")),
            column().var(0).alias(named("var0")),
            column().first().alias(named("first")),
            column().last().alias(named("last")),
            column().median().alias(named("median")),
            column().quantile(0.3).alias(named("q30")),
            column().nunique().alias(named("nunique")),
        ]);
    }
    frame.groupby(keys.to_vec())?.dropna(dropna).agg(aggs)
}

fn run(operation: &str, left: &DataFrame, right: &DataFrame) -> Result<DataFrame> {
    let parts: Vec<&str> = operation.split(':').collect();
    let list = |text: &str| text.split(',').map(str::to_string).collect::<Vec<_>>();
    let sort_key = |name: &String| match name.strip_prefix('-') {
        Some(name) => col(name).desc(),
        None => col(name).asc(),
    };
    match parts.as_slice() {
        ["group", keys, nulls] => grouped(left, &list(keys), *nulls == "dropna"),
        ["join", how, on] => left.join(right, Join::new(kind(how)?, list(on)).nulls_equal(true).broadcast(false)),
        ["lookup", how, on] => left.join(right, Join::new(kind(how)?, list(on)).nulls_equal(true).broadcast(true)),
        ["sort", keys] => left.sort_by(list(keys).iter().map(sort_key)),
        ["top", rows, keys] => {
            let rows = rows.parse().map_err(|_| wrong(operation))?;
            left.top_k(rows, list(keys).iter().map(sort_key))
        }
        ["distinct", keep, on] => left.drop_duplicates(list(on), keep_of(keep)?),
        ["counts", on] => left.value_counts(list(on)),
        ["unique", on] => left.unique(list(on)),
        ["dropna", on] => left.dropna(DropNa::any().subset(list(on))),
        ["melt", ids] => left.melt(list(ids), ["v", "f"]),
        ["windows", by] => left.with_columns(windows(by)),
        _ => Err(wrong(operation)),
    }
}

fn keep_of(name: &str) -> Result<Keep> {
    Ok(match name {
        "first" => Keep::First,
        "last" => Keep::Last,
        "neither" => Keep::Neither,
        "any" => Keep::Any,
        other => return Err(wrong(other)),
    })
}

/// Functions of other rows, over all rows and over those with the same key.
fn windows(by: &str) -> Vec<Expr> {
    let v = || col("v");
    vec![
        v().shift(2).alias("shift"),
        v().diff(1).alias("diff"),
        v().cum_sum().alias("cum_sum"),
        v().cum_max().alias("cum_max"),
        col("f").cum_min().alias("cum_min"),
        v().rolling_mean(Rolling::rows(3)).alias("rolling_mean"),
        v().rolling_max(Rolling::rows(4).min_periods(2)).alias("rolling_max"),
        v().rank(RankMethod::Average).over(by).alias("rank"),
        v().cum_sum().over(by).alias("cum_sum_over"),
        v().shift(1).over(by).alias("shift_over"),
        v().mean().over(by).alias("mean_over"),
    ]
}

fn main() -> Result<()> {
    let mut args = std::env::args().skip(1);
    let operation = args.next().unwrap_or_default();
    let options: BTreeMap<String, String> = std::iter::from_fn(|| Some((args.next()?, args.next()?))).collect();
    let path = |name: &str| options.get(name).ok_or_else(|| Error::invalid(format!("there is no {name}")));
    let number = |name: &str| options.get(name).and_then(|n| n.parse::<usize>().ok());

    let mut session = Session::builder();
    if let Some(limit) = options.get("--mem") {
        session = session.memory_limit(limit.as_str());
    }
    if let Some(threads) = number("--threads") {
        session = session.threads(threads);
    }
    session.build()?.make_current();
    let read = |name: &str| -> Result<DataFrame> {
        let frame = read_parquet(path(name)?)?;
        number("--partitions").map_or(Ok(frame.clone()), |n| frame.repartition(n))
    };
    let result = run(&operation, &read("--left")?, &read("--right")?)?;
    result.write_file(path("--out")?, &ParquetWriteOptions::new())?;
    Ok(())
}
