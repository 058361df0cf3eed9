//! The published files, where SCANT_DATA names a folder that holds them.

use scant_abi::{Component, Dataset, Part, Setup, Verdict};
use scant_datasets::{
    Cifar10, Cifar10Config, FashionMnist, FashionMnistConfig, InMemory, Mnist, MnistConfig,
};

/// A setup with the folders of SCANT_DATA, or none and a line that says so.
fn setup(test: &str) -> Option<Setup> {
    let found = std::env::var_os("SCANT_DATA")
        .map(|dirs| Setup { folders: std::env::split_paths(&dirs).collect(), ..Setup::default() });
    if found.is_none() {
        eprintln!("skipped {test}: SCANT_DATA names no folder with the published files");
    }
    found
}

fn counts(labels: &[i64]) -> Vec<usize> {
    (0..10).map(|class| labels.iter().filter(|&&label| label == class).count()).collect()
}

/// The mean of every channel of a part, in [0, 1].
fn channel_means(dataset: &dyn Dataset, part: Part) -> Vec<f64> {
    let [channels, height, width] = dataset.info().unwrap().image;
    let image = channels * height * width;
    let indices: Vec<usize> = (0..dataset.labels(part).unwrap().len()).collect();
    let mut sums = vec![0_u64; channels];
    let mut pixels = vec![0; 1000 * image];
    for batch in indices.chunks(1000) {
        let pixels = &mut pixels[..batch.len() * image];
        dataset.read(part, batch, pixels).unwrap();
        for (index, plane) in pixels.chunks_exact(height * width).enumerate() {
            sums[index % channels] += plane.iter().map(|&pixel| u64::from(pixel)).sum::<u64>();
        }
    }
    sums.iter().map(|&sum| sum as f64 / (255 * indices.len() * height * width) as f64).collect()
}

fn assert_means(found: &[f64], expected: &[f64]) {
    assert_eq!(found.len(), expected.len());
    for (found, expected) in found.iter().zip(expected) {
        assert!((found - expected).abs() < 5e-5, "{found} is not the known mean {expected}");
    }
}

#[test]
fn mnist_is_whole() {
    let Some(setup) = setup("mnist_is_whole") else { return };
    let mut mnist = InMemory::<Mnist>::new(MnistConfig::default(), &setup).unwrap();
    mnist.open().unwrap();
    assert_eq!(
        counts(&mnist.labels(Part::Train).unwrap()),
        [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949]
    );
    assert_eq!(
        counts(&mnist.labels(Part::Test).unwrap()),
        [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]
    );
    assert_means(&channel_means(&mnist, Part::Train), &[0.1307]);
    assert_means(&channel_means(&mnist, Part::Test), &[0.1325]);
    let checks = mnist.verify().unwrap();
    assert_eq!(checks.len(), 6);
    assert!(checks.iter().all(|check| check.verdict == Verdict::Good), "{checks:?}");
}

#[test]
fn fashion_mnist_is_whole() {
    let Some(setup) = setup("fashion_mnist_is_whole") else { return };
    let mut fashion = InMemory::<FashionMnist>::new(FashionMnistConfig::default(), &setup).unwrap();
    fashion.open().unwrap();
    assert_eq!(counts(&fashion.labels(Part::Train).unwrap()), [6000; 10]);
    assert_eq!(counts(&fashion.labels(Part::Test).unwrap()), [1000; 10]);
    assert_means(&channel_means(&fashion, Part::Train), &[0.2860]);
    assert_means(&channel_means(&fashion, Part::Test), &[0.2868]);
    let checks = fashion.verify().unwrap();
    assert!(checks.iter().all(|check| check.verdict == Verdict::Good), "{checks:?}");
}

#[test]
fn one_edition_is_not_taken_for_the_other() {
    let Some(setup) = setup("one_edition_is_not_taken_for_the_other") else { return };
    let config = FashionMnistConfig { folder: Some("mnist".into()) };
    let error = InMemory::<FashionMnist>::new(config, &setup).unwrap().open().unwrap_err().to_string();
    assert!(error.contains("fashion-mnist: the files found are those of mnist"), "{error}");
}

#[test]
fn the_first_and_the_test_batch_of_cifar_10_are_whole() {
    let Some(setup) = setup("the_first_and_the_test_batch_of_cifar_10_are_whole") else { return };
    let config = Cifar10Config { batches: vec![1], ..Cifar10Config::default() };
    let mut cifar = InMemory::<Cifar10>::new(config, &setup).unwrap();
    cifar.open().unwrap();
    assert_eq!(
        counts(&cifar.labels(Part::Train).unwrap()),
        [1005, 974, 1032, 1016, 999, 937, 1030, 1001, 1025, 981]
    );
    assert_eq!(counts(&cifar.labels(Part::Test).unwrap()), [1000; 10]);
    assert_means(&channel_means(&cifar, Part::Train), &[0.4935, 0.4834, 0.4472]);
    assert_means(&channel_means(&cifar, Part::Test), &[0.4942, 0.4851, 0.4504]);
    let checks = cifar.verify().unwrap();
    assert!(checks.iter().all(|check| check.verdict != Verdict::Bad), "{checks:?}");
}
