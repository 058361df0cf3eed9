//! The host with every plugin of this repository linked in.

// Naming a crate is what keeps its registration in the program.
use scant_augmentations as _;
use scant_autoencoder as _;
use scant_beta_vae as _;
use scant_datasets as _;
use scant_dec as _;
use scant_end_to_end as _;
use scant_evaluators as _;
use scant_fixmatch_attention as _;
use scant_losses as _;
use scant_networks as _;
use scant_pl_ae as _;
use scant_pseudo_label as _;
use scant_supervised as _;
use scant_vat as _;

use scant_program::Host;

fn main() -> std::process::ExitCode {
    scant_program::main(Host { device: scant_nn::adapt::device })
}
