//! Candidates that are drawn.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::grid::{Candidates, Lists, Params, combination, combinations};
use super::permutation::Permutation;
use crate::base::{Error, Result, mixed};
use crate::ml::pipeline::{ParamKey, ParamValue};

/// What the values of a parameter are drawn from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum ParamDistribution {
    /// Any of these, each as probable.
    Choice(Vec<ParamValue>),
    /// Any number from one to below another.
    Uniform(f64, f64),
    /// Any number from one to below another, both above 0, whose logarithm is uniform.
    LogUniform(f64, f64),
    /// Any whole number from one to another, both among them.
    IntRange(i64, i64),
}

/// Draws candidates: scikit-learn's `ParameterSampler`.
///
/// If all parameters have lists of values, no combination is drawn twice (and if there are not more combinations than
/// draws, each is drawn); else each draw is independent. Draws depend on the seed alone; they are not numpy's.
///
/// ```
/// use partita::ml::{LogisticRegression, ParamSampler};
/// let sampler = ParamSampler::new(20, 42)
///     .log_uniform(LogisticRegression::C.of("clf"), 1e-3, 1e3)
///     .uniform(LogisticRegression::L1_RATIO.of("clf"), 0.0, 1.0)
///     .choice("clf__fit_intercept", [true, false]);
/// assert_eq!(sampler.candidates()?.len(), 20);
/// # Ok::<(), partita::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ParamSampler {
    draws: usize,
    seed: u64,
    /// Each draw is from one of these, each as probable.
    spaces: Vec<BTreeMap<String, ParamDistribution>>,
}

impl ParamSampler {
    /// So many draws by this seed.
    pub fn new(n_iter: usize, seed: u64) -> Self {
        ParamSampler { draws: n_iter, seed, spaces: vec![BTreeMap::new()] }
    }

    /// The values of a parameter are drawn from a list.
    #[must_use]
    pub fn choice<V, K: ParamKey<V>>(self, key: K, values: impl IntoIterator<Item = V>) -> Self {
        let values = values.into_iter().map(|value| key.value(value)).collect();
        self.drawn(key.name(), ParamDistribution::Choice(values))
    }

    /// The values of a parameter are drawn from the numbers from `from` to below `to`.
    #[must_use]
    pub fn uniform<K: ParamKey<f64>>(self, key: K, from: f64, to: f64) -> Self {
        self.drawn(key.name(), ParamDistribution::Uniform(from, to))
    }

    /// The values of a parameter are drawn from the numbers from `from` to below `to`, both above 0, so that their
    /// logarithms are uniform.
    #[must_use]
    pub fn log_uniform<K: ParamKey<f64>>(self, key: K, from: f64, to: f64) -> Self {
        self.drawn(key.name(), ParamDistribution::LogUniform(from, to))
    }

    /// The values of a parameter are drawn from the whole numbers from `from` to `to`, both among them.
    #[must_use]
    pub fn int_range<K: ParamKey<usize>>(self, key: K, from: usize, to: usize) -> Self {
        let bound = |bound: usize| i64::try_from(bound).unwrap_or(i64::MAX);
        self.drawn(key.name(), ParamDistribution::IntRange(bound(from), bound(to)))
    }

    fn drawn(mut self, name: String, distribution: ParamDistribution) -> Self {
        if let Some(space) = self.spaces.last_mut() {
            space.insert(name, distribution);
        }
        self
    }

    /// Draws are from these parameters or from those of another sampler, whose number of draws and seed are not looked
    /// at.
    #[must_use]
    pub fn or(mut self, other: ParamSampler) -> Self {
        self.spaces.extend(other.spaces);
        self
    }

    /// The candidates, in the order of the draws.
    ///
    /// # Errors
    /// `Invalid` for no draws, and for a parameter without values.
    pub fn candidates(&self) -> Result<Vec<Params>> {
        if self.draws == 0 {
            return Err(Error::invalid("no candidate is drawn").help("give an n_iter of 1 or more"));
        }
        for (name, distribution) in self.spaces.iter().flatten() {
            distribution.check().map_err(|e| e.doing(format!("draw `{name}`")))?;
        }
        match self.lists() {
            Some(lists) => self.without_replacement(&lists),
            None => Ok((0..self.draws as u64).map(|draw| self.draw(draw)).collect()),
        }
    }

    /// The lists of all parameters, if they have lists.
    fn lists(&self) -> Option<Vec<Lists<'_>>> {
        self.spaces.iter().map(|space| space.iter().map(|(name, d)| Some((name, d.list()?))).collect()).collect()
    }

    fn without_replacement(&self, lists: &[Lists<'_>]) -> Result<Vec<Params>> {
        let sizes = lists.iter().map(|lists| combinations(lists)).collect::<Result<Vec<_>>>()?;
        let all = sizes.iter().try_fold(0_u64, |all, size| all.checked_add(*size));
        let all = all.ok_or_else(|| Error::invalid("there are more candidates than can be counted"))?;
        if all < self.draws as u64 {
            tracing::warn!("{} draws from {all} candidates: each is drawn once", self.draws);
        }
        let shuffle = Permutation::new(self.seed, all);
        let at = |draw: u64| {
            let mut place = shuffle.at(draw);
            let mut of = 0;
            while place >= sizes[of] {
                place -= sizes[of];
                of += 1;
            }
            combination(&lists[of], place)
        };
        Ok((0..all.min(self.draws as u64)).map(at).collect())
    }

    fn draw(&self, draw: u64) -> Params {
        let key = mixed(mixed(self.seed, 1), draw);
        let space = &self.spaces[below(mixed(key, 0), self.spaces.len() as u64) as usize];
        let values = space.iter().zip(1..).map(|((name, d), place)| (name.clone(), d.draw(mixed(key, place))));
        values.collect()
    }
}

impl Candidates for ParamSampler {
    fn candidates(&self) -> Result<Vec<Params>> {
        ParamSampler::candidates(self)
    }
}

/// A number below n from a draw of 64 bits.
fn below(draw: u64, n: u64) -> u64 {
    ((u128::from(draw) * u128::from(n)) >> 64) as u64
}

impl ParamDistribution {
    fn list(&self) -> Option<&[ParamValue]> {
        if let ParamDistribution::Choice(values) = self { Some(values) } else { None }
    }

    fn check(&self) -> Result<()> {
        let unfit = |what: String| Err(Error::invalid(what));
        match self {
            ParamDistribution::Choice(values) if values.is_empty() => unfit("there are no values to try".into()),
            ParamDistribution::Uniform(from, to) | ParamDistribution::LogUniform(from, to)
                if !(from.is_finite() && to.is_finite() && from <= to) =>
            {
                unfit(format!("there are no numbers from {from} to {to}"))
            }
            ParamDistribution::LogUniform(from, _) if *from <= 0.0 => {
                unfit(format!("{from} has no logarithm: log-uniform numbers are above 0"))
            }
            ParamDistribution::IntRange(from, to) if from > to => {
                unfit(format!("there are no whole numbers from {from} to {to}"))
            }
            _ => Ok(()),
        }
    }

    /// The value of a draw of 64 bits.
    fn draw(&self, draw: u64) -> ParamValue {
        let unit = (draw >> 11) as f64 / (1_u64 << 53) as f64;
        let within = |value: f64, from: f64, to: f64| ParamValue::Float(value.clamp(from, to));
        match self {
            ParamDistribution::Choice(values) => values[below(draw, values.len() as u64) as usize].to_owned(),
            ParamDistribution::Uniform(from, to) => within(from + (to - from) * unit, *from, *to),
            ParamDistribution::LogUniform(from, to) => {
                within((from.ln() + (to.ln() - from.ln()) * unit).exp(), *from, *to)
            }
            ParamDistribution::IntRange(from, to) => match to.abs_diff(*from).checked_add(1) {
                Some(values) => ParamValue::Int(from.wrapping_add_unsigned(below(draw, values))),
                None => ParamValue::Int(draw as i64),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ml::select::grid::shown;
    use crate::ml::{LogisticRegression, ParamGrid};

    fn shown_all(sampler: &ParamSampler) -> Vec<String> {
        sampler.candidates().unwrap().iter().map(shown).collect()
    }

    #[test]
    fn lists_are_drawn_without_replacement() {
        let lists = |draws, seed| {
            let other = ParamSampler::new(9, 9).choice("clf__tol", [0.1]);
            ParamSampler::new(draws, seed)
                .choice("clf__C", [1.0, 2.0, 3.0])
                .choice("s__with_mean", [true, false])
                .or(other)
        };
        let grid = ParamGrid::new().values("clf__C", [1.0, 2.0, 3.0]).values("s__with_mean", [true, false]);
        let grid = grid.or(ParamGrid::new().values("clf__tol", [0.1]));
        let mut all: Vec<String> = grid.candidates().unwrap().iter().map(shown).collect();
        let mut drawn = shown_all(&lists(100, 1));
        assert_ne!(drawn, all);
        assert_eq!(drawn[..4], shown_all(&lists(4, 1)));
        all.sort();
        drawn.sort();
        assert_eq!(drawn, all);
    }

    #[test]
    fn distributions_keep_their_bounds() {
        let sampler = |seed| {
            ParamSampler::new(500, seed)
                .log_uniform(LogisticRegression::C.of("clf"), 1e-3, 1e3)
                .uniform(LogisticRegression::L1_RATIO.of("clf"), 0.25, 0.75)
                .int_range(LogisticRegression::MAX_ITER.of("clf"), 5, 7)
        };
        let drawn = sampler(3).candidates().unwrap();
        assert_eq!(drawn, sampler(3).candidates().unwrap());
        assert_ne!(drawn, sampler(4).candidates().unwrap());
        let float =
            |name: &str| -> Vec<f64> { drawn.iter().map(|params| params[name].to_string().parse().unwrap()).collect() };
        let (c, ratio, steps) = (float("clf__C"), float("clf__l1_ratio"), float("clf__max_iter"));
        assert!(c.iter().all(|c| (1e-3..=1e3).contains(c)) && ratio.iter().all(|r| (0.25..=0.75).contains(r)));
        let small = c.iter().filter(|c| **c < 1.0).count();
        assert!((200..300).contains(&small), "{small}");
        assert_eq!([4.0, 5.0, 6.0, 7.0, 8.0].map(|n| steps.contains(&n)), [false, true, true, true, false]);
        let mean = ratio.iter().sum::<f64>() / 500.0;
        assert!((mean - 0.5).abs() < 0.04, "{mean}");
    }

    #[test]
    fn what_cannot_be_drawn_is_named() {
        let text = |sampler: ParamSampler| sampler.candidates().unwrap_err().to_string();
        assert!(text(ParamSampler::new(0, 1)).contains("no candidate is drawn"));
        assert!(text(ParamSampler::new(1, 1).choice("a__b", Vec::<f64>::new())).contains("draw `a__b`"));
        assert!(text(ParamSampler::new(1, 1).log_uniform("a__b", 0.0, 1.0)).contains("above 0"));
        assert!(text(ParamSampler::new(1, 1).uniform("a__b", 1.0, 0.0)).contains("from 1 to 0"));
        assert!(text(ParamSampler::new(1, 1).int_range("a__b", 2, 1)).contains("from 2 to 1"));
    }
}
