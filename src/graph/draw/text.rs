//! How wide texts are, where lines break, what must be escaped.

use std::fmt::Write;

/// The width of a character in em, of a wide sans-serif face: narrower ones leave a little room.
fn em(c: char) -> f64 {
    match c {
        '\'' | 'i' | 'j' | 'l' | 'I' | 'J' => 0.29,
        ' ' | ',' | '.' | '·' | '/' | ':' | ';' | '\\' | '|' | 'f' | '-' | '\u{a0}' => 0.36,
        '(' | ')' | '[' | ']' | 't' | '!' | 'r' => 0.41,
        '"' | '*' | '_' | '`' | 's' | 'z' | '?' | 'c' => 0.55,
        'M' | '%' | 'm' | 'W' | '@' | '…' | '—' => 1.0,
        '#' | '+' | '<' | '=' | '>' | '^' | '~' | '→' | '×' | '≤' | '≥' | 'w' | 'O' | 'Q' | '&' | 'D' | 'G' => {
            0.84
        }
        'A'..='Z' => 0.75,
        '\u{300}'..='\u{36f}' | '\u{200b}'..='\u{200f}' | '\u{fe00}'..='\u{fe0f}' => 0.0,
        ' '..='\u{17f}' => 0.65,
        '\u{370}'..='\u{1fff}' => 0.95,
        // ideographs, kana, full-width forms, pictures
        _ => 1.4,
    }
}

/// The width of a text in em.
pub(super) fn width(text: &str) -> f64 {
    text.chars().map(em).sum()
}

/// Breaks a text into lines no wider than `most` em, at spaces, and within a word only if it is too long for a line; beyond
/// `lines` lines it is cut with an ellipsis. Lines are about equally long.
pub(super) fn wrap(text: &str, most: f64, lines: usize) -> Vec<String> {
    let text: String = text.chars().filter(|c| !c.is_control() || *c == '\n').collect();
    let pieces: Vec<&str> = text.split('\n').flat_map(words).collect();
    let mut out = fill(&pieces, most);
    if out.len() > lines {
        out.truncate(lines);
        if let Some(last) = out.last_mut() {
            while width(last) + em('…') > most {
                last.pop();
            }
            last.push('…');
        }
        return out;
    }
    // as narrow as goes with as many lines
    let (mut narrow, mut wide) = (most / 2.0, most);
    for _ in 0..5 {
        let middle = (narrow + wide) / 2.0;
        let tried = fill(&pieces, middle);
        if tried.len() <= out.len() && tried.iter().all(|l| width(l) <= middle) {
            (out, wide) = (tried, middle);
        } else {
            narrow = middle;
        }
    }
    out
}

/// As many pieces in each line as it takes. A piece that begins a line of its own ends with a line break.
fn fill(pieces: &[&str], most: f64) -> Vec<String> {
    let mut out: Vec<String> = Vec::new();
    let mut line = String::new();
    let mut taken = 0.0;
    let mut end = |line: &mut String, taken: &mut f64| {
        let done = std::mem::take(line);
        *taken = 0.0;
        if !done.trim().is_empty() {
            out.push(done.trim().to_string());
        }
    };
    for &word in pieces {
        let wide = width(word.trim_end());
        if taken + wide > most {
            end(&mut line, &mut taken);
        }
        if wide <= most {
            line.push_str(word);
            taken += width(word);
        } else {
            for part in parts(word) {
                if taken + width(part.trim_end()) > most {
                    end(&mut line, &mut taken);
                }
                for c in part.chars() {
                    if taken + em(c) > most && c != ' ' {
                        end(&mut line, &mut taken);
                    }
                    line.push(c);
                    taken += em(c);
                }
            }
        }
        if word.is_empty() {
            end(&mut line, &mut taken);
        }
    }
    end(&mut line, &mut taken);
    out
}

/// The words of a line, each with the space behind it, then nothing. An arrow goes with the word behind it.
fn words(line: &str) -> Vec<&str> {
    let mut words = Vec::new();
    let (mut from, mut at) = (0, 0);
    for word in line.split_inclusive(' ') {
        at += word.len();
        if !matches!(line[from..at].trim(), "→" | "") {
            words.push(&line[from..at]);
            from = at;
        }
    }
    if from < line.len() {
        words.push(&line[from..]);
    }
    words.push("");
    words
}

/// The parts of a long word, each with the punctuation that ends it.
fn parts(word: &str) -> impl Iterator<Item = &str> {
    word.split_inclusive(['/', '(', ')', '-', '_', '.', ',', ':'])
}

/// A text between the quotes of a DOT string; lines are centred.
pub(super) fn dot(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            // its labels know entities
            '&' => out.push_str("&amp;"),
            '\n' => out.push_str("\\n"),
            c if c.is_control() => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
    out
}

/// Writes a coordinate: a tenth of a pixel is enough.
pub(super) fn number(out: &mut String, value: f64) {
    let tenths = (value * 10.0).round() as i64;
    if tenths < 0 {
        out.push('-');
    }
    let (whole, tenth) = (tenths.unsigned_abs() / 10, tenths.unsigned_abs() % 10);
    let _ = write!(out, "{whole}");
    if tenth != 0 {
        let _ = write!(out, ".{tenth}");
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn lines_break_where_words_end() {
        assert_eq!(wrap("scan → filter → describe", 6.0, 9), ["scan", "→ filter", "→ describe"]);
        assert_eq!(wrap("fare_amount, tip_amount", 9.0, 9), ["fare_amount,", "tip_amount"]);
        assert_eq!(wrap("one\ntwo", 9.0, 9), ["one", "two"]);
        assert_eq!(wrap("aa bb cc", 2.4, 2), ["aa", "bb…"], "cut");
        assert_eq!(
            wrap("sum(fare_amount) tip_amount_in_dollars", 8.0, 9),
            ["sum(fare_", "amount)", "tip_amount_", "in_dollars"]
        );
        assert_eq!(wrap("aa aa aa aa", 5.6, 9), ["aa aa", "aa aa"], "not three and one");
        assert_eq!(wrap("", 2.0, 2), [""; 0]);
    }

    #[test]
    fn coordinates_are_short() {
        let text = |v| {
            let mut out = String::new();
            number(&mut out, v);
            out
        };
        assert_eq!([text(1.0), text(-0.04), text(-1.25), text(2.55)], ["1", "0", "-1.3", "2.6"]);
    }

    proptest! {
        #[test]
        fn nothing_but_spaces_is_lost_by_wrapping(text in "[a-zé→, _(/\n]{0,80}", most in 3.0..20.0) {
            let lines = wrap(&text, most, usize::MAX);
            let dense = |t: &str| t.chars().filter(|c| !c.is_whitespace()).collect::<String>();
            prop_assert_eq!(dense(&lines.concat()), dense(&text));
            prop_assert!(lines.iter().all(|l| width(l) <= most + 1e-9), "{:?}", lines);
        }
    }
}
