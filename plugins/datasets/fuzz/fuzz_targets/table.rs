#![no_main]

use libfuzzer_sys::fuzz_target;
use scant_datasets::formats::table;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(rows) = table::parse(bytes) {
        assert!(rows.iter().all(|row| !row.path.is_empty() && row.line > 0));
    }
});
