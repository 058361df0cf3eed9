//! What `scant data verify` looks at: sums of files, and counts of labels.

use std::path::Path;

use md5::{Digest, Md5};
use scant_abi::{Check, Result, Verdict};

use crate::files::{self, Published};
use crate::memory::Parts;

/// The MD5 sum of `bytes`, in the usual digits.
pub(crate) fn md5(bytes: &[u8]) -> String {
    Md5::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Compares the file at `path` with what was published; a file under another name cannot be compared.
pub(crate) fn file(path: &Path, published: &Published) -> Check {
    let subject = path.display().to_string();
    let bytes = match files::read_raw(path) {
        Ok(bytes) => bytes,
        Err(error) => return Check { subject, verdict: Verdict::Bad, detail: error.to_string() },
    };
    let sum = md5(&bytes);
    if path.file_name().is_none_or(|name| name != published.name) {
        let detail = format!("MD5 {sum}; no sum was published for this form of {}", published.name);
        return Check { subject, verdict: Verdict::Unknown, detail };
    }
    if sum == published.md5 && bytes.len() as u64 == published.bytes {
        return Check { subject, verdict: Verdict::Good, detail: format!("MD5 {sum}, as published") };
    }
    let detail = format!(
        "{} bytes with MD5 {sum}; published were {} bytes with MD5 {}",
        bytes.len(),
        published.bytes,
        published.md5
    );
    Check { subject, verdict: Verdict::Bad, detail }
}

/// A file that is not there.
pub(crate) fn absent(name: &str) -> Check {
    Check { subject: name.to_owned(), verdict: Verdict::Bad, detail: "not found".to_owned() }
}

/// Compares how often each class occurs in both parts with what was published; one check for both where they cannot be
/// read.
pub(crate) fn labels(parts: &Result<Parts>, classes: usize, train: &[usize], test: &[usize]) -> Vec<Check> {
    match parts {
        Ok(parts) => vec![
            counts("labels to train on", &parts.train.labels, classes, train),
            counts("labels to test on", &parts.test.labels, classes, test),
        ],
        Err(error) => {
            vec![Check { subject: "labels".to_owned(), verdict: Verdict::Bad, detail: error.to_string() }]
        }
    }
}

/// Compares how often each class occurs with what was `expected`, if that is known.
fn counts(subject: &str, labels: &[i64], classes: usize, expected: &[usize]) -> Check {
    let counts = count(labels, classes);
    let total = labels.len();
    let (verdict, detail) = if expected.is_empty() {
        (Verdict::Unknown, format!("{total} images; by class {counts:?}"))
    } else if counts == expected {
        (Verdict::Good, format!("{total} images, each class as often as published"))
    } else {
        (Verdict::Bad, format!("{total} images; by class {counts:?}, published {expected:?}"))
    };
    Check { subject: subject.to_owned(), verdict, detail }
}

/// How often each class occurs; images without a label are not counted.
pub(crate) fn count(labels: &[i64], classes: usize) -> Vec<usize> {
    let mut counts = vec![0; classes];
    for label in labels {
        if let Some(count) = usize::try_from(*label).ok().and_then(|label| counts.get_mut(label)) {
            *count += 1;
        }
    }
    counts
}
