//! What is known of the training rows before a fit begins.

use rayon::prelude::*;

use super::labels::Labels;
use crate::ml::classes::Classes;
use crate::ml::design::{Design, Layout};
use crate::ml::prepare::Moments;
use crate::ml::train::cache::CHUNK;

/// What is known of the training rows of a fit before it begins.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Facts {
    /// The features.
    pub layout: Layout,
    /// All classes of the target, those too that no training row has; none where values are learnt.
    pub classes: Classes,
    /// Training rows.
    pub rows: u64,
    /// The sum of their weights.
    pub weight: f64,
    /// Rows of each class.
    pub counts: Vec<u64>,
    /// The weight of each class.
    pub class_weight: Vec<f64>,
    /// Mean and variance (ddof 0) of each numeric feature, rows of no weight left out, the other weights left aside.
    pub numeric: Vec<(f64, f64)>,
    /// Mean and variance (ddof 0) of the target, weights left aside; NaN where classes are learnt.
    pub target: (f64, f64),
}

/// The same in the making.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tally {
    rows: u64,
    weight: f64,
    counts: Vec<u64>,
    class_weight: Vec<f64>,
    numeric: Vec<Moments>,
    target: Moments,
}

impl Tally {
    /// Of some rows.
    pub fn of(design: &Design, labels: Labels<'_>, classes: usize) -> Tally {
        let block = design.block(0, design.rows());
        let moments = |values: &[f64]| {
            let mut moments = Moments::default();
            match block.weights {
                // a row of no weight is as good as not there
                Some(weights) if !values.is_empty() => {
                    let counted = values.iter().zip(weights).filter(|(_, weight)| **weight > 0.0);
                    moments.update(&counted.map(|(value, _)| *value).collect::<Vec<f64>>());
                }
                _ => moments.update(values),
            }
            moments
        };
        let mut counts = vec![0; classes];
        labels.classes().iter().for_each(|class| counts[*class as usize] += 1);
        let mut class_weight: Vec<f64> = counts.iter().map(|rows| *rows as f64).collect();
        if let Some(weights) = block.weights {
            class_weight.fill(0.0);
            let rows = labels.classes().iter().zip(weights);
            rows.for_each(|(class, weight)| class_weight[*class as usize] += weight);
        }
        Tally {
            rows: block.rows as u64,
            weight: block.weights.map_or(block.rows as f64, |weights| weights.iter().sum()),
            counts,
            class_weight,
            numeric: block.numeric.iter().map(|values| moments(values)).collect(),
            target: moments(labels.values()),
        }
    }

    /// Takes in later rows.
    pub fn merge(&mut self, later: Tally) {
        self.rows += later.rows;
        self.weight += later.weight;
        self.counts.iter_mut().zip(later.counts).for_each(|(a, b)| *a += b);
        self.class_weight.iter_mut().zip(later.class_weight).for_each(|(a, b)| *a += b);
        self.numeric.iter_mut().zip(later.numeric).for_each(|(a, b)| a.merge(b));
        self.target.merge(later.target);
    }

    /// What is known in the end.
    pub fn facts(self, layout: Layout, classes: Classes) -> Facts {
        let mean_and_var = |moments: &Moments| {
            let column = moments.column(String::new());
            (column.mean, column.var)
        };
        Facts {
            layout,
            classes,
            rows: self.rows,
            weight: self.weight,
            counts: self.counts,
            class_weight: self.class_weight,
            numeric: self.numeric.iter().map(mean_and_var).collect(),
            target: mean_and_var(&self.target),
        }
    }
}

impl Facts {
    /// Of rows in memory.
    pub fn of_design(design: &Design, labels: Labels<'_>, classes: &Classes) -> Facts {
        let starts: Vec<usize> = (0..design.rows()).step_by(CHUNK).collect();
        let of = |start: &usize| {
            let end = (start + CHUNK).min(design.rows());
            let rows: Vec<usize> = (*start..end).collect();
            Tally::of(&design.take(&rows), labels.slice(*start..end), classes.len())
        };
        let tallies: Vec<Tally> = starts.par_iter().map(of).collect();
        let whole = tallies.into_iter().reduce(|mut whole, later| {
            whole.merge(later);
            whole
        });
        let whole = whole.unwrap_or_else(|| Tally::of(design, labels, classes.len()));
        whole.facts(design.layout().clone(), classes.clone())
    }
}
