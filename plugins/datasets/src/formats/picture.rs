//! Pictures: PNG, JPEG, WebP and BMP.

use std::io::Cursor;

use image::{ImageReader, Limits};
use scant_abi::{Error, Result};

/// No picture may have a longer side.
pub const LONGEST_SIDE: u32 = 16_384;

/// No picture may take more memory than this while it is decoded.
pub const MEMORY_LIMIT: u64 = 1 << 29;

/// Endings of the files that are taken for pictures.
pub const ENDINGS: [&str; 5] = ["png", "jpg", "jpeg", "webp", "bmp"];

/// A picture as 8-bit planes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Picture {
    /// Channels, rows, columns.
    pub dims: [usize; 3],
    /// One plane after another.
    pub pixels: Vec<u8>,
}

/// The picture in `bytes`, in three channels, or as luminance in one; transparency is dropped.
pub fn decode(bytes: &[u8], gray: bool) -> Result<Picture> {
    // The decoder's own words name their cause already, and may run over several lines.
    let failed = |what: &str, error: image::ImageError| {
        let why = error.to_string().split_whitespace().collect::<Vec<_>>().join(" ");
        Error::data(format!("{what}: {why}"))
    };
    if bytes.is_empty() {
        return Err(Error::data("it has 0 bytes"));
    }
    let format = image::guess_format(bytes)
        .map_err(|error| failed("byte 0: it does not start like a PNG, JPEG, WebP or BMP", error))?;
    let mut reader = ImageReader::with_format(Cursor::new(bytes), format);
    let mut limits = Limits::default();
    limits.max_image_width = Some(LONGEST_SIDE);
    limits.max_image_height = Some(LONGEST_SIDE);
    limits.max_alloc = Some(MEMORY_LIMIT);
    reader.limits(limits);
    let picture = reader.decode().map_err(|error| failed("it cannot be decoded", error))?;
    let (height, width) = (picture.height() as usize, picture.width() as usize);
    let area = height * width;
    if area == 0 {
        return Err(Error::data(format!("it is {height}x{width}: no pixels")));
    }
    if gray && !picture.color().has_color() {
        return Ok(Picture { dims: [1, height, width], pixels: picture.into_luma8().into_raw() });
    }
    let interleaved = picture.into_rgb8().into_raw();
    let (triples, _) = interleaved.as_chunks::<3>();
    let pixels = if gray {
        triples.iter().map(|&triple| luminance(triple)).collect()
    } else {
        (0..3).flat_map(|channel| triples.iter().map(move |triple| triple[channel])).collect()
    };
    Ok(Picture { dims: [if gray { 1 } else { 3 }, height, width], pixels })
}

/// ITU-R 601, in whole numbers.
fn luminance([red, green, blue]: [u8; 3]) -> u8 {
    let sum = 19_595 * u32::from(red) + 38_470 * u32::from(green) + 7_471 * u32::from(blue);
    ((sum + 0x8000) >> 16) as u8
}

#[cfg(test)]
mod tests {
    use image::{DynamicImage, ImageFormat, Rgb, RgbImage};
    use proptest::prelude::*;

    use super::*;

    fn sample(format: ImageFormat) -> Vec<u8> {
        let mut picture = RgbImage::new(3, 2);
        picture.put_pixel(2, 1, Rgb([250, 100, 50]));
        let mut bytes = Cursor::new(Vec::new());
        DynamicImage::ImageRgb8(picture).write_to(&mut bytes, format).unwrap();
        bytes.into_inner()
    }

    const EXACT: [ImageFormat; 3] = [ImageFormat::Png, ImageFormat::Bmp, ImageFormat::WebP];

    #[test]
    fn every_format_gives_planes() {
        for format in EXACT {
            let picture = decode(&sample(format), false).unwrap();
            assert_eq!(picture.dims, [3, 2, 3]);
            assert_eq!(picture.pixels[5], 250);
            assert_eq!(picture.pixels[11], 100);
            assert_eq!(picture.pixels[17], 50);
            let gray = decode(&sample(format), true).unwrap();
            assert_eq!((gray.dims, gray.pixels[5]), ([1, 2, 3], 139));
        }
        assert_eq!(decode(&sample(ImageFormat::Jpeg), false).unwrap().dims, [3, 2, 3]);
    }

    #[test]
    fn every_truncation_is_an_error_or_a_whole_picture() {
        for format in EXACT.into_iter().chain([ImageFormat::Jpeg]) {
            let bytes = sample(format);
            for length in 0..bytes.len() {
                if let Ok(picture) = decode(&bytes[..length], false) {
                    assert_eq!(picture.pixels.len(), 18, "{format:?} cut to {length}");
                }
            }
            assert!(decode(&bytes[..bytes.len() / 2], false).is_err(), "{format:?}");
        }
        assert_eq!(decode(&[], false).unwrap_err().to_string(), "it has 0 bytes");
    }

    #[test]
    fn a_picture_of_absurd_size_is_refused_before_it_is_decoded() {
        let mut bytes = sample(ImageFormat::Bmp);
        bytes[18..22].copy_from_slice(&100_000_u32.to_le_bytes());
        bytes[22..26].copy_from_slice(&100_000_u32.to_le_bytes());
        assert!(decode(&bytes, false).is_err());
    }

    proptest! {
        #[test]
        fn changed_bytes_never_panic(changes: Vec<(u16, u8)>, format in 0_usize..4, gray: bool) {
            let format = [EXACT[0], EXACT[1], EXACT[2], ImageFormat::Jpeg][format];
            let mut bytes = sample(format);
            let length = bytes.len();
            for (at, value) in changes {
                bytes[usize::from(at) % length] = value;
            }
            if let Ok(picture) = decode(&bytes, gray) {
                prop_assert_eq!(picture.dims.iter().product::<usize>(), picture.pixels.len());
            }
        }

        #[test]
        fn arbitrary_bytes_never_panic(bytes: Vec<u8>) {
            let _ = decode(&bytes, false);
        }
    }
}
