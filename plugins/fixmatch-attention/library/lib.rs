//! The loadable library of scant-fixmatch-attention.

scant_abi::export!(scant_fixmatch_attention);
