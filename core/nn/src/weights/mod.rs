//! Weights in and out of files: safetensors, PyTorch's zipped state dicts, npz.
//!
//! Files come from anywhere, so nothing in them is believed: sizes are checked against the file's own before memory
//! is asked for, and nothing in a pickle is executed.

mod npz;
mod pickle;
mod pth;
mod safetensors;
mod torchvision;

use std::fs;
use std::path::Path;

use scant_abi::{Error, ErrorKind, Result, State};

pub use npz::{read_npz, write_npz};
pub use pth::read_pth;
pub use safetensors::{read_safetensors, write_safetensors};
pub use torchvision::Naming;

/// The tensors of a file, whatever its format; the content decides, not the name.
pub fn read(path: &Path) -> Result<State> {
    let bytes = fs::read(path).map_err(|error| {
        Error::caused_by(ErrorKind::Io, format!("cannot read '{}'", path.display()), &error)
    })?;
    parse(&bytes).map_err(|error| error.context(format!("cannot take weights from '{}'", path.display())))
}

/// The tensors in the bytes of a file.
pub fn parse(bytes: &[u8]) -> Result<State> {
    if !bytes.starts_with(b"PK\x03\x04") {
        if bytes.starts_with(b"\x80\x02\x8a\x0a") {
            return Err(Error::data(
                "it is in PyTorch's format from before 1.6; load it in PyTorch and save it again with torch.save",
            ));
        }
        return read_safetensors(bytes);
    }
    match pth::pickle_name(bytes)? {
        Some(_) => read_pth(bytes),
        None => read_npz(bytes),
    }
}

/// Writes `state` to `path`, as npz where the name ends so and as safetensors otherwise.
pub fn write(path: &Path, state: &State) -> Result<()> {
    let bytes = match path.extension().is_some_and(|extension| extension == "npz") {
        true => write_npz(state)?,
        false => write_safetensors(state)?,
    };
    fs::write(path, bytes).map_err(|error| {
        Error::caused_by(ErrorKind::Io, format!("cannot write '{}'", path.display()), &error)
    })
}

/// Number formats that files may hold; all floating point becomes `f32`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Element {
    F64,
    F32,
    F16,
    BF16,
    I64,
    I32,
    U8,
}

impl Element {
    pub(crate) fn size(self) -> usize {
        match self {
            Self::F64 | Self::I64 => 8,
            Self::F32 | Self::I32 => 4,
            Self::F16 | Self::BF16 => 2,
            Self::U8 => 1,
        }
    }

    /// The tensor made of these little-endian bytes.
    pub(crate) fn tensor(self, bytes: &[u8], dims: &[usize]) -> Result<scant_abi::Tensor> {
        use scant_abi::Tensor;
        let count = scant_abi::Shape::new(dims)?.count();
        if count.checked_mul(self.size()) != Some(bytes.len()) {
            return Err(Error::data(format!("{} bytes do not fill {dims:?} of {self:?}", bytes.len())));
        }
        match self {
            Self::F64 => Tensor::from_f32(each(bytes, |b| f64::from_le_bytes(b) as f32), dims),
            Self::F32 => Tensor::from_f32(each(bytes, f32::from_le_bytes), dims),
            Self::F16 => Tensor::from_f32(each(bytes, |b| half(u16::from_le_bytes(b))), dims),
            Self::BF16 => Tensor::from_f32(
                each(bytes, |b| f32::from_bits(u32::from(u16::from_le_bytes(b)) << 16)),
                dims,
            ),
            Self::I64 => Tensor::from_i64(each(bytes, i64::from_le_bytes), dims),
            Self::I32 => Tensor::from_i64(each(bytes, |b| i64::from(i32::from_le_bytes(b))), dims),
            Self::U8 => Tensor::from_u8(bytes.to_vec(), dims),
        }
    }
}

fn each<const N: usize, T>(bytes: &[u8], read: impl Fn([u8; N]) -> T) -> Vec<T> {
    bytes.as_chunks::<N>().0.iter().map(|chunk| read(*chunk)).collect()
}

/// The number that these bits mean in IEEE 754's 16-bit format.
fn half(bits: u16) -> f32 {
    let sign = if bits >> 15 == 1 { -1.0 } else { 1.0 };
    let exponent = i32::from(bits >> 10 & 31);
    let fraction = f32::from(bits & 1023) / 1024.0;
    match exponent {
        0 => sign * fraction * 2f32.powi(-14),
        31 if fraction == 0.0 => sign * f32::INFINITY,
        31 => f32::NAN,
        _ => sign * (1.0 + fraction) * 2f32.powi(exponent - 15),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_precision_is_read_exactly() {
        for (bits, value) in [(0x3c00, 1.0), (0xc000, -2.0), (0x3555, 0.333_251_95), (0x0001, 5.960_464_5e-8)]
        {
            assert_eq!(half(bits), value);
        }
        assert_eq!(half(0x7c00), f32::INFINITY);
        assert!(half(0x7e00).is_nan());
    }
}
