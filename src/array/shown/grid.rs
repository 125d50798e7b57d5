//! Where the lines of a drawing of chunks stand: functions of values.

/// The longest side of a drawing, in pixels.
const LONGEST: f64 = 180.0;
/// Sides differ by no more than this factor of their lengths before they are compressed.
const FAITHFUL: f64 = 3.0;
/// No side is shorter, in pixels.
const SHORTEST: f64 = 22.0;
/// Lines stand at least so far apart, in pixels.
const APART: f64 = 2.5;

/// The lengths of the sides in pixels: faithful where they are alike, compressed by a logarithm where they are not, so that a
/// long thin array stays a picture.
pub(super) fn sides(shape: &[usize]) -> Vec<f64> {
    let longest = shape.iter().copied().max().unwrap_or(1).max(1) as f64;
    let side = |&len: &usize| {
        let ratio = longest / len.max(1) as f64;
        let shown = if ratio <= FAITHFUL { ratio } else { FAITHFUL * (1.0 + (ratio / FAITHFUL).ln() / 4.0) };
        (LONGEST / shown).max(SHORTEST)
    };
    shape.iter().map(side).collect()
}

/// Where chunks begin and end along a side, in pixels; where they are too narrow only some of them.
pub(super) fn lines(sizes: &[usize], side: f64) -> Vec<f64> {
    let len = sizes.iter().sum::<usize>().max(1) as f64;
    let mut at = 0;
    let mut lines = vec![0.0];
    for &size in sizes {
        at += size;
        let place = at as f64 / len * side;
        let far = lines.last().is_none_or(|last| place - last >= APART);
        if far && (side - place >= APART || at as f64 >= len) {
            lines.push(place);
        }
    }
    if lines.last().is_some_and(|last| side - last > 1e-6) {
        lines.push(side);
    }
    lines
}

/// How much of a side the largest chunk takes, and where it begins, in pixels.
pub(super) fn largest(sizes: &[usize], side: f64) -> (f64, f64) {
    let len = sizes.iter().sum::<usize>().max(1) as f64;
    let size = sizes.iter().copied().max().unwrap_or(0);
    let before: usize = sizes.iter().take_while(|&&s| s != size).sum();
    (before as f64 / len * side, size as f64 / len * side)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_stand_where_chunks_end() {
        assert_eq!(lines(&[5, 5], 100.0), [0.0, 50.0, 100.0]);
        assert_eq!(lines(&[0], 100.0), [0.0, 100.0]);
        let many = lines(&[1; 1000], 100.0);
        assert!(many.len() < 45 && many.windows(2).all(|pair| pair[1] - pair[0] >= APART));
        assert_eq!(many.last(), Some(&100.0));
        assert_eq!(largest(&[1, 3, 3, 1], 80.0), (10.0, 30.0));
        let [long, short] = sides(&[1_000_000, 10])[..] else { panic!() };
        assert!(long == LONGEST && short >= SHORTEST);
        assert_eq!(sides(&[100, 50]), [LONGEST, LONGEST / 2.0]);
    }
}
