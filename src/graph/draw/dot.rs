//! A drawing in the language of Graphviz.

use std::fmt::Write;

use super::Direction;
use super::drawing::{Drawing, Kind, State};
use super::face::Face;
use super::palette::LIGHT;
use super::text::dot;
use crate::base::shown;

/// A drawing in the language of Graphviz.
pub(super) fn write(drawing: &Drawing, direction: Direction) -> String {
    let mut out = String::with_capacity(120 * drawing.len() + 300);
    let rankdir = match direction {
        Direction::TopDown => "TB",
        Direction::LeftRight => "LR",
    };
    let _ = write!(
        out,
        "digraph partita {{\n  graph [rankdir={rankdir}, tooltip=\"{}\"];\n  \
         node [style=filled, fontname=\"sans-serif\", fontsize=11, fontcolor=\"{}\"];\n  edge [color=\"{}\"];\n",
        dot(&drawing.title),
        LIGHT.text,
        LIGHT.edge
    );
    let colours = drawing.colours();
    for (i, node) in drawing.nodes.iter().enumerate() {
        let face = Face::of(node);
        let lines: Vec<&str> = face.lines.iter().chain(&face.notes).map(String::as_str).collect();
        let ink = LIGHT.classes[colours[i]];
        let state = node.progress.map(|p| p.state());
        let shape = match node.kind {
            Kind::Function => "ellipse",
            Kind::Data | Kind::Result => "box",
            Kind::Source => "cylinder",
        };
        let fill = match (node.kind, state) {
            (Kind::Data, _) | (_, Some(State::Pending)) => LIGHT.paper,
            _ => ink.fill,
        };
        let line = match state {
            Some(State::Running) => LIGHT.running,
            Some(State::Failed(_)) => LIGHT.failed,
            _ => ink.line,
        };
        let _ = write!(out, "  n{i} [label=\"{}\", shape={shape}", dot(&lines.join("\n")));
        let _ = write!(out, ", fillcolor=\"{fill}\", color=\"{line}\"");
        if node.kind == Kind::Result || matches!(state, Some(State::Running | State::Failed(_))) {
            out.push_str(", penwidth=2");
        }
        if node.times > 1 {
            out.push_str(", peripheries=2");
        }
        if let Some(tooltip) = &node.tooltip {
            let _ = write!(out, ", tooltip=\"{}\"", dot(tooltip));
        }
        out.push_str("];\n");
    }
    for edge in &drawing.edges {
        let _ = write!(out, "  n{} -> n{}", edge.from, edge.to);
        if edge.times > 1 {
            let _ = write!(out, " [label=\"×{}\"]", shown::count(edge.times));
        }
        out.push_str(";\n");
    }
    out.push_str("}\n");
    out
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::graph::draw::{Node, Progress};

    #[test]
    fn every_kind_and_state() {
        let mut drawing = Drawing::new("a \"title\" \\N & more");
        let scan = drawing.add(Node::new(Kind::Source, "scan\n\"trips\"").class("scan").tooltip("two\nlines"));
        let work = drawing.add(Node::new(Kind::Function, "work").class("work").times(9_999));
        let some = drawing.add(Node::new(Kind::Data, "some").class("work"));
        let all = drawing.add(Node::new(Kind::Result, "all").note("kept"));
        drawing.connect_times(scan, work, 9_999);
        drawing.connect(work, some);
        drawing.connect(some, all);
        let took = Duration::from_millis(1_500);
        for (node, state) in
            [(scan, State::Done(took)), (work, State::Failed(took)), (some, State::Running), (all, State::Pending)]
        {
            let mut progress = Progress::default();
            progress.count(state);
            drawing.set_progress(node, progress);
        }
        insta::assert_snapshot!(drawing.dot(Direction::LeftRight).replace('\u{a0}', " "), @r##"
        digraph partita {
          graph [rankdir=LR, tooltip="a \"title\" \\N &amp; more"];
          node [style=filled, fontname="sans-serif", fontsize=11, fontcolor="#1b1f24"];
          edge [color="#8a929c"];
          n0 [label="scan\n\"trips\"\n1.5 s", shape=cylinder, fillcolor="#d3e9f8", color="#2f7fb8", tooltip="two\nlines"];
          n1 [label="work × 9,999\n✕ failed after 1.5 s", shape=ellipse, fillcolor="#fde5bd", color="#c1121f", penwidth=2, peripheries=2];
          n2 [label="some", shape=box, fillcolor="#ffffff", color="#0b62c4", penwidth=2];
          n3 [label="all\nkept", shape=box, fillcolor="#ffffff", color="#6b7480", penwidth=2];
          n0 -> n1 [label="×9,999"];
          n1 -> n2;
          n2 -> n3;
        }
        "##);
    }
}
