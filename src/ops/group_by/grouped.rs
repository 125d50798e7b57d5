//! Aggregates of columns by columns.

use std::fmt;
use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use serde::{Deserialize, Serialize};

use super::spec::Spec;
use super::store::GroupExchange;
use crate::base::schema::index_of;
use crate::base::{Error, Identity, Result, Token, Tokenizer};
use crate::expr::Portable;
use crate::expr::{Expr, SortKey, col};
use crate::ops::aggregate::Agg;
use crate::plan::lower::shuffled_partitions;
use crate::plan::node::only;
use crate::plan::relation::Order;
use crate::plan::shape::Shuffle;
use crate::plan::{Footprint, Op, Plan, Relation, Shape};

/// Aggregates of columns for each distinct combination of key columns: the keys, then the results, in the order of the
/// hashes of the keys.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Grouped {
    keys: Vec<String>,
    aggs: Vec<Agg>,
    dropna: bool,
    /// Which of keys and results come out.
    output: Vec<usize>,
}

impl Grouped {
    /// These aggregates by these keys. With `dropna`, rows whose key is null or NaN are left out.
    pub fn new(keys: Vec<String>, aggs: Vec<Agg>, dropna: bool) -> Grouped {
        let output = (0..keys.len() + aggs.len()).collect();
        Grouped { keys, aggs, dropna, output }
    }

    fn spec(&self, input: &SchemaRef) -> Result<Spec> {
        Spec::new(input, &self.keys, &self.aggs, self.dropna, self.output.clone())
    }
}

impl fmt::Display for Grouped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown: Vec<_> = self.aggs.iter().map(Agg::to_string).collect();
        write!(f, "group_by {}: {}", self.keys.join(", "), shown.join(", "))
    }
}

impl Identity for Grouped {
    fn token(&self, t: &mut Tokenizer) {
        t.str("grouped");
        t.list(&self.keys, |t, key| t.str(key));
        t.list(&self.aggs, |t, agg| {
            t.str(&agg.column);
            t.identity(agg.fold.as_ref());
            t.str(&agg.name);
        });
        t.u64(self.dropna.into());
        t.list(&self.output, |t, &i| t.u64(i as u64));
    }
}

impl Op for Grouped {
    fn name(&self) -> &'static str {
        "group_by"
    }

    fn schema(&self, inputs: &[SchemaRef]) -> Result<SchemaRef> {
        let [input] = inputs else { return Err(Error::invalid("group_by has one input")) };
        Ok(self.spec(input)?.schema)
    }

    fn shape(&self, inputs: &[Plan]) -> Result<Shape> {
        let input = only(inputs)?;
        let spec = Arc::new(self.spec(input.schema())?);
        let partitions = shuffled_partitions(inputs)?.next_power_of_two();
        let file = Token::of(|t| t.str("the groups of a group-by")).0 as u64;
        let exchange = Arc::new(GroupExchange { spec, partitions, bytes: input.size(), file });
        Ok(Shape::Shuffle(Shuffle { partitions, exchange }))
    }

    fn asks_origins(&self, _above: bool) -> bool {
        false
    }

    fn columns_needed(&self, wanted: &[usize], inputs: &[SchemaRef]) -> Option<Vec<Vec<usize>>> {
        let input = inputs.first()?;
        let results = wanted.iter().filter_map(|&i| self.aggs.get(self.output.get(i)?.checked_sub(self.keys.len())?));
        let names = self.keys.iter().chain(results.map(|agg| &agg.column));
        Some(vec![names.map(|name| index_of(input, name).ok()).collect::<Option<_>>()?])
    }

    fn takes_codes(&self, _may: &[usize], inputs: &[SchemaRef]) -> Option<Vec<Vec<usize>>> {
        // what comes out has the layout of the schema whatever comes in
        Some(vec![(0..inputs.first()?.fields().len()).collect()])
    }

    fn pruned(&self, keep: &[usize], _inputs: &[SchemaRef]) -> Option<Arc<dyn Op>> {
        let (mut aggs, mut output) = (Vec::new(), Vec::new());
        for &i in keep {
            let at = *self.output.get(i)?;
            match at.checked_sub(self.keys.len()) {
                None => output.push(at),
                Some(agg) => {
                    output.push(self.keys.len() + aggs.len());
                    aggs.push(self.aggs.get(agg)?.clone());
                }
            }
        }
        Some(Arc::new(Grouped { keys: self.keys.clone(), aggs, dropna: self.dropna, output }))
    }

    fn filter_through(&self, _input: usize, predicate: &Expr) -> Option<Expr> {
        // groups whose keys are not wanted need not be made
        let by_keys = predicate.columns().iter().all(|name| self.keys.iter().any(|key| **key == **name));
        (by_keys && !predicate.columns().is_empty() && !predicate.can_fail() && predicate.is_repeatable())
            .then(|| predicate.clone())
    }

    fn relation(&self, _inputs: &[Plan]) -> Option<Relation> {
        let rows_travel = self.aggs.iter().any(|agg| !agg.fold.bounded() || agg.fold.placed());
        if rows_travel {
            let placed = self.aggs.iter().any(|agg| agg.fold.placed());
            let keys = vec![self.keys.iter().map(|key| SortKey::new(col(key))).collect()];
            return Some(Relation::Together { keys, order: if placed { Order::Kept } else { Order::Any } });
        }
        let (keys, folds, output) =
            (self.keys.clone(), self.aggs.iter().map(Agg::folded).collect(), self.output.clone());
        Some(Relation::Aggregate { keys, folds, dropna: self.dropna, output })
    }

    fn footprint(&self) -> Footprint {
        Footprint::Holds("the groups, spilled by the hash of their keys where they do not fit".into())
    }

    fn portable(&self) -> Option<Portable> {
        Portable::of("group_by", self)
    }
}
