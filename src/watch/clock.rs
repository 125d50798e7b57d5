//! What the operating system says of this process.

use std::time::Duration;

/// Processor time of the whole process so far, user and system; `None` where it cannot be told.
#[cfg(unix)]
pub fn processor_time() -> Option<Duration> {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    Some(Duration::new(u64::try_from(time.tv_sec).ok()?, u32::try_from(time.tv_nsec).ok()?))
}

/// Processor time of the whole process so far; it cannot be told here.
#[cfg(not(unix))]
pub fn processor_time() -> Option<Duration> {
    None
}

/// Bytes of memory that the whole process has; `None` where it cannot be told.
#[cfg(target_os = "linux")]
pub fn resident_bytes() -> Option<u64> {
    let text = std::fs::read_to_string("/proc/self/statm").ok()?;
    let pages: u64 = text.split_whitespace().nth(1)?.parse().ok()?;
    Some(pages * rustix::param::page_size() as u64)
}

/// Bytes of memory that the whole process has; it cannot be told here.
#[cfg(not(target_os = "linux"))]
pub fn resident_bytes() -> Option<u64> {
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_does_not_go_back() {
        let before = processor_time();
        let sum: u64 = (0..1000u64).map(std::hint::black_box).sum();
        assert!(sum > 0 && processor_time() >= before);
        assert!(resident_bytes().is_none_or(|bytes| bytes > 100_000));
    }
}
