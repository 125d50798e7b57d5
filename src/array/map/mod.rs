//! Functions of whole blocks.
//!
//! | file | what |
//! |---|---|
//! | `mapped` | the machine: a task a block, whose result is held |
//! | `map_blocks` | [`map_blocks`](super::Array::map_blocks), [`map_blocks_to`](super::Array::map_blocks_to) |
//! | `map_overlap` | [`map_overlap`](super::Array::map_overlap): blocks with their neighbours' elements around them |

mod map_blocks;
mod map_overlap;
mod mapped;

pub use map_overlap::Boundary;
pub use mapped::BlockInfo;
