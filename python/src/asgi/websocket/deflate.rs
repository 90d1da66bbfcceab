//! permessage-deflate (RFC 7692). No connection has a context of its own: one compressor of each size serves a whole
//! worker, and ten thousand idle connections cost nothing.

use flate2::{Compress, Compression, Decompress, FlushCompress, FlushDecompress, Status};
use std::cell::RefCell;

/// Shorter messages do not get smaller.
const SHORTEST: usize = 64;
/// What ends a compressed message, and is not sent (7.2.1).
const TAIL: [u8; 4] = [0, 0, 0xff, 0xff];
/// The largest window, as its exponent.
const WIDEST: u8 = 15;

thread_local! {
    static COMPRESSORS: RefCell<[Option<Compress>; 16]> = const { RefCell::new([const { None }; 16]) };
    static DECOMPRESSOR: RefCell<Option<Decompress>> = const { RefCell::new(None) };
}

/// What was agreed upon.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Agreed {
    /// The window for what we send.
    bits: u8,
}

/// The first offer that can be accepted, and the words for it.
pub(super) fn agree(offers: &str) -> Option<(Agreed, String)> {
    offers.split(',').find_map(accept)
}

fn accept(offer: &str) -> Option<(Agreed, String)> {
    let mut words = offer.split(';').map(str::trim);
    if words.next() != Some("permessage-deflate") {
        return None;
    }
    let mut bits = None;
    let mut seen = Vec::new();
    for word in words {
        let (name, value) = match word.split_once('=') {
            Some((name, value)) => (name.trim(), Some(value.trim().trim_matches('"'))),
            None => (word, None),
        };
        if seen.contains(&name) {
            return None;
        }
        seen.push(name);
        match (name, value) {
            ("server_no_context_takeover" | "client_no_context_takeover" | "client_max_window_bits", None) => {}
            ("client_max_window_bits", Some(value)) => drop(window(value)?),
            // A window of 8 is what zlib cannot do.
            ("server_max_window_bits", Some(value)) => bits = Some(window(value).filter(|bits| *bits > 8)?),
            _ => return None,
        }
    }
    let mut words = "permessage-deflate; server_no_context_takeover; client_no_context_takeover".to_owned();
    if let Some(bits) = bits {
        words.push_str(&format!("; server_max_window_bits={bits}"));
    }
    Some((Agreed { bits: bits.unwrap_or(WIDEST) }, words))
}

fn window(value: &str) -> Option<u8> {
    let is_plain = !value.starts_with('0') && value.bytes().all(|byte| byte.is_ascii_digit());
    value.parse().ok().filter(|bits| is_plain && (8..=WIDEST).contains(bits))
}

/// A message made smaller; none: it is better sent as it is.
pub(super) fn compress(agreed: Agreed, message: &[u8]) -> Option<Vec<u8>> {
    if message.len() < SHORTEST {
        return None;
    }
    COMPRESSORS.with_borrow_mut(|all| {
        let make = || Compress::new_with_window_bits(Compression::new(4), false, agreed.bits);
        let compressor = all.get_mut(usize::from(agreed.bits))?.get_or_insert_with(make);
        compressor.reset();
        let mut out = Vec::with_capacity(message.len() / 2 + 64);
        loop {
            let taken = usize::try_from(compressor.total_in()).ok()?;
            let rest = message.get(taken..)?;
            compressor.compress_vec(rest, &mut out, FlushCompress::Sync).ok()?;
            if compressor.total_in() as usize == message.len() && out.len() < out.capacity() {
                break;
            }
            out.reserve(out.len().max(64));
        }
        out.truncate(out.len().checked_sub(TAIL.len())?);
        (out.len() < message.len()).then_some(out)
    })
}

/// Why a message cannot be made large again.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Bad {
    TooLong,
    Broken,
}

/// A message as it was. `most`: how long it may be.
pub(super) fn decompress(message: &[u8], most: usize) -> Result<Vec<u8>, Bad> {
    DECOMPRESSOR.with_borrow_mut(|known| {
        let decompressor = known.get_or_insert_with(|| Decompress::new(false));
        decompressor.reset(false);
        let mut out = Vec::with_capacity((message.len() * 4).clamp(256, 64 << 10));
        for part in [message, &TAIL] {
            let begin = decompressor.total_in();
            loop {
                let taken = usize::try_from(decompressor.total_in() - begin).unwrap_or(usize::MAX);
                let rest = part.get(taken..).unwrap_or_default();
                let status = decompressor.decompress_vec(rest, &mut out, FlushDecompress::Sync);
                if out.len() > most {
                    return Err(Bad::TooLong);
                }
                let is_full = out.len() == out.capacity();
                let is_taken = (decompressor.total_in() - begin) as usize >= part.len();
                match status {
                    Err(_) => return Err(Bad::Broken),
                    // A final block: what follows it is of no use (7.2.3.4).
                    Ok(Status::StreamEnd) => return Ok(out),
                    Ok(Status::Ok | Status::BufError) if is_full => out.reserve(out.len().max(256)),
                    Ok(Status::Ok | Status::BufError) if is_taken => break,
                    Ok(Status::BufError) => return Err(Bad::Broken),
                    Ok(Status::Ok) => {}
                }
            }
        }
        Ok(out)
    })
}
