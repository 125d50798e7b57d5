//! `when(..).then(..).otherwise(..)`

use std::fmt;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, Datum, Scalar as One};
use arrow::compute::kernels::zip::zip;
use arrow::datatypes::{DataType, Field, FieldRef};

use super::pairs::rows_together;
use crate::base::{Error, Identity, Result, Tokenizer};
use crate::expr::coerce::{meet_all, meet_all_values, to_type};
use crate::expr::{Arg, Portable, ScalarFn, Value};

/// The value after the first condition that is true; conditions that are null are not true. Arguments are conditions
/// and values by turns, at the end the value where none is true.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
pub struct When;

impl fmt::Display for When {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("when")
    }
}

impl Identity for When {
    fn token(&self, t: &mut Tokenizer) {
        t.str("when");
    }
}

/// Where the values are among so many arguments.
fn is_value(position: usize, arguments: usize) -> bool {
    position % 2 == 1 || position + 1 == arguments
}

fn check(arguments: usize) -> Result<()> {
    if arguments % 2 == 1 && arguments > 1 {
        return Ok(());
    }
    Err(Error::invalid("`when` takes conditions and values by turns, and at the end a value"))
}

impl ScalarFn for When {
    fn return_field(&self, args: &[Arg<'_>]) -> Result<FieldRef> {
        check(args.len())?;
        let (mut values, mut name) = (Vec::new(), None);
        for (i, arg) in args.iter().enumerate() {
            if is_value(i, args.len()) {
                // the name is that of the first value that is a column
                if arg.constant.is_none() {
                    name = name.or(Some(arg.field.name().clone()));
                }
                values.push(arg.clone());
            } else if !matches!(arg.data_type(), DataType::Boolean | DataType::Null) {
                let what =
                    format!("a condition of `when` must be boolean, but `{}` is {}", arg.field.name(), arg.data_type());
                return Err(Error::types(what).help("compare it with something, for example .gt(0)"));
            }
        }
        let nullable = values.iter().any(|v| v.field.is_nullable());
        let name = name.unwrap_or_else(|| args[1].field.name().clone());
        Ok(Arc::new(Field::new(name, meet_all(&values)?, nullable)))
    }

    fn eval(&self, args: &[Value], rows: usize) -> Result<Value> {
        check(args.len())?;
        let rows = rows_together(args, rows);
        let values: Vec<&Value> =
            args.iter().enumerate().filter(|(i, _)| is_value(*i, args.len())).map(|(_, v)| v).collect();
        let data_type = meet_all_values(&values)?;
        let Some((last, pairs)) = args.split_last() else { return Err(Error::invalid("`when` takes arguments")) };
        // from the last branch to the first, which wins
        let mut chosen = to_type(last, &data_type)?;
        for pair in pairs.chunks(2).rev() {
            let [condition, value] = pair else { continue };
            let value = to_type(value, &data_type)?;
            chosen = branch(condition, value, chosen, rows)?;
        }
        let all_scalars = args.iter().all(|a| matches!(a, Value::Scalar(_)));
        Ok(if all_scalars { chosen } else { Value::Array(chosen.into_array(rows)?) })
    }

    fn portable(&self) -> Option<Portable> {
        Portable::of("when", self)
    }
}

fn branch(condition: &Value, value: Value, otherwise: Value, rows: usize) -> Result<Value> {
    let condition = to_type(condition, &DataType::Boolean)?;
    let verdicts = condition.rows().as_boolean();
    match &condition {
        Value::Scalar(_) => Ok(if verdicts.is_valid(0) && verdicts.value(0) { value } else { otherwise }),
        Value::Array(_) => {
            let chosen = zip(&truths(verdicts), datum(&value).as_ref(), datum(&otherwise).as_ref())?;
            debug_assert_eq!(chosen.len(), rows);
            Ok(Value::Array(chosen))
        }
    }
}

/// Null is not true.
fn truths(verdicts: &BooleanArray) -> BooleanArray {
    match verdicts.nulls() {
        Some(nulls) => BooleanArray::new(verdicts.values() & nulls.inner(), None),
        None => verdicts.clone(),
    }
}

fn datum(value: &Value) -> Box<dyn Datum> {
    match value {
        Value::Array(array) => Box::new(array.clone()),
        Value::Scalar(scalar) => Box::new(One::new(ArrayRef::clone(scalar.array()))),
    }
}
