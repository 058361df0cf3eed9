#![no_main]

use libfuzzer_sys::fuzz_target;
use scant_datasets::formats::cifar::{self, Layout, PIXELS};

fuzz_target!(|bytes: &[u8]| {
    for layout in [Layout::TEN, Layout::FINE, Layout::COARSE] {
        let (mut pixels, mut labels) = (Vec::new(), Vec::new());
        if cifar::parse(bytes, layout, &mut pixels, &mut labels).is_ok() {
            assert_eq!(labels.len() * PIXELS, pixels.len());
            assert!(labels.iter().all(|&label| (0..layout.classes as i64).contains(&label)));
        }
    }
});
