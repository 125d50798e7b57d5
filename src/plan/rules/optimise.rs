//! All rules, in their order.

use super::{fold_constants, merge, prune_columns, push_filters};
use crate::base::Result;
use crate::plan::Plan;
use crate::plan::lower::expand;

/// The plan made cheaper; it gives the same rows in the same order.
///
/// # Errors
/// When an operation is found wrong only now.
pub fn optimise(plan: &Plan) -> Result<Plan> {
    let plan = expand(plan)?;
    let plan = fold_constants::apply(&plan)?;
    let plan = merge::apply(&plan)?;
    let plan = push_filters::apply(&plan)?;
    let plan = merge::apply(&plan)?;
    let plan = prune_columns::apply(&plan)?;
    merge::apply(&plan)
}
