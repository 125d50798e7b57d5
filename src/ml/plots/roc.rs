//! ROC curves: how many of the positive rows are found, by how many of the negative ones are taken for such.

use crate::base::chart::{Axis, Hue, Mark, Panel, Plot, Series};
use crate::ml::metrics::RocCurve;

/// The curves of models and their names in one picture, with the area under each in the legend, and the diagonal of
/// guesses: `sklearn.metrics.RocCurveDisplay`.
///
/// ```
/// use partita::ml::{metrics::roc_curve, plots};
/// let truth = [false, false, true, true];
/// let (ridge, lasso) = (roc_curve(&truth, &[0.1, 0.4, 0.35, 0.8])?, roc_curve(&truth, &[0.1, 0.2, 0.35, 0.8])?);
/// let svg = plots::roc([("ridge", &ridge), ("lasso", &lasso)]).title("Tips").to_svg();
/// assert!(svg.contains("AUC 0.750") && svg.contains("AUC 1.000"));
/// # Ok::<(), partita::Error>(())
/// ```
pub fn roc<'a, N: Into<String>>(curves: impl IntoIterator<Item = (N, &'a RocCurve)>) -> Plot {
    let guesses = Series {
        name: "guessing".into(),
        hue: Hue::Reference,
        marks: vec![Mark::Line(vec![(0.0, 0.0), (1.0, 1.0)])],
        ..Series::default()
    };
    let models = curves.into_iter().enumerate().map(|(i, (name, curve))| {
        let rates = curve.false_positive_rate.iter().copied().zip(curve.true_positive_rate.iter().copied());
        Series {
            name: name.into(),
            note: format!("AUC {:.3}", curve.auc()),
            hue: Hue::Of(i),
            marks: vec![Mark::Line(rates.collect())],
        }
    });
    let series = std::iter::once(guesses).chain(models).collect();
    let share = || Axis::numbers().within(0.0, 1.0);
    let panel = Panel { height: 360.0, ..Panel::of(share().called("True positive rate"), series) };
    Plot::new(share().called("False positive rate"), vec![panel]).square().title("ROC curve")
}

impl RocCurve {
    /// Its picture, with the area under it. [`plots::roc`](roc) shows several.
    pub fn plot(&self) -> Plot {
        roc([("model", self)])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ml::metrics::roc_curve;

    #[test]
    fn the_points_land_where_they_should() {
        let curve = roc_curve(&[0_i64, 0, 1, 1], &[0.1, 0.4, 0.35, 0.8]).unwrap();
        let svg = curve.plot().to_svg();
        // the panel is 360 pixels wide and high, from (78, 400) on
        let path = "<g class=\"hue0\"><title>model, AUC 0.750</title>\n\
                    <path class=\"line\" d=\"M78.0,400.0L78.0,220.0L258.0,220.0L258.0,40.0L438.0,40.0\"/>";
        assert!(svg.contains(path), "{svg}");
        let about = "<desc>True positive rate by False positive rate: model, AUC 0.750; guessing</desc>";
        assert!(svg.contains(about), "{svg}");
    }

    #[test]
    fn what_is_not_known_is_not_drawn() {
        let curve = roc_curve(&[true, true], &[0.1, 0.4]).unwrap();
        let svg = roc([("a < b", &curve), ("none", &RocCurve::default())]).to_svg();
        assert_eq!(svg.matches("<path class=\"line\" d=\"M78").count(), 1, "{svg}");
        assert!(svg.contains("a &lt; b") && !svg.contains(",NaN"));
    }
}
