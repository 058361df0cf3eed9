//! Tensors as the contract knows them: a buffer somewhere, and a shape.
//!
//! Inside the contract a tensor is always contiguous, last dimension fastest. A foreign producer's strides are
//! resolved where it enters (see the `ffi` module), so that no author has to think of them.

use std::fmt;
use std::ops::Deref;

use crate::ffi::{DeviceSlice, DeviceSliceMut, Foreign};
use crate::{Error, Result};

/// Where a tensor's numbers lie.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Device {
    /// The host's memory.
    #[default]
    Cpu,
    /// The memory of the CUDA device with this ordinal.
    Cuda(u32),
}

impl fmt::Display for Device {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cpu => f.write_str("cpu"),
            Self::Cuda(number) => write!(f, "cuda:{number}"),
        }
    }
}

/// What a tensor's elements are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DType {
    /// 32-bit floating point: everything that is trained or measured.
    F32,
    /// 64-bit integers: labels, counters.
    I64,
    /// Bytes: pictures, opaque state.
    U8,
}

/// The greatest number of dimensions.
pub const MAX_RANK: usize = 6;

/// The extent of each dimension, outermost first.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Shape {
    dims: [usize; MAX_RANK],
    rank: usize,
}

impl Shape {
    /// The shape with these extents; more than [`MAX_RANK`] are an error.
    pub fn new(dims: &[usize]) -> Result<Self> {
        if dims.len() > MAX_RANK {
            return Err(Error::shape(format!("{dims:?} has more than {MAX_RANK} dimensions")));
        }
        dims.iter()
            .try_fold(1usize, |n, d| n.checked_mul(*d))
            .ok_or_else(|| Error::shape(format!("{dims:?} has more elements than memory can hold")))?;
        let mut shape = Self { dims: [0; MAX_RANK], rank: dims.len() };
        shape.dims[..dims.len()].copy_from_slice(dims);
        Ok(shape)
    }

    /// The number of elements.
    pub fn count(&self) -> usize {
        self.iter().product()
    }

    /// The extent of the outermost dimension: the rows of a batch.
    pub fn rows(&self) -> usize {
        self.first().copied().unwrap_or(1)
    }

    /// The number of elements of one row.
    pub fn row_len(&self) -> usize {
        self.iter().skip(1).product()
    }

    fn with_rows(mut self, rows: usize) -> Self {
        self.dims[0] = rows;
        self
    }
}

impl Deref for Shape {
    type Target = [usize];
    fn deref(&self) -> &[usize] {
        &self.dims[..self.rank]
    }
}

impl fmt::Debug for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", &**self)
    }
}

/// An owned tensor.
#[derive(Debug)]
pub struct Tensor {
    storage: Storage,
    shape: Shape,
}

#[derive(Debug)]
pub(crate) enum Storage {
    F32(Vec<f32>),
    I64(Vec<i64>),
    U8(Vec<u8>),
    Foreign(Foreign),
}

impl Storage {
    fn len(&self) -> usize {
        match self {
            Self::F32(v) => v.len(),
            Self::I64(v) => v.len(),
            Self::U8(v) => v.len(),
            Self::Foreign(f) => f.len(),
        }
    }
}

impl Tensor {
    pub(crate) fn from_storage(storage: Storage, dims: &[usize]) -> Result<Self> {
        let shape = Shape::new(dims)?;
        if shape.count() != storage.len() {
            return Err(Error::shape(format!(
                "{} elements do not fill a tensor of {shape:?}",
                storage.len()
            )));
        }
        Ok(Self { storage, shape })
    }

    /// A tensor that takes over `values`.
    pub fn from_f32(values: Vec<f32>, dims: &[usize]) -> Result<Self> {
        Self::from_storage(Storage::F32(values), dims)
    }

    /// A tensor that takes over `values`.
    pub fn from_i64(values: Vec<i64>, dims: &[usize]) -> Result<Self> {
        Self::from_storage(Storage::I64(values), dims)
    }

    /// A tensor that takes over `values`.
    pub fn from_u8(values: Vec<u8>, dims: &[usize]) -> Result<Self> {
        Self::from_storage(Storage::U8(values), dims)
    }

    /// A tensor over a buffer that another library or a device owns.
    pub fn from_foreign(buffer: Foreign, dims: &[usize]) -> Result<Self> {
        Self::from_storage(Storage::Foreign(buffer), dims)
    }

    /// A single number.
    pub fn scalar(value: f32) -> Self {
        Self { storage: Storage::F32(vec![value]), shape: Shape::default() }
    }

    pub(crate) fn is_foreign(&self) -> bool {
        matches!(self.storage, Storage::Foreign(_))
    }

    pub(crate) fn into_parts(self) -> (Storage, Shape) {
        (self.storage, self.shape)
    }

    /// The extents.
    pub fn shape(&self) -> Shape {
        self.shape
    }

    /// Where it lies.
    pub fn device(&self) -> Device {
        self.view().device()
    }

    /// A borrowed view of the whole.
    pub fn view(&self) -> TensorView<'_> {
        let data = match &self.storage {
            Storage::F32(v) => Data::F32(v),
            Storage::I64(v) => Data::I64(v),
            Storage::U8(v) => Data::U8(v),
            Storage::Foreign(f) => f.data(),
        };
        TensorView { data, shape: self.shape }
    }

    /// The numbers, if they are `f32` on the CPU.
    pub fn f32(&self) -> Result<&[f32]> {
        self.view().f32()
    }

    /// The numbers, if they are `i64` on the CPU.
    pub fn i64(&self) -> Result<&[i64]> {
        self.view().i64()
    }

    /// The bytes, if they are on the CPU.
    pub fn u8(&self) -> Result<&[u8]> {
        self.view().u8()
    }

    /// The numbers as a vector: without a copy where this library made them.
    pub fn into_f32(self) -> Result<Vec<f32>> {
        match self.storage {
            Storage::F32(values) => Ok(values),
            Storage::Foreign(buffer) => buffer.into_f32(),
            _ => self.f32().map(<[f32]>::to_vec),
        }
    }

    /// The same numbers under other extents.
    pub fn reshape(self, dims: &[usize]) -> Result<Self> {
        Self::from_storage(self.storage, dims)
    }
}

/// The borrowed numbers of a tensor.
#[derive(Clone, Copy, Debug)]
pub enum Data<'a> {
    /// `f32` on the CPU.
    F32(&'a [f32]),
    /// `i64` on the CPU.
    I64(&'a [i64]),
    /// Bytes on the CPU.
    U8(&'a [u8]),
    /// Memory of a device.
    Device(DeviceSlice<'a>),
}

/// A borrowed tensor.
#[derive(Clone, Copy, Debug)]
pub struct TensorView<'a> {
    data: Data<'a>,
    shape: Shape,
}

impl<'a> TensorView<'a> {
    /// A view of `data` under these extents.
    pub fn new(data: Data<'a>, dims: &[usize]) -> Result<Self> {
        let shape = Shape::new(dims)?;
        let len = match data {
            Data::F32(v) => v.len(),
            Data::I64(v) => v.len(),
            Data::U8(v) => v.len(),
            Data::Device(v) => v.len(),
        };
        if len != shape.count() {
            return Err(Error::shape(format!("{len} elements do not fill a view of {shape:?}")));
        }
        Ok(Self { data, shape })
    }

    /// A view of CPU numbers.
    pub fn of_f32(values: &'a [f32], dims: &[usize]) -> Result<Self> {
        Self::new(Data::F32(values), dims)
    }

    /// The extents.
    pub fn shape(&self) -> Shape {
        self.shape
    }

    /// The numbers, wherever they lie.
    pub fn data(&self) -> Data<'a> {
        self.data
    }

    /// Where it lies.
    pub fn device(&self) -> Device {
        match self.data {
            Data::Device(slice) => slice.device(),
            _ => Device::Cpu,
        }
    }

    /// What the elements are.
    pub fn dtype(&self) -> DType {
        match self.data {
            Data::F32(_) => DType::F32,
            Data::I64(_) => DType::I64,
            Data::U8(_) => DType::U8,
            Data::Device(slice) => slice.dtype(),
        }
    }

    /// The numbers, if they are `f32` on the CPU.
    pub fn f32(&self) -> Result<&'a [f32]> {
        match self.data {
            Data::F32(values) => Ok(values),
            _ => Err(self.is_not("f32")),
        }
    }

    /// The numbers, if they are `i64` on the CPU.
    pub fn i64(&self) -> Result<&'a [i64]> {
        match self.data {
            Data::I64(values) => Ok(values),
            _ => Err(self.is_not("i64")),
        }
    }

    /// The bytes, if they are on the CPU.
    pub fn u8(&self) -> Result<&'a [u8]> {
        match self.data {
            Data::U8(values) => Ok(values),
            _ => Err(self.is_not("u8")),
        }
    }

    /// Rows `rows` of the outermost dimension.
    pub fn rows(&self, rows: std::ops::Range<usize>) -> Result<Self> {
        if rows.start > rows.end || rows.end > self.shape.rows() || self.shape.is_empty() {
            return Err(Error::shape(format!("there are no rows {rows:?} in a tensor of {:?}", self.shape)));
        }
        let len = self.shape.row_len();
        let range = rows.start * len..rows.end * len;
        let data = match self.data {
            Data::F32(v) => Data::F32(&v[range]),
            Data::I64(v) => Data::I64(&v[range]),
            Data::U8(v) => Data::U8(&v[range]),
            Data::Device(v) => Data::Device(v.slice(range)),
        };
        Ok(Self { data, shape: self.shape.with_rows(rows.len()) })
    }

    /// A copy that owns its numbers; device memory is copied by the component that owns the device, not here.
    pub fn to_tensor(&self) -> Result<Tensor> {
        let storage = match self.data {
            Data::F32(v) => Storage::F32(v.to_vec()),
            Data::I64(v) => Storage::I64(v.to_vec()),
            Data::U8(v) => Storage::U8(v.to_vec()),
            Data::Device(_) => return Err(self.is_not("CPU")),
        };
        Ok(Tensor { storage, shape: self.shape })
    }

    fn is_not(&self, wanted: &str) -> Error {
        Error::shape(format!(
            "a {wanted} tensor is needed here, not {:?} of {:?} on {:?}",
            self.dtype(),
            self.shape,
            self.device()
        ))
    }
}

/// A flat `f32` buffer that may be changed in place: all parameters of a model, or all their gradients.
#[derive(Debug)]
pub enum FlatMut<'a> {
    /// On the CPU.
    Cpu(&'a mut [f32]),
    /// On a device.
    Device(DeviceSliceMut<'a>),
}

impl<'a> FlatMut<'a> {
    /// The number of elements.
    pub fn len(&self) -> usize {
        match self {
            Self::Cpu(values) => values.len(),
            Self::Device(slice) => slice.len(),
        }
    }

    /// Whether there is nothing in it.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The numbers, if they are on the CPU.
    pub fn cpu(self) -> Result<&'a mut [f32]> {
        match self {
            Self::Cpu(values) => Ok(values),
            Self::Device(slice) => {
                Err(Error::shape(format!("parameters are needed on the CPU, not on {:?}", slice.device())))
            }
        }
    }
}
