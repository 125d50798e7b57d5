//! A picture of numbers: panels above each other on one horizontal axis.

use std::fmt::Write;
use std::path::Path;

use super::axis::{Axis, LETTER, Scale, shortened};
use super::marks::{Mark, Series};
use super::paper::head;
use crate::base::shown::markup;
use crate::base::{Result, picture};

/// Pixels of the picture, and around the panels.
const WIDTH: f64 = 720.0;
const LEFT: f64 = 78.0;
const RIGHT: f64 = 22.0;
const TOP: f64 = 40.0;
const BOTTOM: f64 = 42.0;
const GAP: f64 = 16.0;
/// Pixels that the name of an axis takes, and a line of the legend.
const NAME: f64 = 20.0;
const ENTRY: f64 = 19.0;
/// Letters of the legend.
const LETTERS: usize = 28;
/// Pixels of a panel from top to bottom, if nothing else is said.
pub(crate) const HEIGHT: f64 = 318.0;

/// A picture of numbers, drawn when it is asked for: `plot.title("ROC").write("roc.svg")`.
///
/// It is SVG for light and dark paper, whose title and description say what is to be seen; its size does not grow with what
/// it shows.
#[derive(Clone, Debug)]
pub struct Plot {
    title: String,
    x: Axis,
    panels: Vec<Panel>,
    square: bool,
}

/// Marks on a vertical axis.
#[derive(Clone, Debug)]
pub(crate) struct Panel {
    pub y: Axis,
    pub series: Vec<Series>,
    pub height: f64,
}

/// Where things stand.
struct Layout {
    left: f64,
    right: f64,
    width: f64,
    height: f64,
}

impl Plot {
    pub(crate) fn new(x: Axis, panels: Vec<Panel>) -> Plot {
        Plot { title: String::new(), x, panels, square: false }
    }

    /// As wide as its first panel is high.
    pub(crate) fn square(mut self) -> Plot {
        self.square = true;
        self
    }

    /// What is written above it.
    #[must_use]
    pub fn title(mut self, title: impl Into<String>) -> Plot {
        self.title = title.into();
        self
    }

    /// The picture as SVG, for light and dark paper.
    pub fn to_svg(&self) -> String {
        let mut top = TOP;
        let mut scales = Vec::with_capacity(self.panels.len());
        for panel in &self.panels {
            let values = panel.series.iter().flat_map(|s| &s.marks).flat_map(|mark| mark.places().1);
            scales.push((top, panel.y.scale(values, top + panel.height, top)));
            top += panel.height + GAP;
        }
        let bottom = top - GAP;
        let layout = self.layout(&scales, bottom);
        let x = self.along(layout.left, layout.right);
        let mut out = head((layout.width, layout.height), &self.title, &self.about());
        if !self.title.is_empty() {
            let (left, top, title) = (layout.left, TOP - 16.0, markup(&self.title));
            let _ = writeln!(out, "<text class=\"title\" x=\"{left}\" y=\"{top:.1}\">{title}</text>");
        }
        for (panel, (top, y)) in self.panels.iter().zip(&scales) {
            panel.draw(&mut out, *top, &x, y, &layout);
        }
        for (at, text) in &x.ticks {
            let below = bottom + 20.0;
            let _ =
                writeln!(out, "<text x=\"{at:.1}\" y=\"{below:.1}\" text-anchor=\"middle\">{}</text>", markup(text));
        }
        if !self.x.name.is_empty() {
            let (middle, below) = ((layout.left + layout.right) / 2.0, bottom + 40.0);
            let name = markup(&self.x.name);
            let _ = writeln!(out, "<text x=\"{middle:.1}\" y=\"{below:.1}\" text-anchor=\"middle\">{name}</text>");
        }
        self.legend(&mut out, layout.right + 20.0);
        out.push_str("</svg>\n");
        out
    }

    /// The horizontal axis.
    fn along(&self, left: f64, right: f64) -> Scale {
        let marks = self.panels.iter().flat_map(|panel| &panel.series).flat_map(|series| &series.marks);
        self.x.scale(marks.flat_map(|mark| mark.places().0), left, right)
    }

    fn layout(&self, scales: &[(f64, Scale)], bottom: f64) -> Layout {
        let letters = scales.iter().map(|(_, y)| Axis::letters(y)).max().unwrap_or(0) as f64;
        let named = self.panels.iter().any(|panel| !panel.y.name.is_empty());
        let left = (letters * LETTER + 18.0 + if named { NAME } else { 0.0 }).max(LEFT).round();
        let letters = self.named().flat_map(|series| [&series.name, &series.note]).map(|text| text.chars().count());
        let legend = letters.max().map_or(0.0, |letters| letters.min(LETTERS) as f64 * LETTER + 66.0).round();
        let over = |(at, text): &(f64, String)| at + text.chars().count() as f64 * LETTER / 2.0 + 6.0 - WIDTH;
        let over = self.along(0.0, WIDTH).ticks.last().map_or(0.0, over);
        let legend = legend.max(over.round()).max(RIGHT);
        let side = self.panels.first().map_or(HEIGHT, |panel| panel.height);
        let width = if self.square { left + side + legend } else { WIDTH };
        let height = bottom + BOTTOM + if self.x.name.is_empty() { 0.0 } else { 12.0 };
        Layout { left, right: width - legend, width, height }
    }

    /// What is in the legend: what others are compared to is last.
    fn named(&self) -> impl Iterator<Item = &Series> {
        let all = || self.panels.first().into_iter().flat_map(|panel| &panel.series).filter(|s| !s.name.is_empty());
        all().filter(|series| !series.is_faint()).chain(all().filter(|series| series.is_faint()))
    }

    fn legend(&self, out: &mut String, left: f64) {
        let (mut at, text) = (TOP + 8.0, left + 26.0);
        for series in self.named() {
            let _ = writeln!(
                out,
                "<g class=\"{}\"><path class=\"line\" d=\"M{left:.1},{at:.1}h18\"/></g>\
                 <text x=\"{text:.1}\" y=\"{at:.1}\" dominant-baseline=\"central\">{}</text>",
                series.hue.class(),
                markup(&shortened(&series.name, LETTERS))
            );
            at += ENTRY;
            if !series.note.is_empty() {
                let note = markup(&shortened(&series.note, LETTERS));
                let at_note = at - 3.0;
                let _ = writeln!(
                    out,
                    "<text class=\"note\" x=\"{text:.1}\" y=\"{at_note:.1}\" dominant-baseline=\"central\">{note}</text>"
                );
                at += ENTRY;
            }
        }
    }

    /// What is to be seen, in words.
    fn about(&self) -> String {
        let names = self.panels.iter().map(|panel| panel.y.name.as_str()).filter(|name| !name.is_empty());
        let above = names.collect::<Vec<_>>().join(" and ");
        let told: Vec<String> = self.named().map(Series::label).collect();
        match (above.is_empty(), told.is_empty()) {
            (true, _) => String::new(),
            (_, true) => format!("{above} by {}", self.x.name),
            _ => format!("{above} by {}: {}", self.x.name, told.join("; ")),
        }
    }

    /// Writes the picture as a file, which appears whole or not at all: `.svg`, or `.png` with the feature `png`, by the end
    /// of its name.
    ///
    /// # Errors
    /// `Invalid` when the name ends otherwise; `Io` when it cannot be written; `Unsupported` for PNG without the feature.
    pub fn write(&self, path: impl AsRef<Path>) -> Result<()> {
        picture::write(&self.to_svg(), path.as_ref())
    }
}

impl Panel {
    /// Marks on an axis, in a panel of the usual height.
    pub fn of(y: Axis, series: Vec<Series>) -> Panel {
        Panel { y, series, height: HEIGHT }
    }

    fn draw(&self, out: &mut String, top: f64, x: &Scale, y: &Scale, layout: &Layout) {
        let (left, right, bottom) = (layout.left, layout.right, top + self.height);
        // nothing shines through cells
        let cells = self.series.iter().flat_map(|series| &series.marks).any(|mark| matches!(mark, Mark::Cell { .. }));
        for (at, text) in &y.ticks {
            if !cells {
                let _ =
                    writeln!(out, "<line class=\"mark\" x1=\"{left}\" x2=\"{right}\" y1=\"{at:.1}\" y2=\"{at:.1}\"/>");
            }
            let _ = writeln!(
                out,
                "<text x=\"{:.1}\" y=\"{at:.1}\" text-anchor=\"end\" dominant-baseline=\"central\">{}</text>",
                left - 8.0,
                markup(text)
            );
        }
        for (at, _) in x.ticks.iter().filter(|_| !cells) {
            let _ = writeln!(out, "<line class=\"mark\" x1=\"{at:.1}\" x2=\"{at:.1}\" y1=\"{top}\" y2=\"{bottom}\"/>");
        }
        if !self.y.name.is_empty() {
            let (middle, name) = ((top + bottom) / 2.0, markup(&self.y.name));
            let _ = writeln!(
                out,
                "<text transform=\"translate(18 {middle:.1})rotate(-90)\" text-anchor=\"middle\">{name}</text>"
            );
        }
        self.series.iter().for_each(|series| series.draw(out, x, y));
        let _ = writeln!(out, "<path class=\"axes\" d=\"M{left},{top}V{bottom}H{right}\"/>");
    }
}
