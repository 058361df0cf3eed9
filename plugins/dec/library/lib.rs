//! The loadable library of scant-dec.

scant_abi::export!(scant_dec);
