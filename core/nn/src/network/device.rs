//! How tensors of the contract come onto a device and back.

use dfdx::prelude::*;
use scant_abi::{Error, ErrorKind, FlatMut, Result, TensorView};

use crate::kernels::rearrange;
use crate::ops::{self, ImageDevice};
use crate::parameters::FlatBuffer;

/// A device that a network can run on.
pub trait NetworkDevice: ImageDevice {
    /// The device that the contract calls `device`.
    fn open(device: scant_abi::Device) -> Result<Self>;

    /// A tensor of the contract on this device, as `shape`.
    fn bring_in<S: Shape>(&self, view: TensorView<'_>, shape: S) -> Result<Tensor<S, f32, Self>>;

    /// A tensor of this device for the contract.
    fn bring_out<S: Shape>(tensor: &Tensor<S, f32, Self>) -> Result<scant_abi::Tensor>;

    /// Adds `weight` times `values` to a buffer of gradients, from place `start` on.
    fn add_to(
        buffer: &mut <Self as Storage<f32>>::Vec,
        start: usize,
        weight: f32,
        values: &[f32],
    ) -> std::result::Result<(), Self::Err>;

    /// The buffer in place; nothing while an open tape shares it.
    fn flat(buffer: &mut FlatBuffer<Self>) -> Option<FlatMut<'_>>;
}

impl NetworkDevice for Cpu {
    fn open(device: scant_abi::Device) -> Result<Self> {
        match device {
            scant_abi::Device::Cpu => Ok(Self::default()),
            other => Err(Error::new(
                ErrorKind::Unsupported,
                format!("{other:?} cannot be used: this build has no CUDA; build with --features cuda"),
            )),
        }
    }

    fn bring_in<S: Shape>(&self, view: TensorView<'_>, shape: S) -> Result<Tensor<S, f32, Self>> {
        self.try_tensor_from_vec(view.f32()?.to_vec(), shape).map_err(Self::failed)
    }

    fn bring_out<S: Shape>(tensor: &Tensor<S, f32, Self>) -> Result<scant_abi::Tensor> {
        let dims: Vec<usize> = tensor.shape().concrete().into();
        // dfdx's own way out walks over the elements one by one.
        let tensor = tensor.clone().try_contiguous().map_err(Self::failed)?;
        scant_abi::Tensor::from_f32(ops::slice(&tensor).to_vec(), &dims)
    }

    fn add_to(
        buffer: &mut <Self as Storage<f32>>::Vec,
        start: usize,
        weight: f32,
        values: &[f32],
    ) -> std::result::Result<(), CpuError> {
        rearrange::pour_scaled(weight, values, &mut buffer[start..start + values.len()], true);
        Ok(())
    }

    fn flat(buffer: &mut FlatBuffer<Self>) -> Option<FlatMut<'_>> {
        buffer.exclusive().map(FlatMut::Cpu)
    }
}
