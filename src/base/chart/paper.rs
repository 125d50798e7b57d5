//! The beginning of a picture: its size, style and title.

use std::fmt::Write;

use crate::base::shown::markup;

/// Colours by day or by night.
struct Colours {
    ground: &'static str,
    faint: &'static str,
    text: &'static str,
    beside: &'static str,
    hues: [&'static str; super::Hue::COLOURS],
}

const DAY: Colours = Colours {
    ground: "#ffffff",
    faint: "#e4e7eb",
    text: "#1b1f24",
    beside: "#8a939e",
    hues: ["#2f7fb8", "#d0582a", "#36873b", "#8557b0", "#a87908", "#c23f74", "#178a8a", "#7a5a45"],
};
const NIGHT: Colours = Colours {
    ground: "#0f1419",
    faint: "#2a313a",
    text: "#eef1f4",
    beside: "#828c98",
    hues: ["#6cb6ff", "#ff9e64", "#7bd88f", "#c79bf0", "#e8c35c", "#ff8fb3", "#5fd4d4", "#d1b19a"],
};

/// The beginning of a picture of this size.
pub(super) fn head((width, height): (f64, f64), title: &str, about: &str) -> String {
    let name = if title.is_empty() { "plot" } else { title };
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"partita-plot\" width=\"{width}\" height=\"{height}\" \
         viewBox=\"0 0 {width} {height}\" role=\"img\"><title>{}</title>\n",
        markup(name)
    );
    if !about.is_empty() {
        let _ = writeln!(out, "<desc>{}</desc>", markup(about));
    }
    out.push_str(
        "<style>.partita-plot text{font:12px ui-sans-serif,system-ui,'Helvetica Neue',Arial,'DejaVu Sans',sans-serif;\
         font-variant-numeric:tabular-nums;stroke:none}.partita-plot .title{font-size:15px;font-weight:600}\
         .partita-plot .line{fill:none;stroke-width:1.6px;stroke-linejoin:round}.partita-plot .band{stroke-width:1px}\
         .partita-plot .area{stroke:none;fill-opacity:0.18}.partita-plot .dot,.partita-plot .bar{stroke:none}.partita-plot .bar{fill-opacity:0.8}\
         .partita-plot .dashed .line{stroke-dasharray:5 4}\
         .partita-plot .axes{fill:none;stroke-width:1.2px}.partita-plot .mark{stroke-width:1px}",
    );
    rules(&mut out, &DAY);
    out.push_str("@media (prefers-color-scheme:dark){");
    rules(&mut out, &NIGHT);
    let _ = write!(out, "}}</style>\n<rect class=\"ground\" width=\"{width}\" height=\"{height}\"/>\n");
    out
}

fn rules(out: &mut String, colours: &Colours) {
    let Colours { ground, faint, text, beside, hues } = colours;
    let _ = write!(
        out,
        ".partita-plot .ground{{fill:{ground}}}.partita-plot .axes{{stroke:{text}}}.partita-plot .mark{{stroke:{faint}}}\
         .partita-plot text{{fill:{text}}}.partita-plot text.note{{fill:{beside}}}.partita-plot .cell{{stroke:{ground}}}\
         .partita-plot .faint{{stroke:{beside};fill:{beside}}}"
    );
    for (i, hue) in hues.iter().enumerate() {
        let _ = write!(out, ".partita-plot .hue{i}{{stroke:{hue};fill:{hue}}}");
    }
}
