//! Several values as one, and one of them back: for operations that pass whole rows on.

use std::fmt;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, StructArray};
use arrow::datatypes::{DataType, Field, FieldRef, Fields};

use crate::base::schema::logical;
use crate::base::{Error, Identity, Result, Tokenizer};
use crate::expr::{Arg, Portable, ScalarFn, Value};

/// Its operands as the fields of a record, under their places. A record is never null.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Pack;

/// The field of a record at this place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Unpack(pub usize);

impl fmt::Display for Pack {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("pack")
    }
}

impl fmt::Display for Unpack {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "unpack_{}", self.0)
    }
}

impl Identity for Pack {
    fn token(&self, t: &mut Tokenizer) {
        t.str("pack");
    }
}

impl Identity for Unpack {
    fn token(&self, t: &mut Tokenizer) {
        t.str("unpack");
        t.u64(self.0 as u64);
    }
}

impl ScalarFn for Pack {
    fn return_field(&self, args: &[Arg<'_>]) -> Result<FieldRef> {
        let fields = args.iter().enumerate().map(|(i, arg)| {
            let field = arg.field.as_ref().clone().with_name(i.to_string());
            field.with_data_type(logical(arg.data_type())).with_nullable(true)
        });
        Ok(Arc::new(Field::new("record", DataType::Struct(fields.collect()), false)))
    }

    fn eval(&self, args: &[Value], rows: usize) -> Result<Value> {
        let columns = args.iter().map(|value| {
            let column = value.clone().into_array(rows)?;
            let plain = logical(column.data_type());
            Ok(if plain == *column.data_type() { column } else { arrow::compute::cast(&column, &plain)? })
        });
        let columns = columns.collect::<Result<Vec<ArrayRef>>>()?;
        let fields = columns.iter().enumerate().map(|(i, c)| Field::new(i.to_string(), c.data_type().clone(), true));
        let fields: Fields = fields.collect();
        Ok(Value::Array(Arc::new(StructArray::try_new_with_length(fields, columns, None, rows)?)))
    }

    fn can_fail(&self) -> bool {
        false
    }

    fn portable(&self) -> Option<Portable> {
        Portable::of("pack", &())
    }
}

impl ScalarFn for Unpack {
    fn return_field(&self, args: &[Arg<'_>]) -> Result<FieldRef> {
        match args {
            [Arg { field, .. }] => match field.data_type() {
                DataType::Struct(fields) => fields.get(self.0).cloned().ok_or_else(no_field),
                other => Err(Error::types(format!("{other} is no record"))),
            },
            _ => Err(Error::invalid("unpack takes one operand")),
        }
    }

    fn eval(&self, args: &[Value], _rows: usize) -> Result<Value> {
        let [value] = args else { return Err(Error::invalid("unpack takes one operand")) };
        let records = value.rows().as_struct_opt().ok_or_else(no_field)?;
        let column = records.columns().get(self.0).ok_or_else(no_field)?;
        Ok(value.like(column.slice(0, records.len())))
    }

    fn can_fail(&self) -> bool {
        false
    }

    fn portable(&self) -> Option<Portable> {
        Portable::of("unpack", &self.0)
    }
}

fn no_field() -> Error {
    Error::invalid("the record has no such field")
}
