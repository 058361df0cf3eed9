//! The loadable library of scant-autoencoder.

scant_abi::export!(scant_autoencoder);
