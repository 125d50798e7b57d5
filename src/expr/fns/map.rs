//! `map`: a function of one's own

use std::fmt;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef};
use arrow::datatypes::{DataType, Field, FieldRef};

use super::pairs::{joined, rows_together};
use crate::base::{Error, Identity, Result, Token, Tokenizer};
use crate::expr::{Arg, Expr, Notation, ScalarFn, Value};

type Closure = dyn Fn(&[ArrayRef]) -> Result<ArrayRef> + Send + Sync;

/// A closure over columns with the type of its result. It gets arrays of equal length and must give one of that length
/// and type, in which row `i` depends on row `i` of the arguments alone: how rows come together in a batch is not
/// fixed.
///
/// Nobody can see whether two closures are the same: each has an identity of its own, unless [`named`](Map::named).
#[derive(Clone)]
pub struct Map {
    name: Arc<str>,
    result: DataType,
    identity: Token,
    closure: Arc<Closure>,
}

impl Map {
    /// A closure that is called `name` in texts and gives values of type `result`.
    pub fn new(
        name: impl AsRef<str>,
        result: DataType,
        closure: impl Fn(&[ArrayRef]) -> Result<ArrayRef> + Send + Sync + 'static,
    ) -> Map {
        Map { name: name.as_ref().into(), result, identity: Token::fresh(), closure: Arc::new(closure) }
    }

    /// The promise that any closure of this name and version gives the same results, so that work on it is shared and
    /// found again.
    #[must_use]
    pub fn named(mut self, name: impl AsRef<str>, version: impl AsRef<str>) -> Map {
        self.name = name.as_ref().into();
        self.identity = Token::of(|t| {
            t.str("named");
            t.str(name.as_ref());
            t.str(version.as_ref());
            t.debug(&self.result);
        });
        self
    }

    /// The closure applied to these columns.
    pub fn of(self, args: impl IntoIterator<Item = Expr>) -> Expr {
        Expr::call(self, args)
    }

    fn wrong(&self, what: String) -> Error {
        Error::invalid(format!("the closure `{}` {what}", self.name))
    }
}

impl fmt::Debug for Map {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Map({}, {}, {})", self.name, self.result, self.identity)
    }
}

impl fmt::Display for Map {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}

impl Identity for Map {
    fn token(&self, t: &mut Tokenizer) {
        t.str("map");
        t.token(self.identity);
    }
}

impl ScalarFn for Map {
    fn return_field(&self, args: &[Arg<'_>]) -> Result<FieldRef> {
        let name = args.first().map_or(self.name.as_ref(), |a| a.field.name());
        Ok(Arc::new(Field::new(name, self.result.clone(), true)))
    }

    fn eval(&self, args: &[Value], rows: usize) -> Result<Value> {
        let rows = rows_together(args, rows);
        let arrays: Vec<ArrayRef> = args.iter().map(|a| a.clone().into_array(rows)).collect::<Result<_>>()?;
        let result = (self.closure)(&arrays)?;
        if result.len() != rows {
            return Err(self.wrong(format!("gave {} values for {rows} rows", result.len())));
        }
        if result.data_type() != &self.result {
            let what = format!("gave {}, but its type was said to be {}", result.data_type(), self.result);
            return Err(self.wrong(what).help("name the type that it gives, or cast inside of it"));
        }
        Ok(joined(args, result))
    }

    fn is_repeatable(&self) -> bool {
        false
    }

    fn notation(&self) -> Notation {
        Notation::Method
    }
}
