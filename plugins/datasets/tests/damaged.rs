//! Damaged published files: one clear error each, with the file and the place in it.

mod common;

use std::fs;

use common::{cifar_records, gzip, idx, open, refusal, tar_gz, write, write_mnist};
use scant_datasets::{
    Cifar10, Cifar10Config, Cifar100, Cifar100Config, InMemory, Mnist, MnistConfig, Svhn, SvhnConfig,
};

fn mnist_with(name: &str, bytes: &[u8]) -> String {
    let dir = tempfile::tempdir().unwrap();
    write_mnist(dir.path());
    write(&dir.path().join(name), bytes);
    refusal::<InMemory<Mnist>>(dir.path(), MnistConfig::default())
}

fn assert_says(error: &str, parts: &[&str]) {
    for part in parts {
        assert!(error.contains(part), "'{part}' is not in: {error}");
    }
}

#[test]
fn mnist_says_what_is_wrong_and_where() {
    let images = "train-images-idx3-ubyte.gz";
    let labels = "train-labels-idx1-ubyte";
    assert_says(&mnist_with(images, &[]), &[images, "0 bytes"]);
    assert_says(&mnist_with(images, &gzip(&idx(&[3], &[0; 3]))), &[images, "byte 0", "magic"]);
    assert_says(
        &mnist_with(images, &idx(&[4, 28, 28], &[0; 2352])),
        &[images, "byte 4", "2352 bytes follow"],
    );
    assert_says(&mnist_with(images, &idx(&[3, 14, 56], &[0; 2352])), &[images, "byte 8", "14x56, not 28x28"]);
    assert_says(&mnist_with(labels, &idx(&[2], &[0; 2])), &[images, "3 images", labels, "2 labels"]);
    assert_says(&mnist_with(labels, &idx(&[3], &[0, 10, 1])), &[labels, "byte 9", "label 10"]);
    let whole = gzip(&idx(&[3, 28, 28], &[0; 2352]));
    assert_says(&mnist_with(images, &whole[..whole.len() - 1]), &[images, "unpacking failed"]);
}

#[test]
fn every_truncation_of_every_file_is_an_error() {
    let dir = tempfile::tempdir().unwrap();
    write_mnist(dir.path());
    for name in ["train-images-idx3-ubyte.gz", "t10k-labels-idx1-ubyte"] {
        let whole = fs::read(dir.path().join(name)).unwrap();
        for length in 0..whole.len() {
            write(&dir.path().join(name), &whole[..length]);
            let error = refusal::<InMemory<Mnist>>(dir.path(), MnistConfig::default());
            assert_says(&error, &[name]);
        }
        write(&dir.path().join(name), &whole);
    }
}

#[test]
fn cifar_says_what_is_wrong_and_where() {
    let dir = tempfile::tempdir().unwrap();
    write(&dir.path().join("test.bin"), &cifar_records(&[&[0, 0]]));
    let train = dir.path().join("train.bin");
    let refusal_of = |bytes: &[u8]| {
        write(&train, bytes);
        refusal::<InMemory<Cifar100>>(dir.path(), Cifar100Config::default())
    };
    assert_says(&refusal_of(&[]), &["train.bin", "byte 0"]);
    let two = cifar_records(&[&[0, 7], &[1, 100]]);
    assert_says(&refusal_of(&two), &["train.bin", "byte 3075", "record 1 has label 100"]);
    assert_says(&refusal_of(&two[..3080]), &["train.bin", "byte 3074", "6 bytes of another"]);
}

#[test]
fn every_truncation_of_an_archive_is_an_error() {
    let dir = tempfile::tempdir().unwrap();
    let files = [("data_batch_1.bin", cifar_records(&[&[1]])), ("a/test_batch.bin", cifar_records(&[&[2]]))];
    let whole = tar_gz(&files);
    let archive = dir.path().join("cifar-10-binary.tar.gz");
    let config = || Cifar10Config { batches: vec![1], ..Cifar10Config::default() };
    write(&archive, &whole);
    open::<InMemory<Cifar10>>(dir.path(), config()).unwrap();
    let mut opened = 0;
    for length in 0..whole.len() {
        write(&archive, &whole[..length]);
        match open::<InMemory<Cifar10>>(dir.path(), config()) {
            // Past the last file only the archive's end marks are missing.
            Ok(_) => opened += 1,
            Err(error) => assert_says(&error, &["cifar-10-binary.tar.gz"]),
        }
    }
    assert!(opened < 40, "{opened} of {} cut archives were taken", whole.len());
}

#[test]
fn svhn_says_what_is_wrong_and_where() {
    let dir = tempfile::tempdir().unwrap();
    let whole = include_bytes!("fixtures/svhn_small.mat");
    write(&dir.path().join("train_32x32.mat"), whole);
    let test = dir.path().join("test_32x32.mat");
    for length in 0..whole.len() {
        write(&test, &whole[..length]);
        assert_says(&refusal::<InMemory<Svhn>>(dir.path(), SvhnConfig::default()), &["test_32x32.mat"]);
    }
    write(&test, include_bytes!("fixtures/plain.mat"));
    let error = refusal::<InMemory<Svhn>>(dir.path(), SvhnConfig::default());
    assert_says(&error, &["test_32x32.mat", "no array 'X'"]);
    for (file, message) in [
        (&include_bytes!("fixtures/svhn_label.mat")[..], "array 'y', row 1: label 11"),
        (include_bytes!("fixtures/svhn_count.mat"), "array 'X' has 2 images, but 'y' has 3 labels"),
        (include_bytes!("fixtures/svhn_shape.mat"), "array 'X' is [28, 28, 3, 2]"),
    ] {
        write(&test, file);
        let error = refusal::<InMemory<Svhn>>(dir.path(), SvhnConfig::default());
        assert_says(&error, &["test_32x32.mat", message]);
    }
}
