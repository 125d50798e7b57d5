//! Sums of floating numbers that keep what is rounded off.

/// A sum and what was rounded off so far (Knuth's TwoSum; Ogita, Rump & Oishi 2005).
#[derive(Clone, Copy, Debug, Default)]
pub struct Compensated {
    pub(in crate::array) sum: f64,
    pub(in crate::array) lost: f64,
}

impl Compensated {
    /// Takes in a number.
    #[inline]
    pub fn add(&mut self, value: f64) {
        let sum = self.sum + value;
        let own = sum - value;
        self.lost += (self.sum - own) + (value - (sum - own));
        self.sum = sum;
    }

    /// Takes in another sum.
    #[inline]
    pub fn merge(&mut self, other: &Compensated) {
        self.add(other.sum);
        self.lost += other.lost;
    }

    /// The sum.
    #[inline]
    pub fn value(&self) -> f64 {
        // where the sum is not finite, what was lost is no number
        if self.sum.is_finite() { self.sum + self.lost } else { self.sum }
    }
}

/// So many elements are added up without keeping what is rounded off.
const SHORT: usize = 128;

/// The sum of a row, in an order that never changes.
#[inline]
pub(super) fn row_sum<T: Copy>(values: &[T], as_f64: impl Fn(T) -> f64) -> f64 {
    if values.len() <= SHORT {
        return short_sum(values, as_f64);
    }
    let mut sum = Compensated::default();
    values.chunks(SHORT).for_each(|some| sum.add(short_sum(some, &as_f64)));
    sum.value()
}

/// In eight lanes.
#[inline]
fn short_sum<T: Copy>(values: &[T], as_f64: impl Fn(T) -> f64) -> f64 {
    let mut lanes = [0.0; 8];
    let (eights, rest) = values.as_chunks::<8>();
    for eight in eights {
        for (lane, &value) in lanes.iter_mut().zip(eight) {
            *lane += as_f64(value);
        }
    }
    let rest: f64 = rest.iter().map(|&value| as_f64(value)).sum();
    ((lanes[0] + lanes[4]) + (lanes[1] + lanes[5])) + ((lanes[2] + lanes[6]) + (lanes[3] + lanes[7])) + rest
}
