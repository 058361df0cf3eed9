//! The pool of threads that computes. Each library has its own copy, so each starts its own.

use crate::{Error, ErrorKind, Result};

/// Lets this program or library compute on `count` threads (0: one for each core), the calling one among them.
///
/// Call it once, on the thread that will train: a thread outside the pool hands each operation over, and sleeps until it
/// is done.
pub fn start_threads(count: usize) -> Result<()> {
    let count = match count {
        0 => std::thread::available_parallelism().map_or(1, std::num::NonZero::get),
        count => count,
    };
    let mut pool = rayon::ThreadPoolBuilder::new().num_threads(count);
    // Were this thread the only member, another's work would stay undone for as long as this one waits for it.
    if count > 1 {
        pool = pool.use_current_thread();
    }
    pool.build_global().map_err(|error| Error::caused_by(ErrorKind::Io, "cannot start the threads", &error))
}
