//! What trainers have in common: adding up losses, running backward, following the gradients, averaging the model,
//! looking at the set.

mod averaged;
mod classify;
mod look;
mod objective;
mod optimizers;
mod reconstruct;

pub use averaged::Averaged;
pub use classify::{cross_entropy, predictions, unlabelled_batch};
pub use look::{Seen, look};
pub use objective::{Objective, refuse_losses};
pub use optimizers::Optimizers;
pub use reconstruct::reconstruct;
