//! Tensors on their way between libraries: address, device, type, shape, strides, owner, release, as in DLPack.

use std::ffi::c_void;
use std::marker::PhantomData;
use std::mem::ManuallyDrop;

use abi_stable::StableAbi;

use super::buffer::{DeviceSliceMut, Foreign, Release};
use crate::tensor::{Data, Storage};
use crate::{DType, Device, Error, ErrorKind, FlatMut, MAX_RANK, Result, Shape, Tensor, TensorView};

#[repr(u8)]
#[derive(StableAbi, Clone, Copy, PartialEq)]
enum AbiDeviceKind {
    Cpu,
    Cuda,
}

#[repr(C)]
#[derive(StableAbi, Clone, Copy)]
struct AbiDevice {
    kind: AbiDeviceKind,
    ordinal: u32,
}

impl From<Device> for AbiDevice {
    fn from(device: Device) -> Self {
        match device {
            Device::Cpu => Self { kind: AbiDeviceKind::Cpu, ordinal: 0 },
            Device::Cuda(ordinal) => Self { kind: AbiDeviceKind::Cuda, ordinal },
        }
    }
}

impl From<AbiDevice> for Device {
    fn from(device: AbiDevice) -> Self {
        match device.kind {
            AbiDeviceKind::Cpu => Self::Cpu,
            AbiDeviceKind::Cuda => Self::Cuda(device.ordinal),
        }
    }
}

#[repr(u8)]
#[derive(StableAbi, Clone, Copy)]
enum AbiDType {
    F32,
    I64,
    U8,
}

/// A borrowed tensor.
#[repr(C)]
#[derive(StableAbi, Clone, Copy)]
pub(super) struct AbiView<'a> {
    data: *const c_void,
    device: AbiDevice,
    dtype: AbiDType,
    rank: u32,
    shape: [usize; MAX_RANK],
    /// In elements, not bytes.
    strides: [isize; MAX_RANK],
    lifetime: PhantomData<&'a u8>,
}

/// An owned tensor; dropping it gives the buffer back to its owner.
#[repr(C)]
#[derive(StableAbi)]
pub(super) struct AbiTensor {
    view: AbiView<'static>,
    owner: *mut c_void,
    release: unsafe extern "C" fn(owner: *mut c_void),
}

impl<'a> AbiView<'a> {
    pub(super) fn of(view: TensorView<'a>) -> Self {
        let (data, dtype) = match view.data() {
            Data::F32(values) => (values.as_ptr().cast(), AbiDType::F32),
            Data::I64(values) => (values.as_ptr().cast(), AbiDType::I64),
            Data::U8(values) => (values.as_ptr().cast(), AbiDType::U8),
            Data::Device(slice) => (slice.address(), abi_dtype(slice.dtype())),
        };
        // SAFETY: address, device and type are those of the view, whose numbers live for 'a.
        unsafe { Self::from_raw(data, view.device(), dtype, view.shape()) }
    }

    /// # Safety
    ///
    /// `data` must point to `shape.count()` elements that live for `'a`.
    unsafe fn from_raw(data: *const c_void, device: Device, dtype: AbiDType, shape: Shape) -> Self {
        let mut view = Self {
            data,
            device: device.into(),
            dtype,
            rank: shape.len() as u32,
            shape: [0; MAX_RANK],
            strides: [0; MAX_RANK],
            lifetime: PhantomData,
        };
        view.shape[..shape.len()].copy_from_slice(&shape);
        view.strides[..shape.len()].copy_from_slice(&contiguous(&shape)[..shape.len()]);
        view
    }

    /// The same numbers as a tensor, without a copy unless they must be packed.
    ///
    /// # Safety
    ///
    /// The tensor must be gone when `'a` ends; the caller lends it out by reference only.
    pub(super) unsafe fn lend(&self) -> Result<Tensor> {
        // SAFETY: whoever made the view promised live numbers for 'a, and the caller that the tensor ends before.
        unsafe { self.enter(std::ptr::null_mut(), keep) }
    }

    /// # Safety
    ///
    /// As [`Foreign::new`] for the numbers described here; on error, or if they had to be packed, `owner` has
    /// not been released.
    unsafe fn enter(&self, owner: *mut c_void, release: Release) -> Result<Tensor> {
        let dims = self
            .shape
            .get(..self.rank as usize)
            .ok_or_else(|| Error::shape(format!("a tensor of {} dimensions came in", self.rank)))?;
        let shape = Shape::new(dims)?;
        let device = self.device.into();
        let is_contiguous = shape.count() == 0
            || (0..dims.len()).all(|i| dims[i] == 1 || self.strides[i] == contiguous(dims)[i]);
        if is_contiguous {
            // SAFETY: promised by the caller.
            let buffer =
                unsafe { Foreign::new(self.data, shape.count(), dtype(self.dtype), device, owner, release) };
            return Tensor::from_foreign(buffer, dims);
        }
        if device != Device::Cpu {
            return Err(Error::new(
                ErrorKind::Unsupported,
                format!("a tensor of {shape:?} on {device:?} has gaps: only its owner can pack it"),
            ));
        }
        // SAFETY: promised by the caller; on the CPU the numbers can be read.
        unsafe {
            match self.dtype {
                AbiDType::F32 => Tensor::from_f32(self.pack(dims), dims),
                AbiDType::I64 => Tensor::from_i64(self.pack(dims), dims),
                AbiDType::U8 => Tensor::from_u8(self.pack(dims), dims),
            }
        }
    }

    /// # Safety
    ///
    /// Shape and strides must lead to live elements of type `T` on the CPU only.
    unsafe fn pack<T: Copy>(&self, dims: &[usize]) -> Vec<T> {
        let data: *const T = self.data.cast();
        let mut place = [0usize; MAX_RANK];
        let count: usize = dims.iter().product();
        let mut packed = Vec::with_capacity(count);
        for _ in 0..count {
            let offset: isize = place.iter().zip(self.strides).map(|(i, stride)| *i as isize * stride).sum();
            // SAFETY: promised by the caller.
            packed.push(unsafe { *data.offset(offset) });
            for i in (0..dims.len()).rev() {
                place[i] += 1;
                if place[i] < dims[i] {
                    break;
                }
                place[i] = 0;
            }
        }
        packed
    }
}

impl AbiTensor {
    pub(super) fn give(tensor: Tensor) -> Self {
        let (storage, shape) = tensor.into_parts();
        let (data, dtype, device, owner, release): (_, _, _, _, Release) = match storage {
            Storage::Foreign(buffer) => {
                let buffer = ManuallyDrop::new(buffer);
                (buffer.data, abi_dtype(buffer.dtype), buffer.device, buffer.owner, buffer.release)
            }
            own => {
                let (data, dtype) = match &own {
                    Storage::I64(values) => (values.as_ptr().cast(), AbiDType::I64),
                    Storage::U8(values) => (values.as_ptr().cast(), AbiDType::U8),
                    Storage::F32(values) => (values.as_ptr().cast(), AbiDType::F32),
                    Storage::Foreign(_) => unreachable!("taken by the arm above"),
                };
                (data, dtype, Device::Cpu, Box::into_raw(Box::new(own)).cast(), release_own)
            }
        };
        // SAFETY: the numbers live until `release`; the view stays inside `self`.
        let view = unsafe { AbiView::from_raw(data, device, dtype, shape) };
        Self { view, owner, release }
    }

    pub(super) fn take(self) -> Result<Tensor> {
        if std::ptr::fn_addr_eq(self.release, release_own as Release) {
            let this = ManuallyDrop::new(self);
            // SAFETY: the function's address is this library's, so `owner` is a box that `give` made here.
            let storage = *unsafe { Box::from_raw(this.owner.cast::<Storage>()) };
            return Tensor::from_storage(storage, &this.view.shape[..this.view.rank as usize]);
        }
        // SAFETY: the maker of an `AbiTensor` promised it; ownership passes on where the buffer was not packed.
        let tensor = unsafe { self.view.enter(self.owner, self.release) }?;
        if tensor.is_foreign() {
            std::mem::forget(self);
        }
        Ok(tensor)
    }
}

impl Drop for AbiTensor {
    fn drop(&mut self) {
        // SAFETY: `take` forgets what it takes over, so this is the one call that is allowed.
        unsafe { (self.release)(self.owner) }
    }
}

unsafe extern "C" fn release_own(owner: *mut c_void) {
    // SAFETY: only `give` pairs this function with an owner: the box it made.
    drop(unsafe { Box::from_raw(owner.cast::<Storage>()) });
}

unsafe extern "C" fn keep(_: *mut c_void) {}

/// A flat buffer of `f32` that is lent for change.
#[repr(C)]
#[derive(StableAbi)]
pub(super) struct AbiFlat<'a> {
    data: *mut c_void,
    len: usize,
    device: AbiDevice,
    lifetime: PhantomData<&'a mut u8>,
}

impl<'a> AbiFlat<'a> {
    pub(super) fn of(flat: FlatMut<'a>) -> Self {
        let (data, len, device) = match flat {
            FlatMut::Cpu(values) => (values.as_mut_ptr().cast(), values.len(), Device::Cpu),
            FlatMut::Device(slice) => (slice.address(), slice.len(), slice.device()),
        };
        Self { data, len, device: device.into(), lifetime: PhantomData }
    }

    pub(super) fn enter(self) -> FlatMut<'a> {
        match self.device.into() {
            Device::Cpu => {
                // SAFETY: `of` was given exclusive access to `len` numbers for 'a, and `self` is not `Clone`. An empty
                // slice's address comes from a slice too, so it is aligned.
                FlatMut::Cpu(unsafe { std::slice::from_raw_parts_mut(self.data.cast(), self.len) })
            }
            // SAFETY: as above, on the device.
            device => FlatMut::Device(unsafe { DeviceSliceMut::new(self.data, self.len, device) }),
        }
    }
}

fn contiguous(dims: &[usize]) -> [isize; MAX_RANK] {
    let mut strides = [0; MAX_RANK];
    let mut stride = 1isize;
    for i in (0..dims.len()).rev() {
        strides[i] = stride;
        stride = stride.saturating_mul(dims[i] as isize);
    }
    strides
}

fn dtype(dtype: AbiDType) -> DType {
    match dtype {
        AbiDType::F32 => DType::F32,
        AbiDType::I64 => DType::I64,
        AbiDType::U8 => DType::U8,
    }
}

fn abi_dtype(dtype: DType) -> AbiDType {
    match dtype {
        DType::F32 => AbiDType::F32,
        DType::I64 => AbiDType::I64,
        DType::U8 => AbiDType::U8,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_vector_of_this_library_comes_back_without_a_copy() {
        let values = vec![1.0f32, 2.0, 3.0];
        let address = values.as_ptr();
        let tensor = Tensor::from_f32(values, &[3, 1]).expect("a tensor");
        let back = AbiTensor::give(tensor).take().expect("taken").into_f32().expect("f32");
        assert_eq!((back.as_ptr(), back.as_slice()), (address, [1.0, 2.0, 3.0].as_slice()));
    }

    #[test]
    fn a_foreign_buffer_is_released_once_and_not_copied() {
        unsafe extern "C" fn count(owner: *mut c_void) {
            // SAFETY: the owner is the counter below.
            unsafe { *owner.cast::<u32>() += 1 };
        }
        let numbers = [4i64, 5];
        let mut released = 0u32;
        let owner = (&raw mut released).cast();
        // SAFETY: numbers and counter outlive the buffer.
        let buffer =
            unsafe { Foreign::new(numbers.as_ptr().cast(), 2, DType::I64, Device::Cpu, owner, count) };
        let tensor = Tensor::from_foreign(buffer, &[2]).expect("a tensor");
        let back = AbiTensor::give(tensor).take().expect("taken");
        assert_eq!(back.i64().expect("i64").as_ptr(), numbers.as_ptr());
        drop(back);
        assert_eq!(released, 1);
    }

    #[test]
    fn a_strided_view_is_packed_on_entry() {
        let numbers = [1.0f32, 2.0, 3.0, 4.0, 5.0, 6.0];
        let mut view = AbiView::of(TensorView::of_f32(&numbers, &[3, 2]).expect("a view"));
        view.shape[..2].copy_from_slice(&[2, 3]);
        view.strides[..2].copy_from_slice(&[1, 2]);
        // SAFETY: the numbers outlive the tensor.
        let packed = unsafe { view.lend() }.expect("packed");
        assert_eq!(packed.f32().expect("f32"), [1.0, 3.0, 5.0, 2.0, 4.0, 6.0]);
        assert_eq!(&*packed.shape(), [2, 3]);
    }

    #[test]
    fn an_impossible_shape_is_an_error() {
        let mut view = AbiView::of(TensorView::of_f32(&[0.0], &[1]).expect("a view"));
        view.rank = 9;
        // SAFETY: the numbers are static.
        assert!(unsafe { view.lend() }.is_err());
    }
}
