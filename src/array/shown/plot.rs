//! An array of one axis as a line.

use std::fmt::Write;
use std::path::Path;

use super::super::chunked::Array;
use super::super::element::Element;
use super::super::elementwise::Cast;
use super::ticks::{label, ticks};
use crate::base::shown::markup;
use crate::base::{Error, Result, picture};

/// More elements than this are drawn as the range of those that share a pixel.
const POINTS: usize = 2048;
/// Pixels of the picture, and around the plot.
const SIZE: (f64, f64) = (720.0, 400.0);
const LEFT: f64 = 78.0;
const RIGHT: f64 = 22.0;
const TOP: f64 = 40.0;
const BOTTOM: f64 = 42.0;

/// A picture of an array of one axis: a line through its elements by their numbers.
#[derive(Clone, Debug)]
pub struct Plot {
    title: String,
    /// Number, lowest and highest element of each place along the axis.
    points: Vec<(f64, f64, f64)>,
    len: usize,
}

impl<T: Element> Array<T> {
    /// A picture of its elements, which are computed now: a line, or the range between the smallest and the largest
    /// where many share a pixel. NaN and infinities leave gaps.
    ///
    /// # Errors
    /// `Invalid` when it has not one axis; the first error of a task.
    pub fn plot(&self) -> Result<Plot>
    where
        T: Cast<f64>,
    {
        let &[len] = self.shape() else {
            let what = format!("only an array of one axis can be plotted, not one of shape {:?}", self.shape());
            return Err(Error::invalid(what).help("reduce it along the other axes first"));
        };
        let values = self.astype::<f64>();
        let mut points = Vec::new();
        if len <= POINTS {
            points.extend(values.compute()?.iter().enumerate().map(|(i, &value)| (i as f64, value, value)));
        } else {
            let each = len.div_ceil(POINTS / 2);
            let whole = len / each * each;
            let table = values.slice((0..whole as isize,))?.reshape([-1, each as isize])?;
            let (low, high) = (table.min_axis(1)?.compute()?, table.max_axis(1)?.compute()?);
            let places = low.iter().zip(&high).enumerate();
            points.extend(places.map(|(i, (&low, &high))| ((i * each + each / 2) as f64, low, high)));
            if whole < len {
                let rest = values.slice((whole as isize..len as isize,))?.compute()?;
                let range = rest.iter().fold((f64::INFINITY, f64::NEG_INFINITY), |(l, h), &v| (l.min(v), h.max(v)));
                points.push(((whole + (len - whole) / 2) as f64, range.0, range.1));
            }
        }
        Ok(Plot { title: String::new(), points, len })
    }
}

impl Plot {
    /// What is written above it.
    #[must_use]
    pub fn title(mut self, title: impl Into<String>) -> Plot {
        self.title = title.into();
        self
    }

    /// The picture as SVG, for light and dark paper.
    pub fn to_svg(&self) -> String {
        let finite = || self.points.iter().filter(|(_, low, high)| low.is_finite() && high.is_finite());
        let range = finite().fold((f64::INFINITY, f64::NEG_INFINITY), |(l, h), p| (l.min(p.1), h.max(p.2)));
        // the largest numbers are a tenth of themselves, so that there is a difference between them
        let scale = if range.0.abs().max(range.1.abs()) > f64::MAX / 10.0 { 0.1 } else { 1.0 };
        let (low, high) = match (range.0 * scale, range.1 * scale) {
            (low, high) if low > high => (0.0, 1.0),
            (low, high) if low == high => (low - 0.5 * low.abs().max(1.0), high + 0.5 * high.abs().max(1.0)),
            (low, high) => (low - 0.04 * (high - low), high + 0.04 * (high - low)),
        };
        let last = self.len.saturating_sub(1).max(1) as f64;
        let x = |at: f64| LEFT + at / last * (SIZE.0 - LEFT - RIGHT);
        let y = |value: f64| TOP + (high - value * scale) / (high - low) * (SIZE.1 - TOP - BOTTOM);
        let mut out = head(&self.title);
        let (right, bottom) = (SIZE.0 - RIGHT, SIZE.1 - BOTTOM);
        let marks = ticks(low, high, 6);
        let step = marks.get(1).map_or(high - low, |second| second - marks[0]) / scale;
        for value in marks.iter().map(|mark| mark / scale).filter(|value| value.is_finite()) {
            let (at, text) = (y(value), label(value, step));
            let _ = writeln!(
                out,
                "<line class=\"mark\" x1=\"{LEFT}\" x2=\"{right}\" y1=\"{at:.1}\" y2=\"{at:.1}\"/>\
                 <text x=\"{:.1}\" y=\"{at:.1}\" text-anchor=\"end\" dominant-baseline=\"middle\">{text}</text>",
                LEFT - 8.0
            );
        }
        let numbers = ticks(0.0, last, 6);
        let step = numbers.get(1).copied().unwrap_or(last);
        for &number in numbers.iter().filter(|number| number.fract() == 0.0) {
            let (at, text) = (x(number), label(number, step));
            let _ = writeln!(
                out,
                "<line class=\"mark\" x1=\"{at:.1}\" x2=\"{at:.1}\" y1=\"{TOP}\" y2=\"{bottom}\"/>\
                 <text x=\"{at:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{text}</text>",
                bottom + 20.0
            );
        }
        self.line(&mut out, &x, &y);
        let _ = write!(out, "<path class=\"axes\" d=\"M{LEFT},{TOP}V{bottom}H{right}\"/>\n</svg>\n");
        out
    }

    /// The line, in as many parts as there are gaps.
    fn line(&self, out: &mut String, x: &dyn Fn(f64) -> f64, y: &dyn Fn(f64) -> f64) {
        let whole = |p: &(f64, f64, f64)| p.1.is_finite() && p.2.is_finite();
        for part in self.points.split(|p| !whole(p)).filter(|part| !part.is_empty()) {
            let path = |points: &mut dyn Iterator<Item = (f64, f64)>| {
                let each: Vec<String> = points.map(|(at, value)| format!("{:.1},{:.1}", x(at), y(value))).collect();
                each.join("L")
            };
            let there = path(&mut part.iter().map(|p| (p.0, p.2)));
            if part.iter().all(|p| p.1 == p.2) {
                match part {
                    [p] => {
                        let _ =
                            writeln!(out, "<circle class=\"dot\" cx=\"{:.1}\" cy=\"{:.1}\" r=\"2\"/>", x(p.0), y(p.1));
                    }
                    _ => {
                        let _ = writeln!(out, "<path class=\"line\" d=\"M{there}\"/>");
                    }
                }
                continue;
            }
            let back = path(&mut part.iter().rev().map(|p| (p.0, p.1)));
            let _ = writeln!(out, "<path class=\"band\" d=\"M{there}L{back}Z\"/>");
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

/// The beginning of the picture: its style and title.
fn head(title: &str) -> String {
    let (width, height) = SIZE;
    let name = if title.is_empty() { "plot" } else { title };
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"partita-plot\" width=\"{width}\" height=\"{height}\" \
         viewBox=\"0 0 {width} {height}\" role=\"img\"><title>{}</title>\n<style>\
         .partita-plot text{{font:12px ui-sans-serif,system-ui,'Helvetica Neue',Arial,'DejaVu Sans',sans-serif;\
         font-variant-numeric:tabular-nums}}.partita-plot .title{{font-size:15px;font-weight:600}}\
         .partita-plot .line{{fill:none;stroke-width:1.6px;stroke-linejoin:round}}.partita-plot .band{{stroke-width:1px}}\
         .partita-plot .axes{{fill:none;stroke-width:1.2px}}.partita-plot .mark{{stroke-width:1px}}",
        markup(name)
    );
    let rules = |out: &mut String, [ground, line, faint, text]: [&str; 4]| {
        let _ = write!(
            out,
            ".partita-plot .ground{{fill:{ground}}}.partita-plot .line,.partita-plot .band{{stroke:{line}}}\
             .partita-plot .band,.partita-plot .dot{{fill:{line}}}.partita-plot .axes{{stroke:{text}}}\
             .partita-plot .mark{{stroke:{faint}}}.partita-plot text{{fill:{text}}}"
        );
    };
    rules(&mut out, ["#ffffff", "#2f7fb8", "#e4e7eb", "#1b1f24"]);
    out.push_str("@media (prefers-color-scheme:dark){");
    rules(&mut out, ["#0f1419", "#6cb6ff", "#2a313a", "#eef1f4"]);
    let _ = write!(out, "}}</style>\n<rect class=\"ground\" width=\"{width}\" height=\"{height}\"/>\n");
    if !title.is_empty() {
        let _ = writeln!(out, "<text class=\"title\" x=\"{LEFT}\" y=\"{:.1}\">{}</text>", TOP - 16.0, markup(title));
    }
    out
}
