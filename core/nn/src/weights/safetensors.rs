//! Safetensors, by the format's own crate.

use std::borrow::Cow;

use ::safetensors::tensor::{Dtype, SafeTensors, View};
use scant_abi::{Data, Error, ErrorKind, Result, State, Tensor};

use super::Element;

/// The tensors of a safetensors file.
pub fn read_safetensors(bytes: &[u8]) -> Result<State> {
    let file = SafeTensors::deserialize(bytes).map_err(|error| {
        Error::caused_by(ErrorKind::Data, "it is no safetensors file, or a damaged one", &error)
    })?;
    file.iter()
        .map(|(name, view)| {
            let element = match view.dtype() {
                Dtype::F64 => Element::F64,
                Dtype::F32 => Element::F32,
                Dtype::F16 => Element::F16,
                Dtype::BF16 => Element::BF16,
                Dtype::I64 => Element::I64,
                Dtype::I32 => Element::I32,
                Dtype::U8 => Element::U8,
                other => {
                    return Err(Error::data(format!("tensor '{name}' is of {other:?}, which is not read")));
                }
            };
            let tensor = element
                .tensor(view.data(), view.shape())
                .map_err(|error| error.context(format!("tensor '{name}' cannot be read")))?;
            Ok((name.to_owned(), tensor))
        })
        .collect()
}

/// `state` as a safetensors file.
pub fn write_safetensors(state: &State) -> Result<Vec<u8>> {
    let views = state.iter().map(|(name, tensor)| Ok((name, Bytes::of(name, tensor)?)));
    let views = views.collect::<Result<Vec<_>>>()?;
    ::safetensors::serialize(views, None)
        .map_err(|error| Error::caused_by(ErrorKind::Io, "cannot write safetensors", &error))
}

/// A tensor as the format wants it: little-endian bytes.
struct Bytes {
    dtype: Dtype,
    dims: Vec<usize>,
    bytes: Vec<u8>,
}

impl Bytes {
    fn of(name: &str, tensor: &Tensor) -> Result<Self> {
        let (dtype, bytes) = match tensor.view().data() {
            Data::F32(values) => (Dtype::F32, values.iter().flat_map(|v| v.to_le_bytes()).collect()),
            Data::I64(values) => (Dtype::I64, values.iter().flat_map(|v| v.to_le_bytes()).collect()),
            Data::U8(values) => (Dtype::U8, values.to_vec()),
            Data::Device(_) => {
                return Err(Error::shape(format!(
                    "tensor '{name}' must be brought to the CPU to be written"
                )));
            }
        };
        Ok(Self { dtype, dims: tensor.shape().to_vec(), bytes })
    }
}

impl View for Bytes {
    fn dtype(&self) -> Dtype {
        self.dtype
    }

    fn shape(&self) -> &[usize] {
        &self.dims
    }

    fn data(&self) -> Cow<'_, [u8]> {
        Cow::Borrowed(&self.bytes)
    }

    fn data_len(&self) -> usize {
        self.bytes.len()
    }
}
