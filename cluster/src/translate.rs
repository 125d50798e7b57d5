//! From a plan of frames to a logical plan of DataFusion.
//!
//! DataFusion says where rows go: which tasks there are, what is exchanged between them. What is computed of a row, how
//! groups are folded, how keys compare and how files are read stays the library's own code, which travels by name. So a
//! result is that of a session in one process, to the bit.

use std::ops::Range;
use std::sync::Arc;

use datafusion::common::Column;
use datafusion::datasource::provider_as_source;
use datafusion::functions_aggregate::expr_fn::count;
use datafusion::logical_expr::{Expr as Their, LogicalPlan, LogicalPlanBuilder, lit};
use partita::arrow::datatypes::{DataType, Schema, SchemaRef};
use partita::expr::Expr;
use partita::plan::relation::Folded;
use partita::plan::{Plan, Relation};
use partita::{Error, Result, SortKey, col, when};

use crate::bridge::to_theirs;
use crate::error;
use crate::fold::Folding;
use crate::rowwise::Rowwise;
use crate::scan::Files;

/// What the tables of files are called; columns are always found by their own names.
const TABLE: &str = "files";
/// What columns are called that are there for one step only.
const HIDDEN: &str = "\u{1}";

/// The logical plan of a plan.
///
/// # Errors
/// `Unsupported`, naming it, for an operation, an expression or an aggregate that cannot run elsewhere.
pub fn logical(plan: &Plan) -> Result<LogicalPlan> {
    over(plan, None)
}

/// The logical plan of a chain of operations on rows over some partitions of the files below it.
///
/// # Errors
/// As [`logical`].
pub fn of_partitions(plan: &Plan, partitions: Range<usize>) -> Result<LogicalPlan> {
    over(plan, Some(partitions))
}

/// How many partitions the files have that are below a chain of operations on rows, if `plan` is one.
pub fn partitions_of_chain(plan: &Plan) -> Option<usize> {
    match Relation::of(plan).ok()? {
        Relation::Scan { source, .. } => Some(source.partitions()),
        Relation::Filter { .. } | Relation::Project { .. } => partitions_of_chain(plan.only_input().ok()?),
        _ => None,
    }
}

/// The logical plan as one that gives only its first rows, where it has an order of its own.
///
/// # Errors
/// Never in practice.
pub fn first(plan: LogicalPlan, rows: usize) -> Result<LogicalPlan> {
    done(LogicalPlanBuilder::from(plan).limit(0, Some(rows)))
}

fn over(plan: &Plan, partitions: Option<Range<usize>>) -> Result<LogicalPlan> {
    let relation = Relation::of(plan)?;
    if let Relation::Scan { source, schema, projection, prune } = relation {
        let mut files = Files::new(source, &schema, prune)?;
        if let Some(partitions) = partitions {
            files = files.only(partitions);
        }
        let keep = projection.map(|keep| keep.to_vec());
        return done(LogicalPlanBuilder::scan(TABLE, provider_as_source(Arc::new(files)), keep));
    }
    let input = plan.only_input()?;
    let below = LogicalPlanBuilder::from(over(input, partitions)?);
    let (schema, output) = (input.schema(), plan.schema());
    match relation {
        Relation::Filter { condition, keep } => {
            let kept = below.filter(condition_of(&condition)?);
            match keep {
                Some(_) => done(kept.and_then(|b| b.project(output.fields().iter().map(|f| named(f.name()))))),
                None => done(kept),
            }
        }
        Relation::Project { exprs } => {
            let columns = exprs.iter().map(|e| Ok(value(e)?.alias(e.name().as_ref()))).collect::<Result<Vec<_>>>()?;
            done(below.project(columns))
        }
        Relation::Aggregate { keys, folds, dropna, output: kept } => {
            aggregate(below, schema, (&keys, &folds, dropna, &kept), output)
        }
        Relation::Sort { keys, rows, .. } => sort(below, &keys, rows, output),
        Relation::Count => {
            let rows = below.aggregate(Vec::<Their>::new(), [count(lit(1i64)).alias("rows")]);
            done(rows)
        }
        Relation::Head { .. } | Relation::Describe { .. } => {
            Err(Error::unsupported(format!("`{}` below another operation on a cluster", plan.op()))
                .help("compute it as the last operation, or persist() what it gives and go on here"))
        }
        _ => Err(Error::unsupported(format!("`{}` on a cluster", plan.op()))),
    }
}

fn done(builder: datafusion::common::Result<LogicalPlanBuilder>) -> Result<LogicalPlan> {
    builder.and_then(LogicalPlanBuilder::build).map_err(error::to_ours)
}

/// A column by exactly this name.
fn named(name: &str) -> Their {
    Their::Column(Column::new_unqualified(name))
}

/// An expression: a column as it is, anything else as a function of ours.
fn value(expr: &Expr) -> Result<Their> {
    match expr.unaliased() {
        Expr::Column(name) => Ok(named(name)),
        other => Ok(call(Rowwise::value(other)?)),
    }
}

/// A condition, as one function: DataFusion would ask its parts in any order.
fn condition_of(expr: &Expr) -> Result<Their> {
    Ok(call(Rowwise::condition(expr)?))
}

fn call(function: Rowwise) -> Their {
    let args = function.columns().iter().map(|name| named(name)).collect();
    function.into_udf().call(args)
}

type Groups<'a> = (&'a [String], &'a [Folded], bool, &'a [usize]);

fn aggregate(
    below: LogicalPlanBuilder,
    input: &SchemaRef,
    (keys, folds, dropna, kept): Groups<'_>,
    output: &SchemaRef,
) -> Result<LogicalPlan> {
    let hidden = |i: usize| format!("{HIDDEN}{i}");
    let mut below = below;
    if let Some(present) = keys.iter().filter(|_| dropna).map(|key| is_there(input, key)).reduce(Expr::and) {
        below = below.filter(condition_of(&present)?).map_err(error::to_ours)?;
    }
    let by = keys.iter().map(|key| value(&one_of_each(input, key))).enumerate();
    let by = by.map(|(i, key)| Ok(key?.alias(hidden(i)))).collect::<Result<Vec<_>>>()?;
    let fold = |(i, f): (usize, &Folded)| {
        let call = Folding::new(&f.fold)?.into_udaf().call(vec![named(&f.column)]);
        Ok(call.alias(hidden(keys.len() + i)))
    };
    let folded = folds.iter().enumerate().map(fold).collect::<Result<Vec<_>>>()?;
    let groups = if folded.is_empty() {
        let columns = (0..keys.len()).map(|i| named(&hidden(i)));
        below.project(by).and_then(|b| b.project(columns)).and_then(LogicalPlanBuilder::distinct)
    } else {
        below.aggregate(by, folded)
    };
    let columns = kept.iter().zip(output.fields()).map(|(&i, field)| named(&hidden(i)).alias(field.name()));
    done(groups.and_then(|b| b.project(columns)))
}

fn is_float(schema: &Schema, column: &str) -> bool {
    schema.field_with_name(column).is_ok_and(|f| f.data_type().is_floating())
}

/// Whether a key is neither null nor NaN.
fn is_there(schema: &Schema, key: &str) -> Expr {
    let there = col(key).is_not_null();
    if is_float(schema, key) { there.and(!col(key).is_nan()) } else { there }
}

/// A key with one zero and one NaN, for DataFusion tells them apart by their bits.
fn one_of_each(schema: &Schema, key: &str) -> Expr {
    let Ok(field) = schema.field_with_name(key) else { return col(key) };
    let constant = |value: f64| partita::lit(value).cast(field.data_type().clone());
    match field.data_type() {
        DataType::Float32 | DataType::Float64 => when(col(key).eq(0.0))
            .then(constant(0.0))
            .when(col(key).is_nan())
            .then(constant(f64::NAN))
            .otherwise(col(key)),
        _ => col(key),
    }
}

fn sort(below: LogicalPlanBuilder, keys: &[SortKey], rows: Option<usize>, output: &SchemaRef) -> Result<LogicalPlan> {
    let order = call(Rowwise::order(keys)?).alias(HIDDEN);
    let columns = || output.fields().iter().map(|f| named(f.name()));
    let with_keys = below.project(columns().chain([order]));
    let sorted = with_keys.and_then(|b| b.sort_with_limit([named(HIDDEN).sort(true, true)], rows));
    done(sorted.and_then(|b| b.project(columns())))
}

/// That DataFusion has understood the plan: its columns have the types that the frame promises.
///
/// # Errors
/// `Schema` when they have not.
pub fn check(logical: &LogicalPlan, plan: &Plan) -> Result<()> {
    let wanted = to_theirs::schema(plan.schema())?;
    let shown = |schema: &datafusion::arrow::datatypes::Schema| {
        let fields = schema.fields().iter().map(|f| format!("{}: {}", f.name(), f.data_type()));
        fields.collect::<Vec<_>>().join(", ")
    };
    let (found, wanted) = (shown(logical.schema().as_arrow()), shown(&wanted));
    if found == wanted {
        return Ok(());
    }
    let what = format!("the plan gives ({wanted}) and would give ({found}) on the cluster");
    Err(Error::new(partita::ErrorKind::Schema { what }).help("this is a bug, please report it with the plan"))
}
