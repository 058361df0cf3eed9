//! Images stay 8 bits a channel in memory, and a folder that is larger than its share of memory is never kept whole.
//!
//! One test alone in its process: it reads the most memory that the process has ever held.
#![cfg(target_os = "linux")]

mod common;

use std::fs;

use common::{open, write_picture};
use scant_abi::{Component, Dataset, Part, Setup};
use scant_datasets::{Folder, FolderConfig, InMemory, OnDisk, SyntheticDigits, SyntheticDigitsConfig};

const MIB: usize = 1 << 20;

/// The most memory that this process has held, in bytes.
fn peak() -> usize {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<usize>().unwrap() * 1024
}

#[test]
fn neither_decoded_folders_nor_images_of_bytes_take_more_memory_than_they_must() {
    let dir = tempfile::tempdir().unwrap();
    let first = dir.path().join("train/cat/0.png");
    write_picture(&first, 512, 512, [9, 8, 7]);
    write_picture(&dir.path().join("test/cat/0.png"), 512, 512, [9, 8, 7]);
    let image = 3 * 512 * 512;
    for number in 1..300 {
        fs::copy(&first, dir.path().join(format!("train/cat/{number}.png"))).unwrap();
    }
    let config = FolderConfig { memory_mib: 16, ..FolderConfig::default() };
    let folder = open::<OnDisk<Folder>>(dir.path(), config).unwrap();
    let before = peak();
    let mut pixels = vec![0; 10 * image];
    for batch in 0..30 {
        let indices: Vec<usize> = (10 * batch..10 * (batch + 1)).collect();
        folder.read(Part::Train, &indices, &mut pixels).unwrap();
        assert!(pixels.chunks_exact(512 * 512).zip([9, 8, 7].repeat(10)).all(|(plane, v)| plane[77] == v));
    }
    // 225 MiB of pixels went by; a batch has 7.5 of them.
    let grown = peak() - before;
    assert!(grown < 64 * MIB, "{} MiB for 300 images of 0.75 MiB", grown / MIB);

    let config = SyntheticDigitsConfig { train: 60_000, test: 10, ..SyntheticDigitsConfig::default() };
    let before = peak();
    let mut digits = InMemory::<SyntheticDigits>::new(config, &Setup::default()).unwrap();
    digits.open().unwrap();
    let grown = peak() - before;
    assert!(grown < 2 * 60_000 * 784, "{} MiB for 60,000 images of 784 bytes", grown / MIB);
}
