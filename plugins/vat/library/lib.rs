//! The loadable library of scant-vat.

scant_abi::export!(scant_vat);
