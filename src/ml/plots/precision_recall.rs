//! Precision-recall curves: how many of the rows that are taken are positive, by how many of the positive ones are taken.

use crate::base::chart::{Axis, Hue, Mark, Panel, Plot, Series};
use crate::ml::metrics::PrecisionRecallCurve;

/// The curves of models and their names in one picture, as steps, with the average precision of each in the legend (the area
/// under the steps), and the precision of taking all rows: `sklearn.metrics.PrecisionRecallDisplay`.
pub fn precision_recall<'a, N: Into<String>>(curves: impl IntoIterator<Item = (N, &'a PrecisionRecallCurve)>) -> Plot {
    let (mut series, mut bases) = (Vec::new(), Vec::new());
    for (i, (name, curve)) in curves.into_iter().enumerate() {
        bases.extend(curve.precision.first().copied());
        series.push(Series {
            name: name.into(),
            note: format!("average precision {:.3}", curve.average_precision()),
            hue: Hue::Of(i),
            marks: vec![Mark::Line(steps(curve))],
        });
    }
    // models that were judged by the same rows share what guessing gives
    if let Some(base) = bases.first().copied().filter(|base| bases.iter().all(|other| other == base)) {
        let guesses = Series {
            name: "guessing".into(),
            hue: Hue::Reference,
            marks: vec![Mark::Line(vec![(0.0, base), (1.0, base)])],
            ..Series::default()
        };
        series.insert(0, guesses);
    }
    let share = || Axis::numbers().within(0.0, 1.0);
    let panel = Panel { height: 360.0, ..Panel::of(share().called("Precision"), series) };
    Plot::new(share().called("Recall"), vec![panel]).square().title("Precision-recall curve")
}

/// A precision holds down to the next recall.
fn steps(curve: &PrecisionRecallCurve) -> Vec<(f64, f64)> {
    let points: Vec<(f64, f64)> = curve.recall.iter().copied().zip(curve.precision.iter().copied()).collect();
    let corners = points.windows(2).flat_map(|pair| [(pair[1].0, pair[0].1), pair[1]]);
    points.first().copied().into_iter().chain(corners).collect()
}

impl PrecisionRecallCurve {
    /// Its picture, with the area under it. [`plots::precision_recall`](precision_recall) shows several.
    pub fn plot(&self) -> Plot {
        precision_recall([("model", self)])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ml::metrics::{average_precision_score, precision_recall_curve};

    #[test]
    fn steps_have_the_area_of_the_average_precision() {
        let (truth, scores) = ([0_i64, 0, 1, 1, 1], [0.1, 0.4, 0.35, 0.8, 0.2]);
        let curve = precision_recall_curve(&truth, &scores).unwrap();
        let area = steps(&curve).windows(2).map(|pair| (pair[0].0 - pair[1].0) * pair[0].1).sum::<f64>();
        let expected = average_precision_score(&truth, &scores).unwrap();
        assert!((area - expected).abs() < 1e-15 && (curve.average_precision() - expected).abs() < 1e-15);
        let svg = curve.plot().to_svg();
        assert!(svg.contains(&format!("average precision {expected:.3}")), "{svg}");
        // all rows are taken at first: three of five are positive, on a panel 360 pixels high
        assert!(svg.contains("d=\"M78.0,184.0L438.0,184.0\"") && svg.contains("d=\"M438.0,184.0L"), "{svg}");
        let other = precision_recall_curve(&[true, false], &[0.1, 0.2]).unwrap();
        assert!(!precision_recall([("a", &curve), ("b", &other)]).to_svg().contains("guessing"));
        precision_recall([("none", &PrecisionRecallCurve::default())]).to_svg();
    }
}
