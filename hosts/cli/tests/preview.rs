//! Contact sheets from the command line.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

const CONFIGURATION: &str = r#"
name = "trial"
[data]
dataset = { use = "synthetic-digits", train = 200, test = 50 }
labels = { per_class = 2 }
prepare = ["rgb"]
[model]
use = "small-cnn"
[[stage]]
trainer = { use = "fixmatch-attention", attention = 0.0 }
epochs = 1
batch = 4
"#;

fn preview(folder: &Path, more: &[&str]) -> (bool, String) {
    let arguments = ["preview", "trial.toml", "--images", "3", "--draws", "2"];
    let mut command = Command::new(env!("CARGO_BIN_EXE_scant"));
    let output: Output = command.args(arguments).args(more).current_dir(folder).output().expect("started");
    let text =
        String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    (output.status.success(), text)
}

/// Width and height, as a PNG's header says.
fn size(path: &Path) -> [u32; 2] {
    let bytes = fs::read(path).expect("a picture");
    assert!(bytes.starts_with(b"\x89PNG"));
    [16, 20].map(|at| u32::from_be_bytes(bytes[at..at + 4].try_into().expect("four bytes")))
}

#[test]
fn a_sheet_is_written_once_and_never_over_another_file() {
    let place = tempfile::tempdir().expect("a folder");
    fs::write(place.path().join("trial.toml"), CONFIGURATION).expect("written");
    let (done, text) = preview(place.path(), &["--out", "sheet.png"]);
    assert!(done, "{text}");
    assert!(text.contains("3 images of stage 'fixmatch-attention'; columns: original, "), "{text}");
    assert!(text.contains("weak x2") && text.contains("strong x2"), "{text}");
    let sheet = fs::read(place.path().join("sheet.png")).expect("a picture");
    let [width, height] = size(&place.path().join("sheet.png"));
    assert!(width >= 5 * 56 && (3 * 56..3 * 80).contains(&height), "{width}x{height}");
    let (done, text) = preview(place.path(), &["--out", "sheet.png"]);
    assert!(!done && text.contains("sheet.png is already there"), "{text}");
    assert_eq!(fs::read(place.path().join("sheet.png")).expect("a picture"), sheet);
    let (done, text) = preview(place.path(), &[]);
    assert!(done, "{text}");
    assert_eq!(fs::read(place.path().join("trial-fixmatch-attention.png")).expect("a picture"), sheet);
    let (done, text) = preview(place.path(), &["--out", "sheet.jpg"]);
    assert!(!done && text.contains("sheet.jpg: the sheet is a PNG file"), "{text}");
    let (done, text) = preview(place.path(), &["--stage", "cluster", "--out", "other.png"]);
    assert!(!done && text.contains("there is no stage 'cluster'; there are fixmatch-attention"), "{text}");
    let (done, text) = preview(place.path(), &["--method", "dec", "--out", "other.png"]);
    assert!(!done && text.contains("there is no method 'dec'; there are trial"), "{text}");
    assert!(!place.path().join("other.png").exists());
}
