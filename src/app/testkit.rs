//! For the tests of this module: a folder of files, small cargo packages, and a real shared library.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use tempfile::TempDir;

/// A temporary folder with some files in it.
pub(super) struct Files(TempDir);

impl Files {
    pub(super) fn new(files: &[(&str, &str)]) -> Self {
        let this = Self(tempfile::tempdir().unwrap());
        for (name, text) in files {
            this.write(name, text);
        }
        this
    }

    pub(super) fn write(&self, name: &str, text: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, text).unwrap();
        path
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.root().join(name)
    }

    /// Without symbolic links, as cargo reports paths.
    pub(super) fn root(&self) -> PathBuf {
        self.0.path().canonicalize().unwrap()
    }
}

/// Writes a package `name` with an empty library.
pub(super) fn package(files: &Files, name: &str, lib: &str, dependencies: &str) {
    let manifest = format!(
        "[package]\nname = \"{name}\"\nversion = \"0.1.0\"\nedition = \"2024\"\n[lib]\n{lib}\n[dependencies]\n{dependencies}\n"
    );
    files.write(&format!("{name}/Cargo.toml"), manifest);
    files.write(&format!("{name}/src/lib.rs"), "");
}

/// Compiles `source` to `name` in `folder`.
pub(super) fn compile(folder: &Path, name: &str, kind: &str, source: &str) -> PathBuf {
    let input = folder.join(format!("{name}.rs"));
    let output = folder.join(name);
    std::fs::write(&input, source).unwrap();
    let status = Command::new(std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into()))
        .arg("-L")
        .arg(folder)
        .args(["--edition=2024", "--crate-name=tiny", "-Cdebuginfo=0", "-Cpanic=abort", "--crate-type", kind, "-o"])
        .args([&output, &input])
        .status()
        .unwrap();
    assert!(status.success(), "rustc cannot compile the test's library");
    output
}

/// The bytes of a library with the applications `router` (of this ABI; its worker answers 40 + slot), `other` (ABI 7
/// of version 9.0.1) and `blank` (no stamp).
pub(super) fn library() -> &'static [u8] {
    static BYTES: OnceLock<Vec<u8>> = OnceLock::new();
    BYTES.get_or_init(|| {
        let folder = tempfile::tempdir().unwrap();
        let seat = size_of::<crate::abi::Seat>();
        let abi = crate::abi::ABI;
        let source = format!(
            r#"
            #[repr(C)] pub struct Stamp {{ abi: u32, seat: u32, version: [u8; 24] }}
            const fn version(text: &[u8]) -> [u8; 24] {{
                let mut out = [0; 24]; let mut i = 0;
                while i < text.len() {{ out[i] = text[i]; i += 1; }}
                out
            }}
            #[unsafe(no_mangle)] pub static rustcorn_stamp_router: Stamp =
                Stamp {{ abi: {abi}, seat: {seat}, version: version(b"0.1.0") }};
            #[unsafe(no_mangle)] pub static rustcorn_stamp_other: Stamp =
                Stamp {{ abi: 7, seat: 8, version: version(b"9.0.1") }};
            #[unsafe(no_mangle)] pub unsafe extern "C" fn rustcorn_worker_router(seat: *const u32) -> i32 {{
                40 + unsafe {{ *seat.add(2) }} as i32
            }}
            #[unsafe(no_mangle)] pub extern "C" fn rustcorn_worker_other(_: *const u32) -> i32 {{ 0 }}
            #[unsafe(no_mangle)] pub extern "C" fn rustcorn_worker_blank(_: *const u32) -> i32 {{ 0 }}
            "#
        );
        std::fs::read(compile(folder.path(), "libtiny.so", "cdylib", &source)).unwrap()
    })
}
