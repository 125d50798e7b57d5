//! What a user writes.

use std::fmt;
use std::sync::Arc;

use arrow::datatypes::SchemaRef;

use super::Grouped;
use crate::base::{Error, Identity, Result, Tokenizer};
use crate::expr::folds::Fold;
use crate::expr::{self, Expr, col};
use crate::ops::aggregate::Agg;
use crate::ops::columns::place_of;
use crate::ops::{Project, SortBy};
use crate::plan::node::only;
use crate::plan::{Op, Plan, Shape};

/// Aggregates of expressions for each distinct combination of keys.
#[derive(Clone, Debug)]
pub struct GroupBy {
    /// The keys, called by their names.
    pub keys: Vec<Expr>,
    /// The aggregates.
    pub aggs: Vec<expr::Agg>,
    /// Whether groups come in the order of their keys; else in that of their hashes.
    pub sort: bool,
    /// Whether rows whose key is null or NaN are left out.
    pub dropna: bool,
}

impl fmt::Display for GroupBy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let keys: Vec<_> = self.keys.iter().map(|k| k.unaliased().to_string()).collect();
        let aggs: Vec<_> = self.aggs.iter().map(ToString::to_string).collect();
        write!(f, "group_by {}: {}", keys.join(", "), aggs.join(", "))?;
        if self.sort { f.write_str("; sorted") } else { Ok(()) }
    }
}

impl Identity for GroupBy {
    fn token(&self, t: &mut Tokenizer) {
        t.str("group_by");
        t.list(&self.keys, |t, key| {
            t.str(&key.name());
            t.identity(key);
        });
        t.list(&self.aggs, |t, agg| {
            t.str(agg.name());
            match agg.input() {
                Some(input) => t.identity(input),
                None => t.u64(0),
            }
            match agg.fold() {
                Ok(fold) => t.identity(fold.as_ref()),
                Err(error) => t.str(&error.to_string()),
            }
        });
        t.u64(self.sort.into());
        t.u64(self.dropna.into());
    }
}

impl GroupBy {
    /// The columns that keys and aggregates are made of, and the grouping of those.
    fn parts(&self) -> Result<(Vec<Expr>, Grouped)> {
        let Some(first) = self.keys.first() else {
            return Err(Error::invalid("there is no key to group by").help("name at least one column"));
        };
        let mut columns = self.keys.clone();
        let mut aggs = Vec::with_capacity(self.aggs.len());
        for agg in &self.aggs {
            let input = agg.input().unwrap_or(first);
            let fold: Arc<dyn Fold> = agg.fold()?;
            let column = place_of(&mut columns, input);
            aggs.push(Agg { column, fold, name: agg.name().to_string() });
        }
        let keys = self.keys.iter().map(|key| key.name().to_string()).collect();
        Ok((columns, Grouped::new(keys, aggs, self.dropna)))
    }
}

impl Op for GroupBy {
    fn name(&self) -> &'static str {
        "group_by"
    }

    fn schema(&self, inputs: &[SchemaRef]) -> Result<SchemaRef> {
        let (columns, grouped) = self.parts()?;
        let schema = grouped.schema(&[Project::new(columns).schema(inputs)?])?;
        let mut names = std::collections::BTreeSet::new();
        match schema.fields().iter().find(|f| !names.insert(f.name().as_str())) {
            Some(twice) => Err(Error::invalid(format!("two columns would be called `{}`", twice.name()))
                .help("give one of them another name with alias()")),
            None => Ok(schema),
        }
    }

    fn shape(&self, inputs: &[Plan]) -> Result<Shape> {
        let (columns, grouped) = self.parts()?;
        let input = Plan::new(Project::new(columns), vec![only(inputs)?.clone()])?;
        let groups = Plan::new(grouped, vec![input])?;
        if !self.sort {
            return Ok(Shape::Rewrite(groups));
        }
        let order = self.keys.iter().map(|key| col(key.name().as_ref()).asc());
        Ok(Shape::Rewrite(Plan::new(SortBy::new(order)?, vec![groups])?))
    }
}
