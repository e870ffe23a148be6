//! Figures of this process, for whoever asks after its state.

use std::fs;
use std::time::Instant;

use rustix::param::page_size;

/// Since when this core runs.
#[derive(Clone, Copy, Debug)]
pub struct Uptime(Instant);

impl Uptime {
    /// Begins now.
    #[must_use]
    pub fn start() -> Self {
        Self(Instant::now())
    }

    /// Milliseconds since the start.
    #[must_use]
    pub fn millis(self) -> u64 {
        u64::try_from(self.0.elapsed().as_millis()).unwrap_or(u64::MAX)
    }
}

/// Memory of this process that is in RAM, in bytes; 0 where the system has no
/// `/proc/self/statm`.
#[must_use]
pub fn resident_bytes() -> u64 {
    fs::read_to_string("/proc/self/statm")
        .ok()
        .and_then(|statm| resident_pages(&statm))
        .unwrap_or(0)
        .saturating_mul(u64::try_from(page_size()).unwrap_or(0))
}

/// The second figure of `statm`, proc(5).
fn resident_pages(statm: &str) -> Option<u64> {
    statm.split_ascii_whitespace().nth(1)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::{resident_bytes, resident_pages};

    #[test]
    fn the_resident_pages_are_the_second_figure() {
        assert_eq!(resident_pages("5021 1234 900 1 0 400 0\n"), Some(1234));
        assert_eq!(resident_pages(""), None);
        assert_eq!(resident_pages("5021 many"), None);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_running_process_has_resident_memory() {
        assert!(resident_bytes() > 100_000);
    }
}
