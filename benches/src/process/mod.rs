//! The contenders as processes: what is started, how it is known to serve, and that it is ended again.

mod affinity;
mod artifacts;
mod limits;
mod readiness;
mod running;
mod signals;
mod undertaker;

pub use affinity::{Cpus, pin};
pub use artifacts::{Artifacts, workspace};
pub use limits::{descriptors, raise_descriptors};
pub use readiness::Ready;
pub use running::{Running, Start};
pub use signals::{kill_now, reload};
pub use undertaker::end_with_us;
