//! Pseudo-labelling (source 002; Lee, 2013): confident predictions become the next epoch's labels.

mod labels;
mod trainer;

pub use labels::PseudoLabels;
pub use trainer::{PseudoLabel, PseudoLabelConfig};

scant_abi::plugin! {
    trainer PseudoLabel,
}
