#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| drop(partita::fuzzing::parquet::read(data)));
