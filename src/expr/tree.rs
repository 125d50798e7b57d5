//! The tree of an expression.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use arrow::datatypes::{DataType, Field, FieldRef, Schema};
use rustc_hash::{FxHashMap, FxHashSet};

use super::{Arg, Notation, Scalar, ScalarFn, Value};
use crate::base::deep::deep;
use crate::base::schema::index_of;
use crate::base::{Identity, Result, Token, Tokenizer};

/// An expression over the columns of a frame. Cheap to clone: parts are shared.
///
/// ```
/// use partita::{col, lit};
/// let tip = col("tip_amount") / col("fare_amount");
/// assert_eq!(tip.gt(0.2).to_string(), "((tip_amount / fare_amount) > 0.2)");
/// ```
#[derive(Clone, Debug)]
pub enum Expr {
    /// A column, by name.
    Column(Arc<str>),
    /// A value, the same in all rows.
    Literal(Scalar),
    /// An expression under another name.
    Alias(Arc<Expr>, Arc<str>),
    /// A function of expressions.
    Call {
        /// The function.
        func: Arc<dyn ScalarFn>,
        /// Its arguments.
        args: Arc<[Expr]>,
    },
}

/// Which part of a shared tree a call is: walks meet each only once.
pub(crate) type Part = (usize, usize);

pub(super) fn part(func: &Arc<dyn ScalarFn>, args: &Arc<[Expr]>) -> Part {
    (Arc::as_ptr(func).cast::<u8>() as usize, Arc::as_ptr(args).cast::<u8>() as usize)
}

impl Expr {
    /// A call of `func`.
    pub fn call(func: impl ScalarFn, args: impl IntoIterator<Item = Expr>) -> Expr {
        Expr::Call { func: Arc::new(func), args: args.into_iter().collect() }
    }

    /// The name of the column this gives: the alias, the column, or that of the first argument.
    pub fn name(&self) -> Arc<str> {
        let mut at = self;
        loop {
            match at {
                Expr::Column(name) | Expr::Alias(_, name) => return name.clone(),
                Expr::Literal(_) => return "literal".into(),
                Expr::Call { func, args } => match args.iter().find(|a| !matches!(a, Expr::Literal(_))) {
                    Some(first) => at = first,
                    None => return func.to_string().into(),
                },
            }
        }
    }

    /// The same without an alias at the top.
    pub fn unaliased(&self) -> &Expr {
        let mut at = self;
        while let Expr::Alias(inner, _) = at {
            at = inner;
        }
        at
    }

    /// The names of all columns it reads.
    pub fn columns(&self) -> BTreeSet<Arc<str>> {
        let mut names = BTreeSet::new();
        self.visit(&mut |e| {
            if let Expr::Column(name) = e {
                names.insert(name.clone());
            }
        });
        names
    }

    /// Whether it may fail for some values, as a conversion of text may.
    pub fn can_fail(&self) -> bool {
        let mut can = false;
        self.visit(&mut |e| can |= matches!(e, Expr::Call { func, .. } if func.can_fail()));
        can
    }

    /// Whether it gives the same for the same row each time.
    pub fn is_repeatable(&self) -> bool {
        let mut is = true;
        self.visit(&mut |e| is &= !matches!(e, Expr::Call { func, .. } if !func.is_repeatable()));
        is
    }

    /// Whether each of its rows depends on that row of the columns alone.
    pub fn is_rowwise(&self) -> bool {
        let mut is = true;
        self.visit(&mut |e| is &= !matches!(e, Expr::Call { func, .. } if !func.is_rowwise()));
        is
    }

    /// Calls `see` once for each distinct part, arguments first.
    pub fn visit(&self, see: &mut dyn FnMut(&Expr)) {
        fn walk(e: &Expr, seen: &mut FxHashSet<Part>, see: &mut dyn FnMut(&Expr)) {
            match e {
                Expr::Alias(inner, _) => deep(|| walk(inner, seen, see)),
                Expr::Call { func, args } => {
                    if !seen.insert(part(func, args)) {
                        return;
                    }
                    deep(|| args.iter().for_each(|a| walk(a, seen, see)));
                }
                Expr::Column(_) | Expr::Literal(_) => {}
            }
            see(e);
        }
        walk(self, &mut FxHashSet::default(), see);
    }

    /// The expression with `replace` applied to every part, arguments first; `None` keeps the part. Shared parts are
    /// replaced once and stay shared.
    pub fn transform(&self, replace: &mut dyn FnMut(&Expr) -> Option<Expr>) -> Expr {
        fn walk(e: &Expr, done: &mut FxHashMap<Part, Expr>, replace: &mut dyn FnMut(&Expr) -> Option<Expr>) -> Expr {
            let rebuilt = match e {
                Expr::Column(_) | Expr::Literal(_) => e.clone(),
                Expr::Alias(inner, name) => Expr::Alias(Arc::new(deep(|| walk(inner, done, replace))), name.clone()),
                Expr::Call { func, args } => {
                    let id = part(func, args);
                    if let Some(known) = done.get(&id) {
                        return known.clone();
                    }
                    let new: Arc<[Expr]> = deep(|| args.iter().map(|a| walk(a, done, replace)).collect());
                    let call = Expr::Call { func: func.clone(), args: new };
                    let result = replace(&call).unwrap_or(call);
                    done.insert(id, result.clone());
                    return result;
                }
            };
            replace(&rebuilt).unwrap_or(rebuilt)
        }
        walk(self, &mut FxHashMap::default(), replace)
    }

    /// The expression with columns replaced by what `of` gives for their names.
    pub fn substitute(&self, of: &dyn Fn(&str) -> Option<Expr>) -> Expr {
        self.transform(&mut |e| match e {
            Expr::Column(name) => of(name),
            _ => None,
        })
    }

    /// Name, type and nullability of the result over columns of `schema`.
    ///
    /// # Errors
    /// `UnknownColumn` with the nearest name, `TypeMismatch` with the expression.
    pub fn to_field(&self, schema: &Schema) -> Result<FieldRef> {
        self.typed(schema, &mut FxHashMap::default()).map(|(field, _)| field)
    }

    /// The type of the result over columns of `schema`.
    ///
    /// # Errors
    /// As [`to_field`](Self::to_field).
    pub fn data_type(&self, schema: &Schema) -> Result<DataType> {
        Ok(self.to_field(schema)?.data_type().clone())
    }

    /// The field, and the value if it is the same for all rows.
    fn typed(
        &self,
        schema: &Schema,
        done: &mut FxHashMap<Part, (FieldRef, Option<Scalar>)>,
    ) -> Result<(FieldRef, Option<Scalar>)> {
        match self {
            Expr::Column(name) => {
                let index = index_of(schema, name)?;
                Ok((schema.fields()[index].clone(), None))
            }
            Expr::Literal(scalar) => {
                let field = Field::new("literal", scalar.data_type().clone(), scalar.is_null());
                Ok((Arc::new(field), Some(scalar.clone())))
            }
            Expr::Alias(inner, name) => {
                let (field, constant) = deep(|| inner.typed(schema, done))?;
                Ok((Arc::new(field.as_ref().clone().with_name(name.as_ref())), constant))
            }
            Expr::Call { func, args } => {
                let id = part(func, args);
                if let Some(known) = done.get(&id) {
                    return Ok(known.clone());
                }
                let typed: Vec<_> = deep(|| args.iter().map(|a| a.typed(schema, done)).collect::<Result<Vec<_>>>())?;
                let typed: Vec<Arg<'_>> =
                    typed.iter().map(|(field, constant)| Arg { field, constant: constant.clone() }).collect();
                let field = func.return_field(&typed).map_err(|e| e.at_expr(self))?;
                let constant = self.fold(func.as_ref(), &typed)?;
                done.insert(id, (field.clone(), constant.clone()));
                Ok((field, constant))
            }
        }
    }

    fn fold(&self, func: &dyn ScalarFn, args: &[Arg<'_>]) -> Result<Option<Scalar>> {
        if !func.is_rowwise() {
            return Ok(None);
        }
        let constants: Option<Vec<Value>> = args.iter().map(|a| a.constant.clone().map(Value::Scalar)).collect();
        match constants {
            None => Ok(None),
            Some(values) => match func.eval(&values, 1).map_err(|e| e.at_expr(self))? {
                Value::Scalar(scalar) => Ok(Some(scalar)),
                Value::Array(array) => Ok((!array.is_empty()).then(|| Scalar::of(&array, 0))),
            },
        }
    }

    /// The same expression with every part that is the same for all rows computed.
    ///
    /// # Errors
    /// When such a part has no value, for example an integer overflow.
    pub fn fold_constants(&self) -> Result<Expr> {
        let mut failure = None;
        let folded = self.transform(&mut |e| match e {
            Expr::Call { func, args } if failure.is_none() && func.is_rowwise() => {
                let values: Option<Vec<Value>> = args
                    .iter()
                    .map(|a| match a.unaliased() {
                        Expr::Literal(scalar) => Some(Value::Scalar(scalar.clone())),
                        _ => None,
                    })
                    .collect();
                match func.eval(&values?, 1) {
                    Ok(Value::Scalar(scalar)) => Some(Expr::Literal(scalar)),
                    Ok(Value::Array(_)) => None,
                    Err(error) => {
                        failure = Some(error.at_expr(e));
                        None
                    }
                }
            }
            _ => None,
        });
        match failure {
            None => Ok(folded),
            Some(error) => Err(error),
        }
    }
}

impl Expr {
    /// The token of each distinct part, by one walk.
    pub(crate) fn token_with(&self, done: &mut FxHashMap<Part, Token>) -> Token {
        match self {
            Expr::Column(name) => Token::of(|t| {
                t.str("column");
                t.str(name);
            }),
            Expr::Literal(scalar) => Token::of(|t| {
                t.str("literal");
                t.identity(scalar);
            }),
            Expr::Alias(inner, name) => {
                let inner = deep(|| inner.token_with(done));
                Token::of(|t| {
                    t.str("alias");
                    t.token(inner);
                    t.str(name);
                })
            }
            Expr::Call { func, args } => {
                let id = part(func, args);
                if let Some(known) = done.get(&id) {
                    return *known;
                }
                let parts: Vec<Token> = deep(|| args.iter().map(|a| a.token_with(done)).collect());
                let token = Token::of(|t| {
                    t.str("call");
                    t.identity(func.as_ref());
                    t.list(&parts, |t, part| t.token(*part));
                });
                done.insert(id, token);
                token
            }
        }
    }
}

impl Identity for Expr {
    fn token(&self, t: &mut Tokenizer) {
        t.token(self.token_with(&mut FxHashMap::default()));
    }
}

/// How many characters of an expression are shown at most.
const SHOWN: usize = 400;

impl fmt::Display for Expr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = String::new();
        write_expr(self, &mut text);
        f.write_str(&text)
    }
}

/// Parts may be shared so often that the whole text would be endless: it stops after `SHOWN` characters.
fn write_expr(e: &Expr, out: &mut String) {
    if out.len() > SHOWN {
        if !out.ends_with('…') {
            out.push('…');
        }
        return;
    }
    let list = |args: &[Expr], out: &mut String| {
        for (i, a) in args.iter().enumerate() {
            if i > 0 {
                out.push_str(", ");
            }
            deep(|| write_expr(a, out));
        }
    };
    match e {
        Expr::Column(name) => out.push_str(name),
        Expr::Literal(scalar) => out.push_str(&scalar.to_string()),
        Expr::Alias(inner, name) => {
            deep(|| write_expr(inner, out));
            out.push_str(" as ");
            out.push_str(name);
        }
        Expr::Call { func, args } => match (func.notation(), &args[..]) {
            (Notation::Infix, [a, b]) => {
                out.push('(');
                deep(|| write_expr(a, out));
                out.push_str(&format!(" {func} "));
                deep(|| write_expr(b, out));
                out.push(')');
            }
            (Notation::Prefix, [a]) => {
                out.push_str(&format!("({func} "));
                deep(|| write_expr(a, out));
                out.push(')');
            }
            (Notation::Method, [first, rest @ ..]) => {
                deep(|| write_expr(first, out));
                let call = func.to_string();
                out.push('.');
                out.push_str(&call);
                // settings are part of the name, as in `round(2)`
                if !(rest.is_empty() && call.ends_with(')')) {
                    out.push('(');
                    list(rest, out);
                    out.push(')');
                }
            }
            _ => {
                out.push_str(&format!("{func}("));
                list(args, out);
                out.push(')');
            }
        },
    }
}

impl Drop for Expr {
    /// Long chains are taken apart with a growing stack.
    fn drop(&mut self) {
        match self {
            Expr::Call { args, .. } if Arc::strong_count(args) == 1 && !args.is_empty() => {
                let args = std::mem::replace(args, Arc::new([]));
                deep(|| drop(args));
            }
            Expr::Alias(inner, _) if Arc::strong_count(inner) == 1 => {
                let inner = std::mem::replace(inner, Arc::new(Expr::Column("".into())));
                deep(|| drop(inner));
            }
            _ => {}
        }
    }
}
