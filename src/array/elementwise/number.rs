//! What elements can do. Whole numbers never wrap around: what does not fit the type is an error, as in frames.

use crate::array::element::{Element, Float};

/// Elements that add and multiply; for `bool` that is "or" and "and", as in numpy. The second part of a result says that
/// there is none.
pub trait Additive: Element {
    /// The sum.
    fn plus(self, other: Self) -> (Self, bool);
    /// The product.
    fn times(self, other: Self) -> (Self, bool);
}

/// Numbers.
pub trait Number: Additive + Real {
    /// The difference.
    fn minus(self, other: Self) -> (Self, bool);
    /// What remains of a division rounded down: it has the sign of the divisor (Python's `%`).
    fn remainder(self, other: Self) -> (Self, bool);
    /// The quotient rounded down (Python's `//`).
    fn floor_quotient(self, other: Self) -> (Self, bool);
    /// To that power. A whole number has no negative one.
    fn raised(self, power: Self) -> (Self, bool);
    /// Changes them to that power, the same for all. The first that has none, if there is one.
    fn raise(values: &mut [Self], power: i32) -> Option<Self>;
    /// Without its sign.
    fn magnitude(self) -> (Self, bool);
    /// -1, 0 or 1; NaN of NaN.
    fn sign(self) -> Self;
}

/// Elements made of bits.
pub trait Bits: Element {
    /// Bits that both have.
    fn and(self, other: Self) -> Self;
    /// Bits that either has.
    fn or(self, other: Self) -> Self;
    /// Bits that one has.
    fn xor(self, other: Self) -> Self;
    /// Bits that it has not.
    fn not(self) -> Self;
}

/// Elements as the floating numbers that quotients and functions of them are: `f32` stays, all else is `f64`.
pub trait Real: Element {
    /// That type.
    type Real: Float;

    /// As that type.
    fn real(self) -> Self::Real;
}

macro_rules! floats {
    ($($float:ident)*) => {$(
        impl Additive for $float {
            #[inline(always)]
            fn plus(self, other: Self) -> (Self, bool) {
                (self + other, false)
            }

            #[inline(always)]
            fn times(self, other: Self) -> (Self, bool) {
                (self * other, false)
            }
        }

        impl Number for $float {
            #[inline(always)]
            fn minus(self, other: Self) -> (Self, bool) {
                (self - other, false)
            }

            fn remainder(self, other: Self) -> (Self, bool) {
                let rest = self % other;
                let made = match rest {
                    0.0 => (0.0 as $float).copysign(other),
                    rest if (rest < 0.0) != (other < 0.0) => rest + other,
                    rest => rest,
                };
                (made, false)
            }

            fn floor_quotient(self, other: Self) -> (Self, bool) {
                if other == 0.0 {
                    return (self / other, false);
                }
                let rest = self % other;
                let mut quotient = (self - rest) / other;
                if rest != 0.0 && (rest < 0.0) != (other < 0.0) {
                    quotient -= 1.0;
                }
                if quotient == 0.0 {
                    return ((0.0 as $float).copysign(self / other), false);
                }
                let down = quotient.floor();
                (if quotient - down > 0.5 { down + 1.0 } else { down }, false)
            }

            fn raised(self, power: Self) -> (Self, bool) {
                (self.powf(power), false)
            }

            fn raise(values: &mut [Self], power: i32) -> Option<Self> {
                <$float as Float>::with_f64(values, &super::power::kernel(f64::from(power)));
                None
            }

            #[inline(always)]
            fn magnitude(self) -> (Self, bool) {
                (self.abs(), false)
            }

            #[inline(always)]
            fn sign(self) -> Self {
                if self > 0.0 { 1.0 } else if self < 0.0 { -1.0 } else if self == 0.0 { 0.0 } else { self }
            }
        }

        impl Real for $float {
            type Real = $float;

            #[inline(always)]
            fn real(self) -> $float {
                self
            }
        }
    )*};
}

floats!(f64 f32);

macro_rules! whole {
    ($($whole:ident $sign:expr, $magnitude:expr;)*) => {$(
        impl Additive for $whole {
            #[inline(always)]
            fn plus(self, other: Self) -> (Self, bool) {
                self.overflowing_add(other)
            }

            #[inline(always)]
            fn times(self, other: Self) -> (Self, bool) {
                self.overflowing_mul(other)
            }
        }

        impl Number for $whole {
            #[inline(always)]
            fn minus(self, other: Self) -> (Self, bool) {
                self.overflowing_sub(other)
            }

            fn remainder(self, other: Self) -> (Self, bool) {
                if other == 0 {
                    return (0, true);
                }
                let rest = self.wrapping_rem(other);
                // the bounds of the type divided by -1 leave nothing
                let below = |value: $whole| value.sign() != 0 && value.sign() != 1;
                (if rest != 0 && below(rest) != below(other) { rest + other } else { rest }, false)
            }

            fn floor_quotient(self, other: Self) -> (Self, bool) {
                let Some(quotient) = self.checked_div(other) else { return (0, true) };
                let down = Self::remainder(self, other).0 != self.wrapping_rem(other);
                (if down { quotient - 1 } else { quotient }, false)
            }

            fn raised(self, power: Self) -> (Self, bool) {
                let power = u32::try_from(power).ok();
                let made = power.and_then(|power| self.checked_pow(power));
                (made.unwrap_or_default(), made.is_none())
            }

            fn raise(values: &mut [Self], power: i32) -> Option<Self> {
                let Ok(power) = u32::try_from(power) else { return values.first().copied() };
                for value in values {
                    let Some(made) = value.checked_pow(power) else { return Some(*value) };
                    *value = made;
                }
                None
            }

            #[inline(always)]
            fn magnitude(self) -> (Self, bool) {
                let magnitude: fn($whole) -> ($whole, bool) = $magnitude;
                magnitude(self)
            }

            #[inline(always)]
            fn sign(self) -> Self {
                let sign: fn($whole) -> $whole = $sign;
                sign(self)
            }
        }
    )*};
}

whole! {
    i64 i64::signum, |value| (value.wrapping_abs(), value == i64::MIN);
    i32 i32::signum, |value| (value.wrapping_abs(), value == i32::MIN);
    u8 |value| u8::from(value > 0), |value| (value, false);
}

impl Additive for bool {
    #[inline(always)]
    fn plus(self, other: bool) -> (bool, bool) {
        (self | other, false)
    }

    #[inline(always)]
    fn times(self, other: bool) -> (bool, bool) {
        (self & other, false)
    }
}

macro_rules! bits {
    ($($element:ident)*) => {$(
        impl Bits for $element {
            #[inline(always)]
            fn and(self, other: Self) -> Self {
                self & other
            }

            #[inline(always)]
            fn or(self, other: Self) -> Self {
                self | other
            }

            #[inline(always)]
            fn xor(self, other: Self) -> Self {
                self ^ other
            }

            #[inline(always)]
            fn not(self) -> Self {
                !self
            }
        }

        impl Real for $element {
            type Real = f64;

            #[inline(always)]
            fn real(self) -> f64 {
                <$element as super::promote::Promote<f64>>::promoted(self)
            }
        }
    )*};
}

bits!(i64 i32 u8 bool);
