//! Round numbers along an axis: functions of values.

/// About so many round numbers between two others: 1, 2 or 5 times a power of ten apart (Heckbert, "Nice numbers for graph
/// labels", 1990).
pub(crate) fn ticks(low: f64, high: f64, about: usize) -> Vec<f64> {
    let span = high - low;
    let rough = span / about.max(1) as f64;
    // between the smallest numbers there are none
    if !(rough.is_normal() && rough > 0.0) {
        return vec![low];
    }
    let power = 10f64.powf(rough.log10().floor());
    let nice = [(1.5, 1.0), (3.0, 2.0), (7.0, 5.0)].into_iter().find(|(most, _)| rough < most * power);
    let step = nice.map_or(10.0, |(_, step)| step) * power;
    let (first, last) = ((low / step - 1e-9).ceil(), (high / step + 1e-9).floor());
    let count = (last - first).clamp(0.0, 100.0) as usize;
    (0..=count).map(|i| (first + i as f64) * step).collect()
}

/// A number at a tick of this distance to the next, with as many places as tell them apart.
pub(crate) fn label(value: f64, step: f64) -> String {
    let largest = value.abs().max(step.abs());
    if largest >= 1e7 || (largest > 0.0 && largest < 1e-4) {
        return format!("{value:.2e}").replace(".00e", "e");
    }
    let places = (-step.abs().log10().floor()).clamp(0.0, 9.0) as usize;
    let text = format!("{value:.places$}");
    let (whole, rest) = text.split_once('.').map_or((text.as_str(), None), |(whole, rest)| (whole, Some(rest)));
    let (sign, digits) = whole.strip_prefix('-').map_or(("", whole), |digits| ("-", digits));
    let grouped = digits.parse::<u64>().map_or(digits.to_string(), crate::base::shown::count);
    match rest {
        Some(rest) => format!("{sign}{grouped}.{rest}"),
        None if grouped == "0" => grouped,
        None => format!("{sign}{grouped}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_round() {
        assert_eq!(ticks(0.0, 10.0, 5), [0.0, 2.0, 4.0, 6.0, 8.0, 10.0]);
        assert_eq!(ticks(0.0, 200_000.0, 4), [0.0, 50_000.0, 100_000.0, 150_000.0, 200_000.0]);
        let fine: Vec<String> = ticks(0.4981, 0.5022, 4).into_iter().map(|v| label(v, 0.001)).collect();
        assert_eq!(fine, ["0.499", "0.500", "0.501", "0.502"]);
        assert_eq!((label(50_000.0, 50_000.0).as_str(), label(-1500.0, 500.0).as_str()), ("50,000", "-1,500"));
        assert_eq!((ticks(3.0, 3.0, 5), label(3e9, 1e9).as_str()), (vec![3.0], "3e9"));
    }
}
