//! What the kernel says of a contender, read from /proc. Nothing here asks the contender itself.

pub mod calls;
mod cpu;
mod memory;
mod sockets;
mod tree;

pub use cpu::{Cpu, rest};
pub use memory::{resident, resident_tree, switches, switches_tree};
pub use sockets::connections_of;
pub use tree::{children, exists, tree};
