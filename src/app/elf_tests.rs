//! Libraries whole, foreign, cut short and garbled.

use super::*;
use crate::abi::ABI;
use crate::app::testkit::{compile, library};
use proptest::prelude::*;
use std::io::Cursor;

fn read_bytes(bytes: &[u8]) -> Result<Exports, String> {
    read(&ReadCache::new(Cursor::new(bytes)))
}

fn with(position: usize, byte: u8) -> String {
    let mut bytes = library().to_vec();
    bytes[position] = byte;
    read_bytes(&bytes).unwrap_err()
}

#[test]
fn a_library_names_its_applications_and_what_they_were_built_against() {
    let exports = read_bytes(library()).unwrap();
    let names: Vec<_> = exports.0.iter().map(|export| export.name.as_str()).collect();
    assert_eq!(names, ["blank", "other", "router"]);
    assert!(exports.0[0].stamp.is_none());
    assert_eq!(exports.0[1].stamp.unwrap().abi, 7);
    let router = exports.0[2].stamp.unwrap();
    assert_eq!((router.abi, &router.version[..6]), (ABI, b"0.1.0\0".as_slice()));
}

#[test]
fn a_stripped_library_tells_as_much() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("libtiny.so");
    std::fs::write(&path, library()).unwrap();
    match std::process::Command::new("strip").arg(&path).status() {
        Ok(status) => assert!(status.success()),
        // No binutils here: nothing to learn.
        Err(_) => return,
    }
    let stripped = std::fs::read(&path).unwrap();
    assert!(stripped.len() < library().len());
    assert_eq!(read_bytes(&stripped).unwrap().0.len(), 3);
}

#[test]
fn what_is_no_library_is_called_by_its_name() {
    assert_eq!(read_bytes(b"").unwrap_err(), "is empty");
    assert_eq!(
        read_bytes(b"#!/bin/sh\nexit 1\n").unwrap_err(),
        "is not a shared library: it starts with \"#!/bin/sh\\nexit 1\""
    );
    let home = tempfile::tempdir().unwrap();
    let program = compile(home.path(), "program", "bin", "fn main() {}");
    let told = inspect(&program, &File::open(&program).unwrap()).unwrap_err().to_string();
    assert_eq!(told, format!("{} is a program, not a shared library", program.display()));
    let plain = compile(home.path(), "libplain.so", "cdylib", "");
    assert!(inspect(&plain, &File::open(&plain).unwrap()).unwrap().0.is_empty());
    let folder = File::open(home.path()).unwrap();
    assert!(inspect(home.path(), &folder).is_err());
}

#[test]
fn other_machines_and_other_kinds_of_elf_are_told_apart() {
    assert!(with(4, 3).contains("another kind of machine"));
    assert!(with(5, 7).contains("another kind of machine"));
    // e_machine, e_type.
    let other = if cfg!(target_arch = "aarch64") { 62 } else { 183 };
    let told = with(18, other);
    assert!(told.contains("is built for a machine of") && told.ends_with(std::env::consts::ARCH), "{told}");
    assert!(with(16, 1).contains("object file"));
    assert!(with(16, 2).contains("program"));
    assert!(with(16, 4).contains("core dump"));
}

#[test]
fn a_library_cut_short_anywhere_is_refused() {
    let whole = library();
    for cut in (1..whole.len()).step_by(whole.len() / 200) {
        let told = read_bytes(&whole[..whole.len() - cut]).unwrap_err();
        assert!(told.contains("cut short") || told.contains("not a shared library"), "{told}");
    }
}

proptest! {
    #[test]
    fn random_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        let _ = read_bytes(&bytes);
        let mut dressed = library()[..16].to_vec();
        dressed.extend(&bytes);
        let _ = read_bytes(&dressed);
    }

    #[test]
    fn garbled_libraries_never_panic(
        header in proptest::collection::vec((0_usize..1024, any::<u8>()), 0..12),
        anywhere in proptest::collection::vec((any::<proptest::sample::Index>(), any::<u8>()), 0..40),
    ) {
        let mut bytes = library().to_vec();
        for (position, byte) in header {
            bytes[position] = byte;
        }
        for (position, byte) in anywhere {
            let position = position.index(bytes.len());
            bytes[position] = byte;
        }
        let _ = read_bytes(&bytes);
    }
}
