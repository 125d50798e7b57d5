//! Functions of the elements of arrays, on raw bytes: what `tests/oracle/arrays.py` compares with numpy.
//!
//!     elementwise < CASES > RESULTS
//!
//! A case is a line `function threads chunk operand…`, an operand `type:shape:hex`: `float64:2,3:…`, or a number `float64::…`.
//! A result is a line `type shape hex`, or `error` and its text.

use std::io::{BufRead, Write};

use partita::array::{Array, Element, from_ndarray, where_};
use partita::{Error, Result, Session};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Bytes of elements.
trait Bytes: Element {
    fn from_bytes(bytes: &[u8]) -> Vec<Self>;
    fn hex(self) -> String;
}

macro_rules! bytes {
    ($($element:ty),*) => {$(
        impl Bytes for $element {
            fn from_bytes(bytes: &[u8]) -> Vec<Self> {
                let size = size_of::<$element>();
                bytes.chunks_exact(size).filter_map(|part| part.try_into().ok()).map(<$element>::from_le_bytes).collect()
            }

            fn hex(self) -> String {
                self.to_le_bytes().iter().map(|byte| format!("{byte:02x}")).collect()
            }
        }
    )*};
}

bytes!(f64, f32, i64, i32, u8);

impl Bytes for bool {
    fn from_bytes(bytes: &[u8]) -> Vec<bool> {
        bytes.iter().map(|&byte| byte != 0).collect()
    }

    fn hex(self) -> String {
        u8::from(self).hex()
    }
}

fn wrong(what: &str) -> Error {
    Error::invalid(format!("`{what}` is not known")).help("see the head of examples/elementwise.rs")
}

/// What stands in a case.
struct Operand<'a> {
    dtype: &'a str,
    shape: Vec<usize>,
    bytes: Vec<u8>,
}

fn operand(text: &str) -> Result<Operand<'_>> {
    let parts: Vec<&str> = text.split(':').collect();
    let [dtype, shape, hex] = parts.as_slice() else { return Err(wrong(text)) };
    let shape = shape.split(',').filter_map(|len| len.parse().ok()).collect();
    let digits = (0..hex.len() / 2).filter_map(|i| hex.get(2 * i..2 * i + 2));
    let bytes = digits.filter_map(|two| u8::from_str_radix(two, 16).ok()).collect();
    Ok(Operand { dtype, shape, bytes })
}

impl Operand<'_> {
    fn array<T: Bytes>(&self, chunk: usize) -> Result<Array<T>> {
        let values = ndarray::ArrayD::from_shape_vec(self.shape.as_slice(), T::from_bytes(&self.bytes));
        from_ndarray(values.map_err(Error::other)?, chunk)
    }
}

fn shown<T: Bytes>(array: Array<T>) -> Result<String> {
    let values = array.compute()?;
    let shape: Vec<String> = values.shape().iter().map(usize::to_string).collect();
    let hex: String = values.iter().map(|value| value.hex()).collect();
    Ok(format!("{} {} {hex}", array.dtype(), shape.join(",")))
}

/// Does the rest with an array of the type that an operand has.
macro_rules! typed {
    ($operand:expr, $chunk:expr, [$($dtype:literal $type:ty),*], $x:ident => $then:expr) => {
        match $operand.dtype {
            $($dtype => {
                let $x = $operand.array::<$type>($chunk)?;
                $then
            })*
            other => Err(wrong(other)),
        }
    };
}

macro_rules! of_all {
    ($operand:expr, $chunk:expr, $x:ident => $then:expr) => {
        typed!($operand, $chunk, ["float64" f64, "float32" f32, "int64" i64, "int32" i32, "uint8" u8, "bool" bool], $x => $then)
    };
}

macro_rules! of_numbers {
    ($operand:expr, $chunk:expr, $x:ident => $then:expr) => {
        typed!($operand, $chunk, ["float64" f64, "float32" f32, "int64" i64, "int32" i32, "uint8" u8], $x => $then)
    };
}

macro_rules! of_floats {
    ($operand:expr, $chunk:expr, $x:ident => $then:expr) => {
        typed!($operand, $chunk, ["float64" f64, "float32" f32], $x => $then)
    };
}

macro_rules! of_bits {
    ($operand:expr, $chunk:expr, $x:ident => $then:expr) => {
        typed!($operand, $chunk, ["int64" i64, "int32" i32, "uint8" u8, "bool" bool], $x => $then)
    };
}

macro_rules! methods {
    ($function:expr, $x:ident, [$($name:ident)*], $otherwise:expr) => {
        match $function {
            $(stringify!($name) => shown($x.$name()),)*
            _ => $otherwise,
        }
    };
}

fn of_one(function: &str, x: &Operand<'_>, chunk: usize) -> Result<String> {
    if let Some(dtype) = function.strip_prefix("astype_") {
        return of_all!(x, chunk, x => match dtype {
            "float64" => shown(x.astype::<f64>()),
            "float32" => shown(x.astype::<f32>()),
            "int64" => shown(x.astype::<i64>()),
            "int32" => shown(x.astype::<i32>()),
            "uint8" => shown(x.astype::<u8>()),
            "bool" => shown(x.astype::<bool>()),
            other => Err(wrong(other)),
        });
    }
    if let Some(digits) = function.strip_prefix("round_") {
        let digits = digits.parse().map_err(|_| wrong(function))?;
        return of_floats!(x, chunk, x => shown(x.round(digits)));
    }
    match function {
        "invert" => of_bits!(x, chunk, x => shown(!x)),
        "logical_not" => of_all!(x, chunk, x => shown(x.logical_not())),
        "negative" => of_numbers!(x, chunk, x => shown(-x)),
        "abs" | "square" | "sign" => {
            of_numbers!(x, chunk, x => methods!(function, x, [abs square sign], Err(wrong(function))))
        }
        "isnan" | "isinf" | "isfinite" | "signbit" | "floor" | "ceil" | "trunc" | "rint" | "reciprocal"
        | "nan_to_num" => {
            of_floats!(x, chunk, x => methods!(
                function, x, [isnan isinf isfinite signbit floor ceil trunc rint reciprocal nan_to_num], Err(wrong(function))
            ))
        }
        _ => of_all!(x, chunk, x => methods!(
            function, x,
            [sin cos tan arcsin arccos arctan sinh cosh tanh arcsinh arccosh arctanh exp exp2 expm1 log log2 log10 log1p
             sqrt cbrt radians degrees],
            Err(wrong(function))
        )),
    }
}

fn of_two(function: &str, left: &Operand<'_>, right: &Operand<'_>, chunk: usize) -> Result<String> {
    match function {
        "bitwise_and" => of_bits!(left, chunk, x => of_bits!(right, chunk, y => shown(x & y))),
        "bitwise_or" => of_bits!(left, chunk, x => of_bits!(right, chunk, y => shown(x | y))),
        "bitwise_xor" => of_bits!(left, chunk, x => of_bits!(right, chunk, y => shown(x ^ y))),
        "add" => of_all!(left, chunk, x => of_all!(right, chunk, y => shown(x + y))),
        "multiply" => of_all!(left, chunk, x => of_all!(right, chunk, y => shown(x * y))),
        "subtract" => of_numbers!(left, chunk, x => of_numbers!(right, chunk, y => shown(x - y))),
        "divide" => of_all!(left, chunk, x => of_all!(right, chunk, y => shown(x / y))),
        "remainder" => of_numbers!(left, chunk, x => of_numbers!(right, chunk, y => shown(x % y))),
        "floor_divide" => of_numbers!(left, chunk, x => of_numbers!(right, chunk, y => shown(x.floor_divide(y)))),
        "power" => of_numbers!(left, chunk, x => of_numbers!(right, chunk, y => shown(x.power(y)))),
        "hypot" => of_numbers!(left, chunk, x => of_numbers!(right, chunk, y => shown(x.hypot(y)))),
        "arctan2" => of_numbers!(left, chunk, x => of_numbers!(right, chunk, y => shown(x.arctan2(y)))),
        _ => of_all!(left, chunk, x => of_all!(right, chunk, y => match function {
            "minimum" => shown(x.minimum(y)),
            "maximum" => shown(x.maximum(y)),
            "fmin" => shown(x.fmin(y)),
            "fmax" => shown(x.fmax(y)),
            "equal" => shown(x.eq(y)),
            "not_equal" => shown(x.ne(y)),
            "less" => shown(x.lt(y)),
            "less_equal" => shown(x.le(y)),
            "greater" => shown(x.gt(y)),
            "greater_equal" => shown(x.ge(y)),
            "logical_and" => shown(x.logical_and(y)),
            "logical_or" => shown(x.logical_or(y)),
            "logical_xor" => shown(x.logical_xor(y)),
            other => Err(wrong(other)),
        })),
    }
}

fn answer(line: &str) -> Result<String> {
    let parts: Vec<&str> = line.split(' ').collect();
    let [function, threads, chunk, operands @ ..] = parts.as_slice() else { return Err(wrong(line)) };
    let number = |text: &str| text.parse::<usize>().map_err(|_| wrong(text));
    Session::builder().threads(number(threads)?).build()?.make_current();
    let (chunk, operands) = (number(chunk)?, operands.iter().map(|o| operand(o)).collect::<Result<Vec<_>>>()?);
    match operands.as_slice() {
        [x] => of_one(function, x, chunk),
        [x, y] => of_two(function, x, y, chunk),
        [condition, x, y] => {
            let condition = condition.array::<bool>(chunk)?;
            of_all!(x, chunk, x => of_all!(y, chunk, y => shown(where_(&condition, &x, y))))
        }
        _ => Err(wrong(line)),
    }
}

fn main() -> Result<()> {
    let mut out = std::io::stdout().lock();
    for line in std::io::stdin().lock().lines() {
        let text = answer(&line.map_err(Error::other)?).unwrap_or_else(|error| format!("error {error}"));
        writeln!(out, "{}", text.replace('\n', " ")).map_err(Error::other)?;
    }
    Ok(())
}
