//! Reads a source.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use arrow::datatypes::{DataType, SchemaRef};

use crate::base::{Identity, Result, Tokenizer};
use crate::expr::Expr;
use crate::expr::fns::struct_field::Path;
use crate::io::{Batch, MemorySource, PartitionInfo, Scan, Source};
use crate::plan::node::width;
use crate::plan::{Footprint, Op, Plan, Relation, Shape};

/// Reads the partitions of a source, the wanted columns only, skipping what statistics say is not wanted.
#[derive(Debug, Clone)]
pub struct ScanOp {
    source: Arc<dyn Source>,
    scan: Scan,
}

impl ScanOp {
    /// All rows and columns of a source.
    pub fn new(source: Arc<dyn Source>) -> ScanOp {
        ScanOp { source, scan: Scan::default() }
    }

    /// What is read.
    pub fn source(&self) -> &Arc<dyn Source> {
        &self.source
    }

    /// The rows of a source that a scan asks for.
    pub fn of(source: Arc<dyn Source>, scan: Scan) -> ScanOp {
        ScanOp { source, scan }
    }

    /// What is read of it.
    pub fn scan(&self) -> &Scan {
        &self.scan
    }

    /// A plan of batches that are there already, as one partition.
    ///
    /// # Errors
    /// Never in practice.
    pub fn values(schema: SchemaRef, batches: Vec<Batch>) -> Result<Plan> {
        Plan::new(ScanOp::new(Arc::new(MemorySource::new(schema, vec![batches]))), Vec::new())
    }
}

impl fmt::Display for ScanOp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let all = self.source.schema().fields().len();
        write!(f, "scan {}", self.source.describe())?;
        if let Some(keep) = &self.scan.projection {
            let schema = self.scan.project(&self.source.schema());
            let names: Vec<_> = schema.fields().iter().map(|f| f.name().as_str()).collect();
            write!(f, ", {} of {all} columns: {}", keep.len(), names.join(", "))?;
        } else {
            write!(f, ", {all} columns")?;
        }
        if !self.scan.codes.is_empty() {
            let schema = self.source.schema();
            let names: Vec<_> = self.scan.codes.iter().map(|&i| schema.field(i).name().as_str()).collect();
            write!(f, "; as codes where it has them: {}", names.join(", "))?;
        }
        if !self.scan.fields.is_empty() {
            let schema = self.source.schema();
            let names = self.scan.fields.iter().flat_map(|(i, paths)| {
                let column = schema.field(*i).name().clone();
                paths.iter().map(move |path| format!("{column}.{}", path.join(".")))
            });
            write!(f, "; of structs only {}", names.collect::<Vec<_>>().join(", "))?;
        }
        if let Some(prune) = &self.scan.prune {
            let parts = self.source.partitions().len();
            let skipped = (0..parts).filter(|&i| self.source.skips(i, &self.scan)).count();
            write!(f, "; skips unless {prune}")?;
            if skipped > 0 {
                write!(f, " ({skipped} of {parts} partitions)")?;
                let files = |i| self.source.file_of(i);
                let all: BTreeSet<_> = (0..parts).filter_map(files).collect();
                let read: BTreeSet<_> =
                    (0..parts).filter(|&i| !self.source.skips(i, &self.scan)).filter_map(files).collect();
                if read.len() < all.len() {
                    write!(f, ", reads {} of {} files", read.len(), all.len())?;
                }
            }
        }
        Ok(())
    }
}

impl Identity for ScanOp {
    fn token(&self, t: &mut Tokenizer) {
        t.str("scan");
        t.identity(self.source.as_ref());
        t.identity(&self.scan);
    }
}

impl Op for ScanOp {
    fn name(&self) -> &'static str {
        "scan"
    }

    fn schema(&self, _inputs: &[SchemaRef]) -> Result<SchemaRef> {
        Ok(self.scan.project(&self.source.schema()))
    }

    fn shape(&self, _inputs: &[Plan]) -> Result<Shape> {
        Ok(Shape::Scan(self.source.clone(), self.scan.clone()))
    }

    fn columns_needed(&self, _wanted: &[usize], _inputs: &[SchemaRef]) -> Option<Vec<Vec<usize>>> {
        Some(Vec::new())
    }

    fn pruned(&self, keep: &[usize], _inputs: &[SchemaRef]) -> Option<Arc<dyn Op>> {
        let projection: Arc<[usize]> = match &self.scan.projection {
            None => keep.into(),
            Some(now) => keep.iter().filter_map(|&i| now.get(i).copied()).collect(),
        };
        let scan = Scan { projection: Some(projection), ..self.scan.clone() };
        Some(Arc::new(ScanOp { source: self.source.clone(), scan }))
    }

    fn skipping(&self, predicate: &Expr) -> Option<Arc<dyn Op>> {
        let scan = Scan { prune: Some(predicate.clone()), ..self.scan.clone() };
        Some(Arc::new(ScanOp { source: self.source.clone(), scan }))
    }

    fn giving_codes(&self, may: &[usize]) -> Option<Arc<dyn Op>> {
        let place = |&i: &usize| match &self.scan.projection {
            None => Some(i),
            Some(keep) => keep.get(i).copied(),
        };
        let codes: Vec<usize> = may.iter().filter_map(place).collect();
        let scan = Scan { codes, ..self.scan.clone() };
        (scan.codes != self.scan.codes).then(|| Arc::new(ScanOp { source: self.source.clone(), scan }) as Arc<dyn Op>)
    }

    fn notes(&self) -> Vec<String> {
        self.source.notes()
    }

    fn giving_fields(&self, wanted: &[BTreeSet<Path>]) -> Option<Arc<dyn Op>> {
        let schema = self.source.schema();
        let place = |i: usize| match &self.scan.projection {
            None => Some(i),
            Some(keep) => keep.get(i).copied(),
        };
        let partly = wanted.iter().enumerate().filter_map(|(i, paths)| {
            let column = place(i)?;
            let is_struct = matches!(schema.fields().get(column)?.data_type(), DataType::Struct(_));
            let part = is_struct && !paths.is_empty() && !paths.contains(&Path::new());
            part.then(|| (column, paths.iter().cloned().collect()))
        });
        let scan = Scan { fields: partly.collect(), ..self.scan.clone() };
        (scan.fields != self.scan.fields).then(|| Arc::new(ScanOp { source: self.source.clone(), scan }) as Arc<dyn Op>)
    }

    fn known_rows(&self, _inputs: &[Option<Vec<u64>>]) -> Option<Vec<u64>> {
        if self.scan.prune.is_some() {
            return None;
        }
        self.source.partitions().iter().map(|p| p.rows).collect()
    }

    fn size(&self, _inputs: &[Option<u64>]) -> Option<u64> {
        let (all, parts) = (self.source.schema(), self.source.partitions());
        let wide = width(&all).max(1.0);
        // rows in a file may be coded shorter than they are in memory
        let bytes = |p: &PartitionInfo| p.bytes.max(p.rows.map_or(0, |rows| (rows as f64 * wide) as u64));
        let bytes: u64 = parts.iter().map(bytes).sum();
        let known = bytes > 0 || parts.iter().all(|p| p.rows == Some(0));
        known.then(|| (bytes as f64 * width(&self.scan.project(&all)) / wide) as u64)
    }

    fn relation(&self, _inputs: &[Plan]) -> Option<Relation> {
        // whether its source can travel is found when it is sent: telling may be long
        Some(Relation::Apart)
    }

    fn footprint(&self) -> Footprint {
        Footprint::Streams
    }
}
