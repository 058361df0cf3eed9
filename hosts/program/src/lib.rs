//! Scant's command line. The hosts are this same program; they differ only in the plugins they link in.

#![deny(clippy::print_stdout, reason = "println! panics where nothing can be written: `say!` does not")]

mod arguments;
mod command;
mod output;
mod reports;
mod session;
mod sheet;
mod table;

use std::process::ExitCode;

use clap::Parser;

pub use session::Session;

use arguments::Arguments;

/// What a host is, beside the plugins that it links in.
#[derive(Clone, Copy)]
pub struct Host {
    /// What the linked plugins compute on, in words, for `doctor`.
    pub device: fn() -> String,
}

/// The whole program: reads the command line, does what it says, tells errors in one line.
pub fn main(host: Host) -> ExitCode {
    end_with_reader();
    let arguments = Arguments::parse();
    arguments.start_logging();
    let showing = arguments.showing();
    let done = arguments.start_threads().and_then(|()| {
        let session = Session::open(host, &arguments.plugins, showing)?;
        command::run(arguments.command, &session)
    });
    done.unwrap_or_else(|error| {
        if showing.json {
            log::error!("{error}");
        } else {
            eprintln!("error: {error}");
        }
        ExitCode::FAILURE
    })
}

/// Ends quietly where nobody reads on, as in `scant list | head`; Rust would panic there.
fn end_with_reader() {
    #[cfg(unix)]
    {
        let at_once = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(true));
        // 128 and the signal's number: what a shell expects. Where it cannot be registered, nothing is lost.
        let _ = signal_hook::flag::register_conditional_shutdown(signal_hook::consts::SIGPIPE, 141, at_once);
    }
}
