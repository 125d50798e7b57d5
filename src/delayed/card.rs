//! Facts as HTML.

use crate::base::shown::markup;

/// A title and facts, as a table that looks right in light and dark.
pub(super) fn card(title: &str, facts: &[(&str, String)]) -> String {
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
