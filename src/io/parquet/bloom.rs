//! Bloom filters: which values a row group certainly lacks.

use std::sync::Arc;

use arrow::array::{Array, AsArray};
use arrow::datatypes::{DataType, Float32Type, Float64Type, Int32Type, Int64Type, SchemaRef, TimeUnit};
use parquet::basic::Type;
use parquet::bloom_filter::Sbbf;
use rustc_hash::FxHashMap;

use super::footer::{Footer, guarded};
use super::pages::Pages;
use super::prune::{Facts, Lacks, can_be_true, name_of};
use super::statistics::{Column, facts_of};
use crate::expr::fns::cast::convert;
use crate::expr::fns::{Compare, IsIn};
use crate::expr::{Expr, Scalar};

/// Whether row group `group` can have rows for which `predicate` is true, asking its Bloom filters too: those of columns
/// that are compared with values by `==` or `is_in`.
pub fn can_match(
    footer: &Footer,
    pages: &Pages,
    group: usize,
    predicate: &Expr,
    schema: &SchemaRef,
    places: &[Option<usize>],
) -> bool {
    let filters: FxHashMap<String, Lacks> = compared(predicate)
        .into_iter()
        .filter_map(|name| {
            let lacks = lacks(&Column::named(footer, group, &name, schema, places)?, pages)?;
            Some((name, lacks))
        })
        .collect();
    filters.is_empty()
        || can_be_true(predicate, &|name| {
            let facts = facts_of(footer, group, name, schema, places);
            Facts { lacks: filters.get(name).cloned(), ..facts }
        })
}

/// The columns that are compared for equality.
fn compared(predicate: &Expr) -> Vec<String> {
    let mut names = Vec::new();
    predicate.visit(&mut |e| {
        let Expr::Call { func, args } = e else { return };
        let func = func.as_ref() as &dyn std::any::Any;
        if func.downcast_ref::<Compare>() == Some(&Compare::Eq) || func.is::<IsIn>() {
            names.extend(args.iter().filter_map(name_of));
        }
    });
    names.sort_unstable();
    names.dedup();
    names
}

/// A filter has no more bytes than this.
const LARGEST: i32 = 128 << 20;

fn lacks(column: &Column<'_>, pages: &Pages) -> Option<Lacks> {
    let chunk = column.chunk();
    chunk.bloom_filter_offset().filter(|_| chunk.bloom_filter_length().is_none_or(|l| (1..=LARGEST).contains(&l)))?;
    let filter = guarded(|| Sbbf::read_from_column_chunk(chunk, pages)).ok()??;
    let (stored, physical) = (column.stored().clone(), chunk.column_type());
    Some(Lacks(Arc::new(move |value| is_lacking(&filter, value, &stored, physical) == Some(true))))
}

/// Whether no value of the column is equal to `value`; `None` if that cannot be told. The value is looked up as the file
/// would store it: where it changes on the way there, what it is equal to is not known.
fn is_lacking(filter: &Sbbf, value: &Scalar, stored: &DataType, physical: Type) -> Option<bool> {
    if !same_kind(value.data_type(), stored) {
        return None;
    }
    let there = convert(value.array(), stored).ok()?;
    let back = convert(&there, value.data_type()).ok()?;
    if there.is_null(0) || back.as_ref() != value.array().as_ref() {
        return None;
    }
    match physical {
        Type::INT32 => {
            let bits = arrow::compute::cast(&there, &DataType::Int32).ok()?;
            Some(!filter.check(&bits.as_primitive::<Int32Type>().value(0)))
        }
        Type::INT64 => {
            let bits = arrow::compute::cast(&there, &DataType::Int64).ok()?;
            Some(!filter.check(&bits.as_primitive::<Int64Type>().value(0)))
        }
        // there are two zeros, and NaN is equal to nothing
        Type::DOUBLE => {
            let value = there.as_primitive_opt::<Float64Type>()?.value(0);
            Some(value.is_nan() || !(filter.check(&value) || value == 0.0 && filter.check(&-value)))
        }
        Type::FLOAT => {
            let value = there.as_primitive_opt::<Float32Type>()?.value(0);
            Some(value.is_nan() || !(filter.check(&value) || value == 0.0 && filter.check(&-value)))
        }
        Type::BYTE_ARRAY => Some(!filter.check(there.as_string_opt::<i32>()?.value(0))),
        _ => None,
    }
}

/// Whether two types are of a kind in which equal values are converted into each other.
fn same_kind(a: &DataType, b: &DataType) -> bool {
    let whole = |t: &DataType| t.is_signed_integer();
    let text = |t: &DataType| matches!(t, DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View);
    match (a, b) {
        (DataType::Timestamp(_, x), DataType::Timestamp(unit, y)) => x == y && *unit != TimeUnit::Second,
        (DataType::Float32 | DataType::Float64, DataType::Float32 | DataType::Float64) => true,
        _ => whole(a) && whole(b) || text(a) && text(b) || a == b && *a == DataType::Date32,
    }
}
