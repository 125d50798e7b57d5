//! Other types of elements. What numpy makes up silently (NaN or 1e30 as a whole number, 300 as `u8`) is an error.

use crate::array::chunked::Array;
use crate::array::element::Element;
use crate::array::lanes::vectorised;
use crate::base::Error;

/// Elements that can be converted.
pub trait Cast<U> {
    /// The nearest of the other type, whole ones rounded towards zero; whether there is none, because it is NaN or out of
    /// the range of the type.
    fn cast(self) -> (U, bool);
}

macro_rules! casts {
    ($($from:ident $to:ident $value:ident => $made:expr, $bad:expr;)*) => {$(
        impl Cast<$to> for $from {
            #[inline(always)]
            fn cast(self) -> ($to, bool) {
                let $value = self;
                ($made, $bad)
            }
        }
    )*};
}

/// 2⁶³, beside the largest whole number.
const TWO_63: f64 = 9_223_372_036_854_775_808.0;

macro_rules! from_floats {
    ($($float:ident)*) => {$(
        casts! {
            $float f64 v => f64::from(v), false;
            $float f32 v => v as f32, false;
            // the bounds are powers of two, and as such exact
            $float i64 v => v as i64, !((f64::from(v) >= -TWO_63) & (f64::from(v) < TWO_63));
            $float i32 v => v as i32, !((f64::from(v) > -2_147_483_649.0) & (f64::from(v) < 2_147_483_648.0));
            $float u8 v => v as u8, !((v > -1.0) & (v < 256.0));
            $float bool v => v != 0.0, false;
        }
    )*};
}

macro_rules! from_whole {
    ($($whole:ident)*) => {$(
        casts! {
            $whole f64 v => v as f64, false;
            $whole f32 v => v as f32, false;
            $whole i64 v => i64::from(v), false;
            $whole i32 v => v as i32, i64::from(v as i32) != i64::from(v);
            $whole u8 v => v as u8, i64::from(v as u8) != i64::from(v);
            $whole bool v => v != 0, false;
        }
    )*};
}

from_floats!(f64 f32);
from_whole!(i64 i32 u8);

casts! {
    bool f64 v => f64::from(u8::from(v)), false;
    bool f32 v => f32::from(u8::from(v)), false;
    bool i64 v => i64::from(v), false;
    bool i32 v => i32::from(v), false;
    bool u8 v => u8::from(v), false;
    bool bool v => v, false;
}

impl<T: Element> Array<T> {
    /// The elements as another type (numpy's `astype`): rounded towards zero where it has no fractions. `bool` says what is
    /// not zero. NaN, and what is out of the range of a whole type, is an error when elements are computed.
    ///
    /// ```
    /// use partita::array::arange;
    /// let x = arange(-1.5, 2.0, 1.0, "auto")?;
    /// assert_eq!(x.astype::<i64>().compute()?.as_slice(), Some(&[-1, 0, 0, 1][..]));
    /// let error = x.astype::<u8>().compute().unwrap_err().to_string();
    /// assert!(error.contains("-1.5 cannot be converted to uint8"), "{error}");
    /// # Ok::<(), partita::Error>(())
    /// ```
    #[must_use]
    pub fn astype<U: Element>(&self) -> Array<U>
    where
        T: Cast<U>,
    {
        self.made("astype", Vec::new(), |values: &[T], out: &mut [U]| {
            let wrong = vectorised(
                #[inline(always)]
                || {
                    let mut wrong = false;
                    for (place, &value) in out.iter_mut().zip(values) {
                        let (made, bad) = value.cast();
                        *place = made;
                        wrong |= bad;
                    }
                    wrong
                },
            );
            match values.iter().find(|value| wrong && value.cast().1) {
                None => Ok(()),
                Some(value) => Err(Error::value(format!("{value:?} cannot be converted to {}", U::DTYPE))
                    .help("bring it into range first: clip(), nan_to_num()")),
            }
        })
    }
}
