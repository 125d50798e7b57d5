//! Parts of expressions that are the same for all rows are computed once.

use crate::base::Result;
use crate::plan::Plan;
use crate::plan::node::Rewritten;

/// Folds the constants in the expressions of every operation.
///
/// # Errors
/// When such a part has no value.
pub fn apply(plan: &Plan) -> Result<Plan> {
    plan.rewrite_up(&mut |node| match node.op().map_exprs(&mut |e| e.fold_constants())? {
        Some(op) => Ok(Rewritten::Done(Plan::of(op, node.inputs().to_vec())?)),
        None => Ok(Rewritten::Done(node)),
    })
}
