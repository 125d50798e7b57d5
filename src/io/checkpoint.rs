//! Partitions on disk that outlive the process, so that the next run of a program goes on where the last one ended.
//!
//! A checkpoint is a folder named by the token of what is computed. `manifest.json` says how many partitions there are;
//! each of them is a file (`part-00000.arrow`: Arrow IPC streams, each with a checksum, and a table of them) that appears
//! whole, synced, when the partition is done. Whoever works on it holds a lock on the folder.

use std::fs::{self, File};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use arrow::datatypes::SchemaRef;
use serde::{Deserialize, Serialize};

use super::sink::conserved;
use super::spill::{Label, decode, encode};
use super::staging::claim::{Claim, wait_for};
use super::{Batch, Batches, PartitionInfo, Scan, Source};
use crate::base::disk::{Disk, DiskFile, LocalDisk, Rename};
use crate::base::{Error, ErrorKind, Identity, Result, Token, Tokenizer};
use crate::exec::TaskContext;

/// What files of partitions end with.
const MAGIC: &[u8; 8] = b"PARTITA1";

/// The folder of a checkpoint.
#[derive(Debug)]
pub struct Checkpoint {
    folder: PathBuf,
    disk: Arc<dyn Disk>,
    schema: SchemaRef,
    token: Token,
    /// Held while partitions are written.
    claim: Mutex<Option<Claim>>,
}

/// What the manifest says.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Manifest {
    /// How many partitions there are.
    partitions: usize,
    /// The identity of what gives them: how rows are divided may depend on results that were computed first. Absent where
    /// that cannot be told; then partitions of two runs are not put together.
    divided: Option<String>,
    /// The columns, for people.
    columns: Vec<String>,
}

/// The bytes of a batch in a file.
#[derive(Debug, Serialize, Deserialize)]
struct Entry {
    length: usize,
    label: Label,
}

impl Checkpoint {
    /// The checkpoint below `root` of what has this token and these columns. Waits while another process works on it.
    ///
    /// # Errors
    /// `Invalid` for a token that the next run would not find again, `Io`.
    pub fn open(root: &Path, token: Token, schema: SchemaRef) -> Result<Checkpoint> {
        Checkpoint::open_on(root, token, schema, Arc::new(LocalDisk))
    }

    /// As [`open`](Self::open), on another disk.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub fn open_on(root: &Path, token: Token, schema: SchemaRef, disk: Arc<dyn Disk>) -> Result<Checkpoint> {
        if !token.is_stable() {
            let what = "the next run could not tell that this is the same work: it depends on a closure without a name, on \
                        a seed that was drawn, or on much data in memory";
            let help = "name closures and their versions (`named`), give samples a seed, read from files";
            return Err(Error::invalid(what).doing("checkpoint").help(help));
        }
        // another version may divide rows otherwise
        let token = Token::of(|t| {
            t.str(env!("CARGO_PKG_VERSION"));
            t.token(token);
        });
        let folder = root.join(token.to_string());
        disk.create_folder(&folder).map_err(|e| Error::io(folder.display(), e).doing("checkpoint to"))?;
        let claim = Mutex::new(wait_for(&folder));
        Ok(Checkpoint { folder, disk, schema, token, claim })
    }

    fn failed(&self, error: std::io::Error) -> Error {
        Error::io(self.folder.display(), error).doing("checkpoint to")
    }

    fn manifest(&self) -> Option<Manifest> {
        serde_json::from_slice(&fs::read(self.folder.join("manifest.json")).ok()?).ok()
    }

    fn part(&self, i: usize) -> PathBuf {
        self.folder.join(format!("part-{i:05}.arrow"))
    }

    /// The partitions as a source, if all are there. Then the folder is not ours alone any more.
    ///
    /// # Errors
    /// `Io`, `Corrupt`.
    pub fn finished(self: &Arc<Self>) -> Result<Option<CheckpointSource>> {
        let Some(manifest) = self.manifest() else { return Ok(None) };
        if (0..manifest.partitions).any(|i| !self.part(i).exists()) {
            return Ok(None);
        }
        *self.claim.lock().unwrap_or_else(PoisonError::into_inner) = None;
        CheckpointSource::open(self.clone(), manifest.partitions).map(Some)
    }

    /// The partitions that are missing, when there are so many in all, divided by the plan with this token. Those that an
    /// earlier run has left are kept if it divided rows in the same way.
    ///
    /// # Errors
    /// `Io`.
    pub fn missing(&self, partitions: usize, divided: Token) -> Result<Vec<usize>> {
        let columns = self.schema.fields().iter().map(|f| format!("{}: {}", f.name(), f.data_type())).collect();
        let divided = divided.is_stable().then(|| divided.to_string());
        let wanted = Manifest { partitions, divided, columns };
        let same = wanted.divided.is_some() && self.manifest().as_ref() == Some(&wanted);
        for entry in fs::read_dir(&self.folder).map_err(|e| self.failed(e))?.flatten() {
            let name = entry.file_name();
            let name = name.to_string_lossy();
            // what a killed process was writing, and partitions that do not fit
            if name.starts_with('.') || (!same && name.starts_with("part-")) {
                self.disk.remove(&entry.path()).map_err(|e| self.failed(e))?;
            }
        }
        if !same {
            let mut file = PartFile::create(self, self.folder.join("manifest.json"))?;
            file.write(&serde_json::to_vec_pretty(&wanted).unwrap_or_default())?;
            file.close()?;
        }
        Ok((0..partitions).filter(|&i| !self.part(i).exists()).collect())
    }

    /// Begins to write partition `i`.
    ///
    /// # Errors
    /// `Io`.
    pub fn write(self: &Arc<Self>, i: usize) -> Result<CheckpointPart> {
        Ok(CheckpointPart { file: PartFile::create(self, self.part(i))?, entries: Vec::new(), rows: 0 })
    }
}

/// A file that appears whole; dropped before, it is gone.
struct PartFile {
    file: Option<Box<dyn DiskFile>>,
    staged: PathBuf,
    path: PathBuf,
    disk: Arc<dyn Disk>,
}

impl PartFile {
    fn create(checkpoint: &Checkpoint, path: PathBuf) -> Result<PartFile> {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let staged = path.with_file_name(format!(".{name}.{:016x}.partial", Token::fresh().0 as u64));
        let disk = checkpoint.disk.clone();
        let file = disk.create(&staged).map_err(|e| Error::io(path.display(), e).doing("write"))?;
        Ok(PartFile { file: Some(file), staged, path, disk })
    }

    fn failed(&self, error: std::io::Error) -> Error {
        Error::io(self.path.display(), error).doing("write")
    }

    fn write(&mut self, bytes: &[u8]) -> Result<()> {
        let Some(file) = &mut self.file else { return Ok(()) };
        let written = file.write_all(bytes);
        written.map_err(|e| self.failed(e))
    }

    fn close(mut self) -> Result<()> {
        let Some(mut file) = self.file.take() else { return Ok(()) };
        let appeared = (|| {
            file.flush()?;
            file.sync()?;
            drop(file);
            self.disk.rename(&self.staged, &self.path, Rename::Over)?;
            self.disk.sync_folder(self.path.parent().unwrap_or(Path::new(".")))
        })();
        appeared.map_err(|e| self.failed(e))
    }
}

impl Drop for PartFile {
    fn drop(&mut self) {
        // gone already if it has appeared
        let _ = self.disk.remove(&self.staged);
    }
}

/// A partition that is being written to a checkpoint.
pub struct CheckpointPart {
    file: PartFile,
    entries: Vec<Entry>,
    rows: u64,
}

impl CheckpointPart {
    /// Adds rows.
    ///
    /// # Errors
    /// `Io`, for example when the disk is full.
    pub fn push(&mut self, batch: &Batch) -> Result<()> {
        self.rows += batch.rows() as u64;
        if batch.rows() == 0 {
            return Ok(());
        }
        let (encoded, label, _) = encode(batch)?;
        self.file.write(&encoded)?;
        self.entries.push(Entry { length: encoded.len(), label });
        Ok(())
    }

    /// Makes the partition durable; gives its rows.
    ///
    /// # Errors
    /// `Io`; `Conservation` when not all rows were written.
    pub fn finish(mut self) -> Result<u64> {
        conserved("checkpoint", self.rows, self.entries.iter().map(|e| e.label.rows as u64).sum())?;
        let table = serde_json::to_vec(&self.entries).map_err(|e| Error::invalid(e.to_string()))?;
        self.file.write(&table)?;
        self.file.write(&(table.len() as u64).to_le_bytes())?;
        self.file.write(MAGIC)?;
        self.file.close()?;
        Ok(self.rows)
    }
}

/// The partitions of a checkpoint that are all there.
#[derive(Debug)]
pub struct CheckpointSource {
    checkpoint: Arc<Checkpoint>,
    tables: Vec<Arc<Vec<Entry>>>,
    infos: Vec<PartitionInfo>,
}

impl CheckpointSource {
    fn open(checkpoint: Arc<Checkpoint>, partitions: usize) -> Result<CheckpointSource> {
        let (mut tables, mut infos) = (Vec::new(), Vec::new());
        for i in 0..partitions {
            let path = checkpoint.part(i);
            let table = table(&path).map_err(|e| e.doing("read").at_path(path.display()))?;
            infos.push(PartitionInfo {
                rows: Some(table.iter().map(|e| e.label.rows as u64).sum()),
                bytes: table.iter().map(|e| e.label.bytes).sum(),
                origin: path.display().to_string(),
            });
            tables.push(Arc::new(table));
        }
        Ok(CheckpointSource { checkpoint, tables, infos })
    }
}

/// The table at the end of a file.
fn table(path: &Path) -> Result<Vec<Entry>> {
    let damaged = || {
        let what = "the file of the checkpoint is damaged".to_string();
        Error::new(ErrorKind::Corrupt { what }).help("remove the folder that it is in: it is computed again")
    };
    let mut file = File::open(path).map_err(Error::system)?;
    let mut end = [0; 16];
    file.seek(SeekFrom::End(-16)).and_then(|_| file.read_exact(&mut end)).map_err(|_| damaged())?;
    let (length, magic) = end.split_at(8);
    let length = i64::try_from(u64::from_le_bytes(length.try_into().unwrap_or_default())).map_err(|_| damaged())?;
    if magic != MAGIC {
        return Err(damaged());
    }
    file.seek(SeekFrom::End(-16 - length)).map_err(|_| damaged())?;
    let mut table = Vec::new();
    file.take(length as u64).read_to_end(&mut table).map_err(Error::system)?;
    serde_json::from_slice(&table).map_err(|_| damaged())
}

impl Identity for CheckpointSource {
    fn token(&self, t: &mut Tokenizer) {
        t.str("checkpoint");
        t.token(self.checkpoint.token);
    }
}

impl Source for CheckpointSource {
    fn describe(&self) -> String {
        format!("checkpoint {}, {} partitions", self.checkpoint.folder.display(), self.infos.len())
    }

    fn schema(&self) -> SchemaRef {
        self.checkpoint.schema.clone()
    }

    fn partitions(&self) -> &[PartitionInfo] {
        &self.infos
    }

    fn read(&self, i: usize, scan: &Scan, _ctx: &TaskContext) -> Result<Batches> {
        let Some(table) = self.tables.get(i).cloned() else { return Ok(Box::new(std::iter::empty())) };
        let path = self.checkpoint.part(i);
        let mut file = File::open(&path).map_err(|e| Error::io(path.display(), e).doing("read"))?;
        let (schema, projection) = (self.checkpoint.schema.clone(), scan.projection.clone());
        let mut read = move |entry: &Entry| -> Result<Batch> {
            let mut bytes = vec![0; entry.length];
            file.read_exact(&mut bytes).map_err(Error::system)?;
            let batch = decode(bytes, &entry.label, Some(&schema))?;
            match &projection {
                None => Ok(batch),
                Some(keep) => {
                    let record = batch.record.project(keep)?;
                    Ok(batch.with_record(record))
                }
            }
        };
        Ok(Box::new((0..table.len()).map(move |at| {
            let read = table.get(at).map_or_else(|| Err(Error::invalid("no such batch")), &mut read);
            read.map_err(|e| e.doing("read").at_path(path.display()))
        })))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicU64;

    use arrow::array::{ArrayRef, Int64Array, RecordBatch};

    use super::*;
    use crate::io::staging::testing::{self, Faulty};

    fn batch(from: i64) -> Batch {
        let id: ArrayRef = Arc::new(Int64Array::from_iter_values(from..from + 10));
        Batch::new(RecordBatch::try_from_iter([("id", id)]).unwrap(), 3, from as u64)
    }

    /// Writes what is missing of three partitions; gives how many that were.
    fn write(root: &Path, disk: Arc<dyn Disk>, divided: &str) -> Result<(usize, CheckpointSource)> {
        let token = Token::of(|t| t.str("work"));
        let checkpoint = Arc::new(Checkpoint::open_on(root, token, batch(0).record.schema(), disk)?);
        if let Some(there) = checkpoint.finished()? {
            return Ok((0, there));
        }
        let missing = checkpoint.missing(3, Token::of(|t| t.str(divided)))?;
        for &i in &missing {
            let mut part = checkpoint.write(i)?;
            part.push(&batch(i as i64 * 100))?;
            part.push(&batch(i as i64 * 100 + 10))?;
            assert_eq!(part.finish()?, 20);
        }
        let finished = checkpoint.finished()?.ok_or_else(|| Error::invalid("not finished"))?;
        Ok((missing.len(), finished))
    }

    #[test]
    fn a_disk_that_fails_or_dies_at_any_step_keeps_what_was_finished() {
        for dies in [false, true] {
            for at in 0.. {
                let root = testing::folder();
                let steps = Arc::new(AtomicU64::new(0));
                let disk = Arc::new(Faulty { at, dies, exchanges: true, steps: steps.clone() });
                let result = write(root.path(), disk, "a");
                let failed = result.is_err();
                if let Err(error) = result {
                    assert!(matches!(error.kind(), ErrorKind::Io { what } if what == "the disk is full"), "{error}");
                }
                let names = |_| {
                    let folder = fs::read_dir(root.path()).unwrap().next();
                    let entries = folder.map(|f| fs::read_dir(f.unwrap().path()).unwrap()).into_iter().flatten();
                    entries.map(|e| e.unwrap().file_name().into_string().unwrap()).collect::<Vec<String>>()
                };
                let there = names(()).iter().filter(|n| n.starts_with("part-")).count();
                assert!(dies || names(()).iter().all(|n| !n.starts_with('.')), "{at}: {:?}", names(()));
                let (written, source) = write(root.path(), Arc::new(LocalDisk), "a").unwrap();
                assert_eq!(written, 3 - there, "{at}");
                assert!(names(()).iter().all(|n| !n.starts_with('.')), "{at}: {:?}", names(()));
                let rows = |i| source.read(i, &Scan::default(), &TaskContext::default()).unwrap();
                let first = |i| rows(i).map(|b| b.unwrap().origin.rows.places(1)[0]).collect::<Vec<_>>();
                assert_eq!([first(0), first(1), first(2)], [[0, 10], [100, 110], [200, 210]]);
                if !failed {
                    assert!(at > 15);
                    break;
                }
            }
        }
    }

    #[test]
    fn partitions_that_were_divided_otherwise_are_not_kept() {
        let root = testing::folder();
        write(root.path(), testing::sound(), "a").unwrap();
        let part = fs::read_dir(root.path()).unwrap().next().unwrap().unwrap().path().join("part-00001.arrow");
        fs::remove_file(&part).unwrap();
        assert_eq!(write(root.path(), testing::sound(), "a").unwrap().0, 1);
        assert_eq!(write(root.path(), testing::sound(), "b").unwrap().0, 0, "all are there");
        fs::remove_file(&part).unwrap();
        assert_eq!(write(root.path(), testing::sound(), "b").unwrap().0, 3);
        fs::write(&part, "not what it was, but long enough to be read").unwrap();
        let error = write(root.path(), testing::sound(), "b").unwrap_err();
        assert!(
            matches!(error.kind(), ErrorKind::Corrupt { .. }) && error.to_string().contains("part-00001"),
            "{error}"
        );
        let fresh = Checkpoint::open(root.path(), Token::fresh(), batch(0).record.schema()).unwrap_err();
        assert!(fresh.to_string().contains("named"), "{fresh}");
    }
}
