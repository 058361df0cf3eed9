//! The toy augmentation of the engine's tests, in a library of its own.

#[path = "../../../core/engine/tests/common/components.rs"]
#[allow(
    dead_code,
    missing_docs,
    unreachable_pub,
    reason = "the file is shared, and each library lists its part"
)]
mod components;

scant_abi::plugin! { augmentation components::Jitter }
scant_abi::export!(crate);
