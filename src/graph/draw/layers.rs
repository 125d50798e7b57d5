//! Which layer each node is in; places where long edges pass.
//!
//! The first step of the method of Sugiyama, Tagawa and Toda ("Methods for Visual Understanding of Hierarchical System
//! Structures", 1981).

use std::collections::VecDeque;

/// The neighbours of vertices, in one piece.
#[derive(Clone, Debug, Default)]
pub(super) struct Adjacency {
    starts: Vec<u32>,
    to: Vec<u32>,
}

impl Adjacency {
    /// The second of each pair, by the first, in the order of the pairs.
    pub fn new(vertices: usize, pairs: impl Iterator<Item = (u32, u32)> + Clone) -> Adjacency {
        let mut starts = vec![0u32; vertices + 1];
        pairs.clone().for_each(|(v, _)| starts[v as usize + 1] += 1);
        (0..vertices).for_each(|v| starts[v + 1] += starts[v]);
        let mut next = starts.clone();
        let mut to = vec![0; starts[vertices] as usize];
        for (v, w) in pairs {
            to[next[v as usize] as usize] = w;
            next[v as usize] += 1;
        }
        Adjacency { starts, to }
    }

    pub fn of(&self, v: u32) -> &[u32] {
        &self.to[self.starts[v as usize] as usize..self.starts[v as usize + 1] as usize]
    }

    /// The number of pairs.
    pub fn len(&self) -> usize {
        self.to.len()
    }
}

/// A graph in layers whose edges run from one layer to the next. The first `nodes` vertices are nodes; the others are
/// places where a long edge passes a layer.
#[derive(Clone, Debug)]
pub(super) struct Layered {
    pub nodes: usize,
    pub layer_of: Vec<u32>,
    /// The vertices of each layer, in their order.
    pub layers: Vec<Vec<u32>>,
    /// The neighbours of each vertex in the layer before.
    pub ups: Adjacency,
    /// Those in the layer behind.
    pub downs: Adjacency,
    /// What each edge passes, from layer to layer.
    pub paths: Vec<Path>,
}

/// What an edge passes.
#[derive(Clone, Debug)]
pub(super) struct Path {
    /// All vertices from the one in the earlier layer to that in the later.
    pub vertices: Vec<u32>,
    /// Whether the edge runs the other way, because the graph has a cycle.
    pub backwards: bool,
}

/// Puts the nodes into layers so that edges run forwards.
pub(super) fn layer(nodes: usize, edges: &[(u32, u32)]) -> Layered {
    let order = order(nodes, edges);
    let mut place = vec![0u32; nodes];
    order.iter().enumerate().for_each(|(i, &v)| place[v as usize] = i as u32);
    let forwards: Vec<(u32, u32)> =
        edges.iter().map(|&(a, b)| if place[a as usize] < place[b as usize] { (a, b) } else { (b, a) }).collect();
    let mut layer_of = longest_paths(nodes, &order, &forwards);
    let direct = too_long(nodes, &layer_of, &forwards);
    let (mut paths, mut pairs) = (Vec::with_capacity(edges.len()), Vec::with_capacity(edges.len()));
    for (i, &(from, to)) in forwards.iter().enumerate() {
        let mut vertices = vec![from];
        let (first, last) = (layer_of[from as usize], layer_of[to as usize]);
        if !direct[i] {
            for layer in first + 1..last {
                vertices.push(layer_of.len() as u32);
                layer_of.push(layer);
            }
        }
        vertices.push(to);
        if !direct[i] {
            pairs.extend(vertices.windows(2).map(|w| (w[0], w[1])));
        }
        paths.push(Path { vertices, backwards: edges[i].0 != from });
    }
    let count = layer_of.iter().max().map_or(0, |&l| l as usize + 1);
    let mut layers = vec![Vec::new(); count];
    layer_of.iter().enumerate().for_each(|(v, &l)| layers[l as usize].push(v as u32));
    let downs = Adjacency::new(layer_of.len(), pairs.iter().copied());
    let ups = Adjacency::new(layer_of.len(), pairs.iter().map(|&(a, b)| (b, a)));
    Layered { nodes, layer_of, layers, ups, downs, paths }
}

/// An order in which edges run forwards. Where a cycle leaves none, the first node that is left goes next.
fn order(nodes: usize, edges: &[(u32, u32)]) -> Vec<u32> {
    let after = Adjacency::new(nodes, edges.iter().copied());
    let mut missing = vec![0u32; nodes];
    edges.iter().for_each(|&(_, to)| missing[to as usize] += 1);
    let mut ready: VecDeque<u32> = (0..nodes as u32).filter(|&v| missing[v as usize] == 0).collect();
    let mut placed = vec![false; nodes];
    let (mut order, mut first) = (Vec::with_capacity(nodes), 0);
    loop {
        while let Some(v) = ready.pop_front() {
            if std::mem::replace(&mut placed[v as usize], true) {
                continue;
            }
            order.push(v);
            for &w in after.of(v) {
                missing[w as usize] = missing[w as usize].saturating_sub(1);
                if missing[w as usize] == 0 {
                    ready.push_back(w);
                }
            }
        }
        while first < nodes && placed[first] {
            first += 1;
        }
        if first == nodes {
            return order;
        }
        ready.push_back(first as u32);
    }
}

/// The longest path to each node; then those that have no more before them than behind them go to where they are needed.
fn longest_paths(nodes: usize, order: &[u32], edges: &[(u32, u32)]) -> Vec<u32> {
    let after = Adjacency::new(nodes, edges.iter().copied());
    let mut layer = vec![0u32; nodes];
    let mut before = vec![0usize; nodes];
    for &v in order {
        for &w in after.of(v) {
            layer[w as usize] = layer[w as usize].max(layer[v as usize] + 1);
            before[w as usize] += 1;
        }
    }
    for &v in order.iter().rev() {
        let after = after.of(v);
        if let Some(next) = after.iter().map(|&w| layer[w as usize]).min()
            && before[v as usize] <= after.len()
        {
            layer[v as usize] = next - 1;
        }
    }
    layer
}

/// The edges that pass too many layers: the places where edges pass are bounded by the size of the graph, and the longest
/// edges get none.
fn too_long(nodes: usize, layer_of: &[u32], edges: &[(u32, u32)]) -> Vec<bool> {
    let passed = |&(a, b): &(u32, u32)| (layer_of[b as usize] - layer_of[a as usize]) as usize - 1;
    let mut room = 2_000 + 2 * (nodes + edges.len());
    let mut direct = vec![false; edges.len()];
    if edges.iter().map(passed).sum::<usize>() <= room {
        return direct;
    }
    let mut by_length: Vec<usize> = (0..edges.len()).collect();
    by_length.sort_by_key(|&i| passed(&edges[i]));
    for i in by_length {
        match room.checked_sub(passed(&edges[i])) {
            Some(left) => room = left,
            None => direct[i] = true,
        }
    }
    direct
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sources_stand_near_what_needs_them() {
        // 0 → 1 → 2, and 3 → 4 → 2 is as long; 5 → 2 goes down to it
        let layered = layer(6, &[(0, 1), (1, 2), (3, 4), (4, 2), (5, 2)]);
        assert_eq!(layered.layer_of, [0, 1, 2, 0, 1, 1]);
    }

    #[test]
    fn long_edges_pass_every_layer() {
        let layered = layer(4, &[(0, 1), (1, 2), (2, 3), (0, 3)]);
        assert_eq!(layered.paths[3].vertices, [0, 4, 5, 3]);
        assert_eq!(layered.layers, [vec![0], vec![1, 4], vec![2, 5], vec![3]]);
        assert_eq!((layered.downs.of(0), layered.ups.of(3)), (&[1, 4][..], &[2, 5][..]));
    }

    #[test]
    fn a_cycle_has_an_edge_that_runs_backwards() {
        let layered = layer(3, &[(0, 1), (1, 2), (2, 0)]);
        assert_eq!(layered.layer_of[..3], [0, 1, 2]);
        let backwards: Vec<bool> = layered.paths.iter().map(|p| p.backwards).collect();
        assert_eq!(backwards, [false, false, true]);
    }

    #[test]
    fn places_are_bounded_by_the_size_of_the_graph() {
        // a chain whose every node is needed at the end too: half a million places for two thousand edges
        let n = 1_000u32;
        let edges: Vec<_> = (0..n).map(|i| (i, i + 1)).chain((0..n - 1).map(|i| (i, n))).collect();
        let layered = layer(n as usize + 1, &edges);
        assert!(layered.layer_of.len() < 10_000, "{}", layered.layer_of.len());
        assert_eq!(layered.layers.len(), n as usize + 1);
    }
}
