//! scant-bare
fn main() {}
