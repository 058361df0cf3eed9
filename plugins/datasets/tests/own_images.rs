//! One's own images, in folders and in tables.

mod common;

use std::fs;
use std::path::Path;

use common::{open, pixels, refusal, setup, write, write_picture};
use scant_abi::{Component, Dataset, Part, Verdict};
use scant_datasets::{Csv, CsvConfig, Folder, FolderConfig, OnDisk};

const RED: [u8; 3] = [200, 0, 0];
const BLUE: [u8; 3] = [0, 0, 100];

fn write_folder(dir: &Path) {
    for (name, color) in [
        ("train/cat/2.png", RED),
        ("train/cat/10.webp", BLUE),
        ("train/dog/a.BMP", BLUE),
        ("train/rest/x.png", RED),
        ("test/cat/1.png", RED),
        ("test/dog/1.bmp", BLUE),
    ] {
        write_picture(&dir.join(name), 4, 6, color);
    }
    write(&dir.join("train/cat/notes.txt"), b"not a picture");
    write(&dir.join("train/cat/.hidden.png"), b"not a picture either");
}

fn folder_config() -> FolderConfig {
    FolderConfig { unlabelled: Some("rest".to_owned()), ..FolderConfig::default() }
}

#[test]
fn a_folder_gives_its_images_in_the_order_of_their_names() {
    let dir = tempfile::tempdir().unwrap();
    write_folder(&dir.path().join("mine"));
    let config = FolderConfig { path: "mine".into(), ..folder_config() };
    let folder = open::<OnDisk<Folder>>(dir.path(), config.clone()).unwrap();
    assert_eq!(folder.info().unwrap().classes, ["cat", "dog"]);
    assert_eq!(folder.info().unwrap().image, [3, 4, 6]);
    assert_eq!(folder.labels(Part::Train).unwrap(), [0, 0, 1, -1]);
    let planes = |[red, green, blue]: [u8; 3]| [[red; 24], [green; 24], [blue; 24]].concat();
    let expected = [planes(BLUE), planes(RED), planes(BLUE), planes(RED)].concat();
    assert_eq!(pixels(&folder, Part::Train), expected);
    // Kept in memory or decoded anew: the same.
    assert_eq!(pixels(&folder, Part::Train), expected);
    let streamed = FolderConfig { memory_mib: 0, ..config.clone() };
    assert_eq!(pixels(&open::<OnDisk<Folder>>(dir.path(), streamed).unwrap(), Part::Train), expected);
    let gray = FolderConfig { gray: true, size: Some([2, 2]), ..config };
    let gray = open::<OnDisk<Folder>>(dir.path(), gray).unwrap();
    assert_eq!(gray.info().unwrap().image, [1, 2, 2]);
    assert_eq!(pixels(&gray, Part::Test), [60, 60, 60, 60, 11, 11, 11, 11]);
}

#[test]
fn a_folder_says_what_is_wrong_and_where() {
    let dir = tempfile::tempdir().unwrap();
    let refusal = || refusal::<OnDisk<Folder>>(dir.path(), folder_config());
    assert!(refusal().contains("there is no folder train"));
    write_folder(dir.path());
    fs::remove_dir_all(dir.path().join("test/dog")).unwrap();
    assert!(refusal().contains("train/dog: class 'dog' is in train, but not in test"));
    fs::create_dir(dir.path().join("test/dog")).unwrap();
    let error = refusal();
    assert!(error.contains("test/dog holds no image"), "{error}");
    write_picture(&dir.path().join("test/dog/1.png"), 4, 6, BLUE);
    write_picture(&dir.path().join("test/emu/1.png"), 4, 6, BLUE);
    assert!(refusal().contains("class 'emu' is in test, but not in train"));
}

#[test]
fn an_image_that_cannot_be_used_is_named_when_it_is_read_and_by_verify() {
    let dir = tempfile::tempdir().unwrap();
    write_folder(dir.path());
    write_picture(&dir.path().join("test/cat/2.png"), 5, 6, RED);
    write(&dir.path().join("test/cat/3.png"), b"");
    write(&dir.path().join("test/cat/4.png"), b"GIF89a, of all things");
    let folder = open::<OnDisk<Folder>>(dir.path(), folder_config()).unwrap();
    for (index, messages) in [
        (1, ["test/cat/2.png is 5x6, but the first image is 4x6", "set 'size'"]),
        (2, ["test/cat/3.png", "0 bytes"]),
        (3, ["test/cat/4.png", "cannot be decoded"]),
    ] {
        let error = folder.read(Part::Test, &[0, index], &mut [0; 144]).unwrap_err().to_string();
        assert!(messages.iter().all(|message| error.contains(message)), "{error}");
    }
    let checks = folder.verify().unwrap();
    let bad = checks.iter().filter(|check| check.verdict == Verdict::Bad).count();
    assert_eq!(bad, 4, "{checks:?}");
    let left_out = |folder: &OnDisk<Folder>| {
        let checks = folder.verify().unwrap();
        checks.into_iter().find(|check| check.subject == "left out").map(|check| check.detail)
    };
    assert!(left_out(&folder).expect("told").contains("1, such as"));
    write_picture(&dir.path().join("train/cat/more/5.png"), 4, 6, RED);
    let told = left_out(&folder).expect("told");
    assert!(told.starts_with("2, such as") && told.contains("train/cat/more"), "{told}");
    fs::remove_dir_all(dir.path().join("train/cat/more")).unwrap();
    fs::remove_file(dir.path().join("train/cat/notes.txt")).unwrap();
    assert_eq!(left_out(&folder), None);
    let error =
        OnDisk::<Folder>::new(FolderConfig { size: Some([0, 4]), ..folder_config() }, &setup(dir.path()));
    assert!(error.unwrap_err().to_string().contains("size = [0, 4]"));
}

fn write_table(dir: &Path, train: &str) {
    for name in ["a.png", "b.png", "c.png"] {
        write_picture(&dir.join("pictures").join(name), 2, 2, RED);
    }
    write(&dir.join("train.csv"), train.as_bytes());
    write(&dir.join("test.csv"), b"pictures/a.png,10\npictures/b.png,9\n");
}

#[test]
fn a_table_gives_images_with_labels_and_without() {
    let dir = tempfile::tempdir().unwrap();
    write_table(dir.path(), "path,label\npictures/a.png,9\npictures/b.png,\npictures/c.png,10\n");
    let table = open::<OnDisk<Csv>>(dir.path(), CsvConfig::default()).unwrap();
    assert_eq!(table.info().unwrap().classes, ["9", "10"]);
    assert_eq!(table.labels(Part::Train).unwrap(), [0, -1, 1]);
    assert_eq!(table.labels(Part::Test).unwrap(), [1, 0]);
    assert_eq!(pixels(&table, Part::Test).len(), 24);
}

#[test]
fn a_table_says_what_is_wrong_and_in_which_row() {
    let dir = tempfile::tempdir().unwrap();
    let refusal = |train: &str| {
        write_table(dir.path(), train);
        refusal::<OnDisk<Csv>>(dir.path(), CsvConfig::default())
    };
    for (train, messages) in [
        ("pictures/a.png,9\npictures/z.png,10\n", ["train.csv row 2", "there is no file"]),
        ("pictures/a.png,9\n\n\npictures,10\n", ["train.csv row 4", "there is no file"]),
        (
            "pictures/a.png,9\npictures/b.png,11\n",
            ["train.csv row 2: class '11' is in train, but not in test", ""],
        ),
        ("pictures/a.png,9,8\n", ["train.csv", "row 1: 3 fields"]),
        ("path,label\n", ["train.csv", "lists no image"]),
    ] {
        let error = refusal(train);
        assert!(messages.iter().all(|message| error.contains(message)), "{error}");
    }
    fs::remove_file(dir.path().join("train.csv")).unwrap();
    let error = common::refusal::<OnDisk<Csv>>(dir.path(), CsvConfig::default());
    assert!(error.contains("there is no file train.csv"), "{error}");
    write_table(dir.path(), "pictures/a.png,9\npictures/b.png,10\n");
    write(&dir.path().join("pictures/b.png"), b"");
    let table = open::<OnDisk<Csv>>(dir.path(), CsvConfig::default()).unwrap();
    let error = table.read(Part::Train, &[1], &mut [0; 12]).unwrap_err().to_string();
    assert!(error.contains("train.csv row 2") && error.contains("0 bytes"), "{error}");
}

#[test]
fn a_table_cut_anywhere_is_whole_rows_or_an_error_with_its_file() {
    let dir = tempfile::tempdir().unwrap();
    let whole = "path,label\npictures/a.png,9\npictures/b.png,\npictures/c.png,10\n";
    let mut opened = 0;
    for length in 0..whole.len() {
        write_table(dir.path(), &whole[..length]);
        match open::<OnDisk<Csv>>(dir.path(), CsvConfig::default()) {
            Ok(table) => {
                assert_eq!(table.labels(Part::Train).unwrap(), [0, -1, 1], "cut to {length}");
                opened += 1;
            }
            // A class that is cut off leaves the one of the other table alone.
            Err(error) => assert!(
                error.contains("train.csv") || error.contains("class '10' is in test, but not in train"),
                "cut to {length}: {error}"
            ),
        }
    }
    assert_eq!(opened, 1, "only the last line's end may be missing");
}
