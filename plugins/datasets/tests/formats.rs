//! Whole data sets in the published formats, written here: plain, gzipped and in archives.

mod common;

use std::fs;

use common::{cifar_records, gzip, open, pixels, refusal, setup, tar_gz, write, write_mnist};
use scant_abi::{Component, Dataset, Part, Setup, Verdict};
use scant_datasets::{
    Cifar10, Cifar10Config, Cifar100, Cifar100Config, InMemory, LabelKind, Mnist, MnistConfig, Svhn,
    SvhnConfig,
};

#[test]
fn mnist_is_read_plain_and_gzipped_and_from_its_own_folder() {
    let dir = tempfile::tempdir().unwrap();
    write_mnist(&dir.path().join("mnist"));
    let mnist = open::<InMemory<Mnist>>(dir.path(), MnistConfig::default()).unwrap();
    assert_eq!(mnist.labels(Part::Train).unwrap(), [0, 1, 2]);
    assert_eq!(mnist.info().unwrap().image, [1, 28, 28]);
    let mut some = vec![9; 2 * 784];
    mnist.read(Part::Train, &[2, 0], &mut some).unwrap();
    assert_eq!((some[0], some[783], some[784], some[1567]), (2, 2, 0, 0));
    let named = MnistConfig { folder: Some("mnist".into()) };
    assert_eq!(open::<InMemory<Mnist>>(dir.path(), named).unwrap().labels(Part::Test).unwrap(), [0, 1]);
}

#[test]
fn missing_files_are_named_with_size_sum_and_places() {
    let dir = tempfile::tempdir().unwrap();
    write_mnist(dir.path());
    fs::remove_file(dir.path().join("t10k-labels-idx1-ubyte")).unwrap();
    let error = refusal::<InMemory<Mnist>>(dir.path(), MnistConfig::default());
    assert!(error.contains("t10k-labels-idx1-ubyte.gz (4542 bytes, MD5 ec29112dd5afa0611ce80d1b7f02629c)"));
    assert!(!error.contains("train-images"), "{error}");
    assert!(error.contains(&dir.path().join("mnist").display().to_string()), "{error}");
    assert!(error.contains("--data-dir or SCANT_DATA"), "{error}");
    let twice = Setup { folders: vec![dir.path().to_owned(); 2], ..Setup::default() };
    let error =
        InMemory::<Mnist>::new(MnistConfig::default(), &twice).unwrap().open().unwrap_err().to_string();
    assert_eq!(error.matches(&format!("\n  {}\n", dir.path().display())).count(), 1, "{error}");
    let nowhere = Setup::default();
    let error = InMemory::<Mnist>::new(MnistConfig::default(), &nowhere).unwrap().open().unwrap_err();
    assert!(error.to_string().contains("no data folder was given"), "{error}");
}

#[test]
fn cifar_10_is_read_from_batches_and_from_the_archive() {
    let first = cifar_records(&[&[3], &[9]]);
    let test = cifar_records(&[&[5]]);
    let config = || Cifar10Config { batches: vec![2], ..Cifar10Config::default() };
    let batches = tempfile::tempdir().unwrap();
    write(&batches.path().join("cifar-10-batches-bin/data_batch_2.bin.gz"), &gzip(&first));
    write(&batches.path().join("cifar-10-batches-bin/test_batch.bin"), &test);
    let archive = tempfile::tempdir().unwrap();
    let files = [
        ("cifar-10-batches-bin/readme.html", b"about".to_vec()),
        ("cifar-10-batches-bin/data_batch_2.bin", first),
        ("cifar-10-batches-bin/test_batch.bin", test),
    ];
    write(&archive.path().join("cifar-10-binary.tar.gz"), &tar_gz(&files));
    for dir in [&batches, &archive] {
        let cifar = open::<InMemory<Cifar10>>(dir.path(), config()).unwrap();
        assert_eq!(cifar.labels(Part::Train).unwrap(), [3, 9]);
        assert_eq!(cifar.labels(Part::Test).unwrap(), [5]);
        assert_eq!(pixels(&cifar, Part::Train), [[0; 3072], [1; 3072]].concat());
        assert_eq!(cifar.info().unwrap().classes[3], "cat");
    }
    let error = refusal::<InMemory<Cifar10>>(archive.path(), Cifar10Config::default());
    assert!(error.contains("it holds no file data_batch_1.bin"), "{error}");
    let error = refusal::<InMemory<Cifar10>>(batches.path(), Cifar10Config::default());
    assert!(error.contains("not found: data_batch_1.bin, data_batch_3.bin"), "{error}");
    assert!(error.contains("c32a1d4ab5d03f1284b67883e8d87530"), "{error}");
    let none = Cifar10Config { batches: vec![6], ..Cifar10Config::default() };
    assert!(refusal::<InMemory<Cifar10>>(batches.path(), none).contains("choose from 1, 2, 3, 4, 5"));
}

#[test]
fn cifar_100_has_fine_and_coarse_labels() {
    let dir = tempfile::tempdir().unwrap();
    write(&dir.path().join("cifar-100-binary/train.bin"), &cifar_records(&[&[4, 0], &[11, 98]]));
    write(&dir.path().join("cifar-100-binary/test.bin.gz"), &gzip(&cifar_records(&[&[14, 99]])));
    let fine = open::<InMemory<Cifar100>>(dir.path(), Cifar100Config::default()).unwrap();
    assert_eq!(fine.labels(Part::Train).unwrap(), [0, 98]);
    assert_eq!(fine.info().unwrap().classes[98], "woman");
    let config = Cifar100Config { labels: LabelKind::Coarse, ..Cifar100Config::default() };
    let coarse = open::<InMemory<Cifar100>>(dir.path(), config).unwrap();
    assert_eq!(coarse.labels(Part::Test).unwrap(), [14]);
    assert_eq!(coarse.info().unwrap().classes.len(), 20);
    assert_eq!(coarse.info().unwrap().classes[14], "people");
}

#[test]
fn svhn_is_read_from_what_scipy_wrote() {
    let dir = tempfile::tempdir().unwrap();
    let file = include_bytes!("fixtures/svhn_small.mat");
    for name in ["train_32x32.mat", "test_32x32.mat", "extra_32x32.mat"] {
        write(&dir.path().join("svhn").join(name), file);
    }
    let svhn = open::<InMemory<Svhn>>(dir.path(), SvhnConfig::default()).unwrap();
    // MATLAB's 10 is the digit 0.
    assert_eq!(svhn.labels(Part::Train).unwrap(), [1, 2, 3, 4, 5, 6, 7, 8, 9, 0, 1, 2]);
    let pixels = pixels(&svhn, Part::Train);
    let mut expected = Vec::new();
    for image in 0..12 {
        for channel in 0..3 {
            for row in 0..32 {
                expected
                    .extend((0..32).map(|column| (7 * row + 3 * column + 50 * channel + 11 * image) as u8));
            }
        }
    }
    assert_eq!(pixels, expected);
    let more = SvhnConfig { extra: true, ..SvhnConfig::default() };
    assert_eq!(open::<InMemory<Svhn>>(dir.path(), more).unwrap().labels(Part::Train).unwrap().len(), 24);
}

#[test]
fn verification_reports_every_file_and_the_labels() {
    let dir = tempfile::tempdir().unwrap();
    write_mnist(dir.path());
    let mnist = InMemory::<Mnist>::new(MnistConfig::default(), &setup(dir.path())).unwrap();
    let verdicts: Vec<Verdict> = mnist.verify().unwrap().into_iter().map(|check| check.verdict).collect();
    use Verdict::{Bad, Unknown};
    // Gzipped files have a published sum, plain ones have none; no label count is as published.
    assert_eq!(verdicts, [Bad, Unknown, Bad, Unknown, Bad, Bad]);
    fs::remove_file(dir.path().join("train-labels-idx1-ubyte")).unwrap();
    let checks = mnist.verify().unwrap();
    assert_eq!((checks[1].verdict, checks[1].detail.as_str()), (Bad, "not found"));
    // What is missing is told in full once, not for each part.
    let [.., labels] = checks.as_slice() else { panic!("no checks") };
    assert_eq!((checks.len(), labels.subject.as_str(), labels.verdict), (5, "labels", Bad));
    assert!(labels.detail.contains("train-labels-idx1-ubyte.gz (28881 bytes, MD5 d53e105e"), "{labels:?}");
    assert!(labels.detail.contains(&dir.path().display().to_string()), "{labels:?}");
}
