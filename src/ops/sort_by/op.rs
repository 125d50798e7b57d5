//! The operation.

use std::fmt;
use std::sync::{Arc, Weak};

use arrow::array::{Array, RecordBatch};
use arrow::datatypes::{Schema, SchemaRef};

use super::sample::Border;
use super::store::SortStore;
use crate::base::schema::index_of;
use crate::base::{Error, Identity, Result, Tokenizer};
use crate::exec::{Reclaim, TaskContext};
use crate::expr::order::Encoder;
use crate::expr::{Expr, Portable, SortKey, col};
use crate::ops::TopK;
use crate::plan::lower::count_partitions;
use crate::plan::node::only;
use crate::plan::op::Footprint;
use crate::plan::{Divisions, Exchange, Op, Plan, Relation, Shape, Shuffle, Store};

/// All rows in the order of some keys. Equal rows stay in the order in which they came.
#[derive(Debug, Clone)]
pub struct SortBy {
    keys: Vec<SortKey>,
    /// The columns that are passed on; absent: all. The keys may need others.
    keep: Option<Vec<String>>,
    /// The ranges that the partitions are; absent: of about as many rows each.
    ranges: Option<Divisions>,
}

impl SortBy {
    /// Orders by the first key, and where that is equal by the next.
    ///
    /// # Errors
    /// `Invalid` without keys.
    pub fn new(keys: impl IntoIterator<Item = SortKey>) -> Result<SortBy> {
        let keys: Vec<SortKey> = keys.into_iter().collect();
        if keys.is_empty() {
            return Err(Error::invalid("sorting needs at least one key"));
        }
        Ok(SortBy { keys, keep: None, ranges: None })
    }

    /// What the portable form says.
    pub(in crate::ops) fn of_settings((keys, keep): (Vec<SortKey>, Option<Vec<String>>)) -> Result<SortBy> {
        Ok(SortBy { keep, ..SortBy::new(keys)? })
    }

    /// Orders by the column of these divisions, which have to be known, into partitions that are their ranges.
    pub(in crate::ops) fn ranges(divisions: Divisions) -> SortBy {
        SortBy { keys: vec![col(divisions.column()).asc()], keep: None, ranges: Some(divisions) }
    }
}

/// Keys as they are written, one after the other.
pub(in crate::ops) fn shown(keys: &[SortKey]) -> String {
    keys.iter().map(SortKey::to_string).collect::<Vec<_>>().join(", ")
}

impl fmt::Display for SortBy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.ranges.as_ref().and_then(Divisions::partitions) {
            Some(parts) => write!(f, "set_index {} in {parts} partitions", shown(&self.keys)),
            None => write!(f, "sort_by {}", shown(&self.keys)),
        }
    }
}

impl Identity for SortBy {
    fn token(&self, t: &mut Tokenizer) {
        t.str("sort_by");
        t.list(&self.keys, |t, key| t.identity(key));
        t.debug(&self.keep);
        t.list(&self.ranges.as_ref().and_then(Divisions::values).unwrap_or_default(), |t, bound| t.identity(bound));
    }
}

impl Op for SortBy {
    fn name(&self) -> &'static str {
        if self.ranges.is_some() { "set_index" } else { "sort_by" }
    }

    fn schema(&self, inputs: &[SchemaRef]) -> Result<SchemaRef> {
        let [input] = inputs else { return Err(Error::invalid("sort_by has one input")) };
        Encoder::new(&self.keys, input)?;
        Ok(match kept(&self.keep, input)? {
            Some(keep) => Arc::new(input.project(&keep)?),
            None => input.clone(),
        })
    }

    fn shape(&self, inputs: &[Plan]) -> Result<Shape> {
        let input = only(inputs)?;
        let own = self.ranges.as_ref().and_then(Divisions::partitions);
        let partitions = own.or(count_partitions(input)?).unwrap_or(1).max(1);
        let schema = input.schema().clone();
        let encoder = Encoder::new(&self.keys, &schema)?;
        let keep = kept(&self.keep, &schema)?;
        let borders = self.ranges.as_ref().map(|ranges| borders(ranges, &self.keys, &schema)).transpose()?;
        let exchange = Arc::new(Sorting { encoder, schema, keep, partitions, borders });
        Ok(Shape::Shuffle(Shuffle { partitions, exchange }))
    }

    fn asks_origins(&self, _above: bool) -> bool {
        false
    }

    fn columns_needed(&self, wanted: &[usize], inputs: &[SchemaRef]) -> Option<Vec<Vec<usize>>> {
        let input = inputs.first()?;
        let output = self.schema(inputs).ok()?;
        let mut needed: Vec<usize> =
            wanted.iter().filter_map(|&i| input.index_of(output.field(i).name()).ok()).collect();
        let keys = self.keys.iter().flat_map(|k| k.expr.columns());
        needed.extend(keys.filter_map(|c| input.index_of(&c).ok()));
        Some(vec![needed])
    }

    fn pruned(&self, keep: &[usize], inputs: &[SchemaRef]) -> Option<Arc<dyn Op>> {
        let output = self.schema(inputs).ok()?;
        let keep = keep.iter().map(|&i| output.field(i).name().clone()).collect();
        Some(Arc::new(SortBy { keep: Some(keep), ..self.clone() }))
    }

    fn filter_through(&self, _input: usize, predicate: &Expr) -> Option<Expr> {
        Some(predicate.clone())
    }

    fn map_exprs(&self, f: &mut dyn FnMut(&Expr) -> Result<Expr>) -> Result<Option<Arc<dyn Op>>> {
        let keys = self.keys.iter().map(|key| Ok(SortKey { expr: f(&key.expr)?, ..key.clone() }));
        Ok(Some(Arc::new(SortBy { keys: keys.collect::<Result<_>>()?, ..self.clone() })))
    }

    fn keeps_rows(&self) -> bool {
        true
    }

    fn divisions(&self, _inputs: &[Option<Divisions>]) -> Option<Divisions> {
        let ranges = self.ranges.clone()?;
        let kept = self.keep.as_ref().is_none_or(|keep| keep.iter().any(|k| k == ranges.column()));
        kept.then_some(ranges)
    }

    fn first_rows(&self, rows: usize) -> Option<Arc<dyn Op>> {
        let few = rows <= TopK::FEW && self.keep.is_none();
        few.then(|| Arc::new(TopK::of(rows, self.keys.clone())) as Arc<dyn Op>)
    }

    fn relation(&self, _inputs: &[Plan]) -> Option<Relation> {
        // ranges are partitions, of which an engine elsewhere has its own
        let own = self.ranges.is_none();
        own.then(|| Relation::Sort { keys: self.keys.clone(), rows: None })
    }

    fn portable(&self) -> Option<Portable> {
        self.ranges.is_none().then(|| Portable::of("sort_by", &(&self.keys, &self.keep)))?
    }

    fn footprint(&self) -> Footprint {
        Footprint::Spills("sorted runs".into())
    }
}

impl SortBy {
    /// An empty store that sorts rows of `schema` into one partition, for an operation that sorts within itself.
    ///
    /// # Errors
    /// `UnknownColumn`; `Unsupported` for types that have no order.
    pub(in crate::ops) fn store(&self, schema: &SchemaRef, ctx: &TaskContext) -> Result<Arc<dyn Store>> {
        let encoder = Encoder::new(&self.keys, schema)?;
        Sorting { encoder, schema: schema.clone(), keep: None, partitions: 1, borders: None }.open(ctx)
    }
}

/// Where the columns that are passed on are.
fn kept(keep: &Option<Vec<String>>, input: &SchemaRef) -> Result<Option<Vec<usize>>> {
    keep.as_ref().map(|keep| keep.iter().map(|name| index_of(input, name)).collect()).transpose()
}

/// The borders between the ranges: the bounds that lie inside.
fn borders(ranges: &Divisions, keys: &[SortKey], schema: &Schema) -> Result<Vec<Border>> {
    let inner = ranges.bounds().filter(|bounds| bounds.len() > 2).map(|bounds| bounds.slice(1, bounds.len() - 2));
    let Some(inner) = inner else { return Ok(Vec::new()) };
    let field = schema.field(index_of(schema, ranges.column())?).clone();
    let record = RecordBatch::try_new(Arc::new(Schema::new(vec![field])), vec![inner])?;
    let keys = Encoder::new(keys, &record.schema())?.encode(&record)?;
    (0..keys.len()).map(|row| Border::before(keys.whole(row))).collect()
}

struct Sorting {
    encoder: Encoder,
    schema: SchemaRef,
    keep: Option<Vec<usize>>,
    partitions: usize,
    /// Where the partitions end; absent: where samples of the keys say.
    borders: Option<Vec<Border>>,
}

impl Exchange for Sorting {
    fn open(&self, ctx: &TaskContext) -> Result<Arc<dyn Store>> {
        let Sorting { encoder, schema, keep, partitions, borders } = self;
        let store =
            SortStore::new(encoder.clone(), schema.clone(), keep.clone(), *partitions, ctx).between(borders.clone());
        let store = Arc::new(store);
        let weak: Weak<SortStore> = Arc::downgrade(&store);
        let weak: Weak<dyn Reclaim> = weak;
        ctx.budget.register(weak);
        Ok(store)
    }
}
