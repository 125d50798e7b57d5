//! `col("s").str()`: text.

use std::ops::{Bound, RangeBounds};

use crate::expr::Expr;
use crate::expr::fns::str::{Find, Measure, Pattern, Rewrite};

/// Methods of text, as pandas' `Series.str`. Null in gives null out. Strings of any layout and dictionaries of strings
/// are text; other columns are a `TypeMismatch`. Text that comes out has the layout that went in (a dictionary gives
/// the layout of its values).
#[derive(Clone, Debug)]
pub struct Str(Expr);

impl Expr {
    /// Methods of text, as pandas' `Series.str`.
    ///
    /// ```
    /// use partita::col;
    /// let code = col("name").str().slice(..3).str().upper();
    /// assert_eq!(code.to_string(), "name.str.slice(..3).str.upper()");
    /// ```
    #[must_use]
    pub fn str(self) -> Str {
        Str(self)
    }
}

impl Str {
    /// Whether the text contains this, letter by letter (pandas' `contains` with `regex=False`).
    #[must_use]
    pub fn contains(self, part: impl Into<String>) -> Expr {
        Expr::call(Find::Contains(part.into()), [self.0])
    }

    /// Whether the text starts with this.
    #[must_use]
    pub fn starts_with(self, part: impl Into<String>) -> Expr {
        Expr::call(Find::StartsWith(part.into()), [self.0])
    }

    /// Whether the text ends with this.
    #[must_use]
    pub fn ends_with(self, part: impl Into<String>) -> Expr {
        Expr::call(Find::EndsWith(part.into()), [self.0])
    }

    /// Whether a regular expression (of the crate `regex`) matches anywhere in the text; `^` and `$` tie it to the
    /// ends. One that cannot be read is an error as soon as the expression meets a frame.
    #[must_use]
    pub fn matches(self, pattern: impl Into<String>) -> Expr {
        Expr::call(Find::Matches(Pattern::new(pattern)), [self.0])
    }

    /// The number of characters (Unicode scalar values, as in Python), Int64.
    // a column has no emptiness to ask for
    #[allow(clippy::len_without_is_empty)]
    #[must_use]
    pub fn len(self) -> Expr {
        Expr::call(Measure::Chars, [self.0])
    }

    /// The number of bytes in UTF-8, Int64.
    #[must_use]
    pub fn len_bytes(self) -> Expr {
        Expr::call(Measure::Bytes, [self.0])
    }

    /// The text in lower case.
    #[must_use]
    pub fn lower(self) -> Expr {
        Expr::call(Rewrite::Lower, [self.0])
    }

    /// The text in upper case.
    #[must_use]
    pub fn upper(self) -> Expr {
        Expr::call(Rewrite::Upper, [self.0])
    }

    /// The text without white space at both ends (pandas' `strip`).
    #[must_use]
    pub fn trim(self) -> Expr {
        Expr::call(Rewrite::Trim, [self.0])
    }

    /// The text without white space at the start (pandas' `lstrip`).
    #[must_use]
    pub fn trim_start(self) -> Expr {
        Expr::call(Rewrite::TrimStart, [self.0])
    }

    /// The text without white space at the end (pandas' `rstrip`).
    #[must_use]
    pub fn trim_end(self) -> Expr {
        Expr::call(Rewrite::TrimEnd, [self.0])
    }

    /// The characters of a range, whose negative bounds are counted from the end, as Python's slices: `..3`, `-2..`.
    #[must_use]
    pub fn slice(self, range: impl RangeBounds<i64>) -> Expr {
        // after the last character comes the end, and not the first
        let after = |bound: i64| if bound == -1 { None } else { Some(bound + 1) };
        let start = match range.start_bound() {
            Bound::Included(&bound) => Some(bound),
            Bound::Excluded(&bound) => after(bound),
            Bound::Unbounded => None,
        };
        let stop = match range.end_bound() {
            Bound::Included(&bound) => after(bound),
            Bound::Excluded(&bound) => Some(bound),
            Bound::Unbounded => None,
        };
        Expr::call(Rewrite::Slice { start, stop }, [self.0])
    }

    /// The text with every `from` replaced, letter by letter (pandas' `replace` with `regex=False`).
    #[must_use]
    pub fn replace(self, from: impl Into<String>, to: impl Into<String>) -> Expr {
        Expr::call(Rewrite::Replace { from: from.into(), to: to.into() }, [self.0])
    }

    /// The text with every match of a regular expression replaced; `$1` or `${name}` in `to` is what a group has
    /// matched. A pattern that cannot be read is an error as soon as the expression meets a frame.
    #[must_use]
    pub fn replace_regex(self, pattern: impl Into<String>, to: impl Into<String>) -> Expr {
        Expr::call(Rewrite::ReplaceRegex { pattern: Pattern::new(pattern), to: to.into() }, [self.0])
    }
}
