//! Data sets between libraries.

use std::ops::DerefMut;

use abi_stable::sabi_trait::TD_Opaque;
use abi_stable::std_types::{RBox, RSlice, RSliceMut, RVec};

use super::guard::{Guarded, Who};
use super::values::{AbiPart, AbiResult, Packed, enter, pack, unpack};
use crate::{Check, Dataset, DatasetInfo, Part, Result};

#[abi_stable::sabi_trait]
pub(super) trait AbiDataset {
    fn info(&self) -> AbiResult<Packed>;
    fn open(&mut self) -> AbiResult<()>;
    fn labels(&self, part: AbiPart) -> AbiResult<RVec<i64>>;
    fn read(&self, part: AbiPart, indices: RSlice<'_, usize>, pixels: RSliceMut<'_, u8>) -> AbiResult<()>;
    fn verify(&self) -> AbiResult<Packed>;
}

/// A data set that the other library owns.
pub(super) type DatasetBox = AbiDataset_TO<'static, RBox<()>>;

pub(super) fn export(dataset: Box<dyn Dataset>, who: Who) -> DatasetBox {
    AbiDataset_TO::from_value(Guarded::new(dataset, who), TD_Opaque)
}

impl<P> AbiDataset for Guarded<P>
where
    P: DerefMut<Target: Dataset>,
{
    fn info(&self) -> AbiResult<Packed> {
        self.read("info", |dataset| pack(&dataset.info()?))
    }

    fn open(&mut self) -> AbiResult<()> {
        self.change("open", |dataset| dataset.open())
    }

    fn labels(&self, part: AbiPart) -> AbiResult<RVec<i64>> {
        self.read("labels", |dataset| Ok(dataset.labels(part.into())?.into()))
    }

    fn read(
        &self,
        part: AbiPart,
        indices: RSlice<'_, usize>,
        mut pixels: RSliceMut<'_, u8>,
    ) -> AbiResult<()> {
        Guarded::read(self, "read", |dataset| dataset.read(part.into(), &indices, &mut pixels))
    }

    fn verify(&self) -> AbiResult<Packed> {
        Guarded::read(self, "verify", |dataset| pack(&dataset.verify()?))
    }
}

/// A data set of another library.
struct Imported(DatasetBox);

// SAFETY: `export` takes a `Box<dyn Dataset>`, which is `Send + Sync`, and the guard around it has no other state
// than a `OnceLock<String>` and names.
unsafe impl Send for Imported {}
// SAFETY: as above.
unsafe impl Sync for Imported {}

pub(super) fn import(dataset: DatasetBox) -> Box<dyn Dataset> {
    Box::new(Imported(dataset))
}

impl Dataset for Imported {
    fn info(&self) -> Result<DatasetInfo> {
        unpack(&enter(self.0.info())?)
    }

    fn open(&mut self) -> Result<()> {
        enter(self.0.open())
    }

    fn labels(&self, part: Part) -> Result<Vec<i64>> {
        enter(self.0.labels(part.into())).map(RVec::into_vec)
    }

    fn read(&self, part: Part, indices: &[usize], pixels: &mut [u8]) -> Result<()> {
        enter(self.0.read(part.into(), indices.into(), pixels.into()))
    }

    fn verify(&self) -> Result<Vec<Check>> {
        unpack(&enter(self.0.verify())?)
    }
}
