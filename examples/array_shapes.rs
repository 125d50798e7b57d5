//! Operations on the structure of arrays, one a line: what `tests/oracle/arrays_shape.py` compares with numpy.
//!
//! A line is a JSON object: `{"op": "take", "shape": [3, 4], "chunks": [2, 2], "axis": 0, "list": [2, 0]}`. Element i of an array
//! is `(i * 7919 + 13) % 1009`. A line is answered by one with the shape and the elements, or an error.

use std::io::BufRead;

use partita::array::reduce::Axes;
use partita::array::shape::{Index, Pad, block, concatenate, hstack, stack, vstack};
use partita::array::{Array, AxisChunks, ChunkSpec, from_fn, from_ndarray};
use partita::{Error, Result};
use serde_json::{Value, json};

fn numbers(value: &Value) -> Vec<isize> {
    value.as_array().into_iter().flatten().filter_map(Value::as_i64).map(|n| n as isize).collect()
}

fn lengths(value: &Value) -> Vec<usize> {
    numbers(value).into_iter().map(|n| n as usize).collect()
}

/// The array of a shape, held in chunks of these sizes where `held` says so.
fn input(case: &Value, shape: &str, chunks: &str) -> Result<Array<i64>> {
    let shape = lengths(&case[shape]);
    let sizes = lengths(&case[chunks]).into_iter().map(AxisChunks::Size).collect();
    let own = shape.clone();
    let element = move |index: &[usize]| {
        let at = index.iter().zip(&own).fold(0, |at, (i, len)| at * len + i);
        ((at * 7919 + 13) % 1009) as i64
    };
    let array = from_fn(&shape, ChunkSpec::Axes(sizes), element)?;
    if case["held"] == json!(true) { array.map_blocks(|block, _| block.to_owned()) } else { Ok(array) }
}

fn index(value: &Value) -> Index {
    let bound = |key: &str| value[key].as_i64().map(|n| n as isize);
    match value.as_i64() {
        Some(at) => Index::At(at as isize),
        None if value == &json!("new") => Index::NewAxis,
        None if value == &json!("...") => Index::Ellipsis,
        None => Index::Slice { start: bound("start"), stop: bound("stop"), step: bound("step").unwrap_or(1) },
    }
}

fn pad(case: &Value, x: &Array<i64>) -> Result<Array<i64>> {
    let widths: Vec<(usize, usize)> =
        case["widths"].as_array().into_iter().flatten().map(lengths).map(|w| (w[0], w[1])).collect();
    let mode = match case["mode"].as_str() {
        Some("edge") => Pad::Edge,
        Some("reflect") => Pad::Reflect,
        Some("symmetric") => Pad::Symmetric,
        Some("wrap") => Pad::Wrap,
        _ => Pad::Constant(-7),
    };
    x.pad(&widths, mode)
}

fn run(case: &Value) -> Result<Array<i64>> {
    let x = input(case, "shape", "chunks")?;
    let axis = case["axis"].as_i64().unwrap_or(0) as isize;
    let other = case["other"].as_i64().unwrap_or(0) as isize;
    let list = numbers(&case["list"]);
    match case["op"].as_str().unwrap_or_default() {
        "take" => x.take(&list, axis),
        "compress" => {
            let marks: ndarray::Array1<bool> = list.iter().map(|&mark| mark != 0).collect();
            x.compress(&from_ndarray(marks, 3)?, axis)
        }
        "mask" => x.mask(&(&x % 3).eq(0)),
        "reshape" => x.reshape(&list),
        "slice" => x.slice(case["list"].as_array().into_iter().flatten().map(index).collect::<Vec<_>>()),
        "roll" => x.roll(other, axis),
        "roll_flat" => x.roll(other, Axes::all()),
        "vindex" => x.vindex(&case["list"].as_array().into_iter().flatten().map(numbers).collect::<Vec<_>>()),
        "repeat" => x.repeat(other as usize, axis),
        "tile" => x.tile(&lengths(&case["list"])),
        "flip" => x.flip(axis),
        "squeeze" => x.squeeze(),
        "expand_dims" => x.expand_dims(axis),
        "moveaxis" => x.moveaxis(axis, other),
        "swapaxes" => x.swapaxes(axis, other),
        "transpose" => x.transpose(&lengths(&case["list"])),
        "broadcast_to" => x.broadcast_to(&lengths(&case["list"])),
        "rechunk" => x.rechunk(ChunkSpec::Axes(lengths(&case["list"]).into_iter().map(AxisChunks::Size).collect())),
        "hstack" => hstack(&[&x, &x]),
        "vstack" => vstack(&[&x, &x]),
        "block" => block(&[vec![&x, &x], vec![&x, &x]]),
        "diag" => x.diag(other),
        "tril" => x.tril(other),
        "triu" => x.triu(other),
        "pad" => pad(case, &x),
        "concatenate" => concatenate(&[&x, &input(case, "shape2", "chunks2")?, &x], axis),
        "stack" => stack(&[&x, &x.flip(0)?], axis),
        "matmul" => x.matmul(&input(case, "shape2", "chunks2")?),
        "dot" => x.dot(&input(case, "shape2", "chunks2")?),
        "outer" => x.outer(&input(case, "shape2", "chunks2")?),
        "tensordot" => x.tensordot(&input(case, "shape2", "chunks2")?, (&list, numbers(&case["list2"]))),
        "tensordot_last" => x.tensordot(&input(case, "shape2", "chunks2")?, other.unsigned_abs()),
        unknown => Err(Error::invalid(format!("there is no operation `{unknown}`"))),
    }
}

fn main() -> Result<()> {
    for line in std::io::stdin().lock().lines() {
        let line = line.map_err(|error| Error::io("standard input", error))?;
        let case: Value = serde_json::from_str(&line).map_err(|error| Error::invalid(error.to_string()))?;
        let answer = run(&case).and_then(|array| {
            let chunks = array.chunks().shape();
            if chunks != array.shape() {
                return Err(Error::invalid(format!("chunks of {chunks:?} for the shape {:?}", array.shape())));
            }
            array.compute()
        });
        match answer {
            Ok(array) => println!("{}", json!({"shape": array.shape(), "values": array.iter().collect::<Vec<_>>()})),
            Err(error) => println!("{}", json!({"error": error.to_string()})),
        }
    }
    Ok(())
}
