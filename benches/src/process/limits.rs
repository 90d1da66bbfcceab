//! Descriptors: ten thousand connections need as many here and as many in the server, which inherits the limit.

use anyhow::{Context, Result};
use nix::sys::resource::{Resource, getrlimit, setrlimit};

/// Raises this program's limit, and with it that of every contender, as far as it may.
pub fn raise_descriptors() -> Result<()> {
    let (_, hard) = getrlimit(Resource::RLIMIT_NOFILE).context("cannot ask for the limit of descriptors")?;
    setrlimit(Resource::RLIMIT_NOFILE, hard, hard).context("cannot raise the limit of descriptors")
}

/// How many descriptors a process may have.
pub fn descriptors() -> Result<u64> {
    Ok(getrlimit(Resource::RLIMIT_NOFILE).context("cannot ask for the limit of descriptors")?.0)
}
