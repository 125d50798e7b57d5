//! A folder of `.npy` files.

use std::path::Path;

use serde::{Deserialize, Serialize};

use super::super::chunked::Array;
use super::super::chunks::Chunks;
use super::super::element::Element;
use super::super::loaded::loaded;
use super::super::shape::axis_of;
use super::chunk_files::{content, token_of};
use super::npy::{header, parse};
use super::typed::{descr, elements, same_type};
use crate::base::disk::{self, LocalDisk};
use crate::base::{Error, Result};

/// What lies in the folder; the file is written last.
#[derive(Serialize, Deserialize)]
struct Info {
    axis: usize,
    dtype: String,
    chunks: Vec<Vec<usize>>,
}

const INFO: &str = "info.json";

impl<T: Element> Array<T> {
    /// Writes a file `0.npy`, `1.npy`, … for each chunk along an axis, which holds all of the other axes, and `info.json` when
    /// all are there (Dask's `to_npy_stack`, whose `info` only Python reads). Each is a file for numpy's `load`.
    ///
    /// # Errors
    /// `Invalid` for an axis that is not there, and when the folder holds a stack already; `Io` when something cannot be
    /// written; the first error of a task.
    pub fn to_npy_stack(&self, folder: impl AsRef<Path>, axis: isize) -> Result<()> {
        let folder = folder.as_ref().to_path_buf();
        let axis = axis_of(axis, self.ndim())?;
        let failed = |error| Error::io(folder.display(), error).doing("write arrays to");
        std::fs::create_dir_all(&folder).map_err(failed)?;
        let info = folder.join(INFO);
        if info.exists() {
            let what = format!("{} holds arrays already", folder.display());
            return Err(Error::invalid(what).help("write to another folder, or remove it first"));
        }
        let axes = (0..self.ndim()).map(|at| match at == axis {
            true => self.chunks.axis(at).to_vec(),
            false => vec![self.shape()[at]],
        });
        let chunks: Vec<Vec<usize>> = axes.collect();
        let array = self.rechunk(Chunks::new(chunks.clone()))?;
        let to = folder.clone();
        array.each_chunk("to_npy_stack", move |place, shape, values| {
            let path = to.join(format!("{}.npy", place.get(axis).copied().unwrap_or(0)));
            let mut bytes = header(descr(T::DTYPE), shape);
            T::store(values, &mut bytes);
            disk::replace(&LocalDisk, &path, &bytes).map_err(|error| Error::io(path.display(), error).doing("write"))
        })?;
        let text = serde_json::to_vec(&Info { axis, dtype: descr(T::DTYPE).to_string(), chunks });
        let text = text.map_err(|error| Error::invalid(error.to_string()))?;
        disk::replace(&LocalDisk, &info, &text).map_err(failed)
    }
}

/// The array that lies in a folder as [`to_npy_stack`](Array::to_npy_stack) wrote it. Each file is a chunk, and is read when
/// it is needed.
///
/// # Errors
/// `Io` when it is not there, `Invalid` when it holds elements of another type; a file of another shape is found when it is
/// read.
pub fn from_npy_stack<T: Element>(folder: impl AsRef<Path>) -> Result<Array<T>> {
    let folder = folder.as_ref().to_path_buf();
    let path = folder.join(INFO);
    let text = content(&path)?;
    let wrong = |what: String| Error::value(what).at_path(path.display());
    let info: Info = serde_json::from_slice(&text).map_err(|error| wrong(error.to_string()))?;
    same_type::<T>(&info.dtype).map_err(|error| error.at_path(path.display()))?;
    if info.axis >= info.chunks.len() {
        return Err(wrong(format!("there is no axis {}", info.axis)));
    }
    let (chunks, axis) = (Chunks::new(info.chunks), info.axis);
    let token = token_of(&path, &String::from_utf8_lossy(&text));
    loaded("from_npy_stack", chunks, token, move |place, shape| {
        let path = folder.join(format!("{}.npy", place.get(axis).copied().unwrap_or(0)));
        let bytes = content(&path)?;
        let read = || {
            let header = parse(&bytes)?;
            same_type::<T>(&header.descr)?;
            if header.fortran {
                let help = "write it anew from numpy.ascontiguousarray(..)";
                return Err(Error::value("its first axis runs fastest (Fortran order), which is not read").help(help));
            }
            if header.shape != shape {
                let what = format!("it has the shape {:?}, {INFO} says {shape:?}", header.shape);
                return Err(Error::value(what).help("write the stack anew"));
            }
            elements(bytes.get(header.begin..).unwrap_or_default(), shape.iter().product())
        };
        read().map_err(|error| error.at_path(path.display()))
    })
}
