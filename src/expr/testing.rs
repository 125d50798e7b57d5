//! What the tests of functions share: evaluation of one expression over one or two columns `x` and `y`, every time in
//! every way that must agree.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, ArrowPrimitiveType, PrimitiveArray, RecordBatch, new_empty_array};
use arrow::datatypes::{DataType, Field, Schema};

use super::{Expr, Program, Scalar, Value};
use crate::base::Result;

/// A column of numbers.
pub(crate) fn column<N, const LEN: usize>(values: [N; LEN]) -> ArrayRef
where
    Vec<N>: Numbers,
{
    Vec::from(values).column()
}

/// Native numbers that make a column.
pub(crate) trait Numbers {
    fn column(self) -> ArrayRef;
}

macro_rules! numbers {
    ($($native:ty => $arrow:ident),*) => {$(
        impl Numbers for Vec<$native> {
            fn column(self) -> ArrayRef {
                Arc::new(PrimitiveArray::<arrow::datatypes::$arrow>::from(self))
            }
        }
        impl Numbers for Vec<Option<$native>> {
            fn column(self) -> ArrayRef {
                Arc::new(PrimitiveArray::<arrow::datatypes::$arrow>::from(self))
            }
        }
    )*};
}

numbers!(i64 => Int64Type, i32 => Int32Type, f64 => Float64Type, f32 => Float32Type);

/// The values of a column of numbers.
pub(crate) fn values<T: ArrowPrimitiveType>(array: &ArrayRef) -> Vec<Option<T::Native>> {
    arrow::array::AsArray::as_primitive::<T>(array.as_ref()).iter().collect()
}

/// The expression over a column `x`.
pub(crate) fn one(expr: &Expr, x: &ArrayRef) -> Result<ArrayRef> {
    over(expr, &[("x", x)])
}

/// The expression over columns `x` and `y`.
pub(crate) fn two(expr: &Expr, x: &ArrayRef, y: &ArrayRef) -> Result<ArrayRef> {
    over(expr, &[("x", x), ("y", y)])
}

/// The expression over columns. What a program gives must be what the tree gives without one, of the type announced;
/// a slice of the columns must give the slice of the result; literals in place of a row must give that row.
pub(crate) fn over(expr: &Expr, columns: &[(&str, &ArrayRef)]) -> Result<ArrayRef> {
    let fields: Vec<Field> = columns.iter().map(|(name, c)| Field::new(*name, c.data_type().clone(), true)).collect();
    let schema = Arc::new(Schema::new(fields));
    let batch = RecordBatch::try_new(schema.clone(), columns.iter().map(|(_, c)| (*c).clone()).collect()).unwrap();
    let program = Program::new(std::slice::from_ref(expr), &schema)?;
    let found = program.run(&batch)?.column(0).clone();
    let field = expr.to_field(&schema)?;
    assert_eq!(found.data_type(), field.data_type(), "{expr} over {schema}");
    assert!(field.is_nullable() || found.logical_null_count() == 0, "{expr} has nulls");
    let naive = walk(expr, &batch)?.into_array(batch.num_rows())?;
    assert_eq!(&naive, &found, "{expr} without a program");
    if batch.num_rows() > 2 {
        let part = program.run(&batch.slice(1, batch.num_rows() - 2))?;
        assert_eq!(part.column(0), &found.slice(1, found.len() - 2), "{expr} of a slice");
    }
    let none = batch.slice(0, 0);
    assert_eq!(
        program.run(&none)?.column(0).as_ref(),
        new_empty_array(field.data_type()).as_ref(),
        "{expr} of nothing"
    );
    Ok(found)
}

/// The tree evaluated as it stands.
fn walk(expr: &Expr, batch: &RecordBatch) -> Result<Value> {
    Ok(match expr {
        Expr::Column(name) => Value::Array(batch.column_by_name(name).unwrap().clone()),
        Expr::Literal(scalar) => Value::Scalar(scalar.clone()),
        Expr::Alias(inner, _) => walk(inner, batch)?,
        Expr::Call { func, args } => {
            let args: Vec<Value> = args.iter().map(|a| walk(a, batch)).collect::<Result<_>>()?;
            func.eval(&args, batch.num_rows())?
        }
    })
}

/// A function of a literal equals the function of a column filled with it, and folding keeps types.
pub(crate) fn literal_agrees(of: impl Fn(Expr) -> Expr, x: &ArrayRef) {
    for row in 0..x.len() {
        let same = x.slice(row, 1);
        let column = one(&of(super::col("x")), &same);
        let literal = of(Expr::Literal(Scalar::of(x, row)));
        let folded = literal.fold_constants();
        match (&column, &folded) {
            (Ok(column), Ok(Expr::Literal(scalar))) => {
                let as_column: &DataType = column.data_type();
                assert_eq!(scalar.data_type(), as_column, "{literal}");
                assert_eq!(scalar.array(), column, "{literal}");
            }
            (Err(_), Err(_)) => {}
            (column, folded) => panic!("{literal}: {column:?} beside {folded:?}"),
        }
    }
}
