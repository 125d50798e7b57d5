//! A drawing as SVG.

use std::fmt::Write;

use super::Direction;
use super::drawing::{Drawing, Edge, Kind, Node, State};
use super::face::{DRUM, Face, Form, LETTER, LINE, SMALL_LETTER, SMALL_LINE, STACKED, faces, said};
use super::layout::{Layout, Point, Rect, Route, Size};
use super::palette::{DARK, LIGHT, Paper};
use super::text::{number, width};
use crate::base::shown;
use crate::base::shown::markup;

/// Pixels around the picture.
const MARGIN: f64 = 16.0;
/// The length of the point of an arrow, and half its width.
const ARROW: (f64, f64) = (7.0, 3.2);
/// A tooltip names at most so many of the nodes that come before.
const NAMED: usize = 6;

/// A drawing as SVG.
pub(super) fn write(drawing: &Drawing, direction: Direction) -> String {
    let faces = faces(&drawing.nodes);
    let sizes: Vec<Size> = faces.iter().map(|f| f.size).collect();
    let edges: Vec<(u32, u32)> = drawing.edges.iter().map(|e| (e.from, e.to)).collect();
    let layout = Layout::new(&sizes, &edges, direction);
    let mut picture = Picture { out: String::with_capacity(400 * faces.len() + 4_000), direction };
    picture.head(drawing, &layout);
    picture.edges(drawing, &layout);
    picture.nodes(drawing, &faces, &layout);
    picture.labels(drawing, &layout);
    picture.out.push_str("</g>\n</svg>\n");
    picture.out
}

/// What is written on an edge.
fn said_of(edge: &Edge) -> Option<String> {
    (edge.times > 1).then(|| format!("×{}", shown::count(edge.times)))
}

/// The boundaries of all that is drawn: labels of edges may stand out.
fn bounds(drawing: &Drawing, layout: &Layout) -> (Point, Point) {
    let (mut from, mut to) = (Point::default(), Point { x: layout.width, y: layout.height });
    for (edge, route) in drawing.edges.iter().zip(&layout.edges) {
        if let Some(label) = said_of(edge) {
            let half = width(&label) * SMALL_LETTER / 2.0;
            from = Point { x: from.x.min(route.label.x - half), y: from.y.min(route.label.y - SMALL_LINE / 2.0) };
            to = Point { x: to.x.max(route.label.x + half), y: to.y.max(route.label.y + SMALL_LINE / 2.0) };
        }
    }
    (from, to)
}

/// The colours of a paper as rules.
fn rules(out: &mut String, paper: &Paper) {
    let Paper { paper: ground, text, faint, edge, running, failed, classes } = paper;
    let _ = write!(
        out,
        ".partita-graph .ground{{fill:{ground}}}.partita-graph text{{fill:{text}}}\
         .partita-graph .note,.partita-graph .pending text{{fill:{faint}}}\
         .partita-graph .times{{fill:{faint};stroke:{ground}}}\
         .partita-graph .edge{{stroke:{edge}}}.partita-graph .arrow{{fill:{edge}}}"
    );
    for (i, ink) in classes.iter().enumerate() {
        let _ = write!(out, ".partita-graph .c{i} .s{{fill:{};stroke:{}}}", ink.fill, ink.line);
        let _ = write!(out, ".partita-graph .c{i} .h{{stroke:{}}}", ink.line);
    }
    let _ = write!(
        out,
        ".partita-graph .data .s,.partita-graph .pending .s{{fill:{ground}}}\
         .partita-graph .running .s{{stroke:{running}}}\
         .partita-graph .failed .s{{stroke:{failed}}}.partita-graph .failed .note{{fill:{failed}}}"
    );
}

/// The style sheet: by day and by night.
fn style(out: &mut String) {
    out.push_str("<style>");
    let _ = write!(
        out,
        ".partita-graph text{{font-family:ui-sans-serif,system-ui,'Helvetica Neue',Arial,'DejaVu Sans',sans-serif;\
         font-size:{LETTER}px;text-anchor:middle}}\
         .partita-graph .note,.partita-graph .times{{font-size:{SMALL_LETTER}px}}\
         .partita-graph .times{{stroke-width:4px;paint-order:stroke;stroke-linejoin:round}}\
         .partita-graph .s{{stroke-width:1.4px}}.partita-graph .h{{fill:none;stroke-width:1.4px}}\
         .partita-graph .edge{{fill:none;stroke-width:1.3px}}\
         .partita-graph .result .s{{stroke-width:2.8px}}.partita-graph .result text{{font-weight:600}}\
         .partita-graph .pending .s{{stroke-dasharray:2 3}}\
         .partita-graph .running .s{{stroke-width:3px;stroke-dasharray:7 4}}\
         .partita-graph .failed .s{{stroke-width:3px}}"
    );
    rules(out, &LIGHT);
    out.push_str("@media (prefers-color-scheme:dark){");
    rules(out, &DARK);
    out.push_str(
        "}@media (prefers-reduced-motion:no-preference){.partita-graph .running .s{animation:partita-runs 1s linear infinite}}\
         @keyframes partita-runs{to{stroke-dashoffset:-22}}</style>\n",
    );
}

struct Picture {
    out: String,
    direction: Direction,
}

impl Picture {
    fn head(&mut self, drawing: &Drawing, layout: &Layout) {
        let (from, to) = bounds(drawing, layout);
        let (left, top) = ((from.x - MARGIN).floor(), (from.y - MARGIN).floor());
        let (wide, high) = ((to.x + MARGIN).ceil() - left, (to.y + MARGIN).ceil() - top);
        let title = markup(&drawing.title);
        let (nodes, edges) = (shown::count(drawing.len() as u64), shown::count(drawing.edges() as u64));
        let _ = write!(
            self.out,
            "<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"partita-graph\" role=\"graphics-document document\" \
             aria-label=\"{title}\" width=\"{wide}\" height=\"{high}\" viewBox=\"{left} {top} {wide} {high}\">\n\
             <title>{title}</title>\n<desc>{nodes} nodes, {edges} edges</desc>\n"
        );
        style(&mut self.out);
        let _ = write!(
            self.out,
            "<rect class=\"ground\" x=\"{left}\" y=\"{top}\" width=\"{wide}\" height=\"{high}\"/>\n<g>\n"
        );
    }

    fn point(&mut self, p: Point) {
        number(&mut self.out, p.x);
        self.out.push(' ');
        number(&mut self.out, p.y);
    }

    fn edges(&mut self, drawing: &Drawing, layout: &Layout) {
        self.out.push_str("<g aria-hidden=\"true\">\n");
        for (edge, route) in drawing.edges.iter().zip(&layout.edges) {
            self.edge(edge, route);
        }
        self.out.push_str("</g>\n");
    }

    /// The line, up to the arrow, and the arrow, which stands in the direction of the drawing as the line ends in it.
    fn edge(&mut self, edge: &Edge, route: &Route) {
        let Some(tip) = route.legs.last().map(|l| l.to) else { return };
        let before = route.legs.len().checked_sub(2).map_or(route.from, |i| route.legs[i].to);
        let down = self.direction == Direction::TopDown;
        let forwards = if down { tip.y >= before.y } else { tip.x >= before.x };
        let wide = 1.3 + (edge.times.max(1) as f64).log10() * 0.5;
        let arrow = (ARROW.0 * (0.7 + 0.3 * wide / 1.3), ARROW.1 * (0.5 + 0.5 * wide / 1.3));
        let back = if forwards { -arrow.0 } else { arrow.0 };
        let base = if down { Point { x: tip.x, y: tip.y + back } } else { Point { x: tip.x + back, y: tip.y } };
        self.out.push_str("<path class=\"edge\" d=\"M");
        self.point(route.from);
        let mut at = route.from;
        for (i, leg) in route.legs.iter().enumerate() {
            let to = if i + 1 == route.legs.len() { base } else { leg.to };
            if leg.curved {
                let (a, b) = if down {
                    let middle = (at.y + to.y) / 2.0;
                    (Point { x: at.x, y: middle }, Point { x: to.x, y: middle })
                } else {
                    let middle = (at.x + to.x) / 2.0;
                    (Point { x: middle, y: at.y }, Point { x: middle, y: to.y })
                };
                self.out.push('C');
                self.point(a);
                self.out.push(' ');
                self.point(b);
                self.out.push(' ');
            } else {
                self.out.push('L');
            }
            self.point(to);
            at = to;
        }
        self.out.push('"');
        if edge.times > 1 {
            let _ = write!(self.out, " style=\"stroke-width:{wide:.1}px\"");
        }
        self.out.push_str("/>");
        let wing = |side: f64| {
            if down { Point { x: base.x + side, y: base.y } } else { Point { x: base.x, y: base.y + side } }
        };
        self.out.push_str("<path class=\"arrow\" d=\"M");
        self.point(tip);
        for side in [-arrow.1, arrow.1] {
            self.out.push('L');
            self.point(wing(side));
        }
        self.out.push_str("Z\"/>\n");
    }

    fn nodes(&mut self, drawing: &Drawing, faces: &[Face], layout: &Layout) {
        let mut before: Vec<Vec<u32>> = vec![Vec::new(); drawing.len()];
        drawing.edges.iter().for_each(|e| before[e.to as usize].push(e.from));
        let colours = drawing.colours();
        for (i, (node, face)) in drawing.nodes.iter().zip(faces).enumerate() {
            let kind = match node.kind {
                Kind::Function => "function",
                Kind::Data => "data",
                Kind::Result => "result",
                Kind::Source => "source",
            };
            let state = node.progress.map_or("", |p| match p.state() {
                State::Pending => " pending",
                State::Running => " running",
                State::Done(_) => " done",
                State::Failed(_) => " failed",
            });
            let _ = write!(self.out, "<g class=\"c{} {kind}{state}\" role=\"graphics-symbol img\"><title>", colours[i]);
            let _ = write!(self.out, "{}</title>", markup(&told(drawing, node, &before[i])));
            self.shape(node, face, layout.nodes[i]);
            self.out.push_str("</g>\n");
        }
    }

    fn shape(&mut self, node: &Node, face: &Face, mut place: Rect) {
        if node.times > 1 {
            place.width -= STACKED;
            place.height -= STACKED;
            let mut behind = place;
            behind.corner.x += STACKED;
            self.outline(face.form, behind);
            place.corner.y += STACKED;
        }
        self.outline(face.form, place);
        let x = place.corner.x + place.width / 2.0;
        let lid = if face.form == Form::Drum { DRUM } else { 0.0 };
        let mut y = place.corner.y + lid + (place.height - face.text_height()) / 2.0;
        for line in &face.lines {
            self.text("", x, y + LINE * 0.5 + LETTER * 0.36, line);
            y += LINE;
        }
        for note in &face.notes {
            self.text(" class=\"note\"", x, y + SMALL_LINE * 0.5 + SMALL_LETTER * 0.36, note);
            y += SMALL_LINE;
        }
    }

    fn text(&mut self, class: &str, x: f64, y: f64, text: &str) {
        let _ = write!(self.out, "<text{class} x=\"");
        number(&mut self.out, x);
        self.out.push_str("\" y=\"");
        number(&mut self.out, y);
        let _ = write!(self.out, "\">{}</text>", markup(text));
    }

    fn outline(&mut self, form: Form, r: Rect) {
        let mut attributes = |name: &str, values: &[(&str, f64)]| {
            let _ = write!(self.out, "<{name} class=\"s\"");
            for (key, value) in values {
                let _ = write!(self.out, " {key}=\"");
                number(&mut self.out, *value);
                self.out.push('"');
            }
            self.out.push_str("/>");
        };
        let (x, y, w, h) = (r.corner.x, r.corner.y, r.width, r.height);
        match form {
            Form::Ellipse => {
                let (rx, ry) = (w / 2.0, h / 2.0);
                attributes("ellipse", &[("cx", x + rx), ("cy", y + ry), ("rx", rx), ("ry", ry)]);
            }
            Form::Box(radius) => {
                let radius = f64::from(radius).min(h / 2.0);
                attributes("rect", &[("x", x), ("y", y), ("width", w), ("height", h), ("rx", radius)]);
            }
            Form::Drum => self.drum(r),
        }
    }

    /// A drum: round below, with a lid.
    fn drum(&mut self, r: Rect) {
        let (x, y, w, h) = (r.corner.x, r.corner.y + DRUM, r.width, r.height - 2.0 * DRUM);
        let arc = |out: &mut String, sweep: u8, to: f64| {
            out.push('a');
            number(out, w / 2.0);
            let _ = write!(out, " {DRUM} 0 0 {sweep} ");
            number(out, to);
            out.push_str(" 0");
        };
        self.out.push_str("<path class=\"s\" d=\"M");
        self.point(Point { x, y });
        arc(&mut self.out, 1, w);
        self.out.push('v');
        number(&mut self.out, h);
        arc(&mut self.out, 1, -w);
        self.out.push_str("Z\"/><path class=\"h\" d=\"M");
        self.point(Point { x, y });
        arc(&mut self.out, 0, w);
        self.out.push_str("\"/>");
    }

    /// What is written on edges, above everything.
    fn labels(&mut self, drawing: &Drawing, layout: &Layout) {
        for (edge, route) in drawing.edges.iter().zip(&layout.edges) {
            if let Some(label) = said_of(edge) {
                self.text(" class=\"times\"", route.label.x, route.label.y + SMALL_LETTER * 0.36, &label);
                self.out.push('\n');
            }
        }
    }
}

/// What is told of a node to whoever points at it, or cannot see it.
fn told(drawing: &Drawing, node: &Node, before: &[u32]) -> String {
    let mut told = node.tooltip.clone().unwrap_or_else(|| node.label.clone());
    if node.times > 1 {
        let _ = write!(told, " × {}", shown::count(node.times));
    }
    if let Some(progress) = &node.progress {
        let _ = write!(told, "\n{}", said(progress));
    }
    if !before.is_empty() {
        let names: Vec<&str> = before.iter().take(NAMED).map(|&v| drawing.nodes[v as usize].label.as_str()).collect();
        let _ = write!(told, "\nfrom {}", names.join(", "));
        if before.len() > NAMED {
            let _ = write!(told, " and {} more", shown::count((before.len() - NAMED) as u64));
        }
    }
    told
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use proptest::prelude::*;

    use super::*;
    use crate::graph::draw::testing::dags;
    use crate::graph::draw::{NodeId, Progress};

    /// Drawings of all kinds of nodes, with any text.
    fn drawings() -> impl Strategy<Value = Drawing> {
        let node = (0..4usize, ".{0,40}", prop::option::of("\\PC{0,8}"), 1..2_000u64, 0..6u8).prop_map(
            |(kind, label, class, times, state)| {
                let kind = [Kind::Function, Kind::Data, Kind::Result, Kind::Source][kind];
                let mut node = Node::new(kind, label).times(times);
                if let Some(class) = class {
                    node = node.class(class.clone()).note(class.clone()).tooltip(class);
                }
                let mut progress = Progress::default();
                let took = Duration::from_millis(7);
                let states = [State::Pending, State::Running, State::Done(took), State::Failed(took)];
                states.get(usize::from(state)).iter().for_each(|s| progress.count(**s));
                (node, (progress.tasks() > 0).then_some(progress))
            },
        );
        (dags(12, 20), prop::collection::vec(node, 12), ".{0,10}").prop_map(|((nodes, edges), parts, title)| {
            let mut drawing = Drawing::new(title);
            for (node, progress) in parts.into_iter().take(nodes) {
                let id = drawing.add(node);
                progress.into_iter().for_each(|p| drawing.set_progress(id, p));
            }
            edges.iter().for_each(|&(a, b)| drawing.connect_times(NodeId(a), NodeId(b), u64::from(b)));
            drawing
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn any_drawing_is_xml_that_lies_in_its_frame(drawing in drawings(), left_right: bool) {
            let direction = if left_right { Direction::LeftRight } else { Direction::TopDown };
            let text = drawing.svg(direction);
            prop_assert_eq!(&text, &drawing.clone().svg(direction));
            let document = roxmltree::Document::parse(&text).unwrap();
            let root = document.root_element();
            let frame: Vec<f64> = root.attribute("viewBox").unwrap().split(' ').map(|n| n.parse().unwrap()).collect();
            let named = |name: &'static str| document.descendants().filter(move |n| n.has_tag_name(name));
            let classes = |n: &roxmltree::Node<'_, '_>| n.attribute("class").unwrap_or_default().to_string();
            let nodes = named("g").filter(|n| classes(n).starts_with('c')).count();
            let edges = named("path").filter(|n| classes(n) == "edge").count();
            prop_assert_eq!((nodes, edges), (drawing.len(), drawing.edges()));
            for node in named("text") {
                let at = |name: &str| node.attribute(name).unwrap().parse::<f64>().unwrap();
                let half = width(node.text().unwrap_or_default()) * SMALL_LETTER / 2.0;
                prop_assert!(at("x") - half >= frame[0] && at("x") + half <= frame[0] + frame[2]);
                prop_assert!(at("y") - LINE >= frame[1] && at("y") <= frame[1] + frame[3]);
            }
        }

        #[test]
        fn any_drawing_is_dot_whose_texts_end(drawing in drawings()) {
            let text = drawing.dot(Direction::LeftRight);
            // without its texts, nothing is left that was in a label
            let (mut bare, mut inside, mut escaped) = (String::new(), false, false);
            for c in text.chars() {
                match c {
                    _ if escaped => escaped = false,
                    '\\' if inside => escaped = true,
                    '"' => inside = !inside,
                    c if !inside => bare.push(c),
                    _ => {}
                }
            }
            prop_assert!(!inside);
            prop_assert!(bare.is_ascii() && bare.lines().all(|l| l.ends_with([';', '{', '}'])), "{bare}");
        }
    }

    #[test]
    fn the_smallest_picture() {
        let mut drawing = Drawing::new("1 & 2");
        let one = drawing.add(Node::new(Kind::Source, "<one>"));
        let two = drawing.add(Node::new(Kind::Result, "two").class("two").note("kept"));
        drawing.connect(one, two);
        let text = drawing.svg(Direction::LeftRight);
        let (head, body) = text.split_once("<style>").unwrap();
        let (_, body) = body.split_once("</style>\n").unwrap();
        insta::assert_snapshot!(format!("{head}{body}"), @r#"
        <svg xmlns="http://www.w3.org/2000/svg" class="partita-graph" role="graphics-document document" aria-label="1 &amp; 2" width="193" height="81" viewBox="-16 -16 193 81">
        <title>1 &amp; 2</title>
        <desc>2 nodes, 1 edges</desc>
        <rect class="ground" x="-16" y="-16" width="193" height="81"/>
        <g>
        <g aria-hidden="true">
        <path class="edge" d="M71 24.5L104 24.5"/><path class="arrow" d="M111 24.5L104 21.3L104 27.7Z"/>
        </g>
        <g class="c8 source" role="graphics-symbol img"><title>&lt;one&gt;</title><path class="s" d="M0 5a35.5 5 0 0 1 71 0v39a35.5 5 0 0 1 -71 0Z"/><path class="h" d="M0 5a35.5 5 0 0 0 71 0"/><text x="35.5" y="34.2">&lt;one&gt;</text></g>
        <g class="c0 result" role="graphics-symbol img"><title>two
        from &lt;one&gt;</title><rect class="s" x="111" y="1.5" width="50" height="46" rx="4"/><text x="136" y="21.7">two</text><text class="note" x="136" y="37">kept</text></g>
        </g>
        </svg>
        "#);
    }
}
