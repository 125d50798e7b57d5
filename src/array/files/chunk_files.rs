//! Tasks that write chunks, and what those share that read them.

use std::path::Path;
use std::sync::Arc;

use super::super::block::Block;
use super::super::chunked::{Array, fill};
use super::super::element::Element;
use super::super::lazy::{Lowering, Needs};
use super::super::region::Region;
use crate::base::{Error, Result, Token};
use crate::graph::{Held as HeldResult, Key, Payload, TaskId};

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
        self.check()?;
        let (write, name): (Arc<_>, Arc<str>) = (Arc::new(write), name.into());
        let mut lowering = Lowering::new(&self.session);
        let token = Token::fresh();
        let task = |number: usize| {
            let place = self.chunks.place(number);
            let region = Region::block(&self.chunks.range(&place));
            let mut needs = Needs::default();
            self.lazy.needs(&region, &mut needs);
            let (lazy, write) = (self.lazy.clone(), write.clone());
            let operations = 1 + lazy.operations().fused;
            lowering.reading(Key::new(token, number), &name, operations, needs, move |tile, ctx| {
                let mut block = Block::filled(region.len(), ctx)?;
                fill(lazy.as_ref(), &region, &mut block.values, tile, &ctx.cancel)?;
                // as bytes, before and after they are compressed
                let _room = ctx.budget.reserve("a chunk that is written", 2 * size_of_val(&block.values[..]) as u64)?;
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
