//! Exact sums of whole numbers for groups: words that wrap, and the carries of the few groups whose words did.

use super::cells::{Aside, Cell, Rest, Total};
use super::fixed::Fixed;
use super::number::Number;

/// A whole number of 64 bits.
pub trait Whole: Number + Into<i128> {
    /// The sum, and whether it has wrapped.
    fn wrapping(self, other: Self) -> (Self, bool);
    /// The bits.
    fn bits(self) -> u64;
    /// The number of these bits.
    fn of_bits(bits: u64) -> Self;
}

impl Whole for i64 {
    #[inline]
    fn wrapping(self, other: i64) -> (i64, bool) {
        self.overflowing_add(other)
    }
    fn bits(self) -> u64 {
        self as u64
    }
    fn of_bits(bits: u64) -> i64 {
        bits as i64
    }
}

impl Whole for u64 {
    #[inline]
    fn wrapping(self, other: u64) -> (u64, bool) {
        self.overflowing_add(other)
    }
    fn bits(self) -> u64 {
        self
    }
    fn of_bits(bits: u64) -> u64 {
        bits
    }
}

/// How often the words of a group have wrapped.
#[derive(Clone, Copy, Debug, Default)]
pub struct Carries {
    /// Multiples of 2⁶⁴ that the sum is more.
    sum: i64,
    /// Multiples of 2¹²⁸ that the squares are more.
    squares: u64,
}

impl Rest for Carries {
    fn bytes(&self) -> usize {
        0
    }

    fn write(&self, out: &mut Vec<u8>) {
        out.extend(self.sum.to_le_bytes());
        out.extend(self.squares.to_le_bytes());
    }

    fn read(bytes: &[u8]) -> Option<Self> {
        let (sum, squares) = bytes.split_first_chunk::<8>()?;
        Some(Carries { sum: i64::from_le_bytes(*sum), squares: u64::from_le_bytes(squares.try_into().ok()?) })
    }
}

/// Adds to a word, and what it wraps to `carry`.
fn add_word<N: Whole>(word: N, value: N, carry: &mut i64) -> N {
    let (sum, wrapped) = word.wrapping(value);
    if wrapped {
        *carry += if value < N::ZERO { -1 } else { 1 };
    }
    sum
}

fn whole_sum<N: Whole>(low: N, carries: Option<&Carries>) -> i128 {
    let low: i128 = low.into();
    carries.map_or(low, |carries| low + (i128::from(carries.sum) << 64))
}

fn change(aside: &mut Aside<Carries>, group: u32, rest: Option<&Carries>, add: impl FnOnce(&mut Carries)) {
    aside.change(group, |carries| {
        if let Some(rest) = rest {
            carries.sum += rest.sum;
            carries.squares += rest.squares;
        }
        add(carries);
    });
}

/// Σx.
#[derive(Clone, Copy, Debug)]
pub struct IntSum<N>(N);

impl<N: Whole> Default for IntSum<N> {
    fn default() -> Self {
        IntSum(N::ZERO)
    }
}

impl<N: Whole> Cell<N> for IntSum<N> {
    type Rest = Carries;
    const WORDS: &'static [&'static str] = &["sum"];

    fn word(&self, _: usize) -> u64 {
        self.0.bits()
    }

    fn of_words(word: impl Fn(usize) -> u64) -> Option<Self> {
        Some(IntSum(N::of_bits(word(0))))
    }

    #[inline]
    fn add(&mut self, value: N) -> bool {
        let (sum, wrapped) = self.0.wrapping(value);
        if !wrapped {
            self.0 = sum;
        }
        !wrapped
    }

    #[cold]
    fn add_rare(&mut self, value: N, aside: &mut Aside<Carries>, group: u32) {
        change(aside, group, None, |carries| self.0 = add_word(self.0, value, &mut carries.sum));
    }

    #[inline]
    fn merge(&mut self, other: &Self) -> bool {
        self.add(other.0)
    }

    #[cold]
    fn merge_rare(&mut self, other: &Self, rest: Option<&Carries>, aside: &mut Aside<Carries>, group: u32) {
        change(aside, group, rest, |carries| self.0 = add_word(self.0, other.0, &mut carries.sum));
    }

    #[inline]
    fn total(&self, rest: Option<&Carries>) -> Total {
        Total::Fixed(Fixed { sum: whole_sum(self.0, rest), ..Fixed::default() })
    }
}

/// n and Σx.
#[derive(Clone, Copy, Debug)]
pub struct IntMean<N> {
    n: u64,
    sum: IntSum<N>,
}

impl<N: Whole> Default for IntMean<N> {
    fn default() -> Self {
        IntMean { n: 0, sum: IntSum::default() }
    }
}

impl<N: Whole> Cell<N> for IntMean<N> {
    type Rest = Carries;
    const WORDS: &'static [&'static str] = &["count", "sum"];

    fn word(&self, i: usize) -> u64 {
        [self.n, self.sum.0.bits()][i]
    }

    fn of_words(word: impl Fn(usize) -> u64) -> Option<Self> {
        Some(IntMean { n: word(0), sum: IntSum(N::of_bits(word(1))) })
    }

    #[inline]
    fn add(&mut self, value: N) -> bool {
        let fits = self.sum.add(value);
        self.n += u64::from(fits);
        fits
    }

    #[cold]
    fn add_rare(&mut self, value: N, aside: &mut Aside<Carries>, group: u32) {
        self.n += 1;
        self.sum.add_rare(value, aside, group);
    }

    #[inline]
    fn merge(&mut self, other: &Self) -> bool {
        let fits = self.sum.merge(&other.sum);
        self.n += if fits { other.n } else { 0 };
        fits
    }

    #[cold]
    fn merge_rare(&mut self, other: &Self, rest: Option<&Carries>, aside: &mut Aside<Carries>, group: u32) {
        self.n += other.n;
        self.sum.merge_rare(&other.sum, rest, aside, group);
    }

    #[inline]
    fn total(&self, rest: Option<&Carries>) -> Total {
        Total::Fixed(Fixed { n: self.n, sum: whole_sum(self.sum.0, rest), ..Fixed::default() })
    }
}

/// n, Σx and Σx².
#[derive(Clone, Copy, Debug)]
pub struct IntSpread<N> {
    n: u64,
    sum: N,
    squares: [u64; 2],
}

impl<N: Whole> Default for IntSpread<N> {
    fn default() -> Self {
        IntSpread { n: 0, sum: N::ZERO, squares: [0; 2] }
    }
}

impl<N: Whole> IntSpread<N> {
    fn squares(&self) -> u128 {
        u128::from(self.squares[0]) | u128::from(self.squares[1]) << 64
    }

    #[inline]
    fn take_in(&mut self, n: u64, sum: N, squares: u128) -> bool {
        let (sum, wrapped) = self.sum.wrapping(sum);
        let (squares, beyond) = self.squares().overflowing_add(squares);
        let fits = !wrapped && !beyond;
        if fits {
            (self.n, self.sum) = (self.n + n, sum);
            self.squares = [squares as u64, (squares >> 64) as u64];
        }
        fits
    }

    fn take_in_rare(&mut self, n: u64, sum: N, squares: u128, carries: &mut Carries) {
        self.n += n;
        self.sum = add_word(self.sum, sum, &mut carries.sum);
        let (squares, beyond) = self.squares().overflowing_add(squares);
        carries.squares += u64::from(beyond);
        self.squares = [squares as u64, (squares >> 64) as u64];
    }
}

#[inline]
fn square<N: Whole>(value: N) -> u128 {
    let value: i128 = value.into();
    let magnitude = u128::from(value.unsigned_abs() as u64);
    magnitude * magnitude
}

impl<N: Whole> Cell<N> for IntSpread<N> {
    type Rest = Carries;
    const WORDS: &'static [&'static str] = &["count", "sum", "squares", "squares_high"];

    fn word(&self, i: usize) -> u64 {
        [self.n, self.sum.bits(), self.squares[0], self.squares[1]][i]
    }

    fn of_words(word: impl Fn(usize) -> u64) -> Option<Self> {
        Some(IntSpread { n: word(0), sum: N::of_bits(word(1)), squares: [word(2), word(3)] })
    }

    #[inline]
    fn add(&mut self, value: N) -> bool {
        self.take_in(1, value, square(value))
    }

    #[cold]
    fn add_rare(&mut self, value: N, aside: &mut Aside<Carries>, group: u32) {
        change(aside, group, None, |carries| self.take_in_rare(1, value, square(value), carries));
    }

    #[inline]
    fn merge(&mut self, other: &Self) -> bool {
        self.take_in(other.n, other.sum, other.squares())
    }

    #[cold]
    fn merge_rare(&mut self, other: &Self, rest: Option<&Carries>, aside: &mut Aside<Carries>, group: u32) {
        change(aside, group, rest, |carries| self.take_in_rare(other.n, other.sum, other.squares(), carries));
    }

    fn total(&self, rest: Option<&Carries>) -> Total {
        let squares = [self.squares[0], self.squares[1], rest.map_or(0, |carries| carries.squares), 0];
        Total::Fixed(Fixed { n: self.n, sum: whole_sum(self.sum, rest), squares, exponent: 0 })
    }
}
