//! The loadable library of scant-losses.

scant_abi::export!(scant_losses);
