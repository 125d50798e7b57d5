use std::io::Write;

use arrow::array::cast::AsArray;
use arrow::array::types::Int64Type;
use arrow::array::{Array, RecordBatch};
use arrow::compute::concat_batches;
use arrow::datatypes::DataType;

use super::*;
use crate::exec::TaskContext;
use crate::io::csv::{CsvOptions, CsvSource};
use crate::io::{Scan, Source};

fn read(name: &str, bytes: &[u8], options: CsvOptions) -> Result<RecordBatch> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(name);
    std::fs::write(&path, bytes).unwrap();
    let source = CsvSource::open(&[path.display().to_string()], options)?;
    let mut batches = Vec::new();
    for i in 0..source.partitions().len() {
        for batch in source.read(i, &Scan::default(), &TaskContext::default())? {
            batches.push(batch?.record);
        }
    }
    Ok(concat_batches(&source.schema(), &batches)?)
}

fn shown(batch: &RecordBatch) -> String {
    let row = |r: usize| {
        let cell = |c: &std::sync::Arc<dyn Array>| arrow::util::display::array_value_to_string(c, r).unwrap();
        batch.columns().iter().map(cell).collect::<Vec<_>>().join("|")
    };
    (0..batch.num_rows()).map(row).collect::<Vec<_>>().join(" ")
}

/// `a,b\n1,x\n` and `2,y\n`, as xz packs them.
const XZ: [&[u8]; 2] = [
    b"\xfd7zXZ\0\0\x04\xe6\xd6\xb4F\x02\0!\x01\x1c\0\0\0\x10\xcfX\xcc\x01\0\x07a,b\n1,x\n\0{\x8a$[\x0f3\xcb\xc6\0\x01 \x08\
      \xbb\x19\xd9\xbb\x1f\xb6\xf3}\x01\0\0\0\0\x04YZ",
    b"\xfd7zXZ\0\0\x04\xe6\xd6\xb4F\x02\0!\x01\x16\0\0\0t/\xe5\xa3\x01\0\x032,y\n\0\x81\"JBg\x01u\x13\0\x01\x1c\x04o,\x9c\
      \xc1\x1f\xb6\xf3}\x01\0\0\0\0\x04YZ",
];

fn bzip2(text: &[u8]) -> Vec<u8> {
    let mut packed = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::fast());
    packed.write_all(text).unwrap();
    packed.finish().unwrap()
}

fn gzip(text: &[u8]) -> Vec<u8> {
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    packed.write_all(text).unwrap();
    packed.finish().unwrap()
}

#[test]
fn files_of_several_parts_are_read_whole() {
    let parts: [&[u8]; 2] = [b"a,b\n1,x\n", b"2,y\n"];
    for (name, packed) in [
        ("a.gz", parts.map(gzip).concat()),
        ("a.zst", parts.map(|p| zstd::encode_all(p, 1).unwrap()).concat()),
        ("a.bz2", parts.map(bzip2).concat()),
        ("a.xz", XZ.concat()),
        ("named_otherwise", XZ.concat()),
    ] {
        let batch = read(name, &packed, CsvOptions::new().block_size(1u64)).unwrap();
        assert_eq!(shown(&batch), "1|x 2|y", "{name}");
        for end in [packed.len() - 3, packed.len() / 2, 9] {
            let error = read(name, &packed[..end], CsvOptions::new()).unwrap_err();
            assert!(error.to_string().contains("cannot be unpacked"), "{name} {end} {error}");
        }
    }
}

#[test]
fn damaged_files_are_errors_or_the_same_text() {
    let text = b"a,b\n1,x\n2,yyyyyyyyyyyyyyyyyyyyyyyy\n";
    let expected = shown(&read("a", text, CsvOptions::new()).unwrap());
    for packed in [gzip(text), zstd::encode_all(&text[..], 1).unwrap(), bzip2(text), XZ[0].to_vec()] {
        let expected = if packed == XZ[0] { "1|x" } else { &expected };
        for at in 0..packed.len() {
            for flip in [1, 128] {
                let mut damaged = packed.clone();
                damaged[at] ^= flip;
                // a magic number that is none makes a plain file, and of one without a checksum anything may come
                if let Ok(batch) = read("a", &damaged, CsvOptions::new())
                    && at > 8
                    && !packed.starts_with(b"\x28\xb5")
                {
                    assert_eq!(shown(&batch), expected, "{at}");
                }
            }
        }
    }
}

#[test]
fn letters_are_read_as_the_mark_or_the_option_says() {
    let text = "naïve,n\nа§,1\n\"é\n\",2\n";
    let wide = |text: &str, order: fn(u16) -> [u8; 2]| text.encode_utf16().flat_map(order).collect::<Vec<u8>>();
    let marked = format!("\u{feff}{text}");
    let plain = shown(&read("a.csv", text.as_bytes(), CsvOptions::new()).unwrap());
    assert_eq!(plain, "а§|1 é\n|2");
    for (bytes, label) in [
        (marked.clone().into_bytes(), None),
        (wide(&marked, u16::to_le_bytes), None),
        (wide(&marked, u16::to_be_bytes), None),
        (wide(&marked, u16::to_be_bytes), Some("latin1")),
        (wide(text, u16::to_le_bytes), Some("utf-16le")),
        (wide(text, u16::to_be_bytes), Some("utf-16be")),
        (gzip(&wide(&marked, u16::to_le_bytes)), None),
        (text.as_bytes().to_vec(), Some("utf8")),
    ] {
        let options = CsvOptions::new().block_size(1u64);
        let options = if let Some(label) = label { options.encoding(label) } else { options };
        let batch = read("a.csv", &bytes, options).unwrap();
        assert_eq!(shown(&batch), plain, "{label:?}");
        assert_eq!(batch.schema().field(0).name(), "naïve");
        assert_eq!(batch["n"].as_primitive::<Int64Type>().values(), &[1, 2]);
    }
    let latin = read("a.csv", b"caf\xe9,b\n\xe4,\xfc\n", CsvOptions::new().encoding("latin1")).unwrap();
    assert_eq!((latin.schema().field(0).name().as_str(), shown(&latin).as_str()), ("café", "ä|ü"));
}

#[test]
fn what_is_no_text_is_told_with_its_line_and_the_next_step() {
    let error = |bytes: &[u8], options| read("a.csv", bytes, options).unwrap_err().to_string();
    let bytes = b"a,b\n1,x\n2,\xe9\n";
    let text = error(bytes, CsvOptions::new());
    assert!(text.contains("line 3, column `b`: the text is not valid UTF-8; say how"), "{text}");
    let text = error(b"\xe9,b\n1,x\n", CsvOptions::new());
    assert!(text.contains("the header is not valid UTF-8") && text.contains(".encoding(\"windows-1252\")"), "{text}");
    let text = error(&[&b"a,b\r\n1,x\n2,\x81 "[..], &[b' '; 9]].concat(), CsvOptions::new().encoding("shift_jis"));
    assert!(text.contains("line 3: the text is not valid Shift_JIS; name another"), "{text}");
    let lossy = read("a.csv", bytes, CsvOptions::new().lossy(true)).unwrap();
    assert_eq!(shown(&lossy), "1|x 2|\u{fffd}");
    let text = error(b"a\0,\0b\0\n\0", CsvOptions::new());
    assert!(text.contains("seems to be UTF-16LE") && text.contains(".encoding(\"utf-16le\")"), "{text}");
    let text = error(b"a\n1\n", CsvOptions::new().encoding("ebcdic"));
    assert!(text.contains("there is no encoding `ebcdic`"), "{text}");
}

#[test]
fn other_formats_are_refused_by_name() {
    let tar = [&[b'a'; 257][..], b"ustar\0", &[0; 300]].concat();
    for (bytes, name) in [
        (b"PAR1\x15\x04".to_vec(), "a Parquet file as text is not supported; read it with read_parquet"),
        (tar.clone(), "a tar archive as text is not supported; unpack it first"),
        (gzip(&tar), "a tar archive as text is not supported; unpack it first"),
        (b"\xff\xfe\0\0a\0\0\0".to_vec(), "UTF-32 is not supported; convert the file to UTF-8"),
    ] {
        let error = read("a.csv", &bytes, CsvOptions::new()).unwrap_err().to_string();
        assert!(error.ends_with(name), "{error}");
    }
    let error = read("a.bz2", b"a\n1\n", CsvOptions::new()).unwrap_err().to_string();
    assert!(error.ends_with("the file is not bzip2, as its name says"), "{error}");
}

#[test]
fn lines_at_the_end_are_left_out_when_asked() {
    let lines = "1,x\r\n".repeat(30_000);
    let text = format!("a,b\n{lines}2,y\ntotal: 30001 of\n\nthem, and \"more\r\n");
    for (name, bytes) in [("a.csv", text.clone().into_bytes()), ("a.csv.gz", gzip(text.as_bytes()))] {
        for block in [1u64 << 30, 20_000] {
            let options = CsvOptions::new().skip_footer(3).block_size(block);
            let batch = read(name, &bytes, options).unwrap();
            assert_eq!((batch.num_rows(), shown(&batch.slice(30_000, 1)).as_str()), (30_001, "2|y"));
        }
    }
    let starts =
        |text: &str, from, count| line_starts(text.as_bytes(), from, count).unwrap().into_iter().collect::<Vec<_>>();
    assert_eq!(starts("a\r\nb\rc\n\nd", 0, 9), [0, 3, 5, 7, 8]);
    assert_eq!(starts("a\r\nb\rc\n", 10, 9), [13, 15]);
    assert_eq!(starts("a\nb\nc", 0, 1), [4]);
    assert!(read("a.csv", b"a\n1\n", CsvOptions::new().skip_footer(9)).unwrap_err().to_string().contains("empty"));
}

#[test]
fn columns_may_be_named() {
    let named = |header| CsvOptions::new().has_header(header).column_names(["i", "s"]).dtype("s", DataType::Utf8);
    let batch = read("a.csv", b"1,2\n3,4\n", named(false)).unwrap();
    assert_eq!((shown(&batch).as_str(), batch.schema().field(1).name().as_str()), ("1|2 3|4", "s"));
    assert_eq!(shown(&read("a.csv", b"a,b\n3,4\n", named(true)).unwrap()), "3|4");
    let error = read("a.csv", b"a,b,c\n3,4,5\n", named(true)).unwrap_err().to_string();
    assert!(error.contains("2 names are given for 3 columns"), "{error}");
}
