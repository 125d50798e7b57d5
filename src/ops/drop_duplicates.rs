//! One row of those that are equal.

use std::fmt;
use std::sync::Arc;

use arrow::datatypes::SchemaRef;

use super::aggregate::Agg;
use super::group_by::Grouped;
use super::window::Placed;
use super::{Filter, Project, SortBy};
use crate::base::schema::index_of;
use crate::base::{Error, Identity, Result, Tokenizer};
use crate::expr::fns::pack::{Pack, Unpack};
use crate::expr::folds::{First, Fold, Last, Size};
use crate::expr::{Expr, SortKey, col};
use crate::plan::node::only;
use crate::plan::{Op, Plan, Shape};

/// Which of several equal rows is kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Keep {
    /// The first.
    #[default]
    First,
    /// The last.
    Last,
    /// None of them: only rows that have no equal.
    Neither,
    /// Any: the first, for less, as the order of the rows is not kept. They come in that of a fixed hash.
    Any,
}

/// One row of those that are equal in some columns, where null equals null and NaN equals NaN. They come in the order in
/// which they were, unless any of them will do.
#[derive(Clone, Debug)]
pub struct DropDuplicates {
    /// The columns that are compared; absent: all.
    pub subset: Option<Vec<String>>,
    /// Which one is kept.
    pub keep: Keep,
}

impl fmt::Display for DropDuplicates {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("drop_duplicates")?;
        match &self.subset {
            Some(subset) => write!(f, " of {}", subset.join(", "))?,
            None => f.write_str(" of all columns")?,
        }
        match self.keep {
            Keep::First => Ok(()),
            Keep::Last => f.write_str(", keep the last"),
            Keep::Neither => f.write_str(", keep neither"),
            Keep::Any => f.write_str(", keep any"),
        }
    }
}

impl Identity for DropDuplicates {
    fn token(&self, t: &mut Tokenizer) {
        t.str("drop_duplicates");
        t.debug(&self.subset);
        t.debug(&self.keep);
    }
}

impl DropDuplicates {
    /// The columns that are compared, and the others.
    fn columns(&self, input: &SchemaRef) -> Result<(Vec<String>, Vec<String>)> {
        let all = || input.fields().iter().map(|f| f.name().clone());
        let keys: Vec<String> = match &self.subset {
            None => all().collect(),
            Some(subset) => {
                subset.iter().map(|name| index_of(input, name)).collect::<Result<Vec<_>>>()?;
                let mut seen = std::collections::BTreeSet::new();
                subset.iter().filter(|name| seen.insert(*name)).cloned().collect()
            }
        };
        if keys.is_empty() {
            return Err(Error::invalid("there is no column to compare rows by"));
        }
        let rest = all().filter(|name| !keys.contains(name)).collect();
        Ok((keys, rest))
    }

    fn plan(&self, input: &Plan) -> Result<Plan> {
        let (keys, rest) = self.columns(input.schema())?;
        let free = |wanted: &str| {
            let mut name = wanted.to_string();
            while input.schema().index_of(&name).is_ok() {
                name.push('\'');
            }
            name
        };
        let (record, times, place) = (free("rest"), free("times"), Placed::name_beside(input.schema()));
        let fold: Arc<dyn Fold> = if self.keep == Keep::Last { Arc::new(Last) } else { Arc::new(First) };
        let kept = |name: &String| Agg { column: name.clone(), fold: fold.clone(), name: name.clone() };
        let mut columns: Vec<Expr> = keys.iter().map(col).collect();
        let mut aggs = Vec::new();
        if !rest.is_empty() {
            columns.push(Expr::call(Pack, rest.iter().map(col)).alias(&record));
            aggs.push(kept(&record));
        }
        if let (Keep::Neither, Some(any)) = (self.keep, keys.first()) {
            aggs.push(Agg { column: any.clone(), fold: Arc::new(Size), name: times.clone() });
        }
        let mut plan = Plan::new(Project::new(columns), vec![input.clone()])?;
        if self.keep != Keep::Any {
            aggs.push(kept(&place));
            plan = Plan::new(Placed::new(&place), vec![plan])?;
        }
        plan = Plan::new(Grouped::new(keys, aggs, false), vec![plan])?;
        if self.keep == Keep::Neither {
            plan = Plan::new(Filter::new(col(&times).eq(1)), vec![plan])?;
        }
        if self.keep != Keep::Any {
            plan = Plan::new(SortBy::new([SortKey::from(place)])?, vec![plan])?;
        }
        let columns =
            input.schema().fields().iter().map(|field| match rest.iter().position(|name| name == field.name()) {
                Some(at) => Expr::call(Unpack(at), [col(&record)]).alias(field.name()),
                None => col(field.name()),
            });
        Plan::new(Project::new(columns.collect()), vec![plan])
    }
}

impl Op for DropDuplicates {
    fn name(&self) -> &'static str {
        "drop_duplicates"
    }

    fn schema(&self, inputs: &[SchemaRef]) -> Result<SchemaRef> {
        let [input] = inputs else { return Err(Error::invalid("drop_duplicates has one input")) };
        self.plan(&super::ScanOp::values(input.clone(), Vec::new())?).map(|plan| plan.schema().clone())
    }

    fn shape(&self, inputs: &[Plan]) -> Result<Shape> {
        Ok(Shape::Rewrite(self.plan(only(inputs)?)?))
    }
}
