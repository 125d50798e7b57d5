//! The order in the layers that lets few edges cross.
//!
//! It begins as a depth-first walk from the results, which draws trees without a crossing. Sweeps then move every vertex to
//! the middle of its neighbours (the barycentre method of Sugiyama, Tagawa and Toda), neighbours change places where that helps
//! (Gansner et al., "A Technique for Drawing Directed Graphs", 1993), and the best order seen is kept.

use super::layers::{Adjacency, Layered};

/// Sweeps at the most, and how many may bring nothing.
const SWEEPS: usize = 24;
const IN_VAIN: usize = 4;
/// Vertices and edges that all sweeps together look at, about.
const WORK: usize = 3_000_000;

/// Orders the vertices in their layers.
pub(super) fn reduce(graph: &mut Layered) {
    walk(graph);
    let mut place = places(graph);
    let mut best = (count(graph, &place), graph.layers.clone());
    let sweeps = (WORK / (graph.layer_of.len() + graph.downs.len() + 1)).clamp(2, SWEEPS);
    let mut in_vain = 0;
    for sweep in 0..sweeps {
        if best.0 == 0 || in_vain == IN_VAIN {
            break;
        }
        let down = sweep % 2 == 0;
        let last = graph.layers.len() - 1;
        for i in 1..=last {
            let at = if down { i } else { last - i };
            centre(graph, &mut place, at, down);
        }
        for at in 0..=last {
            transpose(graph, &mut place, at);
        }
        let crossings = count(graph, &place);
        in_vain += 1;
        if crossings < best.0 {
            best = (crossings, graph.layers.clone());
            in_vain = 0;
        }
    }
    graph.layers = best.1;
}

/// The order in which a depth-first walk from the vertices that nothing follows leaves them.
fn walk(graph: &mut Layered) {
    let vertices = graph.layer_of.len();
    let mut seen = vec![false; vertices];
    graph.layers.iter_mut().for_each(Vec::clear);
    let mut stack: Vec<(u32, usize)> = Vec::new();
    for end in (0..vertices as u32).filter(|&v| graph.downs.of(v).is_empty()) {
        seen[end as usize] = true;
        stack.push((end, 0));
        while let Some((v, looked_at)) = stack.last_mut() {
            match graph.ups.of(*v).get(*looked_at) {
                Some(&up) => {
                    *looked_at += 1;
                    if !std::mem::replace(&mut seen[up as usize], true) {
                        stack.push((up, 0));
                    }
                }
                None => {
                    graph.layers[graph.layer_of[*v as usize] as usize].push(*v);
                    stack.pop();
                }
            }
        }
    }
}

/// The place of each vertex in its layer.
pub(super) fn places(graph: &Layered) -> Vec<u32> {
    let mut place = vec![0; graph.layer_of.len()];
    for layer in &graph.layers {
        layer.iter().enumerate().for_each(|(i, &v)| place[v as usize] = i as u32);
    }
    place
}

/// How many pairs of edges cross.
pub(super) fn count(graph: &Layered, place: &[u32]) -> u64 {
    let mut crossings = 0;
    let (mut tree, mut ends): (Vec<u32>, Vec<u32>) = Default::default();
    for pair in graph.layers.windows(2) {
        // how many edges end at or before a place: a tree of sums (Fenwick)
        tree.clear();
        tree.resize(pair[1].len() + 1, 0);
        let mut edges = 0u64;
        for &v in &pair[0] {
            sorted(&graph.downs, v, place, &mut ends);
            for &end in &ends {
                let (mut at, mut before) = (end as usize + 1, 0u64);
                while at > 0 {
                    before += u64::from(tree[at]);
                    at &= at - 1;
                }
                crossings += edges - before;
            }
            for &end in &ends {
                let mut at = end as usize + 1;
                while at < tree.len() {
                    tree[at] += 1;
                    at += at & at.wrapping_neg();
                }
            }
            edges += ends.len() as u64;
        }
    }
    crossings
}

/// The places of the neighbours of a vertex, sorted.
fn sorted(near: &Adjacency, v: u32, place: &[u32], out: &mut Vec<u32>) {
    out.clear();
    out.extend(near.of(v).iter().map(|&w| place[w as usize]));
    out.sort_unstable();
}

/// Sorts a layer by the middle of the neighbours in the layer before it, or behind it; who has none there keeps its place.
fn centre(graph: &mut Layered, place: &mut [u32], at: usize, down: bool) {
    let near = if down { &graph.ups } else { &graph.downs };
    let layer = &mut graph.layers[at];
    let middle = |v: u32| {
        let near = near.of(v);
        let sum: u64 = near.iter().map(|&w| u64::from(place[w as usize])).sum();
        (!near.is_empty()).then(|| sum as f64 / near.len() as f64)
    };
    let mut moved: Vec<(f64, u32)> = layer.iter().filter_map(|&v| Some((middle(v)?, v))).collect();
    moved.sort_by(|a, b| a.0.total_cmp(&b.0));
    let mut moved = moved.into_iter();
    for (i, slot) in layer.iter_mut().enumerate() {
        if !near.of(*slot).is_empty()
            && let Some((_, v)) = moved.next()
        {
            *slot = v;
        }
        place[*slot as usize] = i as u32;
    }
}

/// Lets neighbours change places as long as that lets fewer edges cross.
fn transpose(graph: &mut Layered, place: &mut [u32], at: usize) {
    let layer = &mut graph.layers[at];
    // the other layers stay as they are, so what is sorted once stays sorted
    let mut ends: Vec<[Vec<u32>; 2]> = Vec::with_capacity(layer.len());
    for &v in layer.iter() {
        let mut of = [Vec::new(), Vec::new()];
        sorted(&graph.ups, v, place, &mut of[0]);
        sorted(&graph.downs, v, place, &mut of[1]);
        ends.push(of);
    }
    let mut work = 8 * (layer.len() + ends.iter().flatten().map(Vec::len).sum::<usize>());
    let mut order: Vec<usize> = (0..layer.len()).collect();
    let mut improved = true;
    while std::mem::take(&mut improved) {
        for i in 1..order.len() {
            let (a, b) = (&ends[order[i - 1]], &ends[order[i]]);
            let cost = 1 + a.iter().chain(b).map(Vec::len).sum::<usize>();
            if work < cost {
                improved = false;
                break;
            }
            work -= cost;
            let (as_is, swapped) = (crossed(a, b), crossed(b, a));
            if swapped < as_is {
                order.swap(i - 1, i);
                improved = true;
            }
        }
    }
    let before = layer.clone();
    for (i, (slot, from)) in layer.iter_mut().zip(order).enumerate() {
        *slot = before[from];
        place[*slot as usize] = i as u32;
    }
}

/// How often edges of two vertices cross when the first stands before the second.
fn crossed(first: &[Vec<u32>; 2], second: &[Vec<u32>; 2]) -> u64 {
    let mut crossings = 0;
    for (a, b) in first.iter().zip(second) {
        let mut below = 0;
        for &end in a {
            while below < b.len() && b[below] < end {
                below += 1;
            }
            crossings += below as u64;
        }
    }
    crossings
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::graph::draw::layers::layer;
    use crate::graph::draw::testing::{dags, shuffle, tree};

    fn crossings(nodes: usize, edges: &[(u32, u32)]) -> u64 {
        let mut graph = layer(nodes, edges);
        reduce(&mut graph);
        count(&graph, &places(&graph))
    }

    #[test]
    fn trees_do_not_cross() {
        let (nodes, edges) = tree(81, 3);
        assert_eq!(crossings(nodes, &edges), 0);
        // a tree whose leaves were numbered badly
        let edges: Vec<_> = (0..8).map(|i| (i, 8 + (i * 3) % 4)).chain((8..12).map(|i| (i, 12 + i % 2))).collect();
        assert_eq!(crossings(14, &edges), 0);
    }

    #[test]
    fn a_planar_ladder_is_found() {
        // rails 0..10 and 10..20 whose rungs were drawn in another order
        let rails = (0..9u32).flat_map(|i| [(i, i + 1), (10 + i, 11 + i)]);
        let rungs = (0..9u32).map(|i| if i % 2 == 0 { (i, 11 + i) } else { (10 + i, i + 1) });
        assert_eq!(crossings(20, &rails.chain(rungs).collect::<Vec<_>>()), 0);
    }

    #[test]
    fn a_complete_exchange_crosses_no_more_than_it_must() {
        // of K(n, n) drawn in two layers, (n (n - 1) / 2)² pairs cross
        let (nodes, edges) = shuffle(4);
        assert_eq!(crossings(nodes, &edges), 36);
    }

    proptest! {
        #[test]
        fn crossings_are_counted_as_by_looking_at_all_pairs((nodes, edges) in dags(24, 40)) {
            let mut graph = layer(nodes, &edges);
            let before = { walk(&mut graph); count(&graph, &places(&graph)) };
            reduce(&mut graph);
            let place = places(&graph);
            let segments: Vec<(u32, u32)> = (0..graph.layer_of.len() as u32)
                .flat_map(|v| graph.downs.of(v).iter().map(move |&w| (v, w)))
                .collect();
            let side = |v: u32| i64::from(place[v as usize]);
            let cross = |(a, b): (u32, u32), (c, d): (u32, u32)| {
                graph.layer_of[a as usize] == graph.layer_of[c as usize]
                    && (side(a) - side(c)).signum() * (side(b) - side(d)).signum() < 0
            };
            let pairs = segments.iter().enumerate().flat_map(|(i, &s)| segments[..i].iter().map(move |&t| (s, t)));
            let slow = pairs.filter(|&(s, t)| cross(s, t)).count() as u64;
            prop_assert_eq!(count(&graph, &place), slow);
            prop_assert!(slow <= before);
        }
    }
}
