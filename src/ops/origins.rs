//! Where rows came from, as a column: so it passes through joins and exchanges as everything else does.

use std::fmt;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch, RecordBatchOptions, UInt64Array};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef, UInt64Type};

use crate::base::schema::index_of;
use crate::base::{Error, Identity, Result, Tokenizer, mixed};
use crate::expr::Expr;
use crate::expr::Portable;
use crate::io::{Batch, Origin};
use crate::plan::node::only;
use crate::plan::{Flow, Map, Op, Out, Plan, Relation, Shape, Stage};

/// The column of rows of the first, or only, input; its name begins as hidden ones do.
pub(in crate::ops) const FIRST: &str = "\0origin";
/// The column of rows of the second input.
pub(in crate::ops) const SECOND: &str = "\0origin of the other";

/// `op` over a plan whose rows keep the origins that they have, though the operation moves them.
///
/// # Errors
/// When the operation does not fit.
pub(in crate::ops) fn kept(op: impl Op, input: &Plan) -> Result<Plan> {
    let moved = Plan::new(op, vec![Mark::over(input, FIRST)?])?;
    Plan::new(Restore { columns: vec![FIRST] }, vec![moved])
}

/// Adds a column of numbers that say where each row came from.
#[derive(Clone, Debug)]
pub(in crate::ops) struct Mark {
    column: &'static str,
}

impl Mark {
    /// What the portable form says: whether the column is that of the second input.
    pub(in crate::ops) fn of(second: bool) -> Mark {
        Mark { column: if second { SECOND } else { FIRST } }
    }

    /// The rows of a plan with this column.
    ///
    /// # Errors
    /// Never in practice.
    pub(in crate::ops) fn over(input: &Plan, column: &'static str) -> Result<Plan> {
        Plan::new(Mark { column }, vec![input.clone()])
    }
}

impl fmt::Display for Mark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("mark where rows came from")
    }
}

impl Identity for Mark {
    fn token(&self, t: &mut Tokenizer) {
        t.str("mark_origins");
        t.str(self.column);
    }
}

impl Op for Mark {
    fn name(&self) -> &'static str {
        "mark"
    }

    fn schema(&self, inputs: &[SchemaRef]) -> Result<SchemaRef> {
        let [input] = inputs else { return Err(Error::invalid("mark has one input")) };
        let mut fields: Vec<_> = input.fields().iter().cloned().collect();
        fields.push(Arc::new(Field::new(self.column, DataType::UInt64, false)));
        Ok(Arc::new(Schema::new_with_metadata(fields, input.metadata().clone())))
    }

    fn shape(&self, inputs: &[Plan]) -> Result<Shape> {
        let field = Arc::new(Field::new(self.column, DataType::UInt64, false));
        only(inputs)?;
        Ok(Map::each(move |_| Ok(Box::new(Marking { field: field.clone() }))))
    }

    fn columns_needed(&self, wanted: &[usize], inputs: &[SchemaRef]) -> Option<Vec<Vec<usize>>> {
        let own = inputs.first()?.fields().len();
        Some(vec![wanted.iter().copied().filter(|&i| i < own).collect()])
    }

    fn takes_codes(&self, may: &[usize], inputs: &[SchemaRef]) -> Option<Vec<Vec<usize>>> {
        self.columns_needed(may, inputs)
    }

    fn filter_through(&self, _input: usize, predicate: &Expr) -> Option<Expr> {
        predicate.columns().iter().all(|name| **name != *self.column).then(|| predicate.clone())
    }

    fn asks_origins(&self, _above: bool) -> bool {
        true
    }

    fn known_rows(&self, inputs: &[Option<Vec<u64>>]) -> Option<Vec<u64>> {
        inputs.first().cloned().flatten()
    }

    fn portable(&self) -> Option<Portable> {
        Portable::of("mark", &(self.column == SECOND))
    }

    fn relation(&self, _inputs: &[Plan]) -> Option<Relation> {
        Some(Relation::Apart)
    }
}

struct Marking {
    field: Arc<Field>,
}

impl Stage for Marking {
    fn push(&mut self, batch: Batch, out: &mut Out<'_>) -> Result<Flow> {
        let rows = batch.rows();
        let mut fields: Vec<_> = batch.record.schema().fields().iter().cloned().collect();
        fields.push(self.field.clone());
        let mut columns = batch.record.columns().to_vec();
        columns.push(Arc::new(UInt64Array::from(batch.origin.numbers(rows))));
        let record = assembled(&batch.record, fields, columns)?;
        out.push(batch.with_record(record))
    }
}

/// Takes such columns away, and says by them where each row came from: a row of several rows came from all of them.
#[derive(Clone, Debug)]
pub(in crate::ops) struct Restore {
    columns: Vec<&'static str>,
}

impl Restore {
    /// By these columns.
    pub(in crate::ops) fn new(columns: Vec<&'static str>) -> Restore {
        Restore { columns }
    }

    /// What the portable form says: whether rows came from two.
    pub(in crate::ops) fn of(second: bool) -> Restore {
        Restore::new(if second { vec![FIRST, SECOND] } else { vec![FIRST] })
    }

    /// The places of the columns that stay.
    fn staying(&self, input: &Schema) -> Vec<usize> {
        let stays = |i: &usize| !self.columns.contains(&input.field(*i).name().as_str());
        (0..input.fields().len()).filter(stays).collect()
    }

    fn places(&self, input: &Schema) -> Result<Vec<usize>> {
        self.columns.iter().map(|name| index_of(input, name)).collect()
    }
}

impl fmt::Display for Restore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("keep where rows came from")
    }
}

impl Identity for Restore {
    fn token(&self, t: &mut Tokenizer) {
        t.str("restore_origins");
        t.list(&self.columns, |t, name| t.str(name));
    }
}

impl Op for Restore {
    fn name(&self) -> &'static str {
        "restore"
    }

    fn schema(&self, inputs: &[SchemaRef]) -> Result<SchemaRef> {
        let [input] = inputs else { return Err(Error::invalid("restore has one input")) };
        self.places(input)?;
        Ok(Arc::new(input.project(&self.staying(input))?))
    }

    fn shape(&self, inputs: &[Plan]) -> Result<Shape> {
        let input = only(inputs)?.schema();
        let (staying, places) = (self.staying(input), self.places(input)?);
        Ok(Map::each(move |_| Ok(Box::new(Restoring { staying: staying.clone(), places: places.clone() }))))
    }

    fn columns_needed(&self, wanted: &[usize], inputs: &[SchemaRef]) -> Option<Vec<Vec<usize>>> {
        let input = inputs.first()?;
        let mut needed = self.takes_codes(wanted, inputs)?.pop()?;
        needed.extend(self.places(input).ok()?);
        Some(vec![needed])
    }

    fn takes_codes(&self, may: &[usize], inputs: &[SchemaRef]) -> Option<Vec<Vec<usize>>> {
        let staying = self.staying(inputs.first()?);
        Some(vec![may.iter().filter_map(|&i| staying.get(i).copied()).collect()])
    }

    fn filter_through(&self, _input: usize, predicate: &Expr) -> Option<Expr> {
        Some(predicate.clone())
    }

    fn asks_origins(&self, _above: bool) -> bool {
        false
    }

    fn known_rows(&self, inputs: &[Option<Vec<u64>>]) -> Option<Vec<u64>> {
        inputs.first().cloned().flatten()
    }

    fn portable(&self) -> Option<Portable> {
        Portable::of("restore", &self.columns.contains(&SECOND))
    }

    fn relation(&self, _inputs: &[Plan]) -> Option<Relation> {
        Some(Relation::Apart)
    }
}

struct Restoring {
    staying: Vec<usize>,
    places: Vec<usize>,
}

impl Stage for Restoring {
    fn push(&mut self, batch: Batch, out: &mut Out<'_>) -> Result<Flow> {
        let mut numbers: Option<Vec<u64>> = None;
        for &at in &self.places {
            let column = batch.record.column(at).as_primitive::<UInt64Type>();
            // a row that has no partner came from one row and from nowhere
            let number = |row: usize| if column.is_valid(row) { column.value(row) } else { NOWHERE };
            numbers = Some(match numbers {
                None => (0..column.len()).map(number).collect(),
                Some(before) => before.iter().enumerate().map(|(row, &a)| mixed(a, number(row))).collect(),
            });
        }
        let schema = batch.record.schema();
        let fields = self.staying.iter().map(|&i| schema.fields()[i].clone()).collect();
        let columns = self.staying.iter().map(|&i| batch.record.column(i).clone()).collect();
        let record = assembled(&batch.record, fields, columns)?;
        out.push(Batch { record, origin: Origin::known_by(numbers.unwrap_or_default()) })
    }
}

/// In place of a row that is not there.
const NOWHERE: u64 = 0x6e6f_7768_6572_6521;

/// A record with as many rows and the metadata of `like`.
fn assembled(like: &RecordBatch, fields: Vec<Arc<Field>>, columns: Vec<ArrayRef>) -> Result<RecordBatch> {
    let schema = Schema::new_with_metadata(fields, like.schema().metadata().clone());
    let options = RecordBatchOptions::new().with_row_count(Some(like.num_rows()));
    Ok(RecordBatch::try_new_with_options(Arc::new(schema), columns, &options)?)
}
