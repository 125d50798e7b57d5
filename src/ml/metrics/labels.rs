//! Labels as class numbers.

use crate::base::{Error, Result};
use crate::ml::classes::{Classes, Label};

/// The classes among true and predicted labels, and the number of each row's.
///
/// # Errors
/// `Model` for a label that is none, as NaN, or if there are not as many of both.
pub(super) fn numbers<T: Label>(truth: &[T], predicted: &[T]) -> Result<(Classes, Vec<u32>, Vec<u32>)> {
    super::sums::expect_rows(truth.len(), predicted.len(), None)?;
    let (classes, mut truth_numbers) = T::encode(truth.iter().chain(predicted))?;
    let predicted = truth_numbers.split_off(truth.len());
    Ok((classes, truth_numbers, predicted))
}

/// The classes of two together, and the numbers that those of each have among them.
///
/// # Errors
/// `Model` for labels of different types.
pub(super) fn union(a: &Classes, b: &Classes) -> Result<(Classes, Vec<u32>, Vec<u32>)> {
    fn of<T: Label>(a: &[T], b: &[T]) -> Result<(Classes, Vec<u32>, Vec<u32>)> {
        let (classes, mut numbers) = T::encode(a.iter().chain(b))?;
        let of_b = numbers.split_off(a.len());
        Ok((classes, numbers, of_b))
    }
    match (a, b) {
        (Classes::Bool(a), Classes::Bool(b)) => of(a, b),
        (Classes::Int(a), Classes::Int(b)) => of(a, b),
        (Classes::Float(a), Classes::Float(b)) => of(a, b),
        (Classes::Text(a), Classes::Text(b)) => of(a, b),
        _ => Err(Error::model(format!("the classes are {a} here and {b} there"))),
    }
}

/// Whether the label of each row is the positive one: the greater of two. Of one alone, `true` and the number 1 are.
///
/// # Errors
/// `Model` for no rows, more than two labels, one that is none, or one alone that is neither a truth value nor 0, 1 or −1.
pub(super) fn positives<T: Label>(truth: &[T]) -> Result<Vec<bool>> {
    let (classes, numbers) = T::encode(truth.iter())?;
    let positive = positive_class(&classes, &Named::Not)?;
    Ok(numbers.into_iter().map(|class| Some(class) == positive).collect())
}

/// How the positive class was named.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) enum Named {
    /// It was not: it is the greater label of two.
    #[default]
    Not,
    /// By its number.
    Number(usize),
    /// By its label: classes of this one alone.
    Label(Classes),
}

/// The number of the positive class; `None` if it does not occur. The others, however many, are the negative ones if it
/// is named.
///
/// # Errors
/// `Model` for no rows; if none is named for more than two labels, or for one alone of which nobody can know whether it is
/// the positive one; `Invalid` for a name that is none, `TypeMismatch` for one of another type than the labels.
pub(super) fn positive_class(classes: &Classes, named: &Named) -> Result<Option<u32>> {
    let n = classes.len();
    match named {
        _ if n == 0 => Err(Error::model("there are no rows").doing("score")),
        Named::Number(number) if *number < n => Ok(Some(*number as u32)),
        Named::Number(number) => {
            let s = if n == 1 { "" } else { "es" };
            let what = format!("class number {number} is to be the positive one, of {n} class{s}: {classes}");
            Err(Error::invalid(what)
                .doing("score")
                .help("numbers count from 0; positive_label(..) takes the label itself"))
        }
        Named::Label(label) => of_label(classes, label),
        Named::Not if n > 2 => {
            Err(Error::model(format!("there are {n} classes, {classes}, and no positive one is named"))
                .doing("score")
                .help("name one, as metrics::on(..).positive(\"yes\"): all others are negative then"))
        }
        Named::Not => of_two(classes),
    }
}

/// The greater of two; one alone is known by what it means.
fn of_two(classes: &Classes) -> Result<Option<u32>> {
    let alone = match classes {
        _ if classes.len() == 2 => return Ok(Some(1)),
        Classes::Bool(labels) => Some(labels == &[true]),
        Classes::Int(labels) => [-1, 0, 1].contains(&labels[0]).then_some(labels[0] == 1),
        Classes::Float(labels) => [-1.0, 0.0, 1.0].contains(&labels[0]).then_some(labels[0] == 1.0),
        Classes::Text(_) => None,
    };
    let positive = alone.ok_or_else(|| {
        Error::model(format!("all labels are {classes}, and whether that is the positive class is not known"))
            .doing("score")
            .help(
                "name it, as metrics::on(..).positive(\"yes\") or matrix.positive_label(\"yes\"), or make the labels \
                 booleans",
            )
    });
    Ok(positive?.then_some(0))
}

/// As in scikit-learn a name has to be that of a label, unless there is but one: the rows may all be of another.
fn of_label(classes: &Classes, label: &Classes) -> Result<Option<u32>> {
    match classes.places_of(label) {
        Some(places) => match places.first().copied().flatten() {
            None if classes.len() > 1 => {
                Err(Error::invalid(format!("no row is of the class {label}, which is to be the positive one"))
                    .doing("score")
                    .help(format!("the classes are {classes}")))
            }
            place => Ok(place),
        },
        None => {
            let what = format!("the positive class is to be {label}, and the labels are {classes}");
            Err(Error::types(what).doing("score").help("name a label of the same type"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_greater_label_is_positive() {
        assert_eq!(positives(&[-1_i64, 1, 1]).unwrap(), [false, true, true]);
        assert_eq!(positives(&[1.0, 1.0]).unwrap(), [true, true]);
        assert_eq!(positives(&[false]).unwrap(), [false]);
        assert_eq!(positives(&[-1_i64]).unwrap(), [false]);
        assert!(positives(&[1_i64, 2, 3]).unwrap_err().to_string().contains("3 classes, 1, 2, 3"));
        assert!(positives::<bool>(&[]).unwrap_err().to_string().contains("no rows"));
        assert!(numbers(&[1_i64], &[]).is_err());
    }

    #[test]
    fn a_label_alone_has_to_be_named_unless_it_is_known() {
        let text = positives(&["yes".to_string()]).unwrap_err().to_string();
        assert!(text.contains("all labels are `yes`") && text.contains("positive(\"yes\")"), "{text}");
        assert!(positives(&[7_i64, 7]).is_err() && positives(&[0.5]).is_err());
    }

    #[test]
    fn a_name_is_that_of_a_label() {
        let classes = Classes::Text(vec!["no".into(), "yes".into()]);
        let named = |label: &str| positive_class(&classes, &Named::Label(Classes::Text(vec![label.into()])));
        assert_eq!((named("no").unwrap(), named("yes").unwrap()), (Some(0), Some(1)));
        assert!(named("yess").unwrap_err().to_string().contains("the classes are `no`, `yes`"));
        let one = |label: Classes| positive_class(&Classes::Int(vec![3]), &Named::Label(label));
        assert_eq!(one(Classes::Float(vec![3.0])).unwrap(), Some(0));
        assert_eq!(one(Classes::Int(vec![4])).unwrap(), None);
        assert!(one(Classes::Text(vec!["3".into()])).unwrap_err().to_string().contains("same type"));
        let text = positive_class(&classes, &Named::Number(7)).unwrap_err().to_string();
        assert!(text.contains("class number 7") && text.contains("of 2 classes: `no`, `yes`"), "{text}");
    }
}
