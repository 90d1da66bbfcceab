//! The layer of uvicorn's variables: each of its options, `UVICORN_WORKERS` for `--workers`.

use super::environment::{Environment, Heard, is_injected, text_of, value};
use super::error::Problem;
use super::kind::Kind;
use super::layer::Layer;
use super::peers::{self, Fate, UVICORN};
use super::spec::OptionSpec;
use super::value::Value;

/// What begins the names of uvicorn's variables.
pub const UVICORN_PREFIX: &str = "UVICORN_";

/// The layer of these variables, and what is wrong with them. An empty one counts as unset; what uvicorn calls otherwise,
/// or has and we do not, is nobody's business here.
pub fn layer(environment: &Environment) -> (Layer, Vec<Problem>) {
    let mut heard = Heard::default();
    let application = super::OPTIONS.iter().find(|spec| spec.positional).map(|spec| ("app", spec));
    let ours = |flag: &&'static str| match peers::of_uvicorn(flag)? {
        Fate::Ours(spec, _) => Some((*flag, spec)),
        Fate::NoEffect(_) => super::OPTIONS.iter().find(|spec| spec.long_flag() == **flag).map(|spec| (*flag, spec)),
        _ => None,
    };
    for (flag, spec) in application.into_iter().chain(UVICORN.iter().filter_map(ours)) {
        let name = variable(flag);
        if is_injected(environment, &name) {
            continue;
        }
        heard.take(spec, &name, text_of(environment, spec, &name).map(|text| read(spec, &name, &text?)));
    }
    heard.told()
}

/// The variable of an option: it is called by where uvicorn keeps the value.
fn variable(flag: &str) -> String {
    let plural = if matches!(flag, "reload-dir" | "reload-include" | "reload-exclude" | "header") { "S" } else { "" };
    format!("{UVICORN_PREFIX}{}{plural}", flag.replace('-', "_").to_ascii_uppercase())
}

/// A list has white space between its elements, as click has it, and no quotes; directories have colons.
fn read(spec: &OptionSpec, name: &str, text: &str) -> Result<Value, Problem> {
    let Kind::List(_) = spec.kind else { return value(spec, name, text) };
    let is_between = |c: char| if spec.key == "reload_dirs" { c == ':' } else { c.is_whitespace() };
    let elements = text.split(is_between).filter(|element| !element.is_empty());
    let elements = elements.map(|element| shlex::try_quote(element).unwrap_or_default());
    value(spec, name, &elements.collect::<Vec<_>>().join(" "))
}

#[cfg(test)]
mod tests {
    use crate::settings::{ConfigFile, Resolved, Sources, resolve};

    fn resolved(file: &str, variables: &[(&str, &str)]) -> Result<Resolved, String> {
        let environment = variables.iter().map(|(name, text)| ((*name).into(), (*text).into())).collect();
        let file = Some(ConfigFile { path: "rustcorn.toml".into(), text: file.to_owned() });
        resolve(&Sources { environment, file, ..Sources::default() }).map_err(|error| error.to_string())
    }

    #[test]
    fn uvicorns_variables_are_its_options() {
        let found = resolved(
            "workers = 3\nkeepalive = 9",
            &[
                ("UVICORN_APP", "shop:app"),
                ("UVICORN_HOST", "127.0.0.1"),
                ("UVICORN_PORT", "31777"),
                ("UVICORN_WORKERS", "2"),
                ("UVICORN_ACCESS_LOG", "false"),
                ("UVICORN_RELOAD_DIRS", "a:b's c"),
                ("UVICORN_RELOAD_INCLUDES", "*.html *.css"),
                ("UVICORN_HEADERS", "X-A:b X-C:d"),
                ("UVICORN_LIMIT_MAX_REQUESTS", "7"),
                ("UVICORN_SSL_KEYFILE_PASSWORD", ""),
                ("UVICORN_H11_MAX_INCOMPLETE_EVENT_SIZE", "5"),
                ("UVICORN_UNKNOWN", "x"),
            ],
        );
        let Resolved { settings, provenance, warnings } = found.expect("all of it is fine");
        assert_eq!((settings.app.as_deref(), settings.bind.join(" ").as_str()), (Some("shop:app"), "127.0.0.1:31777"));
        assert_eq!((settings.workers, settings.max_requests, settings.keepalive.as_secs()), (2, 7, 9));
        assert_eq!((settings.reload_dirs.len(), settings.reload_includes.len(), settings.header.len()), (2, 2, 2));
        assert_eq!(provenance["workers"].to_string(), "UVICORN_WORKERS in the environment");
        assert!(warnings.iter().any(|line| line.contains("UVICORN_H11_MAX")), "{warnings:?}");
    }

    #[test]
    fn rustcorns_own_outrank_them_and_nonsense_is_refused() {
        let found = resolved("", &[("UVICORN_WORKERS", "2"), ("RUSTCORN_WORKERS", "4"), ("WEB_CONCURRENCY", "8")]);
        assert_eq!(found.expect("fine").settings.workers, 4);
        let bind = |variables| resolved("", variables).expect("fine").settings.bind.join(" ");
        assert_eq!(bind(&[("UVICORN_PORT", "81"), ("RUSTCORN_BIND", "127.0.0.1:9")]), "127.0.0.1:9");
        // Of Kubernetes, for a service that is called uvicorn.
        assert_eq!(bind(&[("UVICORN_PORT", "tcp://10.0.0.1:80")]), "127.0.0.1:8000");
        let told = resolved("", &[("UVICORN_WORKERS", "many")]).expect_err("no number");
        assert!(told.starts_with("UVICORN_WORKERS=many: must be"), "{told}");
    }
}
