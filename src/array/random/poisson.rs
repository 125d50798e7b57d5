//! Numbers of events.

use super::super::chunked::Array;
use super::super::chunks::ChunkSpec;
use super::draws::{Distribution, Draws, drawn, open_unit, unit};
use crate::base::{Error, Identity, Result, Tokenizer};

struct Poisson {
    rate: f64,
}

impl Identity for Poisson {
    fn token(&self, t: &mut Tokenizer) {
        t.f64(self.rate);
    }
}

/// From this rate on, numbers are tried and refused instead of added up.
const LARGE: f64 = 10.0;

impl Distribution<i64> for Poisson {
    const NAME: &'static str = "poisson";

    fn draw(&self, draws: Draws) -> i64 {
        if self.rate >= LARGE { refused(self.rate, draws) } else { added(self.rate, draws) }
    }
}

/// The smallest number up to which there is more probability than was drawn.
fn added(rate: f64, draws: Draws) -> i64 {
    let at = unit(draws.first());
    let (mut number, mut likely) = (0, (-rate).exp());
    let mut up_to = likely;
    while at >= up_to && number < 200 {
        number += 1;
        likely *= rate / number as f64;
        up_to += likely;
    }
    number
}

/// Transformed rejection (Hörmann 1993, PTRS): one try in about 1.1 holds.
fn refused(rate: f64, draws: Draws) -> i64 {
    let b = 0.931 + 2.53 * rate.sqrt();
    let a = -0.059 + 0.024_83 * b;
    let inverse = 1.1239 + 1.1328 / (b - 3.4);
    let sure = 0.9277 - 3.6224 / (b - 2.0);
    let log_rate = rate.ln();
    for attempt in 0.. {
        let u = unit(draws.word(2 * attempt)) - 0.5;
        let v = open_unit(draws.word(2 * attempt + 1));
        let s = 0.5 - u.abs();
        let number = ((2.0 * a / s + b) * u + rate + 0.43).floor();
        if s >= 0.07 && v <= sure {
            return number as i64;
        }
        if number < 0.0 || (s < 0.013 && v > s) {
            continue;
        }
        let height = v.ln() + inverse.ln() - (a / (s * s) + b).ln();
        if height <= number * log_rate - rate - log_factorial(number) {
            return number as i64;
        }
    }
    0
}

/// ln(n!), by Stirling's series from 10 on.
fn log_factorial(n: f64) -> f64 {
    if n < 10.0 {
        return (2..=n as u64).map(|i| i as f64).product::<f64>().ln();
    }
    let x = n + 1.0;
    let x2 = x * x;
    let series = (1.0 / 12.0 - (1.0 / 360.0 - 1.0 / (1260.0 * x2)) / x2) / x;
    (x - 0.5) * x.ln() - x + 0.918_938_533_204_672_8 + series
}

/// How many events happen where `rate` happen on average (numpy's `poisson`). A number depends on the seed and its place in the
/// array alone.
///
/// # Errors
/// `Invalid` for a rate that is negative, no number or larger than 2⁵³, and when the chunks do not fit the shape.
pub fn poisson(seed: u64, rate: f64, shape: impl AsRef<[usize]>, chunks: impl Into<ChunkSpec>) -> Result<Array<i64>> {
    if !(0.0..=9e15).contains(&rate) {
        return Err(Error::invalid(format!("lam < 0 or too large: {rate}")).doing("draw poisson numbers"));
    }
    drawn(Poisson { rate }, seed, shape, chunks)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn factorials() {
        let exact: f64 = (2..=30).map(|i| f64::from(i).ln()).sum();
        assert!((log_factorial(30.0) - exact).abs() < 1e-12);
        assert_eq!(log_factorial(1.0), 0.0);
    }

    #[test]
    fn chances_are_those_of_the_distribution() {
        for rate in [0.3, 4.0, 9.9, 10.0, 35.0, 400.0] {
            let many = 40_000u64;
            let drawn: Vec<i64> = (0..many).map(|i| Poisson { rate }.draw(Draws::at(3, i))).collect();
            let n = many as f64;
            let mean = drawn.iter().sum::<i64>() as f64 / n;
            let variance = drawn.iter().map(|&x| (x as f64 - mean).powi(2)).sum::<f64>() / n;
            assert!((mean - rate).abs() < 4.0 * (rate / n).sqrt(), "{rate}: {mean}");
            assert!((variance / rate - 1.0).abs() < 4.0 * ((2.0 + 1.0 / rate) / n).sqrt(), "{rate}: {variance}");
            // the distribution functions are near everywhere (Kolmogorov and Smirnov, conservative for whole numbers)
            let (mut up_to, mut likely) = (0.0, (-rate).exp());
            for k in 0..(rate * 2.0) as i64 + 10 {
                if k > 0 {
                    likely *= rate / k as f64;
                }
                up_to += likely;
                let seen = drawn.iter().filter(|&&x| x <= k).count() as f64 / n;
                assert!((seen - up_to).abs() < 1.95 / n.sqrt(), "{rate} at {k}: {seen} {up_to}");
            }
        }
    }
}
