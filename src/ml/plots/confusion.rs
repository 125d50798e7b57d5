//! Confusion matrices as heat maps.

use crate::base::chart::{Axis, HEIGHT, Mark, Panel, Plot, Series};
use crate::base::shown::count;
use crate::ml::metrics::{ConfusionMatrix, Normalize};

impl ConfusionMatrix {
    /// Its picture: a row for each true class and a column for each predicted one. Each cell tells its rows (or their weight)
    /// and their share of the true class, which is also its colour: `sklearn.metrics.ConfusionMatrixDisplay`.
    pub fn plot(&self) -> Plot {
        let (names, shares) = (self.classes().names(), self.normalized(Normalize::Truth));
        let n = names.len();
        let mut marks = Vec::with_capacity(n * n);
        for (truth, (rows, shares)) in self.to_rows().into_iter().zip(shares).enumerate() {
            for (predicted, (rows, share)) in rows.into_iter().zip(shares).enumerate() {
                // the first class is on top
                let at = (predicted as f64, (n - 1 - truth) as f64);
                marks.push(Mark::Cell { at, share, texts: vec![number(rows), format!("{:.1} %", 100.0 * share)] });
            }
        }
        let cells = Series { marks, ..Series::default() };
        let upwards = names.iter().rev().cloned().collect();
        let height = HEIGHT.max((70.0 * n as f64).min(560.0));
        let panel = Panel { height, ..Panel::of(Axis::names(upwards).called("True class"), vec![cells]) };
        Plot::new(Axis::names(names).called("Predicted class"), vec![panel]).square().title("Confusion matrix")
    }
}

fn number(rows: f64) -> String {
    if rows.fract() == 0.0 && rows < 1e15 { count(rows as u64) } else { format!("{rows:.2}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_are_in_their_places() {
        let labels = |text: &str| text.split(' ').map(String::from).collect::<Vec<_>>();
        let matrix = ConfusionMatrix::of(&labels("no no no yes"), &labels("no no yes yes")).unwrap();
        let svg = matrix.plot().to_svg();
        // of 318 pixels, from 78 and 40 on: the true `no` above, the predicted `no` to the left
        let cell = |x: f64, y: f64, opacity: f64| {
            let cell =
                format!("x=\"{x:.1}\" y=\"{y:.1}\" width=\"159.0\" height=\"159.0\" fill-opacity=\"{opacity:.3}\"");
            assert!(svg.contains(&cell), "{cell} {svg}");
        };
        cell(78.0, 40.0, 0.04 + 0.56 * 2.0 / 3.0);
        cell(237.0, 40.0, 0.04 + 0.56 / 3.0);
        cell(78.0, 199.0, 0.04);
        cell(237.0, 199.0, 0.6);
        assert!(svg.contains(">66.7 %<") && svg.contains(">100.0 %<"), "{svg}");
        assert_eq!((number(1234.0).as_str(), number(1.5).as_str()), ("1,234", "1.50"));
    }

    #[test]
    fn many_classes_are_still_a_picture() {
        let classes: Vec<i64> = (0..300).collect();
        let svg = ConfusionMatrix::of(&classes, &classes).unwrap().plot().to_svg();
        assert!(svg.contains(">299<") || svg.contains(">295<") || svg.contains(">290<"), "{}", &svg[..3000]);
        assert!(!svg.contains("%<"));
    }
}
