//! Sources of batches, and what is wanted of them.

use std::fmt::Debug;
use std::sync::Arc;

use arrow::datatypes::{Schema, SchemaRef};

use super::{Batches, PortableSource};
use crate::base::{Identity, Result, Tokenizer};
use crate::exec::TaskContext;
use crate::expr::Expr;
use crate::expr::fns::struct_field::Path;

/// Something that holds rows in partitions which can be read one by one, in any order, any number of times.
///
/// Its identity is its content: files by path, size and modification time.
pub trait Source: Identity + Debug + Send + Sync {
    /// One line for people: the format and where it is.
    fn describe(&self) -> String;

    /// The columns.
    fn schema(&self) -> SchemaRef;

    /// The partitions, in the order of their rows.
    fn partitions(&self) -> &[PartitionInfo];

    /// The batches of partition `i`, as far as `scan` wants them: the columns of `scan.projection` in that order.
    /// Rows may be left out only where `scan.prune` is not true for them, or after the first `scan.limit`.
    ///
    /// # Errors
    /// At the call or from the iterator, with the file and the place in it.
    fn read(&self, i: usize, scan: &Scan, ctx: &TaskContext) -> Result<Batches>;

    /// Whether statistics alone say that partition `i` has nothing for `scan`.
    fn skips(&self, i: usize, scan: &Scan) -> bool {
        let _ = (i, scan);
        false
    }

    /// The ordinal of the file that partition `i` is in, where there are files and it is in one.
    fn file_of(&self, i: usize) -> Option<usize> {
        let _ = i;
        None
    }

    /// What it reads, as plain data that can be opened in another process; `None` where that cannot be said.
    fn portable(&self) -> Option<PortableSource> {
        None
    }

    /// What a user may not expect of the rows, as far as it is known by now, a sentence each: that a column's type was
    /// made wider, that records are left out.
    fn notes(&self) -> Vec<String> {
        Vec::new()
    }
}

/// What is known of a partition before it is read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PartitionInfo {
    /// The number of rows, if known without reading.
    pub rows: Option<u64>,
    /// Bytes, decoded, as far as that can be told.
    pub bytes: u64,
    /// Where it is: a file and a part of it.
    pub origin: String,
}

/// What is wanted of a source.
#[derive(Clone, Debug, Default)]
pub struct Scan {
    /// The positions of the wanted columns in the source's schema, rising; all if absent.
    pub projection: Option<Arc<[usize]>>,
    /// Rows for which this is not true are not wanted. It only lets a source skip: a filter stays above.
    pub prune: Option<Expr>,
    /// Only so many rows of each partition are wanted.
    pub limit: Option<usize>,
    /// The positions of columns in the source's schema, rising, that may come as dictionary codes where they are strings:
    /// a source gives them so where that is cheaper, and the schema says strings all the same.
    pub codes: Vec<usize>,
    /// Columns of structs by their positions in the source's schema, rising, of which only these fields are looked at: a
    /// source may give anything of the right type in the others, null where it may be.
    pub fields: Vec<(usize, Arc<[Path]>)>,
}

impl Scan {
    /// The columns that come out of a source with this schema.
    pub fn project(&self, schema: &SchemaRef) -> SchemaRef {
        match &self.projection {
            None => schema.clone(),
            Some(keep) => {
                let fields: Vec<_> = keep.iter().filter_map(|&i| schema.fields().get(i).cloned()).collect();
                Arc::new(Schema::new_with_metadata(fields, schema.metadata().clone()))
            }
        }
    }
}

impl Identity for Scan {
    fn token(&self, t: &mut Tokenizer) {
        t.str("scan");
        match &self.projection {
            None => t.u64(0),
            Some(keep) => t.list(keep, |t, &i| t.u64(i as u64)),
        }
        match &self.prune {
            None => t.u64(0),
            Some(expr) => t.identity(expr),
        }
        t.debug(&self.limit);
        t.debug(&self.codes);
        t.debug(&self.fields);
    }
}
