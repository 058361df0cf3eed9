//! A network whose configuration is its description.

use scant_abi::{Component, Result, Setup};
use scant_nn::network::{Network, NetworkConfig};

use crate::Zoo;

/// Stands for a network that is described layer by layer.
pub enum Described {}

impl Component for Zoo<Described> {
    const NAME: &'static str = "network";
    const SUMMARY: &'static str = "Any network, described layer by layer.";
    const OUTPUTS: &'static [(&'static str, &'static str)] =
        &[("...", "those that the description names by { output = \"...\" }")];
    type Config = NetworkConfig;

    fn new(config: NetworkConfig, setup: &Setup) -> Result<Self> {
        Network::new(&config, setup).map(Self::over)
    }
}
