//! Arrays as Zarr: a folder with a description, and a file a chunk.

use std::borrow::Cow;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::super::block::Stored;
use super::super::chunked::Array;
use super::super::chunks::Chunks;
use super::super::element::{DType, Element};
use super::super::loaded::loaded;
use super::super::region::Region;
use super::super::shape::like;
use super::chunk_files::{content, token_of};
use super::typed::{descr, elements, same_type};
use super::zarr_meta::{Codec, Meta, ZarrOptions, ZarrVersion};
use crate::base::disk::{self, LocalDisk};
use crate::base::{Error, Result};

impl<T: Element> Array<T> {
    /// Writes the array as Zarr, which many programs read: a file a chunk, and the description when all are there. All chunks
    /// of Zarr have one shape: it is that of the largest one here.
    ///
    /// # Errors
    /// `Invalid` when the folder holds an array already; `Io` when something cannot be written; the first error of a
    /// task.
    pub fn to_zarr(&self, folder: impl AsRef<Path>, options: ZarrOptions) -> Result<()> {
        let folder = folder.as_ref().to_path_buf();
        let file = folder.join(Meta::file(options.version));
        let failed = |error| Error::io(folder.display(), error).doing("write an array to");
        if [ZarrVersion::V2, ZarrVersion::V3].iter().any(|&version| folder.join(Meta::file(version)).exists()) {
            let what = format!("{} holds an array already", folder.display());
            return Err(Error::invalid(what).help("write to another folder, or remove it first"));
        }
        std::fs::create_dir_all(&folder).map_err(failed)?;
        let chunk: Vec<usize> = self.chunks.largest().into_iter().map(|len| len.max(1)).collect();
        let meta = Meta::new::<T>(self.shape(), chunk, options);
        let array = self.rechunk(regular(&meta))?;
        let text = meta.to_json().to_string();
        let to = folder.clone();
        array.each_chunk("to_zarr", move |place, shape, values| {
            let path = to.join(meta.key(place));
            let failed = |error| Error::io(path.display(), error).doing("write");
            let full = resized(Cow::Borrowed(values), shape, &meta.chunk, T::default());
            let mut bytes = Vec::with_capacity(size_of_val(&full[..]));
            T::store(&full, &mut bytes);
            drop(full);
            let bytes = encoded(bytes, meta.codec).map_err(failed)?;
            path.parent().map_or(Ok(()), std::fs::create_dir_all).map_err(failed)?;
            disk::replace(&LocalDisk, &path, &bytes).map_err(failed)
        })?;
        disk::replace(&LocalDisk, &file, text.as_bytes()).map_err(failed)
    }
}

/// The array that a folder holds as Zarr, of version 2 or 3. Chunks are read when they are needed; one that is not there has the
/// fill value everywhere.
///
/// # Errors
/// `Io` when there is none, `Invalid` when its elements have another type, or are stored in a way that is not read.
pub fn from_zarr<T: Element>(folder: impl AsRef<Path>) -> Result<Array<T>> {
    let folder = folder.as_ref().to_path_buf();
    let v3 = folder.join(Meta::file(ZarrVersion::V3));
    let file = if v3.exists() { v3 } else { folder.join(Meta::file(ZarrVersion::V2)) };
    let text = content(&file)?;
    let placed = |error: Error| error.at_path(file.display());
    let meta = Meta::parse(&text).map_err(placed)?;
    same_type::<T>(&meta.descr).map_err(placed)?;
    let fill = filling::<T>(&meta.fill).map_err(placed)?;
    let token = token_of(&file, &String::from_utf8_lossy(&text));
    let chunks = regular(&meta);
    loaded("from_zarr", chunks, token, move |place, shape| {
        let path = folder.join(meta.key(place));
        chunk(&path, &meta, shape, fill).map_err(|error| error.at_path(path.display()))
    })
}

/// The chunks as Zarr cuts them.
fn regular(meta: &Meta) -> Chunks {
    Chunks::new(meta.shape.iter().zip(&meta.chunk).map(|(&len, &size)| like(&[size], len)).collect::<Vec<_>>())
}

/// The elements of a chunk.
fn chunk<T: Element>(path: &PathBuf, meta: &Meta, shape: &[usize], fill: T) -> Result<Vec<T>> {
    let bytes = match std::fs::read(path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(vec![fill; shape.iter().product()]),
        Err(error) => return Err(Error::io(path.display(), error).doing("read")),
    };
    let count = meta.chunk.iter().fold(1usize, |count, len| count.saturating_mul(*len));
    let plain = decoded(bytes, meta.codec, count.saturating_mul(size_of::<T>()));
    let plain = plain.map_err(|error| {
        Error::io(path.display(), error).doing("decompress").help("the file is damaged or cut off: write it anew")
    })?;
    let values = elements(&plain, count)?;
    drop(plain);
    Ok(resized(Cow::Owned(values), &meta.chunk, shape, fill).into_owned())
}

/// The elements of a box in a larger or smaller one that begins at the same place.
fn resized<'a, T: Element>(values: Cow<'a, [T]>, from: &[usize], to: &[usize], fill: T) -> Cow<'a, [T]> {
    if from == to {
        return values;
    }
    let mut out = vec![fill; to.iter().product()];
    let both: Vec<usize> = from.iter().zip(to).map(|(a, b)| *a.min(b)).collect();
    let region = Region::whole(&both);
    let len = region.last().len;
    region.rows(|index| {
        let at = |shape: &[usize]| index.iter().zip(shape).fold(0, |at, (i, len)| at * len + i);
        let (source, target) = (at(from), at(to));
        out[target..target + len].copy_from_slice(&values[source..source + len]);
    });
    Cow::Owned(out)
}

fn encoded(bytes: Vec<u8>, codec: Codec) -> std::io::Result<Vec<u8>> {
    match codec {
        Codec::Plain => Ok(bytes),
        Codec::Zstd(level) => zstd::stream::encode_all(bytes.as_slice(), level),
        Codec::Gzip(level) => {
            let mut out = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::new(level));
            out.write_all(&bytes)?;
            out.finish()
        }
        Codec::Zlib => {
            let mut out = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::new(1));
            out.write_all(&bytes)?;
            out.finish()
        }
    }
}

/// What was compressed; not more than it can be, whatever the file says.
fn decoded(bytes: Vec<u8>, codec: Codec, expected: usize) -> std::io::Result<Vec<u8>> {
    let mut out = Vec::new();
    let most = expected as u64 + 1;
    match codec {
        Codec::Plain => return Ok(bytes),
        Codec::Zstd(_) => zstd::stream::read::Decoder::new(bytes.as_slice())?.take(most).read_to_end(&mut out)?,
        Codec::Gzip(_) => flate2::read::MultiGzDecoder::new(bytes.as_slice()).take(most).read_to_end(&mut out)?,
        Codec::Zlib => flate2::read::ZlibDecoder::new(bytes.as_slice()).take(most).read_to_end(&mut out)?,
    };
    Ok(out)
}

/// The fill value, as JSON has it.
fn filling<T: Element>(value: &Value) -> Result<T> {
    let mut bytes = Vec::new();
    let number = match value {
        Value::Null => return Ok(T::default()),
        Value::Bool(truth) => {
            bytes.push(u8::from(*truth));
            return match size_of::<T>() {
                1 => elements::<T>(&bytes, 1)?.first().copied().ok_or_else(|| Error::value("there is no fill value")),
                _ => Err(Error::value("the fill value is no number")),
            };
        }
        Value::String(text) => named(text, T::DTYPE)?,
        other => other.as_f64().ok_or_else(|| Error::value(format!("the fill value {other} is no number")))?,
    };
    // some write whole numbers with a point
    let exact = number.fract() == 0.0 && number.abs() < 9_007_199_254_740_992.0;
    let whole = || value.as_i64().or(exact.then_some(number as i64));
    let fits = match descr(T::DTYPE) {
        "<f8" => stored(Some(number), &mut bytes),
        "<f4" => stored(Some(number as f32), &mut bytes),
        "<i8" => stored(whole(), &mut bytes),
        "<i4" => stored(whole().and_then(|whole| i32::try_from(whole).ok()), &mut bytes),
        _ => stored(whole().and_then(|whole| u8::try_from(whole).ok()), &mut bytes),
    };
    if !fits {
        return Err(Error::value(format!("the fill value {value} does not fit {}", T::DTYPE)));
    }
    elements::<T>(&bytes, 1)?.first().copied().ok_or_else(|| Error::value("there is no fill value"))
}

/// A floating number that JSON has no digits for: by its name, or by its bits, as many as it has bytes (`0x7fc00000`).
fn named(text: &str, dtype: DType) -> Result<f64> {
    let digits = text.strip_prefix("0x").filter(|digits| digits.bytes().all(|digit| digit.is_ascii_hexdigit()));
    let bits = digits.and_then(|digits| Some((digits.len(), u64::from_str_radix(digits, 16).ok()?)));
    match (text, bits, dtype) {
        ("NaN", ..) => Ok(f64::NAN),
        ("Infinity", ..) => Ok(f64::INFINITY),
        ("-Infinity", ..) => Ok(f64::NEG_INFINITY),
        (_, Some((16, bits)), DType::Float64) => Ok(f64::from_bits(bits)),
        (_, Some((8, bits)), DType::Float32) => Ok(f64::from(f32::from_bits(bits as u32))),
        _ => Err(Error::invalid(format!("the fill value `{text}` is not read"))
            .help("a number, NaN, Infinity, -Infinity, or the bits of a floating number: 0x7fc00000")),
    }
}

/// Stores a number, if there is one.
fn stored<N: Stored>(number: Option<N>, bytes: &mut Vec<u8>) -> bool {
    number.is_some_and(|number| {
        N::store(&[number], bytes);
        true
    })
}
