//! uvicorn's words for where to listen become `bind`; options without effect are told once.

use super::error::{Fault, Place, Problem, quoted};
use super::layer::{Entry, Layer, Origin};
use super::resolve::Resolved;
use super::spec::Section;
use super::uvicorn::UVICORN_PREFIX;
use super::value::Value;
use super::{OPTIONS, OptionSpec};

/// uvicorn's four, in the order in which one excludes the rest.
const WORDS: [&str; 4] = ["fd", "uds", "host", "port"];

/// Whether this option is one of uvicorn's words for where to listen.
pub fn says_where(key: &str) -> bool {
    WORDS.contains(&key)
}

/// Replaces host, port, uds and fd by the bind that they mean. Of two sources the higher one says where to listen; a
/// single source may not say it twice.
pub fn fold(layer: &mut Layer) -> Vec<Problem> {
    // An empty text takes back what a lower layer has set, as everywhere, and says nothing else.
    let is_set = |entry: &Entry| !entry.value.plain().concat().is_empty();
    let set = WORDS.iter().filter(|key| layer.get(**key).is_some_and(is_set)).copied().collect::<Vec<_>>();
    let said: Vec<(&'static str, Entry)> = set.into_iter().filter_map(|key| Some((key, layer.remove(key)?))).collect();
    let Some(origin) = said.iter().map(|(_, entry)| &entry.origin).min_by_key(|origin| rank(origin)) else {
        return Vec::new();
    };
    let origin = origin.clone();
    for (key, entry) in said.iter().filter(|(key, _)| matches!(*key, "port" | "fd")) {
        let text = entry.value.plain().concat();
        if text.parse::<u16>().is_err() {
            let fault = Fault::Conflict {
                message: format!("{} ({}) is no number from 0 to 65535", quoted(&text), entry.origin),
            };
            return vec![Problem { place: Place::Key(key), fault }];
        }
    }
    let conflict = |key: &'static str, message: String| {
        vec![Problem { place: Place::Key(key), fault: Fault::Conflict { message } }]
    };
    if let Some(bind) = layer.get("bind") {
        let (ours, theirs) = (rank(&origin), rank(&bind.origin));
        if theirs < ours {
            return Vec::new();
        }
        if theirs == ours {
            let names = said.iter().map(|(key, _)| *key).collect::<Vec<_>>().join(" and ");
            let message = format!("is set ({}), and so is {names} ({origin}); leave one of them out", bind.origin);
            return conflict("bind", message);
        }
    }
    let of = |key: &str| said.iter().find(|(word, _)| *word == key).map(|(_, entry)| entry.value.plain().concat());
    let bind = match (of("fd"), of("uds"), of("host"), of("port")) {
        (Some(fd), None, None, None) => format!("fd://{fd}"),
        (None, Some(path), None, None) => format!("unix:{path}"),
        (None, None, host, port) => {
            let host = host.unwrap_or_else(|| "127.0.0.1".to_owned());
            let host = if host.contains(':') && !host.starts_with('[') { format!("[{host}]") } else { host };
            format!("{host}:{}", port.unwrap_or_else(|| "8000".to_owned()))
        }
        (fd, ..) => {
            let (one, others) = if fd.is_some() { ("fd", "uds, host and port") } else { ("uds", "host and port") };
            return conflict(one, format!("says where to listen ({origin}); {others} cannot say it too"));
        }
    };
    layer.insert("bind", Entry { value: Value::List(vec![bind]), origin });
    Vec::new()
}

/// Lower is stronger.
fn rank(origin: &Origin) -> u8 {
    match origin {
        Origin::CommandLine => 0,
        Origin::CmdArgs(_) => 1,
        // One that other programs set says little, one of ours much.
        Origin::Environment(name) if name.starts_with(super::PREFIX) => 2,
        Origin::Environment(name) if name.starts_with(UVICORN_PREFIX) => 3,
        Origin::File { .. } => 4,
        Origin::Program => 5,
        Origin::Environment(_) => 6,
        Origin::Default => 7,
    }
}

/// One sentence for each option that is given and does nothing.
pub fn warnings(resolved: &Resolved) -> Vec<String> {
    let without_effect = |spec: &&OptionSpec| spec.section == Section::Spellings && spec.help().starts_with(NO_EFFECT);
    let given = OPTIONS.iter().filter(without_effect).filter(|spec| resolved.provenance.contains_key(spec.key));
    given
        .map(|spec| {
            let why = spec.help().trim_start_matches(NO_EFFECT);
            format!("{} ({}) has no effect{why}", spec.key, resolved.origin(spec.key))
        })
        .collect()
}

const NO_EFFECT: &str = "Has no effect";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::{ConfigFile, Given, Sources, resolve};

    fn resolved(
        command_line: &[(&'static str, &str)],
        file: &str,
        variables: &[(&str, &str)],
    ) -> Result<Resolved, String> {
        let given = |(key, text): &(&'static str, &str)| Given { key, texts: vec![(*text).to_owned()] };
        let sources = Sources {
            command_line: command_line.iter().map(given).collect(),
            environment: variables.iter().map(|(name, value)| (name.into(), value.into())).collect(),
            file: Some(ConfigFile { path: "rustcorn.toml".into(), text: file.to_owned() }),
            ..Sources::default()
        };
        resolve(&sources).map_err(|error| error.problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))
    }

    fn bind(command_line: &[(&'static str, &str)], file: &str, variables: &[(&str, &str)]) -> String {
        resolved(command_line, file, variables).expect("it can be resolved").settings.bind.join(" ")
    }

    #[test]
    fn uvicorns_words_become_a_bind() {
        assert_eq!(bind(&[("host", "0.0.0.0"), ("port", "3000")], "", &[]), "0.0.0.0:3000");
        assert_eq!(bind(&[("port", "3000")], "", &[]), "127.0.0.1:3000");
        assert_eq!(bind(&[("host", "::1")], "", &[]), "[::1]:8000");
        assert_eq!(bind(&[("uds", "/run/x.sock")], "", &[]), "unix:/run/x.sock");
        assert_eq!(bind(&[("fd", "3")], "", &[]), "fd://3");
        assert_eq!(bind(&[("port", "1")], "host = \"10.0.0.1\"", &[]), "10.0.0.1:1");
    }

    #[test]
    fn the_higher_source_says_where_to_listen() {
        assert_eq!(bind(&[("port", "1")], "bind = \"127.0.0.1:9\"", &[]), "127.0.0.1:1");
        assert_eq!(bind(&[("bind", "127.0.0.1:9")], "port = 1", &[]), "127.0.0.1:9");
        assert_eq!(bind(&[("host", "127.0.0.1")], "", &[("PORT", "5000")]), "127.0.0.1:8000");
        // Kubernetes speaks of a service of our name.
        assert_eq!(bind(&[], "", &[("RUSTCORN_PORT", "tcp://10.0.0.1:80")]), "127.0.0.1:8000");
        let told = resolved(&[("port", "1"), ("bind", "127.0.0.1:9")], "", &[]).unwrap_err();
        assert!(told.contains("bind") && told.contains("port") && told.contains("leave one of them out"), "{told}");
        let told = resolved(&[("port", "1"), ("uds", "/x")], "", &[]).unwrap_err();
        assert!(told.contains("uds") && told.contains("cannot say it too"), "{told}");
    }

    #[test]
    fn what_has_no_effect_is_told_once() {
        let warnings = resolved(&[("worker_tmp_dir", "/dev/shm")], "", &[]).unwrap().warnings;
        let expected = "worker_tmp_dir (the command line) has no effect: heartbeats are in shared memory, not in files";
        assert_eq!(warnings, [expected]);
        assert_eq!(resolved(&[], "", &[]).unwrap().warnings, [""; 0]);
    }
}
