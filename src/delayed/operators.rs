//! Arithmetic on delayed numbers: `x + y`, `x * 2`, `-x` are calls that are written down too.

use std::ops::{Add, Div, Mul, Neg, Rem, Sub};

use super::argument::Value;
use super::function::delayed;
use super::lazy::Delayed;

macro_rules! binary {
    ($trait:ident $method:ident) => {
        impl<T, U, R> $trait<Delayed<U>> for Delayed<T>
        where
            T: Value + $trait<U, Output = R>,
            U: Value,
            R: Value,
        {
            type Output = Delayed<R>;

            fn $method(self, other: Delayed<U>) -> Delayed<R> {
                (&self).$method(&other)
            }
        }

        impl<T, U, R> $trait<&Delayed<U>> for Delayed<T>
        where
            T: Value + $trait<U, Output = R>,
            U: Value,
            R: Value,
        {
            type Output = Delayed<R>;

            fn $method(self, other: &Delayed<U>) -> Delayed<R> {
                (&self).$method(other)
            }
        }

        impl<T, U, R> $trait<Delayed<U>> for &Delayed<T>
        where
            T: Value + $trait<U, Output = R>,
            U: Value,
            R: Value,
        {
            type Output = Delayed<R>;

            fn $method(self, other: Delayed<U>) -> Delayed<R> {
                self.$method(&other)
            }
        }

        impl<T, U, R> $trait<&Delayed<U>> for &Delayed<T>
        where
            T: Value + $trait<U, Output = R>,
            U: Value,
            R: Value,
        {
            type Output = Delayed<R>;

            fn $method(self, other: &Delayed<U>) -> Delayed<R> {
                let function = delayed(|left: T, right: U| left.$method(right));
                function.named(stringify!($method)).pure().apply((self, other))
            }
        }

        binary!($trait $method: i8 i16 i32 i64 i128 isize u8 u16 u32 u64 u128 usize f32 f64);
    };
    ($trait:ident $method:ident: $($number:ty)*) => {$(
        impl $trait<$number> for Delayed<$number> {
            type Output = Delayed<$number>;

            fn $method(self, other: $number) -> Delayed<$number> {
                (&self).$method(other)
            }
        }

        impl $trait<$number> for &Delayed<$number> {
            type Output = Delayed<$number>;

            fn $method(self, other: $number) -> Delayed<$number> {
                let function = delayed(|left: $number, right: $number| left.$method(right));
                function.named(stringify!($method)).pure().apply((self, other))
            }
        }

        impl $trait<Delayed<$number>> for $number {
            type Output = Delayed<$number>;

            fn $method(self, other: Delayed<$number>) -> Delayed<$number> {
                self.$method(&other)
            }
        }

        impl $trait<&Delayed<$number>> for $number {
            type Output = Delayed<$number>;

            fn $method(self, other: &Delayed<$number>) -> Delayed<$number> {
                let function = delayed(|left: $number, right: $number| left.$method(right));
                function.named(stringify!($method)).pure().apply((self, other))
            }
        }
    )*};
}

binary!(Add add);
binary!(Sub sub);
binary!(Mul mul);
binary!(Div div);
binary!(Rem rem);

impl<T, R> Neg for Delayed<T>
where
    T: Value + Neg<Output = R>,
    R: Value,
{
    type Output = Delayed<R>;

    fn neg(self) -> Delayed<R> {
        -&self
    }
}

impl<T, R> Neg for &Delayed<T>
where
    T: Value + Neg<Output = R>,
    R: Value,
{
    type Output = Delayed<R>;

    fn neg(self) -> Delayed<R> {
        delayed(|value: T| -value).named("neg").pure().apply((self,))
    }
}

macro_rules! comparison {
    ($($(#[$doc:meta])* $method:ident: $bound:ident;)*) => {$(
        impl<T: Value + $bound> Delayed<T> {
            $(#[$doc])*
            pub fn $method(&self, other: impl super::argument::Argument<T>) -> Delayed<bool> {
                delayed(|left: T, right: T| $bound::$method(&left, &right)).named(stringify!($method)).pure().apply((self, other))
            }
        }
    )*};
}

comparison! {
    /// Whether it is smaller.
    lt: PartialOrd;
    /// Whether it is smaller or equal.
    le: PartialOrd;
    /// Whether it is larger.
    gt: PartialOrd;
    /// Whether it is larger or equal.
    ge: PartialOrd;
    /// Whether both are equal.
    eq: PartialEq;
    /// Whether they differ.
    ne: PartialEq;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arithmetic_is_lazy() {
        let x = Delayed::value(7i64);
        let y = (&x * 3 - x.clone()) / 2 + 1;
        assert_eq!((y.name(), y.compute().unwrap()), ("add", 8));
        assert_eq!((10 - x.clone()).compute().unwrap(), 3);
        assert_eq!((-(x.clone() % 4)).compute().unwrap(), -3);
        assert_eq!((Delayed::value(String::from("a")) + Delayed::value("b")).compute().unwrap(), "ab");
        assert!(x.lt(8).compute().unwrap() && !x.eq(&(&x + 1)).compute().unwrap());
        // equal terms are equal work
        assert_eq!((&x + 1).key(), (&x + 1).key());
        assert_ne!((&x + 1).key(), (&x + 2).key());
    }
}
