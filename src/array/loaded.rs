//! Arrays whose chunks a function gives, one task each: from files, from delayed values.

use std::fmt;
use std::sync::Arc;

use ndarray::ArrayD;

use super::block::{Block, Shelf};
use super::chunked::Array;
use super::chunks::Chunks;
use super::element::Element;
use super::held::Held;
use super::lazy::{Barrier, Lowering, Needs};
use crate::base::{Error, Result, Token};
use crate::exec::Cancel;
use crate::graph::{Key, TaskId};
use crate::session::Session;

/// Gives the elements of the chunk at a place, which has this shape, in a session, for a task that may be cancelled.
type Read<T> = dyn Fn(&[usize], &[usize], &Session, &Cancel) -> Result<Vec<T>> + Send + Sync;

struct Loaded<T> {
    chunks: Chunks,
    name: &'static str,
    token: Token,
    read: Arc<Read<T>>,
}

impl<T> fmt::Debug for Loaded<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

impl<T: Element> Barrier for Loaded<T> {
    fn token(&self) -> Token {
        self.token
    }

    fn tasks(&self, lowering: &mut Lowering) -> Result<Vec<TaskId>> {
        let (name, shelf): (Arc<str>, Shelf<T>) = (self.name.into(), Shelf::default());
        let task = |number: usize| {
            let (place, shelf) = (self.chunks.place(number), shelf.clone());
            let shape: Vec<usize> = self.chunks.range(&place).iter().map(|(_, len)| *len).collect();
            let (read, session) = (self.read.clone(), lowering.session().clone());
            lowering.reading(Key::new(self.token, number), &name, 1, Needs::default(), move |_, ctx| {
                ctx.cancel.check()?;
                let many: usize = shape.iter().product();
                // as bytes and as elements at once
                let room = ctx.budget.reserve("a chunk that is read", 2 * (many * size_of::<T>()) as u64)?;
                let values = read(&place, &shape, &session, &ctx.cancel)?;
                if values.len() != many {
                    return Err(Error::value(format!("chunk {place:?} has {} elements", values.len())));
                }
                drop(room);
                Ok(Block::of(values, ctx)?.hold(&shelf, ctx))
            })
        };
        (0..self.chunks.count()).map(task).collect()
    }
}

/// An array whose chunks are read from files.
pub(in crate::array) fn loaded<T: Element>(
    name: &'static str,
    chunks: Chunks,
    token: Token,
    read: impl Fn(&[usize], &[usize]) -> Result<Vec<T>> + Send + Sync + 'static,
) -> Result<Array<T>> {
    loaded_within(name, chunks, token, move |place, shape, _, _| read(place, shape))
}

fn loaded_within<T: Element>(
    name: &'static str,
    chunks: Chunks,
    token: Token,
    read: impl Fn(&[usize], &[usize], &Session, &Cancel) -> Result<Vec<T>> + Send + Sync + 'static,
) -> Result<Array<T>> {
    let barrier = Loaded { chunks: chunks.clone(), name, token, read: Arc::new(read) };
    Array::new(Arc::new(Held::<T>::new(Arc::new(barrier), chunks.clone(), name, 1)), chunks)
}

/// An array whose chunks a function gives, each when it is needed, by its number along each axis; a chunk is held as
/// long as somebody needs it. Elements of which each is known by itself are better given by
/// [`from_fn`](super::create::from_fn).
///
/// ```
/// use partita::array::{Chunks, loaded::from_chunks};
/// let x = from_chunks(Chunks::new([vec![2, 3]]), |place| Ok(ndarray::ArrayD::from_elem(vec![2 + place[0]], place[0] as i64)))?;
/// assert_eq!(x.compute()?.as_slice(), Some(&[0, 0, 1, 1, 1][..]));
/// # Ok::<(), partita::Error>(())
/// ```
///
/// # Errors
/// When it is computed: what the function gives, and `Invalid` for a chunk of another shape.
pub fn from_chunks<T: Element>(
    chunks: Chunks,
    function: impl Fn(&[usize]) -> Result<ArrayD<T>> + Send + Sync + 'static,
) -> Result<Array<T>> {
    from_chunks_within(chunks, move |place, _, _| function(place))
}

/// As [`from_chunks`], with a function that computes in the session where the array is computed.
pub(crate) fn from_chunks_within<T: Element>(
    chunks: Chunks,
    function: impl Fn(&[usize], &Session, &Cancel) -> Result<ArrayD<T>> + Send + Sync + 'static,
) -> Result<Array<T>> {
    loaded_within("from_chunks", chunks, Token::fresh(), move |place, shape, session, cancel| {
        let chunk = function(place, session, cancel)?;
        if chunk.shape() != shape {
            return Err(Error::invalid(format!("chunk {place:?} has the shape {:?}, not {shape:?}", chunk.shape())));
        }
        Ok(match chunk.is_standard_layout() {
            true => chunk.into_raw_vec_and_offset().0,
            false => chunk.iter().copied().collect(),
        })
    })
}
