//! The loadable library of scant-evaluators.

scant_abi::export!(scant_evaluators);
