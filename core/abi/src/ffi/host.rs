//! What a host lends to its plugins: its logger and its number of threads. Each library has its own copy of both.

use std::sync::OnceLock;

use abi_stable::StableAbi;
use abi_stable::std_types::RStr;
use log::{Level, LevelFilter, Log, Metadata, Record};

use super::guard::caught;

/// What a library is given when it is loaded.
#[repr(C)]
#[derive(StableAbi)]
pub struct Host {
    log: extern "C" fn(level: usize, target: RStr<'_>, message: RStr<'_>),
    /// From 0 (nothing) to 5 (trace).
    max_level: usize,
    threads: usize,
}

impl Host {
    /// This program.
    pub(super) fn this() -> Self {
        Self { log: log_here, max_level: log::max_level() as usize, threads: rayon::current_num_threads() }
    }
}

extern "C" fn log_here(level: usize, target: RStr<'_>, message: RStr<'_>) {
    let level = Level::iter().nth(level.saturating_sub(1)).unwrap_or(Level::Error);
    // A logger that panics must not take the program with it.
    let _ = caught(|| {
        let target = target.as_str();
        log::logger().log(
            &Record::builder().level(level).target(target).args(format_args!("{}", message.as_str())).build(),
        );
    });
}

/// Hands this library's records on to the host.
struct Forward(Host);

impl Log for Forward {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.level() as usize <= self.0.max_level
    }

    fn log(&self, record: &Record<'_>) {
        if self.enabled(record.metadata()) {
            (self.0.log)(
                record.level() as usize,
                record.target().into(),
                record.args().to_string().as_str().into(),
            );
        }
    }

    fn flush(&self) {}
}

/// Makes the host's logger and number of threads those of this library.
pub(super) fn adopt(host: Host) {
    static HOST: OnceLock<Forward> = OnceLock::new();
    let levels = [
        LevelFilter::Off,
        LevelFilter::Error,
        LevelFilter::Warn,
        LevelFilter::Info,
        LevelFilter::Debug,
        LevelFilter::Trace,
    ];
    let level = levels[host.max_level.min(5)];
    let threads = host.threads;
    // Both can be set once only. A library that is started again has them already.
    if log::set_logger(HOST.get_or_init(|| Forward(host))).is_ok() {
        log::set_max_level(level);
    }
    let _ = crate::start_threads(threads);
}
