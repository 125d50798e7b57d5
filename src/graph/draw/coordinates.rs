//! Where in its layer each vertex stands, so that edges are straight.
//!
//! The method of Brandes and Köpf ("Fast and Simple Horizontal Coordinate Assignment", 2001): vertices are aligned with the
//! median of their neighbours, from each of four corners; blocks of aligned vertices are moved together; the four
//! results are averaged. Blocks are placed by longest paths over all of them, which also holds for vertices of different sizes.

use rustc_hash::FxHashSet;

use super::layers::{Adjacency, Layered};

/// The middle of each vertex, the first at its half width. `half` is half the width of each vertex with the room
/// beside it, so that no two of a layer are nearer than both together.
pub(super) fn assign(graph: &Layered, half: &[f64]) -> Vec<f64> {
    let conflicts = conflicts(graph);
    let mut four = Vec::with_capacity(4);
    for (upwards, mirrored) in [(false, false), (false, true), (true, false), (true, true)] {
        let view = View::new(graph, upwards, mirrored);
        let root = view.align(&conflicts);
        let mut x = view.compact(&root, half);
        if mirrored {
            x.iter_mut().for_each(|x| *x = -*x);
        }
        four.push(x);
    }
    average(four, half)
}

/// A pair of vertices of two layers, whichever comes first.
fn pair(v: u32, w: u32) -> (u32, u32) {
    (v.min(w), v.max(w))
}

/// The edges that give way: those that cross an edge between two passing places, which is to be straight.
fn conflicts(graph: &Layered) -> FxHashSet<(u32, u32)> {
    let place = super::crossings::places(graph);
    let passes = |v: u32| v as usize >= graph.nodes;
    let mut found = FxHashSet::default();
    for layers in graph.layers.windows(2) {
        let (mut from, mut scanned) = (0, 0);
        for (i, &v) in layers[1].iter().enumerate() {
            let above = graph.ups.of(v).first().filter(|&&u| passes(v) && passes(u));
            let last = i + 1 == layers[1].len();
            if above.is_none() && !last {
                continue;
            }
            let to = above.map_or(layers[0].len() as u32, |&u| place[u as usize]);
            for &w in &layers[1][scanned..=i] {
                for &u in graph.ups.of(w) {
                    let at = place[u as usize];
                    if (at < from || at > to) && !(passes(u) && passes(w)) {
                        found.insert(pair(u, w));
                    }
                }
            }
            scanned = i + 1;
            from = to;
        }
    }
    found
}

/// The graph seen from one of four corners: the layers from one end, each from one side.
struct View<'a> {
    layers: Vec<Vec<u32>>,
    place: Vec<u32>,
    near: &'a Adjacency,
}

impl View<'_> {
    fn new(graph: &Layered, upwards: bool, mirrored: bool) -> View<'_> {
        let mut layers = graph.layers.clone();
        if upwards {
            layers.reverse();
        }
        if mirrored {
            layers.iter_mut().for_each(|l| l.reverse());
        }
        let mut place = vec![0; graph.layer_of.len()];
        for layer in &layers {
            layer.iter().enumerate().for_each(|(i, &v)| place[v as usize] = i as u32);
        }
        View { layers, place, near: if upwards { &graph.downs } else { &graph.ups } }
    }

    /// The first vertex of the block of each vertex: it joins the block of a median neighbour in the layer before, unless
    /// that would cross a block.
    fn align(&self, conflicts: &FxHashSet<(u32, u32)>) -> Vec<u32> {
        let mut root: Vec<u32> = (0..self.place.len() as u32).collect();
        let mut taken = vec![false; self.place.len()];
        let mut near: Vec<u32> = Vec::new();
        for layer in self.layers.iter().skip(1) {
            let mut free_from = 0;
            for &v in layer {
                near.clear();
                near.extend_from_slice(self.near.of(v));
                near.sort_unstable_by_key(|&u| self.place[u as usize]);
                let Some(last) = near.len().checked_sub(1) else { continue };
                for middle in [last / 2, last.div_ceil(2)] {
                    let u = near[middle];
                    let at = self.place[u as usize];
                    if root[v as usize] == v
                        && !taken[u as usize]
                        && at >= free_from
                        && !conflicts.contains(&pair(u, v))
                    {
                        root[v as usize] = root[u as usize];
                        taken[u as usize] = true;
                        free_from = at + 1;
                    }
                }
            }
        }
        root
    }

    /// The place of each vertex: blocks as far to the first side as they can, then as far back as what follows lets them.
    fn compact(&self, root: &[u32], half: &[f64]) -> Vec<f64> {
        let of = |v: u32| root[v as usize];
        let beside = self.layers.iter().flat_map(|l| l.windows(2).map(|w| (w[0], w[1])));
        let after = Adjacency::new(root.len(), beside.clone().map(|(v, w)| (of(v), w)));
        let apart = |v: f64, w: u32| v + half[w as usize];
        // how far a block needs the one before it differs from layer to layer: the neighbour itself is asked
        let mut before = vec![u32::MAX; root.len()];
        let mut missing = vec![0u32; root.len()];
        for (v, w) in beside {
            before[w as usize] = v;
            missing[of(w) as usize] += 1;
        }
        let mut order: Vec<u32> = (0..root.len() as u32).filter(|&v| of(v) == v && missing[v as usize] == 0).collect();
        let mut x = vec![0f64; root.len()];
        let mut next = 0;
        while let Some(&block) = order.get(next) {
            next += 1;
            for &w in after.of(block) {
                let v = before[w as usize];
                let (at, behind) = (x[block as usize] + half[v as usize], of(w) as usize);
                x[behind] = x[behind].max(apart(at, w));
                missing[behind] -= 1;
                if missing[behind] == 0 {
                    order.push(behind as u32);
                }
            }
        }
        for &block in order.iter().rev() {
            let limits = after
                .of(block)
                .iter()
                .map(|&w| x[of(w) as usize] - half[w as usize] - half[before[w as usize] as usize]);
            let limit = limits.fold(f64::INFINITY, f64::min);
            if limit.is_finite() {
                x[block as usize] = x[block as usize].max(limit);
            }
        }
        root.iter().map(|&r| x[r as usize]).collect()
    }
}

/// The average of the two middle ones of four places, after all four were moved to the narrowest. Who keeps a distance in all four
/// keeps it in the average.
fn average(mut four: Vec<Vec<f64>>, half: &[f64]) -> Vec<f64> {
    let span = |x: &[f64]| {
        let ends = x.iter().zip(half);
        ends.fold((f64::INFINITY, f64::NEG_INFINITY), |(a, b), (x, h)| (a.min(x - h), b.max(x + h)))
    };
    let spans: Vec<(f64, f64)> = four.iter().map(|x| span(x)).collect();
    let narrowest = spans.iter().copied().min_by(|a, b| (a.1 - a.0).total_cmp(&(b.1 - b.0))).unwrap_or_default();
    for (i, (x, (first, last))) in four.iter_mut().zip(&spans).enumerate() {
        let shift = if i % 2 == 0 { narrowest.0 - first } else { narrowest.1 - last };
        x.iter_mut().for_each(|x| *x += shift);
    }
    let mut out: Vec<f64> = (0..half.len())
        .map(|v| {
            let mut places = [four[0][v], four[1][v], four[2][v], four[3][v]];
            places.sort_by(f64::total_cmp);
            (places[1] + places[2]) / 2.0
        })
        .collect();
    let first = span(&out).0;
    if first.is_finite() {
        out.iter_mut().for_each(|x| *x -= first);
    }
    out
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::graph::draw::crossings::reduce;
    use crate::graph::draw::layers::layer;
    use crate::graph::draw::testing::dags;

    #[test]
    fn a_parent_stands_over_the_middle_and_long_edges_are_straight() {
        let mut graph = layer(3, &[(0, 2), (1, 2)]);
        reduce(&mut graph);
        assert_eq!(assign(&graph, &[10.0; 3]), [10.0, 30.0, 20.0]);

        let mut graph = layer(4, &[(0, 1), (1, 2), (2, 3), (0, 3)]);
        reduce(&mut graph);
        let x = assign(&graph, &[10.0, 10.0, 10.0, 10.0, 2.0, 2.0]);
        assert_eq!(x[4], x[5]);
    }

    proptest! {
        #[test]
        fn no_two_of_a_layer_are_too_near((nodes, edges) in dags(30, 60), sizes in prop::collection::vec(1.0..60f64, 30)) {
            let mut graph = layer(nodes, &edges);
            reduce(&mut graph);
            let half: Vec<f64> = (0..graph.layer_of.len()).map(|v| if v < nodes { sizes[v] } else { 4.0 }).collect();
            let x = assign(&graph, &half);
            for pair in graph.layers.iter().flat_map(|l| l.windows(2)) {
                let (v, w) = (pair[0] as usize, pair[1] as usize);
                prop_assert!(x[w] - x[v] >= half[v] + half[w] - 1e-6, "{} and {}", x[v], x[w]);
            }
            prop_assert!(x.iter().zip(&half).all(|(x, h)| x - h >= -1e-6));
        }
    }
}
