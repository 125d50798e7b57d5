//! What stands in a panel.

use std::fmt::Write;

use super::axis::Scale;
use crate::base::shown::markup;

/// More points of a line than this are drawn as the first, the lowest, the highest and the last of each half pixel.
const POINTS: usize = 2048;

/// What is told by one colour, and named in the legend.
#[derive(Clone, Debug, Default)]
pub(crate) struct Series {
    /// Its name in the legend; nothing there if empty.
    pub name: String,
    /// More about it, below its name.
    pub note: String,
    pub hue: Hue,
    pub marks: Vec<Mark>,
}

/// The colour of a series.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Hue {
    /// One of eight that can be told apart, and dashed from the ninth on.
    Of(usize),
    /// Faint and dashed: what others are compared to.
    Reference,
    /// Faint.
    Faint,
}

impl Default for Hue {
    fn default() -> Hue {
        Hue::Of(0)
    }
}

impl Hue {
    pub(super) const COLOURS: usize = 8;

    pub(super) fn class(self) -> String {
        match self {
            Hue::Of(number) if number < Hue::COLOURS => format!("hue{number}"),
            Hue::Of(number) => format!("hue{} dashed", number % Hue::COLOURS),
            Hue::Reference => "faint dashed".to_string(),
            Hue::Faint => "faint".to_string(),
        }
    }
}

#[derive(Clone, Debug)]
pub(crate) enum Mark {
    /// A line through points whose first number does not turn around; what is not finite leaves a gap.
    Line(Vec<(f64, f64)>),
    /// A dot at each point.
    Dots(Vec<(f64, f64)>),
    /// From the second number to the third at each first: a line where they are the same.
    Range(Vec<(f64, f64, f64)>),
    /// As a range, and what is behind it shines through.
    Area(Vec<(f64, f64, f64)>),
    /// Bars from 0 on, and by how many pixels they stand aside.
    Bars(Vec<(f64, f64)>, f64),
    /// A square around a point, filled by a share of 1.
    Cell { at: (f64, f64), share: f64, texts: Vec<String> },
}

impl Mark {
    /// The highest place.
    pub fn highest(&self) -> f64 {
        self.places().1.into_iter().filter(|value| value.is_finite()).fold(0.0, f64::max)
    }

    /// Its places along the axes.
    pub(super) fn places(&self) -> (Vec<f64>, Vec<f64>) {
        match self {
            Mark::Line(points) | Mark::Dots(points) => points.iter().copied().unzip(),
            Mark::Range(points) | Mark::Area(points) => {
                let whole = points.iter().filter(|p| p.1.is_finite() && p.2.is_finite());
                (points.iter().map(|p| p.0).collect(), whole.flat_map(|p| [p.1, p.2]).collect())
            }
            Mark::Bars(bars, _) => (bars.iter().map(|b| b.0).collect(), bars.iter().map(|b| b.1).collect()),
            Mark::Cell { at, .. } => (vec![at.0], vec![at.1]),
        }
    }
}

impl Series {
    /// Writes it.
    pub(super) fn draw(&self, out: &mut String, x: &Scale, y: &Scale) {
        let _ = write!(out, "<g class=\"{}\">", self.hue.class());
        if !self.name.is_empty() {
            let _ = write!(out, "<title>{}</title>", markup(&self.label()));
        }
        out.push('\n');
        for mark in &self.marks {
            match mark {
                Mark::Line(points) => {
                    let points: Vec<_> = points.iter().map(|&(a, b)| (a, b, b)).collect();
                    ranges(out, &points, x, y, "band");
                }
                Mark::Dots(points) => points.iter().filter(|p| p.1.is_finite()).for_each(|p| dot(out, *p, 3.2, x, y)),
                Mark::Range(points) => ranges(out, points, x, y, "band"),
                Mark::Area(points) => ranges(out, points, x, y, "area"),
                Mark::Bars(bars, aside) => bars.iter().for_each(|bar| draw_bar(out, *bar, *aside, x, y)),
                Mark::Cell { at, share, texts } => cell(out, *at, *share, texts, x, y),
            }
        }
        out.push_str("</g>\n");
    }

    /// Whether it is what others are compared to, or one of many.
    pub(super) fn is_faint(&self) -> bool {
        matches!(self.hue, Hue::Reference | Hue::Faint)
    }

    /// Name and note.
    pub(super) fn label(&self) -> String {
        match (self.name.as_str(), self.note.as_str()) {
            (name, "") => name.to_string(),
            (name, note) => format!("{name}, {note}"),
        }
    }
}

/// Ranges or a line, in as many parts as there are gaps.
fn ranges(out: &mut String, points: &[(f64, f64, f64)], x: &Scale, y: &Scale, class: &str) {
    let whole = |p: &(f64, f64, f64)| p.1.is_finite() && p.2.is_finite();
    for part in points.split(|p| !whole(p)).filter(|part| !part.is_empty()) {
        let path = |points: &mut dyn Iterator<Item = (f64, f64)>| {
            let placed: Vec<(f64, f64)> = points.map(|(at, value)| (x.at(at), y.at(value))).collect();
            let each: Vec<String> = thinned(placed).iter().map(|(x, y)| format!("{x:.1},{y:.1}")).collect();
            each.join("L")
        };
        let there = path(&mut part.iter().map(|p| (p.0, p.2)));
        if class == "area" || part.iter().any(|p| p.1 != p.2) {
            let back = path(&mut part.iter().rev().map(|p| (p.0, p.1)));
            let _ = writeln!(out, "<path class=\"{class}\" d=\"M{there}L{back}Z\"/>");
        } else if let [p] = part {
            dot(out, (p.0, p.1), 2.0, x, y);
        } else {
            let _ = writeln!(out, "<path class=\"line\" d=\"M{there}\"/>");
        }
    }
}

/// No more points than can be seen, of a line that does not turn around.
fn thinned(points: Vec<(f64, f64)>) -> Vec<(f64, f64)> {
    if points.len() <= POINTS {
        return points;
    }
    let mut seen = Vec::new();
    for column in points.chunk_by(|a, b| (a.0 * 2.0).floor() == (b.0 * 2.0).floor()) {
        let by_height = |a: &usize, b: &usize| column[*a].1.total_cmp(&column[*b].1);
        let ends = [0, column.len() - 1];
        let mut places: Vec<usize> = ends
            .into_iter()
            .chain((0..column.len()).min_by(by_height))
            .chain((0..column.len()).max_by(by_height))
            .collect();
        places.sort_unstable();
        places.dedup();
        seen.extend(places.into_iter().map(|place| column[place]));
    }
    seen
}

fn dot(out: &mut String, point: (f64, f64), radius: f64, x: &Scale, y: &Scale) {
    let (cx, cy) = (x.at(point.0), y.at(point.1));
    let _ = writeln!(out, "<circle class=\"dot\" cx=\"{cx:.1}\" cy=\"{cy:.1}\" r=\"{radius}\"/>");
}

fn draw_bar(out: &mut String, (at, value): (f64, f64), aside: f64, x: &Scale, y: &Scale) {
    const WIDTH: f64 = 6.0;
    if !(at.is_finite() && value.is_finite()) {
        return;
    }
    let (left, top, bottom) = (x.at(at) + aside - WIDTH / 2.0, y.at(value), y.at(0.0));
    let height = (bottom - top).max(0.0);
    let _ =
        writeln!(out, "<rect class=\"bar\" x=\"{left:.1}\" y=\"{top:.1}\" width=\"{WIDTH}\" height=\"{height:.1}\"/>");
}

fn cell(out: &mut String, at: (f64, f64), share: f64, texts: &[String], x: &Scale, y: &Scale) {
    let (cx, cy, width, height) = (x.at(at.0), y.at(at.1), x.one(), y.one());
    let share = if share.is_finite() { share.clamp(0.0, 1.0) } else { 0.0 };
    let _ = writeln!(
        out,
        "<rect class=\"cell\" x=\"{:.1}\" y=\"{:.1}\" width=\"{width:.1}\" height=\"{height:.1}\" \
         fill-opacity=\"{:.3}\"/>",
        cx - width / 2.0,
        cy - height / 2.0,
        // texts can be read on the fullest of them, by day and by night
        0.04 + 0.56 * share,
    );
    let room = texts.iter().map(|text| text.chars().count()).max().unwrap_or(0) as f64 * super::axis::LETTER + 6.0;
    for (i, text) in texts.iter().enumerate().filter(|_| room < width && height > 18.0 * texts.len() as f64) {
        let top = cy + 18.0 * (i as f64 - (texts.len() - 1) as f64 / 2.0);
        let _ = writeln!(
            out,
            "<text x=\"{cx:.1}\" y=\"{top:.1}\" text-anchor=\"middle\" dominant-baseline=\"central\">\
             {}</text>",
            markup(text)
        );
    }
}

#[cfg(test)]
mod tests {
    use super::super::axis::Axis;
    use super::*;

    #[test]
    fn long_lines_keep_what_can_be_seen() {
        let up: Vec<(f64, f64)> = (0..100_000).map(|i| (f64::from(i) / 1000.0, f64::from(i % 7))).collect();
        let seen = thinned(up.clone());
        assert!(seen.len() <= 4 * 200 && seen.first() == up.first() && seen.last() == up.last());
        assert_eq!(seen.iter().map(|p| p.1).fold(0.0, f64::max), 6.0);
        assert_eq!(thinned(up[..9].to_vec()), &up[..9]);
    }

    #[test]
    fn a_cell_without_room_has_no_text() {
        let mut out = String::new();
        let scale = |pixels| Axis::names(vec!["a".into(), "b".into()]).scale(std::iter::empty(), 0.0, pixels);
        let texts = vec!["1,234".to_string()];
        cell(&mut out, (0.0, 1.0), 1.0, &texts, &scale(50.0), &scale(50.0));
        assert!(!out.contains("<text") && out.contains("fill-opacity=\"0.600\""), "{out}");
        cell(&mut out, (0.0, 1.0), 1.0, &texts, &scale(90.0), &scale(90.0));
        assert!(out.contains("<text x=\"22.5\" y=\"67.5\""), "{out}");
    }
}
