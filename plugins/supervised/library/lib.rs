//! The loadable library of scant-supervised.

scant_abi::export!(scant_supervised);
