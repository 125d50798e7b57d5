//! The candidates of a search.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::base::{Error, Result};
use crate::ml::pipeline::{ParamKey, ParamValue};

/// The parameters of a candidate, by their names as `clf__l1_ratio`.
pub type Params = BTreeMap<String, ParamValue>;

/// Where the candidates of a search come from.
pub trait Candidates {
    /// The candidates, in their order.
    ///
    /// # Errors
    /// `Invalid` for a parameter without values.
    fn candidates(&self) -> Result<Vec<Params>>;
}

/// Parameters and the values to try for each: every combination is a candidate.
///
/// ```
/// use partita::ml::{LogisticRegression, ParamGrid};
/// let grid = ParamGrid::new()
///     .values(LogisticRegression::L1_RATIO.of("clf"), [0.2, 0.5])
///     .values("clf__C", [1.0, 10.0]);
/// let candidates = grid.candidates()?;
/// assert_eq!(candidates.len(), 4);
/// assert_eq!(format!("{:?}", candidates[1]), r#"{"clf__C": 1.0, "clf__l1_ratio": 0.5}"#);
/// # Ok::<(), partita::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ParamGrid {
    /// Grids whose candidates follow each other.
    grids: Vec<BTreeMap<String, Vec<ParamValue>>>,
}

impl Default for ParamGrid {
    fn default() -> Self {
        ParamGrid { grids: vec![BTreeMap::new()] }
    }
}

impl ParamGrid {
    /// No parameters: the one candidate is the pipeline as it is.
    pub fn new() -> Self {
        ParamGrid::default()
    }

    /// Values to try for a parameter, named by type or by text. Values given before for it are replaced.
    #[must_use]
    pub fn values<V, K: ParamKey<V>>(mut self, key: K, values: impl IntoIterator<Item = V>) -> Self {
        let of_key = values.into_iter().map(|value| key.value(value)).collect();
        if let Some(grid) = self.grids.last_mut() {
            grid.insert(key.name(), of_key);
        }
        self
    }

    /// The candidates of this grid, then those of another: scikit-learn's list of grids.
    #[must_use]
    pub fn or(mut self, other: ParamGrid) -> Self {
        self.grids.extend(other.grids);
        self
    }

    /// The names of the parameters, sorted.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.grids.iter().flat_map(BTreeMap::keys).map(String::as_str).collect::<BTreeSet<_>>().into_iter()
    }

    /// All combinations in scikit-learn's order: parameters sorted by name, the last changes fastest.
    ///
    /// # Errors
    /// `Invalid` for a parameter without values.
    pub fn candidates(&self) -> Result<Vec<Params>> {
        let of_grid = self.grids.iter().map(|grid| {
            let grid: Lists<'_> = grid.iter().map(|(name, v)| (name, v.as_slice())).collect();
            Ok((0..combinations(&grid)?).map(|place| combination(&grid, place)).collect::<Vec<_>>())
        });
        Ok(of_grid.collect::<Result<Vec<_>>>()?.concat())
    }
}

impl Candidates for ParamGrid {
    fn candidates(&self) -> Result<Vec<Params>> {
        ParamGrid::candidates(self)
    }
}

/// Parameters and the values of each.
pub(super) type Lists<'a> = Vec<(&'a String, &'a [ParamValue])>;

/// How many combinations of values there are.
///
/// # Errors
/// `Invalid` for a parameter without values, or for more combinations than can be counted.
pub(super) fn combinations(grid: &[(&String, &[ParamValue])]) -> Result<u64> {
    grid.iter().try_fold(1_u64, |all, (name, values)| match values.len() {
        0 => Err(Error::invalid(format!("there are no values to try for `{name}`"))),
        n => all.checked_mul(n as u64).ok_or_else(|| Error::invalid("there are more candidates than can be counted")),
    })
}

/// The combination at a place: the last parameter changes fastest.
pub(super) fn combination(grid: &[(&String, &[ParamValue])], mut place: u64) -> Params {
    let mut candidate = Params::new();
    for (name, values) in grid.iter().rev() {
        let n = values.len() as u64;
        let value = values.get((place % n) as usize).cloned();
        candidate.extend(value.map(|value| (name.to_string(), value)));
        place /= n;
    }
    candidate
}

/// Parameters as text: `clf__C=1.0, clf__l1_ratio=0.5`.
pub(crate) fn shown(params: &Params) -> String {
    params.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ml::{LogisticRegression, StandardScaler};

    #[test]
    fn the_last_name_changes_fastest() {
        let grid = ParamGrid::new()
            .values(LogisticRegression::MAX_ITER.of("clf"), [5, 6])
            .values("clf__C", [1.0, 2.0])
            .values(StandardScaler::WITH_MEAN.of("scale"), [true]);
        let shown: Vec<String> = grid.candidates().unwrap().iter().map(shown).collect();
        assert_eq!(shown[1], "clf__C=1.0, clf__max_iter=6, scale__with_mean=true");
        assert_eq!(shown[2], "clf__C=2.0, clf__max_iter=5, scale__with_mean=true");
        assert_eq!(ParamGrid::new().candidates().unwrap(), [Params::new()]);
        let list = ParamGrid::new().values("clf__C", [1.0, 2.0]).or(ParamGrid::new().values("clf__tol", [0.1]));
        let shown: Vec<String> = list.candidates().unwrap().iter().map(super::shown).collect();
        assert_eq!(shown, ["clf__C=1.0", "clf__C=2.0", "clf__tol=0.1"]);
        assert_eq!(list.names().collect::<Vec<_>>(), ["clf__C", "clf__tol"]);
        let none = ParamGrid::new().values("clf__C", Vec::<f64>::new());
        assert!(none.candidates().unwrap_err().to_string().contains("`clf__C`"));
    }
}
