//! The pseudo-labelling auto-encoder (source 000): whatever augmentation went in, the clean image must come out.

mod perceptual;
mod trainer;

pub use perceptual::{Perceptual, PerceptualConfig, Through};
pub use trainer::{PlAe, PlAeConfig, Target};

scant_abi::plugin! {
    loss Perceptual,
    trainer PlAe,
}
