//! PyTorch's zipped state dicts, as `torch.save(model.state_dict(), ...)` writes them since 1.6.

use std::collections::BTreeMap;
use std::io::{Cursor, Read};

use scant_abi::{Error, ErrorKind, Result, Shape, State, Tensor};
use zip::ZipArchive;

use super::pickle::{self, Described};

type Archive<'a> = ZipArchive<Cursor<&'a [u8]>>;

/// The tensors of a state dict.
pub fn read_pth(bytes: &[u8]) -> Result<State> {
    let mut archive = open(bytes)?;
    let name = find_pickle(&archive).ok_or_else(|| Error::data("it holds no data.pkl"))?;
    let root = name.strip_suffix("data.pkl").unwrap_or_default().to_owned();
    let limit = bytes.len();
    if let Ok(order) = member(&mut archive, &format!("{root}byteorder"), limit)
        && order != b"little"
    {
        return Err(Error::data("its numbers are big-endian; save it again on a little-endian machine"));
    }
    let program = member(&mut archive, &name, limit)?;
    let mut storages: BTreeMap<String, Vec<u8>> = BTreeMap::new();
    let mut state = State::new();
    // Shared storages may describe more numbers than the file holds, but not without bound.
    let mut budget = limit.saturating_mul(16);
    for (name, described) in pickle::tensors(&program)? {
        if !storages.contains_key(&described.storage) {
            let data = member(&mut archive, &format!("{root}data/{}", described.storage), limit)?;
            storages.insert(described.storage.clone(), data);
        }
        let tensor = gather(&described, &storages[&described.storage], &mut budget)
            .map_err(|error| error.context(format!("tensor '{name}' cannot be read")))?;
        state.insert(name, tensor);
    }
    Ok(state)
}

/// The name of the archive's pickle, if it has one.
pub(super) fn pickle_name(bytes: &[u8]) -> Result<Option<String>> {
    Ok(find_pickle(&open(bytes)?))
}

fn open(bytes: &[u8]) -> Result<Archive<'_>> {
    ZipArchive::new(Cursor::new(bytes))
        .map_err(|error| Error::caused_by(ErrorKind::Data, "the zip archive is damaged", &error))
}

fn find_pickle(archive: &Archive<'_>) -> Option<String> {
    let mut names = archive.file_names().filter_map(std::result::Result::ok);
    names.find(|name| name == "data.pkl" || name.ends_with("/data.pkl")).map(Into::into)
}

/// The bytes of one file of the archive. PyTorch does not compress, so none is larger than the archive.
fn member(archive: &mut Archive<'_>, name: &str, limit: usize) -> Result<Vec<u8>> {
    let file = archive
        .by_name(name)
        .map_err(|error| Error::caused_by(ErrorKind::Data, format!("the archive lacks '{name}'"), &error))?;
    if file.size() > limit as u64 {
        return Err(Error::data(format!("'{name}' claims {} bytes, more than the file has", file.size())));
    }
    let mut bytes = Vec::new();
    file.take(limit as u64)
        .read_to_end(&mut bytes)
        .map_err(|error| Error::caused_by(ErrorKind::Data, format!("'{name}' is damaged"), &error))?;
    Ok(bytes)
}

/// The tensor's own numbers, in order, out of a storage that it may share and walk over by strides.
fn gather(described: &Described, storage: &[u8], budget: &mut usize) -> Result<Tensor> {
    let size = described.element.size();
    let count = Shape::new(&described.dims)?.count();
    if count == 0 {
        return described.element.tensor(&[], &described.dims);
    }
    let reach =
        described.dims.iter().zip(&described.strides).try_fold(described.offset, |reach, (dim, stride)| {
            (dim - 1).checked_mul(*stride).and_then(|step| reach.checked_add(step))
        });
    let available = storage.len() / size;
    if reach.is_none_or(|last| last >= available) {
        return Err(Error::data(format!("it reaches beyond its storage of {available} elements")));
    }
    let bytes = count
        .checked_mul(size)
        .filter(|n| n <= budget)
        .ok_or_else(|| Error::data("the tensors claim many times the file's size"))?;
    *budget -= bytes;
    if contiguous(described) {
        let start = described.offset * size;
        return described.element.tensor(&storage[start..start + bytes], &described.dims);
    }
    let mut gathered = Vec::with_capacity(bytes);
    let mut index = vec![0; described.dims.len()];
    for _ in 0..count {
        let place =
            described.offset + index.iter().zip(&described.strides).map(|(i, s)| i * s).sum::<usize>();
        gathered.extend_from_slice(&storage[place * size..(place + 1) * size]);
        for (i, dim) in index.iter_mut().zip(&described.dims).rev() {
            *i += 1;
            if *i < *dim {
                break;
            }
            *i = 0;
        }
    }
    described.element.tensor(&gathered, &described.dims)
}

fn contiguous(described: &Described) -> bool {
    let mut expected = 1;
    described.dims.iter().zip(&described.strides).rev().all(|(dim, stride)| {
        let fits = *dim == 1 || *stride == expected;
        expected *= dim;
        fits
    })
}
