//! The sources' numbers are there, whole and typed.

use std::path::{Path, PathBuf};

use scant_engine::compare::{Expected, Figure};

fn recipes() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/recipes")
}

fn read(source: &str) -> Expected {
    Expected::read(&recipes().join(source).join("expected.toml")).expect("the file is valid")
}

/// A number as the source writes it.
fn figure(source: &str, table: &str, method: &str, metric: &str) -> Figure {
    let expected = read(source);
    let table = expected.tables.iter().find(|t| t.name == table).expect("the table is there");
    let row = table.rows.iter().find(|row| row.method == method).expect("the row is there");
    row.values[metric]
}

#[test]
fn every_source_has_all_its_numbers() {
    let count = |source: &str| -> usize {
        read(source).tables.iter().flat_map(|table| &table.rows).map(|row| row.values.len()).sum()
    };
    // 000: 3 sets x 3 sizes x 5 methods, 3 x 5 x (m, k), 12 + 12 + 9 of the state of the art.
    assert_eq!(count("pl-ae"), 45 + 30 + 33);
    // 001: 4 x 5 traditional, 3 x 2 supervised, 6 x 2 NMI, 10 x 2 probes, 1 of DeeperCluster.
    assert_eq!(count("end-to-end"), 20 + 6 + 12 + 20 + 1);
    // 002: (3 thresholds + VAT + 3 thresholds) x 4 conditions.
    assert_eq!(count("semi-supervised"), 28);
    // 003: 6 shares x 2 sets x 5 models x 3, 6 x 2 x 6 x 3, MNIST 6 x 3 x 3.
    assert_eq!(count("beta-vae"), 180 + 216 + 54);
    // 004: one number, for three sizes.
    assert_eq!(count("pretraining"), 3);
}

#[test]
fn numbers_are_the_sources_own() {
    assert_eq!(figure("pl-ae", "mnist-embedding-300", "PL-AE", "top-1"), Figure::Value(99.3));
    assert_eq!(figure("pl-ae", "svhn-stability", "PL-AE", "m"), Figure::Value(0.106));
    assert_eq!(figure("end-to-end", "end-to-end-nmi", "VGG16-bn RGB", "nmi"), Figure::Value(0.483));
    assert_eq!(figure("end-to-end", "end-to-end-probes", "VGG16-bn Sobel", "top-1"), Figure::Value(0.3166));
    assert_eq!(figure("semi-supervised", "cifar-100-10000", "VAT", "error"), Figure::Value(60.683));
    let dec = figure("beta-vae", "mnist-cluster-20", "DAE + Improved DEC", "acc");
    assert_eq!(dec, Figure::Spread([0.98354, 0.00278]));
    let resnet = figure("beta-vae", "cifar-10-classify-20", "ResNet", "f1");
    assert_eq!(resnet, Figure::Spread([0.6593, 0.00396]));
}
