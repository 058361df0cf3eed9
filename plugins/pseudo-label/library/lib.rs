//! The loadable library of scant-pseudo-label.

scant_abi::export!(scant_pseudo_label);
