//! `field`

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, StructArray};
use arrow::compute::nullif;
use arrow::datatypes::{DataType, FieldRef, Fields, Schema};

use crate::base::schema::unknown_column;
use crate::base::{Error, Identity, Result, Tokenizer};
use crate::expr::{Arg, Expr, Notation, Portable, ScalarFn, Value};

/// The field of structs that has this name; null where the struct is (Polars' `struct.field`).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct StructField(pub Arc<str>);

impl fmt::Display for StructField {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "field({:?})", self.0)
    }
}

impl Identity for StructField {
    fn token(&self, t: &mut Tokenizer) {
        t.str("struct field");
        t.str(&self.0);
    }
}

impl ScalarFn for StructField {
    fn return_field(&self, args: &[Arg<'_>]) -> Result<FieldRef> {
        let [Arg { field, .. }] = args else { return Err(Error::invalid("`field` takes one operand")) };
        let fields = fields_of(field.data_type()).ok_or_else(|| {
            let what = format!("`{self}` needs structs, but `{}` is {}", field.name(), field.data_type());
            Error::types(what)
        })?;
        let found = fields.iter().find(|f| *f.name() == *self.0);
        let found =
            found.ok_or_else(|| unknown_column(&Schema::new(fields.clone()), &self.0).at_column(field.name()))?;
        let nullable = found.is_nullable() || field.is_nullable();
        Ok(Arc::new(found.as_ref().clone().with_nullable(nullable)))
    }

    fn eval(&self, args: &[Value], _rows: usize) -> Result<Value> {
        let [value] = args else { return Err(Error::invalid("`field` takes one operand")) };
        let missing = || Error::invalid(format!("the structs have no `{self}`"));
        let structs = value.rows().as_struct_opt().ok_or_else(missing)?;
        Ok(value.like(field_of(structs, &self.0).ok_or_else(missing)??))
    }

    fn can_fail(&self) -> bool {
        false
    }

    fn notation(&self) -> Notation {
        Notation::Method
    }

    fn portable(&self) -> Option<Portable> {
        Portable::of("field", &self.0.to_string())
    }
}

fn fields_of(data_type: &DataType) -> Option<&Fields> {
    match data_type {
        DataType::Struct(fields) => Some(fields),
        _ => None,
    }
}

/// The field of this name, null where the struct is.
fn field_of(structs: &StructArray, name: &str) -> Option<Result<ArrayRef>> {
    let column = structs.column_by_name(name)?;
    Some(match structs.nulls() {
        Some(nulls) if nulls.null_count() > 0 && !column.data_type().is_null() => {
            nullif(column, &BooleanArray::new(!nulls.inner(), None)).map_err(Error::from)
        }
        _ => Ok(column.clone()),
    })
}

/// The part of a column that is looked at: the names of fields, outermost first; none for the whole column.
pub type Path = Vec<Arc<str>>;

/// What `e` looks at of the columns called so: paths into structs.
pub fn paths(e: &Expr) -> BTreeSet<(Arc<str>, Path)> {
    let mut found = BTreeSet::new();
    let mut todo = vec![e];
    while let Some(e) = todo.pop() {
        if let Some(path) = path(e) {
            found.insert(path);
            continue;
        }
        match e.unaliased() {
            Expr::Call { args, .. } => todo.extend(args.iter()),
            Expr::Column(name) => {
                found.insert((name.clone(), Path::new()));
            }
            Expr::Literal(_) | Expr::Alias(..) => {}
        }
    }
    found
}

/// What is looked at, for each column of a schema.
pub fn by_column(schema: &Schema, looked: impl IntoIterator<Item = (Arc<str>, Path)>) -> Vec<BTreeSet<Path>> {
    let mut columns = vec![BTreeSet::new(); schema.fields().len()];
    for (name, path) in looked {
        let same = schema.fields().iter().zip(&mut columns).filter(|(field, _)| *field.name() == *name);
        same.for_each(|(_, paths)| {
            paths.insert(path.clone());
        });
    }
    columns
}

/// The column and the fields, if `e` is a field of a column, or of a field of one.
pub fn path(e: &Expr) -> Option<(Arc<str>, Path)> {
    let (mut at, mut path) = (e.unaliased(), Path::new());
    loop {
        match at {
            Expr::Column(name) if !path.is_empty() => {
                path.reverse();
                return Some((name.clone(), path));
            }
            Expr::Call { func, args } => {
                let field = (func.as_ref() as &dyn std::any::Any).downcast_ref::<StructField>()?;
                path.push(field.0.clone());
                at = args.first()?.unaliased();
            }
            _ => return None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::expr::{Program, col};
    use arrow::array::{Int64Array, RecordBatch, StringArray};
    use arrow::buffer::NullBuffer;
    use arrow::datatypes::{Field, Int64Type};

    fn batch() -> RecordBatch {
        let inner = Fields::from(vec![Field::new("x", DataType::Int64, false)]);
        let x: ArrayRef = Arc::new(Int64Array::from(vec![1, 2, 3, 4]));
        let inner_array =
            StructArray::new(inner.clone(), vec![x], Some(NullBuffer::from(vec![true, false, true, true])));
        let outer = Fields::from(vec![
            Field::new("inner", DataType::Struct(inner), true),
            Field::new("name", DataType::Utf8, true),
        ]);
        let names: ArrayRef = Arc::new(StringArray::from(vec![Some("a"), Some("b"), None, Some("d")]));
        let nulls = NullBuffer::from(vec![true, true, true, false]);
        let outer_array = StructArray::new(outer, vec![Arc::new(inner_array), names], Some(nulls));
        RecordBatch::try_from_iter_with_nullable([("s", Arc::new(outer_array) as ArrayRef, true)]).unwrap()
    }

    #[test]
    fn a_field_is_null_where_its_struct_is() {
        let x = col("s").field("inner").field("x");
        let result = Program::new(&[x, col("s").field("name")], &batch().schema()).unwrap().run(&batch()).unwrap();
        let numbers: Vec<_> = result.column(0).as_primitive::<Int64Type>().iter().collect();
        assert_eq!(numbers, [Some(1), None, Some(3), None]);
        let names: Vec<_> = result.column(1).as_string::<i32>().iter().collect();
        assert_eq!(names, [Some("a"), Some("b"), None, None]);
        let shown: Vec<_> = result.schema().fields().iter().map(|f| (f.name().clone(), f.is_nullable())).collect();
        assert_eq!(shown, [("x".to_string(), true), ("name".to_string(), true)]);
        let sliced = batch().slice(2, 2);
        let result =
            Program::new(&[col("s").field("inner").field("x")], &sliced.schema()).unwrap().run(&sliced).unwrap();
        assert_eq!(result.column(0).as_primitive::<Int64Type>().iter().collect::<Vec<_>>(), [Some(3), None]);
    }

    #[test]
    fn what_is_no_field_is_refused() {
        let schema = batch().schema();
        let error = |e: Expr| e.to_field(&schema).unwrap_err().to_string();
        let unknown = error(col("s").field("nam"));
        assert!(unknown.contains("did you mean `name`"), "{unknown}");
        let number = error(col("s").field("name").field("x"));
        assert!(number.contains("needs structs"), "{number}");
    }

    #[test]
    fn paths_say_what_is_looked_at() {
        let of = |e: &Expr| {
            let all = paths(e).into_iter();
            all.map(|(column, path)| format!("{column}/{}", path.join("/"))).collect::<Vec<_>>()
        };
        let e = col("s").field("inner").field("x").gt(1) & col("s").field("name").is_null();
        assert_eq!(of(&e), ["s/inner/x", "s/name"]);
        assert_eq!(of(&col("s").is_null()), ["s/"]);
        assert_eq!(of(&(col("a") + col("s").field("name").field("b"))), ["a/", "s/name/b"]);
    }
}
