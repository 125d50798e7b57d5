//! Median, quantiles, percentiles: exact at any size.

use std::fmt;
use std::sync::Arc;

use super::super::block::{Block, Shelf};
use super::super::chunked::Array;
use super::super::chunks::Chunks;
use super::super::create::full;
use super::super::element::Float;
use super::super::held::Held;
use super::super::lazy::{Barrier, Lazy, Lowering, Needs};
use super::super::region::Region;
use super::super::tile::Tile;
use super::axes::Axes;
use super::grid::Grid;
use super::number::Number;
use super::select;
use crate::base::{Error, Result, Token};
use crate::exec::TaskContext;
use crate::graph::{Key, TaskId};

/// Lanes of so many elements at the most are put into memory.
const IN_MEMORY: u64 = 1 << 20;

/// Which elements of a sorted lane make a result, and how.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Rule {
    /// So far between its ends, of one of the two elements there.
    Linear(f64),
    /// The one in the middle, or the mean of the two there.
    Middle,
}

impl Rule {
    /// The two elements, counted from the smallest.
    pub fn ranks(self, count: u64) -> [u64; 2] {
        match self {
            Rule::Middle => [(count - 1) / 2, count / 2],
            Rule::Linear(at) => {
                let low = (((count - 1) as f64 * at).floor() as u64).min(count - 1);
                [low, (low + 1).min(count - 1)]
            }
        }
    }

    /// The result between two elements (numpy's rule).
    pub fn between<T: Number>(self, low: T, high: T, count: u64) -> T::Real {
        if low.is_nan() || high.is_nan() {
            return T::Real::from_f64(f64::NAN);
        }
        let (a, b) = (low.as_f64(), high.as_f64());
        T::Real::from_f64(match self {
            // a sum begins with 0: there is no zero below it
            Rule::Middle if count % 2 == 1 => a + 0.0,
            Rule::Middle => (a + b + 0.0) / 2.0,
            Rule::Linear(at) => {
                let place = (count - 1) as f64 * at;
                let (t, apart) = (if count == 1 { 1.0 } else { place.fract() }, high.minus(low));
                if t >= 0.5 { b - apart * (1.0 - t) } else { a + apart * t }
            }
        })
    }
}

/// Quantiles of lanes, each by itself. The first axis of the result has the rules.
struct Quantiles<T> {
    input: Arc<dyn Lazy<T>>,
    rules: Vec<Rule>,
    grid: Grid,
    token: Token,
}

impl<T> fmt::Debug for Quantiles<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "quantiles {:?}", self.rules)
    }
}

impl<T: Number> Quantiles<T> {
    /// The results of some lanes, which are put into memory.
    fn of(&self, region: &Region, tile: &mut Tile<'_>, ctx: &TaskContext) -> Result<Vec<T::Real>> {
        let (lanes, count) = (self.grid.lanes_of(region), self.grid.count() as usize);
        let _held = ctx.budget.reserve("quantiles", (lanes * count * 8) as u64)?;
        let mut keys = vec![0u64; lanes * count];
        let mut filled = vec![0; lanes];
        self.grid.rows(self.input.as_ref(), region, tile, ctx, |spot, row| {
            for (i, value) in row.iter().enumerate() {
                let lane = if spot.along { spot.lane } else { spot.lane + i };
                keys[lane * count + filled[lane]] = value.key();
                filled[lane] += 1;
            }
        })?;
        let mut results = vec![T::Real::default(); self.rules.len() * lanes];
        for (lane, keys) in keys.chunks_mut(count).enumerate() {
            ctx.cancel.check()?;
            let nan = T::from_key(keys.iter().copied().max().unwrap_or(0)).is_nan();
            for (i, rule) in self.rules.iter().enumerate() {
                let [low, high] = match nan {
                    true => [u64::MAX; 2],
                    false => rule.ranks(count as u64).map(|rank| *keys.select_nth_unstable(rank as usize).1),
                };
                results[i * lanes + lane] = rule.between(T::from_key(low), T::from_key(high), count as u64);
            }
        }
        Ok(results)
    }

    /// Tasks that put each lane into memory.
    fn in_memory(self: &Arc<Self>, lowering: &mut Lowering, name: &Arc<str>) -> Result<Vec<TaskId>> {
        let (blocks, shelf) = (self.grid.blocks(), Shelf::default());
        let task = |number: usize| {
            let parts = self.grid.parts(&blocks.range(&blocks.place(number)));
            let region = parts.into_iter().next().ok_or_else(|| Error::invalid("a block has no part"))?;
            let mut needs = Needs::default();
            self.input.needs(&region, &mut needs);
            let (of, shelf) = (self.clone(), shelf.clone());
            lowering.reading(
                Key::new(self.token, number),
                name,
                1 + self.input.operations().fused,
                needs,
                move |tile, ctx| Ok(Block::of(of.of(&region, tile, ctx)?, ctx)?.hold(&shelf, ctx)),
            )
        };
        (0..blocks.count()).map(task).collect()
    }
}

impl<T: Number> Barrier for Arc<Quantiles<T>> {
    fn token(&self) -> Token {
        self.token
    }

    fn tasks(&self, lowering: &mut Lowering) -> Result<Vec<TaskId>> {
        let name: Arc<str> = "quantile".into();
        let count = self.grid.count();
        if count <= IN_MEMORY {
            return self.in_memory(lowering, &name);
        }
        let ranks: Vec<u64> = self.rules.iter().flat_map(|rule| rule.ranks(count)).collect();
        let found = select::passes(&self.input, &self.grid, &ranks);
        let shelf = Shelf::default();
        let task = |number: usize| {
            let mut needs = Needs::default();
            needs.block(&found, number);
            let (of, found, shelf) = (self.clone(), found.token(), shelf.clone());
            lowering.reading(Key::new(self.token, number), &name, 1, needs, move |tile, ctx| {
                let keys = select::found(tile, found, number)?;
                let pairs = of.rules.iter().zip(keys.chunks(2)).map(|(rule, pair)| {
                    let [low, high] = [pair[0], pair[1]].map(T::from_key);
                    rule.between(low, high, count)
                });
                Ok(Block::of(pairs.collect(), ctx)?.hold(&shelf, ctx))
            })
        };
        (0..self.grid.blocks().count()).map(task).collect()
    }
}

impl<T: Number> Array<T> {
    /// One result a rule, along the first axis.
    fn ruled(&self, rules: Vec<Rule>, axes: Axes) -> Result<Array<T::Real>> {
        self.check()?;
        let mask = axes.mask(self.ndim())?;
        let usual = Grid::new(self.shape(), &mask);
        let count = usual.count();
        let kept = self.kept(&mask);
        let with_rules = |chunks: Chunks| {
            let axes = (0..chunks.ndim()).map(|axis| chunks.axis(axis).to_vec());
            Chunks::new([vec![rules.len()]].into_iter().chain(axes))
        };
        let chunks = with_rules(kept);
        let all = if count == 0 {
            full(chunks.shape(), T::Real::from_f64(f64::NAN), chunks)?.in_session(&self.session)
        } else {
            let grid = match count <= IN_MEMORY {
                true => Grid::of(self.shape(), &mask, (IN_MEMORY / count).max(1) as usize, usize::MAX),
                false => Grid::of(self.shape(), &mask, 1, 1 << 22),
            };
            let token = Token::of(|t| {
                t.str("quantile");
                t.debug(&(&rules, &mask));
                t.identity(self.lazy.as_ref());
            });
            let blocks = with_rules(grid.blocks());
            let quantiles = Arc::new(Quantiles { input: self.lazy.clone(), rules, grid, token });
            self.then(Held::new(Arc::new(quantiles), blocks, "quantile", 1 + self.lazy.operations().all), chunks)
        };
        if axes.keeps_dims() {
            return Ok(all);
        }
        all.without(&[&[false][..], &mask].concat())
    }

    fn first(self) -> Result<Array<T>> {
        let mask: Vec<bool> = (0..self.ndim()).map(|axis| axis == 0).collect();
        self.without(&mask)
    }

    /// The element in the middle, or the mean of the two there, along some axes (numpy's `median`). Exact at any size;
    /// NaN where there is NaN, and of nothing.
    ///
    /// # Errors
    /// `Invalid` for an axis that is not there.
    pub fn median(&self, axes: impl Into<Axes>) -> Result<Array<T::Real>> {
        self.ruled(vec![Rule::Middle], axes.into())?.first()
    }

    /// The quantile along some axes: between the two elements next to it in order, by numpy's rule: a + (b − a)·t, and
    /// b − (b − a)·(1 − t) from t = ½. Exact at any size: lanes of more than a million elements are looked at as often as
    /// four times, two or three times as a rule. NaN where there is NaN, and of nothing.
    ///
    /// ```
    /// use partita::array::{arange, reduce::Axes};
    /// let x = arange(0.0f64, 10.0, 1.0, 3)?;
    /// assert_eq!(x.quantile(0.25, Axes::all())?.item()?, 2.25);
    /// assert_eq!(x.percentiles(&[10.0, 50.0], 0)?.compute()?.as_slice(), Some(&[0.9, 4.5][..]));
    /// # Ok::<(), partita::Error>(())
    /// ```
    ///
    /// # Errors
    /// `Invalid` for a quantile below 0 or above 1, and for an axis that is not there.
    pub fn quantile(&self, at: f64, axes: impl Into<Axes>) -> Result<Array<T::Real>> {
        self.quantiles(&[at], axes)?.first()
    }

    /// Several quantiles, along a new first axis: see [`quantile`](Self::quantile).
    ///
    /// # Errors
    /// As [`quantile`](Self::quantile).
    pub fn quantiles(&self, at: &[f64], axes: impl Into<Axes>) -> Result<Array<T::Real>> {
        if at.iter().any(|at| !(0.0..=1.0).contains(at)) {
            return Err(Error::invalid(format!("quantiles are in the range 0 to 1, not {at:?}")));
        }
        self.ruled(at.iter().map(|at| Rule::Linear(*at)).collect(), axes.into())
    }

    /// The percentile along some axes: the [`quantile`](Self::quantile) of a hundredth of it.
    ///
    /// # Errors
    /// `Invalid` for a percentile below 0 or above 100, and for an axis that is not there.
    pub fn percentile(&self, at: f64, axes: impl Into<Axes>) -> Result<Array<T::Real>> {
        self.percentiles(&[at], axes)?.first()
    }

    /// Several percentiles, along a new first axis: see [`percentile`](Self::percentile).
    ///
    /// # Errors
    /// As [`percentile`](Self::percentile).
    pub fn percentiles(&self, at: &[f64], axes: impl Into<Axes>) -> Result<Array<T::Real>> {
        if at.iter().any(|at| !(0.0..=100.0).contains(at)) {
            return Err(Error::invalid(format!("percentiles are in the range 0 to 100, not {at:?}")));
        }
        self.ruled(at.iter().map(|at| Rule::Linear(at / 100.0)).collect(), axes.into())
    }
}
