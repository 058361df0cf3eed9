//! Named tensors as safetensors bytes, and back.

use std::borrow::Cow;

use safetensors::tensor::{Dtype, SafeTensors, View};
use scant_abi::{Data, Error, ErrorKind, Result, State, Tensor};

struct Bytes<'a> {
    dtype: Dtype,
    dims: Vec<usize>,
    bytes: &'a [u8],
}

impl View for Bytes<'_> {
    fn dtype(&self) -> Dtype {
        self.dtype
    }

    fn shape(&self) -> &[usize] {
        &self.dims
    }

    fn data(&self) -> Cow<'_, [u8]> {
        Cow::Borrowed(self.bytes)
    }

    fn data_len(&self) -> usize {
        self.bytes.len()
    }
}

/// The file with these tensors in it.
pub(crate) fn to_bytes<'a>(tensors: impl Iterator<Item = (String, &'a Tensor)>) -> Result<Vec<u8>> {
    let views = tensors.map(|(name, tensor)| {
        let (dtype, bytes) = match tensor.view().data() {
            Data::F32(values) => (Dtype::F32, bytemuck::cast_slice(values)),
            Data::I64(values) => (Dtype::I64, bytemuck::cast_slice(values)),
            Data::U8(values) => (Dtype::U8, values),
            Data::Device(_) => {
                return Err(Error::new(
                    ErrorKind::Unsupported,
                    format!(
                        "the state '{name}' lies on a device; components hand out their state on the CPU"
                    ),
                ));
            }
        };
        Ok((name, Bytes { dtype, dims: tensor.shape().to_vec(), bytes }))
    });
    let views: Vec<(String, Bytes<'_>)> = views.collect::<Result<_>>()?;
    safetensors::serialize(views, None)
        .map_err(|error| Error::caused_by(ErrorKind::Io, "cannot lay out tensors as a file", &error))
}

/// The tensors in a file.
pub(crate) fn from_bytes(bytes: &[u8]) -> Result<State> {
    let damaged = |error| Error::caused_by(ErrorKind::Data, "not a whole safetensors file", &error);
    let file = SafeTensors::deserialize(bytes).map_err(damaged)?;
    file.iter()
        .map(|(name, view)| {
            let (data, dims) = (view.data(), view.shape());
            let tensor = match view.dtype() {
                Dtype::F32 => Tensor::from_f32(bytemuck::pod_collect_to_vec(data), dims),
                Dtype::I64 => Tensor::from_i64(bytemuck::pod_collect_to_vec(data), dims),
                Dtype::U8 => Tensor::from_u8(data.to_vec(), dims),
                other => Err(Error::data(format!("the tensor '{name}' is of type {other:?}"))),
            }?;
            Ok((name.to_owned(), tensor))
        })
        .collect()
}
