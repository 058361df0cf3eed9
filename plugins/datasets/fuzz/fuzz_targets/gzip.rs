#![no_main]

use libfuzzer_sys::fuzz_target;
use scant_datasets::formats::gzip;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(unpacked) = gzip::unpack(bytes) {
        assert!(unpacked.len() as u64 <= gzip::UNPACKED_LIMIT);
    }
});
