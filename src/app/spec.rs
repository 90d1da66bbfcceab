//! `hello:router` and its relatives: what the operator writes for an application. Pure; looking at the disk is `find`.

use super::error::AppError;
use std::fmt;
use std::path::{Path, PathBuf};

/// The export that is meant when none is named.
const DEFAULT_EXPORT: &str = "router";

/// An application as it was named.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AppSpec {
    /// Where its code is.
    pub library: LibrarySpec,
    /// Which of the library's exports it is.
    pub export: String,
}

/// The part before the colon.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LibrarySpec {
    /// A name to search for: that of a library or of a cargo package.
    Name(String),
    /// A file, taken as it is.
    Path(PathBuf),
}

impl AppSpec {
    /// Understands `hello:router`, `hello` (which means `hello:router`), `my-shop:admin` and
    /// `path/to/libhello.so:router`.
    ///
    /// # Errors
    /// One sentence that quotes `text` and says how it should look.
    pub fn parse(text: &str) -> Result<Self, AppError> {
        let refuse = |problem: String| Err(AppError::Spec { text: text.to_owned(), problem });
        let written = text.trim();
        if written.is_empty() {
            return refuse("write LIBRARY:NAME, for example hello:router".to_owned());
        }
        // A colon in a directory's name is not the one that we look for.
        let (library, export) = match written.rsplit_once(':') {
            Some((library, export)) if !export.contains('/') => (library, export),
            _ => (written, DEFAULT_EXPORT),
        };
        if library.is_empty() {
            return refuse(format!("no library stands before the colon; write LIBRARY:{}", export.escape_debug()));
        }
        if export.is_empty() {
            return refuse(format!(
                "no name stands after the colon; write {}:{DEFAULT_EXPORT}",
                library.escape_debug()
            ));
        }
        let library = match library {
            path if path.ends_with(".py") => return Err(AppError::Python { name: path.to_owned() }),
            path if is_path(path) => LibrarySpec::Path(PathBuf::from(path)),
            module if is_dotted(module) => return Err(AppError::Python { name: module.to_owned() }),
            name if is_package_name(name) => LibrarySpec::Name(name.to_owned()),
            other => {
                return refuse(format!(
                    "{other:?} can be neither a library's name (letters, digits, _ and -) nor a path (with a /)"
                ));
            }
        };
        if !is_identifier(export) {
            return refuse(format!(
                "{export:?} cannot be exported; after the colon comes the name that stands in rustcorn::export!(...)"
            ));
        }
        Ok(Self { library, export: export.to_owned() })
    }

    /// The file's name: `libhello.so`, also for a package `my-shop` (`libmy_shop.so`).
    #[must_use]
    pub fn file_name(&self) -> String {
        match &self.library {
            LibrarySpec::Name(name) => format!("lib{}.so", name.replace('-', "_")),
            LibrarySpec::Path(path) => path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned(),
        }
    }

    /// The name of the package that would make this library: `hello` for both `hello` and `target/debug/libhello.so`.
    #[must_use]
    pub fn package_name(&self) -> Option<&str> {
        match &self.library {
            LibrarySpec::Name(name) => Some(name),
            LibrarySpec::Path(path) => stem(path),
        }
    }
}

impl fmt::Display for AppSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.library {
            LibrarySpec::Name(name) => write!(f, "{name}:{}", self.export),
            LibrarySpec::Path(path) => write!(f, "{}:{}", path.display(), self.export),
        }
    }
}

fn stem(path: &Path) -> Option<&str> {
    path.file_name()?.to_str()?.strip_prefix("lib")?.strip_suffix(".so")
}

fn is_path(text: &str) -> bool {
    text.contains('/') || text.ends_with(".so") || text.contains(".so.")
}

/// `app.main`: what Python calls a module. No Rust package has a dot in its name.
fn is_dotted(text: &str) -> bool {
    text.contains('.') && text.split('.').all(is_identifier)
}

fn is_package_name(text: &str) -> bool {
    text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-')) && !text.starts_with('-')
}

fn is_identifier(text: &str) -> bool {
    let starts_well = text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
    starts_well && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn name(library: &str, export: &str) -> AppSpec {
        AppSpec { library: LibrarySpec::Name(library.to_owned()), export: export.to_owned() }
    }

    fn path(library: &str, export: &str) -> AppSpec {
        AppSpec { library: LibrarySpec::Path(library.into()), export: export.to_owned() }
    }

    #[test]
    fn names_and_paths_are_told_apart() {
        for (text, expected) in [
            ("hello:router", name("hello", "router")),
            ("hello", name("hello", "router")),
            (" my-shop:admin_2 ", name("my-shop", "admin_2")),
            ("./target/release/libhello.so:router", path("./target/release/libhello.so", "router")),
            ("libhello.so", path("libhello.so", "router")),
            ("/srv/a:b/libhello.so", path("/srv/a:b/libhello.so", "router")),
            ("/srv/a:b/libhello.so.1:api", path("/srv/a:b/libhello.so.1", "api")),
        ] {
            assert_eq!(AppSpec::parse(text).as_ref(), Ok(&expected), "{text}");
        }
    }

    #[test]
    fn files_are_named_as_cargo_names_them() {
        assert_eq!(name("my-shop", "x").file_name(), "libmy_shop.so");
        assert_eq!(path("a/libhello.so", "x").file_name(), "libhello.so");
        assert_eq!(path("a/libhello.so", "x").package_name(), Some("hello"));
        assert_eq!(path("a/hello.bin", "x").package_name(), None);
    }

    #[test]
    fn python_is_refused_as_what_it_is() {
        for text in ["app.main:app", "app.main", "a.b.c:create", "main.py", "src/main.py:app"] {
            let error = AppSpec::parse(text).unwrap_err();
            assert!(matches!(error, AppError::Python { .. }), "{text}: {error}");
        }
        assert!(AppSpec::parse("a\nb.py").unwrap_err().to_string().starts_with("a\\nb.py is a Python application"));
        let told = AppSpec::parse("app.main:app").unwrap_err().to_string();
        assert!(told.ends_with("install it there (pip install rustcorn)"), "{told}");
    }

    #[test]
    fn what_makes_no_sense_is_quoted_and_corrected() {
        for (text, part) in [
            ("", "write LIBRARY:NAME"),
            // A message is one line, whatever is quoted in it.
            (":a\nb", "write LIBRARY:a\\nb"),
            ("a\nb:", "write a\\nb:router"),
            (":router", "no library stands before the colon"),
            ("hello:", "write hello:router"),
            ("hello:make()", "\"make()\" cannot be exported"),
            ("hello:a.b", "\"a.b\" cannot be exported"),
            ("he llo:router", "can be neither a library's name"),
            ("-w:router", "can be neither a library's name"),
            ("hello:1st", "cannot be exported"),
        ] {
            let told = AppSpec::parse(text).unwrap_err().to_string();
            assert!(told.starts_with(&format!("{text:?} names no application: ")) && told.contains(part), "{told}");
        }
    }

    proptest! {
        #[test]
        fn nothing_panics_and_every_refusal_is_one_line(text in any::<String>()) {
            match AppSpec::parse(&text) {
                Ok(spec) => prop_assert!(is_identifier(&spec.export)),
                Err(AppError::Python { name }) => prop_assert!(name.contains('.')),
                Err(error) => prop_assert!(!error.to_string().contains('\n')),
            }
        }

        #[test]
        fn what_is_accepted_means_the_same_when_written_out(text in "[a-z./:_-]{1,12}") {
            if let Ok(spec) = AppSpec::parse(&text) {
                prop_assert_eq!(AppSpec::parse(&spec.to_string()), Ok(spec));
            }
        }
    }
}
