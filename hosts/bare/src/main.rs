//! The host without any plugin linked in: the proof that everything can be loaded.

fn main() -> std::process::ExitCode {
    scant_program::main()
}
