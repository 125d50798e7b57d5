//! Blocks of a product, each made panel by panel. How matrices are divided depends on their shapes alone, so that the result
//! does not depend on chunks.

use std::fmt;
use std::sync::Arc;

use super::super::block::{Block, HeldBlock, Shelf};
use super::super::chunked::fill;
use super::super::chunks::Chunks;
use super::super::lazy::{Barrier, Lazy, Lowering, Needs};
use super::super::region::Region;
use super::super::shape::like;
use super::super::tile::Tile;
use super::multiply::Multiply;
use crate::base::{Error, Result, Token};
use crate::exec::TaskContext;
use crate::graph::{Key, Payload, TaskId};

/// Rows and columns of a block: an element of the factors is read once for so many results.
const SIDE: usize = 1024;
/// Columns of the left and rows of the right factor that lie in memory at a time.
const PANEL: usize = 512;
/// Where there are fewer blocks, the sums are divided too, unless a task would have fewer products than this.
const BLOCKS: usize = 32;
const PRODUCTS: usize = 1 << 28;

/// The products of two rows of matrices: `(batch, rows, inner)` by `(batch, inner, columns)`.
pub(super) struct Product<T> {
    left: Arc<dyn Lazy<T>>,
    right: Arc<dyn Lazy<T>>,
    blocks: Chunks,
    /// How many products a task sums up for each element.
    stripe: usize,
    token: Token,
}

impl<T: Multiply> Product<T> {
    pub(super) fn new(left: Arc<dyn Lazy<T>>, right: Arc<dyn Lazy<T>>) -> Product<T> {
        let at = |of: &Arc<dyn Lazy<T>>, axis: usize| of.shape().get(axis).copied().unwrap_or(0);
        let (batch, rows, inner, columns) = (at(&left, 0), at(&left, 1), at(&left, 2), at(&right, 2));
        let (side, across) = (rows.clamp(1, SIDE), columns.clamp(1, SIDE));
        let deep = (SIDE * SIDE / (side * across)).clamp(1, batch.max(1));
        let blocks = Chunks::new([like(&[deep], batch), like(&[side], rows), like(&[across], columns)]);
        let wanted = BLOCKS.div_ceil(blocks.count());
        let least = PRODUCTS / (deep * side * across);
        let stripe = inner.div_ceil(wanted).max(least).next_multiple_of(PANEL);
        let token = Token::of(|t| {
            t.str("product");
            t.debug(&T::DTYPE);
            t.identity(left.as_ref());
            t.identity(right.as_ref());
        });
        Product { left, right, blocks, stripe, token }
    }

    /// The chunks of the result.
    pub(super) fn blocks(&self) -> &Chunks {
        &self.blocks
    }

    fn inner(&self) -> usize {
        self.left.shape().last().copied().unwrap_or(0)
    }

    /// The regions of both factors for a block and a part of the sums.
    fn factors(range: &[(usize, usize)], part: (usize, usize)) -> [Region; 2] {
        let &[batch, rows, columns] = range else { return [Region(Vec::new()), Region(Vec::new())] };
        [Region::block(&[batch, rows, part]), Region::block(&[batch, part, columns])]
    }

    /// A part of the sums of a block, panel by panel.
    fn sums(
        &self,
        range: &[(usize, usize)],
        part: (usize, usize),
        tile: &mut Tile<'_>,
        ctx: &TaskContext,
    ) -> Result<Block<T>> {
        let &[(_, batch), (_, rows), (_, columns)] = range else {
            return Err(Error::invalid("a product has three axes"));
        };
        let mut out = Block::<T>::filled(batch * rows * columns, ctx)?;
        let panel = PANEL.min(part.1);
        let mut left = Block::<T>::filled(batch * rows * panel, ctx)?;
        let mut right = Block::<T>::filled(batch * panel * columns, ctx)?;
        for first in (0..part.1).step_by(PANEL) {
            let inner = PANEL.min(part.1 - first);
            let [a, b] = Self::factors(range, (part.0 + first, inner));
            fill(self.left.as_ref(), &a, &mut left.values[..a.len()], tile, &ctx.cancel)?;
            fill(self.right.as_ref(), &b, &mut right.values[..b.len()], tile, &ctx.cancel)?;
            let matrices =
                left.values[..a.len()].chunks(rows * inner).zip(right.values[..b.len()].chunks(inner * columns));
            for ((left, right), out) in matrices.zip(out.values.chunks_mut(rows * columns)) {
                ctx.cancel.check()?;
                if T::multiply(left, right, out, (rows, inner, columns)) {
                    return Err(too_large::<T>());
                }
            }
        }
        Ok(out)
    }
}

impl<T> fmt::Debug for Product<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "product of {:?} and {:?}", self.left, self.right)
    }
}

impl<T: Multiply> Barrier for Arc<Product<T>> {
    fn token(&self) -> Token {
        self.token
    }

    fn tasks(&self, lowering: &mut Lowering) -> Result<Vec<TaskId>> {
        let (name, merged): (Arc<str>, Arc<str>) = ("matmul".into(), "merge".into());
        let parts = Token::of(|t| {
            t.token(self.token);
            t.str("part");
        });
        let shelf = Shelf::<T>::default();
        let stripes = like(&[self.stripe], self.inner());
        let operations = 1 + self.left.operations().fused + self.right.operations().fused;
        let mut done = Vec::with_capacity(self.blocks.count());
        for number in 0..self.blocks.count() {
            let range = self.blocks.range(&self.blocks.place(number));
            let mut first = 0;
            let mut ids = Vec::with_capacity(stripes.len());
            for (i, &len) in stripes.iter().enumerate() {
                let part = (first, len);
                first += len;
                let mut needs = Needs::default();
                let [left, right] = Product::<T>::factors(&range, part);
                self.left.needs(&left, &mut needs);
                self.right.needs(&right, &mut needs);
                let (of, range, shelf) = (self.clone(), range.clone(), shelf.clone());
                let work = move |tile: &mut Tile<'_>, ctx: &TaskContext| -> Result<Payload> {
                    Ok(of.sums(&range, part, tile, ctx)?.hold(&shelf, ctx))
                };
                let key = match stripes.len() {
                    1 => Key::new(self.token, number),
                    many => Key::new(parts, number * many + i),
                };
                ids.push(lowering.reading(key, &name, operations, needs, work)?);
            }
            if let [single] = ids.as_slice() {
                done.push(*single);
                continue;
            }
            let shelf = shelf.clone();
            let add = move |inputs: Vec<Payload>, ctx: &TaskContext| Ok(added::<T>(&inputs, ctx)?.hold(&shelf, ctx));
            done.push(lowering.joining(Key::new(self.token, number), &merged, &ids, Box::new(add)));
        }
        Ok(done)
    }
}

/// Parts of the same sums, added in their order.
fn added<T: Multiply>(inputs: &[Payload], ctx: &TaskContext) -> Result<Block<T>> {
    let part = |payload: &Payload, out: &mut [T]| {
        let block = payload.get::<HeldBlock<T>>().ok_or_else(|| Error::invalid("a task gave no block"))?;
        block.pin()?.copy(0, 1, out)
    };
    let len = inputs.first().and_then(Payload::get::<HeldBlock<T>>).map_or(0, HeldBlock::len);
    let (mut sums, mut more) = (Block::<T>::filled(len, ctx)?, Block::<T>::filled(len, ctx)?);
    for (number, payload) in inputs.iter().enumerate() {
        if number == 0 {
            part(payload, &mut sums.values)?;
            continue;
        }
        part(payload, &mut more.values)?;
        if T::add(&mut sums.values, &more.values) {
            return Err(too_large::<T>());
        }
    }
    Ok(sums)
}

fn too_large<T: Multiply>() -> Error {
    Error::value(format!("a sum of products does not fit {}", T::DTYPE)).help("convert to a wider type first: astype()")
}
