//! A shared library that has nothing to do with Scant.

#[unsafe(no_mangle)]
pub extern "C" fn answer() -> i32 {
    42
}
