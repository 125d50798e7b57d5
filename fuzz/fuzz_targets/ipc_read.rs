#![no_main]

// a panic of a library that is caught on the way is no finding
libfuzzer_sys::fuzz_target!(init: std::panic::set_hook(Box::new(|panic| eprintln!("{panic}"))), |data: &[u8]| {
    partita::fuzzing::files::ipc(data);
});
