//! The words of a command line before clap sees them.

use crate::settings::{Kind, OPTIONS, SWITCH_OFF, SWITCH_ON};
use std::ffi::{OsStr, OsString};

/// Ties a value to the flag in front of it where the flag may also stand alone: `--proxy-protocol v1` as Gunicorn writes
/// it becomes `--proxy-protocol=v1`. clap would either take the word for the application, or, in
/// `--proxy-protocol hello:router`, the application for a value; the names that the option takes tell them apart.
pub fn tied(words: Vec<OsString>) -> Vec<OsString> {
    let mut tied: Vec<OsString> = Vec::with_capacity(words.len());
    let mut are_options = true;
    for word in words {
        match tied.last_mut() {
            Some(flag) if are_options && takes(flag, &word) => {
                flag.push("=");
                flag.push(word);
            }
            _ => {
                are_options &= word != "--";
                tied.push(word);
            }
        }
    }
    tied
}

fn takes(flag: &OsStr, word: &OsStr) -> bool {
    let (Some(flag), Some(word)) = (flag.to_str().and_then(|flag| flag.strip_prefix("--")), word.to_str()) else {
        return false;
    };
    OPTIONS.iter().any(|spec| match spec.kind {
        Kind::Choice { names, switch: Some(_) } => {
            let is_meant = spec.long_flag() == flag || spec.aliases.contains(&flag);
            // uvicorn writes `--ws-per-message-deflate false`.
            is_meant && names.iter().chain(&[SWITCH_ON, SWITCH_OFF]).any(|name| name.eq_ignore_ascii_case(word))
        }
        _ => false,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_tied_to_its_flag_and_an_application_is_not() {
        let tied = |words: &str| tied(words.split(' ').map(OsString::from).collect()).join(OsStr::new(" "));
        for (words, expected) in [
            ("--proxy-protocol v1 hello:router", "--proxy-protocol=v1 hello:router"),
            ("--proxy-protocol hello:router", "--proxy-protocol hello:router"),
            ("--use-colors NEVER --proxy-headers off", "--use-colors=NEVER --proxy-headers=off"),
            ("--proxy-protocol=v1 v2", "--proxy-protocol=v1 v2"),
            ("--ws-per-message-deflate false hello:router", "--ws-per-message-deflate=false hello:router"),
            ("--workers auto", "--workers auto"),
            ("-- --proxy-protocol v1", "-- --proxy-protocol v1"),
        ] {
            assert_eq!(tied(words), expected);
        }
    }
}
