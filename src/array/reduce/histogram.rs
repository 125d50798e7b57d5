//! How many elements lie in each bin.

use std::fmt;
use std::sync::Arc;

use super::super::chunked::Array;
use super::super::chunks::Chunks;
use super::super::create::{from_ndarray, full};
use super::super::element::Element;
use super::super::elementwise::Cast;
use super::super::lazy::{Lazy, Needs, Operations};
use super::super::region::Region;
use super::super::tile::Tile;
use super::grid::Grid;
use super::number::Number;
use super::tally::{Places, Tally, Weighed};
use super::tree::Subject;
use crate::base::{Error, Identity, Result, Token, Tokenizer};

/// The bins of a histogram: each has its left edge, the last one its right edge too.
#[derive(Clone, Debug, PartialEq)]
pub enum Bins {
    /// So many of the same width.
    Count(usize),
    /// Between these edges.
    Edges(Vec<f64>),
}

impl From<usize> for Bins {
    fn from(count: usize) -> Bins {
        Bins::Count(count)
    }
}

impl From<Vec<f64>> for Bins {
    fn from(edges: Vec<f64>) -> Bins {
        Bins::Edges(edges)
    }
}

impl<const N: usize> From<[f64; N]> for Bins {
    fn from(edges: [f64; N]) -> Bins {
        Bins::Edges(edges.to_vec())
    }
}

/// In the bin between two edges.
struct Between {
    /// All bins are of the same width.
    even: bool,
}

impl<T: Number> Places<T> for Between {
    fn name(&self) -> &'static str {
        "histogram"
    }

    #[inline]
    fn place(&self, edges: &[f64], value: T) -> Option<usize> {
        let (value, &first, &last) = (value.as_f64(), edges.first()?, edges.last()?);
        if !(first..=last).contains(&value) {
            return None;
        }
        Some(match self.even {
            true => even_bin(value, edges, first, last),
            false => edges.partition_point(|edge| *edge <= value).saturating_sub(1).min(edges.len() - 2),
        })
    }
}

/// By arithmetic, which may miss by one at the edges (numpy's rule).
#[inline]
fn even_bin(value: f64, edges: &[f64], first: f64, last: f64) -> usize {
    let bins = edges.len() - 1;
    let bin = ((((value - first) / (last - first)) * bins as f64) as usize).min(bins - 1);
    if value < edges[bin] {
        bin - 1
    } else if value >= edges[bin + 1] && bin != bins - 1 {
        bin + 1
    } else {
        bin
    }
}

/// Edges of bins of the same width; a range of nothing is made wider (numpy's rule).
fn even_edges(bins: usize, first: f64, last: f64) -> Vec<f64> {
    let (first, last) = if first == last { (first - 0.5, last + 0.5) } else { (first, last) };
    let step = (last - first) / bins as f64;
    (0..=bins).map(|i| if i == bins { last } else { i as f64 * step + first }).collect()
}

/// Edges from the smallest to the largest element.
struct Found<T> {
    extremes: [Arc<dyn Lazy<T>>; 2],
    bins: usize,
    shape: [usize; 1],
}

impl<T: Number> Identity for Found<T> {
    fn token(&self, t: &mut Tokenizer) {
        t.str("edges");
        t.u64(self.bins as u64);
        self.extremes.iter().for_each(|extreme| t.identity(extreme.as_ref()));
    }
}

impl<T> fmt::Debug for Found<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the edges of {} bins", self.bins)
    }
}

impl<T: Number> Lazy<f64> for Found<T> {
    fn name(&self) -> &'static str {
        "edges"
    }

    fn shape(&self) -> &[usize] {
        &self.shape
    }

    fn operations(&self) -> Operations {
        Operations::ONE + self.extremes.iter().map(|extreme| extreme.operations()).sum::<Operations>()
    }

    fn needs(&self, _region: &Region, needs: &mut Needs) {
        self.extremes.iter().for_each(|extreme| extreme.needs(&Region(Vec::new()), needs));
    }

    fn read(&self, region: &Region, out: &mut [f64], tile: &mut Tile<'_>) -> Result<()> {
        let mut ends = [0.0; 2];
        for (end, extreme) in ends.iter_mut().zip(&self.extremes) {
            *end = tile.with(extreme.as_ref(), &Region(Vec::new()), |one, _| Ok(one[0].as_f64()))?;
        }
        let [first, last] = finite(ends, "the range of the elements")?;
        let edges = even_edges(self.bins, first, last);
        let span = region.last();
        out.iter_mut().enumerate().for_each(|(i, out)| *out = edges[span.at(i)]);
        Ok(())
    }
}

fn finite(ends: [f64; 2], what: &str) -> Result<[f64; 2]> {
    if ends.iter().all(|end| end.is_finite()) {
        return Ok(ends);
    }
    let what = format!("{what}, {} to {}, is not finite", ends[0], ends[1]);
    Err(Error::value(what).help("give a range").doing("find the bins of a histogram"))
}

/// The edges that are known before any element is.
fn edges(bins: &Bins, range: Option<(f64, f64)>, empty: bool) -> Result<Option<Vec<f64>>> {
    match (bins, range) {
        (Bins::Count(0), _) => Err(Error::invalid("a histogram has at least one bin")),
        (Bins::Edges(edges), _) if edges.len() < 2 || !edges.is_sorted() => {
            Err(Error::invalid("the edges of bins increase, and there are at least two of them"))
        }
        (Bins::Edges(edges), _) => Ok(Some(edges.clone())),
        (Bins::Count(bins), Some((first, last))) => {
            let [first, last] = finite([first, last], "the range")?;
            if first > last {
                return Err(Error::invalid(format!("the range from {first} to {last} ends before it begins")));
            }
            Ok(Some(even_edges(*bins, first, last)))
        }
        (Bins::Count(bins), None) => Ok(empty.then(|| even_edges(*bins, 0.0, 1.0))),
    }
}

impl<T: Number> Array<T> {
    /// How many elements lie in each bin, and the edges of the bins (numpy's `histogram`). Without a range, bins go from the
    /// smallest to the largest element; elements outside of it, and NaN, are not counted.
    ///
    /// ```
    /// use partita::array::arange;
    /// let x = arange(0.0, 10.0, 1.0, 3)?;
    /// let (counts, edges) = x.histogram(3, None)?;
    /// assert_eq!(counts.compute()?.as_slice(), Some(&[3i64, 3, 4][..]));
    /// assert_eq!(edges.compute()?.as_slice(), Some(&[0.0, 3.0, 6.0, 9.0][..]));
    /// # Ok::<(), partita::Error>(())
    /// ```
    ///
    /// # Errors
    /// `Invalid` for no bins, edges that do not increase, and a range that ends before it begins; `Value` for a range that is
    /// not finite: of the elements, that is found when it is computed.
    pub fn histogram(&self, bins: impl Into<Bins>, range: Option<(f64, f64)>) -> Result<(Array<i64>, Array<f64>)> {
        let (edges, tally) = self.binned(bins.into(), range)?;
        let chunks = Chunks::new([vec![edges.size() - 1]]);
        let counts = match tally.subject.grid.count() {
            0 => full(chunks.shape(), 0i64, "auto")?.in_session(&self.session),
            _ => self.grown(tally, chunks.clone(), chunks),
        };
        Ok((counts, edges))
    }

    /// The weights of the elements in each bin, summed up (numpy's `histogram` with `weights`): as
    /// [`histogram`](Self::histogram), with a weight for each element. Sums are compensated, and the same for any chunks.
    ///
    /// ```
    /// use partita::array::from_ndarray;
    /// let x = from_ndarray(ndarray::array![1.0, 2.0, 3.0, 7.0], 2)?;
    /// let (weights, _) = x.histogram_weighted(3, None, &x.powi(2))?;
    /// assert_eq!(weights.compute()?.as_slice(), Some(&[5.0, 9.0, 49.0][..]));
    /// # Ok::<(), partita::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`histogram`](Self::histogram); `Invalid` for weights of another shape.
    pub fn histogram_weighted<W: Element + Cast<f64>>(
        &self,
        bins: impl Into<Bins>,
        range: Option<(f64, f64)>,
        weights: &Array<W>,
    ) -> Result<(Array<f64>, Array<f64>)> {
        weights.check()?;
        if weights.shape() != self.shape() {
            let (own, theirs) = (self.shape(), weights.shape());
            let what = format!("weights have the shape of the elements, {own:?}, not {theirs:?}");
            return Err(Error::invalid(what).doing("histogram"));
        }
        let (edges, mut tally) = self.binned(bins.into(), range)?;
        let chunks = Chunks::new([vec![edges.size() - 1]]);
        if tally.subject.grid.count() == 0 {
            return Ok((full(chunks.shape(), 0.0, "auto")?.in_session(&self.session), edges));
        }
        let weights = weights.astype::<f64>().lazy;
        tally.subject.token = Token::of(|t| {
            t.token(tally.subject.token);
            t.identity(weights.as_ref());
        });
        Ok((self.grown(Weighed { tally, weights }, chunks.clone(), chunks), edges))
    }

    /// The probability density in each bin, whose integral over all bins is 1 (numpy's `histogram` with `density`): counts, or
    /// weights, by the width of the bin and by their sum. NaN where there is nothing in any bin.
    ///
    /// ```
    /// use partita::array::from_ndarray;
    /// let x = from_ndarray(ndarray::array![1.0, 2.0, 3.0, 7.0], 2)?;
    /// let (density, _) = x.histogram_density(3, None, None)?;
    /// assert_eq!(density.compute()?.as_slice(), Some(&[0.25, 0.125, 0.125][..]));
    /// # Ok::<(), partita::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`histogram_weighted`](Self::histogram_weighted).
    pub fn histogram_density(
        &self,
        bins: impl Into<Bins>,
        range: Option<(f64, f64)>,
        weights: Option<&Array<f64>>,
    ) -> Result<(Array<f64>, Array<f64>)> {
        let (counts, edges) = match weights {
            Some(weights) => self.histogram_weighted(bins, range, weights)?,
            None => {
                let (counts, edges) = self.histogram(bins, range)?;
                (counts.astype::<f64>(), edges)
            }
        };
        let widths = edges.slice(1..)? - edges.slice(..-1)?;
        Ok((&counts / widths / counts.sum()?, edges))
    }

    /// The edges of the bins, and what finds the bin of each element.
    fn binned(&self, bins: Bins, range: Option<(f64, f64)>) -> Result<(Array<f64>, Tally<T, Between>)> {
        self.check()?;
        let even = matches!(bins, Bins::Count(_));
        let edges = match (edges(&bins, range, self.size() == 0)?, &bins) {
            (Some(edges), _) => from_ndarray(ndarray::Array1::from(edges), "auto")?,
            (None, Bins::Edges(_)) => return Err(Error::invalid("the edges are missing")),
            (None, Bins::Count(bins)) => {
                let extremes = [self.min()?.lazy, self.max()?.lazy];
                Array::new(Arc::new(Found { extremes, bins: *bins, shape: [bins + 1] }), "auto")?
            }
        };
        let edges = edges.in_session(&self.session);
        let token = Token::of(|t| {
            t.str("histogram");
            t.debug(&even);
            t.identity(edges.lazy.as_ref());
            t.identity(self.lazy.as_ref());
        });
        let grid = Grid::new(self.shape(), &vec![true; self.ndim()]);
        let subject = Subject { input: self.lazy.clone(), grid, token };
        let many = edges.size() - 1;
        Ok((edges.clone(), Tally { subject, places: Between { even }, many, edges: Some(edges.lazy) }))
    }
}
