//! Two event loops on one thread: asyncio's turns, and in each of its turns it asks its selector what has happened. That
//! selector is ours, and finds out by turning tokio's loop.
//!
//! - `hub`: what either side leaves for the other while it is not its turn.
//! - `stage`: what they share: the runtime, and the worker's life.
//! - `tasks`: those of connections, which either loop may go on with.
//! - `turn`: one turn of tokio's loop.
//! - `descriptors`: those that asyncio watches.
//! - `selector`: what asyncio calls.
//! - `spin`: a whole loop, from its making to its end.
//!
//! uvloop takes no selector. There tokio's loop is one of the descriptors that it watches:
//!
//! - `guest`: what uvloop calls; `rounds`: when it does so unasked.
//! - `sweep`: all that tokio can do at that time; `brink`, `bell`: how that is known.
//!
//! Python runs only outside of `block_on`: a library with a tokio of its own would panic inside. Rust's tasks run only
//! inside: waking one costs no system call then.

mod bell;
mod brink;
mod descriptors;
mod guest;
mod hub;
mod rounds;
mod selector;
mod spin;
mod stage;
mod sweep;
mod tasks;
mod turn;

pub use brink::Brink;
pub use hub::{Hub, Job};
pub(crate) use selector::init;
pub use spin::Bridge;
