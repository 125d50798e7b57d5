//! Tasks that read chunks, tasks that write them.

use std::fmt;
use std::path::Path;
use std::sync::Arc;

use super::super::chunked::{Array, fill};
use super::super::chunks::Chunks;
use super::super::element::Element;
use super::super::held::{Block, Held};
use super::super::lazy::{Barrier, Lowering, Needs};
use super::super::region::Region;
use crate::base::{Error, Result, Token};
use crate::graph::{Held as HeldResult, Key, Payload, TaskId};

/// Reads the elements of the chunk at a place, which has this shape.
type Read<T> = dyn Fn(&[usize], &[usize]) -> Result<Vec<T>> + Send + Sync;

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
        let name: Arc<str> = self.name.into();
        let task = |number: usize| {
            let place = self.chunks.place(number);
            let shape: Vec<usize> = self.chunks.range(&place).iter().map(|(_, len)| *len).collect();
            let read = self.read.clone();
            lowering.reading(Key::new(self.token, number), &name, Needs::default(), move |_, ctx| {
                ctx.cancel.check()?;
                let mut block = Block::<T>::filled(shape.iter().product(), ctx)?;
                let values = read(&place, &shape)?;
                if values.len() != block.values.len() {
                    return Err(Error::value(format!("chunk {place:?} has {} elements", values.len())));
                }
                block.values = values;
                Ok(Payload::new(block))
            })
        };
        (0..self.chunks.count()).map(task).collect()
    }
}

/// An array whose chunks are read from files.
pub(super) fn loaded<T: Element>(
    name: &'static str,
    chunks: Chunks,
    token: Token,
    read: impl Fn(&[usize], &[usize]) -> Result<Vec<T>> + Send + Sync + 'static,
) -> Result<Array<T>> {
    let barrier = Loaded { chunks: chunks.clone(), name, token, read: Arc::new(read) };
    Array::new(Arc::new(Held::<T>::new(Arc::new(barrier), chunks.clone(), name, 1)), chunks)
}

/// A chunk is written.
struct Written;

impl HeldResult for Written {
    fn bytes(&self) -> u64 {
        0
    }
}

impl<T: Element> Array<T> {
    /// Computes every chunk, and gives it to `write` with its place and its shape.
    pub(super) fn each_chunk(
        &self,
        name: &'static str,
        write: impl Fn(&[usize], &[usize], &[T]) -> Result<()> + Send + Sync + 'static,
    ) -> Result<()> {
        let (write, name): (Arc<_>, Arc<str>) = (Arc::new(write), name.into());
        let mut lowering = Lowering::default();
        let token = Token::fresh();
        let task = |number: usize| {
            let place = self.chunks.place(number);
            let region = Region::block(&self.chunks.range(&place));
            let mut needs = Needs::default();
            self.lazy.needs(&region, &mut needs);
            let (lazy, write) = (self.lazy.clone(), write.clone());
            lowering.reading(Key::new(token, number), &name, needs, move |tile, ctx| {
                let mut block = Block::filled(region.len(), ctx)?;
                fill(lazy.as_ref(), &region, &mut block.values, tile, &ctx.cancel)?;
                write(&place, &region.shape(), &block.values)?;
                Ok(Payload::new(Written))
            })
        };
        let wanted = (0..self.chunks.count()).map(task).collect::<Result<Vec<TaskId>>>()?;
        self.session.run_graph(lowering.into_graph(), wanted)?.try_for_each(|written| written.map(drop))
    }
}

/// The content of a file.
pub(super) fn content(path: &Path) -> Result<Vec<u8>> {
    std::fs::read(path).map_err(|error| Error::io(path.display(), error).doing("read"))
}

/// The identity of a description and its file: read again, it is the same as long as it is not written anew.
pub(super) fn token_of(path: &Path, text: &str) -> Token {
    let changed = std::fs::metadata(path).and_then(|meta| meta.modified()).ok();
    Token::of(|t| {
        t.str(&path.display().to_string());
        t.str(text);
        t.debug(&changed);
    })
}
