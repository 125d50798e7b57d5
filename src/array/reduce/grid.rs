//! How the elements of an array are divided among tasks: a function of its shape.

use super::super::chunks::Chunks;
use super::super::element::Element;
use super::super::lazy::Lazy;
use super::super::region::{Region, Span};
use super::super::tile::{Tile, tiles};
use crate::base::Result;
use crate::exec::TaskContext;

/// A task takes in about so many elements, for so many results at the most.
const TASK: usize = 1 << 22;
const LANES: usize = 1 << 14;

/// A shape, the axes along which it is reduced, and how much of it a task takes. All elements that are reduced to one are
/// a lane.
#[derive(Clone, Debug)]
pub(in crate::array) struct Grid {
    shape: Vec<usize>,
    mask: Vec<bool>,
    panel: Vec<usize>,
}

/// Where a row of elements is.
#[derive(Clone, Copy, Debug)]
pub(in crate::array) struct Spot {
    /// The lane, among those of the region, of the first element.
    pub lane: usize,
    /// Which of the elements of its lane the first one is.
    pub at: u64,
    /// Whether all are of this lane, one after the other; else each is of the next one.
    pub along: bool,
}

impl Grid {
    /// The usual one.
    pub fn new(shape: &[usize], mask: &[bool]) -> Grid {
        Grid::of(shape, mask, LANES, TASK)
    }

    /// Tasks take so many elements at the most, of so many lanes at the most, but one of each at least.
    pub fn of(shape: &[usize], mask: &[bool], lanes: usize, elements: usize) -> Grid {
        let mut panel = vec![1; shape.len()];
        let (mut lanes, mut all) = (lanes, elements);
        for axis in (0..shape.len()).rev().filter(|&axis| !mask[axis]) {
            panel[axis] = shape[axis].clamp(1, lanes.max(1));
            lanes = (lanes / panel[axis]).max(1);
            all = (all / panel[axis]).max(1);
        }
        for axis in (0..shape.len()).rev().filter(|&axis| mask[axis]) {
            panel[axis] = shape[axis].clamp(1, all.max(1));
            all = (all / panel[axis]).max(1);
        }
        Grid { shape: shape.to_vec(), mask: mask.to_vec(), panel }
    }

    pub fn mask(&self) -> &[bool] {
        &self.mask
    }

    /// With tasks whose first elements of each lane have numbers that this divides; for one reduced axis.
    pub fn in_multiples(mut self, of: usize) -> Grid {
        for axis in (0..self.shape.len()).filter(|&axis| self.mask[axis]) {
            self.panel[axis] = (self.panel[axis] / of * of).max(of);
        }
        self
    }

    /// The ranges of an axis, panel by panel.
    pub fn cuts(&self, axis: usize) -> Vec<(usize, usize)> {
        cuts(self.shape[axis], self.panel[axis])
    }

    /// How many elements a lane has.
    pub fn count(&self) -> u64 {
        self.shape.iter().zip(&self.mask).filter(|(_, reduced)| **reduced).map(|(&len, _)| len as u64).product()
    }

    /// The sizes of the blocks of the result along each axis, those that are reduced having one element.
    pub fn blocks(&self) -> Chunks {
        let axes = self.shape.iter().zip(&self.mask).zip(&self.panel).map(|((&len, &reduced), &panel)| {
            let sizes: Vec<usize> = cuts(len, panel).into_iter().map(|(_, size)| size).collect();
            if reduced {
                vec![1]
            } else if sizes.is_empty() {
                vec![0]
            } else {
                sizes
            }
        });
        Chunks::new(axes.collect::<Vec<_>>())
    }

    /// The regions that make the block at these ranges, in the order of their elements.
    pub fn parts(&self, block: &[(usize, usize)]) -> Vec<Region> {
        let axes: Vec<Vec<(usize, usize)>> = (0..block.len())
            .map(|axis| match self.mask[axis] {
                true => self.cuts(axis),
                false => vec![block[axis]],
            })
            .collect();
        let grid = Region(axes.iter().map(|cuts| Span::new(0, cuts.len())).chain([Span::new(0, 1)]).collect());
        let mut parts = Vec::new();
        grid.rows(|at| {
            let ranges: Vec<(usize, usize)> = axes.iter().zip(at).map(|(cuts, &i)| cuts[i]).collect();
            parts.push(Region::block(&ranges));
        });
        parts
    }

    /// How many lanes a region has.
    pub fn lanes_of(&self, region: &Region) -> usize {
        region.0.iter().zip(&self.mask).filter(|(_, reduced)| !**reduced).map(|(span, _)| span.len).product()
    }

    /// Shows all elements of a region, tile by tile and row by row.
    pub fn rows<T: Element>(
        &self,
        input: &dyn Lazy<T>,
        region: &Region,
        tile: &mut Tile<'_>,
        ctx: &TaskContext,
        mut each: impl FnMut(Spot, &[T]),
    ) -> Result<()> {
        let shape = region.shape();
        // how far apart neighbours along an axis are among the lanes, and in their lane
        let (mut strides, mut numbers) = (vec![0; shape.len()], vec![0u64; shape.len()]);
        let (mut lanes, mut count) = (1, 1u64);
        for axis in (0..shape.len()).rev() {
            match self.mask[axis] {
                true => {
                    numbers[axis] = count;
                    count *= self.shape[axis] as u64;
                }
                false => {
                    strides[axis] = lanes;
                    lanes *= shape[axis];
                }
            }
        }
        let along = self.mask.last().is_none_or(|reduced| *reduced);
        tiles(&shape, |spans| {
            ctx.cancel.check()?;
            let part = Region(region.0.iter().zip(spans).map(|(whole, part)| whole.of(*part)).collect());
            tile.with(input, &part, |values, _| {
                let inside = Region(spans.to_vec());
                let mut rows = values.chunks(inside.last().len.max(1));
                inside.rows(|index| {
                    let Some(row) = rows.next() else { return };
                    let lane: usize = index.iter().zip(&strides).map(|(i, stride)| i * stride).sum();
                    let places = index.iter().zip(&region.0).zip(&numbers);
                    let at: u64 = places.map(|((&i, whole), by)| whole.at(i) as u64 * by).sum();
                    each(Spot { lane, at, along }, row);
                });
                Ok(())
            })
        })
    }
}

/// The ranges of an axis, panel by panel.
fn cuts(len: usize, panel: usize) -> Vec<(usize, usize)> {
    (0..len.div_ceil(panel)).map(|i| (i * panel, panel.min(len - i * panel))).collect()
}
