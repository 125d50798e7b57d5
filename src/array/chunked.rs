//! Arrays.

use std::fmt;
use std::sync::Arc;

use super::block::{Block, Shelf};
use super::chunks::{ChunkSpec, Chunks, fits};
use super::element::{DType, Element};
use super::lazy::{Lazy, Lowering, Needs};
use super::region::Region;
use super::regrouped::MOST_FUSED;
use super::tile::tiles;
use crate::base::{Error, Result, Token};
use crate::exec::Cancel;
use crate::graph::draw::{Tasks, Visualize};
use crate::graph::{Key, TaskId};
use crate::session::Session;

/// A chunked n-dimensional array that is computed when it is asked for (Dask's `dask.array`).
///
/// Operations are written down; a chain of them is evaluated tile by tile in the cache, so an array may be far larger than
/// memory as long as nobody asks for all of its elements at once.
///
/// ```
/// use partita::array::{Array, random};
///
/// let x = random::uniform(42, [2000, 1000], "auto")?;
/// let y = &x + x.sum_axis(0)?.rechunk("auto")?;
/// assert_eq!((y.shape(), y.dtype().to_string()), (&[2000, 1000][..], "float64".to_string()));
/// assert!((x.mean()?.item()? - 0.5).abs() < 0.001);
/// # Ok::<(), partita::Error>(())
/// ```
pub struct Array<T> {
    pub(super) lazy: Arc<dyn Lazy<T>>,
    pub(super) chunks: Chunks,
    pub(super) session: Session,
}

impl<T: Element> Array<T> {
    /// The array that `lazy` gives, cut so, in the current session.
    ///
    /// # Errors
    /// `Invalid` when the chunks do not fit the shape.
    pub fn new(lazy: Arc<dyn Lazy<T>>, chunks: impl Into<ChunkSpec>) -> Result<Array<T>> {
        let chunks = chunks.into().chunks(lazy.shape(), size_of::<T>())?;
        Ok(Array { lazy, chunks, session: Session::current()? })
    }

    /// What an operation makes of this one, cut so; what was wrong stays wrong.
    pub(super) fn then<U: Element>(&self, lazy: impl Lazy<U> + 'static, chunks: Chunks) -> Array<U> {
        if let Some(error) = self.lazy.failure() {
            return self.failed(error.clone(), lazy.shape());
        }
        if let Err(error) = fits(lazy.shape(), size_of::<U>()) {
            return self.failed(Arc::new(error.doing(lazy.name())), &[]);
        }
        let made = Array { lazy: Arc::new(lazy) as Arc<dyn Lazy<U>>, chunks, session: self.session.clone() };
        match made.lazy.operations().all > MOST_FUSED && !made.lazy.is_held() {
            true => made.held("hold", 1),
            false => made,
        }
    }

    /// How many elements it has along each axis.
    pub fn shape(&self) -> &[usize] {
        self.lazy.shape()
    }

    /// The number of axes.
    pub fn ndim(&self) -> usize {
        self.shape().len()
    }

    /// The number of elements.
    pub fn size(&self) -> usize {
        self.shape().iter().product()
    }

    /// The type of its elements.
    pub fn dtype(&self) -> DType {
        T::DTYPE
    }

    /// The sizes of its chunks along each axis.
    pub fn chunks(&self) -> &Chunks {
        &self.chunks
    }

    /// How many chunks there are along each axis.
    pub fn numblocks(&self) -> Vec<usize> {
        self.chunks.numblocks()
    }

    /// How many chunks there are.
    pub fn npartitions(&self) -> usize {
        self.chunks.count()
    }

    /// Bytes of all its elements.
    pub fn nbytes(&self) -> u64 {
        (self.size() as u64).saturating_mul(size_of::<T>() as u64)
    }

    /// The session it is computed in.
    pub fn session(&self) -> &Session {
        &self.session
    }

    /// The same array in another session.
    #[must_use]
    pub fn in_session(&self, session: &Session) -> Array<T> {
        Array { session: session.clone(), ..self.clone() }
    }

    /// The identity of its content and chunks: equal for equal work.
    pub fn token(&self) -> Token {
        Token::of(|t| {
            t.identity(self.lazy.as_ref());
            t.str(&self.chunks.to_string());
        })
    }

    /// Adds the tasks that give the chunks.
    pub(super) fn lower(&self, lowering: &mut Lowering) -> Result<Vec<TaskId>> {
        self.check()?;
        let token = self.token();
        let name: Arc<str> = self.lazy.name().into();
        let shelf = Shelf::default();
        let task = |number: usize| {
            let region = Region::block(&self.chunks.range(&self.chunks.place(number)));
            let mut needs = Needs::default();
            self.lazy.needs(&region, &mut needs);
            let (lazy, shelf) = (self.lazy.clone(), shelf.clone());
            lowering.reading(Key::new(token, number), &name, self.lazy.operations().fused, needs, move |tile, ctx| {
                let mut block = Block::filled(region.len(), ctx)?;
                fill(lazy.as_ref(), &region, &mut block.values, tile, &ctx.cancel)?;
                Ok(block.hold(&shelf, ctx))
            })
        };
        (0..self.chunks.count()).map(task).collect()
    }

    /// The only element.
    ///
    /// A literal such as `1.0` is an `f64` only where nothing is asked of it before Rust knows: for what `sum` and `mean` make
    /// of an array of literals a type has to be named, of one of them or of the result. (The compiler says "expected `f64`,
    /// found `!`", or "type annotations needed".)
    ///
    /// ```
    /// use partita::array::{arange, full, ones};
    /// let sum = full([3], 1.0f64, 1)?.sum()?.item()?;
    /// let mean: f64 = arange(0.0, 7.0, 1.0, 1)?.mean()?.item()?;
    /// assert_eq!((sum.sqrt().round(), mean.abs()), (2.0, 3.0));
    /// assert_eq!(ones([3], 1)?.sum()?.item()?.sqrt(), 3f64.sqrt()); // these have a type
    /// # Ok::<(), partita::Error>(())
    /// ```
    ///
    /// # Errors
    /// `Invalid` when there is not exactly one; as [`compute`](Self::compute).
    pub fn item(&self) -> Result<T> {
        self.check()?;
        if self.size() != 1 {
            let what = format!("an array of shape {:?} has {} elements, not one", self.shape(), self.size());
            return Err(Error::invalid(what).help("reduce it, or call compute()"));
        }
        self.compute()?.first().copied().ok_or_else(|| Error::invalid("the element is missing"))
    }

    /// A picture of the tasks that compute it: see [`Visualize`].
    ///
    /// # Errors
    /// When something is found wrong only now.
    pub fn visualize(&self) -> Result<Visualize> {
        let mut lowering = Lowering::new(&self.session);
        let wanted = self.lower(&mut lowering)?;
        Ok(Visualize::of_tasks(self.lazy.name(), Tasks::of(&lowering.into_graph(), &wanted)))
    }

    /// How many tasks compute it: a chain of operations is one for each chunk.
    ///
    /// # Errors
    /// When something is found wrong only now.
    pub fn num_tasks(&self) -> Result<usize> {
        Ok(self.counted()?.1)
    }

    /// How many operations on blocks there are as they are written down, and how many tasks they become.
    pub(super) fn counted(&self) -> Result<(usize, usize)> {
        let mut lowering = Lowering::new(&self.session);
        self.lower(&mut lowering)?;
        Ok((lowering.written(), lowering.into_graph().len()))
    }
}

/// Reads a region tile by tile; what is only copied, at once.
pub(super) fn fill<T: Element>(
    lazy: &dyn Lazy<T>,
    region: &Region,
    out: &mut [T],
    tile: &mut super::tile::Tile<'_>,
    cancel: &Cancel,
) -> Result<()> {
    let shape = region.shape();
    if lazy.is_held() {
        cancel.check()?;
        return lazy.read(region, out, tile);
    }
    tiles(&shape, |spans| {
        cancel.check()?;
        let part = Region(region.0.iter().zip(spans).map(|(whole, part)| whole.of(*part)).collect());
        tile.with(lazy, &part, |values, _| {
            let inside = Region(spans.to_vec());
            let mut rows = values.chunks(inside.last().len.max(1));
            inside.rows(|index| {
                let first = index.iter().zip(&shape).fold(0, |at, (i, len)| at * len + i);
                if let Some(row) = rows.next() {
                    out[first..first + row.len()].copy_from_slice(row);
                }
            });
            Ok(())
        })
    })
}

impl<T> Clone for Array<T> {
    fn clone(&self) -> Self {
        Array { lazy: self.lazy.clone(), chunks: self.chunks.clone(), session: self.session.clone() }
    }
}

impl<T: Element> fmt::Debug for Array<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (name, dtype) = (self.lazy.name(), T::DTYPE);
        write!(f, "Array<{name}, shape={:?}, dtype={dtype}, chunks={}>", self.shape(), self.chunks)
    }
}
