//! Keeps the rows where a condition is true.

use std::collections::BTreeSet;
use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use arrow::array::{AsArray, BooleanArray};
use arrow::datatypes::{DataType, Schema, SchemaRef};
use serde::{Deserialize, Serialize};

use super::Narrow;
use crate::base::schema::index_of;
use crate::base::{Error, Identity, Result, Tokenizer};
use crate::expr::Portable;
use crate::expr::fns::struct_field::{Path, by_column, paths};
use crate::expr::{Expr, Program, Scalar, Value, col};
use crate::io::Batch;
use crate::ops::Project;
use crate::ops::window::extract;
use crate::plan::node::only;
use crate::plan::{Divisions, Flow, Map, Op, Out, Plan, Relation, Shape, Stage};

/// Keeps the rows where a condition is true: not those where it is false or null, and with NaN every comparison but
/// `!=` is false.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Filter {
    condition: Expr,
    /// The columns that are passed on; absent: all. The condition may need others.
    keep: Option<Vec<String>>,
}

impl Filter {
    /// Keeps the rows where `condition` is true.
    pub fn new(condition: Expr) -> Filter {
        Filter { condition, keep: None }
    }
}

impl fmt::Display for Filter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "filter {}", self.condition)
    }
}

impl Identity for Filter {
    fn token(&self, t: &mut Tokenizer) {
        t.str("filter");
        t.identity(&self.condition);
        t.debug(&self.keep);
    }
}

impl Op for Filter {
    fn name(&self) -> &'static str {
        "filter"
    }

    fn schema(&self, inputs: &[SchemaRef]) -> Result<SchemaRef> {
        let [input] = inputs else { return Err(Error::invalid("filter has one input")) };
        match self.condition.data_type(input)? {
            DataType::Boolean | DataType::Null => {}
            other => {
                return Err(Error::types(format!("the condition `{}` is {other}, not Boolean", self.condition))
                    .help("compare it with something, for example col(\"x\").gt(0)"));
            }
        }
        match &self.keep {
            None => Ok(input.clone()),
            Some(keep) => {
                let indices = keep.iter().map(|k| index_of(input, k)).collect::<Result<Vec<_>>>()?;
                Ok(Arc::new(input.project(&indices)?))
            }
        }
    }

    fn shape(&self, inputs: &[Plan]) -> Result<Shape> {
        let schema = only(inputs)?.schema();
        if let Some((conditions, plan)) = extract::rowwise(std::slice::from_ref(&self.condition), only(inputs)?)? {
            let condition = Expr::all(conditions).unwrap_or_else(|| self.condition.clone());
            let kept = self.schema(std::slice::from_ref(schema))?;
            let columns = kept.fields().iter().map(|f| col(f.name())).collect();
            let filtered = Plan::new(Filter::new(condition), vec![plan])?;
            return Ok(Shape::Rewrite(Plan::new(Project::new(columns), vec![filtered])?));
        }
        let conditions = steps(&self.condition);
        let programs = conditions.iter().map(|c| Program::new(std::slice::from_ref(c), schema));
        let programs: Arc<[Program]> = programs.collect::<Result<_>>()?;
        let keep = match &self.keep {
            None => None,
            Some(keep) => Some(keep.iter().map(|k| index_of(schema, k)).collect::<Result<Vec<_>>>()?),
        };
        Ok(Map::each(move |_| Ok(Box::new(FilterStage { programs: programs.clone(), keep: keep.clone() }))))
    }

    fn columns_needed(&self, wanted: &[usize], inputs: &[SchemaRef]) -> Option<Vec<Vec<usize>>> {
        let input = inputs.first()?;
        let output = self.schema(inputs).ok()?;
        let mut needed: Vec<usize> =
            wanted.iter().filter_map(|&i| input.index_of(output.field(i).name()).ok()).collect();
        needed.extend(self.condition.columns().iter().filter_map(|c| input.index_of(c).ok()));
        Some(vec![needed])
    }

    fn takes_codes(&self, may: &[usize], inputs: &[SchemaRef]) -> Option<Vec<Vec<usize>>> {
        let (input, output) = (inputs.first()?, self.schema(inputs).ok()?);
        let asked = self.condition.columns();
        let passed = may.iter().map(|&i| output.field(i).name()).filter(|name| !asked.contains(name.as_str()));
        Some(vec![passed.filter_map(|name| input.index_of(name).ok()).collect()])
    }

    fn fields_needed(&self, wanted: &[BTreeSet<Path>], inputs: &[SchemaRef]) -> Option<Vec<Vec<BTreeSet<Path>>>> {
        let (input, output) = (inputs.first()?, self.schema(inputs).ok()?);
        let passed = output.fields().iter().zip(wanted).flat_map(|(field, paths)| {
            let name: Arc<str> = field.name().as_str().into();
            paths.iter().map(move |path| (name.clone(), path.clone()))
        });
        Some(vec![by_column(input, passed.chain(paths(&self.condition)))])
    }

    fn pruned(&self, keep: &[usize], inputs: &[SchemaRef]) -> Option<Arc<dyn Op>> {
        let output = self.schema(inputs).ok()?;
        let keep = keep.iter().map(|&i| output.field(i).name().clone()).collect();
        Some(Arc::new(Filter { condition: self.condition.clone(), keep: Some(keep) }))
    }

    fn condition(&self) -> Option<&Expr> {
        Some(&self.condition)
    }

    fn divisions(&self, inputs: &[Option<Divisions>]) -> Option<Divisions> {
        let divisions = inputs.first().cloned().flatten()?;
        let kept = self.keep.as_ref().is_none_or(|keep| keep.iter().any(|k| k == divisions.column()));
        kept.then_some(divisions)
    }

    fn narrowing(&self, range: Range<usize>, all: usize) -> Option<Arc<dyn Op>> {
        Some(Arc::new(Narrow::new(range, all)))
    }

    fn map_exprs(&self, f: &mut dyn FnMut(&Expr) -> Result<Expr>) -> Result<Option<Arc<dyn Op>>> {
        Ok(Some(Arc::new(Filter { condition: f(&self.condition)?, keep: self.keep.clone() })))
    }

    fn merge_below(&self, below: &dyn Op) -> Option<Arc<dyn Op>> {
        let below = (below as &dyn std::any::Any).downcast_ref::<Filter>()?;
        let condition = below.condition.clone().and(self.condition.clone());
        (below.keep.is_none()).then(|| Arc::new(Filter { condition, keep: self.keep.clone() }) as Arc<dyn Op>)
    }

    fn relation(&self, _inputs: &[Plan]) -> Option<Relation> {
        Some(Relation::Apart)
    }

    fn portable(&self) -> Option<Portable> {
        Portable::of("filter", self)
    }
}

/// The conditions to apply one after the other: those that may fail are only asked about the rows that are left, so that
/// a filter can guard the ones after it even when they have become one.
fn steps(condition: &Expr) -> Vec<Expr> {
    let mut steps: Vec<Expr> = Vec::new();
    for part in condition.conjuncts() {
        match steps.pop() {
            Some(before) if part.can_fail() => steps.extend([before, part]),
            Some(before) => steps.push(before.and(part)),
            None => steps.push(part),
        }
    }
    steps
}

struct FilterStage {
    programs: Arc<[Program]>,
    keep: Option<Vec<usize>>,
}

impl Stage for FilterStage {
    fn push(&mut self, mut batch: Batch, out: &mut Out<'_>) -> Result<Flow> {
        for (i, program) in self.programs.iter().enumerate() {
            let condition = program.eval(&batch.record)?.into_iter().next();
            if let (Some(keep), true) = (&self.keep, i + 1 == self.programs.len()) {
                batch = batch.with_record(batch.record.project(keep)?);
            }
            match condition {
                Some(Value::Array(array)) => {
                    let array = crate::expr::fns::cast::convert(&array, &DataType::Boolean)?;
                    batch = batch.filter(array.as_boolean())?;
                }
                Some(Value::Scalar(scalar)) if is_true(&scalar) => {}
                _ => return Ok(Flow::More),
            }
            if batch.rows() == 0 {
                return Ok(Flow::More);
            }
        }
        out.push(batch)
    }
}

fn is_true(scalar: &Scalar) -> bool {
    let one: Option<&BooleanArray> = scalar.array().as_boolean_opt();
    !scalar.is_null() && one.is_some_and(|a| a.value(0))
}

/// The positions of the named columns.
pub(super) fn named<'a>(schema: &Schema, names: impl IntoIterator<Item = &'a str>) -> Result<Vec<usize>> {
    names.into_iter().map(|n| index_of(schema, n)).collect()
}

/// The schema of an operation that gives the columns of its only input.
///
/// # Errors
/// When there are none or several inputs.
pub fn same_schema(inputs: &[SchemaRef]) -> Result<SchemaRef> {
    match inputs {
        [input] => Ok(input.clone()),
        _ => Err(Error::invalid("the operation has one input")),
    }
}
