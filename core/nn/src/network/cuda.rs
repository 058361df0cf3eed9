//! Networks on NVIDIA GPUs: passes run there, parameters take their steps on the host.

use dfdx::prelude::*;
use scant_abi::{Error, ErrorKind, Result, TensorView};

use super::device::{Mirror, NetworkDevice};
use crate::ops::ImageDevice;
use crate::parameters::Parameters;

impl NetworkDevice for Cuda {
    fn open(device: scant_abi::Device) -> Result<Self> {
        match device {
            scant_abi::Device::Cuda(ordinal) => Self::try_build(ordinal as usize, 0).map_err(Self::failed),
            scant_abi::Device::Cpu => Err(Error::new(
                ErrorKind::Unsupported,
                "this build computes on a GPU: set the device to cuda:0, or build without --features cuda",
            )),
        }
    }

    fn bring_in<S: Shape>(&self, view: TensorView<'_>, shape: S) -> Result<Tensor<S, f32, Self>> {
        self.try_tensor_from_vec(view.f32()?.to_vec(), shape).map_err(Self::failed)
    }

    fn bring_out<S: Shape>(tensor: &Tensor<S, f32, Self>) -> Result<scant_abi::Tensor> {
        let dims: Vec<usize> = tensor.shape().concrete().into();
        scant_abi::Tensor::from_f32(tensor.as_vec(), &dims)
    }

    fn add_to(
        buffer: &mut <Self as Storage<f32>>::Vec,
        start: usize,
        weight: f32,
        values: &[f32],
    ) -> std::result::Result<(), Self::Err> {
        // Outputs are small beside what lies between them and the image: a way over the host costs little.
        let device = buffer.device();
        let mut sums = device.dtoh_sync_copy(&*buffer)?;
        for (sum, value) in sums[start..].iter_mut().zip(values) {
            *sum += weight * value;
        }
        device.htod_sync_copy_into(&sums, buffer)?;
        Ok(())
    }

    fn lend<'a>(
        parameters: &'a mut Parameters<Self>,
        mirror: &'a mut Mirror,
    ) -> Result<scant_abi::Parameters<'a>> {
        Ok(mirror.lend(parameters))
    }
}
