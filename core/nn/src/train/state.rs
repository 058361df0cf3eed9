//! Parts of a state.

use scant_abi::{Error, Result, State, Tensor};

/// The part of a state called `name`.
pub fn part<'s>(state: &'s State, name: &str) -> Result<&'s Tensor> {
    state.get(name).ok_or_else(|| Error::data(format!("the state lacks '{name}'")))
}
