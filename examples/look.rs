//! What is in a file: its columns, and its rows as a table or as lines of JSON.
//!
//!     look PATH… [--rows N | --json] [--mem SIZE] [--csv KEY=VALUE…]
//!
//! Files are CSV or Parquet, by the end of their names (`--format csv` says so of others). With `--json` each column is a
//! line `# "name": type` and each row an array in a line, all of them. The keys after `--csv` are methods of
//! `CsvOptions`: `delimiter=;`, `quote=none`, `encoding=latin1`, `skip_rows=2`, `has_header=false`, `dtype=zip:Utf8`, …

use std::io::{BufWriter, Write};
use std::process::ExitCode;

use partita::arrow::array::{Array, ArrayRef, RecordBatch, cast::AsArray};
use partita::arrow::datatypes::{DataType, Float16Type, Float32Type, Float64Type};
use partita::arrow::util::display::{ArrayFormatter, FormatOptions};
use partita::{CsvOptions, DataFrame, Error, Infer, Ragged, Result, Session};
use serde_json::{Map, Value};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[derive(Default)]
struct Arguments {
    paths: Vec<String>,
    rows: Option<usize>,
    json: bool,
    memory: Option<String>,
    format: Option<String>,
    csv: Vec<(String, String)>,
}

fn arguments() -> Result<Arguments> {
    let mut found = Arguments::default();
    let mut given = std::env::args().skip(1).peekable();
    let wrong = |what: String| Error::invalid(what).help("see the head of examples/look.rs");
    while let Some(argument) = given.next() {
        let mut value = || given.next().ok_or_else(|| wrong(format!("`{argument}` needs a value")));
        match argument.as_str() {
            "--json" => found.json = true,
            "--rows" => found.rows = Some(value()?.parse().map_err(Error::other)?),
            "--mem" => found.memory = Some(value()?),
            "--format" => found.format = Some(value()?),
            "--csv" => {
                while let Some(pair) = given.next_if(|a| !a.starts_with("--")) {
                    let (key, value) = pair.split_once('=').ok_or_else(|| wrong(format!("`{pair}` has no `=`")))?;
                    found.csv.push((key.to_string(), value.to_string()));
                }
            }
            path if path.starts_with("--") => return Err(wrong(format!("there is no option `{path}`"))),
            path => found.paths.push(path.to_string()),
        }
    }
    Ok(found)
}

/// A type by the name that Rust and arrow print for it.
fn data_type(name: &str) -> Result<DataType> {
    name.parse().map_err(|e: partita::arrow::error::ArrowError| Error::other(e))
}

/// The one byte that a value is; none if it is `none`.
fn byte(value: &str) -> Result<Option<u8>> {
    match value.as_bytes() {
        b"none" => Ok(None),
        [byte] => Ok(Some(*byte)),
        _ => Err(Error::invalid(format!("`{value}` is not one byte"))),
    }
}

fn csv_option(options: CsvOptions, key: &str, value: &str) -> Result<CsvOptions> {
    let words = || value.split('|').filter(|w| !w.is_empty());
    let yes = || value.parse::<bool>().map_err(Error::other);
    Ok(match key {
        "delimiter" => options.delimiter(value),
        "quote" => options.quote(byte(value)?),
        "escape" => options.escape(byte(value)?),
        "comment" => options.comment(byte(value)?),
        "decimal" => options.decimal(value.chars().next().unwrap_or('.')),
        "thousands" => options.thousands(value.chars().next()),
        "date_format" => options.date_format(value),
        "day_first" => options.day_first(yes()?),
        "trim" => options.trim(yes()?),
        "skip_initial_space" => options.skip_initial_space(yes()?),
        "encoding" => options.encoding(value),
        "lossy" => options.lossy(yes()?),
        "ragged" => options.ragged(match value {
            "error" => Ragged::Error,
            "fill" => Ragged::Fill,
            "fit" => Ragged::Fit,
            "skip" => Ragged::Skip,
            other => return Err(Error::invalid(format!("ragged is error, fill, fit or skip, not `{other}`"))),
        }),
        "skip_rows" => options.skip_rows(value.parse().map_err(Error::other)?),
        "skip_footer" => options.skip_footer(value.parse().map_err(Error::other)?),
        "column_names" => options.column_names(words()),
        "has_header" => options.has_header(yes()?),
        "infer" => options.infer(if value == "all" { Infer::All } else { Infer::Sample }),
        "assume_missing" => options.assume_missing(yes()?),
        "parse_dates" => options.parse_dates(words()),
        "try_parse_dates" => options.try_parse_dates(yes()?),
        "null_values" => options.null_values(words()),
        "true_values" => options.true_values(words()),
        "false_values" => options.false_values(words()),
        "block_size" => options.block_size(value.parse::<u64>().map_err(Error::other)?),
        "dtype" => {
            let (column, name) = value.split_once(':').ok_or_else(|| Error::invalid("dtype=COLUMN:TYPE"))?;
            options.dtype(column, data_type(name)?)
        }
        other => return Err(Error::invalid(format!("there is no CSV option `{other}`"))),
    })
}

fn open(arguments: &Arguments) -> Result<DataFrame> {
    let session = Session::builder();
    let session = match &arguments.memory {
        Some(limit) => session.memory_limit(limit.as_str()),
        None => session,
    };
    let session = session.build()?;
    let parquet = arguments.paths.iter().any(|p| p.ends_with(".parquet"));
    if arguments.format.as_deref() == Some("parquet") || (parquet && arguments.format.is_none()) {
        return session.read_parquet(&arguments.paths);
    }
    let options = arguments.csv.iter().try_fold(CsvOptions::new(), |options, (k, v)| csv_option(options, k, v))?;
    session.read_csv_with(&arguments.paths, options)
}

/// A number as the shortest text that is read back as it; what JSON has no number for, as its name.
fn number(text: String) -> Value {
    text.parse().map_or(Value::String(text), Value::Number)
}

/// A value as JSON: lists are arrays, structs are objects, maps are arrays of pairs; times and decimals are texts.
fn json(array: &dyn Array, row: usize) -> Result<Value> {
    if array.is_null(row) {
        return Ok(Value::Null);
    }
    let items = |values: ArrayRef| (0..values.len()).map(|i| json(&values, i)).collect::<Result<Vec<_>>>();
    Ok(match array.data_type() {
        DataType::Null => Value::Null,
        DataType::Boolean => Value::Bool(array.as_boolean().value(row)),
        DataType::Float64 => number(array.as_primitive::<Float64Type>().value(row).to_string()),
        DataType::Float32 => number(array.as_primitive::<Float32Type>().value(row).to_string()),
        DataType::Float16 => number(array.as_primitive::<Float16Type>().value(row).to_string()),
        DataType::List(_) => Value::Array(items(array.as_list::<i32>().value(row))?),
        DataType::LargeList(_) => Value::Array(items(array.as_list::<i64>().value(row))?),
        DataType::FixedSizeList(..) => Value::Array(items(array.as_fixed_size_list().value(row))?),
        DataType::Map(..) => {
            let entries = array.as_map().value(row);
            let pair = |i| Ok(Value::Array(vec![json(entries.column(0), i)?, json(entries.column(1), i)?]));
            Value::Array((0..entries.len()).map(pair).collect::<Result<_>>()?)
        }
        DataType::Struct(fields) => {
            let columns = fields.iter().zip(array.as_struct().columns());
            let values = columns.map(|(field, column)| Ok((field.name().clone(), json(column, row)?)));
            Value::Object(values.collect::<Result<Map<_, _>>>()?)
        }
        DataType::Dictionary(..) => {
            let codes = array.as_any_dictionary();
            json(codes.values(), codes.normalized_keys()[row])?
        }
        whole if whole.is_integer() => number(shown(array, row)?),
        // a moment that no calendar has a name for is shown as its number
        DataType::Timestamp(..) => Value::String(shown(array, row).or_else(|_| {
            let numbers = partita::arrow::compute::cast(&array.slice(row, 1), &DataType::Int64)?;
            shown(&numbers, 0)
        })?),
        _ => Value::String(shown(array, row)?),
    })
}

fn shown(array: &dyn Array, row: usize) -> Result<String> {
    Ok(ArrayFormatter::try_new(array, &FormatOptions::default())?.value(row).try_to_string()?)
}

fn lines(frame: &DataFrame, out: &mut dyn Write) -> Result<()> {
    let said = |e: std::io::Error| Error::system(e).doing("print");
    for field in frame.schema().fields() {
        writeln!(out, "# {}: {}", Value::from(field.name().as_str()), field.data_type()).map_err(said)?;
    }
    for batch in frame.batches()? {
        let batch: RecordBatch = batch?;
        for row in 0..batch.num_rows() {
            let values = batch.columns().iter().map(|c| json(c, row)).collect::<Result<Vec<_>>>()?;
            writeln!(out, "{}", Value::Array(values)).map_err(said)?;
        }
    }
    out.flush().map_err(said)
}

fn run() -> Result<()> {
    let arguments = arguments()?;
    let frame = open(&arguments)?;
    if arguments.json {
        return lines(&frame, &mut BufWriter::new(std::io::stdout().lock()));
    }
    for field in frame.schema().fields() {
        println!("{}: {}", field.name(), field.data_type());
    }
    println!("{}", frame.head(arguments.rows.unwrap_or(10))?.compute()?);
    frame.notes().iter().for_each(|note| println!("note: {note}"));
    Ok(())
}

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}
