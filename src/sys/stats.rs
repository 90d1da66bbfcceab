//! What the kernel knows about this process.

use nix::sys::resource::{Resource, getrlimit, setrlimit};
use std::io;

/// The resident set of this process in bytes.
pub fn rss_bytes() -> io::Result<u64> {
    let text = std::fs::read_to_string("/proc/self/statm")?;
    let pages = resident_pages(&text)
        .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "/proc/self/statm is not understood"))?;
    Ok(pages * page_size())
}

/// Raises the soft limit of descriptors to the hard one, and says what it is now. The soft one is low for the sake of
/// programs that use select(2).
pub fn raise_max_fds() -> io::Result<u64> {
    let (soft, hard) = getrlimit(Resource::RLIMIT_NOFILE)?;
    if soft < hard {
        setrlimit(Resource::RLIMIT_NOFILE, hard, hard)?;
    }
    Ok(hard)
}

fn resident_pages(statm: &str) -> Option<u64> {
    statm.split_ascii_whitespace().nth(1)?.parse().ok()
}

fn page_size() -> u64 {
    nix::unistd::sysconf(nix::unistd::SysconfVar::PAGE_SIZE)
        .ok()
        .flatten()
        .and_then(|size| u64::try_from(size).ok())
        .unwrap_or(4096)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::testkit;

    #[test]
    fn the_second_number_is_the_resident_set() {
        assert_eq!(resident_pages("100 42 7 1 0 9 0\n"), Some(42));
        assert_eq!(resident_pages("100"), None);
    }

    #[test]
    fn this_process_has_a_plausible_size() {
        let before = rss_bytes().unwrap();
        assert!(before > 100 * 1024, "{before}");
        let ballast = vec![1_u8; 64 << 20];
        assert!(rss_bytes().unwrap() >= before + (48 << 20));
        drop(ballast);
    }

    #[test]
    fn the_soft_limit_can_be_raised() {
        testkit::in_fork(|| {
            let (_, hard) = getrlimit(Resource::RLIMIT_NOFILE).unwrap();
            setrlimit(Resource::RLIMIT_NOFILE, 20, hard).unwrap();
            assert_eq!(raise_max_fds().unwrap(), hard);
            assert_eq!(getrlimit(Resource::RLIMIT_NOFILE).unwrap().0, hard);
        });
    }
}
