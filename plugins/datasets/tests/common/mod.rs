//! Files in the published formats, as small as they can be.
#![allow(dead_code)] // no test binary uses all of it

use std::fs;
use std::io::Write;
use std::path::Path;

use flate2::Compression;
use flate2::write::GzEncoder;
use image::{Rgb, RgbImage};
use scant_abi::{Component, Dataset, Part, Setup};

/// A setup whose data folder is `folder`.
pub(crate) fn setup(folder: &Path) -> Setup {
    Setup { folders: vec![folder.to_path_buf()], ..Setup::default() }
}

/// The data set, opened, or the message of the error.
pub(crate) fn open<D: Component + Dataset>(folder: &Path, config: D::Config) -> Result<D, String> {
    let mut dataset = D::new(config, &setup(folder)).map_err(|error| error.to_string())?;
    dataset.open().map_err(|error| error.to_string())?;
    Ok(dataset)
}

/// The message with which the data set refuses to open.
pub(crate) fn refusal<D: Component + Dataset>(folder: &Path, config: D::Config) -> String {
    open::<D>(folder, config).err().expect("refused")
}

/// All pixels of a part.
pub(crate) fn pixels(dataset: &dyn Dataset, part: Part) -> Vec<u8> {
    let indices: Vec<usize> = (0..dataset.labels(part).unwrap().len()).collect();
    let mut pixels = vec![0; indices.len() * dataset.info().unwrap().image.iter().product::<usize>()];
    dataset.read(part, &indices, &mut pixels).unwrap();
    pixels
}

/// Writes a file, and the folders above it.
pub(crate) fn write(path: &Path, bytes: &[u8]) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, bytes).unwrap();
}

/// The bytes, gzipped.
pub(crate) fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// An IDX file of unsigned bytes.
pub(crate) fn idx(dims: &[u32], data: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0, 0, 8, dims.len() as u8];
    dims.iter().for_each(|dim| bytes.extend(dim.to_be_bytes()));
    bytes.extend(data);
    bytes
}

/// The four files of MNIST with three and two images; image `i` is filled with `i`, its label is `i`.
pub(crate) fn write_mnist(folder: &Path) {
    for (part, count) in [("train", 3_u8), ("t10k", 2)] {
        let data: Vec<u8> = (0..count).flat_map(|i| [i; 784]).collect();
        let labels: Vec<u8> = (0..count).collect();
        let images = idx(&[count.into(), 28, 28], &data);
        write(&folder.join(format!("{part}-images-idx3-ubyte.gz")), &gzip(&images));
        write(&folder.join(format!("{part}-labels-idx1-ubyte")), &idx(&[count.into()], &labels));
    }
}

/// Records of CIFAR: label bytes, then pixels that all equal the record's number.
pub(crate) fn cifar_records(labels: &[&[u8]]) -> Vec<u8> {
    let record = |(index, labels): (usize, &&[u8])| [labels.to_vec(), vec![index as u8; 3072]].concat();
    labels.iter().enumerate().flat_map(record).collect()
}

/// A gzipped tar archive of these files.
pub(crate) fn tar_gz(files: &[(&str, Vec<u8>)]) -> Vec<u8> {
    let mut builder = tar::Builder::new(Vec::new());
    for (name, bytes) in files {
        let mut header = tar::Header::new_gnu();
        header.set_size(bytes.len() as u64);
        header.set_mode(0o644);
        header.set_cksum();
        builder.append_data(&mut header, name, &bytes[..]).unwrap();
    }
    gzip(&builder.into_inner().unwrap())
}

/// Writes a picture of one colour in the format that its ending names.
pub(crate) fn write_picture(path: &Path, height: u32, width: u32, color: [u8; 3]) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    RgbImage::from_pixel(width, height, Rgb(color)).save(path).unwrap();
}
