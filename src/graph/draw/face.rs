//! How big a node is, and its lines of text.

use super::drawing::{Kind, Node, Progress, State};
use super::layout::Size;
use super::text;
use crate::base::shown;

/// Sizes of letters and lines, in pixels: of labels and of notes.
pub(super) const LETTER: f64 = 13.0;
pub(super) const LINE: f64 = 17.0;
pub(super) const SMALL_LETTER: f64 = 11.0;
pub(super) const SMALL_LINE: f64 = 15.0;
/// How far the second outline of a node that stands for many is set off.
pub(super) const STACKED: f64 = 4.0;

/// A line of a label is so many em wide at the most: of a short one, and of a text.
const WIDTH: f64 = 17.0;
const TEXT_WIDTH: f64 = 26.0;
const LINES: usize = 7;

/// Wider texts stand in a box with round ends instead of an ellipse.
const ELLIPSE: f64 = 84.0;

/// The shapes that are drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    Ellipse,
    /// A box with round corners of this radius.
    Box(u8),
    Drum,
}

/// A box with round ends.
const ROUND: Form = Form::Box(18);

/// A node as it is drawn.
#[derive(Clone, Debug)]
pub(super) struct Face {
    pub lines: Vec<String>,
    pub notes: Vec<String>,
    pub form: Form,
    pub size: Size,
    text_width: f64,
    stacked: bool,
}

impl Face {
    /// The height of its texts.
    pub fn text_height(&self) -> f64 {
        self.lines.len() as f64 * LINE + self.notes.len() as f64 * SMALL_LINE
    }

    pub fn of(node: &Node) -> Face {
        let most = if text::width(&node.label) > 3.0 * WIDTH { TEXT_WIDTH } else { WIDTH };
        let mut lines = text::wrap(&node.label, most, LINES);
        if node.times > 1 {
            let times = format!("×\u{a0}{}", shown::count(node.times));
            match lines.last_mut() {
                Some(last) if text::width(last) + text::width(&times) < most => {
                    last.push(' ');
                    last.push_str(&times);
                }
                _ => lines.push(times),
            }
        }
        let mut notes = node.note.as_ref().map_or(Vec::new(), |note| text::wrap(note, 1.3 * most, 3));
        // what a task gives is coloured only: the task beside it has the words
        let speaks = !matches!(node.kind, Kind::Data | Kind::Result);
        notes.extend(node.progress.as_ref().filter(|_| speaks).map(said));
        let wide = |lines: &[String], letter: f64| lines.iter().map(|l| text::width(l) * letter).fold(0.0, f64::max);
        // results are in bold letters
        let letter = if node.kind == Kind::Result { 1.12 * LETTER } else { LETTER };
        let width = wide(&lines, letter).max(wide(&notes, SMALL_LETTER));
        let form = match node.kind {
            Kind::Function if lines.len() + notes.len() <= 2 && width <= ELLIPSE => Form::Ellipse,
            Kind::Function => ROUND,
            Kind::Data | Kind::Result => Form::Box(4),
            Kind::Source => Form::Drum,
        };
        Face { lines, notes, form, size: Size::default(), text_width: width, stacked: node.times > 1 }.shaped(form)
    }

    /// The same texts in this shape.
    fn shaped(mut self, form: Form) -> Face {
        let (width, height) = (self.text_width, self.text_height());
        let (w, h) = match form {
            // the corners of the text lie inside the ellipse
            Form::Ellipse => {
                let b: f64 = height / 2.0 + 10.0;
                let tall = (height / 2.0 - 1.0) / b;
                let w = (width + 6.0) / (1.0 - tall * tall).sqrt();
                (w.max(0.95 * 44f64.max(2.0 * b)), 2.0 * b)
            }
            Form::Box(_) => (30f64.max(width + 22.0), 26f64.max(height + 14.0)),
            Form::Drum => (width + 24.0, height + 12.0 + 4.0 * DRUM),
        };
        let stacked = if self.stacked { STACKED } else { 0.0 };
        let round = form == Form::Ellipse;
        self.size = Size { width: w.round() + stacked, height: h.round() + stacked, round };
        self.form = form;
        self
    }
}

/// The faces of nodes. One function that is too wide for an ellipse stands in a box with round ends, and then all do.
pub(super) fn faces(nodes: &[Node]) -> Vec<Face> {
    let faces: Vec<Face> = nodes.iter().map(Face::of).collect();
    if !faces.iter().any(|f| f.form == ROUND) {
        return faces;
    }
    let alike = |face: Face| if face.form == Form::Ellipse { face.shaped(ROUND) } else { face };
    faces.into_iter().map(alike).collect()
}

/// Half the height of the lid of a drum.
pub(super) const DRUM: f64 = 5.0;

/// How far a node is, in words.
pub(super) fn said(progress: &Progress) -> String {
    let took = shown::duration(progress.took);
    let (ended, all) = (progress.done + progress.failed, progress.tasks());
    match (progress.state(), all) {
        (State::Pending, _) => "waiting".to_string(),
        (State::Running, 1) => "running".to_string(),
        (State::Running, _) => format!("{} of {} · {took}", shown::count(ended), shown::count(all)),
        (State::Done(_), _) => took,
        (State::Failed(_), 1) => format!("✕ failed after {took}"),
        (State::Failed(_), _) => format!("✕ {} of {} failed", shown::count(progress.failed), shown::count(all)),
    }
}
