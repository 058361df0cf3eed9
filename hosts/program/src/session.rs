//! What every command has at hand.

use scant_abi::Result;
use scant_engine::Registry;

use crate::arguments::PluginArguments;

/// The components there are, linked in and loaded.
pub struct Session {
    /// All components by name.
    pub registry: Registry,
}

impl Session {
    pub(crate) fn open(_arguments: &PluginArguments) -> Result<Self> {
        Ok(Self { registry: Registry::linked()? })
    }
}
