//! The operation.

use std::fmt;
use std::sync::{Arc, Weak};

use arrow::datatypes::SchemaRef;

use super::store::SortStore;
use crate::base::schema::index_of;
use crate::base::{Error, Identity, Result, Tokenizer};
use crate::exec::{Reclaim, TaskContext};
use crate::expr::order::Encoder;
use crate::expr::{Expr, SortKey};
use crate::ops::TopK;
use crate::plan::lower::count_partitions;
use crate::plan::node::only;
use crate::plan::op::Footprint;
use crate::plan::{Exchange, Op, Plan, Shape, Shuffle, Store};

/// All rows in the order of some keys. Equal rows stay in the order in which they came.
#[derive(Debug, Clone)]
pub struct SortBy {
    keys: Vec<SortKey>,
    /// The columns that are passed on; absent: all. The keys may need others.
    keep: Option<Vec<String>>,
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
        Ok(SortBy { keys, keep: None })
    }
}

/// Keys as they are written, one after the other.
pub(in crate::ops) fn shown(keys: &[SortKey]) -> String {
    keys.iter().map(SortKey::to_string).collect::<Vec<_>>().join(", ")
}

impl fmt::Display for SortBy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "sort_by {}", shown(&self.keys))
    }
}

impl Identity for SortBy {
    fn token(&self, t: &mut Tokenizer) {
        t.str("sort_by");
        t.list(&self.keys, |t, key| t.identity(key));
        t.debug(&self.keep);
    }
}

impl Op for SortBy {
    fn name(&self) -> &'static str {
        "sort_by"
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
        let partitions = count_partitions(input)?.unwrap_or(1).max(1);
        let schema = input.schema().clone();
        let encoder = Encoder::new(&self.keys, &schema)?;
        let keep = kept(&self.keep, &schema)?;
        let exchange = Arc::new(Sorting { encoder, schema, keep, partitions });
        Ok(Shape::Shuffle(Shuffle { partitions, exchange }))
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
        Some(Arc::new(SortBy { keys: self.keys.clone(), keep: Some(keep) }))
    }

    fn filter_through(&self, _input: usize, predicate: &Expr) -> Option<Expr> {
        Some(predicate.clone())
    }

    fn map_exprs(&self, f: &mut dyn FnMut(&Expr) -> Result<Expr>) -> Result<Option<Arc<dyn Op>>> {
        let keys = self.keys.iter().map(|key| Ok(SortKey { expr: f(&key.expr)?, ..key.clone() }));
        Ok(Some(Arc::new(SortBy { keys: keys.collect::<Result<_>>()?, keep: self.keep.clone() })))
    }

    fn first_rows(&self, rows: usize) -> Option<Arc<dyn Op>> {
        let few = rows <= TopK::FEW && self.keep.is_none();
        few.then(|| Arc::new(TopK::of(rows, self.keys.clone())) as Arc<dyn Op>)
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
        Sorting { encoder, schema: schema.clone(), keep: None, partitions: 1 }.open(ctx)
    }
}

/// Where the columns that are passed on are.
fn kept(keep: &Option<Vec<String>>, input: &SchemaRef) -> Result<Option<Vec<usize>>> {
    keep.as_ref().map(|keep| keep.iter().map(|name| index_of(input, name)).collect()).transpose()
}

struct Sorting {
    encoder: Encoder,
    schema: SchemaRef,
    keep: Option<Vec<usize>>,
    partitions: usize,
}

impl Exchange for Sorting {
    fn open(&self, ctx: &TaskContext) -> Result<Arc<dyn Store>> {
        let Sorting { encoder, schema, keep, partitions } = self;
        let store = SortStore::new(encoder.clone(), schema.clone(), keep.clone(), *partitions, ctx);
        let store = Arc::new(store);
        let weak: Weak<SortStore> = Arc::downgrade(&store);
        let weak: Weak<dyn Reclaim> = weak;
        ctx.budget.register(weak);
        Ok(store)
    }
}
