//! Elements of a list.

use super::super::chunked::Array;
use super::super::chunks::ChunkSpec;
use super::super::create::from_ndarray;
use super::super::element::Element;
use super::draws::{Distribution, Draws, drawn, unit};
use super::integers::below;
use super::permutation::order;
use crate::base::{Error, Identity, Result, Tokenizer};

struct Choice<T> {
    items: Vec<T>,
    /// The probability of each item and those before it; empty: all are equally likely.
    up_to: Vec<f64>,
}

impl<T: Element> Identity for Choice<T> {
    fn token(&self, t: &mut Tokenizer) {
        t.list(&self.items, |t, item| t.u64(item.bits()));
        t.list(&self.up_to, |t, p| t.f64(*p));
    }
}

impl<T: Element> Distribution<T> for Choice<T> {
    const NAME: &'static str = "choice";

    fn draw(&self, draws: Draws) -> T {
        let number = match self.up_to.is_empty() {
            true => below(draws.first(), self.items.len() as u64) as usize,
            false => {
                let at = unit(draws.first());
                self.up_to.partition_point(|&up_to| up_to <= at).min(self.items.len() - 1)
            }
        };
        self.items[number]
    }
}

/// Elements of a list, all equally likely, as often as it comes (numpy's `choice`). Which one depends on the seed and the
/// place in the array alone.
///
/// ```
/// use partita::array::random::choice;
/// let dice = choice(7, &[1i64, 2, 3, 4, 5, 6], [1000], "auto")?;
/// assert!((dice.mean()?.item()? - 3.5).abs() < 0.2);
/// # Ok::<(), partita::Error>(())
/// ```
///
/// # Errors
/// `Invalid` for an empty list, and when the chunks do not fit the shape.
pub fn choice<T: Element>(
    seed: u64,
    items: &[T],
    shape: impl AsRef<[usize]>,
    chunks: impl Into<ChunkSpec>,
) -> Result<Array<T>> {
    if items.is_empty() {
        return Err(Error::invalid("there is nothing to choose from"));
    }
    drawn(Choice { items: items.to_vec(), up_to: Vec::new() }, seed, shape, chunks)
}

/// Elements of a list, each with its probability, as often as it comes (numpy's `choice` with `p`).
///
/// # Errors
/// `Invalid` when there are not as many probabilities as elements, when one is negative or no number, when they do not add up
/// to 1, and when the chunks do not fit the shape.
pub fn choice_by<T: Element>(
    seed: u64,
    items: &[T],
    probabilities: &[f64],
    shape: impl AsRef<[usize]>,
    chunks: impl Into<ChunkSpec>,
) -> Result<Array<T>> {
    let fail = |what: String| Err(Error::invalid(what).doing("choose"));
    if items.is_empty() || items.len() != probabilities.len() {
        return fail(format!("there are {} probabilities for {} elements", probabilities.len(), items.len()));
    }
    if let Some(wrong) = probabilities.iter().find(|p| p.is_nan() || **p < 0.0) {
        return fail(format!("probabilities are not negative: {wrong}"));
    }
    let sum: f64 = probabilities.iter().sum();
    if (sum - 1.0).abs() > 1e-8 {
        return fail(format!("probabilities do not sum to 1, but to {sum}"));
    }
    let up_to = probabilities.iter().scan(0.0, |up_to, p| {
        *up_to += p;
        Some(*up_to / sum)
    });
    drawn(Choice { items: items.to_vec(), up_to: up_to.collect() }, seed, shape, chunks)
}

/// So many elements of a list, none twice, in any order (numpy's `choice` with `replace=False`).
///
/// # Errors
/// `Invalid` when there are fewer, and when the chunks do not fit.
pub fn choice_without<T: Element>(
    seed: u64,
    items: &[T],
    count: usize,
    chunks: impl Into<ChunkSpec>,
) -> Result<Array<T>> {
    if count > items.len() {
        let what = format!("cannot take {count} of {} elements, none twice", items.len());
        return Err(Error::invalid(what).doing("choose"));
    }
    let order = order(seed, items.len() as u64);
    let chosen: Vec<T> = (0..count as u64).map(|at| items[order.at(at) as usize]).collect();
    from_ndarray(ndarray::Array1::from_vec(chosen), chunks)
}
