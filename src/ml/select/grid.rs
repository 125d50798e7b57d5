//! The candidates of a search.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::base::{Error, Result};
use crate::ml::pipeline::{ParamKey, ParamValue};

/// The parameters of a candidate, by their names as `clf__l1_ratio`.
pub type Params = BTreeMap<String, ParamValue>;

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
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ParamGrid {
    values: BTreeMap<String, Vec<ParamValue>>,
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
        self.values.insert(key.name(), of_key);
        self
    }

    /// The names of the parameters, sorted.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.values.keys().map(String::as_str)
    }

    /// All combinations in scikit-learn's order: parameters sorted by name, the last changes fastest.
    ///
    /// # Errors
    /// `Invalid` for a parameter without values.
    pub fn candidates(&self) -> Result<Vec<Params>> {
        let mut candidates = vec![Params::new()];
        for (name, values) in &self.values {
            if values.is_empty() {
                return Err(Error::invalid(format!("there are no values to try for `{name}`")));
            }
            candidates = candidates
                .iter()
                .flat_map(|so_far| {
                    values.iter().map(|value| {
                        let mut candidate = so_far.clone();
                        candidate.insert(name.clone(), value.clone());
                        candidate
                    })
                })
                .collect();
        }
        Ok(candidates)
    }
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
        let none = ParamGrid::new().values("clf__C", Vec::<f64>::new());
        assert!(none.candidates().unwrap_err().to_string().contains("`clf__C`"));
    }
}
