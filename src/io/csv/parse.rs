//! Numbers, truth values, dates and times from bytes. Pure functions; `None` means "not such a value".

use arrow::datatypes::TimeUnit;

/// A whole number of at most 18 digits, with a sign or without: the common case.
#[inline]
pub fn short_whole(text: &[u8]) -> Option<i64> {
    let (negative, digits) = sign(text);
    if digits.is_empty() || digits.len() > 18 {
        return None;
    }
    let mut value = 0i64;
    for &byte in digits {
        let digit = byte.wrapping_sub(b'0');
        if digit > 9 {
            return None;
        }
        value = value * 10 + i64::from(digit);
    }
    Some(if negative { -value } else { value })
}

/// A whole number of any length that fits.
pub fn whole(text: &[u8]) -> Option<i128> {
    let (negative, digits) = sign(text.trim_ascii());
    if digits.is_empty() {
        return None;
    }
    let value = digits.iter().try_fold(0i128, |value, &byte| match byte {
        b'0'..=b'9' => value.checked_mul(10)?.checked_add(i128::from(byte - b'0')),
        _ => None,
    })?;
    Some(if negative { -value } else { value })
}

/// How numbers are spelled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Spelling {
    /// Before the digits of a fraction.
    pub decimal: char,
    /// Between digits of a whole number, where they are many.
    pub thousands: Option<char>,
}

impl Spelling {
    /// As programs write numbers.
    pub const PLAIN: Spelling = Spelling { decimal: '.', thousands: None };

    /// The number `text` as programs write it; `None` if it is not spelled so. Words (`inf`) and exponents stay.
    pub fn plain<'a>(&self, text: &[u8], scratch: &'a mut Vec<u8>) -> Option<&'a [u8]> {
        scratch.clear();
        let (mut decimal, mut thousands) = ([0; 4], [0; 4]);
        let decimal = self.decimal.encode_utf8(&mut decimal).as_bytes();
        let thousands = self.thousands.map(|letter| letter.encode_utf8(&mut thousands).as_bytes());
        let (mut rest, mut fraction) = (text, false);
        while let Some((&byte, tail)) = rest.split_first() {
            if let Some(tail) = rest.strip_prefix(decimal) {
                scratch.push(b'.');
                (rest, fraction) = (tail, true);
                continue;
            }
            if let Some(tail) = thousands.and_then(|t| rest.strip_prefix(t)) {
                let between =
                    scratch.last().is_some_and(u8::is_ascii_digit) && tail.first().is_some_and(u8::is_ascii_digit);
                if !between || fraction {
                    return None;
                }
                rest = tail;
                continue;
            }
            if byte == b'.' {
                return None;
            }
            fraction |= matches!(byte, b'e' | b'E');
            scratch.push(byte);
            rest = tail;
        }
        Some(scratch)
    }
}

/// A word whose bytes all are `byte`.
const fn bytes(byte: u8) -> u64 {
    0x0101_0101_0101_0101 * byte as u64
}

/// The whole number that the first `n` bytes (1 to 8) of a word spell, without a look at each (Lemire, *Quickly parsing
/// eight digits*, 2018).
#[inline(always)]
fn eight_digits(word: u64, n: usize) -> Option<u64> {
    let shift = 64 - 8 * n as u32;
    // what follows the digits is shifted out, and zeros come before them
    let word = (word << shift) | (bytes(b'0') & !(u64::MAX << shift));
    let upper = bytes(0xf0);
    if (word & upper) | ((word.wrapping_add(bytes(6)) & upper) >> 4) != bytes(0x33) {
        return None;
    }
    let digits = word - bytes(b'0');
    let pairs = (digits * 10).wrapping_add(digits >> 8);
    let (even, odd) = (pairs & 0x0000_00ff_0000_00ff, (pairs >> 16) & 0x0000_00ff_0000_00ff);
    let sum = even.wrapping_mul(100 + (1_000_000 << 32)).wrapping_add(odd.wrapping_mul(1 + (10_000 << 32)));
    Some(sum >> 32)
}

/// The whole number of `length` digits at the start of a word; `None` may also mean that it is longer or has a sign.
#[inline(always)]
pub fn word_whole(word: u64, length: usize) -> Option<i64> {
    if length == 0 || length > 8 {
        return None;
    }
    eight_digits(word, length).map(|v| v as i64)
}

/// The decimal number of `length` bytes at the start of a word; `None` may also mean another spelling.
#[inline(always)]
pub fn word_real(word: u64, length: usize) -> Option<f64> {
    if length == 0 || length > 8 {
        return None;
    }
    let differing = word ^ bytes(b'.');
    // the lowest bit set belongs to the first point
    let points = differing.wrapping_sub(bytes(1)) & !differing & bytes(0x80);
    let point = (points.trailing_zeros() as usize / 8).min(length);
    let before = !((u64::MAX << (4 * point)) << (4 * point));
    let digits = length - usize::from(point < length);
    if digits == 0 {
        return None;
    }
    let mantissa = eight_digits((word & before) | ((word >> 8) & !before), digits)?;
    Some(mantissa as f64 / POWERS[digits - point])
}

#[inline]
fn sign(text: &[u8]) -> (bool, &[u8]) {
    match text {
        [b'-', digits @ ..] => (true, digits),
        [b'+', digits @ ..] => (false, digits),
        digits => (false, digits),
    }
}

const POWERS: [f64; 20] =
    [1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19];

/// A decimal number such as `-12.5` whose digits make a whole number up to 2⁵³: that number and the power of ten are
/// exact in binary, so their quotient is correctly rounded (Clinger, *How to read floating point numbers accurately*).
#[inline]
pub fn short_real(text: &[u8]) -> Option<f64> {
    let (negative, rest) = sign(text);
    if rest.is_empty() || rest.len() > 17 {
        return None;
    }
    let (mut mantissa, mut after, mut points) = (0u64, 0usize, 0usize);
    for &byte in rest {
        let digit = byte.wrapping_sub(b'0');
        if digit <= 9 {
            mantissa = mantissa * 10 + u64::from(digit);
            after += points;
        } else if byte == b'.' && points == 0 {
            points = 1;
        } else {
            return None;
        }
    }
    if mantissa > 1 << 53 || rest.len() == points {
        return None;
    }
    let value = mantissa as f64 / POWERS[after];
    Some(if negative { -value } else { value })
}

/// Any decimal number, infinity or NaN, correctly rounded.
pub fn real(text: &[u8]) -> Option<f64> {
    fast_float2::parse(text.trim_ascii()).ok()
}

/// As [`real`], in single precision: rounded once.
pub fn real32(text: &[u8]) -> Option<f32> {
    fast_float2::parse(text.trim_ascii()).ok()
}

/// Days since 1970-01-01 of a date of the Gregorian calendar (Howard Hinnant, *chrono-compatible low-level date
/// algorithms*), or `None` if there is no such day.
#[inline(always)]
pub(super) fn days(year: u32, month: u32, day: u32) -> Option<i32> {
    const LENGTHS: [u32; 13] = [0, 31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    let leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    let length = *LENGTHS.get(month as usize)?;
    if day == 0 || day > length || (month == 2 && day == 29 && !leap) {
        return None;
    }
    // years start in March, so that the leap day is the last; 400 years more keep everything positive
    let (year, month) = if month <= 2 { (year + 399, month + 9) } else { (year + 400, month - 3) };
    let (era, of_era) = (year / 400, year % 400);
    let of_year = (153 * month + 2) / 5 + day - 1;
    let of_era = of_era * 365 + of_era / 4 - of_era / 100 + of_year;
    Some((era * 146_097 + of_era) as i32 - 719_468 - 146_097)
}

/// `YYYY-MM-DD` as days since 1970-01-01.
#[inline(always)]
pub fn date(text: &[u8]) -> Option<i32> {
    let text: &[u8; 10] = text.try_into().ok()?;
    let d = |i: usize| u32::from(text[i].wrapping_sub(b'0'));
    let largest = [0, 1, 2, 3, 5, 6, 8, 9].iter().fold(0, |m, &i| m.max(d(i)));
    if largest > 9 || text[4] != b'-' || text[7] != b'-' {
        return None;
    }
    days(d(0) * 1000 + d(1) * 100 + d(2) * 10 + d(3), d(5) * 10 + d(6), d(8) * 10 + d(9))
}

/// `HH:MM:SS` as seconds since midnight.
#[inline(always)]
fn clock(text: &[u8; 8]) -> Option<u32> {
    let d = |i: usize| u32::from(text[i].wrapping_sub(b'0'));
    let largest = [0, 1, 3, 4, 6, 7].iter().fold(0, |m, &i| m.max(d(i)));
    let (hour, minute, second) = (d(0) * 10 + d(1), d(3) * 10 + d(4), d(6) * 10 + d(7));
    if largest > 9 || text[2] != b':' || text[5] != b':' || hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    Some(hour * 3600 + minute * 60 + second)
}

/// `YYYY-MM-DD HH:MM:SS` (or with `T`) as seconds since 1970: the common case.
#[inline]
pub fn short_instant(text: &[u8]) -> Option<i64> {
    let text: &[u8; 19] = text.try_into().ok()?;
    let (day, rest) = text.split_first_chunk::<10>()?;
    let (separator, time) = rest.split_first()?;
    if !matches!(separator, b' ' | b'T') {
        return None;
    }
    Some(i64::from(date(day)?) * 86_400 + i64::from(clock(time.try_into().ok()?)?))
}

/// A point in time as it was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Instant {
    /// Whole seconds since 1970-01-01T00:00:00, in UTC if there is a zone, else on the local clock.
    pub seconds: i64,
    /// Nanoseconds on top.
    pub nanos: u32,
    /// Whether a zone (`Z`, `+02:00`) was written.
    pub zoned: bool,
}

impl Instant {
    /// The count of `unit`s since 1970; finer digits are cut off. `None` when it does not fit.
    pub fn count(&self, unit: TimeUnit) -> Option<i64> {
        let (per_second, nanos_each) = match unit {
            TimeUnit::Second => (1, 1_000_000_000),
            TimeUnit::Millisecond => (1_000, 1_000_000),
            TimeUnit::Microsecond => (1_000_000, 1_000),
            TimeUnit::Nanosecond => (1_000_000_000, 1),
        };
        self.seconds.checked_mul(per_second)?.checked_add(i64::from(self.nanos / nanos_each))
    }
}

/// A date, or a date and a time: `YYYY-MM-DD[( |T)HH:MM[:SS[.fraction]]][ ][Z|±HH[[:]MM]]`.
pub fn instant(text: &[u8]) -> Option<Instant> {
    let text = text.trim_ascii();
    let (day, rest) = text.split_first_chunk::<10>()?;
    let midnight = i64::from(date(day)?) * 86_400;
    let Some((separator, rest)) = rest.split_first() else {
        return Some(Instant { seconds: midnight, nanos: 0, zoned: false });
    };
    if !matches!(separator, b' ' | b'T' | b't') {
        return None;
    }
    let (mut time, mut rest) = (*b"00:00:00", rest);
    let digits = if rest.get(5) == Some(&b':') { 8 } else { 5 };
    time[..digits].copy_from_slice(rest.get(..digits)?);
    rest = rest.get(digits..)?;
    let mut nanos = 0;
    if let (8, [b'.' | b',', fraction @ ..]) = (digits, rest) {
        let count = fraction.iter().take_while(|b| b.is_ascii_digit()).count();
        if count == 0 {
            return None;
        }
        let digit = |i: usize| if i < count { u32::from(fraction[i] - b'0') } else { 0 };
        nanos = (0..9).fold(0, |n, i| n * 10 + digit(i));
        rest = &fraction[count..];
    }
    let offset = zone(rest.trim_ascii_start())?;
    let seconds = midnight + i64::from(clock(&time)?) - i64::from(offset.unwrap_or(0));
    Some(Instant { seconds, nanos, zoned: offset.is_some() })
}

/// Seconds east of Greenwich, `Some(None)` if nothing is written.
pub(super) fn zone(text: &[u8]) -> Option<Option<i32>> {
    let (negative, digits) = match text {
        [] => return Some(None),
        b"Z" | b"z" => return Some(Some(0)),
        [b'+', digits @ ..] => (false, digits),
        [b'-', digits @ ..] => (true, digits),
        _ => return None,
    };
    let (hours, minutes) = match digits {
        [a, b] => ([*a, *b], *b"00"),
        [a, b, c, d] | [a, b, b':', c, d] => ([*a, *b], [*c, *d]),
        _ => return None,
    };
    let two = |t: [u8; 2]| short_whole(&t).filter(|_| t[0].is_ascii_digit());
    let (hours, minutes) = (two(hours)?, two(minutes)?);
    if hours > 23 || minutes > 59 {
        return None;
    }
    let seconds = (hours * 3600 + minutes * 60) as i32;
    Some(Some(if negative { -seconds } else { seconds }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn numbers_are_read_exactly() {
        assert_eq!(short_whole(b"-42"), Some(-42));
        assert_eq!(short_whole(b"08123"), Some(8123));
        for text in ["", "-", "+", "1.0", "1e3", " 1", "1_000"] {
            assert_eq!(short_whole(text.as_bytes()), None, "{text}");
        }
        assert_eq!(whole(b" 18446744073709551615 "), Some(i128::from(u64::MAX)));
        assert_eq!(whole(b"-9223372036854775808"), Some(i128::from(i64::MIN)));
        for text in ["12.5", "-0.1", "3", ".5", "5.", "123456.789012", "0.000001"] {
            assert_eq!(short_real(text.as_bytes()).map(f64::to_bits), Some(text.parse::<f64>().unwrap().to_bits()));
        }
        assert_eq!(short_real(b"-0").map(f64::to_bits), Some((-0.0f64).to_bits()));
        for text in ["", ".", "-", "-.", "1..2", "1e5", "nan", "12,5"] {
            assert_eq!(short_real(text.as_bytes()), None, "{text}");
        }
        assert_eq!(real(b"1e400"), Some(f64::INFINITY));
        assert_eq!(real(b" 1.5e3 "), Some(1500.0));
    }

    #[test]
    fn numbers_of_other_spellings_become_plain_ones() {
        let read = |text: &str, decimal, thousands| {
            let mut scratch = Vec::new();
            let plain = Spelling { decimal, thousands }.plain(text.as_bytes(), &mut scratch)?;
            Some(String::from_utf8(plain.to_vec()).unwrap())
        };
        for (text, plain) in [
            ("1.234,5", Some("1234.5")),
            ("-1.234.567", Some("-1234567")),
            ("1,5e3", Some("1.5e3")),
            ("12", Some("12")),
            ("inf", Some("inf")),
            (".5", None),
            ("1.", None),
            ("1..2", None),
            ("1,5.000", None),
        ] {
            assert_eq!(read(text, ',', Some('.')).as_deref(), plain, "{text}");
        }
        assert_eq!(read("1.5", ',', None), None);
        assert_eq!(read("1\u{a0}234,5", ',', Some('\u{a0}')).as_deref(), Some("1234.5"));
        assert_eq!(read("12,34,567.5", '.', Some(',')).as_deref(), Some("1234567.5"));
    }

    #[test]
    fn dates_and_times_are_read_as_iso_8601_has_them() {
        let seconds = |text: &str| instant(text.as_bytes()).map(|i| i.seconds);
        assert_eq!(date(b"1970-01-01"), Some(0));
        assert_eq!(date(b"2000-02-29"), Some(11_016));
        assert_eq!(date(b"0000-03-01"), Some(-719_468));
        for text in ["1900-02-29", "2023-13-01", "2023-00-10", "2023-04-31", "2023-1-01", "2023/01/01"] {
            assert_eq!(date(text.as_bytes()), None, "{text}");
        }
        assert_eq!(short_instant(b"2023-01-01 00:26:10"), Some(1_672_532_770));
        assert_eq!(seconds("2023-01-01T00:26:10Z"), Some(1_672_532_770));
        assert_eq!(seconds("2023-01-01 02:26:10+02:00"), Some(1_672_532_770));
        assert_eq!(seconds("2022-12-31 20:26:10-0400"), Some(1_672_532_770));
        assert_eq!(seconds("2023-01-01"), Some(1_672_531_200));
        assert_eq!(seconds("2023-01-01 00:26"), Some(1_672_532_760));
        let fine = instant(b"1969-12-31 23:59:59.1234567891").unwrap();
        assert_eq!((fine.seconds, fine.nanos, fine.zoned), (-1, 123_456_789, false));
        assert_eq!(fine.count(TimeUnit::Microsecond), Some(-876_544));
        for text in
            ["2023-01-01 24:00:00", "2023-01-01 1:00", "2023-01-01T", "2023-01-01 00:00:00.", "2023-01-01 00:00 x"]
        {
            assert_eq!(seconds(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn short_forms_agree_with_the_long_ones(mantissa in any::<i64>(), point in 0usize..20) {
            let mut text = mantissa.to_string();
            let at = text.len().saturating_sub(point).max(1);
            if text.as_bytes()[at - 1] != b'-' {
                text.insert(at, '.');
            }
            if let Some(short) = short_real(text.as_bytes()) {
                prop_assert_eq!(short.to_bits(), text.parse::<f64>().unwrap().to_bits());
            }
            prop_assert_eq!(real(text.as_bytes()).map(f64::to_bits), text.parse::<f64>().ok().map(f64::to_bits));
        }

        #[test]
        fn words_agree_with_bytes(text in "[0-9]{0,5}[.,:0-9+-]?[0-9]{0,5}", rest in "[0-9.,]{8}") {
            let all = format!("{text}{rest}");
            let word = u64::from_le_bytes(*all.as_bytes().first_chunk().unwrap());
            if let Some(value) = word_whole(word, text.len()) {
                prop_assert_eq!(Some(value), text.parse().ok());
            }
            if let Some(value) = word_real(word, text.len()) {
                prop_assert_eq!(Some(value.to_bits()), text.parse::<f64>().ok().map(f64::to_bits));
            }
            let plain = (1..=8).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
            prop_assert_eq!(word_whole(word, text.len()).is_some(), plain);
        }

        #[test]
        fn every_day_is_the_one_after_the_day_before(day in -700_000i32..2_900_000) {
            let text = chrono::DateTime::from_timestamp(i64::from(day) * 86_400, 0).unwrap().format("%Y-%m-%d").to_string();
            prop_assert_eq!(date(text.as_bytes()), Some(day));
        }
    }
}
