//! `-x`

use std::fmt;
use std::sync::Arc;

use arrow::compute::kernels::numeric;
use arrow::datatypes::{DataType, Field, FieldRef};

use crate::base::{Error, Identity, Result, Tokenizer};
use crate::expr::{Arg, Notation, ScalarFn, Value};

/// The number with the other sign; the smallest whole number of a type is an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Negate;

impl fmt::Display for Negate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("-")
    }
}

impl Identity for Negate {
    fn token(&self, t: &mut Tokenizer) {
        t.str("negate");
    }
}

impl ScalarFn for Negate {
    fn return_field(&self, args: &[Arg<'_>]) -> Result<FieldRef> {
        let [a] = args else { return Err(Error::invalid("`-` takes one operand")) };
        let signed = a.data_type().is_signed_integer() || a.data_type().is_floating();
        let other = matches!(a.data_type(), DataType::Decimal128(..) | DataType::Duration(_));
        if !signed && !other {
            let what = format!("`-` needs a signed number, but `{}` is {}", a.field.name(), a.data_type());
            return Err(Error::types(what).help("cast it to Int64 or Float64 first"));
        }
        Ok(Arc::new(Field::new(a.field.name(), a.data_type().clone(), a.field.is_nullable())))
    }

    fn eval(&self, args: &[Value], _rows: usize) -> Result<Value> {
        let [a] = args else { return Err(Error::invalid("`-` takes one operand")) };
        Ok(a.like(numeric::neg(a.rows().as_ref())?))
    }

    fn notation(&self) -> Notation {
        Notation::Prefix
    }
}
