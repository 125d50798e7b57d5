//! Reliability diagrams: how often what is predicted with a probability comes true, and how many rows say so.

use crate::base::chart::{Axis, Hue, Mark, Panel, Plot, Series};
use crate::ml::metrics::CalibrationCurve;

/// Pixels from bar to bar of one bin.
const ASIDE: f64 = 7.0;

/// The curves of models and their names in one picture, beside the diagonal of probabilities that are right; below it the rows
/// of each bin: `sklearn.calibration.CalibrationDisplay`.
pub fn calibration<'a, N: Into<String>>(curves: impl IntoIterator<Item = (N, &'a CalibrationCurve)>) -> Plot {
    let curves: Vec<(String, &CalibrationCurve)> =
        curves.into_iter().map(|(name, curve)| (name.into(), curve)).collect();
    let middle = (curves.len() as f64 - 1.0) / 2.0;
    let mut shares = vec![Series {
        name: "perfect".into(),
        hue: Hue::Reference,
        marks: vec![Mark::Line(vec![(0.0, 0.0), (1.0, 1.0)])],
        ..Series::default()
    }];
    let mut rows = Vec::new();
    for (i, (name, curve)) in curves.into_iter().enumerate() {
        let predicted = || curve.predicted.iter().copied();
        let points: Vec<(f64, f64)> = predicted().zip(curve.observed.iter().copied()).collect();
        let bars = predicted().zip(curve.rows.iter().copied()).collect();
        let marks = vec![Mark::Line(points.clone()), Mark::Dots(points)];
        shares.push(Series { name, hue: Hue::Of(i), marks, ..Series::default() });
        let marks = vec![Mark::Bars(bars, (i as f64 - middle) * ASIDE)];
        rows.push(Series { hue: Hue::Of(i), marks, ..Series::default() });
    }
    let most = rows.iter().flat_map(|of| &of.marks).map(Mark::highest).fold(1.0, f64::max);
    let share = || Axis::numbers().within(0.0, 1.0);
    let above = Panel { height: 360.0, ..Panel::of(share().called("Share of positive rows"), shares) };
    let below =
        Panel { height: 84.0, ..Panel::of(Axis::numbers().called("Rows").few().within(0.0, 1.05 * most), rows) };
    Plot::new(share().called("Mean predicted probability"), vec![above, below]).square().title("Calibration")
}

impl CalibrationCurve {
    /// Its picture. [`plots::calibration`](calibration) shows several.
    pub fn plot(&self) -> Plot {
        calibration([("model", self)])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ml::metrics::{Bins, calibration_curve};

    #[test]
    fn shares_and_rows_stand_above_each_other() {
        let truth = [0_i64, 0, 0, 1, 1];
        let curve = calibration_curve(&truth, &[0.25, 0.25, 0.75, 0.75, 0.75], 2, Bins::Uniform).unwrap();
        let svg = curve.plot().to_svg();
        // 78 + 360/4 and so on; two of three are positive
        assert!(svg.contains("d=\"M168.0,400.0L348.0,160.0\""), "{svg}");
        assert!(svg.contains("<rect class=\"bar\" x=\"165.0\" y=\"446.7\" width=\"6\" height=\"53.3\"/>"), "{svg}");
        assert!(svg.contains("<rect class=\"bar\" x=\"345.0\" y=\"420.0\" width=\"6\" height=\"80.0\"/>"), "{svg}");
        assert!(svg.contains("<desc>Share of positive rows and Rows by Mean predicted probability: model; perfect"));
        let two = calibration([("a", &curve), ("b", &curve)]).to_svg();
        assert!(two.contains("x=\"161.5\"") && two.contains("x=\"168.5\""), "{two}");
        CalibrationCurve::default().plot().to_svg();
    }
}
