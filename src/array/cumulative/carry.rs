//! What is known before each panel of elements.

use std::fmt;
use std::sync::Arc;

use super::super::block::{Block, Shelf};
use super::super::chunks::Chunks;
use super::super::lazy::{Barrier, Lazy, Lowering, Needs};
use super::super::reduce::{Grid, Number};
use super::super::region::{Region, Span};
use super::super::tile::Tile;
use super::scan::Scan;
use crate::base::{Error, Result, Token};
use crate::exec::TaskContext;
use crate::graph::{Held, Key, Payload, TaskId};

/// Along this axis of an array, so many elements at a time, counted from the first.
#[derive(Clone, Debug)]
pub(super) struct Panels {
    pub axis: usize,
    pub len: usize,
}

impl Panels {
    /// Panels that tiles do not read much more of than they need.
    pub fn of(shape: &[usize], axis: usize) -> Panels {
        let others: usize = shape.iter().enumerate().filter(|(at, _)| *at != axis).map(|(_, &len)| len).product();
        Panels { axis, len: if others < 64 { 1024 } else { 128 } }
    }
}

/// What is known before each panel: an array like the input with one place a panel, and two numbers for each.
pub(super) struct Carries<T: Number, S> {
    pub input: Arc<dyn Lazy<T>>,
    pub scan: S,
    pub panels: Panels,
    pub grid: Grid,
    pub token: Token,
}

impl<T: Number, S: Scan<T>> fmt::Debug for Carries<T, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "carries of {}", self.scan.name())
    }
}

/// What is known of some lanes, panel by panel.
struct States<A>(Vec<A>);

impl<A: Send + Sync + 'static> Held for States<A> {
    fn bytes(&self) -> u64 {
        size_of_val(self.0.as_slice()) as u64
    }
}

fn states<A: Send + Sync + 'static>(payload: &Payload) -> Result<&[A]> {
    payload.get::<States<A>>().map(|s| &s.0[..]).ok_or_else(|| Error::invalid("a task gave no sums of panels"))
}

impl<T: Number, S: Scan<T>> Carries<T, S> {
    pub fn new(input: Arc<dyn Lazy<T>>, scan: S, panels: Panels) -> Carries<T, S> {
        let mask: Vec<bool> = (0..input.shape().len()).map(|axis| axis == panels.axis).collect();
        let grid = Grid::new(input.shape(), &mask).in_multiples(panels.len);
        let token = Token::of(|t| {
            t.str("carries");
            t.identity(&scan);
            t.debug(&panels);
            t.identity(input.as_ref());
        });
        Carries { input, scan, panels, grid, token }
    }

    /// The sizes of the blocks, the last axis having the two numbers.
    pub fn blocks(&self) -> Chunks {
        let lanes = self.grid.blocks();
        let panels = self.grid.cuts(self.panels.axis).into_iter().map(|(_, len)| len.div_ceil(self.panels.len));
        let panels: Vec<usize> = panels.collect();
        let axes = (0..lanes.ndim()).map(|axis| match axis == self.panels.axis {
            true => panels.clone(),
            false => lanes.axis(axis).to_vec(),
        });
        Chunks::new(axes.chain([vec![2]]).collect::<Vec<_>>())
    }

    /// The states of the panels of a region, panel by panel.
    fn totals(&self, region: &Region, tile: &mut Tile<'_>, ctx: &TaskContext) -> Result<Vec<S::State>> {
        let lanes = self.grid.lanes_of(region);
        let Span { start, len, .. } = region.0[self.panels.axis];
        let many = len.div_ceil(self.panels.len);
        let mut states = vec![self.scan.start(); many * lanes];
        let of = |at: u64| (at as usize - start) / self.panels.len;
        self.grid.rows(self.input.as_ref(), region, tile, ctx, |spot, row| {
            if !spot.along {
                let first = of(spot.at) * lanes + spot.lane;
                let states = &mut states[first..first + row.len()];
                return states.iter_mut().zip(row).for_each(|(state, &value)| self.scan.add(state, value));
            }
            let mut row = row;
            let mut at = spot.at;
            while !row.is_empty() {
                // as many as are in this panel
                let many = (self.panels.len - (at as usize % self.panels.len)).min(row.len());
                let state = &mut states[of(at) * lanes + spot.lane];
                row[..many].iter().for_each(|&value| self.scan.add(state, value));
                row = &row[many..];
                at += many as u64;
            }
        })?;
        Ok(states)
    }

    /// What is known after all panels of a part.
    fn end(&self, totals: &[S::State], before: Option<&[S::State]>, lanes: usize) -> Vec<S::State> {
        let mut known = before.map_or_else(|| vec![self.scan.start(); lanes], <[S::State]>::to_vec);
        for panel in totals.chunks(lanes.max(1)) {
            known.iter_mut().zip(panel).for_each(|(known, more)| self.scan.merge(known, more));
        }
        known
    }

    /// The block of what is known before each panel of a part: lanes before the axis, panels, lanes after it, two numbers.
    fn block(&self, totals: &[S::State], before: Option<&[S::State]>, lanes: usize, after: usize) -> Vec<S::Carry> {
        let (lanes, after) = (lanes.max(1), after.max(1));
        let many = totals.len() / lanes;
        let mut known = before.map_or_else(|| vec![self.scan.start(); lanes], <[S::State]>::to_vec);
        let mut values = vec![S::Carry::default(); totals.len() * 2];
        for (panel, more) in totals.chunks(lanes).enumerate() {
            for (lane, (known, more)) in known.iter_mut().zip(more).enumerate() {
                let place = ((lane / after) * many + panel) * after + lane % after;
                values[2 * place..2 * place + 2].copy_from_slice(&self.scan.store(known));
                self.scan.merge(known, more);
            }
        }
        values
    }
}

impl<T: Number, S: Scan<T>> Barrier for Arc<Carries<T, S>> {
    fn token(&self) -> Token {
        self.token
    }

    fn tasks(&self, lowering: &mut Lowering) -> Result<Vec<TaskId>> {
        let (name, carrying): (Arc<str>, Arc<str>) = (self.scan.name().into(), "carry".into());
        let (shelf, axis) = (Shelf::default(), self.panels.axis);
        let step = |what: &str| {
            Token::of(|t| {
                t.token(self.token);
                t.str(what);
            })
        };
        let (parts, ends) = (step("part"), step("end"));
        let (blocks, chunks) = (self.grid.blocks(), self.blocks());
        let mut done = vec![0; chunks.count()];
        for number in 0..blocks.count() {
            let (mut place, ranges) = (blocks.place(number), blocks.range(&blocks.place(number)));
            let after: usize = ranges[axis + 1..].iter().map(|(_, len)| len).product();
            let mut before: Option<TaskId> = None;
            for (at, region) in self.grid.parts(&ranges).into_iter().enumerate() {
                place[axis] = at;
                let block = chunks.number(&[&place[..], &[0]].concat());
                let lanes = self.grid.lanes_of(&region);
                let mut needs = Needs::default();
                self.input.needs(&region, &mut needs);
                let of = self.clone();
                let part = lowering.reading(
                    Key::new(parts, block),
                    &name,
                    1 + self.input.operations().fused,
                    needs,
                    move |tile, ctx| Ok(Payload::new(States(of.totals(&region, tile, ctx)?))),
                )?;
                let inputs: Vec<TaskId> = [part].into_iter().chain(before).collect();
                let (of, shelf) = (self.clone(), shelf.clone());
                let carry = move |inputs: Vec<Payload>, ctx: &TaskContext| {
                    let (totals, before) = of.inputs(&inputs)?;
                    Ok(Block::of(of.block(totals, before, lanes, after), ctx)?.hold(&shelf, ctx))
                };
                done[block] = lowering.joining(Key::new(self.token, block), &carrying, &inputs, Box::new(carry));
                let of = self.clone();
                let end = move |inputs: Vec<Payload>, _: &TaskContext| {
                    let (totals, before) = of.inputs(&inputs)?;
                    Ok(Payload::new(States(of.end(totals, before, lanes))))
                };
                before = Some(lowering.joining(Key::new(ends, block), &carrying, &inputs, Box::new(end)));
            }
        }
        Ok(done)
    }
}

type Inputs<'a, A> = (&'a [A], Option<&'a [A]>);

impl<T: Number, S: Scan<T>> Carries<T, S> {
    fn inputs<'a>(&self, inputs: &'a [Payload]) -> Result<Inputs<'a, S::State>> {
        let totals = inputs.first().ok_or_else(|| Error::invalid("a task got no sums of panels"))?;
        Ok((states(totals)?, inputs.get(1).map(states).transpose()?))
    }
}
