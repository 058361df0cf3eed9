//! The host without any plugin linked in: the proof that everything can be loaded.

use scant_program::Host;

fn main() -> std::process::ExitCode {
    scant_program::main(Host {
        device: || "none linked in; each loaded plugin computes where it was built to".to_owned(),
    })
}
