//! The command line from words to settings, and the sources at the start and at a reload.

use super::*;
use crate::settings::{Environment, Origin, Resolved, SettingsError};
use std::fs;
use std::path::Path;

/// A source in a directory of its own, with nothing in the environment but this.
fn source_in(
    dir: &Path,
    program: &Program,
    words: &[&str],
    variables: &[(&str, &str)],
) -> Result<Source, SettingsError> {
    let words = words.iter().map(|word| (*word).into()).collect();
    let matches = command::parse(program, words).expect("a command line");
    let environment: Environment = variables.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect();
    Source::with(program, args::given(&matches), environment, dir.to_owned())
}

fn load(words: &[&str], variables: &[(&str, &str)]) -> Result<Resolved, String> {
    let dir = tempfile::tempdir().expect("a directory");
    let source = source_in(dir.path(), &Program::loader(), words, variables);
    source.and_then(|source| source.load()).map_err(|error| error.to_string())
}

fn refusal(words: &[&str]) -> String {
    let words = words.iter().map(|word| (*word).into()).collect();
    complain::one_line(&command::parse(&Program::loader(), words).expect_err("no command line"))
}

#[test]
fn clap_finds_no_fault_with_the_command() {
    command::whole().debug_assert();
}

#[test]
fn gunicorns_flags_are_understood() {
    let words = "-b :80 -b unix:/x -w 3 --threads 2 --worker-connections 9 --max-requests 5 --max-requests-jitter 1 -t 7 \
                 --graceful-timeout 8 --keep-alive 1 --reload --reload-extra-file a --chdir / -D -e A=1 -p pid -u www -g \
                 www -m 022 --initgroups --log-file - --log-level debug -n me --reuse-port -R --backlog 5 --check-config \
                 hello:router";
    let settings = load(&words.split_whitespace().collect::<Vec<_>>(), &[]).expect("Gunicorn's flags").settings;
    assert_eq!(settings.app.as_deref(), Some("hello:router"));
    assert_eq!(settings.bind, [":80", "unix:/x"]);
    assert_eq!((settings.workers, settings.threads, settings.umask), (3, 2, Some(0o22)));
    assert!(settings.daemon && settings.reload && settings.initgroups && settings.reuse_port && settings.check_config);
    assert_eq!(settings.pidfile.as_deref(), Some(Path::new("pid")));
}

#[test]
fn uvicorns_names_are_understood() {
    let words = "--timeout-keep-alive 7 --limit-max-requests 5 --limit-max-requests-jitter 1 hello:router";
    let settings = load(&words.split_whitespace().collect::<Vec<_>>(), &[]).expect("uvicorn's flags").settings;
    assert_eq!((settings.keepalive.as_secs(), settings.max_requests, settings.max_requests_jitter), (7, 5, 1));
}

#[test]
fn the_last_flag_wins() {
    let settings = load(&["-w", "2", "--reload", "--workers=3", "--no-reload", "--no-balance", "--balance"], &[]);
    let settings = settings.expect("a command line").settings;
    assert_eq!((settings.workers, settings.reload, settings.balance), (3, false, true));
}

#[test]
fn colours_are_a_switch_and_a_choice() {
    use crate::settings::Colors;
    let colors = |words: &[&str]| load(words, &[]).expect("a command line").settings.use_colors;
    assert_eq!(colors(&["--use-colors", "hello:router"]), Colors::Always);
    assert_eq!(colors(&["--use-colors=never"]), Colors::Never);
    assert_eq!(colors(&["--no-use-colors"]), Colors::Never);
    assert_eq!(colors(&[]), Colors::Auto);
}

#[test]
fn the_proxy_protocol_is_given_as_to_gunicorn() {
    use crate::types::{ProxyHeaders, ProxyProtocol};
    let settings = |words: &[&str]| load(words, &[]).expect("a command line").settings;
    for (words, mode) in [
        (&["--proxy-protocol", "hello:router"][..], ProxyProtocol::Auto),
        (&["--proxy-protocol", "v1", "hello:router"], ProxyProtocol::V1),
        (&["--proxy-protocol=v2", "hello:router"], ProxyProtocol::V2),
        (&["hello:router", "--proxy-protocol"], ProxyProtocol::Auto),
        (&["hello:router"], ProxyProtocol::Off),
    ] {
        let settings = settings(words);
        assert_eq!((settings.proxy_protocol, settings.app.as_deref()), (mode, Some("hello:router")), "{words:?}");
    }
    let cmd_args = load(&["hello:router"], &[("RUSTCORN_CMD_ARGS", "--proxy-protocol v2")]).expect("good settings");
    assert_eq!(cmd_args.settings.proxy_protocol, ProxyProtocol::V2);
    assert_eq!(settings(&["--no-proxy-headers"]).proxy_headers, ProxyHeaders::Off);
    assert_eq!(settings(&["--proxy-headers"]).proxy_headers, ProxyHeaders::Any);
}

#[test]
fn cmd_args_rank_between_command_line_and_environment() {
    let variables = [("RUSTCORN_CMD_ARGS", "--workers 3 -e 'A=b c' hello:other"), ("RUSTCORN_WORKERS", "2")];
    let resolved = load(&["hello:router"], &variables).expect("good settings");
    assert_eq!(resolved.settings.workers, 3);
    assert_eq!(resolved.origin("workers"), &Origin::CmdArgs(crate::settings::CMD_ARGS));
    assert_eq!(resolved.settings.env, [("A".to_owned(), "b c".to_owned())]);
    assert_eq!(resolved.settings.app.as_deref(), Some("hello:router"));
}

#[test]
fn refusals_are_one_line_that_helps() {
    let told = refusal(&["--wrokers", "4"]);
    assert_eq!(told, "unexpected argument '--wrokers' found; a similar argument exists: '--workers'");
    assert_eq!(refusal(&["a:b", "c:d"]), "unexpected argument 'c:d' found");
    assert_eq!(refusal(&["--workers"]), "a value is required for '--workers <N>' but none was supplied");
    assert!(refusal(&["generate"]).contains("man, completions"), "{}", refusal(&["generate"]));
    assert!(refusal(&["generate", "completions", "tcsh"]).contains("bash, zsh, fish"));
    let wrong = |text| load(&[], &[("RUSTCORN_CMD_ARGS", text)]).expect_err("wrong");
    assert!(wrong("--wrokers 4").starts_with("RUSTCORN_CMD_ARGS: unexpected argument '--wrokers' found"));
    assert!(wrong("-e 'A=1").starts_with("RUSTCORN_CMD_ARGS: a quote is not closed"));
    assert_eq!(wrong("--workers 0"), "RUSTCORN_CMD_ARGS: --workers 0: must be an integer from 1 to 512");
    assert!(wrong("--help").starts_with("RUSTCORN_CMD_ARGS: options only"));
    assert_eq!(load(&["-w", "-3"], &[]).expect_err("wrong"), "--workers -3: must be an integer from 1 to 512");
}

#[test]
fn an_application_may_be_called_generate() {
    let words = |words: &[&str]| load(words, &[]).expect("a command line").settings.app;
    assert_eq!(words(&["generate:router"]).as_deref(), Some("generate:router"));
    assert_eq!(words(&["-w", "2", "generate"]).as_deref(), Some("generate"));
}

#[test]
fn a_reload_reads_the_file_anew_and_nothing_else() {
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("rustcorn.toml");
    fs::write(&path, "workers = 2\nthreads = 2").expect("a file");
    let source = source_in(dir.path(), &Program::loader(), &["-w", "5"], &[]).expect("a source");
    let first = source.load().expect("good settings");
    assert_eq!((first.settings.workers, first.settings.threads), (5, 2));
    assert_eq!(first.settings.config.as_deref(), Some(Path::new("rustcorn.toml")));

    fs::write(&path, "threads = 3").expect("a file");
    assert_eq!(source.load().expect("good settings").settings.threads, 3);
    fs::write(&path, "threads = 0").expect("a file");
    let told = source.load().expect_err("out of range").to_string();
    assert_eq!(told, "rustcorn.toml:1:11: threads must be an integer from 1 to 512, found 0");
    fs::remove_file(&path).expect("a file");
    let told = source.load().expect_err("the file is gone").to_string();
    assert_eq!(told, "rustcorn.toml: cannot read the settings file that was read at the start: it does not exist");
}

#[test]
fn the_file_is_found_from_where_the_start_was() {
    let dir = tempfile::tempdir().expect("a directory");
    fs::write(dir.path().join("other.toml"), "workers = 2\nchdir = '/'").expect("a file");
    fs::write(dir.path().join("rustcorn.toml"), "workers = 3").expect("a file");
    for words in [["-c", "other.toml"], ["--config", "file:other.toml"]] {
        let source = source_in(dir.path(), &Program::loader(), &words, &[]).expect("a source");
        let resolved = source.load().expect("good settings");
        assert_eq!(resolved.settings.workers, 2);
        assert_eq!(resolved.origin("workers").to_string(), "other.toml:1");
    }
    let variables = [("RUSTCORN_CONFIG", "none.toml")];
    let source = source_in(dir.path(), &Program::loader(), &[], &variables).expect("a source");
    let told = source.load().expect_err("no such file").to_string();
    let named_by = "RUSTCORN_CONFIG in the environment";
    assert_eq!(told, format!("none.toml: cannot read the settings file named by {named_by}: it does not exist"));
}

#[test]
fn a_file_that_is_no_text_is_told_with_its_line() {
    let dir = tempfile::tempdir().expect("a directory");
    fs::write(dir.path().join("rustcorn.toml"), b"workers = 2\nerrorlog = '\xff'\n").expect("a file");
    let source = source_in(dir.path(), &Program::loader(), &[], &[]).expect("a source");
    assert!(source.load().expect_err("no text").to_string().ends_with("line 2 is not UTF-8"));
}

#[test]
fn a_linked_program_takes_no_application() {
    let program = Program { name: "todo".to_owned(), linked: true, lacks_python: false, script: None };
    let dir = tempfile::tempdir().expect("a directory");
    let words = vec!["hello:router".into()];
    assert!(command::parse(&program, words).is_err());
    let source = source_in(dir.path(), &program, &["-w", "2"], &[]).expect("a source");
    assert_eq!(source.load().expect("good settings").settings.workers, 2);
    let source = source_in(dir.path(), &program, &[], &[("RUSTCORN_APP", "x")]).expect("a source");
    let told = source.load().expect_err("an application").to_string();
    assert!(told.starts_with("app: is set (RUSTCORN_APP in the environment)"), "{told}");
}

proptest::proptest! {
    #[test]
    fn no_words_make_it_panic(words in proptest::collection::vec("(--?)?[a-z-]{0,8}(=[^\0]{0,5})?|\\PC{0,12}", 0..6)) {
        let variable = words.join(" ");
        if let Ok(matches) = command::parse(&Program::loader(), words.into_iter().map(Into::into).collect()) {
            let _ = args::given(&matches);
        }
        let environment: Environment = [("RUSTCORN_CMD_ARGS".into(), variable.into())].into();
        let _ = Source::with(&Program::loader(), Vec::new(), environment, "/".into());
    }
}

#[test]
fn flags_of_others_are_refused_with_what_to_do() {
    for (words, told) in [
        (["--paste", "x.ini"], "--paste of Gunicorn is not supported: name the application itself, `shop:app`"),
        (["--protocol=uwsgi", "a:b"], "--protocol of Gunicorn is not supported: the uwsgi protocol is not spoken"),
    ] {
        let refusal = refusal(&words);
        assert!(refusal.starts_with(told), "{refusal}");
    }
    // What is nobody's is a slip.
    assert!(refusal(&["--wrokers", "2"]).contains("--workers"));
}

#[test]
fn a_field_is_a_name_and_a_value() {
    let settings = load(&["--header", "X-A: b:c", "--header=X-B:", "a:b"], &[]).expect("fields").settings;
    assert_eq!(settings.header, ["X-A: b:c", "X-B:"]);
    for (field, told) in
        [("X-A", "must be NAME:VALUE"), ("X A: b", "must be NAME:VALUE"), ("Connection: close", "header: ")]
    {
        let refused = load(&["--header", field, "a:b"], &[]).expect_err(field);
        assert!(refused.contains(told), "{refused}");
    }
}
