//! The loadable library of scant-end-to-end.

scant_abi::export!(scant_end_to_end);
