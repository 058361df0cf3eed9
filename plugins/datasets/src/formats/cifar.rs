//! The binary version of CIFAR-10 and CIFAR-100: records of one or two label bytes and 3x32x32 pixels.

use scant_abi::{Error, Result};

/// Pixels in a record: three planes of 32 rows of 32.
pub const PIXELS: usize = 3 * 32 * 32;

/// Where the label stands in a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Layout {
    /// The number of label bytes before the pixels: 1 in CIFAR-10, 2 in CIFAR-100.
    pub label_bytes: usize,
    /// Which of them is the label.
    pub label_at: usize,
    /// The number of classes; a label is smaller.
    pub classes: usize,
}

impl Layout {
    /// CIFAR-10.
    pub const TEN: Self = Self { label_bytes: 1, label_at: 0, classes: 10 };
    /// CIFAR-100 with its 100 classes.
    pub const FINE: Self = Self { label_bytes: 2, label_at: 1, classes: 100 };
    /// CIFAR-100 with its 20 groups of classes.
    pub const COARSE: Self = Self { label_bytes: 2, label_at: 0, classes: 20 };
}

/// Appends the images and labels of a file to `pixels` and `labels`.
pub fn parse(bytes: &[u8], layout: Layout, pixels: &mut Vec<u8>, labels: &mut Vec<i64>) -> Result<()> {
    let record = layout.label_bytes + PIXELS;
    let (count, rest) = (bytes.len() / record, bytes.len() % record);
    if bytes.is_empty() || rest != 0 {
        return Err(Error::data(format!(
            "byte {}: {count} whole records of {record} bytes, then {rest} bytes of another",
            count * record
        )));
    }
    pixels.reserve_exact(count * PIXELS);
    labels.reserve_exact(count);
    for (index, bytes) in bytes.chunks_exact(record).enumerate() {
        let (head, planes) = bytes.split_at(layout.label_bytes);
        let label = head[layout.label_at];
        if usize::from(label) >= layout.classes {
            return Err(Error::data(format!(
                "byte {}: record {index} has label {label}; there are {} classes, counted from 0",
                index * record + layout.label_at,
                layout.classes
            )));
        }
        labels.push(i64::from(label));
        pixels.extend_from_slice(planes);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(bytes: &[u8], layout: Layout) -> Result<(Vec<u8>, Vec<i64>)> {
        let (mut pixels, mut labels) = (Vec::new(), Vec::new());
        parse(bytes, layout, &mut pixels, &mut labels)?;
        Ok((pixels, labels))
    }

    #[test]
    fn fine_and_coarse_labels_stand_in_front_of_the_pixels() {
        let mut record = vec![3, 42];
        record.extend((0..PIXELS).map(|i| (i % 256) as u8));
        let bytes = record.repeat(2);
        let (pixels, labels) = read(&bytes, Layout::FINE).unwrap();
        assert_eq!(labels, [42, 42]);
        assert_eq!(pixels[PIXELS..], record[2..]);
        assert_eq!(read(&bytes, Layout::COARSE).unwrap().1, [3, 3]);
    }

    #[test]
    fn a_cut_file_and_a_label_out_of_range_are_errors_with_an_offset() {
        let mut bytes = vec![0; 2 * (1 + PIXELS)];
        for length in 0..bytes.len() {
            assert_eq!(read(&bytes[..length], Layout::TEN).is_ok(), length == 1 + PIXELS, "{length}");
        }
        bytes[1 + PIXELS] = 10;
        let error = read(&bytes, Layout::TEN).unwrap_err().to_string();
        assert!(error.contains("byte 3073: record 1 has label 10"), "{error}");
    }

    proptest! {
        #[test]
        fn arbitrary_bytes_never_panic(head: [u8; 4], length in 0_usize..7000, coarse: bool) {
            let mut bytes = vec![head[0]; length];
            bytes.iter_mut().zip(head).for_each(|(byte, value)| *byte = value);
            let layout = if coarse { Layout::COARSE } else { Layout::FINE };
            if let Ok((pixels, labels)) = read(&bytes, layout) {
                prop_assert_eq!(labels.len() * PIXELS, pixels.len());
            }
        }
    }
}
