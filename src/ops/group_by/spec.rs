//! Which columns of a group-by are what.

use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, RecordBatchOptions, UInt64Array};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};

use crate::base::schema::{index_of, logical};
use crate::base::{Error, Result};
use crate::expr::folds::{Fold, FoldState, Scope};
use crate::expr::keys::Grouper;
use crate::ops::aggregate::Agg;
use crate::ops::categorize;

/// The columns of a group-by, by their positions.
#[derive(Debug)]
pub struct Spec {
    /// The keys, and their logical types.
    pub keys: Vec<usize>,
    pub key_types: Vec<DataType>,
    /// The distinct columns that are aggregated.
    pub values: Vec<usize>,
    pub folds: Vec<Folded>,
    /// Which of the keys are categories: text that comes, and leaves, as a dictionary.
    pub categorical: Vec<usize>,
    /// Whether rows whose key is null or NaN are left out.
    pub dropna: bool,
    /// Which of keys and results, in this order, come out.
    pub output: Vec<usize>,
    pub schema: SchemaRef,
    /// The columns of groups on their way: keys, then states.
    pub state_schema: SchemaRef,
    /// The columns of rows on their way: keys, values, and the place where it matters.
    pub row_schema: SchemaRef,
}

/// An aggregate of one of the values.
#[derive(Debug)]
pub struct Folded {
    pub fold: Arc<dyn Fold>,
    /// Which of the values.
    pub value: usize,
    pub data_type: DataType,
    /// How many columns its state has on its way; `None` where rows have to travel.
    pub columns: Option<usize>,
    /// Whether it takes values that come in order.
    pub ordered: bool,
}

impl Spec {
    /// The columns of aggregates over an input with these.
    pub fn new(input: &SchemaRef, keys: &[String], aggs: &[Agg], dropna: bool, output: Vec<usize>) -> Result<Spec> {
        let key_at = keys.iter().map(|key| index_of(input, key)).collect::<Result<Vec<_>>>()?;
        let key_types: Vec<DataType> = key_at.iter().map(|&at| logical(input.field(at).data_type())).collect();
        // a type that cannot be a key is found here
        Grouper::new(&key_types)?;
        let plain = |at: usize, name: String| {
            let field = input.field(at);
            Field::new(name, logical(field.data_type()), field.is_nullable())
        };
        let key_fields: Vec<Field> = key_at.iter().map(|&at| plain(at, input.field(at).name().clone())).collect();
        let (mut values, mut folds) = (Vec::new(), Vec::new());
        let categories = |&key: &usize| {
            let is = matches!(input.field(key_at[key]).data_type(), DataType::Dictionary(..));
            is && key_types[key] == DataType::Utf8
        };
        let categorical: Vec<usize> = (0..key_at.len()).filter(categories).collect();
        let (mut all, mut state_fields) = (key_fields.clone(), key_fields.clone());
        for &key in &categorical {
            all[key] = all[key].clone().with_data_type(categorize::data_type());
        }
        for (i, agg) in aggs.iter().enumerate() {
            let at = index_of(input, &agg.column)?;
            let value = values.iter().position(|&v| v == at).unwrap_or(values.len());
            if value == values.len() {
                values.push(at);
            }
            let field = &input.fields()[at];
            all.push(agg.fold.return_field(field)?.as_ref().clone().with_name(&agg.name));
            let (fold, data_type) = (agg.fold.clone(), field.data_type().clone());
            let columns = if fold.bounded() {
                let own = fold.state_fields(&data_type)?;
                let count = own.len();
                state_fields.extend(own.into_iter().enumerate().map(|(j, f)| f.with_name(format!("{i}.{j}"))));
                Some(count)
            } else {
                None
            };
            let ordered = columns.is_none() && fold.ordered(&data_type, &[])?.is_some();
            folds.push(Folded { fold, value, data_type, columns, ordered });
        }
        let mut row_fields = key_fields;
        row_fields.extend(values.iter().enumerate().map(|(i, &at)| plain(at, i.to_string())));
        if folds.iter().any(|f| f.fold.placed()) {
            row_fields.push(Field::new("place", DataType::UInt64, false));
        }
        let fields = output.iter().map(|&i| all.get(i).cloned());
        let fields = fields.collect::<Option<Vec<_>>>().ok_or_else(|| Error::invalid("a column nobody groups"))?;
        Ok(Spec {
            keys: key_at,
            key_types,
            values,
            folds,
            categorical,
            dropna,
            output,
            schema: Arc::new(Schema::new(fields)),
            state_schema: Arc::new(Schema::new(state_fields)),
            row_schema: Arc::new(Schema::new(row_fields)),
        })
    }

    /// Whether groups can travel; else rows do.
    pub fn bounded(&self) -> bool {
        self.folds.iter().all(|f| f.columns.is_some())
    }

    /// Whether rows have to keep their places.
    pub fn placed(&self) -> bool {
        self.row_schema.fields().len() > self.keys.len() + self.values.len()
    }

    /// Empty groups.
    pub fn grouper(&self) -> Result<Grouper> {
        Grouper::new(&self.key_types)
    }

    /// Empty states.
    pub fn states(&self) -> Result<Vec<Box<dyn FoldState>>> {
        self.folds.iter().map(|f| f.fold.start(&f.data_type, Scope::Groups)).collect()
    }

    /// Rows on their way.
    pub fn row_record(&self, keys: &[ArrayRef], values: &[ArrayRef], places: Option<Vec<u64>>) -> Result<RecordBatch> {
        let columns = keys.iter().chain(values).zip(self.row_schema.fields());
        let plain = |(column, field): (&ArrayRef, &Arc<Field>)| -> Result<ArrayRef> {
            let same = column.data_type() == field.data_type();
            Ok(if same { column.clone() } else { cast(column, field.data_type())? })
        };
        let mut columns = columns.map(plain).collect::<Result<Vec<_>>>()?;
        columns.extend(places.map(|p| Arc::new(UInt64Array::from(p)) as ArrayRef));
        let rows = columns.first().map_or(0, |c| c.len());
        record(&self.row_schema, columns, rows)
    }

    /// The columns of groups on their way apart: keys, and the columns of each state.
    pub fn split<'a>(&self, columns: &'a [ArrayRef]) -> Result<(&'a [ArrayRef], Vec<&'a [ArrayRef]>)> {
        let short = || Error::invalid("the columns of groups on their way are not whole");
        let (keys, mut rest) = columns.split_at_checked(self.keys.len()).ok_or_else(short)?;
        let mut states = Vec::with_capacity(self.folds.len());
        for folded in &self.folds {
            let (own, later) = rest.split_at_checked(folded.columns.unwrap_or(0)).ok_or_else(short)?;
            states.push(own);
            rest = later;
        }
        Ok((keys, states))
    }
}

/// A batch of these columns.
pub fn record(schema: &SchemaRef, columns: Vec<ArrayRef>, rows: usize) -> Result<RecordBatch> {
    let options = RecordBatchOptions::new().with_row_count(Some(rows));
    Ok(RecordBatch::try_new_with_options(schema.clone(), columns, &options)?)
}
