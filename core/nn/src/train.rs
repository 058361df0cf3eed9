//! What trainers have in common: passes and losses, their sum, backward, following the gradients, averaging the model,
//! looking at the set.

mod averaged;
mod bounds;
mod classify;
mod learner;
mod look;
mod objective;
mod optimizers;
mod places;
mod reconstruct;
mod recorded;
mod state;

pub use averaged::Averaged;
pub use bounds::{check_probability, check_weight, check_weights};
pub use classify::{cross_entropy, largest, predictions, unlabelled_batch};
pub use learner::Learner;
pub use look::{Seen, look};
pub use objective::{Objective, refuse_losses, require_losses};
pub use optimizers::Optimizers;
pub use places::Places;
pub use reconstruct::{Input, reconstruct};
pub use recorded::{Recorded, outputs_read};
pub use state::part;
