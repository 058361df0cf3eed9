//! The toy model of the engine's tests, in a library of its own.

#[path = "../../../core/engine/tests/common/model.rs"]
#[allow(
    dead_code,
    missing_docs,
    unreachable_pub,
    reason = "the file is shared, and each library lists its part"
)]
mod model;

scant_abi::plugin! { model model::TwoLayers }
scant_abi::export!(crate);
