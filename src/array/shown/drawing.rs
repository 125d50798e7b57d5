//! The chunks of an array as a drawing.

use std::fmt::Write;

use super::super::chunked::Array;
use super::super::chunks::Chunks;
use super::super::element::Element;
use super::grid::{largest, lines, sides};
use super::table::tuple;
use crate::base::shown::{count, markup};

/// Pixels around the picture, and room for the numbers at its sides.
const MARGIN: f64 = 10.0;
const NUMBERS: f64 = 26.0;
/// How far depth goes to the right and down: a third axis is seen from the front left, from above.
const DEPTH: (f64, f64) = (0.62, 0.36);

/// The colours, by day and by night: ground, lines, the inside, a chunk, text.
const DAY: [&str; 5] = ["#ffffff", "#b87400", "#fdf1dc", "#f3c681", "#1b1f24"];
const NIGHT: [&str; 5] = ["#0f1419", "#e0a64a", "#2b2213", "#7a541b", "#eef1f4"];

type Point = (f64, f64);

struct Picture {
    out: String,
    width: f64,
    height: f64,
}

impl<T: Element> Array<T> {
    /// A drawing of the chunks as SVG: a line for every cut, the lengths of the axes at the sides, the largest chunk darker (as
    /// Dask draws arrays). Of more than three axes the last three are drawn, and the others named. It looks well on light and on
    /// dark paper.
    ///
    /// ```
    /// let picture = partita::array::ones([1000, 4000], (1000, 1000))?.to_svg();
    /// assert!(picture.starts_with("<svg") && picture.contains(">4,000<"));
    /// # Ok::<(), partita::Error>(())
    /// ```
    pub fn to_svg(&self) -> String {
        let title = format!("an array of shape {} in {} chunks", tuple(self.shape()), self.npartitions());
        draw(self.chunks(), &title)
    }
}

/// The drawing of chunks.
fn draw(chunks: &Chunks, title: &str) -> String {
    let shape = chunks.shape();
    let first = shape.len().saturating_sub(3);
    let cuts: Vec<&[usize]> = (first..shape.len()).map(|axis| chunks.axis(axis)).collect();
    let mut picture = match (cuts.as_slice(), &shape[first..]) {
        ([columns], [len]) => flat(&[1], columns, [None, Some(*len)]),
        ([rows, columns], [many, len]) => flat(rows, columns, [Some(*many), Some(*len)]),
        ([layers, rows, columns], shape) => solid([layers, rows, columns], shape),
        _ => flat(&[1], &[1], [None, None]),
    };
    if first > 0 {
        let others: Vec<String> = shape[..first].iter().map(|&len| count(len as u64)).collect();
        let (x, y) = (MARGIN, picture.height + 8.0);
        picture.text((x, y), "start", None, &format!("{} × this", others.join(" × ")));
        picture.height += 18.0;
        picture.width = picture.width.max(150.0);
    }
    picture.finish(title)
}

/// Two axes, or one.
fn flat(rows: &[usize], columns: &[usize], lengths: [Option<usize>; 2]) -> Picture {
    let (high, wide) = match (lengths, &sides(&[rows.iter().sum(), columns.iter().sum()])[..]) {
        ([Some(_), _], &[high, wide]) => (high, wide),
        ([None, Some(_)], _) => (30.0, 180.0),
        _ => (30.0, 30.0),
    };
    let mut picture = Picture { out: String::new(), width: wide + 2.0 * MARGIN, height: high + 2.0 * MARGIN };
    let at = |x: f64, y: f64| (MARGIN + x, MARGIN + y);
    picture.shape("inside", &[at(0.0, 0.0), at(wide, 0.0), at(wide, high), at(0.0, high)]);
    let ((left, across), (top, down)) = (largest(columns, wide), largest(rows, high));
    let (right, bottom) = (left + across, top + down);
    picture.shape("chunk", &[at(left, top), at(right, top), at(right, bottom), at(left, bottom)]);
    picture.lines(&lines(columns, wide), |x| (at(x, 0.0), at(x, high)));
    picture.lines(&lines(rows, high), |y| (at(0.0, y), at(wide, y)));
    if let Some(len) = lengths[1] {
        picture.text(at(wide / 2.0, high + 14.0), "middle", None, &count(len as u64));
        picture.height += 16.0;
    }
    if let Some(len) = lengths[0] {
        picture.text(at(wide + 14.0, high / 2.0), "middle", Some(-90.0), &count(len as u64));
        picture.width += NUMBERS;
    }
    picture
}

/// Three axes: layers go to the back.
fn solid([layers, rows, columns]: [&[usize]; 3], shape: &[usize]) -> Picture {
    let sides = sides(shape);
    let &[deep, high, wide] = &sides[..] else { return flat(&[1], &[1], [None, None]) };
    let (over, down) = (deep * DEPTH.0, deep * DEPTH.1);
    // the front face is that of the last layer, at the lower right
    let at = |z: f64, y: f64, x: f64| (MARGIN + x + z / deep * over, MARGIN + y + z / deep * down);
    let mut picture =
        Picture { out: String::new(), width: wide + over + 2.0 * MARGIN, height: high + down + 2.0 * MARGIN };
    let front = |y: f64, x: f64| at(deep, y, x);
    let top = |z: f64, x: f64| at(z, 0.0, x);
    let left = |z: f64, y: f64| at(z, y, 0.0);
    picture.shape("inside", &[front(0.0, 0.0), front(0.0, wide), front(high, wide), front(high, 0.0)]);
    picture.shape("side", &[top(0.0, 0.0), top(0.0, wide), top(deep, wide), top(deep, 0.0)]);
    picture.shape("side", &[left(0.0, 0.0), left(deep, 0.0), left(deep, high), left(0.0, high)]);
    let ends = |sizes: &[usize], side: f64| {
        sizes.last().map_or(0.0, |&s| s as f64) / sizes.iter().sum::<usize>().max(1) as f64 * side
    };
    let (z, y, x) = (deep - ends(layers, deep), ends_first(rows, high), ends_first(columns, wide));
    picture.shape("chunk", &[front(0.0, 0.0), front(0.0, x), front(y, x), front(y, 0.0)]);
    picture.shape("chunk", &[top(z, 0.0), top(z, x), top(deep, x), top(deep, 0.0)]);
    picture.shape("chunk", &[left(z, 0.0), left(deep, 0.0), left(deep, y), left(z, y)]);
    let (z_lines, y_lines, x_lines) = (lines(layers, deep), lines(rows, high), lines(columns, wide));
    picture.lines(&x_lines, |x| (front(0.0, x), front(high, x)));
    picture.lines(&y_lines, |y| (front(y, 0.0), front(y, wide)));
    picture.lines(&x_lines, |x| (top(0.0, x), top(deep, x)));
    picture.lines(&z_lines, |z| (top(z, 0.0), top(z, wide)));
    picture.lines(&y_lines, |y| (left(0.0, y), left(deep, y)));
    picture.lines(&z_lines, |z| (left(z, 0.0), left(z, high)));
    let angle = down.atan2(over).to_degrees();
    let middle = left(deep / 2.0, high);
    picture.text((middle.0 - 8.0, middle.1 + 14.0), "middle", Some(angle), &count(shape[0] as u64));
    let side = front(high / 2.0, wide);
    picture.text((side.0 + 14.0, side.1), "middle", Some(-90.0), &count(shape[1] as u64));
    let below = front(high, wide / 2.0);
    picture.text((below.0, below.1 + 14.0), "middle", None, &count(shape[2] as u64));
    picture.width += NUMBERS;
    picture.height += 16.0;
    picture
}

/// How much of a side the first chunk takes, in pixels.
fn ends_first(sizes: &[usize], side: f64) -> f64 {
    sizes.first().map_or(0.0, |&size| size as f64) / sizes.iter().sum::<usize>().max(1) as f64 * side
}

impl Picture {
    fn shape(&mut self, class: &str, points: &[Point]) {
        let points: Vec<String> = points.iter().map(|(x, y)| format!("{x:.1},{y:.1}")).collect();
        let _ = writeln!(self.out, "<polygon class=\"{class}\" points=\"{}\"/>", points.join(" "));
    }

    /// The lines at these places; the first and the last are the border.
    fn lines(&mut self, places: &[f64], ends: impl Fn(f64) -> (Point, Point)) {
        for (i, &place) in places.iter().enumerate() {
            let ((x1, y1), (x2, y2)) = ends(place);
            let class = if i == 0 || i + 1 == places.len() { "border" } else { "cut" };
            let _ = writeln!(
                self.out,
                "<line class=\"{class}\" x1=\"{x1:.1}\" y1=\"{y1:.1}\" x2=\"{x2:.1}\" y2=\"{y2:.1}\"/>"
            );
        }
    }

    fn text(&mut self, (x, y): Point, anchor: &str, turned: Option<f64>, text: &str) {
        let turn = turned.map_or(String::new(), |angle| format!(" transform=\"rotate({angle:.1},{x:.1},{y:.1})\""));
        let text = markup(text);
        let _ = writeln!(
            self.out,
            "<text x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"{anchor}\" dominant-baseline=\"middle\"{turn}>{text}</text>"
        );
    }

    fn finish(self, title: &str) -> String {
        let (width, height, title) = (self.width.ceil(), self.height.ceil(), markup(title));
        let mut out = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"partita-array\" width=\"{width}\" height=\"{height}\" \
             viewBox=\"0 0 {width} {height}\" role=\"img\"><title>{title}</title>\n<style>"
        );
        let rules = |out: &mut String, [ground, line, inside, chunk, text]: [&str; 5]| {
            let _ = write!(
                out,
                ".partita-array .ground{{fill:{ground}}}.partita-array line{{stroke:{line}}}.partita-array text{{fill:{text}}}\
                 .partita-array .inside{{fill:{inside}}}.partita-array .side{{fill:{inside}}}.partita-array .chunk{{fill:{chunk}}}"
            );
        };
        out.push_str(
            ".partita-array text{font:12px ui-sans-serif,system-ui,'Helvetica Neue',Arial,'DejaVu Sans',sans-serif}\
             .partita-array .border{stroke-width:1.6px;stroke-linecap:round}.partita-array .cut{stroke-width:.8px}\
             .partita-array .side{opacity:.75}.partita-array .chunk{opacity:.85}",
        );
        rules(&mut out, DAY);
        out.push_str("@media (prefers-color-scheme:dark){");
        rules(&mut out, NIGHT);
        let _ = write!(
            out,
            "}}</style>\n<rect class=\"ground\" width=\"{width}\" height=\"{height}\"/>\n{}</svg>\n",
            self.out
        );
        out
    }
}
