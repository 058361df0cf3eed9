//! What the program draws: the same for the same seed, other for another, and every class as often.

use scant_abi::{Component, Dataset, Part, Setup};
use scant_datasets::{
    InMemory, SyntheticDigits, SyntheticDigitsConfig, SyntheticObjects, SyntheticObjectsConfig,
};

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

#[test]
fn objects_come_in_ten_classes_and_by_seed() {
    let draw = |seed| {
        let config =
            SyntheticObjectsConfig { train: 40, test: 10, seed, ..SyntheticObjectsConfig::default() };
        let mut objects = InMemory::<SyntheticObjects>::new(config, &Setup::default()).unwrap();
        objects.open().unwrap();
        objects
    };
    let objects = draw(0);
    let info = objects.info().unwrap();
    assert_eq!((info.image, info.classes.len()), ([3, 32, 32], 10));
    assert_eq!((info.classes[0].as_str(), info.classes[9].as_str()), ("plain disc", "striped star"));
    assert_eq!(objects.labels(Part::Test).unwrap(), [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    assert_eq!(pixels(&objects, Part::Train), pixels(&draw(0), Part::Train));
    assert_ne!(pixels(&objects, Part::Train), pixels(&draw(1), Part::Train));
    // An object stands out: every image has pixels of very different brightness.
    for image in pixels(&objects, Part::Train).chunks_exact(3 * 1024) {
        let (low, high) = image.iter().fold((255, 0), |(low, high), &p| (p.min(low), p.max(high)));
        assert!(high - low > 60, "{low} {high}");
    }
    let config = SyntheticObjectsConfig { radius: [0.0, 3.0], ..SyntheticObjectsConfig::default() };
    assert!(InMemory::<SyntheticObjects>::new(config, &Setup::default()).is_err());
}
