//! Filters go down to the sources, which may skip by them.

use crate::base::Result;
use crate::base::deep::deep;
use crate::expr::Expr;
use crate::plan::Plan;
use crate::plan::node::Rewritten;

/// Moves every filter as far down as the operations below let it pass.
///
/// # Errors
/// When an operation is found wrong only now.
pub fn apply(plan: &Plan) -> Result<Plan> {
    plan.rewrite_up(&mut |node| {
        let (Some(condition), [below]) = (node.op().condition(), node.inputs()) else {
            return Ok(Rewritten::Done(node));
        };
        // one that leaves columns out has gone as far as it can: below, somebody may need them
        if node.schema().fields().len() != below.schema().fields().len() {
            return Ok(Rewritten::Done(node));
        }
        let filter = |condition: Expr, below: Plan| match node.op().map_exprs(&mut |_| Ok(condition.clone()))? {
            Some(op) => Plan::of(op, vec![below]),
            None => node.with_inputs(vec![below]),
        };
        let (staying, below) = sink(condition.conjuncts(), below.clone(), &filter)?;
        match Expr::all(staying) {
            Some(condition) => Ok(Rewritten::Done(filter(condition, below)?)),
            None => Ok(Rewritten::Done(below)),
        }
    })
}

/// Sinks the conditions into `plan`; gives those that have to stay above it, and the plan with the others inside.
fn sink(conditions: Vec<Expr>, plan: Plan, filter: &dyn Fn(Expr, Plan) -> Result<Plan>) -> Result<(Vec<Expr>, Plan)> {
    if let (Some(own), [below]) = (plan.op().condition(), plan.inputs()) {
        let all = own.conjuncts().into_iter().chain(conditions).collect();
        return deep(|| sink(all, below.clone(), filter));
    }
    let mut staying = Vec::new();
    let mut passing: Vec<Vec<Expr>> = vec![Vec::new(); plan.inputs().len()];
    for condition in conditions {
        let mut passes = false;
        for (input, passing) in passing.iter_mut().enumerate() {
            if let Some(rewritten) = plan.op().filter_through(input, &condition) {
                passing.push(rewritten);
                passes = true;
            }
        }
        if !passes {
            staying.push(condition);
        }
    }
    let mut plan = plan;
    if passing.iter().any(|p| !p.is_empty()) {
        let inputs = plan.inputs().iter().zip(passing).map(|(input, conditions)| {
            let (left, below) = deep(|| sink(conditions, input.clone(), filter))?;
            match Expr::all(left) {
                None => Ok(below),
                Some(left) => filter(left, below),
            }
        });
        let inputs = inputs.collect::<Result<Vec<_>>>()?;
        plan = plan.with_inputs(inputs)?;
    }
    if let Some(skipping) = Expr::all(staying.clone()).and_then(|all| plan.op().skipping(&all)) {
        plan = Plan::of(skipping, plan.inputs().to_vec())?;
    }
    Ok((staying, plan))
}
