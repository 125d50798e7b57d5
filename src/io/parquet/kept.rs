//! Footers that were read, kept for whoever asks for the same file again: a program that reads ten thousand files twice
//! reads their footers once.

use std::collections::VecDeque;
use std::sync::{LazyLock, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rustc_hash::FxHashMap;

use super::footer::Footer;
use crate::base::Token;
use crate::io::store::FileInfo;

/// Bytes of footers that are kept, about; the oldest go first.
const MOST: usize = 32 << 20;

/// A file that was changed so recently may be changed again within the grain of the clock, and look the same.
const GRAIN: Duration = Duration::from_secs(2);

#[derive(Default)]
struct Kept {
    footers: FxHashMap<Token, (Footer, usize)>,
    oldest: VecDeque<Token>,
    bytes: usize,
}

static KEPT: LazyLock<Mutex<Kept>> = LazyLock::new(Mutex::default);

fn kept() -> MutexGuard<'static, Kept> {
    KEPT.lock().unwrap_or_else(PoisonError::into_inner)
}

fn key(file: &FileInfo) -> Token {
    Token::of(|t| t.identity(file))
}

/// The footer of this file as it is now, if it was read before.
pub fn get(file: &FileInfo) -> Option<Footer> {
    kept().footers.get(&key(file)).map(|(footer, _)| footer.clone())
}

/// Keeps a footer.
pub fn put(footer: &Footer) {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |d| d.as_nanos());
    let bytes = footer.metadata().memory_size();
    if footer.file.modified == 0 || footer.file.modified + GRAIN.as_nanos() > now || bytes > MOST / 4 {
        return;
    }
    let (key, mut kept) = (key(&footer.file), kept());
    if kept.footers.insert(key, (footer.clone(), bytes)).is_none() {
        kept.oldest.push_back(key);
        kept.bytes += bytes;
    }
    while kept.bytes > MOST {
        let Some(oldest) = kept.oldest.pop_front() else { return };
        let gone = kept.footers.remove(&oldest).map_or(0, |(_, bytes)| bytes);
        kept.bytes = kept.bytes.saturating_sub(gone);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::File;

    #[test]
    fn a_footer_is_kept_as_long_as_the_file_is_the_same() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.parquet");
        let rows = super::super::tests::rows(10);
        super::super::tests::write(&path, &rows, parquet::file::properties::WriterProperties::builder());
        let fresh = FileInfo::of(&path).unwrap();
        Footer::read(fresh.clone()).unwrap();
        assert!(get(&fresh).is_none(), "it may still change");
        let long_ago = SystemTime::now() - Duration::from_secs(100);
        File::options().append(true).open(&path).unwrap().set_modified(long_ago).unwrap();
        let old = FileInfo::of(&path).unwrap();
        Footer::read(old.clone()).unwrap();
        assert_eq!(get(&old).unwrap().rows(), 10);
        assert!(get(&fresh).is_none());
    }
}
