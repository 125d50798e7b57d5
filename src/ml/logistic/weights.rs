//! What rows weigh in a fit: their own weights, and factors for their classes.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::base::{Error, Result};
use crate::ml::classes::{Classes, Label};
use crate::ml::estimator::Facts;
use crate::ml::pipeline::ParamValue;
use crate::ml::pipeline::param::FromParam;

/// Factors for the weights of the rows of each class, as scikit-learn's `class_weight`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub enum ClassWeight {
    /// 1 for every class.
    #[default]
    None,
    /// n / (k·nᵢ) for class i of k, where nᵢ is the weight of its rows and n that of all: all classes weigh the same.
    /// scikit-learn counts the rows for it and leaves their weights aside; without weights of rows both are the same.
    Balanced,
    /// A factor, finite and not below 0, for each of these classes by the text of its label, and 1 for all others.
    Map(BTreeMap<String, f64>),
}

impl ClassWeight {
    /// A factor for each of these labels.
    ///
    /// ```
    /// use partita::ml::{ClassWeight, LogisticRegression};
    /// let rare = LogisticRegression::new().class_weight(ClassWeight::of([(true, 10.0)]));
    /// ```
    pub fn of<L: Label>(factors: impl IntoIterator<Item = (L, f64)>) -> Self {
        let named = |label: &L| match L::encode([label].into_iter()) {
            Ok((classes, _)) => classes.to_string(),
            Err(_) => "NaN".to_string(),
        };
        ClassWeight::Map(factors.into_iter().map(|(label, factor)| (named(&label), factor)).collect())
    }

    /// What is wrong with it, whatever the classes.
    pub(crate) fn check(&self) -> Result<()> {
        let ClassWeight::Map(factors) = self else { return Ok(()) };
        match factors.iter().find(|(_, factor)| !(**factor >= 0.0 && factor.is_finite())) {
            Some((class, factor)) => {
                Err(Error::invalid(format!("the weight of class {class} is {factor}, and has to be 0 or more")))
            }
            None => Ok(()),
        }
    }

    /// The factor of each class, where `totals` is the weight of its rows; `None` if all are 1.
    fn factors(&self, classes: &Classes, totals: &[f64]) -> Result<Option<Vec<f64>>> {
        match self {
            ClassWeight::None => Ok(None),
            ClassWeight::Balanced => {
                let all: f64 = totals.iter().sum();
                Ok(Some(totals.iter().map(|total| all / (totals.len() as f64 * total)).collect()))
            }
            ClassWeight::Map(factors) => {
                let labels = classes.labels();
                if let Some(unknown) = factors.keys().find(|class| !labels.contains(class)) {
                    return Err(Error::model(format!("a weight is given for the class {unknown}, which there is not"))
                        .help(format!("the classes are {classes}")));
                }
                Ok(Some(labels.iter().map(|label| factors.get(label).copied().unwrap_or(1.0)).collect()))
            }
        }
    }
}

impl From<ClassWeight> for ParamValue {
    /// `none`, `balanced`, or the factors as JSON.
    fn from(weight: ClassWeight) -> Self {
        match weight {
            ClassWeight::None => "none".into(),
            ClassWeight::Balanced => "balanced".into(),
            // text for keys and finite numbers: what else there is, is refused anyway
            ClassWeight::Map(factors) => serde_json::to_string(&factors).unwrap_or_default().into(),
        }
    }
}

impl FromParam for ClassWeight {
    fn from_param(value: &ParamValue) -> Result<ClassWeight> {
        let ParamValue::Text(text) = value else { return Err(value.is_no("word")) };
        match text.as_str() {
            "none" => Ok(ClassWeight::None),
            "balanced" => Ok(ClassWeight::Balanced),
            factors => serde_json::from_str(factors).map(ClassWeight::Map).map_err(|_| {
                value.is_no("weight of classes").help("it is none, balanced, or a ClassWeight with factors for labels")
            }),
        }
    }
}

/// What the rows of each class weigh.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct ClassTotals {
    /// Multiplies the weights of the rows of each class; `None` if all are 1.
    pub factors: Option<Vec<f64>>,
    /// The weight of the rows of each class, its factor included.
    pub totals: Vec<f64>,
}

impl ClassTotals {
    /// The totals of the rows of each class.
    ///
    /// # Errors
    /// `Model` if a class has no rows that weigh anything, or a factor is given for a class that there is not.
    pub fn of(class_weight: &ClassWeight, facts: &Facts) -> Result<Self> {
        let (classes, mut totals) = (&facts.classes, facts.class_weight.clone());
        let factors = class_weight.factors(classes, &totals)?;
        totals.iter_mut().zip(factors.iter().flatten()).for_each(|(total, factor)| *total *= factor);
        let there: Vec<usize> = (0..totals.len()).filter(|class| totals[*class] > 0.0).collect();
        if there.len() == totals.len() {
            return Ok(ClassTotals { factors, totals });
        }
        let weighted = facts.weight != facts.rows as f64 || factors.is_some();
        let rows = if weighted { "rows that weigh anything" } else { "rows" };
        Err(Error::model(match there[..] {
            [only] => {
                format!("all {} {rows} are of the class {}, and none of another", facts.rows, classes.labels()[only])
            }
            _ => format!("{} of the {} classes {classes} have no {rows}", totals.len() - there.len(), totals.len()),
        }))
    }

    /// The weight of each row, the factor of its class included; `None` if all are 1.
    pub fn row_weights(&self, y: &[u32], weights: Option<&[f64]>) -> Option<Vec<f64>> {
        let factor = |class: &u32| self.factors.as_ref().map_or(1.0, |factors| factors[*class as usize]);
        match weights {
            Some(weights) => Some(y.iter().zip(weights).map(|(class, weight)| weight * factor(class)).collect()),
            None => self.factors.is_some().then(|| y.iter().map(factor).collect()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ml::design::Design;
    use crate::ml::estimator::Labels;

    fn totals(class_weight: &ClassWeight, weights: Option<&[f64]>) -> Result<ClassTotals> {
        let rows = Design::with_rows(4);
        let rows = weights.map_or(Ok(rows.clone()), |weights| rows.weights(weights.to_vec()))?;
        let facts = Facts::of_design(&rows, Labels::Classes(&[0, 1, 0, 0]), &Classes::Bool(vec![false, true]));
        ClassTotals::of(class_weight, &facts)
    }

    #[test]
    fn balanced_classes_weigh_the_same() {
        let plain = totals(&ClassWeight::Balanced, None).unwrap();
        assert_eq!(plain.factors, Some(vec![4.0 / 6.0, 2.0]));
        let weighted = totals(&ClassWeight::Balanced, Some(&[1.0, 0.5, 1.0, 0.0])).unwrap();
        assert_eq!(weighted.factors, Some(vec![2.5 / 4.0, 2.5]));
        assert!((weighted.totals[0] - weighted.totals[1]).abs() < 1e-15);
        assert_eq!(totals(&ClassWeight::None, None).unwrap().totals, [3.0, 1.0]);
    }

    #[test]
    fn factors_are_given_by_label() {
        let heavy = ClassWeight::of([(true, 3.0)]);
        assert_eq!(
            totals(&heavy, None).unwrap(),
            ClassTotals { factors: Some(vec![1.0, 3.0]), totals: vec![3.0, 3.0] }
        );
        let text = totals(&ClassWeight::of([(1.5, 3.0)]), None).unwrap_err().to_string();
        assert!(text.contains("the class 1.5") && text.contains("false, true"), "{text}");
        assert!(ClassWeight::of([(true, -1.0)]).check().unwrap_err().to_string().contains("class true is -1"));
    }

    #[test]
    fn a_class_without_weight_is_an_error() {
        let text = totals(&ClassWeight::Balanced, Some(&[1.0, 0.0, 1.0, 1.0])).unwrap_err().to_string();
        assert!(text.contains("that weigh anything are of the class false"), "{text}");
        let text = totals(&ClassWeight::of([(false, 0.0), (true, 0.0)]), None).unwrap_err().to_string();
        assert!(text.contains("2 of the 2 classes"), "{text}");
    }
}
