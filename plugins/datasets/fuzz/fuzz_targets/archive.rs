#![no_main]

use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;
use libfuzzer_sys::fuzz_target;
use scant_datasets::formats::archive;

// Packed here, so that the fuzzer gets past gzip's checksum to the archive within.
fuzz_target!(|bytes: &[u8]| {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::none());
    encoder.write_all(bytes).expect("memory is written");
    let packed = encoder.finish().expect("memory is written");
    if let Ok(files) = archive::extract(&packed[..], &["a", "b"]) {
        assert_eq!(files.len(), 2);
    }
    let _ = archive::extract(bytes, &["a"]);
});
