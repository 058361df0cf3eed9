//! Gzip, with a limit on what it may unpack to.

use std::io::Read;

use flate2::read::MultiGzDecoder;
use scant_abi::{Error, ErrorKind, Result};

/// No file may unpack to more bytes than this; the largest published one is SVHN's `extra` with 1.6 GB.
pub const UNPACKED_LIMIT: u64 = 1 << 31;

/// Deflate packs at most this many bytes into one.
const HIGHEST_RATIO: u64 = 1032;

/// Whether the bytes start as a gzip file does.
pub fn is_packed(bytes: &[u8]) -> bool {
    bytes.starts_with(&[0x1f, 0x8b])
}

/// The unpacked bytes of a whole gzip file.
pub fn unpack(bytes: &[u8]) -> Result<Vec<u8>> {
    // The last four bytes claim the unpacked length; believed as far as it is possible.
    let claimed = bytes.last_chunk().map_or(0, |&last| u64::from(u32::from_le_bytes(last)));
    read_limited(MultiGzDecoder::new(bytes), capacity(claimed, bytes.len()), UNPACKED_LIMIT)
}

/// The room to make for `packed` bytes that claim to unpack to `claimed`.
pub(crate) fn capacity(claimed: u64, packed: usize) -> usize {
    claimed.min(packed as u64 * HIGHEST_RATIO).min(UNPACKED_LIMIT) as usize
}

/// Everything that `reader` unpacks, or an error if that is more than `limit` bytes.
pub(crate) fn read_limited(reader: impl Read, capacity: usize, limit: u64) -> Result<Vec<u8>> {
    let mut unpacked = Vec::with_capacity(capacity);
    if let Err(error) = reader.take(limit + 1).read_to_end(&mut unpacked) {
        let message = format!("unpacking failed after {} unpacked bytes", unpacked.len());
        return Err(Error::caused_by(ErrorKind::Data, message, &error));
    }
    if unpacked.len() as u64 > limit {
        return Err(Error::data(format!("it unpacks to more than the limit of {limit} bytes")));
    }
    Ok(unpacked)
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::Compression;
    use flate2::write::GzEncoder;

    use super::*;

    fn packed(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    #[test]
    fn what_was_packed_comes_out() {
        let bytes: Vec<u8> = (0..10_000).map(|i| (i * i % 251) as u8).collect();
        assert_eq!(unpack(&packed(&bytes)).unwrap(), bytes);
    }

    #[test]
    fn a_bomb_stops_at_the_limit() {
        let bomb = packed(&vec![0; 1_000_000]);
        assert!(bomb.len() < 2_000);
        let error = read_limited(MultiGzDecoder::new(&bomb[..]), 0, 999_999).unwrap_err();
        assert!(error.to_string().contains("more than the limit of 999999 bytes"), "{error}");
        assert_eq!(read_limited(MultiGzDecoder::new(&bomb[..]), 0, 1_000_000).unwrap().len(), 1_000_000);
    }

    #[test]
    fn a_cut_or_changed_file_is_an_error() {
        let whole = packed(b"ten digits, drawn by hand");
        for length in 1..whole.len() {
            assert!(unpack(&whole[..length]).is_err(), "cut to {length} bytes");
        }
        let mut changed = whole.clone();
        changed[15] ^= 4;
        assert!(unpack(&changed).is_err());
    }
}
