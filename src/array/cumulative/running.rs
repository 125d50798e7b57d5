//! Elements together with all before them.

use std::fmt;
use std::sync::Arc;

use super::super::chunked::Array;
use super::super::chunks::Chunks;
use super::super::create::full;
use super::super::held::Held;
use super::super::lazy::{Lazy, Needs, Operations};
use super::super::reduce::{Axes, Number};
use super::super::region::{Region, Span};
use super::super::tile::Tile;
use super::carry::{Carries, Panels};
use super::flat::Flat;
use super::scan::{Extremes, Products, Scan, Sums};
use crate::base::{Error, Identity, Result, Tokenizer};

/// The elements, made from what is known before their panel.
struct Running<T: Number, S: Scan<T>> {
    input: Arc<dyn Lazy<T>>,
    carries: Held<S::Carry>,
    scan: S,
    panels: Panels,
}

impl<T: Number, S: Scan<T>> Identity for Running<T, S> {
    fn token(&self, t: &mut Tokenizer) {
        t.str("running");
        t.identity(&self.carries);
    }
}

impl<T: Number, S: Scan<T>> fmt::Debug for Running<T, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} along axis {}", self.scan.name(), self.panels.axis)
    }
}

/// Some wanted places along the axis, all of one panel.
struct Run {
    panel: usize,
    /// How many elements of the panel have to be read.
    len: usize,
    /// Elements of the panel, and where they are wanted, in the order of the panel.
    wanted: Vec<(usize, usize)>,
}

impl<T: Number, S: Scan<T>> Running<T, S> {
    fn runs(&self, span: Span) -> Vec<Run> {
        let mut runs: Vec<Run> = Vec::new();
        for place in 0..span.len {
            let (panel, at) = (span.at(place) / self.panels.len, span.at(place) % self.panels.len);
            match runs.last_mut().filter(|run| run.panel == panel) {
                Some(run) => run.wanted.push((at, place)),
                None => runs.push(Run { panel, len: 0, wanted: vec![(at, place)] }),
            }
        }
        for run in &mut runs {
            if span.step < 0 {
                run.wanted.reverse();
            }
            run.len = run.wanted.last().map_or(0, |(at, _)| at + 1);
        }
        runs
    }

    /// The region with other elements along the axis.
    fn along(&self, region: &Region, span: Span) -> Region {
        let mut region = region.clone();
        region.0[self.panels.axis] = span;
        region
    }

    /// What is held of these panels, for the same lanes.
    fn carried(&self, region: &Region, panel: usize, many: usize) -> Region {
        let mut carried = self.along(region, Span::new(panel, many));
        carried.0.push(Span::new(0, 2));
        carried
    }
}

impl<T: Number, S: Scan<T>> Lazy<S::Output> for Running<T, S> {
    fn name(&self) -> &'static str {
        self.scan.name()
    }

    fn shape(&self) -> &[usize] {
        self.input.shape()
    }

    fn operations(&self) -> Operations {
        Operations::ONE + self.input.operations()
    }

    fn needs(&self, region: &Region, needs: &mut Needs) {
        let Some((low, high)) = region.0[self.panels.axis].bounds() else { return };
        let first = low / self.panels.len;
        let start = first * self.panels.len;
        self.input.needs(&self.along(region, Span::new(start, high + 1 - start)), needs);
        self.carries.needs(&self.carried(region, first, high / self.panels.len + 1 - first), needs);
    }

    fn read(&self, region: &Region, out: &mut [S::Output], tile: &mut Tile<'_>) -> Result<()> {
        let shape = region.shape();
        let axis = self.panels.axis;
        let inner: usize = shape[axis + 1..].iter().product();
        let outer: usize = shape[..axis].iter().product();
        for run in self.runs(region.0[axis]) {
            let dense = self.along(region, Span::new(run.panel * self.panels.len, run.len));
            tile.with(self.input.as_ref(), &dense, |values, tile| {
                tile.with(&self.carries, &self.carried(region, run.panel, 1), |carries, _| {
                    for o in 0..outer {
                        let (values, carries) = (&values[o * run.len * inner..], &carries[o * inner * 2..]);
                        let out = &mut out[o * shape[axis] * inner..];
                        self.scan_panel(&run, inner, values, carries, out)?;
                    }
                    Ok(())
                })
            })?;
        }
        Ok(())
    }
}

impl<T: Number, S: Scan<T>> Running<T, S> {
    /// Elements of one panel: rows along the axis of `inner` lanes each.
    fn scan_panel(
        &self,
        run: &Run,
        inner: usize,
        values: &[T],
        carries: &[S::Carry],
        out: &mut [S::Output],
    ) -> Result<()> {
        let (pairs, _) = carries.as_chunks::<2>();
        let mut states: Vec<S::State> = match run.panel {
            0 => vec![self.scan.start(); inner],
            _ => pairs[..inner].iter().map(|&carry| self.scan.load(carry)).collect(),
        };
        let mut wanted = run.wanted.iter().peekable();
        for (at, row) in values[..run.len * inner].chunks(inner.max(1)).enumerate() {
            states.iter_mut().zip(row).for_each(|(state, &value)| self.scan.add(state, value));
            while let Some((_, place)) = wanted.next_if(|(element, _)| *element == at) {
                for (out, state) in out[place * inner..].iter_mut().zip(&states) {
                    *out = self.scan.value(state)?;
                }
            }
        }
        Ok(())
    }
}

impl<T: Number> Array<T> {
    fn running<S: Scan<T>>(&self, scan: S, axis: Axes) -> Result<Array<S::Output>> {
        self.check()?;
        let named = axis.named(self.ndim())?;
        let along = match named.as_slice() {
            _ if axis.is_all() => {
                let flat: Array<T> = match self.ndim() {
                    1 => self.clone(),
                    _ => Array::new(Arc::new(Flat::new(self.lazy.clone())), "auto")?.in_session(&self.session),
                };
                return flat.scanned(scan, 0);
            }
            [axis] => *axis,
            _ => return Err(Error::invalid("it goes along one axis, or through all elements").doing(scan.name())),
        };
        self.scanned(scan, along)
    }

    fn scanned<S: Scan<T>>(&self, scan: S, axis: usize) -> Result<Array<S::Output>> {
        if self.size() == 0 {
            let nothing = full(self.shape(), S::Output::default(), self.chunks.clone())?;
            return Ok(nothing.in_session(&self.session));
        }
        let panels = Panels::of(self.shape(), axis);
        let carries = Carries::new(self.lazy.clone(), scan.clone(), panels.clone());
        let blocks: Chunks = carries.blocks();
        let carries = Held::new(Arc::new(Arc::new(carries)), blocks, "carries", 1);
        let running = Running { input: self.lazy.clone(), carries, scan, panels };
        Ok(self.then(running, self.chunks.clone()))
    }

    /// The sum of each element and all before it, along an axis, or with [`Axes::all`] through all elements, the last axis
    /// running fastest (numpy's `cumsum`). Exact for whole numbers, compensated for floating ones, and the same for any
    /// chunks.
    ///
    /// ```
    /// use partita::array::{from_ndarray, reduce::Axes};
    /// let x = from_ndarray(ndarray::array![[1i64, 2], [3, 4]], 1)?;
    /// assert_eq!(x.cumsum(0)?.compute()?.into_raw_vec_and_offset().0, [1, 2, 4, 6]);
    /// assert_eq!(x.cumsum(Axes::all())?.compute()?.into_raw_vec_and_offset().0, [1, 3, 6, 10]);
    /// # Ok::<(), partita::Error>(())
    /// ```
    ///
    /// # Errors
    /// `Invalid` for an axis that is not there, or several; computing an element whose sum is no `i64` is an error of kind
    /// `Value`.
    pub fn cumsum(&self, axis: impl Into<Axes>) -> Result<Array<T::Sum>> {
        self.running(Sums, axis.into())
    }

    /// The product of each element and all before it: see [`cumsum`](Self::cumsum) and [`prod`](Self::prod).
    ///
    /// # Errors
    /// As [`cumsum`](Self::cumsum).
    pub fn cumprod(&self, axis: impl Into<Axes>) -> Result<Array<T::Sum>> {
        self.running(Products, axis.into())
    }

    /// The largest of each element and all before it; NaN from the first one on (numpy's `maximum.accumulate`).
    ///
    /// # Errors
    /// `Invalid` for an axis that is not there, or several.
    pub fn cummax(&self, axis: impl Into<Axes>) -> Result<Array<T>> {
        self.running(Extremes::<true>, axis.into())
    }

    /// The smallest of each element and all before it; NaN from the first one on (numpy's `minimum.accumulate`).
    ///
    /// # Errors
    /// `Invalid` for an axis that is not there, or several.
    pub fn cummin(&self, axis: impl Into<Axes>) -> Result<Array<T>> {
        self.running(Extremes::<false>, axis.into())
    }
}
