#![no_main]

use libfuzzer_sys::fuzz_target;
use scant_datasets::formats::picture;

fuzz_target!(|bytes: &[u8]| {
    for gray in [false, true] {
        if let Ok(picture) = picture::decode(bytes, gray) {
            assert_eq!(picture.dims.iter().product::<usize>(), picture.pixels.len());
        }
    }
});
