//! What the operator decides about WSGI applications.

use crate::underscores::Underscores;
use rustcorn::Settings;
use std::path::PathBuf;

/// The options of WSGI applications.
#[derive(Clone, Debug)]
pub struct Options {
    /// How many threads call the application; 1: it is called on the thread of the event loop.
    pub threads: usize,
    /// There are other workers.
    pub multiprocess: bool,
    /// What the URLs of this application begin with, as the proxy in front sees them: SCRIPT_NAME.
    pub root_path: String,
    /// What becomes of header fields with an underscore in their name.
    pub underscores: Underscores,
    /// Where large bodies of requests are kept; none: where the system keeps temporary files.
    pub tmp_upload_dir: Option<PathBuf>,
    /// Files are sent by the kernel where that is possible.
    pub sendfile: bool,
}

impl Options {
    /// What the settings say.
    #[must_use]
    pub fn of(settings: &Settings) -> Self {
        Self {
            threads: settings.threads,
            multiprocess: settings.workers > 1,
            root_path: settings.root_path.clone(),
            underscores: Underscores::of(settings),
            tmp_upload_dir: settings.tmp_upload_dir.clone(),
            sendfile: settings.sendfile,
        }
    }
}
