//! The loadable library of scant-beta-vae.

scant_abi::export!(scant_beta_vae);
