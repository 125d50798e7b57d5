//! What the statistics of a row group say of its columns, in the types of the unified schema.

use arrow::array::ArrayRef;
use arrow::datatypes::{DataType, Field, SchemaRef};
use parquet::arrow::arrow_reader::statistics::StatisticsConverter;
use parquet::basic::{ColumnOrder, SortOrder, Type};
use parquet::file::metadata::{ColumnChunkMetaData, RowGroupMetaData};

use super::footer::Footer;
use super::prune::{Facts, Nulls, can_be_true};
use crate::expr::Expr;
use crate::expr::fns::cast::convert;

/// Whether row group `group` of a file can have rows for which `predicate` is true. `schema` and `places` are the
/// unified schema and where the file has its columns.
pub fn can_match(
    footer: &Footer,
    group: usize,
    predicate: &Expr,
    schema: &SchemaRef,
    places: &[Option<usize>],
) -> bool {
    let row_group = footer.metadata().row_group(group);
    can_be_true(predicate, &|name| match schema.fields().iter().position(|f| f.name() == name) {
        None => Facts::unknown(),
        Some(column) => match places.get(column).copied().flatten() {
            None => Facts::all_null(),
            Some(root) => facts(footer, row_group, root, schema.field(column).data_type()),
        },
    })
}

/// What is known of column `root` of a row group, its range as values of type `wanted`.
fn facts(footer: &Footer, group: &RowGroupMetaData, root: usize, wanted: &DataType) -> Facts {
    let field = footer.reader.schema().field(root);
    if field.data_type().is_null() {
        return Facts::all_null();
    }
    let Some(leaf) = only_leaf(footer, root) else { return Facts::unknown() };
    let Some(chunk) = group.columns().get(leaf) else { return Facts::unknown() };
    let Some(statistics) = chunk.statistics() else { return Facts::unknown() };
    let rows = u64::try_from(group.num_rows()).unwrap_or(u64::MAX);
    let nulls = match statistics.null_count_opt() {
        None => Nulls::Unknown,
        Some(0) => Nulls::None,
        Some(n) if n == rows => Nulls::All,
        Some(_) => Nulls::Some,
    };
    Facts { range: range(footer, group, field, leaf, wanted), nulls }
}

/// The only leaf below a column of the schema, if it is a plain column.
fn only_leaf(footer: &Footer, root: usize) -> Option<usize> {
    let descriptor = footer.reader.parquet_schema();
    let mut leaves = (0..descriptor.num_columns()).filter(|&leaf| descriptor.get_column_root_idx(leaf) == root);
    let leaf = leaves.next()?;
    let plain = descriptor.get_column_root(leaf).is_primitive() && descriptor.column(leaf).max_rep_level() == 0;
    (plain && leaves.next().is_none()).then_some(leaf)
}

fn range(footer: &Footer, group: &RowGroupMetaData, field: &Field, leaf: usize, wanted: &DataType) -> Option<ArrayRef> {
    if !ordered(footer, group.columns().get(leaf)?, field.data_type(), leaf) || !keeps_order(field.data_type(), wanted)
    {
        return None;
    }
    let converter = StatisticsConverter::from_column_index(leaf, field, footer.reader.parquet_schema()).ok()?;
    let (low, high) = (converter.row_group_mins([group]).ok()?, converter.row_group_maxes([group]).ok()?);
    let both = arrow::compute::concat(&[low.as_ref(), high.as_ref()]).ok()?;
    (both.len() == 2 && both.null_count() == 0).then(|| convert(&both, wanted).ok())?
}

/// Whether the smallest and the largest value are those of Arrow's order. Older writers compared strings and unsigned
/// numbers as signed ones; decimals, INT96 and the rest are left out.
fn ordered(footer: &Footer, chunk: &ColumnChunkMetaData, data_type: &DataType, leaf: usize) -> bool {
    let order = footer.metadata().file_metadata().column_orders().and_then(|o| o.get(leaf).copied());
    let unknown = matches!(order, Some(ColumnOrder::UNKNOWN));
    let deprecated = chunk.statistics().is_none_or(|s| s.is_min_max_deprecated());
    match data_type {
        DataType::Utf8 => !deprecated && order == Some(ColumnOrder::TYPE_DEFINED_ORDER(SortOrder::UNSIGNED)),
        DataType::Timestamp(..) => chunk.column_type() == Type::INT64 && !unknown,
        DataType::Int8 | DataType::Int16 | DataType::Int32 | DataType::Int64 => !unknown,
        DataType::Float32 | DataType::Float64 | DataType::Boolean | DataType::Date32 => !unknown,
        _ => false,
    }
}

/// Whether a conversion leaves smaller values smaller (or makes them equal).
fn keeps_order(from: &DataType, to: &DataType) -> bool {
    let number = |t: &DataType| t.is_signed_integer() || matches!(t, DataType::Float32 | DataType::Float64);
    match (from, to) {
        _ if from == to => true,
        (DataType::Timestamp(_, a), DataType::Timestamp(_, b)) => a == b,
        (DataType::Date32, DataType::Timestamp(_, None)) => true,
        _ => number(from) && number(to),
    }
}
