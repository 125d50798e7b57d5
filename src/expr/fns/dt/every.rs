//! Steps of time as people write them: `15m`, `1h`, `1d`, `1mo`.

use std::str::FromStr;

use crate::base::{Error, Result};

/// A step of time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Every {
    /// Always equally long, counted in nanoseconds from 1970-01-01 00:00.
    Fixed(i64),
    /// Whole weeks, from Monday to Sunday.
    Weeks(i64),
    /// Whole months, counted from January of year 0.
    Months(i64),
}

impl FromStr for Every {
    type Err = Error;

    /// A number and a unit: `ns`, `us`, `ms`, `s`, `m` or `min`, `h`, `d`, `w` (from Monday), `mo`, `q`, `y`. Without a
    /// number it is 1.
    fn from_str(text: &str) -> Result<Every> {
        let wrong = || {
            Error::invalid(format!("`{text}` is not a step of time"))
                .help("write a number and one of ns, us, ms, s, m, h, d, w, mo, q, y, for example `15m`")
        };
        let digits = text.chars().take_while(char::is_ascii_digit).count();
        let (count, unit) = text.split_at(digits);
        let count: i64 = if count.is_empty() { 1 } else { count.parse().map_err(|_| wrong())? };
        let fixed = |nanoseconds: i64| count.checked_mul(nanoseconds).map(Every::Fixed);
        let every = match unit {
            "ns" => fixed(1),
            "us" | "µs" => fixed(1_000),
            "ms" => fixed(1_000_000),
            "s" | "S" => fixed(1_000_000_000),
            "m" | "min" => fixed(60_000_000_000),
            "h" | "H" => fixed(3_600_000_000_000),
            "d" | "D" => fixed(86_400_000_000_000),
            "w" | "W" => Some(Every::Weeks(count)),
            "mo" => Some(Every::Months(count)),
            "q" | "Q" => count.checked_mul(3).map(Every::Months),
            "y" | "Y" => count.checked_mul(12).map(Every::Months),
            _ => None,
        };
        every.filter(|_| (1..=1_000_000_000).contains(&count)).ok_or_else(wrong)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_are_read_as_people_write_them() {
        let read = |text: &str| text.parse::<Every>().ok();
        assert_eq!(read("15m"), Some(Every::Fixed(900_000_000_000)));
        assert_eq!(read("15min"), read("15m"));
        assert_eq!(read("h"), Some(Every::Fixed(3_600_000_000_000)));
        assert_eq!(read("1q"), Some(Every::Months(3)));
        assert_eq!(read("2w"), Some(Every::Weeks(2)));
        for wrong in ["", "0s", "-1h", "5", "1M", "1.5h", "99999999999d", "h1"] {
            assert_eq!(read(wrong), None, "{wrong}");
        }
    }
}
