use std::fs;
use std::path::Path;
use std::sync::Arc;

use super::claim::{Claimed, claim};
use super::prepare::Item;
use super::*;
use crate::base::disk::LocalDisk;

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> =
        fs::read_dir(folder).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn what_is_being_written_stays_and_what_was_left_goes() {
    let root = tempfile::tempdir().unwrap();
    let target = root.path().join("out");
    let alive = Staging::begin(&target, Arc::new(LocalDisk)).unwrap();
    let left = root.path().join(".out.0123456789abcdef.partial");
    fs::create_dir(&left).unwrap();
    fs::write(left.join("part-00000.csv"), "half").unwrap();
    let others = [".out.partial", ".output.0123456789abcdef.partial", ".out.0123456789abcdeX.partial"];
    others.iter().for_each(|name| fs::create_dir(root.path().join(name)).unwrap());
    recover(&LocalDisk, [&*target]);
    assert!(!left.exists());
    assert!(alive.folder().exists());
    assert!(matches!(claim(alive.folder()).unwrap(), Claimed::Taken));
    fs::write(alive.folder().join("a"), "whole").unwrap();
    alive.place(Item::Folder, false, &mut || unreachable!()).unwrap();
    assert_eq!(names(&target), ["a"]);
    drop(alive);
    assert_eq!(names(root.path()).len(), 1 + others.len());
}

#[test]
fn a_replacement_that_was_decided_is_finished() {
    let root = tempfile::tempdir().unwrap();
    let target = root.path().join("out");
    let beside = |end: &str| root.path().join(format!(".out.0123456789abcdef.{end}"));
    for end in ["partial", "replaced"] {
        fs::create_dir(beside(end)).unwrap();
        fs::write(beside(end).join(end), "").unwrap();
    }
    recover(&LocalDisk, [&*target]);
    assert_eq!((names(root.path()), names(&target)), (vec!["out".to_string()], vec!["partial".to_string()]));
    fs::rename(&target, beside("replaced")).unwrap();
    recover(&LocalDisk, [&*target]);
    assert_eq!((names(root.path()), names(&target)), (vec!["out".to_string()], vec!["partial".to_string()]));
}
