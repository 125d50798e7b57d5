//! Moves functions of other rows out of expressions into operations below.

use rustc_hash::FxHashMap;

use super::{Beside, Call, Over, Window};
use crate::base::deep::deep;
use crate::base::{Result, Token};
use crate::expr::windows::Windowed;
use crate::expr::{Expr, SortKey, col};
use crate::ops::Project;
use crate::ops::columns::place_of;
use crate::plan::Plan;

/// If one of `exprs` looks at other rows: expressions that do not, of the same names, and the plan that gives the columns
/// they need.
pub fn rowwise(exprs: &[Expr], input: &Plan) -> Result<Option<(Vec<Expr>, Plan)>> {
    if exprs.iter().all(Expr::is_rowwise) {
        return Ok(None);
    }
    let names: Vec<_> = exprs.iter().map(Expr::name).collect();
    let (mut exprs, mut plan) = (exprs.to_vec(), input.clone());
    while !exprs.iter().all(Expr::is_rowwise) {
        (exprs, plan) = innermost(exprs, &plan)?;
    }
    let exprs = exprs.into_iter().zip(&names).map(|(e, name)| e.named_as(name)).collect();
    Ok(Some((exprs, plan)))
}

/// A call that is found in expressions.
struct Found {
    token: Token,
    call: Call,
    keys: Vec<String>,
    order: Vec<SortKey>,
}

impl Found {
    /// Whether rows meet in the same way.
    fn is_beside(&self, other: &Found) -> bool {
        let shown = |order: &[SortKey]| order.iter().map(SortKey::to_string).collect::<Vec<_>>();
        self.keys == other.keys && shown(&self.order) == shown(&other.order)
    }
}

/// Computes those calls whose arguments hold no others.
fn innermost(exprs: Vec<Expr>, input: &Plan) -> Result<(Vec<Expr>, Plan)> {
    let mut columns: Vec<Expr> = input.schema().fields().iter().map(|f| col(f.name())).collect();
    let mut found: Vec<Found> = Vec::new();
    for e in &exprs {
        e.visit(&mut |e| {
            let Some((windowed, args)) = Windowed::call_of(e) else { return };
            let token = Token::of(|t| t.identity(e));
            if !args.iter().all(Expr::is_rowwise) || found.iter().any(|f| f.token == token) {
                return;
            }
            let names: Vec<String> = args.iter().map(|arg| place_of(&mut columns, arg)).collect();
            let (own, rest) = names.split_at(windowed.own.min(names.len()));
            let keys = rest[..windowed.keys.min(rest.len())].to_vec();
            let call = Call { window: windowed.window.clone(), args: own.to_vec(), name: e.to_string() };
            found.push(Found { token, call, keys, order: windowed.ordered(&names) });
        });
    }
    for i in 0..found.len() {
        let taken =
            |name: &str| columns.iter().any(|c| *c.name() == *name) || found[..i].iter().any(|f| f.call.name == name);
        let mut name = found[i].call.name.clone();
        while taken(&name) {
            name.push('\'');
        }
        found[i].call.name = name;
    }
    let by_token: FxHashMap<Token, String> = found.iter().map(|f| (f.token, f.call.name.clone())).collect();
    let mut plan = input.clone();
    if columns.len() > input.schema().fields().len() {
        plan = Plan::new(Project::new(columns), vec![plan])?;
    }
    while let Some(first) = found.pop() {
        let (mut same, others): (Vec<Found>, Vec<Found>) = found.into_iter().partition(|f| f.is_beside(&first));
        found = others;
        let (keys, order) = (first.keys.clone(), first.order.clone());
        same.push(first);
        plan = computed(same.into_iter().map(|f| f.call).collect(), keys, order, plan)?;
    }
    let replace = &mut |e: &Expr| {
        Windowed::call_of(e)?;
        by_token.get(&Token::of(|t| t.identity(e))).map(col)
    };
    Ok((exprs.iter().map(|e| deep(|| e.transform(replace))).collect(), plan))
}

/// All columns of `input` and the results of `calls` among rows with the same keys, in an order.
fn computed(calls: Vec<Call>, keys: Vec<String>, order: Vec<SortKey>, input: Plan) -> Result<Plan> {
    match (&keys[..], &order[..]) {
        ([], []) => return Plan::new(Window::new(calls), vec![input]),
        (_, []) => {}
        _ => return Plan::new(Over::new(calls, keys, order), vec![input]),
    }
    let (aggregates, others): (Vec<Call>, Vec<Call>) = calls.into_iter().partition(|call| call.window.fold().is_some());
    let mut plan = input;
    if !aggregates.is_empty() {
        plan = Plan::new(Beside::new(aggregates, keys.clone()), vec![plan])?;
    }
    if others.is_empty() { Ok(plan) } else { Plan::new(Over::new(others, keys, order), vec![plan]) }
}
