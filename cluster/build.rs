//! Says from which sources a program was built: plans travel as texts that only the same sources understand.

use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};

/// The prime and the offset of the 64-bit hash of Fowler, Noll and Vo (FNV-1a), which is the same with every compiler.
const PRIME: u64 = 0x0100_0000_01b3;
const OFFSET: u64 = 0xcbf2_9ce4_8422_2325;

fn main() -> Result<(), Box<dyn Error>> {
    let here = PathBuf::from(std::env::var("CARGO_MANIFEST_DIR")?);
    let mut hash = OFFSET;
    for folder in [here.join("../src"), here.join("src")] {
        println!("cargo::rerun-if-changed={}", folder.display());
        let mut files = Vec::new();
        sources(&folder, &mut files)?;
        files.sort();
        for file in files {
            let name = file.strip_prefix(&folder)?.to_string_lossy().replace('\\', "/");
            // line ends are those of the system
            let text = fs::read(&file)?.into_iter().filter(|byte| *byte != b'\r');
            for byte in name.bytes().chain([0]).chain(text).chain([0]) {
                hash = (hash ^ u64::from(byte)).wrapping_mul(PRIME);
            }
        }
    }
    println!("cargo::rustc-env=PARTITA_SOURCES={hash:016x}");
    Ok(())
}

/// The files of Rust in a folder and in those below it.
fn sources(folder: &Path, found: &mut Vec<PathBuf>) -> Result<(), Box<dyn Error>> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            sources(&path, found)?;
        } else if path.extension().is_some_and(|end| end == "rs") {
            found.push(path);
        }
    }
    Ok(())
}
