//! Virtual adversarial training (source 002; Miyato et al., 2018), and the trainer that adds it to cross-entropy.

mod loss;
mod trainer;

pub use loss::{Vat, VatConfig};
pub use trainer::{SemiSupervised, SemiSupervisedConfig};

scant_abi::plugin! {
    loss Vat,
    trainer SemiSupervised,
}
