//! Neighbours that can be one operation become one.

use crate::base::Result;
use crate::plan::Plan;

/// Merges every operation with what lies below it, as long as the two say that they can be one.
///
/// # Errors
/// When the merged operation does not fit, which would be a bug.
pub fn apply(plan: &Plan) -> Result<Plan> {
    plan.rewrite_up(&mut |mut node| {
        while let [below] = node.inputs() {
            match node.op().merge_below(below.op()) {
                Some(op) => node = Plan::of(op, below.inputs().to_vec())?,
                None => break,
            }
        }
        Ok(node)
    })
}
