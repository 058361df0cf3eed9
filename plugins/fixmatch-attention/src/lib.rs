//! FixMatch (Sohn et al., 2020) with the attention distance of source 002.

mod consistency;
mod trainer;

pub use trainer::{FixMatchAttention, FixMatchAttentionConfig};

scant_abi::plugin! {
    trainer FixMatchAttention,
}
