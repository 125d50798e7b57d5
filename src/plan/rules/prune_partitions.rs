//! Filters on an index look at the partitions that can have what they ask for.

use crate::base::Result;
use crate::plan::Plan;
use crate::plan::node::Rewritten;

/// Puts below every filter over known divisions an operation that passes on only the partitions that the condition can
/// be true in. The others are empty then, and keep their numbers.
///
/// # Errors
/// When an operation does not fit, which would be a bug.
pub fn apply(plan: &Plan) -> Result<Plan> {
    plan.rewrite_up(&mut |node| Ok(Rewritten::Done(narrowed(&node)?.unwrap_or(node))))
}

fn narrowed(node: &Plan) -> Result<Option<Plan>> {
    let (Some(condition), [below]) = (node.op().condition(), node.inputs()) else { return Ok(None) };
    let Some(divisions) = below.divisions() else { return Ok(None) };
    let (Some(range), Some(all)) = (divisions.reached_by(condition), divisions.partitions()) else { return Ok(None) };
    if range.len() == all {
        return Ok(None);
    }
    match node.op().narrowing(range, all) {
        Some(op) => Ok(Some(node.with_inputs(vec![Plan::of(op, vec![below.clone()])?])?)),
        None => Ok(None),
    }
}
