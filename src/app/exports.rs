//! What a library exports, and whether that is the application that was asked for. Pure; reading it is `elf`.

use super::error::AppError;
use crate::abi::{ABI, Seat, Stamp};
use std::path::Path;

/// One application of a library.
#[derive(Clone, Debug)]
pub struct Export {
    /// Its name, without `rustcorn_worker_`.
    pub name: String,
    /// What it was built against, if it says.
    pub stamp: Option<Stamp>,
}

/// All applications of a library, in alphabetical order.
#[derive(Clone, Debug, Default)]
pub struct Exports(pub Vec<Export>);

impl Exports {
    /// The application `wanted`, if it is there and fits this arbiter. `path` is for the sentence that says otherwise.
    ///
    /// # Errors
    /// No applications at all, none of this name, or one that was built for another arbiter.
    pub fn pick(&self, path: &Path, wanted: &str) -> Result<&Export, AppError> {
        let path = || path.to_owned();
        if self.0.is_empty() {
            return Err(AppError::NoExports { path: path(), wanted: wanted.to_owned() });
        }
        let Some(export) = self.0.iter().find(|export| export.name == wanted) else {
            let names = nearest_first(wanted, self.0.iter().map(|export| export.name.clone()).collect());
            return Err(AppError::NoSuchExport { path: path(), wanted: wanted.to_owned(), names });
        };
        let Some(stamp) = &export.stamp else {
            return Err(AppError::NoStamp { path: path(), name: export.name.clone() });
        };
        let theirs = if stamp.abi != ABI {
            format!("ABI {}", stamp.abi)
        } else if usize::try_from(stamp.seat_size) != Ok(size_of::<Seat>()) {
            // Only a development build can have this: the number rises with each release that changes the struct.
            format!("ABI {} in another shape ({} bytes for {})", stamp.abi, stamp.seat_size, size_of::<Seat>())
        } else {
            return Ok(export);
        };
        Err(AppError::OtherAbi { path: path(), version: version(stamp), theirs })
    }
}

/// The version in a stamp, as far as it can be shown.
pub(super) fn version(stamp: &Stamp) -> String {
    let text: String =
        stamp.version.iter().take_while(|byte| byte.is_ascii_graphic()).map(|&b| char::from(b)).collect();
    if text.is_empty() { "of an unknown version".to_owned() } else { text }
}

/// Sorts `names` by how much they look like `wanted`.
pub(super) fn nearest_first(wanted: &str, mut names: Vec<String>) -> Vec<String> {
    names.sort_by_key(|name| strsim::damerau_levenshtein(wanted, name));
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    fn library(names: &[&str], stamp: Option<Stamp>) -> Exports {
        Exports(names.iter().map(|name| Export { name: (*name).to_owned(), stamp }).collect())
    }

    fn refusal(exports: &Exports, wanted: &str) -> String {
        exports.pick(Path::new("libx.so"), wanted).unwrap_err().to_string()
    }

    #[test]
    fn a_fitting_export_is_found() {
        let exports = library(&["admin", "router"], Some(Stamp::here()));
        assert_eq!(exports.pick(Path::new("libx.so"), "router").unwrap().name, "router");
    }

    #[test]
    fn a_wrong_name_lists_the_right_ones_nearest_first() {
        let exports = library(&["admin", "metrics", "router"], Some(Stamp::here()));
        assert_eq!(
            refusal(&exports, "ruoter"),
            "libx.so exports no application ruoter; it exports router, admin and metrics"
        );
        assert_eq!(
            refusal(&library(&["api"], Some(Stamp::here())), "router"),
            "libx.so exports no application router; it exports api"
        );
        assert!(refusal(&Exports::default(), "router").contains("add rustcorn::export!(router)"));
    }

    #[test]
    fn another_abi_names_both_sides() {
        let here = env!("CARGO_PKG_VERSION");
        let mut version = [0; 24];
        version[..5].copy_from_slice(b"9.0.1");
        let seven = Stamp { abi: 7, version, ..Stamp::here() };
        assert_eq!(
            refusal(&library(&["router"], Some(seven)), "router"),
            format!(
                "libx.so was built against rustcorn 9.0.1 with ABI 7; this is rustcorn {here} with ABI {ABI}: \
                 rebuild the application with rustcorn {here}"
            )
        );
        let odd = Stamp { seat_size: 8, version: [0xff; 24], ..Stamp::here() };
        let told = refusal(&library(&["router"], Some(odd)), "router");
        assert!(
            told.contains(&format!("of an unknown version with ABI {ABI} in another shape (8 bytes for")),
            "{told}"
        );
        assert!(refusal(&library(&["router"], None), "router").contains("(it has no rustcorn_stamp_router)"));
    }
}
