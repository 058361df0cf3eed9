//! IDX: the format of MNIST and its relatives.

use scant_abi::{Error, Result};

/// An array of bytes of any rank, as an IDX file holds it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Idx {
    /// The length of each axis, outermost first.
    pub dims: Vec<usize>,
    /// The elements, the last axis running fastest.
    pub data: Vec<u8>,
}

/// The array of `rank` axes that stands in `bytes`.
pub fn parse(mut bytes: Vec<u8>, rank: u8) -> Result<Idx> {
    let header = 4 + 4 * usize::from(rank);
    let magic = [0, 0, 8, rank];
    if bytes.get(..4).is_some_and(|start| start != magic) {
        return Err(Error::data(format!(
            "byte 0: the magic number is {:02x?}, not {magic:02x?} (unsigned bytes, {rank} axes)",
            &bytes[..4]
        )));
    }
    if bytes.len() < header {
        let length = bytes.len();
        return Err(Error::data(format!("it has {length} bytes, an IDX header of {rank} axes has {header}")));
    }
    let dims: Vec<usize> = bytes[4..header]
        .chunks_exact(4)
        .map(|word| u32::from_be_bytes([word[0], word[1], word[2], word[3]]) as usize)
        .collect();
    let expected = dims.iter().try_fold(1_usize, |product, &dim| product.checked_mul(dim));
    let actual = bytes.len() - header;
    if expected != Some(actual) {
        let claimed = expected.map_or("more than memory can hold".to_owned(), |n| format!("{n} bytes"));
        return Err(Error::data(format!(
            "byte 4: the header claims {dims:?} elements, which is {claimed}; {actual} bytes follow"
        )));
    }
    bytes.drain(..header);
    Ok(Idx { dims, data: bytes })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SMALL: [u8; 14] = [0, 0, 8, 2, 0, 0, 0, 1, 0, 0, 0, 2, 7, 9];

    #[test]
    fn dims_and_elements_are_read() {
        let idx = parse(SMALL.to_vec(), 2).unwrap();
        assert_eq!((idx.dims, idx.data), (vec![1, 2], vec![7, 9]));
    }

    #[test]
    fn every_truncation_is_an_error_that_says_where() {
        for length in 0..SMALL.len() {
            let error = parse(SMALL[..length].to_vec(), 2).unwrap_err().to_string();
            assert!(error.contains("byte"), "{error}");
        }
    }

    #[test]
    fn a_wrong_magic_and_a_wrong_count_are_told_apart() {
        let error = parse(SMALL.to_vec(), 1).unwrap_err().to_string();
        assert!(error.contains("magic number is [00, 00, 08, 02], not [00, 00, 08, 01]"), "{error}");
        let mut longer = SMALL.to_vec();
        longer.push(0);
        let error = parse(longer, 2).unwrap_err().to_string();
        assert!(error.contains("claims [1, 2] elements, which is 2 bytes; 3 bytes follow"), "{error}");
        let huge = [vec![0, 0, 8, 3], vec![0xff; 12]].concat();
        assert!(parse(huge, 3).is_err());
    }

    proptest! {
        #[test]
        fn arbitrary_bytes_never_panic(bytes: Vec<u8>, rank in 0_u8..5) {
            if let Ok(idx) = parse(bytes.clone(), rank) {
                prop_assert_eq!(idx.dims.iter().product::<usize>(), idx.data.len());
                prop_assert_eq!(idx.data.len() + 4 + 4 * usize::from(rank), bytes.len());
            }
        }

        #[test]
        fn arbitrary_dims_never_panic(dims: [u32; 3], data: Vec<u8>) {
            let mut bytes = vec![0, 0, 8, 3];
            dims.iter().for_each(|dim| bytes.extend(dim.to_be_bytes()));
            bytes.extend(&data);
            let fits = dims.iter().map(|&d| u128::from(d)).product::<u128>() == data.len() as u128;
            prop_assert_eq!(parse(bytes, 3).is_ok(), fits);
        }
    }
}
