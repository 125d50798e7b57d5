//! Computes columns.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use rustc_hash::{FxHashMap, FxHashSet};

use crate::base::{Error, ErrorKind, Identity, Result, Tokenizer};
use crate::expr::Portable;
use crate::expr::fns::struct_field::{Path, by_column, paths};
use crate::expr::{Expr, Program};
use crate::io::Batch;
use crate::ops::window::extract;
use crate::plan::node::only;
use crate::plan::{Divisions, Flow, Map, Op, Out, Plan, Relation, Shape, Stage};

/// Computes columns from those of its input; what is common to several is computed once.
#[derive(Debug, Clone)]
pub struct Project {
    exprs: Vec<Expr>,
    /// Which of them are the same for all rows. Kept, because merged expressions may be long.
    constant: Vec<bool>,
}

impl Project {
    /// The columns `exprs`, called by their names.
    pub fn new(exprs: Vec<Expr>) -> Project {
        let constant = exprs.iter().map(|e| e.columns().is_empty()).collect();
        Project { exprs, constant }
    }

    /// The computed columns by their names, and whether they are the same for all rows.
    fn by_name(&self) -> ByName<'_> {
        self.exprs.iter().zip(&self.constant).map(|(e, &constant)| (e.name(), (e.unaliased(), constant))).collect()
    }
}

type ByName<'a> = FxHashMap<Arc<str>, (&'a Expr, bool)>;

/// `e` with columns replaced by what computes them; `None` where that would be another expression: a column that is the
/// same for all rows has a type of its own, while a literal takes that of the column it meets.
fn replaced(e: &Expr, by_name: &ByName<'_>) -> Option<Expr> {
    let passes = matches!(e.unaliased(), Expr::Column(_));
    let constant = |name: &Arc<str>| by_name.get(name).is_some_and(|(_, constant)| *constant);
    if !passes && e.columns().iter().any(constant) {
        return None;
    }
    Some(e.substitute(&|name| by_name.get(name).map(|(e, _)| (*e).clone())))
}

/// The columns that `exprs` give over `input`.
///
/// # Errors
/// Unknown columns, types that do not fit, two columns of one name.
pub(super) fn schema_of(exprs: &[Expr], input: &SchemaRef) -> Result<SchemaRef> {
    let mut names = FxHashSet::default();
    for name in exprs.iter().map(Expr::name) {
        if !names.insert(name.clone()) {
            let what = format!("two columns would be called `{name}`");
            return Err(Error::new(ErrorKind::Schema { what }).help("give one of them another name with alias()"));
        }
    }
    let fields: Vec<_> = exprs
        .iter()
        .map(|e| {
            let field = e.to_field(input).map_err(|error| error.at_column(e.name().as_ref()))?;
            Ok(Arc::new(field.as_ref().clone().with_name(e.name().as_ref())))
        })
        .collect::<Result<_>>()?;
    Ok(Arc::new(arrow::datatypes::Schema::new_with_metadata(fields, input.metadata().clone())))
}

impl fmt::Display for Project {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown: Vec<String> = self
            .exprs
            .iter()
            .map(|e| match e.unaliased() {
                Expr::Column(name) if *name == e.name() => name.to_string(),
                other => format!("{} = {other}", e.name()),
            })
            .collect();
        write!(f, "project {}", shown.join(", "))
    }
}

impl Identity for Project {
    fn token(&self, t: &mut Tokenizer) {
        t.str("project");
        t.list(&self.exprs, |t, e| {
            t.str(&e.name());
            t.identity(e);
        });
    }
}

impl Op for Project {
    fn name(&self) -> &'static str {
        "project"
    }

    fn schema(&self, inputs: &[SchemaRef]) -> Result<SchemaRef> {
        let [input] = inputs else { return Err(Error::invalid("project has one input")) };
        schema_of(&self.exprs, input)
    }

    fn shape(&self, inputs: &[Plan]) -> Result<Shape> {
        if let Some((exprs, plan)) = extract::rowwise(&self.exprs, only(inputs)?)? {
            return Ok(Shape::Rewrite(Plan::new(Project::new(exprs), vec![plan])?));
        }
        let program = Arc::new(Program::new(&self.exprs, only(inputs)?.schema())?);
        Ok(Map::each(move |_| Ok(Box::new(ProjectStage { program: program.clone() }))))
    }

    fn columns_needed(&self, wanted: &[usize], inputs: &[SchemaRef]) -> Option<Vec<Vec<usize>>> {
        let input = inputs.first()?;
        let mut names = BTreeSet::new();
        wanted.iter().filter_map(|&i| self.exprs.get(i)).for_each(|e| names.extend(e.columns()));
        Some(vec![names.iter().filter_map(|n| input.index_of(n).ok()).collect()])
    }

    fn takes_codes(&self, may: &[usize], inputs: &[SchemaRef]) -> Option<Vec<Vec<usize>>> {
        let input = inputs.first()?;
        let mut computed = BTreeSet::new();
        let mut passed = BTreeSet::new();
        for (i, e) in self.exprs.iter().enumerate() {
            match e.unaliased() {
                Expr::Column(name) if may.contains(&i) => passed.extend([name.clone()]),
                other => computed.extend(other.columns()),
            }
        }
        Some(vec![passed.difference(&computed).filter_map(|name| input.index_of(name).ok()).collect()])
    }

    fn fields_needed(&self, wanted: &[BTreeSet<Path>], inputs: &[SchemaRef]) -> Option<Vec<Vec<BTreeSet<Path>>>> {
        let looked = self.exprs.iter().zip(wanted).flat_map(|(e, wanted)| match e.unaliased() {
            Expr::Column(name) => wanted.iter().map(|path| (name.clone(), path.clone())).collect(),
            _ => paths(e),
        });
        Some(vec![by_column(inputs.first()?, looked)])
    }

    fn pruned(&self, keep: &[usize], _inputs: &[SchemaRef]) -> Option<Arc<dyn Op>> {
        let exprs = keep.iter().filter_map(|&i| self.exprs.get(i).cloned()).collect();
        let constant = keep.iter().filter_map(|&i| self.constant.get(i).copied()).collect();
        Some(Arc::new(Project { exprs, constant }))
    }

    fn filter_through(&self, _input: usize, predicate: &Expr) -> Option<Expr> {
        let by_name = self.by_name();
        // what is computed twice must be the same both times
        let known = predicate.columns().iter().all(|name| by_name.get(name).is_some_and(|(e, _)| e.is_repeatable()));
        if known { replaced(predicate, &by_name) } else { None }
    }

    fn map_exprs(&self, f: &mut dyn FnMut(&Expr) -> Result<Expr>) -> Result<Option<Arc<dyn Op>>> {
        let exprs = self.exprs.iter().map(|e| Ok(f(e)?.named_as(&e.name()))).collect::<Result<_>>()?;
        Ok(Some(Arc::new(Project::new(exprs))))
    }

    fn merge_below(&self, below: &dyn Op) -> Option<Arc<dyn Op>> {
        let below = (below as &dyn std::any::Any).downcast_ref::<Project>()?;
        let by_name = below.by_name();
        let (mut exprs, mut constant) = (Vec::with_capacity(self.exprs.len()), Vec::with_capacity(self.exprs.len()));
        for (e, own) in self.exprs.iter().zip(&self.constant) {
            exprs.push(replaced(e, &by_name)?.named_as(&e.name()));
            constant.push(match e.unaliased() {
                Expr::Column(name) => by_name.get(name).is_some_and(|(_, constant)| *constant),
                _ => *own,
            });
        }
        Some(Arc::new(Project { exprs, constant }))
    }

    fn keeps_rows(&self) -> bool {
        true
    }

    fn divisions(&self, inputs: &[Option<Divisions>]) -> Option<Divisions> {
        let divisions = inputs.first().cloned().flatten()?;
        let passes = |e: &&Expr| matches!(e.unaliased(), Expr::Column(name) if **name == *divisions.column());
        let name = self.exprs.iter().find(passes)?.name();
        Some(divisions.renamed(&name))
    }

    fn known_rows(&self, inputs: &[Option<Vec<u64>>]) -> Option<Vec<u64>> {
        inputs.first().cloned().flatten()
    }

    fn relation(&self, _inputs: &[Plan]) -> Option<Relation> {
        Some(Relation::Apart)
    }

    fn portable(&self) -> Option<Portable> {
        Portable::of("project", &self.exprs)
    }
}

struct ProjectStage {
    program: Arc<Program>,
}

impl Stage for ProjectStage {
    fn push(&mut self, batch: Batch, out: &mut Out<'_>) -> Result<Flow> {
        let record = self.program.run(&batch.record)?;
        let batch = Batch { record, origin: batch.origin };
        out.push(batch)
    }
}
