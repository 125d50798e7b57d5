//! Parquet files as a source.

use std::sync::Arc;

use arrow::datatypes::{DataType, SchemaRef};

use super::counts::Counts;
use super::footer::{Footer, find_parts, read_all};
use super::options::ParquetReadOptions;
use super::partition::{Cut, Target, cut};
use super::read::{Part, as_codes, read_part};
use super::select::Condition;
use super::statistics::can_match;
use super::unify::{Unified, unify};
use super::wanted::Wanted;
use crate::base::{Identity, Result, Tokenizer};
use crate::exec::TaskContext;
use crate::expr::Expr;
use crate::io::hive::columns::{HiveTexts, TYPES, recorded};
use crate::io::portable::Format;
use crate::io::store::{self, FileInfo};
use crate::io::{Batches, HiveSource, PartitionInfo, PortableSource, Scan, Source};

/// The endings of Parquet files in a folder.
pub(super) const EXTENSIONS: [&str; 3] = [".parquet", ".parq", ".pq"];

/// Parquet files as one table: pandas' `read_parquet`, Dask's for several files.
///
/// Opening reads all footers, so the schema, the number of rows and the partitions are known from then on. A partition
/// is some neighbouring row groups of a file, or some rows of a big one; rows are decoded batch by batch, pages read
/// from the file as they are needed, and only of the columns wanted.
///
/// Files of different schemas are brought together by column name (see [`unify`]).
///
/// ```no_run
/// use partita::io::Source;
/// use partita::io::parquet::{ParquetReadOptions, ParquetSource};
/// let trips = ParquetSource::open(&["trips/*.parquet"], ParquetReadOptions::new())?;
/// println!("{} rows, {}", trips.rows(), trips.schema());
/// # Ok::<(), partita::Error>(())
/// ```
#[derive(Debug)]
pub struct ParquetSource {
    footers: Vec<Arc<Footer>>,
    unified: Unified,
    parts: Vec<(usize, Cut)>,
    infos: Vec<PartitionInfo>,
    options: ParquetReadOptions,
    counts: Arc<Counts>,
}

impl ParquetSource {
    /// Opens files, folders (`.parquet`, `.parq`, `.pq`) and patterns, reading all footers in parallel.
    ///
    /// # Errors
    /// `Io` for what is not there and a pattern without matches, `Corrupt` for what is not (a whole) Parquet file,
    /// `Unsupported` for an encrypted one, `Schema` where schemas do not go together.
    pub fn open(paths: &[impl AsRef<str>], options: ParquetReadOptions) -> Result<ParquetSource> {
        let paths: Vec<String> = paths.iter().map(|p| p.as_ref().to_string()).collect();
        let listed = store::list(&paths, &EXTENSIONS, &options.storage)?;
        ParquetSource::of_files(listed.into_iter().map(|l| l.info).collect(), options)
    }

    /// As [`open`](Self::open), and behind the columns of the files those that the names of their folders say, below the
    /// folder that was named or where a pattern starts (see [`hive`](crate::io::hive)).
    ///
    /// # Errors
    /// As [`open`](Self::open); `Value` when the name of a folder is not of the type given to its column.
    pub fn open_hive(paths: &[String], options: ParquetReadOptions) -> Result<Arc<dyn Source>> {
        let listed = store::list(paths, &EXTENSIONS, &options.storage)?;
        let files = || listed.iter().map(|l| l.info.clone()).collect();
        let mut texts = if options.hive { HiveTexts::of(&listed) } else { HiveTexts::default() };
        if texts.is_empty() {
            return Ok(Arc::new(ParquetSource::of_files(files(), options)?));
        }
        let mut of_files = options.clone();
        of_files.dtypes.retain(|name, _| !texts.names().contains(name));
        let mut source = ParquetSource::of_files(files(), of_files.clone())?;
        texts.remove(&source.schema());
        of_files.dtypes = options.dtypes.clone();
        of_files.dtypes.retain(|name, _| !texts.names().contains(name));
        if of_files != source.options {
            source = ParquetSource::of_files(files(), of_files)?;
        }
        if texts.is_empty() {
            return Ok(Arc::new(source));
        }
        let hive = texts.typed(&listed, &options.dtypes, &recorded(source.recorded(TYPES).as_ref()))?;
        Ok(Arc::new(HiveSource::new(Arc::new(source), hive)))
    }

    /// Opens files that were listed.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub fn of_files(files: Vec<FileInfo>, options: ParquetReadOptions) -> Result<ParquetSource> {
        let mut footers = read_all(files)?;
        let schemas: Vec<_> = footers.iter().map(|f| (&*f.file.path, f.reader.schema())).collect();
        let unified = unify(&schemas, &options.dtypes)?;
        let total = footers.iter().map(Footer::rows).sum();
        let groups = footers.iter().map(|f| f.groups.len() as u64).sum();
        let target = Target::of(total, groups, options.partition_rows, options.partition_bytes);
        find_parts(&mut footers, target)?;
        let mut parts = Vec::new();
        let mut infos = Vec::new();
        for (file, footer) in footers.iter().enumerate() {
            for cut in cut(&footer.groups, target) {
                infos.push(info(footer, &cut));
                parts.push((file, cut));
            }
        }
        let (footers, counts) = (footers.into_iter().map(Arc::new).collect(), Arc::default());
        Ok(ParquetSource { footers, unified, parts, infos, options, counts })
    }

    /// What all files have recorded under this key.
    fn recorded(&self, key: &str) -> Option<String> {
        let mut said = self.footers.iter().map(|f| f.reader.schema().metadata().get(key));
        let first = said.next()??;
        said.all(|other| other == Some(first)).then(|| first.clone())
    }

    /// The number of rows of all files, from their footers.
    pub fn rows(&self) -> u64 {
        self.footers.iter().map(|f| f.rows()).sum()
    }

    /// What was read so far, and what was not.
    pub fn counts(&self) -> &Counts {
        &self.counts
    }

    /// The files, in the order in which rows count them.
    pub fn files(&self) -> impl Iterator<Item = &FileInfo> {
        self.footers.iter().map(|f| &f.file)
    }

    fn group_can_match(&self, file: usize, group: usize, predicate: &Expr) -> bool {
        can_match(&self.footers[file], group, predicate, &self.unified.schema, &self.unified.places[file])
    }
}

fn info(footer: &Footer, cut: &Cut) -> PartitionInfo {
    let groups = match cut.groups.len() {
        1 => format!("row group {}", cut.groups.start),
        _ => format!("row groups {}–{}", cut.groups.start, cut.groups.end.saturating_sub(1)),
    };
    let whole = cut.groups.len() > 1 || footer.groups.get(cut.groups.start).is_some_and(|g| g.rows == cut.rows);
    let rows = if whole { String::new() } else { format!(", rows {}–{}", cut.skip, cut.skip + cut.rows - 1) };
    PartitionInfo { rows: Some(cut.rows), bytes: cut.bytes, origin: format!("{}, {groups}{rows}", footer.file.path) }
}

impl Identity for ParquetSource {
    fn token(&self, t: &mut Tokenizer) {
        t.str("parquet");
        t.identity(&self.options);
        t.u64(self.footers.len() as u64);
        self.footers.iter().for_each(|f| t.identity(&f.file));
    }
}

impl Source for ParquetSource {
    fn describe(&self) -> String {
        match &*self.footers {
            [] => "parquet, no files".to_string(),
            [one] => format!("parquet {}", one.file.path),
            [first, rest @ ..] => format!("parquet {} and {} more files", first.file.path, rest.len()),
        }
    }

    fn schema(&self) -> SchemaRef {
        self.unified.schema.clone()
    }

    fn partitions(&self) -> &[PartitionInfo] {
        &self.infos
    }

    fn read(&self, i: usize, scan: &Scan, ctx: &TaskContext) -> Result<Batches> {
        let Some((file, cut)) = self.parts.get(i) else { return Ok(Box::new(std::iter::empty())) };
        let kept = |group: &usize| scan.prune.as_ref().is_none_or(|p| self.group_can_match(*file, *group, p));
        let (footer, places) = (&self.footers[*file], &self.unified.places[*file]);
        let groups: Vec<usize> = cut.groups.clone().filter(kept).collect();
        self.counts.skip_groups((cut.groups.len() - groups.len()) as u64);
        let condition = |p: &Expr| Condition::new(p, footer, &self.unified.schema, places);
        let mut part = Part {
            footer: footer.clone(),
            file: *file as u64,
            cut: cut.clone(),
            condition: scan.prune.as_ref().filter(|_| !groups.is_empty()).and_then(condition),
            groups,
            counts: self.counts.clone(),
        };
        let wanted = Wanted::new(scan, &self.unified.schema, places, &part.footer);
        let strings = |c: &usize| *self.unified.schema.field(*c).data_type() == DataType::Utf8;
        let roots: Vec<usize> =
            scan.codes.iter().filter(|c| strings(c)).filter_map(|&c| places.get(c).copied().flatten()).collect();
        match as_codes(&mut part, &roots).as_slice() {
            [] => read_part(part, wanted, ctx),
            coded => {
                let wanted = wanted.with_codes(coded, &part.footer);
                read_part(part, wanted, ctx)
            }
        }
    }

    fn skips(&self, i: usize, scan: &Scan) -> bool {
        let (Some((file, cut)), Some(predicate)) = (self.parts.get(i), &scan.prune) else { return false };
        !cut.groups.clone().any(|group| self.group_can_match(*file, group, predicate))
    }

    fn portable(&self) -> Option<PortableSource> {
        PortableSource::of(Format::Parquet, self.files(), &self.options, self.parts.len())
    }

    fn file_of(&self, i: usize) -> Option<usize> {
        self.parts.get(i).map(|(file, _)| *file)
    }
}
