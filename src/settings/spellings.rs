//! uvicorn's words for where to listen become `bind`; options without effect are told once.

use super::error::{Fault, Place, Problem};
use super::layer::{Entry, Layer, Origin};
use super::resolve::Resolved;
use super::spec::Section;
use super::value::Value;
use super::{OPTIONS, OptionSpec};

/// uvicorn's four, in the order in which one excludes the rest.
const WORDS: [&str; 4] = ["fd", "uds", "host", "port"];

/// Replaces host, port, uds and fd by the bind that they mean. Of two sources the higher one says where to listen; a
/// single source may not say it twice.
pub fn fold(layer: &mut Layer) -> Vec<Problem> {
    let said: Vec<(&str, Entry)> = WORDS.iter().filter_map(|key| Some((*key, layer.remove(key)?))).collect();
    let Some(origin) = said.iter().map(|(_, entry)| &entry.origin).min_by_key(|origin| rank(origin)) else {
        return Vec::new();
    };
    let origin = origin.clone();
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
        Origin::CmdArgs => 1,
        // One that other programs set says little, one of ours much.
        Origin::Environment(name) if name.starts_with(super::PREFIX) => 2,
        Origin::File { .. } => 3,
        Origin::Program => 4,
        Origin::Environment(_) => 5,
        Origin::Default => 6,
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
