//! Reads what a shared library exports, without loading it: none of its code may run before it is known to fit.
//!
//! The file may be anything, half-written or hostile: whatever is wrong becomes a sentence, nothing panics, and no
//! more than the tables of names is held in memory.

use super::error::AppError;
use super::exports::{Export, Exports};
use crate::abi::{STAMP_PREFIX, Stamp, WORKER_PREFIX};
use object::elf;
use object::endian::Endianness;
use object::read::elf::{FileHeader, ProgramHeader, Sym};
use object::read::{ReadCache, ReadRef};
use std::fs::File;
use std::path::Path;

#[cfg(target_pointer_width = "64")]
type Header = elf::FileHeader64<Endianness>;
#[cfg(target_pointer_width = "32")]
type Header = elf::FileHeader32<Endianness>;

/// The applications that the library in `file` exports. `path` is for the sentence that says what is wrong with it.
///
/// # Errors
/// If it is not a shared library for this machine, or damaged.
pub fn inspect(path: &Path, file: &File) -> Result<Exports, AppError> {
    read(&ReadCache::new(file)).map_err(|problem| AppError::File { path: path.to_owned(), problem })
}

/// The problem is the rest of a sentence that begins with the file's name.
fn read<'data, R: ReadRef<'data>>(data: R) -> Result<Exports, String> {
    check_beginning(data)?;
    let damaged = |error: object::read::Error| format!("is cut short or damaged ({error})");
    let header = Header::parse(data).map_err(damaged)?;
    let endian = header.endian().map_err(damaged)?;
    check_machine(header.e_machine(endian))?;
    match header.e_type(endian) {
        elf::ET_DYN => {}
        elf::ET_EXEC => return Err("is a program, not a shared library".to_owned()),
        elf::ET_REL => return Err("is an object file, not a shared library".to_owned()),
        elf::ET_CORE => return Err("is a core dump, not a shared library".to_owned()),
        other => return Err(format!("is not a shared library (ELF type {other})")),
    }
    let segments = header.program_headers(endian, data).map_err(damaged)?;
    check_length(segments, endian, data.len().unwrap_or(0))?;

    let sections = header.sections(endian, data).map_err(damaged)?;
    let symbols = sections.symbols(endian, data, elf::SHT_DYNSYM).map_err(damaged)?;
    let mut names = Vec::new();
    let mut stamps = Vec::new();
    for symbol in symbols.iter().filter(|symbol| !symbol.is_undefined(endian) && symbol.st_bind() == elf::STB_GLOBAL) {
        let name = symbols.symbol_name(endian, symbol).map_err(damaged)?;
        if let Some(name) = strip(name, WORKER_PREFIX) {
            names.push(name);
        } else if let Some(name) = strip(name, STAMP_PREFIX)
            && let Some(stamp) = stamp_at(data, segments, endian, symbol.st_value(endian))
        {
            stamps.push((name, stamp));
        }
    }
    if names.is_empty() && segments.iter().any(|segment| segment.p_type(endian) == elf::PT_INTERP) {
        return Err("is a program, not a shared library".to_owned());
    }
    names.sort();
    names.dedup();
    let stamp_of = |name: &str| stamps.iter().find(|(stamped, _)| stamped == name).map(|(_, stamp)| *stamp);
    Ok(Exports(names.into_iter().map(|name| Export { stamp: stamp_of(&name), name }).collect()))
}

fn strip(name: &[u8], prefix: &str) -> Option<String> {
    str::from_utf8(name).ok()?.strip_prefix(prefix).map(str::to_owned)
}

/// The first bytes: is it ELF at all, and of our word size and byte order?
fn check_beginning<'data, R: ReadRef<'data>>(data: R) -> Result<(), String> {
    const SIZE: u8 = if cfg!(target_pointer_width = "64") { elf::ELFCLASS64.0 } else { elf::ELFCLASS32.0 };
    const ORDER: u8 = if cfg!(target_endian = "little") { elf::ELFDATA2LSB.0 } else { elf::ELFDATA2MSB.0 };
    let len = data.len().map_err(|()| "cannot be read".to_owned())?;
    let start = data.read_bytes_at(0, len.min(16)).map_err(|()| "cannot be read".to_owned())?;
    match start {
        [] => Err("is empty".to_owned()),
        [0x7f, b'E', b'L', b'F', size, order, ..] if (*size, *order) == (SIZE, ORDER) => Ok(()),
        [0x7f, b'E', b'L', b'F', _, _, ..] => {
            Err(format!("is built for another kind of machine; this one is {}", std::env::consts::ARCH))
        }
        _ => Err(format!("is not a shared library: it starts with \"{}\"", start.escape_ascii())),
    }
}

fn check_machine(machine: elf::Machine) -> Result<(), String> {
    const KNOWN: [(&str, elf::Machine); 7] = [
        ("x86_64", elf::EM_X86_64),
        ("aarch64", elf::EM_AARCH64),
        ("riscv64", elf::EM_RISCV),
        ("powerpc64", elf::EM_PPC64),
        ("s390x", elf::EM_S390),
        ("arm", elf::EM_ARM),
        ("x86", elf::EM_386),
    ];
    let here = std::env::consts::ARCH;
    match KNOWN.iter().find(|(arch, _)| *arch == here) {
        // On a machine that the table does not know, the loader will say it.
        Some((_, ours)) if *ours != machine => {
            let theirs = KNOWN.iter().find(|(_, number)| *number == machine).map_or("another kind", |(arch, _)| *arch);
            Err(format!("is built for a machine of {theirs}; this one is {here}"))
        }
        _ => Ok(()),
    }
}

/// A library shorter than its segments would kill the worker that touches the missing part (SIGBUS).
fn check_length<P: ProgramHeader>(segments: &[P], endian: P::Endian, len: u64) -> Result<(), String> {
    for segment in segments.iter().filter(|segment| segment.p_type(endian) == elf::PT_LOAD) {
        let (offset, size): (u64, u64) = (segment.p_offset(endian).into(), segment.p_filesz(endian).into());
        if offset.checked_add(size).is_none_or(|end| end > len) {
            return Err(format!("is cut short: a part of it should lie beyond its end at byte {len}"));
        }
    }
    Ok(())
}

/// The stamp at a virtual address: plain data, which the file holds as memory would.
fn stamp_at<'data, R: ReadRef<'data>, P: ProgramHeader>(
    data: R,
    segments: &[P],
    endian: P::Endian,
    address: impl Into<u64>,
) -> Option<Stamp> {
    const SIZE: u64 = size_of::<Stamp>() as u64;
    let address = address.into();
    let offset = segments.iter().filter(|segment| segment.p_type(endian) == elf::PT_LOAD).find_map(|segment| {
        let start: u64 = segment.p_vaddr(endian).into();
        let into = address.checked_sub(start)?;
        let fits = into.checked_add(SIZE)? <= segment.p_filesz(endian).into();
        let offset: u64 = segment.p_offset(endian).into();
        if fits { offset.checked_add(into) } else { None }
    })?;
    let bytes = data.read_bytes_at(offset, SIZE).ok()?;
    let (abi, rest) = bytes.split_first_chunk()?;
    let (seat_size, version) = rest.split_first_chunk()?;
    // The byte order is ours: check_beginning has seen to that.
    Some(Stamp {
        abi: u32::from_ne_bytes(*abi),
        seat_size: u32::from_ne_bytes(*seat_size),
        version: version.try_into().ok()?,
    })
}

#[cfg(test)]
#[path = "elf_tests.rs"]
mod tests;
