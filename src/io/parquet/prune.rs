//! What statistics say of a predicate: whether any row can satisfy it.
//!
//! Pure: from an expression and what is known of its columns to "can it be true?". The answer is conservative: what is
//! not understood, and what statistics do not tell, is possible. It follows the three-valued logic of the expressions
//! by the sets of outcomes (true, false, null) that each part can have.

use std::any::Any;
use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray};
use arrow::datatypes::{DataType, Float32Type, Float64Type};

use crate::base::deep::deep;
use crate::expr::fns::struct_field::{path, paths};
use crate::expr::fns::{Compare, FillNull, IsIn, IsNull, Logic, Not};
use crate::expr::{Expr, Scalar, ScalarFn, Value};

/// What is known of the values of a column in some rows.
#[derive(Clone, Debug, Default)]
pub struct Facts {
    /// Two values, of the column's type: no value that is neither null nor NaN is below the first or above the second.
    pub range: Option<ArrayRef>,
    /// What is known of nulls.
    pub nulls: Nulls,
    /// What tells of a value that no row has it, if anything does.
    pub lacks: Option<Lacks>,
}

/// Tells of a value, of any type, whether it is certain that no row of a column has it.
#[derive(Clone)]
pub struct Lacks(pub Arc<dyn Fn(&Scalar) -> bool + Send + Sync>);

impl fmt::Debug for Lacks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Lacks")
    }
}

/// How many values are null.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Nulls {
    /// Not known.
    #[default]
    Unknown,
    /// No value is.
    None,
    /// Some are, some are not.
    Some,
    /// Every value is.
    All,
}

impl Facts {
    /// Nothing is known.
    pub fn unknown() -> Facts {
        Facts::default()
    }

    /// Every value is null.
    pub fn all_null() -> Facts {
        Facts { nulls: Nulls::All, ..Facts::default() }
    }
}

/// The outcomes that a boolean expression can have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Outcomes {
    yes: bool,
    no: bool,
    null: bool,
}

impl Outcomes {
    const ANY: Outcomes = Outcomes { yes: true, no: true, null: true };
    const NULL: Outcomes = Outcomes { yes: false, no: false, null: true };

    fn of(value: Option<bool>) -> Outcomes {
        Outcomes { yes: value == Some(true), no: value == Some(false), null: value.is_none() }
    }

    fn not(self) -> Outcomes {
        Outcomes { yes: self.no, no: self.yes, null: self.null }
    }

    fn and(self, other: Outcomes) -> Outcomes {
        Outcomes {
            yes: self.yes && other.yes,
            no: self.no || other.no,
            null: (self.null && (other.null || other.yes)) || (other.null && self.yes),
        }
    }

    fn or(self, other: Outcomes) -> Outcomes {
        self.not().and(other.not()).not()
    }

    fn xor(self, other: Outcomes) -> Outcomes {
        Outcomes {
            yes: (self.yes && other.no) || (self.no && other.yes),
            no: (self.yes && other.yes) || (self.no && other.no),
            null: self.null || other.null,
        }
    }

    fn either(self, other: Outcomes) -> Outcomes {
        Outcomes { yes: self.yes || other.yes, no: self.no || other.no, null: self.null || other.null }
    }
}

/// Whether `predicate` can be true for any row, where `facts` tells what is known of the columns by their names.
///
/// It says no only if no row with such facts satisfies the predicate.
pub fn can_be_true(predicate: &Expr, facts: &dyn Fn(&str) -> Facts) -> bool {
    outcomes(predicate, facts).yes
}

/// What stands between the names in the path of a field of structs.
pub const BELOW: char = '\0';

/// The name by which a column or a field of structs is asked for: that of a field is its path, from the column down.
pub fn name_of(e: &Expr) -> Option<String> {
    match e.unaliased() {
        Expr::Column(name) => Some(name.to_string()),
        e => path(e).map(|(column, path)| joined(&column, &path)),
    }
}

/// The columns and fields that a predicate asks for, by their names.
pub fn names_of(predicate: &Expr) -> BTreeSet<String> {
    paths(predicate).iter().map(|(column, path)| joined(column, path)).collect()
}

fn joined(column: &str, path: &[Arc<str>]) -> String {
    path.iter().fold(column.to_string(), |name, field| format!("{name}{BELOW}{field}"))
}

fn outcomes(e: &Expr, facts: &dyn Fn(&str) -> Facts) -> Outcomes {
    match e.unaliased() {
        Expr::Column(name) => boolean_column(&facts(name)),
        Expr::Literal(value) => boolean_literal(value),
        Expr::Call { func, args } => deep(|| call(func.as_ref(), args, facts)),
        Expr::Alias(..) => Outcomes::ANY,
    }
}

fn call(func: &dyn ScalarFn, args: &[Expr], facts: &dyn Fn(&str) -> Facts) -> Outcomes {
    let func = func as &dyn Any;
    if let (Some(logic), [a, b]) = (func.downcast_ref::<Logic>(), args) {
        let (a, b) = (outcomes(a, facts), outcomes(b, facts));
        return match logic {
            Logic::And => a.and(b),
            Logic::Or => a.or(b),
            Logic::Xor => a.xor(b),
        };
    }
    if let (true, [a]) = (func.is::<Not>(), args) {
        return outcomes(a, facts).not();
    }
    if let (Some(test), [a]) = (func.downcast_ref::<IsNull>(), args) {
        let found = is_null(a.unaliased(), facts);
        return if test.negated { found.not() } else { found };
    }
    if let (true, [a, fill]) = (func.is::<FillNull>(), args) {
        let (a, fill) = (outcomes(a, facts), outcomes(fill, facts));
        return if a.null { Outcomes { null: false, ..a }.either(fill) } else { a };
    }
    if let (Some(list), [a]) = (func.downcast_ref::<IsIn>(), args) {
        return name_of(a).map_or(Outcomes::ANY, |name| is_in(list, &facts(&name)));
    }
    if let (Some(&op), [a, b]) = (func.downcast_ref::<Compare>(), args) {
        return match (a.unaliased(), b.unaliased()) {
            (place, Expr::Literal(value)) => name_of(place).map_or(Outcomes::ANY, |n| compare(op, &facts(&n), value)),
            (Expr::Literal(value), place) => {
                name_of(place).map_or(Outcomes::ANY, |n| compare(op.flipped(), &facts(&n), value))
            }
            _ => Outcomes::ANY,
        };
    }
    Outcomes::ANY
}

fn boolean_literal(value: &Scalar) -> Outcomes {
    match value.array().as_boolean_opt() {
        Some(array) => Outcomes::of(array.is_valid(0).then(|| array.value(0))),
        None if value.is_null() => Outcomes::NULL,
        None => Outcomes::ANY,
    }
}

fn boolean_column(facts: &Facts) -> Outcomes {
    let null = facts.nulls != Nulls::None;
    match facts.range.as_ref().and_then(|r| r.as_boolean_opt()) {
        _ if facts.nulls == Nulls::All => Outcomes::NULL,
        Some(range) if range.len() == 2 && range.null_count() == 0 => {
            Outcomes { yes: range.value(1), no: !range.value(0), null }
        }
        _ => Outcomes { null, ..Outcomes::ANY },
    }
}

fn is_null(e: &Expr, facts: &dyn Fn(&str) -> Facts) -> Outcomes {
    match (e, name_of(e)) {
        (Expr::Literal(value), _) => Outcomes::of(Some(value.is_null())),
        (_, Some(name)) => {
            let nulls = facts(&name).nulls;
            Outcomes { yes: nulls != Nulls::None, no: nulls != Nulls::All, null: false }
        }
        _ => Outcomes { null: false, ..Outcomes::ANY },
    }
}

/// A column compared with a value. The engine's own comparison is asked about the ends of the range, so that types
/// meet and values compare exactly as they will for the rows.
fn compare(op: Compare, facts: &Facts, value: &Scalar) -> Outcomes {
    if value.is_null() || facts.nulls == Nulls::All {
        return Outcomes::NULL;
    }
    let null = facts.nulls != Nulls::None;
    if op == Compare::Eq && facts.lacks.as_ref().is_some_and(|lacks| (lacks.0)(value)) {
        return Outcomes { yes: false, no: true, null };
    }
    let unknown = Outcomes { null, ..Outcomes::ANY };
    let Some(range) = facts.range.as_ref().filter(|r| r.len() == 2 && r.null_count() == 0 && !has_nan(r)) else {
        return unknown;
    };
    let ask = |op: Compare| ends(op, range, value);
    let (Some((low_lt, high_lt)), Some((low_gt, high_gt))) = (ask(Compare::Lt), ask(Compare::Gt)) else {
        return unknown;
    };
    // statistics leave NaN out: such a row may be there, and it compares false (but true for `!=`)
    let nan = range.data_type().is_floating();
    let within = !low_gt && !high_lt;
    let only = !low_gt && !low_lt && !high_gt && !high_lt;
    let (yes, no) = match op {
        Compare::Gt => (high_gt, !low_gt),
        Compare::Ge => (!high_lt, low_lt),
        Compare::Lt => (low_lt, !high_lt),
        Compare::Le => (!low_gt, high_gt),
        Compare::Eq => (within, !only),
        Compare::Ne => (!only || nan, within),
    };
    // against NaN itself neither end is below or above, which says nothing
    if has_nan(value.array()) {
        return Outcomes { yes: op == Compare::Ne, no: op != Compare::Ne, null };
    }
    Outcomes { yes, no: no || (nan && op != Compare::Ne), null }
}

/// A column looked up in a list: it is one of its values, one by one. Lists of many are taken for possible.
fn is_in(list: &IsIn, facts: &Facts) -> Outcomes {
    const MANY: usize = 1000;
    let null = facts.nulls != Nulls::None;
    if facts.nulls == Nulls::All {
        return Outcomes::NULL;
    }
    let values = list.values();
    let yes = values.len() > MANY || values.iter().any(|value| compare(Compare::Eq, facts, value).yes);
    Outcomes { yes, no: true, null }
}

/// `op` between the lower and the upper end of a range and a value.
fn ends(op: Compare, range: &ArrayRef, value: &Scalar) -> Option<(bool, bool)> {
    let result = op.eval(&[Value::Array(range.clone()), Value::Scalar(value.clone())], 2).ok()?;
    let Value::Array(array) = result else { return None };
    let bits: &BooleanArray = array.as_boolean_opt()?;
    (bits.len() == 2 && bits.null_count() == 0).then(|| (bits.value(0), bits.value(1)))
}

fn has_nan(array: &ArrayRef) -> bool {
    match array.data_type() {
        DataType::Float64 => array.as_primitive::<Float64Type>().values().iter().any(|v| v.is_nan()),
        DataType::Float32 => array.as_primitive::<Float32Type>().values().iter().any(|v| v.is_nan()),
        DataType::Float16 => true,
        _ => false,
    }
}

#[cfg(test)]
pub(super) mod tests {
    use arrow::array::{Float64Array, Int64Array, RecordBatch, StringArray};
    use proptest::prelude::*;

    use super::*;
    use crate::expr::{Program, col, lit};

    fn nulls(array: &dyn Array) -> Nulls {
        match array.null_count() {
            0 => Nulls::None,
            n if n == array.len() => Nulls::All,
            _ => Nulls::Some,
        }
    }

    fn facts_of(batch: &RecordBatch, name: &str) -> Facts {
        let column = batch.column_by_name(name).unwrap();
        let range: Option<ArrayRef> = match column.data_type() {
            DataType::Float64 => {
                let values = column.as_primitive::<Float64Type>().iter().flatten().filter(|v| !v.is_nan());
                let (low, high) = values.fold((f64::INFINITY, f64::NEG_INFINITY), |(l, h), v| (l.min(v), h.max(v)));
                (low <= high).then(|| Arc::new(Float64Array::from(vec![low, high])) as ArrayRef)
            }
            DataType::Int64 => {
                let array = column.as_primitive::<arrow::datatypes::Int64Type>();
                let (low, high) = (array.iter().flatten().min(), array.iter().flatten().max());
                low.zip(high).map(|(l, h)| Arc::new(Int64Array::from(vec![l, h])) as ArrayRef)
            }
            _ => {
                let array = column.as_string::<i32>();
                let (low, high) = (array.iter().flatten().min(), array.iter().flatten().max());
                low.zip(high).map(|(l, h)| Arc::new(StringArray::from(vec![l, h])) as ArrayRef)
            }
        };
        Facts { range, nulls: nulls(column), lacks: None }
    }

    pub fn float() -> impl Strategy<Value = f64> {
        prop_oneof![8 => (-6i8..6).prop_map(f64::from), 1 => Just(f64::NAN), 1 => Just(-0.0), 1 => Just(f64::INFINITY)]
    }

    fn comparison(op: u8, a: Expr, b: Expr) -> Expr {
        match op % 6 {
            0 => a.gt(b),
            1 => a.ge(b),
            2 => a.lt(b),
            3 => a.le(b),
            4 => a.eq(b),
            _ => a.ne(b),
        }
    }

    fn leaf() -> impl Strategy<Value = Expr> {
        let text = proptest::sample::select(vec!["", "a", "b", "ba", "c", "é"]);
        prop_oneof![
            (any::<u8>(), float(), any::<bool>()).prop_map(|(op, v, flip)| if flip {
                comparison(op, lit(v), col("x"))
            } else {
                comparison(op, col("x"), lit(v))
            }),
            (any::<u8>(), -6i64..6).prop_map(|(op, v)| comparison(op, col("i"), lit(v))),
            (any::<u8>(), float()).prop_map(|(op, v)| comparison(op, col("i"), lit(v))),
            (any::<u8>(), text).prop_map(|(op, v)| comparison(op, col("s"), lit(v))),
            any::<u8>().prop_map(|op| comparison(op, col("x"), col("i"))),
            proptest::collection::vec(-6i64..6, 0..3).prop_map(|list| col("i").is_in(list)),
            proptest::collection::vec(float(), 0..3).prop_map(|list| col("x").is_in(list)),
            proptest::collection::vec(-6i64..6, 1..3).prop_map(|list| col("x").is_in(list)),
            Just(col("x").is_null()),
            Just(col("i").is_not_null()),
            Just(col("x").is_nan()),
            Just(lit(Scalar::null_of(&DataType::Boolean))),
            any::<bool>().prop_map(lit),
        ]
    }

    pub fn predicate() -> impl Strategy<Value = Expr> {
        leaf().prop_recursive(4, 16, 2, |inner| {
            prop_oneof![
                (inner.clone(), inner.clone()).prop_map(|(a, b)| a & b),
                (inner.clone(), inner.clone()).prop_map(|(a, b)| a | b),
                (inner.clone(), inner.clone()).prop_map(|(a, b)| a ^ b),
                inner.clone().prop_map(|a| !a),
                (inner, any::<bool>()).prop_map(|(a, fill)| a.fillna(fill)),
            ]
        })
    }

    proptest! {
        #[test]
        fn no_matching_row_is_ruled_out(
            rows in proptest::collection::vec(
                (
                    proptest::option::of(float()),
                    proptest::option::of(-6i64..6),
                    proptest::option::of(proptest::sample::select(vec!["", "a", "ab", "b", "c", "é"])),
                ),
                1..6,
            ),
            predicate in predicate(),
        ) {
            let x: Float64Array = rows.iter().map(|r| r.0).collect();
            let i: Int64Array = rows.iter().map(|r| r.1).collect();
            let s: StringArray = rows.iter().map(|r| r.2).collect();
            let batch = RecordBatch::try_from_iter_with_nullable([
                ("x", Arc::new(x) as ArrayRef, true),
                ("i", Arc::new(i) as ArrayRef, true),
                ("s", Arc::new(s) as ArrayRef, true),
            ])
            .unwrap();
            let result = Program::new(std::slice::from_ref(&predicate), &batch.schema()).unwrap().run(&batch).unwrap();
            let any = result.column(0).as_boolean().true_count() > 0;
            let possible = can_be_true(&predicate, &|name| facts_of(&batch, name));
            prop_assert!(possible || !any, "{predicate}");
            prop_assert!(can_be_true(&predicate, &|_| Facts::unknown()) || !any);
        }
    }

    #[test]
    fn what_cannot_be_is_ruled_out() {
        let range: ArrayRef = Arc::new(Float64Array::from(vec![1.0, 5.0]));
        let facts = |_: &str| Facts { range: Some(range.clone()), nulls: Nulls::None, lacks: None };
        let possible = |e: Expr| can_be_true(&e, &facts);
        assert!(!possible(col("x").gt(5)) && possible(col("x").ge(5)));
        assert!(!possible(col("x").lt(1.0)) && possible(col("x").le(1.0)));
        assert!(!possible(col("x").eq(0)) && possible(col("x").eq(3)));
        assert!(!possible(lit(9).lt(col("x"))) && possible(lit(2).lt(col("x"))));
        assert!(!possible(col("x").is_null()) && possible(col("x").is_not_null()));
        assert!(!possible(col("x").gt(5).fillna(false)) && possible(!col("x").gt(0)), "a NaN may be there");
        assert!(!possible(col("x").gt(5) | col("x").lt(1)) && !possible(col("x").gt(2) & col("x").lt(0)));
        assert!(!possible(col("x").gt(f64::NAN)) && possible(col("x").ne(f64::NAN)));
        let missing = |e: Expr| can_be_true(&e, &|_| Facts::all_null());
        assert!(!missing(col("x").gt(0)) && !missing(!col("x").gt(0)) && missing(col("x").is_null()));
        assert!(missing(col("x").gt(0).fillna(true)));
    }
}
