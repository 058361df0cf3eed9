//! Deep embedded clustering (source 003; Xie et al., 2016), and with a reconstruction beside it (Guo et al., 2017).

mod assignment;
mod targets;
mod trainer;

pub use trainer::{Dec, DecConfig};

scant_abi::plugin! {
    trainer Dec,
}
