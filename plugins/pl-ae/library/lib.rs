//! The loadable library of scant-pl-ae.

scant_abi::export!(scant_pl_ae);
