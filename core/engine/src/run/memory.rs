//! The most memory that this process held, where the system tells: on Linux.

/// Begins to count anew, so that a run is not charged with what an earlier one in the same process held.
pub(crate) fn forget_peak() {
    // Where that is not allowed, the peak is that of the whole process: too much, never too little.
    let _ = std::fs::write("/proc/self/clear_refs", "5");
}

/// The most that was resident since, in bytes.
pub(crate) fn peak_bytes() -> Option<u64> {
    of_status(&std::fs::read_to_string("/proc/self/status").ok()?)
}

fn of_status(status: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kib: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kib * 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_peak_is_read_from_the_system() {
        assert_eq!(of_status("VmPeak:\t 9 kB\nVmHWM:\t  2048 kB\n"), Some(2 << 20));
        assert_eq!(of_status("VmPeak:\t 9 kB\n"), None);
    }
}
