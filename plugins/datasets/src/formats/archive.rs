//! Gzipped tar archives.

use std::io::{self, Read};

use flate2::read::MultiGzDecoder;
use scant_abi::{Error, ErrorKind, Result};

use super::gzip::{UNPACKED_LIMIT, read_limited};

/// The files called `names`, in that order, whatever the folders within the archive.
///
/// The archive as a whole may not unpack to more than [`UNPACKED_LIMIT`].
pub fn extract(packed: impl Read, names: &[&str]) -> Result<Vec<Vec<u8>>> {
    extract_limited(packed, names, UNPACKED_LIMIT)
}

fn extract_limited(packed: impl Read, names: &[&str], limit: u64) -> Result<Vec<Vec<u8>>> {
    let failed = |error: io::Error| Error::caused_by(ErrorKind::Data, "unpacking the archive failed", &error);
    let mut archive = tar::Archive::new(MultiGzDecoder::new(packed).take(limit));
    let mut contents = vec![None; names.len()];
    for entry in archive.entries().map_err(failed)? {
        let entry = entry.map_err(failed)?;
        let name = entry.path().ok().and_then(|path| Some(path.file_name()?.to_str()?.to_owned()));
        if let Some(wanted) = names.iter().position(|wanted| name.as_deref() == Some(wanted)) {
            let claimed = entry.size();
            let bytes = read_limited(entry, 0, limit)?;
            if bytes.len() as u64 != claimed {
                let (name, length) = (names[wanted], bytes.len());
                return Err(Error::data(format!("{name} claims {claimed} bytes, but {length} stand there")));
            }
            contents[wanted] = Some(bytes);
        }
        if contents.iter().all(Option::is_some) {
            break;
        }
    }
    let named = contents.into_iter().zip(names);
    named
        .map(|(content, name)| content.ok_or_else(|| Error::data(format!("it holds no file {name}"))))
        .collect()
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::Compression;
    use flate2::write::GzEncoder;
    use proptest::prelude::*;

    use super::*;

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    fn sample() -> Vec<u8> {
        let mut builder = tar::Builder::new(Vec::new());
        for (name, bytes) in [("folder/one", &b"first"[..]), ("two", b"second"), ("three", b"")] {
            let mut header = tar::Header::new_gnu();
            header.set_size(bytes.len() as u64);
            header.set_cksum();
            builder.append_data(&mut header, name, bytes).unwrap();
        }
        builder.into_inner().unwrap()
    }

    #[test]
    fn files_come_in_the_order_asked_for() {
        let packed = gzip(&sample());
        assert_eq!(extract(&packed[..], &["two", "one"]).unwrap(), [b"second".to_vec(), b"first".to_vec()]);
        let error = extract(&packed[..], &["four"]).unwrap_err().to_string();
        assert_eq!(error, "it holds no file four");
    }

    #[test]
    fn a_cut_archive_never_gives_a_cut_file() {
        let whole = sample();
        for length in 0..whole.len() {
            if let Ok(files) = extract(&gzip(&whole[..length])[..], &["one", "two"]) {
                assert_eq!(files, [b"first".to_vec(), b"second".to_vec()], "cut to {length}");
            }
        }
    }

    #[test]
    fn an_archive_that_unpacks_without_end_is_left_at_the_limit() {
        let packed = gzip(&sample());
        // Its second file's content begins after two headers and a block of the first.
        let enough = 3 * 512 + 6;
        assert!(extract_limited(&packed[..], &["one", "two"], enough).is_ok());
        let error = extract_limited(&packed[..], &["one", "two"], enough - 1).unwrap_err().to_string();
        assert!(error.contains("two claims 6 bytes, but 5 stand there"), "{error}");
        let error = extract_limited(&packed[..], &["one", "two"], 700).unwrap_err().to_string();
        assert!(error.contains("unpacking the archive failed"), "{error}");
    }

    proptest! {
        #[test]
        fn changed_bytes_never_panic(changes: Vec<(u16, u8)>) {
            let mut bytes = sample();
            let length = bytes.len();
            for (at, value) in changes {
                bytes[usize::from(at) % length] = value;
            }
            let _ = extract(&gzip(&bytes)[..], &["one", "two", "three"]);
        }
    }
}
