//! Numbers, durations and texts as people and browsers read them.

use std::time::Duration;

/// A duration as Dask shows it: `309.35 ms`, `12.3 s`, `2m 5s`, `1h 2m`.
pub fn duration(d: Duration) -> String {
    match d.as_secs() {
        0 => format!("{:.2} ms", d.as_secs_f64() * 1e3),
        1..60 => format!("{:.1} s", d.as_secs_f64()),
        s @ 60..3600 => format!("{}m {}s", s / 60, s % 60),
        s => format!("{}h {}m", s / 3600, s / 60 % 60),
    }
}

/// A number in groups of three digits: `1,234,567`.
pub fn count(n: u64) -> String {
    let digits = n.to_string();
    let mut out = String::with_capacity(digits.len() * 4 / 3);
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// A text as it stands in HTML and XML, between tags and in attributes: markup escaped, and what XML cannot hold replaced.
pub fn markup(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            '\n' | '\t' => out.push(c),
            c if c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}') => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
    out
}

/// A title and facts, as a table that looks right in light and dark.
pub fn card(title: &str, facts: &[(&str, String)]) -> String {
    let rows: String = facts
        .iter()
        .map(|(name, value)| {
            let (name, value) = (markup(name), markup(value));
            format!(
                "<tr><th scope=\"row\" style=\"text-align:left;padding-right:1em\">{name}</th><td>{value}</td></tr>"
            )
        })
        .collect();
    let style =
        "display:inline-block;font:14px system-ui,sans-serif;border:1px solid #8888;border-radius:8px;padding:.6em 1em";
    format!("<div style=\"{style}\"><strong>{}</strong><table>{rows}</table></div>", markup(title))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_shown_as_dask_shows_them() {
        assert_eq!(duration(Duration::from_micros(309_350)), "309.35 ms");
        assert_eq!(duration(Duration::from_millis(12_340)), "12.3 s");
        assert_eq!(duration(Duration::from_secs(125)), "2m 5s");
        assert_eq!(duration(Duration::from_secs(3_725)), "1h 2m");
    }

    #[test]
    fn facts_are_escaped() {
        let html = card("A & b", &[("Where", "<here>".to_string())]);
        assert!(html.contains("<strong>A &amp; b</strong>") && html.contains("<td>&lt;here&gt;</td>"), "{html}");
    }

    #[test]
    fn numbers_are_grouped() {
        let shown = [0, 999, 1000, 1_234_567].map(count);
        assert_eq!(shown, ["0", "999", "1,000", "1,234,567"]);
    }
}
