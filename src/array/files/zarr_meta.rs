//! What Zarr says of an array, versions 2 and 3: functions of text.

use serde_json::{Value, json};

use super::super::element::{DType, Element};
use super::typed::{TYPES, descr};
use crate::base::{Error, ErrorKind, Result};

/// Which version of the format is written; both are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum ZarrVersion {
    /// `.zarray` and chunks `0.0`, `0.1`, …
    V2,
    /// `zarr.json` and chunks `c/0/0`, `c/0/1`, …
    #[default]
    V3,
}

/// How chunks are compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum ZarrCompression {
    /// Not at all.
    None,
    /// By zstd at a level (1 is fast, 19 small).
    Zstd(i32),
    /// By gzip at a level from 1 to 9.
    Gzip(u32),
    /// By zstd, fast.
    #[default]
    Fast,
}

/// How an array is written as Zarr.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct ZarrOptions {
    /// The version of the format.
    pub version: ZarrVersion,
    /// How chunks are compressed.
    pub compression: ZarrCompression,
}

/// How the bytes of a chunk are made of its elements.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Codec {
    Plain,
    Zstd(i32),
    Gzip(u32),
    /// Read only: version 2 has it.
    Zlib,
}

impl From<ZarrCompression> for Codec {
    fn from(compression: ZarrCompression) -> Codec {
        match compression {
            ZarrCompression::None => Codec::Plain,
            ZarrCompression::Zstd(level) => Codec::Zstd(level),
            ZarrCompression::Gzip(level) => Codec::Gzip(level.clamp(1, 9)),
            ZarrCompression::Fast => Codec::Zstd(1),
        }
    }
}

/// What is known of an array.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Meta {
    pub(super) version: ZarrVersion,
    pub(super) shape: Vec<usize>,
    /// The lengths of every chunk; those at the ends are filled up.
    pub(super) chunk: Vec<usize>,
    /// As numpy names it.
    pub(super) descr: String,
    pub(super) codec: Codec,
    pub(super) fill: Value,
    /// What stands before the numbers of a chunk, and between them.
    pub(super) prefix: &'static str,
    pub(super) separator: char,
}

impl Meta {
    pub(super) fn new<T: Element>(shape: &[usize], chunk: Vec<usize>, options: ZarrOptions) -> Meta {
        let fill = if T::DTYPE == DType::Bool { json!(false) } else { json!(0) };
        let v3 = options.version == ZarrVersion::V3;
        Meta {
            version: options.version,
            shape: shape.to_vec(),
            chunk,
            descr: descr(T::DTYPE).to_string(),
            codec: options.compression.into(),
            fill,
            prefix: if v3 { "c" } else { "" },
            separator: if v3 { '/' } else { '.' },
        }
    }

    /// The file that says it.
    pub(super) fn file(version: ZarrVersion) -> &'static str {
        match version {
            ZarrVersion::V2 => ".zarray",
            ZarrVersion::V3 => "zarr.json",
        }
    }

    /// What the file says.
    pub(super) fn to_json(&self) -> Value {
        let codec = match self.codec {
            Codec::Plain => None,
            Codec::Zstd(level) => Some(("zstd", json!({"level": level, "checksum": false}))),
            Codec::Gzip(level) => Some(("gzip", json!({"level": level}))),
            Codec::Zlib => Some(("zlib", json!({"level": 1}))),
        };
        if self.version == ZarrVersion::V2 {
            let compressor = codec.map_or(Value::Null, |(id, mut settings)| {
                settings["id"] = json!(id);
                settings
            });
            return json!({"zarr_format": 2, "shape": self.shape, "chunks": self.chunk, "dtype": self.descr, "order": "C",
                "compressor": compressor, "fill_value": self.fill, "filters": null, "dimension_separator": "."});
        }
        let name = TYPES.iter().find(|(_, descr, _)| *descr == self.descr).map_or("", |(.., name)| name);
        let mut codecs = vec![json!({"name": "bytes", "configuration": {"endian": "little"}})];
        codecs.extend(codec.map(|(name, settings)| json!({"name": name, "configuration": settings})));
        json!({"zarr_format": 3, "node_type": "array", "shape": self.shape, "data_type": name,
            "chunk_grid": {"name": "regular", "configuration": {"chunk_shape": self.chunk}},
            "chunk_key_encoding": {"name": "default", "configuration": {"separator": "/"}},
            "fill_value": self.fill, "codecs": codecs, "attributes": {}})
    }

    /// What a file says.
    ///
    /// # Errors
    /// `Unsupported` for what is not read: other codecs, filters, orders; `Value` for what is no description of an array.
    pub(super) fn parse(text: &[u8]) -> Result<Meta> {
        let json: Value = serde_json::from_slice(text).map_err(|error| Error::value(error.to_string()))?;
        let meta = match json["zarr_format"].as_u64() {
            Some(2) => v2(&json)?,
            Some(3) => v3(&json)?,
            _ => return Err(Error::value("it is no Zarr array of version 2 or 3")),
        };
        let sizes = meta.shape.iter().zip(&meta.chunk).try_fold(1usize, |all, (&len, _)| all.checked_mul(len.max(1)));
        let chunk = meta.chunk.iter().try_fold(8usize, |all, &len| all.checked_mul(len));
        if meta.shape.len() != meta.chunk.len() || meta.chunk.contains(&0) || sizes.is_none() || chunk.is_none() {
            let what = format!("chunks of {:?} do not cut the shape {:?}", meta.chunk, meta.shape);
            return Err(Error::value(what));
        }
        Ok(meta)
    }

    /// Where the chunk at a place lies, below the folder.
    pub(super) fn key(&self, place: &[usize]) -> String {
        let numbers: Vec<String> = place.iter().map(usize::to_string).collect();
        let numbers = numbers.join(&self.separator.to_string());
        match (self.prefix, numbers.is_empty()) {
            ("", true) => "0".to_string(),
            ("", false) => numbers,
            (prefix, true) => prefix.to_string(),
            (prefix, false) => format!("{prefix}{}{numbers}", self.separator),
        }
    }
}

fn unsupported(what: impl std::fmt::Display) -> Error {
    Error::new(ErrorKind::Unsupported { what: format!("Zarr arrays with {what}") })
        .help("write them anew in C order with zstd, gzip, zlib or no compressor: compressor=numcodecs.Zstd()")
}

fn lengths(value: &Value) -> Result<Vec<usize>> {
    let list = value.as_array().ok_or_else(|| Error::value("a shape is missing"))?;
    let each = list.iter().map(|len| len.as_u64().and_then(|len| usize::try_from(len).ok()));
    each.map(|len| len.ok_or_else(|| Error::value("a shape is no list of lengths"))).collect()
}

fn v2(json: &Value) -> Result<Meta> {
    if json["order"].as_str() != Some("C") {
        return Err(unsupported(format!("order {}", json["order"])));
    }
    if json["filters"].as_array().is_some_and(|filters| !filters.is_empty()) {
        return Err(unsupported("filters"));
    }
    let compressor = &json["compressor"];
    let codec = match compressor["id"].as_str() {
        None => Codec::Plain,
        Some("zstd") => Codec::Zstd(1),
        Some("gzip") => Codec::Gzip(5),
        Some("zlib") => Codec::Zlib,
        Some(other) => return Err(unsupported(format!("the compressor {other}"))),
    };
    let separator = if json["dimension_separator"].as_str() == Some("/") { '/' } else { '.' };
    Ok(Meta {
        version: ZarrVersion::V2,
        shape: lengths(&json["shape"])?,
        chunk: lengths(&json["chunks"])?,
        descr: json["dtype"].as_str().ok_or_else(|| unsupported("elements of several fields"))?.to_string(),
        codec,
        fill: json["fill_value"].clone(),
        prefix: "",
        separator,
    })
}

fn v3(json: &Value) -> Result<Meta> {
    if json["node_type"].as_str() != Some("array") {
        return Err(Error::value("it is no array but a group"));
    }
    let grid = &json["chunk_grid"];
    if grid["name"].as_str() != Some("regular") {
        return Err(unsupported(format!("the chunk grid {}", grid["name"])));
    }
    let name = json["data_type"].as_str().unwrap_or_default();
    let Some((_, descr, _)) = TYPES.iter().find(|(.., known)| *known == name) else {
        return Err(unsupported(format!("elements of {}", json["data_type"])));
    };
    let mut codec = Codec::Plain;
    for (i, step) in json["codecs"].as_array().into_iter().flatten().enumerate() {
        let endian = step["configuration"]["endian"].as_str();
        codec = match (i, step["name"].as_str()) {
            (0, Some("bytes")) if endian != Some("big") => Codec::Plain,
            (1, Some("zstd")) => Codec::Zstd(1),
            (1, Some("gzip")) => Codec::Gzip(5),
            _ => return Err(unsupported(format!("the codecs {}", json["codecs"]))),
        };
    }
    let keys = &json["chunk_key_encoding"];
    let default = keys["name"].as_str() != Some("v2");
    let separator = match (keys["configuration"]["separator"].as_str(), default) {
        (Some("."), _) | (None, false) => '.',
        _ => '/',
    };
    Ok(Meta {
        version: ZarrVersion::V3,
        shape: lengths(&json["shape"])?,
        chunk: lengths(&grid["configuration"]["chunk_shape"])?,
        descr: descr.to_string(),
        codec,
        fill: json["fill_value"].clone(),
        prefix: if default { "c" } else { "" },
        separator,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn descriptions_are_read_as_written() {
        for version in [ZarrVersion::V2, ZarrVersion::V3] {
            for compression in [ZarrCompression::None, ZarrCompression::Fast, ZarrCompression::Gzip(5)] {
                let meta = Meta::new::<f32>(&[10, 4], vec![3, 4], ZarrOptions { version, compression });
                let again = Meta::parse(meta.to_json().to_string().as_bytes()).unwrap();
                assert_eq!(again, meta);
            }
        }
        let v2 = Meta::new::<bool>(&[3], vec![2], ZarrOptions { version: ZarrVersion::V2, ..Default::default() });
        let v3 = Meta::new::<bool>(&[3], vec![2], ZarrOptions::default());
        assert_eq!(
            (v2.key(&[4, 0]), v2.key(&[]), v3.key(&[4, 0]), v3.key(&[])),
            ("4.0".into(), "0".into(), "c/4/0".into(), "c".into())
        );
        let error = |text: &str| Meta::parse(text.as_bytes()).unwrap_err().to_string();
        assert!(error("{}").contains("version 2 or 3"));
        let blosc =
            r#"{"zarr_format":2,"shape":[3],"chunks":[2],"dtype":"<f8","order":"C","compressor":{"id":"blosc"}}"#;
        assert!(error(blosc).contains("compressor blosc"));
        assert!(error(&blosc.replace("[2]", "[0]").replace("blosc", "zstd")).contains("do not cut"));
    }
}
