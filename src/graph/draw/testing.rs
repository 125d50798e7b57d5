//! Graphs to draw.

use proptest::prelude::*;

/// Nodes and edges.
pub(super) type Graph = (usize, Vec<(u32, u32)>);

/// Any graph without cycles; edges may come twice.
pub(super) fn dags(nodes: u32, edges: usize) -> impl Strategy<Value = Graph> {
    (1..nodes).prop_flat_map(move |n| {
        let edge = (0..n, 0..n).prop_map(|(a, b)| (a.min(b), a.max(b)));
        let edges = prop::collection::vec(edge, 0..edges);
        (edges, Just(n)).prop_map(|(edges, n)| (n as usize, edges.into_iter().filter(|(a, b)| a != b).collect()))
    })
}

/// So many leaves, of which each `every` are combined, until one is left.
pub(super) fn tree(leaves: u32, every: usize) -> Graph {
    let (mut level, mut edges): (Vec<u32>, Vec<_>) = ((0..leaves).collect(), Vec::new());
    let mut nodes = leaves;
    while level.len() > 1 {
        let mut next = Vec::new();
        for part in level.chunks(every) {
            edges.extend(part.iter().map(|&v| (v, nodes)));
            next.push(nodes);
            nodes += 1;
        }
        level = next;
    }
    (nodes as usize, edges)
}

/// `n` to `n`.
pub(super) fn shuffle(n: u32) -> Graph {
    (2 * n as usize, (0..n).flat_map(|i| (n..2 * n).map(move |j| (i, j))).collect())
}
