//! Colours that everybody can tell apart, on light and on dark paper.
//!
//! The hues are those of Okabe and Ito ("Color Universal Design", 2008) and their kin in between: pale on light paper and deep on
//! dark paper, so that text stays readable on them, with a border of the hue itself.

/// How a class of nodes is coloured on one paper.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ink {
    /// The inside.
    pub fill: &'static str,
    /// The border.
    pub line: &'static str,
}

/// The colours of a paper.
#[derive(Clone, Copy, Debug)]
pub(super) struct Paper {
    pub paper: &'static str,
    pub text: &'static str,
    pub faint: &'static str,
    pub edge: &'static str,
    pub running: &'static str,
    pub failed: &'static str,
    pub classes: [Ink; 9],
}

const fn ink(fill: &'static str, line: &'static str) -> Ink {
    Ink { fill, line }
}

/// By day.
pub(super) const LIGHT: Paper = Paper {
    paper: "#ffffff",
    text: "#1b1f24",
    faint: "#57606a",
    edge: "#8a929c",
    running: "#0b62c4",
    failed: "#c1121f",
    classes: [
        ink("#d3e9f8", "#2f7fb8"),
        ink("#fde5bd", "#b87400"),
        ink("#c9ecdf", "#008a62"),
        ink("#f6d9e8", "#b3598c"),
        ink("#faf3b8", "#8f8300"),
        ink("#fbd9c8", "#c0541a"),
        ink("#dcdcf7", "#5a5cb8"),
        ink("#dfe8c4", "#6c8a1d"),
        ink("#e4e7eb", "#6b7480"),
    ],
};

/// By night.
pub(super) const DARK: Paper = Paper {
    paper: "#0f1419",
    text: "#eef1f4",
    faint: "#a3adb8",
    edge: "#737d88",
    running: "#6cb6ff",
    failed: "#ff7b72",
    classes: [
        ink("#123a57", "#56b4e9"),
        ink("#4d3503", "#e69f00"),
        ink("#053f30", "#1fb98a"),
        ink("#4c2239", "#dc8fb8"),
        ink("#413c05", "#dccf3a"),
        ink("#532411", "#f0824a"),
        ink("#2a2b5c", "#9a9cf0"),
        ink("#2f3c0f", "#a5c44c"),
        ink("#2a313a", "#97a1ad"),
    ],
};

#[cfg(test)]
mod tests {
    use super::*;

    /// Relative luminance, as WCAG 2 defines it.
    fn luminance(hex: &str) -> f64 {
        let part = |at: usize| {
            let v = f64::from(u8::from_str_radix(&hex[at..at + 2], 16).unwrap()) / 255.0;
            if v <= 0.04045 { v / 12.92 } else { ((v + 0.055) / 1.055).powf(2.4) }
        };
        0.2126 * part(1) + 0.7152 * part(3) + 0.0722 * part(5)
    }

    fn contrast(a: &str, b: &str) -> f64 {
        let (a, b) = (luminance(a), luminance(b));
        (a.max(b) + 0.05) / (a.min(b) + 0.05)
    }

    #[test]
    fn text_and_borders_can_be_seen() {
        for paper in [LIGHT, DARK] {
            for ink in paper.classes {
                assert!(contrast(paper.text, ink.fill) > 7.0, "{ink:?}");
                assert!(contrast(paper.faint, ink.fill) > 4.5, "{ink:?} {}", contrast(paper.faint, ink.fill));
                assert!(contrast(ink.line, paper.paper) > 3.0, "{ink:?} {}", contrast(ink.line, paper.paper));
            }
            assert!(contrast(paper.faint, paper.paper) > 4.5 && contrast(paper.edge, paper.paper) > 3.0);
            assert!(contrast(paper.running, paper.paper) > 4.5 && contrast(paper.failed, paper.paper) > 4.5);
        }
    }
}
