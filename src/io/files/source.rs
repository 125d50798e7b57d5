//! The files of a format as a source.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::datatypes::SchemaRef;

use super::{Columns, FileFormat, Looked, Piece};
use crate::base::{ByteSize, Error, Identity, Result, Tokenizer};
use crate::exec::TaskContext;
use crate::io::hive::columns::HiveTexts;
use crate::io::parquet::unify::{Unified, unify};
use crate::io::{Batches, FileInfo, HiveSource, PartitionInfo, PortableSource, Scan, Source, store};

/// Files of one format as one table. Columns come together by their names, as those of Parquet files do (see
/// [`unify`](crate::io::parquet::unify)).
#[derive(Debug)]
pub struct FileSource<F: FileFormat> {
    format: F,
    files: Vec<(FileInfo, Arc<F::File>)>,
    unified: Unified,
    /// File and part of each partition.
    parts: Vec<(usize, usize)>,
    infos: Vec<PartitionInfo>,
}

impl<F: FileFormat> FileSource<F> {
    /// Opens files, folders and patterns, and behind the columns of the files those that the names of their folders say.
    ///
    /// # Errors
    /// `Io` for what is not there and a pattern without matches; those of the format; `Schema` where files do not go
    /// together.
    pub fn open(paths: &[String], format: F) -> Result<Arc<dyn Source>> {
        let listed = store::list(paths, F::EXTENSIONS, format.storage())?;
        let mut texts = HiveTexts::of(&listed);
        let infos: Vec<FileInfo> = listed.iter().map(|l| l.info.clone()).collect();
        let looked: Vec<Looked<F::File>> = store::many::each(&infos, |info| format.look(info))?;
        for file in &looked {
            texts.remove(&file.schema);
        }
        let hive = match texts.is_empty() {
            true => None,
            false => Some(texts.typed(&listed, format.dtypes(), &BTreeMap::new())?),
        };
        let source: Arc<dyn Source> = Arc::new(FileSource::looked(infos, looked, format, texts.names())?);
        Ok(match hive {
            None => source,
            Some(hive) => Arc::new(HiveSource::new(source, hive)),
        })
    }

    /// Opens these files alone.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub fn of_files(infos: Vec<FileInfo>, format: F) -> Result<FileSource<F>> {
        let looked: Vec<Looked<F::File>> = store::many::each(&infos, |info| format.look(info))?;
        FileSource::looked(infos, looked, format, &[])
    }

    /// Files that somebody has looked into; what their `folders` say are not columns of theirs.
    fn looked(
        infos: Vec<FileInfo>,
        looked: Vec<Looked<F::File>>,
        format: F,
        folders: &[String],
    ) -> Result<FileSource<F>> {
        let mut dtypes = format.dtypes().clone();
        dtypes.retain(|name, _| !folders.contains(name));
        let schemas: Vec<_> = infos.iter().zip(&looked).map(|(info, file)| (&*info.path, &file.schema)).collect();
        let unified = unify(&schemas, &dtypes)?;
        let (mut parts, mut partitions) = (Vec::new(), Vec::new());
        for (file, looked) in looked.iter().enumerate() {
            for (part, (rows, bytes)) in looked.parts.iter().enumerate() {
                let origin = format!("{}, part {part}", infos[file].path);
                parts.push((file, part));
                partitions.push(PartitionInfo { rows: *rows, bytes: *bytes, origin });
            }
        }
        let files = infos.into_iter().zip(looked).map(|(info, looked)| (info, Arc::new(looked.file))).collect();
        Ok(FileSource { format, files, unified, parts, infos: partitions })
    }
}

impl<F: FileFormat> Identity for FileSource<F> {
    fn token(&self, t: &mut Tokenizer) {
        t.str(F::NAME);
        t.identity(&self.format);
        t.list(&self.files, |t, (info, _)| t.identity(info));
    }
}

impl<F: FileFormat> Source for FileSource<F> {
    fn describe(&self) -> String {
        let bytes = ByteSize(self.files.iter().map(|(info, _)| info.size).sum());
        let first = self.files.first().map_or("", |(info, _)| &info.path);
        match self.files.len() {
            1 => format!("{} {first}, {bytes}", F::NAME),
            n => format!("{} {first} and {} more, {bytes}", F::NAME, n - 1),
        }
    }

    fn schema(&self) -> SchemaRef {
        self.unified.schema.clone()
    }

    fn partitions(&self) -> &[PartitionInfo] {
        &self.infos
    }

    fn read(&self, i: usize, scan: &Scan, ctx: &TaskContext) -> Result<Batches> {
        let Some(&(file, part)) = self.parts.get(i) else {
            return Err(Error::invalid(format!("there is no partition {i}")).doing("read"));
        };
        let columns = Columns::new(scan, &self.unified.schema, &self.unified.places[file]);
        let (info, looked) = &self.files[file];
        let limit = scan.limit.unwrap_or(usize::MAX);
        let piece = Piece { info, file: looked, ordinal: file as u64, part, limit };
        let path = info.path.clone();
        let named = move |e: Error| e.doing("read").at_path(&path);
        let batches = self.format.read(piece, columns, ctx).map_err(&named)?;
        Ok(Box::new(batches.map(move |batch| batch.map_err(&named))))
    }

    fn portable(&self) -> Option<PortableSource> {
        let files = self.files.iter().map(|(info, _)| info);
        self.format.portable(files.collect(), &self.unified.schema, self.parts.len())
    }

    fn file_of(&self, i: usize) -> Option<usize> {
        self.parts.get(i).map(|(file, _)| *file)
    }
}
