//! Neighbours that can be one operation become one.

use std::sync::Arc;

use rustc_hash::FxHashMap;

use crate::base::deep::deep;
use crate::base::{Result, Token};
use crate::plan::{Op, Plan};

/// Merges every operation with what lies below it, as long as the two say that they can be one and nobody else uses
/// the lower one.
///
/// # Errors
/// When the merged operation does not fit, which would be a bug.
pub fn apply(plan: &Plan) -> Result<Plan> {
    let mut users: FxHashMap<Token, usize> = FxHashMap::default();
    plan.visit(&mut |p| p.inputs().iter().for_each(|i| *users.entry(i.token()).or_default() += 1));
    walk(plan, &users, &mut FxHashMap::default())
}

/// Goes down a chain of operations with one input each, and merges it from its lower end upwards: each step looks at
/// one written operation only, so a chain costs no more than its length.
fn walk(top: &Plan, users: &FxHashMap<Token, usize>, done: &mut FxHashMap<Token, Plan>) -> Result<Plan> {
    if let Some(known) = done.get(&top.token()) {
        return Ok(known.clone());
    }
    let mut chain = vec![top.clone()];
    let mut at = top.clone();
    while let [below] = at.inputs() {
        if users.get(&below.token()).is_some_and(|&n| n > 1) {
            break;
        }
        let below = below.clone();
        chain.push(below.clone());
        at = below;
    }
    let mut inputs = at.inputs().iter().map(|i| deep(|| walk(i, users, done))).collect::<Result<Vec<_>>>()?;
    let mut pending: Option<Arc<dyn Op>> = None;
    for node in chain.iter().rev() {
        let op = node.shared_op();
        pending = Some(match pending {
            None => op.clone(),
            Some(below) => match op.merge_below(below.as_ref()) {
                Some(merged) => merged,
                None => {
                    inputs = vec![Plan::of(below, inputs)?];
                    op.clone()
                }
            },
        });
    }
    let merged = match pending {
        Some(op) => Plan::of(op, inputs)?,
        None => top.clone(),
    };
    done.insert(top.token(), merged.clone());
    Ok(merged)
}
