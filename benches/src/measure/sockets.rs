//! Which process holds how many of a listener's connections: by descriptor and inode, not by anybody's word.

use anyhow::{Context, Result};
use procfs::net::TcpState;
use procfs::process::{FDTarget, Process};
use std::collections::HashSet;
use std::net::SocketAddr;

/// The established connections that each of `pids` has accepted at `address`, in the same order.
pub fn connections_of(pids: &[i32], address: SocketAddr) -> Result<Vec<usize>> {
    let table = if address.is_ipv4() { procfs::net::tcp() } else { procfs::net::tcp6() };
    let accepted: HashSet<u64> = table
        .context("cannot read the table of TCP connections")?
        .into_iter()
        .filter(|entry| entry.local_address == address && entry.state == TcpState::Established)
        .map(|entry| entry.inode)
        .collect();
    pids.iter().map(|pid| held_by(*pid, &accepted)).collect()
}

fn held_by(pid: i32, inodes: &HashSet<u64>) -> Result<usize> {
    let process = Process::new(pid).with_context(|| format!("worker {pid} is gone"))?;
    let descriptors = process.fd().with_context(|| format!("cannot list the descriptors of worker {pid}"))?;
    // A descriptor may be closed between its listing and its reading.
    Ok(descriptors
        .flatten()
        .filter(|fd| matches!(fd.target, FDTarget::Socket(inode) if inodes.contains(&inode)))
        .count())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::{TcpListener, TcpStream};

    #[test]
    fn accepted_connections_of_this_process_are_counted() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let me = i32::try_from(std::process::id()).unwrap();
        assert_eq!(connections_of(&[me], address).unwrap(), [0]);
        let _clients: Vec<_> = (0..3).map(|_| TcpStream::connect(address).unwrap()).collect();
        let _first = listener.accept().unwrap();
        let _second = listener.accept().unwrap();
        // The third waits in the queue: established for the kernel, nobody's yet.
        assert_eq!(connections_of(&[me], address).unwrap(), [2]);
    }
}
