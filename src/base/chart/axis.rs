//! From values to pixels.

use super::ticks::{label, ticks};

/// Pixels that a letter takes, about.
pub(super) const LETTER: f64 = 6.7;
/// Pixels from tick to tick, at the least: along the page, and across it.
const APART: (f64, f64) = (48.0, 16.0);
/// From here on positive numbers are spread by their powers of ten.
const WIDE: f64 = 40.0;

/// What an axis tells.
#[derive(Clone, Debug)]
pub(crate) struct Axis {
    pub(super) name: String,
    kind: Kind,
    range: Option<(f64, f64)>,
    ticks: usize,
}

#[derive(Clone, Debug)]
enum Kind {
    Numbers,
    /// Numbers of elements: whole, and without room before the first and behind the last.
    Places,
    /// Positive numbers by their logarithms.
    Powers,
    /// Names at 0, 1, 2 …
    Names(Vec<String>),
}

/// An axis whose ends are known: pixels, and the values there.
#[derive(Clone, Debug)]
pub(super) struct Scale {
    low: f64,
    high: f64,
    factor: f64,
    powers: bool,
    from: f64,
    to: f64,
    /// Places in pixels, and what is written there.
    pub ticks: Vec<(f64, String)>,
}

impl Axis {
    /// Numbers.
    pub fn numbers() -> Axis {
        Axis { name: String::new(), kind: Kind::Numbers, range: None, ticks: 6 }
    }

    /// The numbers of so many elements.
    pub fn places(len: usize) -> Axis {
        let last = len.saturating_sub(1).max(1) as f64;
        Axis { kind: Kind::Places, ..Axis::numbers() }.within(0.0, last)
    }

    /// Names at 0, 1, 2 …
    pub fn names(names: Vec<String>) -> Axis {
        Axis { kind: Kind::Names(names), ..Axis::numbers() }
    }

    /// Numbers, by their powers of ten if they are positive and far from each other.
    pub fn through(values: &[f64]) -> Axis {
        let (low, high) = range(values.iter().copied());
        let kind = if low > 0.0 && high / low > WIDE { Kind::Powers } else { Kind::Numbers };
        Axis { kind, ..Axis::numbers() }
    }

    /// What is told, as it stands beside the axis.
    pub fn called(mut self, name: impl Into<String>) -> Axis {
        self.name = name.into();
        self
    }

    /// From here to there.
    pub fn within(mut self, low: f64, high: f64) -> Axis {
        self.range = Some((low, high));
        self
    }

    /// With few ticks, where there is little room.
    pub fn few(mut self) -> Axis {
        self.ticks = 2;
        self
    }

    /// The axis between two pixels, so that the values are on it.
    pub(super) fn scale(&self, values: impl Iterator<Item = f64>, from: f64, to: f64) -> Scale {
        let (low, high) = self.range.unwrap_or_else(|| range(values));
        // the largest numbers are a tenth of themselves, so that there is a difference between them
        let factor = if low <= high && low.abs().max(high.abs()) > f64::MAX / 10.0 { 0.1 } else { 1.0 };
        let (low, high) = (low * factor, high * factor);
        let powers = matches!(self.kind, Kind::Powers);
        let (low, high) = match (&self.kind, self.range) {
            (Kind::Names(names), _) => (-0.5, names.len().max(1) as f64 - 0.5),
            (_, Some(_)) => (low, high),
            (Kind::Powers, None) => padded(low.log10(), high.log10()),
            _ => padded(low, high),
        };
        let mut scale = Scale { low, high, factor, powers, from, to, ticks: Vec::new() };
        scale.ticks = self.ticks(&scale);
        scale
    }

    fn ticks(&self, scale: &Scale) -> Vec<(f64, String)> {
        let (low, high, pixels) = (scale.low, scale.high, (scale.to - scale.from).abs());
        let place = |value: f64, text: String| (scale.at(value), text);
        let across = scale.to < scale.from;
        let numbers = |whole: bool| -> Vec<(f64, String)> {
            let marks = ticks(low, high, self.ticks);
            let step = marks.get(1).map_or(high - low, |second| second - marks[0]) / scale.factor;
            let values = marks.iter().map(|mark| mark / scale.factor).filter(|value| value.is_finite());
            let values = values.filter(|value| !whole || value.fract() == 0.0);
            values.map(|value| place(value, label(value, step))).collect()
        };
        match &self.kind {
            Kind::Numbers => numbers(false),
            Kind::Places => numbers(true),
            Kind::Powers => powers(low, high).into_iter().map(|value| place(value, label(value, value))).collect(),
            Kind::Names(names) => {
                let letters = names.iter().map(|name| name.chars().count()).max().unwrap_or(0).min(12);
                let least = if across { APART.1 } else { (letters as f64 * LETTER + 10.0).max(APART.0 / 2.0) };
                let every = (least * names.len() as f64 / pixels).ceil().max(1.0) as usize;
                let most = if across { 24 } else { 12 };
                let names = names.iter().enumerate().step_by(every);
                names.map(|(i, name)| place(i as f64, shortened(name, most))).collect()
            }
        }
    }

    /// Letters of the longest tick.
    pub(super) fn letters(scale: &Scale) -> usize {
        scale.ticks.iter().map(|(_, text)| text.chars().count()).max().unwrap_or(0)
    }
}

impl Scale {
    /// The pixel of a value.
    pub fn at(&self, value: f64) -> f64 {
        let value = if self.powers { value.log10() } else { value * self.factor };
        self.from + (value - self.low) / (self.high - self.low) * (self.to - self.from)
    }

    /// Pixels of a step of one.
    pub fn one(&self) -> f64 {
        (self.at(1.0) - self.at(0.0)).abs()
    }
}

/// A text of at most so many letters.
pub(super) fn shortened(text: &str, most: usize) -> String {
    match text.chars().count() {
        letters if letters > most => text.chars().take(most - 1).chain(['…']).collect(),
        _ => text.to_string(),
    }
}

/// The smallest and the largest that is finite.
fn range(values: impl Iterator<Item = f64>) -> (f64, f64) {
    let finite = values.filter(|value| value.is_finite());
    finite.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| (low.min(value), high.max(value)))
}

/// A little more at both ends; something where there is nothing.
fn padded(low: f64, high: f64) -> (f64, f64) {
    match (low, high) {
        _ if low > high => (0.0, 1.0),
        _ if low == high => (low - 0.5 * low.abs().max(1.0), high + 0.5 * high.abs().max(1.0)),
        _ => (low - 0.04 * (high - low), high + 0.04 * (high - low)),
    }
}

/// Round numbers between two powers of ten: further powers, and 2 and 5 times those where these are few.
fn powers(low: f64, high: f64) -> Vec<f64> {
    let every = ((high - low) / 8.0).ceil().max(1.0) as usize;
    let digits: &[u8] = if high - low < 2.5 { &[1, 2, 5] } else { &[1] };
    let whole = low.floor() as i32..=high.ceil() as i32;
    let all = whole.step_by(every).flat_map(|power| digits.iter().map(move |digit| format!("{digit}e{power}")));
    let all = all.filter_map(|text| text.parse::<f64>().ok());
    all.filter(|value| (low..=high).contains(&value.log10())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(axis: &Axis, values: &[f64]) -> Vec<String> {
        axis.scale(values.iter().copied(), 0.0, 400.0).ticks.into_iter().map(|(_, text)| text).collect()
    }

    #[test]
    fn far_numbers_are_spread_by_their_powers() {
        let values = [0.001, 0.1, 100.0];
        assert_eq!(written(&Axis::through(&values), &values), ["0.001", "0.01", "0.1", "1", "10", "100"]);
        let near = [0.2, 0.5, 0.9];
        assert_eq!(written(&Axis::through(&near), &near), ["0.2", "0.3", "0.4", "0.5", "0.6", "0.7", "0.8", "0.9"]);
        let wide = [1e-9, 1e9];
        assert_eq!(written(&Axis::through(&wide), &wide).len(), 6);
        let two = [1.0, 100.0];
        assert_eq!(written(&Axis::through(&two), &two), ["1", "2", "5", "10", "20", "50", "100"]);
        let scale = Axis::through(&values).scale(values.into_iter(), 0.0, 108.0);
        assert!((scale.at(0.001) - 4.0).abs() < 1e-9 && (scale.at(100.0) - 104.0).abs() < 1e-9);
    }

    #[test]
    fn names_that_have_no_room_are_left_out() {
        let many: Vec<String> = (0..100).map(|i| format!("class {i}")).collect();
        let ticks = Axis::names(many).scale(std::iter::empty(), 0.0, 400.0).ticks;
        assert_eq!((ticks.len(), ticks[0].clone()), (7, (2.0, "class 0".to_string())));
        assert_eq!(shortened("PULocationID", 4), "PUL…");
    }
}
