//! All elements of an array as one axis.

use std::fmt;
use std::sync::Arc;

use super::super::element::Element;
use super::super::held::copy;
use super::super::lazy::{Lazy, Needs, Operations};
use super::super::region::{Region, Span};
use super::super::tile::Tile;
use crate::base::{Identity, Result, Tokenizer};

/// The elements of an array one after the other, the last axis running fastest.
pub(super) struct Flat<T> {
    input: Arc<dyn Lazy<T>>,
    shape: [usize; 1],
}

impl<T: Element> Flat<T> {
    pub fn new(input: Arc<dyn Lazy<T>>) -> Flat<T> {
        let shape = [input.shape().iter().product()];
        Flat { input, shape }
    }
}

impl<T: Element> Identity for Flat<T> {
    fn token(&self, t: &mut Tokenizer) {
        t.str("flat");
        t.identity(self.input.as_ref());
    }
}

impl<T> fmt::Debug for Flat<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("flat")
    }
}

/// The regions that elements `start..start + len` of a shape are, in their order. `outer` are the axes before it.
fn boxes(outer: &[Span], shape: &[usize], start: usize, len: usize, found: &mut Vec<Region>) {
    let Some((_, inside)) = shape.split_first() else {
        if len > 0 {
            found.push(Region(outer.to_vec()));
        }
        return;
    };
    let size: usize = inside.iter().product();
    let (mut at, end) = (start, start + len);
    while at < end {
        let (index, off) = (at / size, at % size);
        let whole = (end - at) / size;
        let next = if off == 0 && whole > 0 {
            let spans = [Span::new(index, whole)].into_iter().chain(inside.iter().map(|&len| Span::new(0, len)));
            found.push(Region(outer.iter().copied().chain(spans).collect()));
            at + whole * size
        } else {
            let next = end.min((index + 1) * size);
            let outer: Vec<Span> = outer.iter().copied().chain([Span::new(index, 1)]).collect();
            boxes(&outer, inside, off, next - at, found);
            next
        };
        at = next;
    }
}

impl<T: Element> Flat<T> {
    fn boxes(&self, start: usize, len: usize) -> Vec<Region> {
        let mut found = Vec::new();
        boxes(&[], self.input.shape(), start, len, &mut found);
        found
    }
}

impl<T: Element> Lazy<T> for Flat<T> {
    fn name(&self) -> &'static str {
        "flat"
    }

    fn shape(&self) -> &[usize] {
        &self.shape
    }

    fn operations(&self) -> Operations {
        Operations::ONE + self.input.operations()
    }

    fn needs(&self, region: &Region, needs: &mut Needs) {
        let Some((low, high)) = region.last().bounds() else { return };
        self.boxes(low, high + 1 - low).iter().for_each(|region| self.input.needs(region, needs));
    }

    fn read(&self, region: &Region, out: &mut [T], tile: &mut Tile<'_>) -> Result<()> {
        let span = region.last();
        let Some((low, high)) = span.bounds() else { return Ok(()) };
        if span.step != 1 && high - low >= 8 * span.len {
            // far apart: each for itself
            for (place, out) in out.iter_mut().enumerate() {
                let one = self.boxes(span.at(place), 1);
                one.iter().try_for_each(|region| self.input.read(region, std::slice::from_mut(out), tile))?;
            }
            return Ok(());
        }
        let dense = |out: &mut [T], tile: &mut Tile<'_>| {
            let mut out = out;
            for region in self.boxes(low, high + 1 - low) {
                let (now, later) = out.split_at_mut(region.len());
                self.input.read(&region, now, tile)?;
                out = later;
            }
            Ok(())
        };
        if span.step == 1 {
            return dense(out, tile);
        }
        let mut values = tile.take::<T>(high + 1 - low);
        dense(&mut values, tile)?;
        copy(&values, span.start - low, span.step, out);
        tile.give(values);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn boxes_are_all_elements_in_order() {
        let shape = [3, 4, 5];
        for start in 0..60 {
            for len in 0..=60 - start {
                let mut found = Vec::new();
                boxes(&[], &shape, start, len, &mut found);
                let mut all = Vec::new();
                for region in &found {
                    region.rows(|index| {
                        let first = index.iter().zip(&shape).fold(0, |at, (i, len)| at * len + i);
                        all.extend((0..region.last().len).map(|i| first + i));
                    });
                }
                assert_eq!(all, (start..start + len).collect::<Vec<_>>());
                assert!(found.len() <= 5, "{found:?}");
            }
        }
    }
}
