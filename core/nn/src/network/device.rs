//! How tensors of the contract come onto a device and back.

use dfdx::prelude::*;
use scant_abi::{Error, ErrorKind, FlatMut, Result, TensorView};

use crate::kernels::rearrange;
use crate::ops::{self, ImageDevice};
use crate::parameters::Parameters;

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

    /// All parameters and gradients, to be read and changed: in place, or through the mirror. No tape may be open.
    fn lend<'a>(
        parameters: &'a mut Parameters<Self>,
        mirror: &'a mut Mirror,
    ) -> Result<scant_abi::Parameters<'a>>;
}

/// The host's copy of the parameters of a device whose memory cannot be lent as slices.
#[derive(Debug, Default)]
pub struct Mirror {
    values: Vec<f32>,
    gradients: Vec<f32>,
    lent: bool,
}

impl Mirror {
    /// Fetches parameters and gradients, and lends the copy.
    pub fn lend<D: NetworkDevice>(&mut self, parameters: &Parameters<D>) -> scant_abi::Parameters<'_> {
        if !self.lent {
            self.values = parameters.values.to_vec();
            self.gradients = parameters.gradients.to_vec();
            self.lent = true;
        }
        scant_abi::Parameters {
            values: FlatMut::Cpu(&mut self.values),
            gradients: FlatMut::Cpu(&mut self.gradients),
        }
    }

    /// Brings back what was lent, before the device uses its own.
    pub fn settle<D: NetworkDevice>(&mut self, parameters: &Parameters<D>) -> Result<()> {
        if std::mem::take(&mut self.lent) {
            parameters.values.copy_from(&self.values)?;
            parameters.gradients.copy_from(&self.gradients)?;
        }
        Ok(())
    }

    /// The present values, wherever they are.
    pub fn values<D: NetworkDevice>(&self, parameters: &Parameters<D>) -> Vec<f32> {
        if self.lent { self.values.clone() } else { parameters.values.to_vec() }
    }
}

impl NetworkDevice for Cpu {
    fn open(device: scant_abi::Device) -> Result<Self> {
        match device {
            scant_abi::Device::Cpu => Ok(Self::default()),
            other => Err(Error::new(
                ErrorKind::Unsupported,
                format!("{other} cannot be used: this build has no CUDA; docs/cuda.md says how to build one"),
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

    fn lend<'a>(
        parameters: &'a mut Parameters<Self>,
        _: &'a mut Mirror,
    ) -> Result<scant_abi::Parameters<'a>> {
        let shared = || Error::shape("the parameters are shared with a pass that is still open");
        Ok(scant_abi::Parameters {
            values: parameters.values.exclusive().map(FlatMut::Cpu).ok_or_else(shared)?,
            gradients: parameters.gradients.exclusive().map(FlatMut::Cpu).ok_or_else(shared)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mirror_brings_back_what_was_changed_and_only_that() {
        let parameters = Parameters::new(&Cpu::default(), vec![1.0, 2.0]).expect("parameters");
        let mut mirror = Mirror::default();
        mirror.lend(&parameters).values.cpu().expect("on the host")[0] = 5.0;
        assert_eq!(mirror.values(&parameters), [5.0, 2.0]);
        assert_eq!(parameters.values.to_vec(), [1.0, 2.0]);
        mirror.settle(&parameters).expect("settled");
        assert_eq!(parameters.values.to_vec(), [5.0, 2.0]);
        parameters.values.copy_from(&[7.0, 8.0]).expect("copied");
        mirror.settle(&parameters).expect("nothing to settle");
        assert_eq!(mirror.values(&parameters), [7.0, 8.0]);
    }
}
