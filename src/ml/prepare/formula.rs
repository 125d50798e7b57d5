//! Expressions in files: the names of the engine's functions and their arguments, no code.

use arrow::array::{ArrayRef, StringArray};
use arrow::datatypes::DataType;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de, ser};
use std::sync::Arc;

use crate::base::{Identity, Result, Token};
use crate::expr::fns::{
    Abs, Arithmetic, Cast, Clip, Compare, Extreme, FillNull, IsNan, IsNull, Logic, Negate, Not, Pow, Real, Round, When,
};
use crate::expr::{Expr, Scalar};

/// An expression that can be saved, if all its functions are among those of [`call`].
#[derive(Clone, Debug)]
pub(super) struct Formula(pub Expr);

/// What is saved of an expression.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Saved {
    Column(String),
    /// A value as text, and its type.
    Value(Option<String>, String),
    Call(String, Vec<Saved>),
}

/// What tells expressions apart, beside the names that they give to columns.
fn token(expr: &Expr) -> Token {
    let unnamed = expr.transform(&mut |part| match part {
        Expr::Alias(inner, _) => Some((**inner).clone()),
        _ => None,
    });
    Token::of(|t| unnamed.token(t))
}

impl PartialEq for Formula {
    fn eq(&self, other: &Self) -> bool {
        token(&self.0) == token(&other.0)
    }
}

impl Serialize for Formula {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let saved = saved(&self.0).filter(|saved| read(saved).is_some_and(|read| token(&read) == token(&self.0)));
        let saved = saved.ok_or_else(|| {
            ser::Error::custom(format!("`{}` has a function that cannot be saved, as closures cannot", self.0))
        })?;
        saved.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Formula {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let saved = Saved::deserialize(deserializer)?;
        read(&saved).map(Formula).ok_or_else(|| de::Error::custom("the expression has a function that is not known"))
    }
}

fn saved(expr: &Expr) -> Option<Saved> {
    Some(match expr {
        Expr::Column(name) => Saved::Column(name.to_string()),
        Expr::Literal(value) => {
            let text =
                if value.is_null() { None } else { Some(value.cast(&DataType::Utf8).ok()?.as_str()?.to_string()) };
            Saved::Value(text, value.data_type().to_string())
        }
        Expr::Alias(inner, _) => saved(inner)?,
        Expr::Call { func, args } => Saved::Call(func.to_string(), args.iter().map(saved).collect::<Option<_>>()?),
    })
}

fn read(saved: &Saved) -> Option<Expr> {
    Some(match saved {
        Saved::Column(name) => crate::expr::col(name),
        Saved::Value(None, t) => Expr::Literal(Scalar::null_of(&t.parse().ok()?)),
        Saved::Value(Some(text), t) => {
            let text: ArrayRef = Arc::new(StringArray::from(vec![text.as_str()]));
            Expr::Literal(Scalar::of(&text, 0).cast(&t.parse().ok()?).ok()?)
        }
        Saved::Call(name, args) => call(name, args.iter().map(read).collect::<Option<_>>()?)?,
    })
}

/// The functions of a real number.
const REAL: [Real; 17] = [
    Real::Sqrt,
    Real::Cbrt,
    Real::Exp,
    Real::Expm1,
    Real::Log,
    Real::Log2,
    Real::Log10,
    Real::Log1p,
    Real::Sin,
    Real::Cos,
    Real::Tan,
    Real::Asin,
    Real::Acos,
    Real::Atan,
    Real::Sinh,
    Real::Cosh,
    Real::Tanh,
];

/// The function of this name, of these arguments.
fn call(name: &str, args: Vec<Expr>) -> Option<Expr> {
    let real = |function: Real| function.to_string() == name;
    Some(match (name, args.len()) {
        ("+", 2) => Expr::call(Arithmetic::Add, args),
        ("-", 2) => Expr::call(Arithmetic::Sub, args),
        ("*", 2) => Expr::call(Arithmetic::Mul, args),
        ("/", 2) => Expr::call(Arithmetic::Div, args),
        ("%", 2) => Expr::call(Arithmetic::Rem, args),
        (">", 2) => Expr::call(Compare::Gt, args),
        (">=", 2) => Expr::call(Compare::Ge, args),
        ("<", 2) => Expr::call(Compare::Lt, args),
        ("<=", 2) => Expr::call(Compare::Le, args),
        ("==", 2) => Expr::call(Compare::Eq, args),
        ("!=", 2) => Expr::call(Compare::Ne, args),
        ("&", 2) => Expr::call(Logic::And, args),
        ("|", 2) => Expr::call(Logic::Or, args),
        ("^", 2) => Expr::call(Logic::Xor, args),
        ("not", 1) => Expr::call(Not, args),
        ("-", 1) => Expr::call(Negate, args),
        ("abs", 1) => Expr::call(Abs, args),
        ("pow", 2) => Expr::call(Pow, args),
        ("clip", 3) => Expr::call(Clip, args),
        ("min_of", _) => Expr::call(Extreme::Min, args),
        ("max_of", _) => Expr::call(Extreme::Max, args),
        ("fillna", 2) => Expr::call(FillNull, args),
        ("is_nan", 1) => Expr::call(IsNan, args),
        ("is_null", 1) => Expr::call(IsNull { negated: false }, args),
        ("is_not_null", 1) => Expr::call(IsNull { negated: true }, args),
        ("when", _) => Expr::call(When, args),
        ("floor", 1) => Expr::call(Round::Floor, args),
        ("ceil", 1) => Expr::call(Round::Ceil, args),
        (_, 1) => match (REAL.into_iter().find(|f| real(*f)), within(name, "cast"), within(name, "round")) {
            (Some(function), ..) => Expr::call(function, args),
            (_, Some(to), _) => Expr::call(Cast { to: to.parse().ok()? }, args),
            (.., Some(decimals)) => Expr::call(Round::Decimals(decimals.parse().ok()?), args),
            _ => return None,
        },
        _ => return None,
    })
}

/// What stands between the brackets of `name(..)`.
fn within<'a>(call: &'a str, name: &str) -> Option<&'a str> {
    call.strip_prefix(name)?.strip_prefix('(')?.strip_suffix(')')
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::expr::{col, lit, max_of, when};

    fn there_and_back(expr: Expr) {
        let file = serde_json::to_string(&Formula(expr.clone())).unwrap_or_else(|e| panic!("{expr}: {e}"));
        assert_eq!(serde_json::from_str::<Formula>(&file).unwrap(), Formula(expr), "{file}");
    }

    #[test]
    fn expressions_come_back() {
        let (x, y) = (|| col("x"), || col("y"));
        for function in REAL {
            there_and_back(Expr::call(function, [x()]));
        }
        there_and_back((x() + 1) / (y() - 0.1) * 3_u8 % 2.5_f32);
        there_and_back(x().gt(1).and(y().le(2)).or(x().eq("a")).and(!y().ne(true)));
        there_and_back(x().ge(0.0).and(x().lt(f64::INFINITY)));
        there_and_back(-x().abs().pow(2).clip(0, 1.5).clip_max(1).floor().ceil().round(2));
        there_and_back(max_of([x(), y()]).fillna(f64::NAN).is_nan());
        there_and_back(x().is_null().and(y().is_not_null()));
        there_and_back(when(x().gt(0)).then(lit(1)).otherwise(y()));
        there_and_back(when(x().gt(0)).then("a").otherwise_null());
        there_and_back(x().cast(DataType::Int16).alias("z"));
    }

    #[test]
    fn what_cannot_be_saved_says_so() {
        let closure = col("x").map("twice", DataType::Float64, |x| Ok(x.clone()));
        let text = serde_json::to_string(&Formula(closure)).unwrap_err().to_string();
        assert!(text.contains("twice") && text.contains("cannot be saved"), "{text}");
        assert!(serde_json::to_string(&Formula(col("x").is_in([1, 2]))).is_err());
        assert!(serde_json::from_str::<Formula>(r#"{"call": ["rm", []]}"#).is_err());
    }
}
