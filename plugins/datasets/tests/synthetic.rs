//! What the program draws: the same for the same seed, other for another, and every class as often.

use scant_abi::{Component, Dataset, Part, Setup};
use scant_datasets::{InMemory, SyntheticDigits, SyntheticDigitsConfig};

fn digits(config: SyntheticDigitsConfig) -> InMemory<SyntheticDigits> {
    let mut digits = InMemory::<SyntheticDigits>::new(config, &Setup::default()).unwrap();
    digits.open().unwrap();
    digits
}

fn pixels(dataset: &dyn Dataset, part: Part) -> Vec<u8> {
    let indices: Vec<usize> = (0..dataset.labels(part).unwrap().len()).collect();
    let mut pixels = vec![0; indices.len() * dataset.info().unwrap().image.iter().product::<usize>()];
    dataset.read(part, &indices, &mut pixels).unwrap();
    pixels
}

fn small(seed: u64) -> SyntheticDigitsConfig {
    SyntheticDigitsConfig { train: 200, test: 50, seed, ..SyntheticDigitsConfig::default() }
}

#[test]
fn a_seed_names_the_images() {
    let first = digits(small(0));
    assert_eq!(pixels(&first, Part::Train), pixels(&digits(small(0)), Part::Train));
    assert_ne!(pixels(&first, Part::Train), pixels(&digits(small(1)), Part::Train));
    assert_ne!(pixels(&first, Part::Train)[..50 * 784], pixels(&first, Part::Test));
    let longer = digits(SyntheticDigitsConfig { train: 300, ..small(0) });
    assert_eq!(pixels(&first, Part::Train), pixels(&longer, Part::Train)[..200 * 784]);
}

#[test]
fn every_class_is_as_frequent_and_no_image_is_empty_or_twice_there() {
    let digits = digits(small(3));
    let labels = digits.labels(Part::Train).unwrap();
    assert!((0..10).all(|class| labels.iter().filter(|&&label| label == class).count() == 20));
    let pixels = pixels(&digits, Part::Train);
    let mut images: Vec<&[u8]> = pixels.chunks_exact(784).collect();
    assert!(images.iter().all(|image| image.iter().filter(|&&pixel| pixel > 100).count() > 15));
    images.sort_unstable();
    images.dedup();
    assert_eq!(images.len(), 200);
}

#[test]
fn impossible_settings_and_requests_are_errors() {
    for config in [
        SyntheticDigitsConfig { noise: f32::NAN, ..small(0) },
        SyntheticDigitsConfig { thickness: [3.0, 1.0], ..small(0) },
    ] {
        assert!(InMemory::<SyntheticDigits>::new(config, &Setup::default()).is_err());
    }
    let unopened = InMemory::<SyntheticDigits>::new(small(0), &Setup::default()).unwrap();
    assert!(unopened.labels(Part::Train).unwrap_err().to_string().contains("before it was opened"));
    let digits = digits(small(0));
    assert!(digits.read(Part::Test, &[50], &mut [0; 784]).is_err());
    assert!(digits.read(Part::Test, &[0], &mut [0; 783]).is_err());
}
