//! What the statistics of a row group say of its columns, in the types of the unified schema.

use arrow::array::{Array, ArrayRef};
use arrow::compute::interleave;
use arrow::datatypes::{DataType, Field, Fields, SchemaRef};
use parquet::arrow::arrow_reader::statistics::StatisticsConverter;
use parquet::basic::{ColumnOrder, SortOrder, Type};
use parquet::file::metadata::{ColumnChunkMetaData, RowGroupMetaData};

use super::footer::Footer;
use super::prune::{BELOW, Facts, Nulls, can_be_true};
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
    can_be_true(predicate, &|name| facts_of(footer, group, name, schema, places))
}

/// What is known of the column called `name` in a row group.
pub fn facts_of(footer: &Footer, group: usize, name: &str, schema: &SchemaRef, places: &[Option<usize>]) -> Facts {
    let column = name.split(BELOW).next().unwrap_or_default();
    let Some(column) = schema.fields().iter().position(|f| f.name() == column) else { return Facts::unknown() };
    let Some(root) = places.get(column).copied().flatten() else { return Facts::all_null() };
    if footer.reader.schema().field(root).data_type().is_null() {
        return Facts::all_null();
    }
    Column::named(footer, group, name, schema, places).map_or_else(Facts::unknown, |column| column.facts())
}

/// A plain column of a row group, and the type in which its values are wanted.
pub struct Column<'a> {
    footer: &'a Footer,
    group: &'a RowGroupMetaData,
    field: &'a Field,
    leaf: usize,
    wanted: &'a DataType,
}

impl<'a> Column<'a> {
    /// Column `root` of row group `group`, wanted as `wanted`; `None` if it is a list, a struct or not there.
    pub fn new(footer: &'a Footer, group: usize, root: usize, wanted: &'a DataType) -> Option<Column<'a>> {
        let group = footer.metadata().row_groups().get(group)?;
        let leaf = only_leaf(footer, root).filter(|&leaf| leaf < group.num_columns())?;
        Some(Column { footer, group, field: footer.reader.schema().field(root), leaf, wanted })
    }

    /// The column called `name`, or the field of structs that `name` is the path of.
    pub fn named(
        footer: &'a Footer,
        group: usize,
        name: &str,
        schema: &'a SchemaRef,
        places: &[Option<usize>],
    ) -> Option<Column<'a>> {
        let mut path = name.split(BELOW);
        let column = schema.index_of(path.next()?).ok()?;
        let root = places.get(column).copied().flatten()?;
        let (mut wanted, mut field) = (schema.field(column).data_type(), footer.reader.schema().field(root));
        let mut names = vec![footer.reader.parquet_schema().root_schema().get_fields().get(root)?.name().to_string()];
        for name in path {
            let (DataType::Struct(to), DataType::Struct(from)) = (wanted, field.data_type()) else { return None };
            wanted = only(to, name)?.data_type();
            field = only(from, name)?;
            names.push(name.to_string());
        }
        if names.len() == 1 {
            return Column::new(footer, group, root, wanted);
        }
        let group = footer.metadata().row_groups().get(group)?;
        let descriptor = footer.reader.parquet_schema();
        let leaf = (0..descriptor.num_columns()).find(|&leaf| descriptor.column(leaf).path().parts() == names)?;
        let plain = descriptor.column(leaf).max_rep_level() == 0 && leaf < group.num_columns();
        plain.then_some(Column { footer, group, field, leaf, wanted })
    }

    /// Where it is in the file.
    pub fn chunk(&self) -> &'a ColumnChunkMetaData {
        self.group.column(self.leaf)
    }

    /// The type in which it is decoded.
    pub fn stored(&self) -> &'a DataType {
        self.field.data_type()
    }

    fn facts(&self) -> Facts {
        let Some(statistics) = self.chunk().statistics() else { return Facts::unknown() };
        let rows = u64::try_from(self.group.num_rows()).unwrap_or(u64::MAX);
        let nulls = match statistics.null_count_opt() {
            None => Nulls::Unknown,
            Some(0) => Nulls::None,
            Some(n) if n == rows => Nulls::All,
            Some(_) => Nulls::Some,
        };
        let deprecated = statistics.is_min_max_deprecated();
        let range = self.range_of(deprecated, |converter| {
            Some((converter.row_group_mins([self.group]).ok()?, converter.row_group_maxes([self.group]).ok()?))
        });
        Facts { range: range.filter(|r| r.len() == 2 && r.null_count() == 0), nulls, ..Facts::default() }
    }

    /// Smallest and largest values by turns, in the type that is wanted; `None` if they tell nothing.
    pub fn range_of(
        &self,
        deprecated: bool,
        ends: impl FnOnce(&StatisticsConverter<'_>) -> Option<(ArrayRef, ArrayRef)>,
    ) -> Option<ArrayRef> {
        if !self.ordered(deprecated) || !keeps_order(self.field.data_type(), self.wanted) {
            return None;
        }
        let descriptor = self.footer.reader.parquet_schema();
        let converter = StatisticsConverter::from_column_index(self.leaf, self.field, descriptor).ok()?;
        let (low, high) = ends(&converter)?;
        let turns: Vec<(usize, usize)> = (0..low.len().min(high.len())).flat_map(|i| [(0, i), (1, i)]).collect();
        let both = interleave(&[low.as_ref(), high.as_ref()], &turns).ok()?;
        convert(&both, self.wanted).ok()
    }

    /// Whether the smallest and the largest value are those of Arrow's order. Older writers compared strings, decimals
    /// and unsigned numbers in other ways; INT96 and the rest are left out.
    fn ordered(&self, deprecated: bool) -> bool {
        let orders = self.footer.metadata().file_metadata().column_orders();
        let order = orders.and_then(|o| o.get(self.leaf).copied());
        let unknown = matches!(order, Some(ColumnOrder::UNKNOWN));
        let is = |wanted| !deprecated && order == Some(ColumnOrder::TYPE_DEFINED_ORDER(wanted));
        match self.field.data_type() {
            DataType::Utf8 => is(SortOrder::UNSIGNED),
            DataType::UInt8 | DataType::UInt16 | DataType::UInt32 | DataType::UInt64 => is(SortOrder::UNSIGNED),
            DataType::Decimal128(..) | DataType::Decimal256(..) => is(SortOrder::SIGNED),
            DataType::Timestamp(..) => self.chunk().column_type() == Type::INT64 && !unknown,
            DataType::Int8 | DataType::Int16 | DataType::Int32 | DataType::Int64 => !unknown,
            DataType::Time32(_) | DataType::Time64(_) => !unknown,
            DataType::Float32 | DataType::Float64 | DataType::Boolean | DataType::Date32 => !unknown,
            _ => false,
        }
    }
}

/// The only field of this name.
fn only<'a>(fields: &'a Fields, name: &str) -> Option<&'a Field> {
    let mut found = fields.iter().filter(|f| f.name() == name);
    let first = found.next()?;
    found.next().is_none().then_some(first.as_ref())
}

/// The only leaf below a column of the schema, if it is a plain column.
fn only_leaf(footer: &Footer, root: usize) -> Option<usize> {
    let descriptor = footer.reader.parquet_schema();
    let mut leaves = (0..descriptor.num_columns()).filter(|&leaf| descriptor.get_column_root_idx(leaf) == root);
    let leaf = leaves.next()?;
    let plain = descriptor.get_column_root(leaf).is_primitive() && descriptor.column(leaf).max_rep_level() == 0;
    (plain && leaves.next().is_none()).then_some(leaf)
}

/// Whether a conversion leaves smaller values smaller (or makes them equal).
fn keeps_order(from: &DataType, to: &DataType) -> bool {
    let number = |t: &DataType| t.is_integer() || matches!(t, DataType::Float32 | DataType::Float64);
    match (from, to) {
        _ if from == to => true,
        (DataType::Timestamp(_, a), DataType::Timestamp(_, b)) => a == b,
        (DataType::Date32, DataType::Timestamp(_, None)) => true,
        _ => number(from) && number(to),
    }
}
