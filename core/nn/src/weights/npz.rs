//! NumPy's npz: a zip archive of arrays.

use std::io::{Cursor, Read, Write};

use scant_abi::{Data, Error, ErrorKind, Result, State, Tensor};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipArchive, ZipWriter};

use super::Element;

const MAGIC: &[u8] = b"\x93NUMPY";

/// The greatest header that is believed; NumPy's own take about 120 bytes.
const HEADER_LIMIT: usize = 1 << 16;

/// The tensors of an npz file.
pub fn read_npz(bytes: &[u8]) -> Result<State> {
    let mut archive = ZipArchive::new(Cursor::new(bytes)).map_err(damaged)?;
    let mut state = State::new();
    for index in 0..archive.len() {
        let file = archive.by_index(index).map_err(damaged)?;
        let name = file.name().map_err(damaged)?;
        let name = name.strip_suffix(".npy").unwrap_or(&name).to_owned();
        let tensor =
            read_npy(file).map_err(|error| error.context(format!("array '{name}' cannot be read")))?;
        state.insert(name, tensor);
    }
    Ok(state)
}

/// `state` as an npz file.
pub fn write_npz(state: &State) -> Result<Vec<u8>> {
    let mut archive = ZipWriter::new(Cursor::new(Vec::new()));
    let options = SimpleFileOptions::default().compression_method(CompressionMethod::Stored);
    let failed = |error: &(dyn std::error::Error + 'static)| {
        Error::caused_by(ErrorKind::Io, "cannot write npz", error)
    };
    for (name, tensor) in state {
        archive.start_file(format!("{name}.npy"), options).map_err(|e| failed(&e))?;
        archive.write_all(&npy(tensor)?).map_err(|e| failed(&e))?;
    }
    archive.finish().map(Cursor::into_inner).map_err(|e| failed(&e))
}

fn damaged(error: zip::result::ZipError) -> Error {
    Error::caused_by(ErrorKind::Data, "the zip archive is damaged", &error)
}

fn read_npy(mut file: impl Read) -> Result<Tensor> {
    let mut start = [0; 8];
    fill(&mut file, &mut start)?;
    if !start.starts_with(MAGIC) {
        return Err(Error::data("it is no NumPy array"));
    }
    let len = if start[6] == 1 {
        let mut len = [0; 2];
        fill(&mut file, &mut len)?;
        usize::from(u16::from_le_bytes(len))
    } else {
        let mut len = [0; 4];
        fill(&mut file, &mut len)?;
        u32::from_le_bytes(len) as usize
    };
    if len > HEADER_LIMIT {
        return Err(Error::data(format!("its header claims {len} bytes")));
    }
    let mut header = vec![0; len];
    fill(&mut file, &mut header)?;
    let header = String::from_utf8(header).map_err(|_| Error::data("its header is no text"))?;
    let element = match quoted(&header, "'descr':") {
        Some("<f8") => Element::F64,
        Some("<f4") => Element::F32,
        Some("<f2") => Element::F16,
        Some("<i8") => Element::I64,
        Some("<i4") => Element::I32,
        Some("|u1") => Element::U8,
        other => return Err(Error::data(format!("its elements are {other:?}, which are not read"))),
    };
    if after(&header, "'fortran_order':").is_none_or(|rest| !rest.starts_with("False")) {
        return Err(Error::data("it is not in C order; write numpy.ascontiguousarray of it"));
    }
    let dims = dims(&header)?;
    let count = scant_abi::Shape::new(&dims)?.count();
    let size = count.checked_mul(element.size()).ok_or_else(|| Error::data("it is larger than memory"))?;
    // Memory grows with what is really there, not with what the header claims.
    let mut bytes = Vec::new();
    file.take(size as u64 + 1)
        .read_to_end(&mut bytes)
        .map_err(|error| Error::caused_by(ErrorKind::Data, "the archive is damaged", &error))?;
    element.tensor(&bytes, &dims)
}

fn fill(file: &mut impl Read, bytes: &mut [u8]) -> Result<()> {
    file.read_exact(bytes).map_err(|error| Error::caused_by(ErrorKind::Data, "it is cut off", &error))
}

fn after<'a>(header: &'a str, key: &str) -> Option<&'a str> {
    header.split_once(key).map(|(_, rest)| rest.trim_start())
}

fn quoted<'a>(header: &'a str, key: &str) -> Option<&'a str> {
    after(header, key)?.strip_prefix('\'')?.split_once('\'').map(|(text, _)| text)
}

fn dims(header: &str) -> Result<Vec<usize>> {
    let list = after(header, "'shape':")
        .and_then(|rest| rest.strip_prefix('('))
        .and_then(|rest| rest.split_once(')'))
        .map(|(list, _)| list)
        .ok_or_else(|| Error::data("its header has no shape"))?;
    list.split(',')
        .map(str::trim)
        .filter(|item| !item.is_empty())
        .map(|item| item.parse().map_err(|_| Error::data(format!("its shape has the extent '{item}'"))))
        .collect()
}

fn npy(tensor: &Tensor) -> Result<Vec<u8>> {
    let (descr, data): (&str, Vec<u8>) = match tensor.view().data() {
        Data::F32(values) => ("<f4", values.iter().flat_map(|v| v.to_le_bytes()).collect()),
        Data::I64(values) => ("<i8", values.iter().flat_map(|v| v.to_le_bytes()).collect()),
        Data::U8(values) => ("|u1", values.to_vec()),
        Data::Device(_) => return Err(Error::shape("a tensor must be brought to the CPU to be written")),
    };
    let dims: String = tensor.shape().iter().map(|d| format!("{d}, ")).collect();
    let mut header = format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': ({dims}), }}");
    // NumPy wants the data to start at a multiple of 64 bytes, after a line break.
    let padding = (64 - (MAGIC.len() + 4 + header.len() + 1) % 64) % 64;
    header.extend(std::iter::repeat_n(' ', padding));
    header.push('\n');
    let mut bytes = MAGIC.to_vec();
    bytes.extend([1, 0]);
    bytes.extend((header.len() as u16).to_le_bytes());
    bytes.extend(header.as_bytes());
    bytes.extend(data);
    Ok(bytes)
}
