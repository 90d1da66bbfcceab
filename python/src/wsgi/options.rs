//! What the operator decides about WSGI applications.

use rustcorn::Settings;
pub use rustcorn::settings::HeaderMap as HeaderMapping;
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
    /// What becomes of header fields with an underscore in their name: in the environ they cannot be told from those with
    /// a hyphen, which a proxy may have checked or removed.
    pub header_map: HeaderMapping,
    /// Such fields that a trusted proxy may send all the same, in upper case.
    pub forwarder_headers: Vec<String>,
    /// Where large bodies of requests are kept; none: where the system keeps temporary files.
    pub tmp_upload_dir: Option<PathBuf>,
    /// Files are sent by the kernel where that is possible.
    pub sendfile: bool,
}

impl Options {
    /// What the settings say.
    #[must_use]
    pub fn of(settings: &Settings) -> Self {
        let names = settings.forwarder_headers.split(',').map(str::trim).filter(|name| !name.is_empty());
        Self {
            threads: settings.threads,
            multiprocess: settings.workers > 1,
            root_path: settings.root_path.clone(),
            header_map: settings.header_map,
            forwarder_headers: names.map(str::to_ascii_uppercase).collect(),
            tmp_upload_dir: settings.tmp_upload_dir.clone(),
            sendfile: settings.sendfile,
        }
    }
}

impl Default for Options {
    fn default() -> Self {
        Self {
            threads: 1,
            multiprocess: true,
            root_path: String::new(),
            header_map: HeaderMapping::Drop,
            forwarder_headers: vec!["SCRIPT_NAME".into(), "PATH_INFO".into()],
            tmp_upload_dir: None,
            sendfile: true,
        }
    }
}
