//! Columns turned into rows.

use std::fmt;
use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, RecordBatchOptions, StringArray};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use serde::{Deserialize, Serialize};

use crate::base::schema::{in_layout, index_of};
use crate::base::{Error, Identity, Result, Token, Tokenizer};
use crate::expr::Portable;
use crate::expr::coerce::meet_types;
use crate::expr::fns::cast::convert;
use crate::io::Batch;
use crate::plan::lower::count_partitions;
use crate::plan::node::only;
use crate::plan::{Feed, Flow, Footprint, Map, Op, Out, Plan, Relation, Shape, Stage};

/// A row for each row and value column: the columns that stay, the name of the value column in `variable`, and its value
/// in `value`. All rows of the first value column come first, then those of the second …: pandas' order.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Melt {
    /// The columns that stay.
    pub id_vars: Vec<String>,
    /// The columns that become rows; none: all others.
    pub value_vars: Vec<String>,
}

impl fmt::Display for Melt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "melt {} by {}", self.value_vars.join(", "), self.id_vars.join(", "))
    }
}

impl Identity for Melt {
    fn token(&self, t: &mut Tokenizer) {
        t.str("melt");
        t.list(&self.id_vars, |t, name| t.str(name));
        t.list(&self.value_vars, |t, name| t.str(name));
    }
}

impl Melt {
    fn values(&self, input: &Schema) -> Result<Vec<usize>> {
        if self.value_vars.is_empty() {
            let is_value = |i: &usize| !self.id_vars.contains(input.field(*i).name());
            return Ok((0..input.fields().len()).filter(is_value).collect());
        }
        self.value_vars.iter().map(|name| index_of(input, name)).collect()
    }

    fn ids(&self, input: &Schema) -> Result<Vec<usize>> {
        self.id_vars.iter().map(|name| index_of(input, name)).collect()
    }
}

impl Op for Melt {
    fn name(&self) -> &'static str {
        "melt"
    }

    fn schema(&self, inputs: &[SchemaRef]) -> Result<SchemaRef> {
        let [input] = inputs else { return Err(Error::invalid("melt has one input")) };
        let mut fields: Vec<Field> = self.ids(input)?.into_iter().map(|i| input.field(i).clone()).collect();
        if let Some(taken) = fields.iter().find(|f| f.name() == "variable" || f.name() == "value") {
            return Err(Error::invalid(format!("two columns would be called `{}`", taken.name()))
                .help("rename() the one that stays first"));
        }
        let (mut met, mut nullable) = (DataType::Null, false);
        for i in self.values(input)? {
            let field = input.field(i);
            met = meet_types(&met, field.data_type()).ok_or_else(|| {
                Error::types(format!("`{}`, a {}, does not go together with {met}", field.name(), field.data_type()))
                    .help("bring the columns to one type with astype() first, or name fewer of them")
            })?;
            nullable |= field.is_nullable();
        }
        fields.push(Field::new("variable", DataType::Utf8, false));
        fields.push(Field::new("value", met, nullable));
        Ok(Arc::new(Schema::new(fields)))
    }

    fn shape(&self, inputs: &[Plan]) -> Result<Shape> {
        let input = only(inputs)?;
        let schema = self.schema(std::slice::from_ref(input.schema()))?;
        let (ids, values) = (self.ids(input.schema())?, self.values(input.schema())?);
        let partitions = count_partitions(input)?.unwrap_or(1).max(1);
        let names: Vec<String> = values.iter().map(|&i| input.schema().field(i).name().clone()).collect();
        Ok(Shape::Map(Map {
            partitions: Some(partitions * values.len()),
            feeds: Some(Arc::new(move |i| vec![Feed { input: 0, partition: i % partitions }])),
            stage: Arc::new(move |i| {
                let at = i / partitions;
                let (value, name) = (values[at], names[at].clone());
                Ok(Box::new(OneColumn { schema: schema.clone(), ids: ids.clone(), value, name }))
            }),
        }))
    }

    fn columns_needed(&self, _wanted: &[usize], inputs: &[SchemaRef]) -> Option<Vec<Vec<usize>>> {
        let input = inputs.first()?;
        if self.value_vars.is_empty() {
            return None;
        }
        let mut needed = self.ids(input).ok()?;
        needed.extend(self.values(input).ok()?);
        Some(vec![needed])
    }

    fn known_rows(&self, inputs: &[Option<Vec<u64>>]) -> Option<Vec<u64>> {
        (!self.value_vars.is_empty())
            .then(|| inputs.first()?.as_ref().map(|rows| rows.repeat(self.value_vars.len())))?
    }

    fn footprint(&self) -> Footprint {
        Footprint::Spills("its input, which is read once for each column that becomes rows".into())
    }

    fn portable(&self) -> Option<Portable> {
        Portable::of("melt", self)
    }

    fn relation(&self, _inputs: &[Plan]) -> Option<Relation> {
        Some(Relation::Apart)
    }
}

/// The rows of one value column.
struct OneColumn {
    schema: SchemaRef,
    ids: Vec<usize>,
    value: usize,
    name: String,
}

impl Stage for OneColumn {
    fn push(&mut self, mut batch: Batch, out: &mut Out<'_>) -> Result<Flow> {
        let rows = batch.rows();
        let mut columns: Vec<ArrayRef> = self.ids.iter().map(|&i| batch.record.column(i).clone()).collect();
        columns.push(Arc::new(StringArray::from(vec![self.name.as_str(); rows])));
        let to = self.schema.field(columns.len()).data_type();
        columns.push(convert(batch.record.column(self.value), to).map_err(|e| e.at_column(&self.name))?);
        let options = RecordBatchOptions::new().with_row_count(Some(rows));
        batch.record = RecordBatch::try_new_with_options(in_layout(&self.schema, &columns), columns, &options)?;
        // rows of different columns are different rows, even where both come from the same place
        batch.origin.file = Token::of(|t| {
            t.u64(batch.origin.file);
            t.str(&self.name);
        })
        .0 as u64;
        out.push(batch)
    }
}
