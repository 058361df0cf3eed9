//! The loadable library of scant-networks.

scant_abi::export!(scant_networks);
