//! A call of a window function inside an expression.

use std::fmt;
use std::sync::Arc;

use arrow::datatypes::{Field, FieldRef};

use super::{Reach, Window};
use crate::base::{Error, Identity, Result, Tokenizer};
use crate::expr::{Arg, Expr, Notation, ScalarFn, Value};

/// A function of other rows as part of an expression: alone it looks at all rows, over keys at those with the same keys.
#[derive(Clone, Debug)]
pub struct Windowed {
    /// The function.
    pub window: Arc<dyn Window>,
    /// How many of the arguments, the last ones, are keys.
    pub keys: usize,
    /// How many arguments the function itself has.
    pub own: usize,
}

impl Windowed {
    /// A call of `window`, of all rows.
    pub fn of(window: impl Window, args: impl IntoIterator<Item = Expr>) -> Expr {
        let args: Vec<Expr> = args.into_iter().collect();
        Expr::call(Windowed { window: Arc::new(window), keys: 0, own: args.len() }, args)
    }

    /// The call that `expr` is, and its arguments, if it is one.
    pub fn call_of(expr: &Expr) -> Option<(&Windowed, &[Expr])> {
        match expr {
            Expr::Call { func, args } => {
                (func.as_ref() as &dyn std::any::Any).downcast_ref().map(|windowed| (windowed, &args[..]))
            }
            _ => None,
        }
    }

    /// `expr` with every window function that has no keys yet over these.
    pub fn over(expr: &Expr, keys: &[Expr]) -> Expr {
        expr.transform(&mut |e| match Windowed::call_of(e) {
            Some((call, args)) if call.keys == 0 => {
                let call = Windowed { keys: keys.len(), ..call.clone() };
                Some(Expr::call(call, args.iter().chain(keys).cloned()))
            }
            _ => None,
        })
    }
}

impl fmt::Display for Windowed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.window, if self.keys > 0 { ".over" } else { "" })
    }
}

impl Identity for Windowed {
    fn token(&self, t: &mut Tokenizer) {
        t.str("windowed");
        t.identity(self.window.as_ref());
        t.u64(self.keys as u64);
    }
}

impl ScalarFn for Windowed {
    fn return_field(&self, args: &[Arg<'_>]) -> Result<FieldRef> {
        let own = args.get(..self.own).unwrap_or_default();
        if self.keys == 0 && self.window.reach() == Reach::Group {
            let error = Error::unsupported(format!("`{}` of all rows", self.window));
            return Err(error.help("say among which rows with over(keys)"));
        }
        let field = self.window.return_field(own)?;
        let name = own.first().map_or_else(|| self.window.to_string(), |a| a.field.name().clone());
        Ok(Arc::new(Field::new(name, field.data_type().clone(), field.is_nullable())))
    }

    fn eval(&self, _args: &[Value], _rows: usize) -> Result<Value> {
        Err(Error::unsupported(format!("`{self}` for one batch alone")))
    }

    fn is_rowwise(&self) -> bool {
        false
    }

    fn notation(&self) -> Notation {
        if self.own > 0 { Notation::Method } else { Notation::Call }
    }
}
