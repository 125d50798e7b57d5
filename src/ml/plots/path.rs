//! Coefficients over a parameter.

use crate::base::Result;
use crate::base::chart::{Axis, Hue, Mark, Panel, Plot, Series};
use crate::ml::pipeline::ParamValue;
use crate::ml::plots::validation::{DOTS, parameter};
use crate::ml::select::CoefficientPath;

/// Features with a colour of their own.
const NAMED: usize = 8;

impl CoefficientPath {
    /// Its picture: a line for each feature. Those whose coefficients become largest have colours and names.
    ///
    /// # Errors
    /// As [`coefficients`](Self::coefficients).
    pub fn plot(&self) -> Result<Plot> {
        let values: Vec<&ParamValue> = self.values().iter().collect();
        let (axis, places) = parameter(self.key(), &values);
        let mut order: Vec<usize> = (0..places.len()).collect();
        order.sort_by(|a, b| places[*a].total_cmp(&places[*b]));
        let mut lines: Vec<(String, Vec<(f64, f64)>)> = Vec::new();
        for (feature, coefs) in self.coefficients()? {
            lines.push((feature, order.iter().map(|place| (places[*place], coefs[*place])).collect()));
        }
        let largest = |line: &[(f64, f64)]| line.iter().map(|(_, coef)| coef.abs()).fold(0.0, f64::max);
        lines.sort_by(|a, b| largest(&b.1).total_cmp(&largest(&a.1)));
        let others = lines.len().saturating_sub(NAMED);
        let mut series: Vec<Series> = Vec::with_capacity(NAMED + 2);
        // those with names stand before the others
        let faint = lines.split_off(lines.len() - others);
        if others > 0 {
            let marks = faint.into_iter().map(|(_, line)| Mark::Line(line)).collect();
            series.push(Series { name: format!("{others} others"), hue: Hue::Faint, marks, ..Series::default() });
        }
        for (i, (name, line)) in lines.into_iter().enumerate() {
            let mut marks = vec![Mark::Line(line.clone())];
            if line.len() <= DOTS {
                marks.push(Mark::Dots(line));
            }
            series.push(Series { name, hue: Hue::Of(i), marks, ..Series::default() });
        }
        let panel = Panel::of(Axis::numbers().called("Coefficient"), series);
        Ok(Plot::new(axis, vec![panel]).title("Coefficient path"))
    }
}
