//! Calls that several others need, where these are computed at different times.

use std::sync::{Arc, Mutex, PoisonError};

use rustc_hash::{FxHashMap, FxHashSet};

use super::node::{Need, Node, graph};
use crate::base::Result;
use crate::exec::{LiveWork, Run, TaskContext};
use crate::graph::{Key, Payload};
use crate::session::Session;

/// The same calls, of which those that several of the `wanted` need are computed once, by the first that needs them, and
/// held as long as one of these is there.
pub(super) fn shared_once(wanted: &[Arc<Node>], session: &Session) -> Vec<Arc<Node>> {
    let shared = shared(wanted);
    if shared.is_empty() {
        return wanted.to_vec();
    }
    let mut made: FxHashMap<Key, Arc<Node>> = FxHashMap::default();
    wanted.iter().map(|node| rewritten(node, &shared, &mut made, session)).collect()
}

/// The calls that are reached from more than one of the wanted. Below one of them nothing is looked at again.
fn shared(wanted: &[Arc<Node>]) -> FxHashSet<Key> {
    let mut reached: FxHashMap<Key, usize> = FxHashMap::default();
    let mut shared = FxHashSet::default();
    for (number, node) in wanted.iter().enumerate() {
        let mut stack = vec![node];
        while let Some(node) = stack.pop() {
            match *reached.entry(node.key).or_insert(number) {
                first if first != number => drop(shared.insert(node.key)),
                _ => stack.extend(node.needs.iter().filter_map(|need| match need {
                    Need::Call(call) if reached.get(&call.key) != Some(&number) => Some(call),
                    _ => None,
                })),
            }
        }
    }
    shared
}

fn rewritten(
    wanted: &Arc<Node>,
    shared: &FxHashSet<Key>,
    made: &mut FxHashMap<Key, Arc<Node>>,
    session: &Session,
) -> Arc<Node> {
    let mut stack = vec![wanted];
    while let Some(&node) = stack.last() {
        let missing = |need: &&Need| matches!(need, Need::Call(call) if !made.contains_key(&call.key));
        if let Some(Need::Call(call)) = node.needs.iter().find(missing) {
            stack.push(call);
            continue;
        }
        stack.pop();
        let needs = node.needs.iter().map(|need| match need {
            Need::Call(call) => Need::Call(made.get(&call.key).unwrap_or(call).clone()),
            task => task.clone(),
        });
        let same = Node::new(node.key, node.name.clone(), needs.collect(), node.work.clone());
        let new = if shared.contains(&node.key) { once(same, session) } else { same };
        made.insert(node.key, new);
    }
    made.get(&wanted.key).unwrap_or(wanted).clone()
}

/// A call that is computed when it is needed first.
fn once(node: Arc<Node>, session: &Session) -> Arc<Node> {
    let (key, name) = (node.key, node.name.clone());
    let once = Once { node, session: session.clone(), run: Mutex::default() };
    let work: LiveWork = Arc::new(move |_, ctx| once.get(ctx));
    Node::new(key, name, Vec::new(), work)
}

struct Once {
    node: Arc<Node>,
    session: Session,
    run: Mutex<Option<Arc<Run>>>,
}

impl Once {
    fn get(&self, ctx: &TaskContext) -> Result<Payload> {
        let run = {
            let mut run = self.run.lock().unwrap_or_else(PoisonError::into_inner);
            match run.as_ref().filter(|run| !run.has_failed()) {
                Some(run) => run.clone(),
                None => {
                    let (graph, wanted) = graph(&[&self.node], &self.session);
                    run.insert(Arc::new(self.session.run_graph(graph, wanted)?)).clone()
                }
            }
        };
        run.get_unless(0, &ctx.cancel)
    }
}
