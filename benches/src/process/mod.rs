//! The contenders as processes: what is started, how it is known to serve, and that it is ended again.

mod artifacts;
mod contender;
mod running;
mod signals;
mod undertaker;

pub use artifacts::{Artifacts, workspace};
pub use contender::Contender;
pub use running::Running;
pub use signals::{kill_now, reload};
pub use undertaker::end_with_us;
