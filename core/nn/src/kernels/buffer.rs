//! Memory that is used again: a step's buffers have the same sizes as the last step's.
//!
//! A fresh large allocation costs a page fault every 4 KiB, which is more than most elementwise kernels cost.

use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::Once;

/// What the pool of one thread may hold, in floats (1 GiB).
const POOL_LIMIT: usize = 1 << 28;

#[derive(Default)]
struct Pool {
    held: usize,
    free: HashMap<usize, Vec<Vec<f32>>>,
}

thread_local! {
    static POOL: RefCell<Pool> = RefCell::default();
}

/// A buffer of `len` floats with arbitrary contents.
pub fn take(len: usize) -> Vec<f32> {
    let found = POOL.with_borrow_mut(|pool| {
        let buffer = pool.free.get_mut(&len).and_then(Vec::pop);
        pool.held -= buffer.as_ref().map_or(0, Vec::len);
        buffer
    });
    found.unwrap_or_else(|| vec![0.0; len])
}

/// A buffer of `len` zeros.
pub fn take_zeros(len: usize) -> Vec<f32> {
    let mut buffer = take(len);
    buffer.fill(0.0);
    buffer
}

/// Keeps a buffer for a later [`take`] on this thread.
pub fn give(buffer: Vec<f32>) {
    POOL.with_borrow_mut(|pool| {
        if !buffer.is_empty() && pool.held + buffer.len() <= POOL_LIMIT {
            pool.held += buffer.len();
            pool.free.entry(buffer.len()).or_default().push(buffer);
        }
    });
}

/// Lends a buffer of `len` floats with arbitrary contents to `work`.
pub fn with<R>(len: usize, work: impl FnOnce(&mut [f32]) -> R) -> R {
    let mut buffer = take(len);
    let result = work(&mut buffer);
    give(buffer);
    result
}

/// A vector for a kernel that writes every element before anything reads one.
///
/// Unlike [`take`] it does not come from the pool: results leave with their tensor and never come back.
#[allow(unsafe_code)]
pub(crate) fn unwritten(len: usize) -> Vec<f32> {
    keep_freed_memory();
    let mut buffer = Vec::with_capacity(len);
    // SAFETY: the capacity is there, every bit pattern is an f32, and by this function's contract each element is
    // written before it is read.
    #[allow(clippy::uninit_vec)]
    unsafe {
        buffer.set_len(len);
    }
    buffer
}

/// Asks the C library to keep freed memory in the process instead of returning it to the system after each step.
#[allow(unsafe_code)]
fn keep_freed_memory() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        #[cfg(all(target_os = "linux", target_env = "gnu"))]
        // SAFETY: mallopt only sets numbers of the allocator.
        unsafe {
            libc::mallopt(libc::M_MMAP_MAX, 0);
            libc::mallopt(libc::M_TRIM_THRESHOLD, i32::MAX);
            libc::mallopt(libc::M_TOP_PAD, 64 << 20);
        }
    });
}
