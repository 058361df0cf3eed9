//! scant
fn main() {}
