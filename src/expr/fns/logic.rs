//! and, or, xor, not

use std::fmt;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray};
use arrow::compute::kernels::boolean;
use arrow::datatypes::{DataType, Field, FieldRef};

use crate::base::{Error, Identity, Result, Tokenizer};
use crate::expr::coerce::to_type;
use crate::expr::{Arg, Notation, Portable, ScalarFn, Value};

/// Logic of two boolean columns, three-valued (Kleene): null is "unknown", so `false & null` is false, `true | null`
/// is true, and the rest with null is null.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
pub enum Logic {
    /// `a & b`
    And,
    /// `a | b`
    Or,
    /// `a ^ b`
    Xor,
}

impl fmt::Display for Logic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Logic::And => "&",
            Logic::Or => "|",
            Logic::Xor => "^",
        })
    }
}

impl Identity for Logic {
    fn token(&self, t: &mut Tokenizer) {
        t.str("logic");
        t.debug(self);
    }
}

fn boolean_field(name: &dyn fmt::Display, args: &[Arg<'_>], operands: usize) -> Result<FieldRef> {
    if args.len() != operands {
        return Err(Error::invalid(format!("`{name}` takes {operands} operands")));
    }
    for arg in args {
        if !matches!(arg.data_type(), DataType::Boolean | DataType::Null) {
            let what = format!("`{name}` needs booleans, but `{}` is {}", arg.field.name(), arg.data_type());
            return Err(Error::types(what).help("compare it with something first, for example .ne(0)"));
        }
    }
    let nullable = args.iter().any(|a| a.field.is_nullable());
    Ok(Arc::new(Field::new(args[0].field.name(), DataType::Boolean, nullable)))
}

impl ScalarFn for Logic {
    fn return_field(&self, args: &[Arg<'_>]) -> Result<FieldRef> {
        boolean_field(self, args, 2)
    }

    fn eval(&self, args: &[Value], rows: usize) -> Result<Value> {
        let [a, b] = args else { return Err(Error::invalid(format!("`{self}` takes 2 operands"))) };
        let scalars = matches!((a, b), (Value::Scalar(_), Value::Scalar(_)));
        let rows = if scalars { 1 } else { rows };
        let array = |v: &Value| to_type(v, &DataType::Boolean)?.into_array(rows);
        let (x, y) = (array(a)?, array(b)?);
        let (x, y) = (x.as_boolean(), y.as_boolean());
        let result: ArrayRef = Arc::new(match self {
            Logic::And => boolean::and_kleene(x, y)?,
            Logic::Or => boolean::or_kleene(x, y)?,
            Logic::Xor => {
                let nulls = arrow::buffer::NullBuffer::union(x.nulls(), y.nulls());
                BooleanArray::new(x.values() ^ y.values(), nulls)
            }
        });
        Ok(if scalars { a.like(result) } else { Value::Array(result) })
    }

    fn can_fail(&self) -> bool {
        false
    }

    fn notation(&self) -> Notation {
        Notation::Infix
    }

    fn portable(&self) -> Option<Portable> {
        Portable::of("logic", self)
    }
}

/// The contrary of a boolean column; null stays null.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
pub struct Not;

impl fmt::Display for Not {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not")
    }
}

impl Identity for Not {
    fn token(&self, t: &mut Tokenizer) {
        t.str("not");
    }
}

impl ScalarFn for Not {
    fn return_field(&self, args: &[Arg<'_>]) -> Result<FieldRef> {
        boolean_field(self, args, 1)
    }

    fn eval(&self, args: &[Value], _rows: usize) -> Result<Value> {
        let [a] = args else { return Err(Error::invalid("`not` takes one operand")) };
        let a = to_type(a, &DataType::Boolean)?;
        Ok(a.like(Arc::new(boolean::not(a.rows().as_boolean())?)))
    }

    fn can_fail(&self) -> bool {
        false
    }

    fn notation(&self) -> Notation {
        Notation::Prefix
    }

    fn portable(&self) -> Option<Portable> {
        Portable::of("not", self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::expr::testing::two;
    use crate::{Expr, col, lit};

    #[test]
    fn unknown_is_unknown_unless_the_other_decides() {
        let all = [Some(true), Some(false), None];
        let (x, y): (Vec<_>, Vec<_>) = all.iter().flat_map(|x| all.map(|y| (*x, y))).unzip();
        let and = |x, y| if x == Some(false) || y == Some(false) { Some(false) } else { Some(x? && y?) };
        let or = |x, y| if x == Some(true) || y == Some(true) { Some(true) } else { Some(x? || y?) };
        let xor = |x: Option<bool>, y: Option<bool>| Some(x? != y?);
        type Twin = fn(Option<bool>, Option<bool>) -> Option<bool>;
        type Operator = fn(Expr, Expr) -> Expr;
        let table: [(Operator, Twin); 3] = [(|a, b| a & b, and), (|a, b| a | b, or), (|a, b| a ^ b, xor)];
        let (a, b): (ArrayRef, ArrayRef) =
            (Arc::new(BooleanArray::from(x.clone())), Arc::new(BooleanArray::from(y.clone())));
        for (expr, twin) in table {
            let expected: BooleanArray = x.iter().zip(&y).map(|(x, y)| twin(*x, *y)).collect();
            assert_eq!(two(&expr(col("x"), col("y")), &a, &b).unwrap().as_boolean(), &expected);
            for literal in all {
                let expected: BooleanArray = x.iter().map(|x| twin(*x, literal)).collect();
                assert_eq!(two(&expr(col("x"), lit(literal)), &a, &b).unwrap().as_boolean(), &expected);
            }
        }
        let not: BooleanArray = x.iter().map(|x| x.map(|x| !x)).collect();
        assert_eq!(two(&!col("x"), &a, &b).unwrap().as_boolean(), &not);
    }
}
