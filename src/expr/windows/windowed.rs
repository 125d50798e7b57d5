//! A call of a window function inside an expression.

use std::fmt;
use std::sync::Arc;

use arrow::datatypes::{Field, FieldRef, Schema};

use super::{Reach, Window};
use crate::base::{Error, Identity, Result, Tokenizer};
use crate::expr::order::Encoder;
use crate::expr::{Arg, Expr, Notation, ScalarFn, SortKey, Value, col};

/// A function of other rows as part of an expression: alone it looks at all rows, over keys at those with the same keys.
/// Its arguments are its own, then the keys, then what rows are ordered by.
#[derive(Clone, Debug)]
pub struct Windowed {
    /// The function.
    pub window: Arc<dyn Window>,
    /// How many arguments the function itself has.
    pub own: usize,
    /// How many of the arguments behind those are keys.
    pub keys: usize,
    /// How the last arguments order the rows; none: rows come as they are.
    pub order: Vec<Direction>,
}

/// How one argument orders rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Direction {
    /// Whether the largest comes first.
    pub descending: bool,
    /// Whether null and NaN come first.
    pub nulls_first: bool,
}

impl Direction {
    /// The key that orders by `expr` in this direction.
    pub fn of(self, expr: Expr) -> SortKey {
        SortKey { expr, descending: self.descending, nulls_first: self.nulls_first }
    }
}

impl Windowed {
    /// A call of `window`, of all rows.
    pub fn of(window: impl Window, args: impl IntoIterator<Item = Expr>) -> Expr {
        let args: Vec<Expr> = args.into_iter().collect();
        Expr::call(Windowed { window: Arc::new(window), own: args.len(), keys: 0, order: Vec::new() }, args)
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
                let (own, order) = args.split_at(call.own.min(args.len()));
                let args = own.iter().chain(keys).chain(order).cloned();
                Some(Expr::call(Windowed { keys: keys.len(), ..call.clone() }, args))
            }
            _ => None,
        })
    }

    /// `expr` with every window function that has no order yet in this one.
    pub fn order_by(expr: &Expr, by: &[SortKey]) -> Expr {
        let directions = by.iter().map(|key| Direction { descending: key.descending, nulls_first: key.nulls_first });
        let order: Vec<Direction> = directions.collect();
        expr.transform(&mut |e| match Windowed::call_of(e) {
            Some((call, args)) if call.order.is_empty() => {
                let args = args.iter().chain(by.iter().map(|key| &key.expr)).cloned();
                Some(Expr::call(Windowed { order: order.clone(), ..call.clone() }, args))
            }
            _ => None,
        })
    }

    /// What the rows are ordered by, where the arguments are called so: what the function wants, then what was asked for.
    pub fn ordered(&self, args: &[String]) -> Vec<SortKey> {
        let wanted = self.window.sorted().zip(args.first());
        let wanted = wanted.map(|(descending, arg)| Direction { descending, nulls_first: false }.of(col(arg)));
        let asked = args.get(self.own + self.keys..).unwrap_or_default().iter().zip(&self.order);
        wanted.into_iter().chain(asked.map(|(arg, direction)| direction.of(col(arg)))).collect()
    }
}

impl fmt::Display for Windowed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.window)?;
        f.write_str(if self.keys > 0 { ".over" } else { "" })?;
        f.write_str(if self.order.is_empty() { "" } else { ".order_by" })?;
        if self.order.iter().any(|o| o.descending) { f.write_str(" desc") } else { Ok(()) }
    }
}

impl Identity for Windowed {
    fn token(&self, t: &mut Tokenizer) {
        t.str("windowed");
        t.identity(self.window.as_ref());
        t.u64(self.keys as u64);
        t.debug(&self.order);
    }
}

impl ScalarFn for Windowed {
    fn return_field(&self, args: &[Arg<'_>]) -> Result<FieldRef> {
        let own = args.get(..self.own).unwrap_or_default();
        if self.keys == 0 && self.window.reach() == Reach::Group {
            let error = Error::unsupported(format!("`{}` of all rows", self.window));
            return Err(error.help("say among which rows with over(keys)"));
        }
        let order = args.get(self.own + self.keys..).unwrap_or_default().iter().zip(&self.order).enumerate();
        let (fields, keys): (Vec<Field>, Vec<SortKey>) = order
            .map(|(i, (arg, direction))| {
                (arg.field.as_ref().clone().with_name(i.to_string()), direction.of(col(i.to_string())))
            })
            .unzip();
        Encoder::new(&keys, &Schema::new(fields))?;
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
