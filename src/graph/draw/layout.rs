//! Where nodes stand and how edges run.

use super::coordinates;
use super::crossings;
use super::layers::{Layered, layer};

/// Which way a drawing is read: from what is needed to what needs it. (Dask draws from the bottom up by default; here
/// a drawing is read like a text.)
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Direction {
    /// What is needed is above what needs it.
    #[default]
    TopDown,
    /// What is needed is to the left of what needs it.
    LeftRight,
}

/// The size of a node in pixels.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Size {
    /// From left to right.
    pub width: f64,
    /// From top to bottom.
    pub height: f64,
    /// Whether it is an ellipse, on which edges end further in the further they are from its middle.
    pub round: bool,
}

/// A point, from the upper left corner, in pixels.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Point {
    /// To the right.
    pub x: f64,
    /// Down.
    pub y: f64,
}

/// A place that something takes.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Rect {
    /// Its upper left corner.
    pub corner: Point,
    /// To the right of it.
    pub width: f64,
    /// Below it.
    pub height: f64,
}

/// A part of an edge.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Leg {
    /// Where it ends.
    pub to: Point,
    /// Whether it is a curve that leaves and arrives in the direction of the drawing, or straight.
    pub curved: bool,
}

/// How an edge runs.
#[derive(Clone, Debug, PartialEq)]
pub struct Route {
    /// Where it begins, at the border of its first node.
    pub from: Point,
    /// From there on, to the border of its last.
    pub legs: Vec<Leg>,
    /// Where something that is written on it has its middle.
    pub label: Point,
}

/// Where nodes stand and how edges run. The same for the same nodes and edges, always.
#[derive(Clone, Debug, PartialEq)]
pub struct Layout {
    /// The places of the nodes.
    pub nodes: Vec<Rect>,
    /// The layer of each node; edges run from earlier to later layers.
    pub layers: Vec<u32>,
    /// The edges, in the order in which they were given.
    pub edges: Vec<Route>,
    /// The width of the whole.
    pub width: f64,
    /// The height of the whole.
    pub height: f64,
}

/// Pixels between two nodes of a layer, and beside an edge that passes.
const BESIDE: f64 = 18.0;
const BESIDE_EDGE: f64 = 12.0;
/// Pixels between layers: the least, the most, and the part of how far edges go sideways.
const BETWEEN: f64 = 40.0;
const BETWEEN_MOST: f64 = 150.0;
const SLOPE: f64 = 0.09;
/// Pixels between the ends of edges at a node, if there is room.
const ENDS: f64 = 12.0;
/// Bends of so many pixels are taken out.
const LEAN: f64 = 9.0;

impl Layout {
    /// Lays out nodes of these sizes; edges are pairs of nodes, each different from the other. The time it takes grows with nodes and
    /// edges about linearly.
    pub fn new(sizes: &[Size], edges: &[(u32, u32)], direction: Direction) -> Layout {
        let mut graph = layer(sizes.len(), edges);
        crossings::reduce(&mut graph);
        let turned: Vec<Size> = sizes.iter().map(|&size| turn(size, direction)).collect();
        let half: Vec<f64> = (0..graph.layer_of.len())
            .map(|v| turned.get(v).map_or(BESIDE_EDGE, |size| size.width + BESIDE) / 2.0)
            .collect();
        let across = coordinates::assign(&graph, &half);
        let mut placing = Placing { graph: &graph, sizes: &turned, across };
        let mut ends = placing.ends();
        placing.straighten(&half, &mut ends);
        placing.finish(&ends, direction)
    }
}

/// Left to right is top down with both axes exchanged.
fn turn(size: Size, direction: Direction) -> Size {
    match direction {
        Direction::TopDown => size,
        Direction::LeftRight => Size { width: size.height, height: size.width, ..size },
    }
}

/// Everything as if the direction were top down.
struct Placing<'a> {
    graph: &'a Layered,
    sizes: &'a [Size],
    across: Vec<f64>,
}

/// Where an edge ends at a node: how far from its middle, and whether it is the only one of that side.
#[derive(Clone, Copy, Default)]
struct End {
    offset: f64,
    alone: bool,
}

/// Both ends of an edge.
#[derive(Clone, Copy, Default)]
struct Ends {
    leave: End,
    arrive: End,
}

/// How much of a node's side edges may end at.
fn room(size: &Size) -> f64 {
    size.width * if size.round { 0.5 } else { 0.6 }
}

/// Where a layer begins and ends.
#[derive(Clone, Copy, Default)]
struct Band {
    start: f64,
    end: f64,
}

impl Placing<'_> {
    fn finish(&self, ends: &[Ends], direction: Direction) -> Layout {
        let bands = self.bands();
        let nodes: Vec<Rect> = self.sizes.iter().enumerate().map(|(v, size)| self.place(v, size, &bands)).collect();
        let edges: Vec<Route> = ends.iter().enumerate().map(|(e, &ends)| self.route(e, ends, &nodes, &bands)).collect();
        // what passes outside all nodes counts too
        let bends = edges.iter().flat_map(|e| e.legs.iter().map(|l| l.to.x));
        let left = nodes.iter().map(|n| n.corner.x).chain(bends.clone()).fold(f64::INFINITY, f64::min);
        let right = nodes.iter().map(|n| n.corner.x + n.width).chain(bends).fold(f64::NEG_INFINITY, f64::max);
        let first = if left.is_finite() { left } else { 0.0 };
        let size = ((right - first).max(0.0), bands.last().map_or(0.0, |b| b.end));
        let turn = |p: Point| match direction {
            Direction::TopDown => Point { x: p.x - first, y: p.y },
            Direction::LeftRight => Point { x: p.y, y: p.x - first },
        };
        let turn_rect = |r: &Rect| match direction {
            Direction::TopDown => Rect { corner: turn(r.corner), ..*r },
            Direction::LeftRight => Rect { corner: turn(r.corner), width: r.height, height: r.width },
        };
        let turn_route = |r: Route| Route {
            from: turn(r.from),
            legs: r.legs.into_iter().map(|l| Leg { to: turn(l.to), ..l }).collect(),
            label: turn(r.label),
        };
        let (width, height) = match direction {
            Direction::TopDown => size,
            Direction::LeftRight => (size.1, size.0),
        };
        Layout {
            nodes: nodes.iter().map(turn_rect).collect(),
            layers: self.graph.layer_of[..self.graph.nodes].to_vec(),
            edges: edges.into_iter().map(turn_route).collect(),
            width,
            height,
        }
    }

    /// Layers as high as their highest node, further apart where edges go far sideways.
    fn bands(&self) -> Vec<Band> {
        let mut bands = Vec::with_capacity(self.graph.layers.len());
        let mut start = 0.0;
        for layer in &self.graph.layers {
            let high = layer.iter().filter_map(|&v| self.sizes.get(v as usize)).map(|s| s.height).fold(0.0, f64::max);
            bands.push(Band { start, end: start + high });
            let sideways = layer.iter().flat_map(|&v| self.graph.downs.of(v).iter().map(move |&w| (v, w)));
            let sideways = sideways.map(|(v, w)| (self.across[v as usize] - self.across[w as usize]).abs());
            let far = sideways.fold(0.0, f64::max);
            start += high + (BETWEEN + SLOPE * far).min(BETWEEN_MOST);
        }
        bands
    }

    /// A node, in the middle of its layer.
    fn place(&self, v: usize, size: &Size, bands: &[Band]) -> Rect {
        let band = bands[self.graph.layer_of[v] as usize];
        let y = band.start + (band.end - band.start - size.height) / 2.0;
        let corner = Point { x: self.across[v] - size.width / 2.0, y };
        Rect { corner, width: size.width, height: size.height }
    }

    /// How far from the middle of its nodes each edge leaves and arrives: edges of one side stand beside each other, in
    /// the order of where they go.
    fn ends(&self) -> Vec<Ends> {
        let paths = &self.graph.paths;
        let mut sides = [vec![Vec::new(); self.graph.nodes], vec![Vec::new(); self.graph.nodes]];
        for (e, path) in paths.iter().enumerate() {
            let v = &path.vertices;
            sides[0][v[0] as usize].push((self.across[v[1] as usize], e));
            sides[1][v[v.len() - 1] as usize].push((self.across[v[v.len() - 2] as usize], e));
        }
        let mut ends = vec![Ends::default(); paths.len()];
        for (side, is_first) in sides.iter_mut().zip([true, false]) {
            for (edges, size) in side.iter_mut().zip(self.sizes) {
                edges.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
                let room = room(size);
                let gaps = edges.len().saturating_sub(1) as f64;
                let step = if gaps > 0.0 { (room / gaps).min(ENDS) } else { 0.0 };
                for (i, (_, e)) in edges.iter().enumerate() {
                    let end = if is_first { &mut ends[*e].leave } else { &mut ends[*e].arrive };
                    *end = End { offset: (i as f64 - gaps / 2.0) * step, alone: edges.len() == 1 };
                }
            }
        }
        ends
    }

    /// Takes small bends out: the only edge at a side of a node ends beside the middle of it, and places where edges pass
    /// move a little, if that makes an edge straight.
    fn straighten(&mut self, half: &[f64], ends: &mut [Ends]) {
        let place = crossings::places(self.graph);
        for (path, ends) in self.graph.paths.iter().zip(ends) {
            let v = &path.vertices;
            let (first, last) = (v[0] as usize, v[v.len() - 1] as usize);
            let (out, into) = (self.across[first] + ends.leave.offset, self.across[last] + ends.arrive.offset);
            if let [_, _] = v[..] {
                let lean = into - out;
                let fits = |end: End, lean: f64, v: usize| {
                    end.alone && lean.abs() <= LEAN && (end.offset + lean).abs() <= room(&self.sizes[v]) / 2.0
                };
                if fits(ends.arrive, -lean, last) {
                    ends.arrive.offset -= lean;
                } else if fits(ends.leave, lean, first) {
                    ends.leave.offset += lean;
                }
                continue;
            }
            let passed = &v[1..v.len() - 1];
            let straight =
                |from: u32| move |w: &&u32, across: &[f64]| (across[**w as usize] - across[from as usize]).abs() < 0.5;
            let ahead: Vec<u32> = passed.iter().take_while(|w| straight(passed[0])(w, &self.across)).copied().collect();
            if !self.lean(&ahead, out, half, &place) || ahead.len() < passed.len() {
                let end = passed[passed.len() - 1];
                let behind: Vec<u32> =
                    passed.iter().rev().take_while(|w| straight(end)(w, &self.across)).copied().collect();
                self.lean(&behind, into, half, &place);
            }
        }
    }

    /// Moves places that stand in one line to another line, if that is near and all of them have room there.
    fn lean(&mut self, line: &[u32], to: f64, half: &[f64], place: &[u32]) -> bool {
        let free = |&v: &u32| {
            let layer = &self.graph.layers[self.graph.layer_of[v as usize] as usize];
            let at = place[v as usize] as usize;
            let before = at.checked_sub(1).and_then(|i| layer.get(i));
            let beside = before.into_iter().chain(layer.get(at + 1));
            let near = |&w: &u32| {
                let least = if (w as usize) < self.graph.nodes { half[w as usize] } else { BESIDE_EDGE * 0.7 };
                (self.across[w as usize] - to).abs() >= least
                    && (self.across[w as usize] - to).signum()
                        == (self.across[w as usize] - self.across[v as usize]).signum()
            };
            (self.across[v as usize] - to).abs() <= LEAN && beside.into_iter().all(near)
        };
        let moves = line.iter().all(free);
        if moves {
            line.iter().for_each(|&v| self.across[v as usize] = to);
        }
        moves
    }

    /// How far inside its box the border of a node is, so far from the middle.
    fn inset(&self, v: u32, offset: f64) -> f64 {
        let size = &self.sizes[v as usize];
        let part = if size.round { (2.0 * offset / size.width).abs().min(1.0) } else { 0.0 };
        (1.0 - (1.0 - part * part).sqrt()) * size.height / 2.0
    }

    fn route(&self, e: usize, ends: Ends, nodes: &[Rect], bands: &[Band]) -> Route {
        let (leave, arrive) = (ends.leave.offset, ends.arrive.offset);
        let path = &self.graph.paths[e];
        let v = &path.vertices;
        let (first, last) = (v[0], v[v.len() - 1]);
        let (start, end) = (&nodes[first as usize], &nodes[last as usize]);
        let band = |v: u32| bands[self.graph.layer_of[v as usize] as usize];
        let out = self.across[first as usize] + leave;
        let mut points = vec![
            Point { x: out, y: start.corner.y + start.height - self.inset(first, leave) },
            Point { x: out, y: band(first).end },
        ];
        for &passed in &v[1..v.len() - 1] {
            let x = self.across[passed as usize];
            points.push(Point { x, y: band(passed).start });
            points.push(Point { x, y: band(passed).end });
        }
        let into = self.across[last as usize] + arrive;
        points.push(Point { x: into, y: band(last).start });
        points.push(Point { x: into, y: end.corner.y + self.inset(last, arrive) });
        // straight through layers, curved between them: the middle of a curve in the middle of the edge
        let middle = (points.len() / 4) * 2;
        let (a, b) = (points[middle - 1], points[middle]);
        let label = Point { x: (a.x + b.x) / 2.0, y: (a.y + b.y) / 2.0 };
        if path.backwards {
            points.reverse();
        }
        let legs = points.windows(2).enumerate();
        let legs = legs.map(|(i, p)| Leg { to: p[1], curved: i % 2 == 1 && (p[0].x - p[1].x).abs() > 0.05 });
        Route { from: points[0], legs: joined(points[0], legs), label }
    }
}

/// Straight legs in one line are one leg.
fn joined(from: Point, legs: impl Iterator<Item = Leg>) -> Vec<Leg> {
    let mut out: Vec<Leg> = Vec::new();
    let mut at = from;
    for leg in legs {
        let long = (leg.to.y - at.y).abs() >= 0.05;
        match out.last_mut() {
            Some(before) if !leg.curved && (!before.curved || !long) => before.to = leg.to,
            _ => out.push(leg),
        }
        at = leg.to;
    }
    out
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::graph::draw::testing::{dags, shuffle, tree};

    fn size(width: f64, height: f64) -> Size {
        Size { width, height, round: width > height }
    }

    fn overlap(a: &Rect, b: &Rect) -> bool {
        a.corner.x < b.corner.x + b.width
            && b.corner.x < a.corner.x + a.width
            && a.corner.y < b.corner.y + b.height
            && b.corner.y < a.corner.y + a.height
    }

    proptest! {
        #[test]
        fn laws_of_every_layout(
            (nodes, edges) in dags(40, 80),
            sizes in prop::collection::vec((8.0..200f64, 8.0..120f64), 40),
            left_right: bool,
        ) {
            let sizes: Vec<Size> = sizes[..nodes].iter().map(|&(w, h)| size(w, h)).collect();
            let direction = if left_right { Direction::LeftRight } else { Direction::TopDown };
            let layout = Layout::new(&sizes, &edges, direction);
            prop_assert_eq!(&layout, &Layout::new(&sizes, &edges, direction), "the same every time");
            for &(from, to) in &edges {
                prop_assert!(layout.layers[from as usize] < layout.layers[to as usize]);
                let (a, b) = (layout.nodes[from as usize], layout.nodes[to as usize]);
                match direction {
                    Direction::TopDown => prop_assert!(a.corner.y + a.height < b.corner.y),
                    Direction::LeftRight => prop_assert!(a.corner.x + a.width < b.corner.x),
                }
            }
            for (i, a) in layout.nodes.iter().enumerate() {
                prop_assert!(!layout.nodes[..i].iter().any(|b| overlap(a, b)), "nodes overlap");
                prop_assert_eq!((a.width, a.height), (sizes[i].width, sizes[i].height));
            }
            let inside = |p: Point| p.x >= -1e-6 && p.y >= -1e-6 && p.x <= layout.width + 1e-6 && p.y <= layout.height + 1e-6;
            for r in &layout.nodes {
                let end = Point { x: r.corner.x + r.width, y: r.corner.y + r.height };
                prop_assert!(inside(r.corner) && inside(end));
            }
            for (route, &(from, to)) in layout.edges.iter().zip(&edges) {
                prop_assert!(inside(route.from) && inside(route.label) && route.legs.iter().all(|l| inside(l.to)));
                let touches = |p: Point, v: u32| {
                    let r = layout.nodes[v as usize];
                    let d = Point { x: p.x - r.corner.x, y: p.y - r.corner.y };
                    d.x >= -1e-6 && d.y >= -1e-6 && d.x <= r.width + 1e-6 && d.y <= r.height + 1e-6
                };
                prop_assert!(touches(route.from, from) && touches(route.legs.last().unwrap().to, to));
            }
        }
    }

    #[test]
    fn an_edge_that_passes_touches_no_other_node() {
        let sizes = [size(60.0, 30.0), size(60.0, 90.0), size(60.0, 30.0), size(60.0, 30.0)];
        let layout = Layout::new(&sizes, &[(0, 1), (1, 2), (2, 3), (0, 3)], Direction::TopDown);
        let bends = layout.edges[3].legs.iter().map(|l| l.to.x).filter(|x| *x != layout.edges[3].from.x);
        let passed = layout.nodes[1];
        let free = |x: f64| x < passed.corner.x || x > passed.corner.x + passed.width;
        assert!(bends.clone().count() > 0 && bends.take(2).all(free));
    }

    #[test]
    fn nothing_and_one() {
        let nothing = Layout::new(&[], &[], Direction::TopDown);
        assert_eq!((nothing.width, nothing.height), (0.0, 0.0));
        let one = Layout::new(&[size(20.0, 10.0)], &[], Direction::LeftRight);
        assert_eq!((one.width, one.height, one.nodes[0].corner), (20.0, 10.0, Point { x: 0.0, y: 0.0 }));
    }

    #[test]
    fn thousands_of_nodes_are_no_trouble() {
        for (nodes, edges) in [tree(1_500, 3), shuffle(40), tree(1_000, 1_000)] {
            let layout = Layout::new(&vec![size(40.0, 20.0); nodes], &edges, Direction::TopDown);
            assert_eq!(layout.nodes.len(), nodes);
        }
    }
}
