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
/// `Model` for no rows, more than two labels, or one that is none.
pub(super) fn positives<T: Label>(truth: &[T]) -> Result<Vec<bool>> {
    let (classes, numbers) = T::encode(truth.iter())?;
    let positive = positive_class(&classes)?;
    Ok(numbers.into_iter().map(|class| Some(class) == positive).collect())
}

/// The number of the positive class; `None` if it does not occur.
pub(super) fn positive_class(classes: &Classes) -> Result<Option<u32>> {
    if classes.is_empty() {
        return Err(Error::model("there are no rows").doing("score"));
    }
    if classes.len() > 2 {
        return Err(Error::model(format!("there are {} classes, {classes}, and two are needed", classes.len()))
            .doing("score")
            .help("score one class against the others"));
    }
    let alone = match classes {
        Classes::Bool(labels) => labels == &[true],
        Classes::Int(labels) => labels == &[1],
        Classes::Float(labels) => labels == &[1.0],
        Classes::Text(_) => false,
    };
    Ok((classes.len() == 2).then_some(1).or(alone.then_some(0)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_greater_label_is_positive() {
        assert_eq!(positives(&[-1_i64, 1, 1]).unwrap(), [false, true, true]);
        assert_eq!(positives(&[1.0, 1.0]).unwrap(), [true, true]);
        assert_eq!(positives(&[false]).unwrap(), [false]);
        assert_eq!(positives(&["no".to_string()]).unwrap(), [false]);
        assert!(positives(&[1_i64, 2, 3]).unwrap_err().to_string().contains("3 classes, 1, 2, 3"));
        assert!(positives::<bool>(&[]).unwrap_err().to_string().contains("no rows"));
        assert!(numbers(&[1_i64], &[]).is_err());
    }
}
