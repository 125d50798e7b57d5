//! Dates and times in other spellings than ISO 8601: formats as `strftime` writes them, and which of the usual ones fit a
//! text. Functions of bytes alone.

use std::sync::LazyLock;

use super::parse::{Instant, days, zone};
use crate::base::{Error, Result};

/// How dates and times are spelled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TimeFormat {
    items: Vec<Item>,
    text: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Item {
    /// One blank or more.
    Blank,
    Letter(u8),
    Year,
    ShortYear,
    Month,
    MonthName,
    Day,
    DayOfYear,
    WeekdayName,
    Hour,
    Hour12,
    HalfDay,
    Minute,
    Second,
    /// Digits of a second.
    Fraction,
    /// A point and digits of a second, or nothing.
    MaybeFraction,
    Zone,
}

const MONTHS: [&str; 12] = [
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
];
const WEEKDAYS: [&str; 7] = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];

impl TimeFormat {
    /// The format that `text` is: `%Y`, `%y`, `%m`, `%d`, `%e`, `%b`, `%B`, `%j`, `%a`, `%A`, `%H`, `%I`, `%p`, `%M`, `%S`, `%f`
    /// (digits of a second), `%.f` (a point and such digits, or nothing), `%z` and `%Z` (`Z`, `UTC`, `+02:00`), `%F`, `%T`, `%D`,
    /// `%R`, `%%`; a blank is any number of blanks, anything else is itself. Numbers may lack their leading zero.
    ///
    /// # Errors
    /// `Invalid` for any other letter behind a `%`, and for a format without a day.
    pub fn new(text: &str) -> Result<TimeFormat> {
        let mut items = Vec::new();
        let mut letters = text.bytes();
        while let Some(letter) = letters.next() {
            match letter {
                b'%' => directive(&mut letters, &mut items)
                    .ok_or_else(|| Error::invalid(format!("`{text}` is no format of times that is known")))?,
                b' ' if items.last() == Some(&Item::Blank) => {}
                b' ' => items.push(Item::Blank),
                other => items.push(Item::Letter(other)),
            }
        }
        let has = |some: &[Item]| some.iter().any(|item| items.contains(item));
        let dated = has(&[Item::Year, Item::ShortYear])
            && (has(&[Item::DayOfYear]) || (has(&[Item::Month, Item::MonthName]) && has(&[Item::Day])));
        if !dated {
            return Err(Error::invalid(format!("`{text}` has no year, month and day")));
        }
        if has(&[Item::Hour12]) != has(&[Item::HalfDay]) {
            return Err(Error::invalid(format!("`{text}` has one of %I and %p, which need each other")));
        }
        Ok(TimeFormat { items, text: text.to_string() })
    }

    /// The format as it was given.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Whether it has a time of the day.
    pub fn has_time(&self) -> bool {
        self.items.iter().any(|item| matches!(item, Item::Hour | Item::Hour12))
    }

    /// Whether it has a zone, so that it tells instants and not what a clock shows.
    pub fn has_zone(&self) -> bool {
        self.items.contains(&Item::Zone)
    }

    /// What the text says, if all of it is in this format. Blanks around it do not count.
    pub fn parse(&self, text: &[u8]) -> Option<Instant> {
        let mut text = text.trim_ascii();
        let mut found = Parts::default();
        for item in &self.items {
            text = found.take(*item, text)?;
        }
        if text.is_empty() { found.instant() } else { None }
    }
}

fn directive(letters: &mut std::str::Bytes<'_>, items: &mut Vec<Item>) -> Option<()> {
    let mut all = |some: &[Item]| items.extend_from_slice(some);
    use Item::*;
    match letters.next()? {
        b'Y' => all(&[Year]),
        b'y' => all(&[ShortYear]),
        b'm' => all(&[Month]),
        b'd' | b'e' => all(&[Day]),
        b'b' | b'B' | b'h' => all(&[MonthName]),
        b'j' => all(&[DayOfYear]),
        b'a' | b'A' => all(&[WeekdayName]),
        b'H' | b'k' => all(&[Hour]),
        b'I' | b'l' => all(&[Hour12]),
        b'p' | b'P' => all(&[HalfDay]),
        b'M' => all(&[Minute]),
        b'S' => all(&[Second]),
        b'f' => all(&[Fraction]),
        b'.' if letters.next()? == b'f' => all(&[MaybeFraction]),
        b'z' | b'Z' => all(&[Zone]),
        b'F' => all(&[Year, Letter(b'-'), Month, Letter(b'-'), Day]),
        b'D' => all(&[Month, Letter(b'/'), Day, Letter(b'/'), ShortYear]),
        b'T' => all(&[Hour, Letter(b':'), Minute, Letter(b':'), Second]),
        b'R' => all(&[Hour, Letter(b':'), Minute]),
        b'%' => all(&[Letter(b'%')]),
        _ => return None,
    }
    Some(())
}

/// What is known of an instant while its text is read.
#[derive(Default)]
struct Parts {
    year: u32,
    month: u32,
    day: u32,
    day_of_year: Option<u32>,
    hour: u32,
    afternoon: Option<bool>,
    minute: u32,
    second: u32,
    nanos: u32,
    zone: Option<i32>,
}

impl Parts {
    /// Reads one item at the start of a text, and gives the rest.
    #[inline]
    fn take<'a>(&mut self, item: Item, text: &'a [u8]) -> Option<&'a [u8]> {
        let number = |into: &mut u32, least: usize, most: usize| {
            let digits = text.iter().take(most).take_while(|b| b.is_ascii_digit()).count();
            *into = text[..digits].iter().fold(0, |n, b| n * 10 + u32::from(b - b'0'));
            (digits >= least).then(|| &text[digits..])
        };
        match item {
            Item::Blank => {
                let rest = text.trim_ascii_start();
                (rest.len() < text.len()).then_some(rest)
            }
            Item::Letter(letter) => text.split_first().filter(|(first, _)| **first == letter).map(|(_, rest)| rest),
            Item::Year => number(&mut self.year, 4, 4),
            Item::ShortYear => {
                let rest = number(&mut self.year, 2, 2)?;
                // as POSIX has it
                self.year += if self.year < 69 { 2000 } else { 1900 };
                Some(rest)
            }
            Item::Month => number(&mut self.month, 1, 2),
            Item::Day => number(&mut self.day, 1, 2),
            Item::DayOfYear => number(self.day_of_year.insert(0), 1, 3),
            Item::Hour | Item::Hour12 => number(&mut self.hour, 1, 2),
            Item::Minute => number(&mut self.minute, 2, 2),
            Item::Second => number(&mut self.second, 2, 2),
            Item::MonthName => {
                let (place, rest) = name(&MONTHS, text)?;
                self.month = place as u32 + 1;
                Some(rest)
            }
            Item::WeekdayName => name(&WEEKDAYS, text).map(|(_, rest)| rest),
            Item::HalfDay => {
                let (half, rest) = text.split_first_chunk::<2>()?;
                self.afternoon = Some(match half.map(|b| b.to_ascii_lowercase()) {
                    [b'a', b'm'] => false,
                    [b'p', b'm'] => true,
                    _ => return None,
                });
                Some(rest)
            }
            Item::Fraction => self.fraction(text),
            Item::MaybeFraction => match text {
                [b'.' | b',', digits @ ..] => self.fraction(digits),
                text => Some(text),
            },
            Item::Zone => {
                let end = text.iter().position(|b| *b == b' ').unwrap_or(text.len());
                let (own, rest) = text.split_at(end);
                let universal = own.eq_ignore_ascii_case(b"utc") || own.eq_ignore_ascii_case(b"gmt");
                self.zone = Some(if universal { 0 } else { zone(own)?? });
                Some(rest)
            }
        }
    }

    fn fraction<'a>(&mut self, text: &'a [u8]) -> Option<&'a [u8]> {
        let count = text.iter().take_while(|b| b.is_ascii_digit()).count();
        let digit = |i: usize| if i < count { u32::from(text[i] - b'0') } else { 0 };
        self.nanos = (0..9).fold(0, |n, i| n * 10 + digit(i));
        (count > 0).then(|| &text[count..])
    }

    fn instant(&self) -> Option<Instant> {
        let hour = match self.afternoon {
            None => self.hour,
            Some(_) if !(1..=12).contains(&self.hour) => return None,
            Some(afternoon) => self.hour % 12 + if afternoon { 12 } else { 0 },
        };
        if hour > 23 || self.minute > 59 || self.second > 59 {
            return None;
        }
        let day = match self.day_of_year {
            None => days(self.year, self.month, self.day)?,
            Some(day) => {
                let first = days(self.year, 1, 1)?;
                let last = days(self.year, 12, 31)?;
                Some(first + day as i32 - 1).filter(|found| (first..=last).contains(found))?
            }
        };
        let seconds = i64::from(day) * 86_400 + i64::from(hour * 3600 + self.minute * 60 + self.second);
        let (seconds, zoned) = (seconds - i64::from(self.zone.unwrap_or(0)), self.zone.is_some());
        Some(Instant { seconds, nanos: self.nanos, zoned })
    }
}

/// Which of `names` a text starts with, whole or by its first three letters, and what follows.
fn name<'a>(names: &[&str], text: &'a [u8]) -> Option<(usize, &'a [u8])> {
    let letters = text.iter().take_while(|b| b.is_ascii_alphabetic()).count();
    let (own, rest) = text.split_at(letters);
    let is = |n: &&str| own.eq_ignore_ascii_case(n.as_bytes()) || own.eq_ignore_ascii_case(&n.as_bytes()[..3]);
    names.iter().position(is).map(|place| (place, rest))
}

/// Formats that are looked for where none is given; month first where either may be, as in pandas.
static USUAL: LazyLock<Vec<TimeFormat>> = LazyLock::new(|| {
    let dates = [
        "%m/%d/%Y",
        "%d/%m/%Y",
        "%m-%d-%Y",
        "%d-%m-%Y",
        "%m.%d.%Y",
        "%d.%m.%Y",
        "%m/%d/%y",
        "%d/%m/%y",
        "%m-%d-%y",
        "%d-%m-%y",
        "%m.%d.%y",
        "%d.%m.%y",
        "%Y-%m-%d",
        "%Y/%m/%d",
        "%Y.%m.%d",
        "%d-%b-%Y",
        "%d-%b-%y",
        "%d/%b/%Y",
        "%d %b %Y",
        "%b %d, %Y",
        "%b %d %Y",
        "%a, %d %b %Y",
        "%Y%m%d",
    ];
    let times = ["", " %H:%M", " %H:%M:%S%.f", " %I:%M %p", " %I:%M:%S %p"];
    let more =
        ["%Y%m%d%H%M%S", "%Y%m%dT%H%M%S%.f", "%d/%b/%Y:%H:%M:%S %z", "%a, %d %b %Y %H:%M:%S %z", "%Y%m%dT%H%M%S%z"];
    let all = dates.iter().flat_map(|date| times.iter().map(move |time| format!("{date}{time}")));
    all.chain(more.map(String::from)).filter_map(|text| TimeFormat::new(&text).ok()).collect()
});

/// A set of the usual formats.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Formats(u128);

impl Formats {
    /// All of them.
    pub const ALL: Formats = Formats(u128::MAX);

    /// Those of them that this text may be in, if there are any.
    pub fn fitting(self, text: &[u8]) -> Option<Formats> {
        let fits = |i: usize| self.0 >> i & 1 == 1 && USUAL[i].parse(text).is_some();
        let found = (0..USUAL.len()).filter(|&i| fits(i)).fold(0, |set, i| set | 1 << i);
        (found != 0).then_some(Formats(found))
    }

    /// Those that are in both, if there are any.
    pub fn both(self, other: Formats) -> Option<Formats> {
        Some(Formats(self.0 & other.0)).filter(|both| both.0 != 0)
    }

    fn each(self) -> impl Iterator<Item = &'static TimeFormat> {
        (0..USUAL.len()).filter(move |i| self.0 >> i & 1 == 1).map(|i| &USUAL[i])
    }

    /// The format to read with: where day and month could be either, the day is first if `day_first`.
    pub fn chosen(self, day_first: bool) -> Option<&'static TimeFormat> {
        let day = |f: &&TimeFormat| f.items.first() == Some(&Item::Day);
        let by_day = self.each().find(day).filter(|_| day_first);
        by_day.or_else(|| self.each().next())
    }

    /// Whether day and month could be either.
    pub fn is_ambiguous(self) -> bool {
        let starts = |item: Item| self.each().any(|f| f.items.first() == Some(&item));
        starts(Item::Day) && starts(Item::Month)
    }
}

impl std::fmt::Debug for Formats {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.each().map(TimeFormat::text)).finish()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(format: &str, text: &str) -> Option<String> {
        let instant = TimeFormat::new(format).unwrap().parse(text.as_bytes())?;
        let zone = if instant.zoned { "Z" } else { "" };
        let time = chrono::DateTime::from_timestamp(instant.seconds, instant.nanos).unwrap();
        Some(format!("{}{zone}", time.format("%Y-%m-%d %H:%M:%S%.f")))
    }

    #[test]
    fn times_are_read_in_the_format_that_is_given() {
        for (format, text, expected) in [
            ("%d/%m/%Y", "3/12/2023", Some("2023-12-03 00:00:00")),
            ("%d/%m/%Y", "31/2/2023", None),
            ("%d/%m/%Y", "03/12/2023 10:00", None),
            ("%m/%d/%Y %I:%M:%S %p", "01/02/2017 12:05:06 AM", Some("2017-01-02 00:05:06")),
            ("%m/%d/%Y %I:%M %p", "1/2/2017 12:05 pm", Some("2017-01-02 12:05:00")),
            ("%m/%d/%Y %I:%M %p", "1/2/2017 13:05 pm", None),
            ("%d-%b-%y", "31-May-13", Some("2013-05-31 00:00:00")),
            ("%b %d, %Y", "September  5, 1970", Some("1970-09-05 00:00:00")),
            ("%Y%m%d %H:%M:%S.%f", "20160525 13:30:00.023", Some("2016-05-25 13:30:00.023")),
            ("%d/%b/%Y:%H:%M:%S %z", "10/Oct/2000:13:55:36 -0700", Some("2000-10-10 20:55:36Z")),
            ("%a, %d %b %Y %T %Z", "Tue, 10 Oct 2000 13:55:36 GMT", Some("2000-10-10 13:55:36Z")),
            ("%Y-%j", "2024-366", Some("2024-12-31 00:00:00")),
            ("%Y-%j", "2023-366", None),
            ("%FT%T%.f", "2023-01-02T03:04:05", Some("2023-01-02 03:04:05")),
            ("%FT%T%.f", "2023-01-02T03:04:05.5", Some("2023-01-02 03:04:05.500")),
            ("%d%%%m%%%Y", "1%2%2023", Some("2023-02-01 00:00:00")),
        ] {
            assert_eq!(read(format, text).as_deref(), expected, "{format} {text}");
        }
        for wrong in ["%H:%M", "%Y-%m", "%Q", "%d/%m/%Y %I:%M", "%"] {
            assert!(TimeFormat::new(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn usual_formats_are_found() {
        assert!(USUAL.len() <= 128 && USUAL.len() == 23 * 5 + 5);
        let chosen = |texts: &[&str], day_first| {
            let fit = |set: Option<Formats>, text: &&str| set?.fitting(text.as_bytes());
            texts.iter().fold(Some(Formats::ALL), fit).and_then(|s| s.chosen(day_first)).map(TimeFormat::text)
        };
        assert_eq!(chosen(&["01/02/2023"], false), Some("%m/%d/%Y"));
        assert_eq!(chosen(&["01/02/2023"], true), Some("%d/%m/%Y"));
        assert_eq!(chosen(&["01/02/2023", "13/02/2023"], false), Some("%d/%m/%Y"));
        assert_eq!(chosen(&["01/13/2023", "13/01/2023"], false), None);
        assert_eq!(chosen(&["31-May-13"], false), Some("%d-%b-%y"));
        assert_eq!(chosen(&["20160525 13:30:00.023"], false), Some("%Y%m%d %H:%M:%S%.f"));
        assert_eq!(chosen(&["01/01/2017 12:00:00 AM"], false), Some("%m/%d/%Y %I:%M:%S %p"));
        assert_eq!(chosen(&["2023-1-5"], false), Some("%Y-%m-%d"));
        assert_eq!(chosen(&["Queens"], false), None);
        let set = Formats::ALL.fitting(b"01/02/2023").unwrap();
        assert!(set.is_ambiguous() && !set.fitting(b"01/13/2023").unwrap().is_ambiguous());
    }

    proptest! {
        #[test]
        fn what_is_written_in_a_usual_format_is_read(seconds in 0i64..3_000_000_000, which in 0usize..120) {
            let format = &USUAL[which];
            let time = chrono::DateTime::from_timestamp(seconds, 0).unwrap();
            let written = time.format(&format.text().replace("%z", "+0000")).to_string();
            let back = format.parse(written.as_bytes());
            prop_assert!(back.is_some(), "{} {}", format.text(), written);
            let again = chrono::DateTime::from_timestamp(back.unwrap().seconds, 0).unwrap();
            prop_assert_eq!(again.format(&format.text().replace("%z", "+0000")).to_string(), written);
        }
    }
}
