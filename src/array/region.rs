//! Which elements are meant: a range with a step along each axis. Functions of values.

use std::fmt;

/// Elements along an axis: from `start`, `len` of them, `step` apart; a step of 0 is the same element again and again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Span {
    /// The first one.
    pub start: usize,
    /// From one to the next; may be negative.
    pub step: isize,
    /// How many.
    pub len: usize,
}

impl Span {
    /// `len` elements from `start`.
    pub fn new(start: usize, len: usize) -> Span {
        Span { start, step: 1, len }
    }

    /// Which element the one at `place` is.
    pub fn at(&self, place: usize) -> usize {
        self.start.wrapping_add_signed(self.step.wrapping_mul(place as isize))
    }

    /// Of these elements the ones that `part` names by their places.
    #[must_use]
    pub fn of(&self, part: Span) -> Span {
        // between less than two elements there is no step
        let step = if part.len > 1 { self.step.wrapping_mul(part.step) } else { 1 };
        Span { start: self.at(part.start), step, len: part.len }
    }

    /// The lowest and the highest element; nothing if there are none.
    pub fn bounds(&self) -> Option<(usize, usize)> {
        let (first, last) = (self.start, self.at(self.len.checked_sub(1)?));
        Some((first.min(last), first.max(last)))
    }
}

/// Elements of an array: a [`Span`] along each axis.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Region(pub Vec<Span>);

impl Region {
    /// All elements of this shape.
    pub fn whole(shape: &[usize]) -> Region {
        Region(shape.iter().map(|&len| Span::new(0, len)).collect())
    }

    /// The elements from a place on, of these lengths.
    pub fn block(ranges: &[(usize, usize)]) -> Region {
        Region(ranges.iter().map(|&(start, len)| Span::new(start, len)).collect())
    }

    /// How many there are along each axis.
    pub fn shape(&self) -> Vec<usize> {
        self.0.iter().map(|span| span.len).collect()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.iter().map(|span| span.len).product()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Calls `each` with the index of the first element of every row: a run along the last axis.
    pub fn rows(&self, mut each: impl FnMut(&[usize])) {
        if self.is_empty() {
            return;
        }
        let outer = self.0.len().saturating_sub(1);
        let mut at = vec![0; outer];
        let mut index: Vec<usize> = self.0.iter().map(|span| span.start).collect();
        loop {
            each(&index);
            let mut axis = outer;
            loop {
                if axis == 0 {
                    return;
                }
                axis -= 1;
                at[axis] += 1;
                if at[axis] < self.0[axis].len {
                    index[axis] = self.0[axis].at(at[axis]);
                    break;
                }
                at[axis] = 0;
                index[axis] = self.0[axis].start;
            }
        }
    }

    /// The last axis; one element for an array without axes.
    pub fn last(&self) -> Span {
        self.0.last().copied().unwrap_or(Span::new(0, 1))
    }
}

impl fmt::Debug for Region {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let spans: Vec<String> = self.0.iter().map(|s| format!("{}:{}×{}", s.start, s.step, s.len)).collect();
        write!(f, "[{}]", spans.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_of_spans() {
        let every_second = Span { start: 9, step: -2, len: 5 };
        assert_eq!((0..5).map(|i| every_second.at(i)).collect::<Vec<_>>(), [9, 7, 5, 3, 1]);
        let part = every_second.of(Span { start: 3, step: -1, len: 2 });
        assert_eq!(((part.at(0), part.at(1)), part.bounds()), ((3, 5), Some((3, 5))));
    }

    #[test]
    fn rows_in_order() {
        let region = Region(vec![Span::new(2, 2), Span { start: 5, step: -3, len: 2 }, Span::new(1, 4)]);
        let mut seen = Vec::new();
        region.rows(|index| seen.push(index.to_vec()));
        assert_eq!(seen, [[2, 5, 1], [2, 2, 1], [3, 5, 1], [3, 2, 1]]);
        let mut single = 0;
        Region(vec![]).rows(|_| single += 1);
        assert_eq!(single, 1);
    }
}
