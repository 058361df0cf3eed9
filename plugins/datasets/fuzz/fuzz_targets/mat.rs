#![no_main]

use libfuzzer_sys::fuzz_target;
use scant_datasets::formats::mat::{self, Values};

fuzz_target!(|bytes: &[u8]| {
    let Ok(mut arrays) = mat::parse(bytes, &["X", "y", "numbers", "bytes"]) else { return };
    for name in ["X", "y", "numbers", "bytes"] {
        if let Ok(array) = arrays.take(name) {
            let length = match array.values {
                Values::Bytes(values) => values.len(),
                Values::Numbers(values) => values.len(),
            };
            assert_eq!(array.dims.iter().product::<usize>(), length);
        }
    }
});
