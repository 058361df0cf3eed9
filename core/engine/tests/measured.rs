//! `normalise` without numbers: they are measured on what may be trained on, and kept with the run.

mod common;

use common::components::{Blobs, BlobsConfig};
use common::{finish, settings};
use scant_abi::{Component, Dataset, Part, Setup};
use scant_engine::run::{Options, RunFolder};

#[test]
fn mean_and_deviation_of_the_training_samples_stand_in_the_run() {
    let place = tempfile::tempdir().expect("a folder");
    let out = place.path().join("run");
    let mut settings = settings("");
    settings.data.prepare = vec!["normalise".to_owned()];
    finish(&settings, &out, &Options::default()).expect("finished");
    let folder = RunFolder::open(&out).expect("a run");
    let [step] = folder.settings().data.prepare.as_slice() else { panic!("one step") };
    let numbers = step.strip_prefix("normalise:").expect("with numbers").split(',');
    let numbers: Vec<f64> = numbers.map(|number| number.parse().expect("a number")).collect();

    let blobs = Blobs::new(BlobsConfig::default(), &Setup::default()).expect("made");
    let splits = folder.splits().expect("splits");
    let places: Vec<usize> = splits.labelled.iter().chain(&splits.unlabelled).copied().collect();
    assert_eq!(places.len(), 240 - 30, "all but the validation split");
    let mut bytes = vec![0; 16 * places.len()];
    blobs.read(Part::Train, &places, &mut bytes).expect("read");
    let pixels: Vec<f64> = bytes.iter().map(|byte| f64::from(*byte) / 255.0).collect();
    let mean = pixels.iter().sum::<f64>() / pixels.len() as f64;
    let squares = pixels.iter().map(|pixel| (pixel - mean).powi(2)).sum::<f64>();
    let deviation = (squares / pixels.len() as f64).sqrt();
    assert!(
        (numbers[0] - mean).abs() < 1e-6 && (numbers[1] - deviation).abs() < 1e-6,
        "{step}: {mean} {deviation}"
    );
}
