//! Exact sums of floating numbers for groups: a fixed-point window around the first value of a group.
//!
//! A finite `f64` is ±m·2^(e−1075) with a whole m < 2⁵³. A window begins some bits below the first value and has 128 bits for Σx (256 for Σx²),
//! so that m only has to be moved to its place and added. Where a later value does not fit, the window is moved, if what it
//! holds allows it; else the group goes over to numbers of any width, which are kept aside.

use super::cells::{Aside, Cell, Rest, Total};
use super::exact::Exact;
use super::fixed::{Fixed, Squares, product};
use super::long::Long;

const FRACTION: u64 = (1 << 52) - 1;
const HIDDEN: u64 = 1 << 52;

/// Bits of `meta` that hold where the window begins: an exponent, or one of the two marks.
const BASE: u64 = 0xfff;
/// No window yet: only zeros so far.
const UNSET: u64 = 0xfff;
/// The sums are aside; what is in the words is zero.
const ASIDE: u64 = 0xffe;
/// +∞ is among the values.
const INFINITE: u64 = 1 << 12;
/// −∞ is.
const MINUS_INFINITE: u64 = 1 << 13;
/// The count begins here.
const ONE: u64 = 1 << 14;

/// How far above the beginning of the window a value may lie: 53 bits and a sign still fit into 128.
const WIDEST: u64 = 74;
/// Bits below the first value, at least.
const BELOW: u64 = 24;
/// Windows begin at multiples of this, so that most of those that meet are the same.
const STEP: u64 = 16;
/// The last beginning: exponent 2047, which is that of infinities and NaN, is out of reach.
const LAST: u64 = 2046 - WIDEST;

/// Where a window begins that has `below` bits or more below a value.
fn aim(exponent: u64, below: u64) -> u64 {
    // never at 0, the exponent field of zeros and of the least numbers
    (exponent.saturating_sub(below) / STEP * STEP).clamp(1, LAST)
}

/// A value taken apart, as it goes into a window that begins at `base`: how far up, its mantissa, its sign (0 or −1). `None` for
/// what does not fit, and for what is not a normal number or zero. No branch on data but that one.
#[inline]
fn parts(value: f64, base: u64) -> Option<(u32, u64, i64)> {
    let bits = value.to_bits();
    // all ones but for zeros, which fit everywhere
    let some = u64::from(bits << 1 == 0).wrapping_sub(1);
    let shift = (bits >> 52 & 0x7ff).wrapping_sub(base) & some;
    let mantissa = (bits & FRACTION | HIDDEN) & some;
    (shift <= WIDEST).then_some((shift as u32, mantissa, bits as i64 >> 63))
}

/// Count, beginning of the window and Σx.
#[derive(Clone, Copy, Debug)]
pub struct FloatSum {
    low: u64,
    high: u64,
    meta: u64,
}

impl Default for FloatSum {
    fn default() -> Self {
        FloatSum { low: 0, high: 0, meta: UNSET }
    }
}

impl FloatSum {
    #[inline]
    fn sum(&self) -> i128 {
        (u128::from(self.low) | u128::from(self.high) << 64) as i128
    }

    #[inline]
    fn set_sum(&mut self, sum: i128) {
        (self.low, self.high) = (sum as u64, (sum as u128 >> 64) as u64);
    }

    #[inline]
    fn base(&self) -> u64 {
        self.meta & BASE
    }

    fn set_base(&mut self, base: u64) {
        self.meta = self.meta & !BASE | base;
    }

    fn n(&self) -> u64 {
        self.meta / ONE
    }

    fn infinite(&self) -> (bool, bool) {
        (self.meta & INFINITE != 0, self.meta & MINUS_INFINITE != 0)
    }
}

/// Count, beginning of the window, Σx and Σx².
#[derive(Clone, Copy, Debug, Default)]
pub struct FloatSpread {
    sum: FloatSum,
    squares: Squares,
}

/// Sums that do not fit into a window, over 2⁻¹⁰⁷⁵ and its square.
#[derive(Clone, Debug, Default)]
pub struct Wide {
    sum: Long,
    squares: Long,
}

impl Rest for Wide {
    fn bytes(&self) -> usize {
        self.sum.bytes() + self.squares.bytes()
    }

    fn write(&self, out: &mut Vec<u8>) {
        self.sum.write(out);
        self.squares.write(out);
    }

    fn read(bytes: &[u8]) -> Option<Self> {
        let (sum, bytes) = Long::read(bytes)?;
        let (squares, bytes) = Long::read(bytes)?;
        bytes.is_empty().then_some(Wide { sum, squares })
    }
}

/// What both cells share: a window of Σx, with or without one of Σx².
trait Window: Cell<f64, Rest = Wide> {
    /// Whether Σx² is wanted.
    const SQUARES: bool;
    fn head(&mut self) -> &mut FloatSum;
    fn squares(&self) -> Squares;
    fn set_squares(&mut self, squares: Squares);

    /// Moves the window up, where what it holds begins late enough, or down, where it ends early enough.
    fn move_to(&mut self, target: u64) -> bool {
        let (base, sum, squares) = (self.head().base(), self.head().sum(), self.squares());
        let up = target > base;
        let by = target.abs_diff(base) as u32;
        let room = if up {
            let of_sum = if sum == 0 { 128 } else { sum.trailing_zeros() };
            of_sum.min(trailing_zeros(&squares) / 2)
        } else {
            let of_sum = if sum < 0 { sum.leading_ones() } else { sum.leading_zeros() };
            of_sum.saturating_sub(1).min(leading_zeros(&squares) / 2)
        };
        // a move of 128 bits has nothing to move
        if by > room.min(127) && (sum != 0 || squares != [0; 4]) {
            return false;
        }
        if sum != 0 || squares != [0; 4] {
            self.head().set_sum(if up { sum >> by } else { sum << by });
            self.set_squares(shift(&squares, if up { -2 * i64::from(by) } else { 2 * i64::from(by) }));
        }
        self.head().set_base(target);
        true
    }

    /// Puts the sums aside.
    fn widen(&mut self, aside: &mut Aside<Wide>, group: u32) {
        let (base, sum, squares) = (self.head().base(), self.head().sum(), self.squares());
        if base == ASIDE {
            return;
        }
        if base != UNSET {
            aside.change(group, |wide| add_window(wide, base, sum, &squares));
        }
        self.head().set_sum(0);
        self.set_squares([0; 4]);
        self.head().set_base(ASIDE);
    }

    /// A finite number that is not zero and did not fit.
    fn add_far(&mut self, value: f64, aside: &mut Aside<Wide>, group: u32) {
        let field = value.to_bits() >> 52 & 0x7ff;
        // the numbers below the normal ones have the exponent of the least of those, and no hidden bit
        let (exponent, hidden) = (field.max(1), if field == 0 { 0 } else { HIDDEN });
        let base = self.head().base();
        let moved = match base {
            UNSET => {
                self.head().set_base(aim(exponent, BELOW));
                true
            }
            ASIDE => false,
            _ if exponent < base => self.move_to(aim(exponent, 0)),
            _ if exponent > base + WIDEST => {
                self.move_to(aim(exponent, BELOW)) || self.move_to(aim(exponent, WIDEST - STEP))
            }
            _ => false,
        };
        if moved && hidden != 0 && self.add(value) {
            return;
        }
        self.widen(aside, group);
        let mantissa = u128::from(value.to_bits() & FRACTION | hidden);
        aside.change(group, |wide| {
            wide.sum.add(mantissa, value < 0.0, exponent as u32);
            if Self::SQUARES {
                wide.squares.add(mantissa * mantissa, false, 2 * exponent as u32);
            }
        });
        self.head().meta += ONE;
    }

    fn add_any(&mut self, value: f64, aside: &mut Aside<Wide>, group: u32) {
        if value.is_infinite() {
            let head = self.head();
            head.meta = (head.meta | if value > 0.0 { INFINITE } else { MINUS_INFINITE }) + ONE;
        } else if !value.is_nan() {
            self.add_far(value, aside, group);
        }
    }

    /// Takes in the count and the infinities of another cell.
    fn merge_meta(&mut self, other: &FloatSum) {
        let head = self.head();
        head.meta |= other.meta & (INFINITE | MINUS_INFINITE);
        head.meta += other.meta / ONE * ONE;
    }

    /// Takes in another cell whose window is another, or that has none.
    fn merge_any(&mut self, mut other: Self, rest: Option<&Wide>, aside: &mut Aside<Wide>, group: u32) {
        let (base, their_base) = (self.head().base(), other.head().base());
        if rest.is_none() && their_base != ASIDE && base != ASIDE {
            if their_base == UNSET {
                return self.merge_meta(other.head());
            }
            if base == UNSET {
                let meta = self.head().meta;
                *self = other;
                // the counts are those of both
                let head = self.head();
                head.meta = (head.meta | meta & (INFINITE | MINUS_INFINITE)) + meta / ONE * ONE;
                return;
            }
            let low = base.min(their_base);
            let met = (base == low || self.move_to(low)) && (their_base == low || other.move_to(low));
            if met && self.merge(&other) {
                return;
            }
        }
        let (their_base, sum, squares) = (other.head().base(), other.head().sum(), other.squares());
        self.widen(aside, group);
        aside.change(group, |wide| {
            if their_base < ASIDE {
                add_window(wide, their_base, sum, &squares);
            }
            if let Some(rest) = rest {
                wide.sum.add_long(&rest.sum);
                wide.squares.add_long(&rest.squares);
            }
        });
        self.merge_meta(other.head());
    }

    fn total_of(mut self, rest: Option<&Wide>) -> Total {
        let squares = self.squares();
        let head = self.head();
        let (n, sum, infinite) = (head.n(), head.sum(), head.infinite());
        if let Some(wide) = rest {
            let squares = wide.squares.big().into_parts().1;
            let (sum, exponent) = (wide.sum.big(), -1075);
            return Total::Exact(Box::new(Exact { n, sum, squares, exponent, infinite }));
        }
        if infinite != (false, false) {
            return Total::Exact(Box::new(Exact { infinite, ..Exact::of_count(n) }));
        }
        let exponent = if head.base() < ASIDE { head.base() as i64 - 1075 } else { 0 };
        Total::Fixed(Fixed { n, sum, squares, exponent })
    }
}

fn add_window(wide: &mut Wide, base: u64, sum: i128, squares: &Squares) {
    wide.sum.add(sum.unsigned_abs(), sum < 0, base as u32);
    for (word, at) in squares.iter().zip([0, 64, 128, 192]) {
        wide.squares.add(u128::from(*word), false, 2 * base as u32 + at);
    }
}

/// `words`·2^`by`, without what falls off.
fn shift(words: &Squares, by: i64) -> Squares {
    let (whole, bit) = (by.div_euclid(64), by.rem_euclid(64) as u32);
    let word = |i: i64| usize::try_from(i).ok().and_then(|i| words.get(i)).copied().unwrap_or(0);
    [0i64, 1, 2, 3].map(|i| {
        let below = if bit == 0 { 0 } else { word(i - whole - 1) >> (64 - bit) };
        word(i - whole) << bit | below
    })
}

fn trailing_zeros(words: &Squares) -> u32 {
    words.iter().position(|word| *word != 0).map_or(256, |i| 64 * i as u32 + words[i].trailing_zeros())
}

fn leading_zeros(words: &Squares) -> u32 {
    words.iter().rposition(|word| *word != 0).map_or(256, |i| 64 * (3 - i as u32) + words[i].leading_zeros())
}

/// `a + b`, and whether it does not fit.
#[inline]
fn add_squares(a: &Squares, b: &Squares) -> (Squares, bool) {
    let (mut sum, mut carry) = ([0; 4], false);
    for i in 0..4 {
        let (part, first) = a[i].overflowing_add(b[i]);
        let (all, second) = part.overflowing_add(u64::from(carry));
        (sum[i], carry) = (all, first | second);
    }
    (sum, carry)
}

impl Window for FloatSum {
    const SQUARES: bool = false;
    fn head(&mut self) -> &mut FloatSum {
        self
    }
    fn squares(&self) -> Squares {
        [0; 4]
    }
    fn set_squares(&mut self, _: Squares) {}
}

impl Window for FloatSpread {
    const SQUARES: bool = true;
    fn head(&mut self) -> &mut FloatSum {
        &mut self.sum
    }
    fn squares(&self) -> Squares {
        self.squares
    }
    fn set_squares(&mut self, squares: Squares) {
        self.squares = squares;
    }
}

impl Cell<f64> for FloatSum {
    type Rest = Wide;
    const WORDS: &'static [&'static str] = &["count", "sum", "sum_high"];

    fn word(&self, i: usize) -> u64 {
        [self.meta, self.low, self.high][i]
    }

    fn of_words(word: impl Fn(usize) -> u64) -> Option<Self> {
        let cell = FloatSum { meta: word(0), low: word(1), high: word(2) };
        let base = cell.base();
        ((1..=LAST).contains(&base) || base >= ASIDE).then_some(cell)
    }

    #[inline]
    fn add(&mut self, value: f64) -> bool {
        let Some((shift, mantissa, sign)) = parts(value, self.base()) else { return false };
        let signed = i128::from((mantissa as i64 ^ sign) - sign) << shift;
        let (sum, beyond) = self.sum().overflowing_add(signed);
        if beyond {
            return false;
        }
        self.set_sum(sum);
        self.meta += ONE;
        true
    }

    #[cold]
    fn add_rare(&mut self, value: f64, aside: &mut Aside<Wide>, group: u32) {
        self.add_any(value, aside, group);
    }

    #[inline]
    fn merge(&mut self, other: &Self) -> bool {
        let (sum, beyond) = self.sum().overflowing_add(other.sum());
        if beyond || self.base() != other.base() || self.base() == ASIDE {
            return false;
        }
        self.set_sum(sum);
        self.merge_meta(other);
        true
    }

    fn merge_rare(&mut self, other: &Self, rest: Option<&Wide>, aside: &mut Aside<Wide>, group: u32) {
        self.merge_any(*other, rest, aside, group);
    }

    #[inline]
    fn total(&self, rest: Option<&Wide>) -> Total {
        self.total_of(rest)
    }
}

impl Cell<f64> for FloatSpread {
    type Rest = Wide;
    const WORDS: &'static [&'static str] =
        &["count", "sum", "sum_high", "squares_0", "squares_1", "squares_2", "squares_3"];

    fn word(&self, i: usize) -> u64 {
        if i < 3 { self.sum.word(i) } else { self.squares[i - 3] }
    }

    fn of_words(word: impl Fn(usize) -> u64) -> Option<Self> {
        let squares = [word(3), word(4), word(5), word(6)];
        Some(FloatSpread { sum: FloatSum::of_words(word)?, squares })
    }

    #[inline]
    fn add(&mut self, value: f64) -> bool {
        let Some((up, mantissa, _)) = parts(value, self.sum.base()) else { return false };
        // (m·2^s)² has at most 2·(53 + 74) bits
        let part = u128::from(mantissa) << up;
        let (squares, beyond) = add_squares(&self.squares, &product(part, part));
        if beyond || !self.sum.add(value) {
            return false;
        }
        self.squares = squares;
        true
    }

    #[cold]
    fn add_rare(&mut self, value: f64, aside: &mut Aside<Wide>, group: u32) {
        self.add_any(value, aside, group);
    }

    #[inline]
    fn merge(&mut self, other: &Self) -> bool {
        let (squares, beyond) = add_squares(&self.squares, &other.squares);
        if beyond || !self.sum.merge(&other.sum) {
            return false;
        }
        self.squares = squares;
        true
    }

    fn merge_rare(&mut self, other: &Self, rest: Option<&Wide>, aside: &mut Aside<Wide>, group: u32) {
        self.merge_any(*other, rest, aside, group);
    }

    fn total(&self, rest: Option<&Wide>) -> Total {
        self.total_of(rest)
    }
}
