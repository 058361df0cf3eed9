//! Starting from a file of weights.

use std::path::Path;

use scant_abi::{Context, Error, Model, Result, Setup};

use super::device::NetworkDevice;
use super::model::Network;
use super::zoo::Architecture;
use crate::weights::{self, Naming};

impl<D: NetworkDevice> Network<D> {
    /// The network of an architecture, with the weights that its configuration names.
    pub fn from_architecture(architecture: &impl Architecture, setup: &Setup) -> Result<Self> {
        let mut network = Self::new(&architecture.describe(setup.image, setup.classes)?, setup)?;
        if let Some((file, naming)) = architecture.weights() {
            network.load_weights(&setup.file(file)?, naming)?;
        }
        Ok(network)
    }

    /// Takes over the weights in the file at `path`, whose tensors are named as in torchvision.
    ///
    /// A file may hold a part only. A head that was made for other classes is left out; its tensors' names are returned.
    pub fn load_weights(&mut self, path: &Path, naming: Naming) -> Result<Vec<String>> {
        let mut state = naming.ours(weights::read(path)?);
        let layout = self.layout();
        let other =
            |name: &str, dims: &[usize]| layout.iter().any(|info| info.name == name && info.dims != dims);
        let mut left_out: Vec<String> = state
            .iter()
            .filter(|(name, tensor)| name.starts_with("head.") && other(name, &tensor.shape()))
            .map(|(name, _)| name.clone())
            .collect();
        // Without a classifier of its own the network has no place for the file's.
        let absent =
            |name: &String| name.starts_with("head.") && !layout.iter().any(|info| info.name == *name);
        left_out.extend(state.keys().filter(|name| absent(name)).cloned());
        state.retain(|name, _| !left_out.contains(name));
        if state.is_empty() {
            return Err(Error::data(format!("'{}' has no tensor for this network", path.display())));
        }
        self.load_state(&state).context(|| format!("'{}' does not fit this network", path.display()))?;
        Ok(left_out)
    }
}
