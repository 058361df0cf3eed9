#![no_main]

use libfuzzer_sys::fuzz_target;
use scant_datasets::formats::idx;

fuzz_target!(|bytes: &[u8]| {
    for rank in 0..5 {
        if let Ok(array) = idx::parse(bytes.to_vec(), rank) {
            assert_eq!(array.dims.iter().product::<usize>(), array.data.len());
        }
    }
});
