//! Sizes as people write them: `"512MB"`, `"2 GiB"`, `"1.5e9"`.

use std::fmt;
use std::str::FromStr;

use super::error::{Error, ErrorKind};

/// A number of bytes that is read and shown the way people write it.
///
/// Decimal units (`kB`, `MB`, `GB`, `TB`) are powers of 1000, binary ones (`KiB`, `MiB`, …) powers of 1024, as in
/// Dask's `parse_bytes`; letter case does not matter and a bare number is bytes. It is shown in binary units.
///
/// ```
/// use partita::ByteSize;
/// let size: ByteSize = "2GB".parse()?;
/// assert_eq!(size.0, 2_000_000_000);
/// assert_eq!(size.to_string(), "1.86 GiB");
/// # Ok::<(), partita::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct ByteSize(pub u64);

const UNITS: [(&str, f64); 15] = [
    ("", 1.0),
    ("b", 1.0),
    ("kb", 1e3),
    ("mb", 1e6),
    ("gb", 1e9),
    ("tb", 1e12),
    ("kib", 1024.0),
    ("mib", 1_048_576.0),
    ("gib", 1_073_741_824.0),
    ("tib", 1_099_511_627_776.0),
    ("k", 1e3),
    ("m", 1e6),
    ("g", 1e9),
    ("t", 1e12),
    ("bytes", 1.0),
];

impl FromStr for ByteSize {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let trimmed = text.trim().to_ascii_lowercase();
        let invalid = || {
            Error::new(ErrorKind::Invalid { what: format!("`{text}` is not a size in bytes") })
                .help("write a number and a unit, for example \"512MB\" or \"2 GiB\"")
        };
        // the unit starts at the first letter that is not the exponent of a number such as 1.5e9
        let end = trimmed
            .char_indices()
            .find(|&(i, c)| {
                let exponent = c == 'e' && trimmed[i + 1..].starts_with(|d: char| d.is_ascii_digit() || d == '+');
                c.is_ascii_alphabetic() && !exponent
            })
            .map_or(trimmed.len(), |(i, _)| i);
        let (number, unit) = trimmed.split_at(end);
        let number: f64 = if number.trim().is_empty() { 1.0 } else { number.trim().parse().map_err(|_| invalid())? };
        let factor = UNITS.iter().find(|(name, _)| *name == unit.trim()).ok_or_else(invalid)?.1;
        let bytes = number * factor;
        if trimmed.is_empty() || !(0.0..=u64::MAX as f64).contains(&bytes) {
            return Err(invalid());
        }
        Ok(ByteSize(bytes as u64))
    }
}

impl From<u64> for ByteSize {
    fn from(bytes: u64) -> Self {
        ByteSize(bytes)
    }
}

impl From<usize> for ByteSize {
    fn from(bytes: usize) -> Self {
        ByteSize(bytes as u64)
    }
}

impl ByteSize {
    /// In decimal units: `32.00 MB`.
    pub fn decimal(self) -> String {
        let units = [("TB", 1e12), ("GB", 1e9), ("MB", 1e6), ("kB", 1e3)];
        match units.into_iter().find(|(_, factor)| self.0 as f64 >= *factor) {
            Some((unit, factor)) => format!("{:.2} {unit}", self.0 as f64 / factor),
            None => format!("{} B", self.0),
        }
    }
}

impl fmt::Display for ByteSize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bytes = self.0 as f64;
        for (unit, factor) in
            [("TiB", 1024f64.powi(4)), ("GiB", 1024f64.powi(3)), ("MiB", 1024f64.powi(2)), ("KiB", 1024.0)]
        {
            if bytes >= factor {
                return write!(f, "{:.2} {unit}", bytes / factor);
            }
        }
        write!(f, "{} B", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::ByteSize;

    #[test]
    fn sizes_are_shown_in_both_kinds_of_units() {
        let both = |bytes: u64| (ByteSize(bytes).to_string(), ByteSize(bytes).decimal());
        assert_eq!(both(32_000_000), ("30.52 MiB".into(), "32.00 MB".into()));
        assert_eq!(both(999), ("999 B".into(), "999 B".into()));
        assert_eq!(ByteSize(80_000_000_000).decimal(), "80.00 GB");
    }

    #[test]
    fn sizes_are_read_as_dask_reads_them() {
        for (text, bytes) in [
            ("512MB", 512_000_000),
            ("2 GB", 2_000_000_000),
            ("1kB", 1000),
            ("1 KiB", 1024),
            ("1.5GiB", 1_610_612_736),
            ("100", 100),
            ("5e3 kB", 5_000_000),
            ("MB", 1_000_000),
        ] {
            assert_eq!(text.parse::<ByteSize>().unwrap().0, bytes, "{text}");
        }
        for text in ["", "twelve", "12 XB", "-1MB", "1e30GB"] {
            assert!(text.parse::<ByteSize>().is_err(), "{text}");
        }
    }
}
