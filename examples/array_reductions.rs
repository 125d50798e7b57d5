//! Reductions of arrays, one a line of standard input: what `tests/oracle/arrays_reduce.py` compares with numpy.
//!
//! A line is JSON: `op`, `dtype` (`float64`, `int64`), `shape`, `chunks`, `data` (elements as their 64 bits), `axes` (a list, or
//! null for all), `keepdims`, `number`, `threads`, `memory`. The answer is a line with `shape` and `data`, or `error`.

use std::io::{BufRead, Write};

use ndarray::ArrayD;
use partita::array::reduce::{Axes, Norm, Number};
use partita::array::{Array, AxisChunks, ChunkSpec, Element, from_fn, from_ndarray};
use partita::{Error, Result, Session};
use serde_json::{Value, json};

/// What a line asks for.
struct Asked {
    op: String,
    axes: Axes,
    axis: isize,
    number: f64,
}

fn numbers(line: &Value, name: &str) -> Vec<u64> {
    line[name].as_array().into_iter().flatten().filter_map(Value::as_u64).collect()
}

fn answer<T: Element>(x: Result<Array<T>>) -> Result<Value> {
    let x = x?.compute()?;
    let data: Vec<u64> = x.iter().map(|value| value.bits()).collect();
    Ok(json!({ "shape": x.shape(), "data": data }))
}

/// ½, 1½, … 6½, again and again.
fn weights<T: Element>(x: &Array<T>) -> Result<Array<f64>> {
    let shape = x.shape().to_vec();
    from_fn(shape.clone(), x.chunks().clone(), move |i| {
        let place = i.iter().zip(&shape).fold(0, |place, (at, len)| place * len + at);
        (place % 7) as f64 + 0.5
    })
}

fn reduce<T: Number>(x: &Array<T>, asked: &Asked) -> Result<Value> {
    let (axes, number) = (asked.axes.clone(), asked.number);
    let ddof = number as usize;
    match asked.op.as_str() {
        "sum" => answer(x.sum_axis(axes)),
        "prod" => answer(x.prod_axis(axes)),
        "mean" => answer(x.mean_axis(axes)),
        "var" => answer(x.var_axis(axes, ddof)),
        "std" => answer(x.std_axis(axes, ddof)),
        "min" => answer(x.min_axis(axes)),
        "max" => answer(x.max_axis(axes)),
        "any" => answer(x.any_axis(axes)),
        "all" => answer(x.all_axis(axes)),
        "argmin" => answer(x.argmin_axis(axes)),
        "argmax" => answer(x.argmax_axis(axes)),
        "nansum" => answer(x.nansum(axes)),
        "nanprod" => answer(x.nanprod(axes)),
        "nanmean" => answer(x.nanmean(axes)),
        "nanvar" => answer(x.nanvar(axes, ddof)),
        "nanstd" => answer(x.nanstd(axes, ddof)),
        "nanmin" => answer(x.nanmin(axes)),
        "nanmax" => answer(x.nanmax(axes)),
        "nanargmin" => answer(x.nanargmin_axis(axes)),
        "nanargmax" => answer(x.nanargmax_axis(axes)),
        "count_nonzero" => answer(x.count_nonzero_axis(axes)),
        "median" => answer(x.median(axes)),
        "quantile" => answer(x.quantile(number, axes)),
        "percentile" => answer(x.percentile(number * 100.0, axes)),
        "cumsum" => answer(x.cumsum(axes)),
        "cumprod" => answer(x.cumprod(axes)),
        "cummax" => answer(x.cummax(axes)),
        "cummin" => answer(x.cummin(axes)),
        "topk" => answer(x.topk(number as isize, asked.axis)),
        "norm1" => answer(x.norm_axis(Norm::One, axes)),
        "norm2" => answer(x.norm_axis(Norm::Two, axes)),
        "norminf" => answer(x.norm_axis(Norm::Inf, axes)),
        "normfro" => answer(x.norm_axis(Norm::Fro, axes)),
        "norm3" => answer(x.norm_axis(Norm::P(3.0), axes)),
        "histogram" => answer(Ok(x.histogram(ddof, None)?.0)),
        "edges" => answer(Ok(x.histogram(ddof, None)?.1)),
        "histogram_range" => answer(Ok(x.histogram(ddof, Some((-3.0, 4.5)))?.0)),
        "histogram_edges" => answer(Ok(x.histogram([-3.0, -1.0, 0.0, 0.25, 4.0], None)?.0)),
        "histogram_weighted" => answer(Ok(x.histogram_weighted(ddof, Some((-3.0, 4.5)), &weights(x)?)?.0)),
        "histogram_density" => answer(Ok(x.histogram_density(ddof, Some((-3.0, 4.5)), None)?.0)),
        "unique" => answer(from_ndarray(x.unique()?.values, "auto")),
        "counts" => answer(from_ndarray(x.unique()?.counts, "auto")),
        other => Err(Error::invalid(format!("there is no reduction `{other}`"))),
    }
}

fn chunked<T: Element>(line: &Value, session: &Session, of: fn(u64) -> T) -> Result<Array<T>> {
    let shape: Vec<usize> = numbers(line, "shape").into_iter().map(|len| len as usize).collect();
    let data = numbers(line, "data").into_iter().map(of).collect();
    let data = ArrayD::from_shape_vec(shape, data).map_err(|e| Error::invalid(e.to_string()))?;
    let chunks = numbers(line, "chunks").into_iter().map(|size| AxisChunks::Size(size as usize)).collect();
    Ok(from_ndarray(data, ChunkSpec::Axes(chunks))?.in_session(session))
}

fn run(line: &Value) -> Result<Value> {
    let memory = line["memory"].as_str().unwrap_or("1GB");
    let threads = line["threads"].as_u64().unwrap_or(1) as usize;
    let session = Session::builder().threads(threads).memory_limit(memory).build()?;
    let named: Option<Vec<isize>> =
        line["axes"].as_array().map(|axes| axes.iter().filter_map(Value::as_i64).map(|axis| axis as isize).collect());
    let axes = named.as_ref().map_or_else(Axes::all, |axes| Axes::from(&axes[..]));
    let axes = if line["keepdims"].as_bool() == Some(true) { axes.keepdims() } else { axes };
    let axis = named.and_then(|axes| axes.first().copied()).unwrap_or(-1);
    let (op, number) = (line["op"].as_str().unwrap_or_default().to_string(), line["number"].as_f64().unwrap_or(0.0));
    let asked = Asked { op, axes, axis, number };
    match line["dtype"].as_str() {
        Some("int64") => {
            let x = chunked(line, &session, |bits| bits as i64)?;
            if asked.op == "bincount" { answer(x.bincount(asked.number as usize)) } else { reduce(&x, &asked) }
        }
        _ => reduce(&chunked(line, &session, f64::from_bits)?, &asked),
    }
}

fn main() -> std::result::Result<(), Box<dyn std::error::Error>> {
    let mut out = std::io::stdout().lock();
    for line in std::io::stdin().lock().lines() {
        let answer = run(&serde_json::from_str(&line?)?);
        writeln!(out, "{}", answer.unwrap_or_else(|error| json!({ "error": error.to_string() })))?;
        out.flush()?;
    }
    Ok(())
}
