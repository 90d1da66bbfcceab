//! Two event loops on one thread: asyncio's turns, and in each of its turns it asks its selector what has happened. That
//! selector is ours, and finds out by turning tokio's loop.
//!
//! - `hub`: what either side leaves for the other while it is not its turn.
//! - `tasks`: those of connections, which either loop may go on with.
//! - `turn`: one turn of tokio's loop.
//! - `descriptors`: those that asyncio watches.
//! - `selector`: what asyncio calls.
//! - `spin`: a whole loop, from its making to its end.
//!
//! Python runs only outside of `block_on`: a library with a tokio of its own would panic inside. Rust's tasks run only
//! inside: waking one costs no system call then.

mod descriptors;
mod hub;
mod selector;
mod spin;
mod tasks;
mod turn;

pub use hub::{Hub, Job};
pub use spin::Bridge;
