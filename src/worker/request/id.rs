//! The id of a request (`request_id_header`): a trusted proxy's own, or a new one of 128 random bits.
//!
//! New ones are unlikely to meet, whichever worker made them: each thread draws from a generator of its own, which the
//! kernel has seeded after the fork. They are no secret, and none may be made of them.

use crate::sys::{clock, random};
use http::HeaderValue;
use http::header::{Entry, HeaderMap, HeaderName};
use std::cell::Cell;

/// The most bytes of an id that is taken over.
const LONGEST: usize = 128;

thread_local! {
    static STATE: Cell<Option<[u64; 4]>> = const { Cell::new(None) };
}

/// The id of a request with these fields, which have it from now on; a client's own is replaced.
pub(super) fn identify(headers: &mut HeaderMap, field: &HeaderName, is_trusted: bool) -> HeaderValue {
    if is_trusted && let Some(id) = sent(headers, field) {
        return id.clone();
    }
    let id = fresh();
    match headers.entry(field) {
        Entry::Occupied(mut entry) => drop(entry.insert(id.clone())),
        Entry::Vacant(entry) => drop(entry.insert(id.clone())),
    }
    id
}

/// The one id that was sent, if it can be shown anywhere.
fn sent<'a>(headers: &'a HeaderMap, field: &HeaderName) -> Option<&'a HeaderValue> {
    let mut ids = headers.get_all(field).iter();
    let id = ids.next().filter(|_| ids.next().is_none())?;
    let is_visible = id.as_bytes().iter().all(u8::is_ascii_graphic);
    (is_visible && (1..=LONGEST).contains(&id.len())).then_some(id)
}

/// A new id: 32 hexadecimal digits.
fn fresh() -> HeaderValue {
    let mut state = STATE.get().unwrap_or_else(seed);
    let words = [next(&mut state), next(&mut state)];
    STATE.set(Some(state));
    let mut text = [0; 32];
    for (digits, byte) in text.chunks_exact_mut(2).zip(words.iter().flat_map(|word| word.to_be_bytes())) {
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        digits[0] = DIGITS[usize::from(byte >> 4)];
        digits[1] = DIGITS[usize::from(byte & 15)];
    }
    HeaderValue::from_bytes(&text).unwrap_or_else(|_| HeaderValue::from_static("-"))
}

fn seed() -> [u64; 4] {
    let mut words = [0; 4];
    if random::fill(&mut words).is_err() {
        // What is different in each process at each time has to do.
        words = [clock::now().0, u64::from(std::process::id()), 0x9e37_79b9_7f4a_7c15, 1];
    }
    words
}

/// xoshiro256++ of Blackman and Vigna.
fn next(state: &mut [u64; 4]) -> u64 {
    let result = state[0].wrapping_add(state[3]).rotate_left(23).wrapping_add(state[0]);
    let kept = state[1] << 17;
    state[2] ^= state[0];
    state[3] ^= state[1];
    state[1] ^= state[2];
    state[0] ^= state[3];
    state[2] ^= kept;
    state[3] = state[3].rotate_left(45);
    result
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    fn after(ids: &[&str], is_trusted: bool) -> String {
        let field = HeaderName::from_static("x-request-id");
        let mut headers = HeaderMap::new();
        for id in ids {
            headers.append(&field, HeaderValue::from_str(id).unwrap());
        }
        let id = identify(&mut headers, &field, is_trusted);
        assert_eq!(headers.get_all(&field).iter().collect::<Vec<_>>(), [&id]);
        id.to_str().unwrap().to_owned()
    }

    #[test]
    fn only_the_trusted_choose_an_id() {
        assert_eq!(after(&["mine"], true), "mine");
        let long = "x".repeat(LONGEST + 1);
        for (ids, is_trusted) in [
            (&["mine"][..], false),
            (&[], false),
            (&["a", "b"], true),
            (&[""], true),
            (&["a b"], true),
            (&[&long], true),
            (&[], true),
        ] {
            let id = after(ids, is_trusted);
            assert!(id.len() == 32 && id.bytes().all(|byte| byte.is_ascii_hexdigit()), "{ids:?} {id}");
        }
    }

    #[test]
    fn no_two_threads_make_the_same() {
        let make = || (0..1000).map(|_| fresh()).collect::<Vec<_>>();
        let threads = [std::thread::spawn(make), std::thread::spawn(make)];
        let all: HashSet<_> = threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect();
        assert_eq!(all.len(), 2000);
    }

    #[test]
    fn the_generator_is_the_one_that_was_examined() {
        // The first numbers of the reference implementation from this state.
        let mut state = [1, 2, 3, 4];
        assert_eq!([next(&mut state), next(&mut state)], [41_943_041, 58_720_359]);
    }
}
