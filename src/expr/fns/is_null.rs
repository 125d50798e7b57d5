//! `is_null` and `is_not_null`

use std::fmt;
use std::sync::Arc;

use arrow::compute::kernels::boolean;
use arrow::datatypes::{DataType, Field, FieldRef};

use crate::base::{Error, Identity, Result, Tokenizer};
use crate::expr::{Arg, Notation, Portable, ScalarFn, Value};

/// Whether a value is null (or is not); NaN is a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
pub struct IsNull {
    /// Asks for values that are there.
    pub negated: bool,
}

impl fmt::Display for IsNull {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.negated { "is_not_null" } else { "is_null" })
    }
}

impl Identity for IsNull {
    fn token(&self, t: &mut Tokenizer) {
        t.str("is_null");
        t.u64(u64::from(self.negated));
    }
}

impl ScalarFn for IsNull {
    fn return_field(&self, args: &[Arg<'_>]) -> Result<FieldRef> {
        let [a] = args else { return Err(Error::invalid(format!("`{self}` takes one operand"))) };
        Ok(Arc::new(Field::new(a.field.name(), DataType::Boolean, false)))
    }

    fn eval(&self, args: &[Value], _rows: usize) -> Result<Value> {
        let [a] = args else { return Err(Error::invalid(format!("`{self}` takes one operand"))) };
        let rows = a.rows().as_ref();
        let result = if self.negated { boolean::is_not_null(rows)? } else { boolean::is_null(rows)? };
        Ok(a.like(Arc::new(result)))
    }

    fn can_fail(&self) -> bool {
        false
    }

    fn notation(&self) -> Notation {
        Notation::Method
    }

    fn portable(&self) -> Option<Portable> {
        Portable::of("is_null", self)
    }
}
