//! Buffers that somebody else owns: another library, or a device.

use std::ffi::c_void;
use std::fmt;
use std::marker::PhantomData;
use std::ops::Range;

use crate::tensor::Data;
use crate::{DType, Device, Result, TensorView};

/// Gives a buffer back to its owner.
pub type Release = unsafe extern "C" fn(owner: *mut c_void);

/// An owned buffer together with the way to give it back: what DLPack calls a managed tensor.
pub struct Foreign {
    pub(super) data: *const c_void,
    pub(super) len: usize,
    pub(super) dtype: DType,
    pub(super) device: Device,
    pub(super) owner: *mut c_void,
    pub(super) release: Release,
}

impl Foreign {
    /// Takes over a buffer.
    ///
    /// # Safety
    ///
    /// `data` must point to `len` initialised elements of `dtype` on `device`, properly aligned (it may dangle where
    /// `len` is 0), that nobody changes until `release(owner)` is called; that call must be allowed, once, from the
    /// thread that drops the buffer.
    pub unsafe fn new(
        data: *const c_void,
        len: usize,
        dtype: DType,
        device: Device,
        owner: *mut c_void,
        release: Release,
    ) -> Self {
        Self { data, len, dtype, device, owner, release }
    }

    /// The number of elements.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there are no elements.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    pub(crate) fn data(&self) -> Data<'_> {
        // SAFETY: `new` was promised `len` live elements of `dtype` at `data`; they are borrowed as long as `self`.
        unsafe { data_from_raw(self.data, self.len, self.dtype, self.device) }
    }

    pub(crate) fn into_f32(self) -> Result<Vec<f32>> {
        let view = TensorView::new(self.data(), &[self.len])?;
        view.f32().map(<[f32]>::to_vec)
    }
}

impl Drop for Foreign {
    fn drop(&mut self) {
        // SAFETY: `new` was promised that this one call is allowed.
        unsafe { (self.release)(self.owner) }
    }
}

impl fmt::Debug for Foreign {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} foreign {:?} on {:?}", self.len, self.dtype, self.device)
    }
}

/// # Safety
///
/// `data` must point to `len` live, aligned elements of `dtype` on `device` for the lifetime `'a`.
pub(super) unsafe fn data_from_raw<'a>(
    data: *const c_void,
    len: usize,
    dtype: DType,
    device: Device,
) -> Data<'a> {
    if device != Device::Cpu {
        return Data::Device(DeviceSlice { data, len, dtype, device, lifetime: PhantomData });
    }
    // A foreign empty buffer may have a null or unaligned address, which a slice may not.
    let data = if len == 0 { std::ptr::dangling::<u64>().cast() } else { data };
    // SAFETY: promised by the caller; an empty slice's address is aligned for every element type.
    unsafe {
        match dtype {
            DType::F32 => Data::F32(std::slice::from_raw_parts(data.cast(), len)),
            DType::I64 => Data::I64(std::slice::from_raw_parts(data.cast(), len)),
            DType::U8 => Data::U8(std::slice::from_raw_parts(data.cast(), len)),
        }
    }
}

/// Borrowed memory of a device: an address that only code for that device may follow.
#[derive(Clone, Copy, Debug)]
pub struct DeviceSlice<'a> {
    data: *const c_void,
    len: usize,
    dtype: DType,
    device: Device,
    lifetime: PhantomData<&'a [u8]>,
}

impl DeviceSlice<'_> {
    /// Borrows `len` elements at the device address `data`.
    ///
    /// # Safety
    ///
    /// They must stay alive and unchanged as long as the slice.
    pub unsafe fn new(data: *const c_void, len: usize, dtype: DType, device: Device) -> Self {
        Self { data, len, dtype, device, lifetime: PhantomData }
    }

    /// The device's address of the first element.
    pub fn address(&self) -> *const c_void {
        self.data
    }

    /// The number of elements.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there are no elements.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// What the elements are.
    pub fn dtype(&self) -> DType {
        self.dtype
    }

    /// Whose memory it is.
    pub fn device(&self) -> Device {
        self.device
    }

    pub(crate) fn slice(&self, range: Range<usize>) -> Self {
        assert!(range.start <= range.end && range.end <= self.len);
        let size = match self.dtype {
            DType::F32 => 4,
            DType::I64 => 8,
            DType::U8 => 1,
        };
        Self { data: self.data.wrapping_byte_add(range.start * size), len: range.len(), ..*self }
    }
}

/// Borrowed memory of a device that holds `f32` and may be changed.
#[derive(Debug)]
pub struct DeviceSliceMut<'a> {
    data: *mut c_void,
    len: usize,
    device: Device,
    lifetime: PhantomData<&'a mut [u8]>,
}

impl DeviceSliceMut<'_> {
    /// Borrows `len` numbers at the device address `data`.
    ///
    /// # Safety
    ///
    /// They must stay alive, and be reached through nothing else, as long as the slice.
    pub unsafe fn new(data: *mut c_void, len: usize, device: Device) -> Self {
        Self { data, len, device, lifetime: PhantomData }
    }

    /// The device's address of the first number.
    pub fn address(&self) -> *mut c_void {
        self.data
    }

    /// The number of numbers.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Whose memory it is.
    pub fn device(&self) -> Device {
        self.device
    }
}
