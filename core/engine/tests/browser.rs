//! Reports in a real browser: see tests/browser/check.sh.

#[path = "../examples/sample_pages/pages.rs"]
mod pages;

use std::path::Path;
use std::process::Command;

#[test]
fn pages_read_well_in_a_browser() {
    let folder = tempfile::tempdir().expect("a folder");
    let pages = pages::write(folder.path()).expect("the pages are written");
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/browser/check.sh");
    let output = Command::new("bash").arg(&script).arg("-").args(&pages).output().expect("bash is there");
    let said = String::from_utf8_lossy(&output.stdout);
    println!("{said}");
    assert!(output.status.success(), "{said}{}", String::from_utf8_lossy(&output.stderr));
    let measured = said.lines().filter(|line| line.contains(" figures, ")).count();
    assert!(said.starts_with("skipped") || measured == 2 * pages.len(), "{said}");
}
