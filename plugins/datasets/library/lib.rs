//! The loadable library of scant-datasets.

scant_abi::export!(scant_datasets);
