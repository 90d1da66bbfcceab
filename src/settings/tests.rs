//! The table's shape, the layers, and what the operator reads when something is wrong.

use super::*;
use crate::types::Level;
use proptest::prelude::*;
use std::path::PathBuf;
use std::time::Duration;

fn environment(pairs: &[(&str, &str)]) -> Environment {
    pairs.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect()
}

fn given(key: &'static str, texts: &[&str]) -> Given {
    Given { key, texts: texts.iter().map(|text| (*text).to_owned()).collect() }
}

fn file(text: &str) -> Sources {
    Sources { file: Some(ConfigFile { path: "rustcorn.toml".into(), text: text.to_owned() }), ..Sources::default() }
}

fn complaint(sources: &Sources) -> String {
    resolve(sources).expect_err("this is wrong").to_string()
}

mod table {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn keys_flags_and_variables_are_unique() {
        let mut seen = HashSet::new();
        for spec in OPTIONS {
            assert!(seen.insert(spec.key.to_owned()), "{}", spec.key);
            let flags = [
                Some(spec.flag()),
                spec.no_flag().map(|flag| format!("--{flag}")),
                spec.short.map(|s| format!("-{s}")),
            ];
            let aliases = spec.aliases.iter().map(|alias| format!("--{alias}"));
            for flag in flags.into_iter().flatten().chain(aliases) {
                assert!(seen.insert(flag.clone()), "{flag}");
            }
        }
    }

    #[test]
    fn texts_are_sentences() {
        for spec in OPTIONS {
            let help = spec.help();
            assert!(
                help.starts_with(char::is_uppercase) && help.len() <= 100 && !help.ends_with('.'),
                "{}: {help}",
                spec.key
            );
            for paragraph in spec.paragraphs() {
                assert!(paragraph.ends_with('.'), "{}: {paragraph}", spec.key);
            }
        }
    }

    #[test]
    fn sections_are_not_interleaved() {
        let mut sections: Vec<Section> = OPTIONS.iter().map(|spec| spec.section).collect();
        sections.dedup();
        let titles: HashSet<&str> = sections.iter().map(|section| section.title()).collect();
        assert_eq!(titles.len(), sections.len());
    }

    /// The proof that `resolve` may rely on `put`: the extremes of every kind reach the field and come back.
    #[test]
    fn every_kind_belongs_to_its_field() {
        for spec in OPTIONS {
            for text in samples(&spec.kind) {
                let value = spec.kind.parse(&text).unwrap_or_else(|| panic!("{} refuses {text}", spec.key));
                let mut settings = Settings::default();
                assert!(spec.put(&mut settings, &value), "{} cannot hold {text}", spec.key);
                assert_eq!(spec.of(&settings), Some(value), "{}", spec.key);
            }
        }
    }

    #[test]
    fn every_default_is_a_value_that_may_be_given() {
        for spec in OPTIONS {
            let Some(default) = spec.default() else { continue };
            for text in default.plain() {
                assert!(spec.kind.parse(&text).is_some(), "{} refuses its default {text}", spec.key);
            }
            if spec.in_file {
                let text = format!("{} = {default}", spec.key);
                assert_eq!(resolve(&file(&text)).expect("the default").settings, Settings::default(), "{text}");
            }
        }
    }

    fn samples(kind: &Kind) -> Vec<String> {
        match kind {
            Kind::Switch => vec!["true".into(), "false".into()],
            Kind::Integer { min, max } => vec![min.to_string(), max.to_string()],
            Kind::Seconds => vec!["0".into(), "0.25".into(), "1000000000".into()],
            Kind::Bytes => vec!["0".into(), "3K".into(), i64::MAX.to_string()],
            Kind::Mode => vec!["0".into(), "0o777".into()],
            Kind::Choice { names, .. } => names.iter().map(|name| (*name).to_owned()).collect(),
            Kind::Text { .. } | Kind::Account { .. } => vec!["text".into()],
            Kind::List(Item::Text { .. }) => vec!["text".into()],
            Kind::List(Item::Pair) => vec!["NAME=VALUE".into(), "NAME=".into(), "A=b=c".into()],
        }
    }
}

mod layers {
    use super::*;

    #[test]
    fn each_source_outranks_the_next() {
        let mut sources = file("workers = 2");
        sources.command_line = vec![given("workers", &["6"])];
        sources.cmd_args = vec![given("workers", &["5"])];
        sources.environment = environment(&[("RUSTCORN_WORKERS", "4"), ("WEB_CONCURRENCY", "3")]);
        let take = |sources: &Sources| {
            let resolved = resolve(sources).expect("good settings");
            (resolved.settings.workers, resolved.origin("workers").clone())
        };
        assert_eq!(take(&sources), (6, Origin::CommandLine));
        sources.command_line.clear();
        assert_eq!(take(&sources), (5, Origin::CmdArgs));
        sources.cmd_args.clear();
        assert_eq!(take(&sources), (4, Origin::Environment("RUSTCORN_WORKERS".into())));
        sources.environment.remove(std::ffi::OsStr::new("RUSTCORN_WORKERS"));
        assert_eq!(take(&sources), (2, Origin::File { path: "rustcorn.toml".into(), line: 1 }));
        sources.file = None;
        assert_eq!(take(&sources), (3, Origin::Environment("WEB_CONCURRENCY".into())));
        sources.environment.clear();
        assert_eq!(take(&sources), (1, Origin::Default));
    }

    #[test]
    fn port_binds_every_interface_unless_somebody_says_where() {
        let mut sources = Sources { environment: environment(&[("PORT", "5000")]), ..Sources::default() };
        assert_eq!(resolve(&sources).expect("a port").settings.bind, ["0.0.0.0:5000"]);
        sources.command_line = vec![given("bind", &["127.0.0.1:80", "unix:/run/a b"])];
        assert_eq!(resolve(&sources).expect("binds").settings.bind, ["127.0.0.1:80", "unix:/run/a b"]);
    }

    #[test]
    fn a_foreign_variable_is_read_only_when_it_counts() {
        let mut sources = Sources { environment: environment(&[("PORT", "tcp://10.0.0.1:80")]), ..Sources::default() };
        assert_eq!(complaint(&sources), "PORT=tcp://10.0.0.1:80: must be a port number from 0 to 65535");
        sources.command_line = vec![given("bind", &[":80"])];
        assert!(resolve(&sources).is_ok());
    }

    #[test]
    fn an_empty_variable_is_unset() {
        let names = ["PORT", "WEB_CONCURRENCY", "RUSTCORN_WORKERS", "RUSTCORN_BIND", "RUSTCORN_RELOAD"];
        let pairs: Vec<_> = names.iter().map(|name| (*name, "")).collect();
        let sources = Sources { environment: environment(&pairs), ..Sources::default() };
        assert_eq!(resolve(&sources).expect("nothing set").settings, Settings::default());
    }

    #[test]
    fn a_list_in_a_variable_is_split_as_by_a_shell() {
        let pairs = [("RUSTCORN_RAW_ENV", "A=1 'B=two words' C="), ("RUSTCORN_BIND", "127.0.0.1:1 unix:/x")];
        let sources = Sources { environment: environment(&pairs), ..Sources::default() };
        let settings = resolve(&sources).expect("lists").settings;
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        assert_eq!(settings.env, [pair("A", "1"), pair("B", "two words"), pair("C", "")]);
        assert_eq!(settings.bind, ["127.0.0.1:1", "unix:/x"]);
    }

    #[test]
    fn a_higher_layer_turns_a_switch_off_and_takes_a_path_back() {
        let mut sources = file("daemon = true\nerrorlog = 'log'\npidfile = 'pid'\nuse_colors = true");
        sources.environment = environment(&[("RUSTCORN_DAEMON", "off"), ("RUSTCORN_USE_COLORS", "no")]);
        sources.command_line = vec![given("pidfile", &[""])];
        let settings = resolve(&sources).expect("good settings").settings;
        assert!(!settings.daemon);
        assert_eq!(settings.pidfile, None);
        assert_eq!(settings.use_colors, Colors::Never);
    }

    #[test]
    fn every_type_is_read_from_the_file() {
        let text = r#"
            app = "hello:router"
            chdir = "/srv"
            raw_env = ["A=1"]
            bind = "127.0.0.1:0"
            balance = false
            max_rss = "512M"
            timeout = 0.5
            graceful_timeout = 7
            user = 1000
            umask = 0o022
            loglevel = "DEBUG"
            log_format = "json"
        "#;
        let settings = resolve(&file(text)).expect("good settings").settings;
        let expected = Settings {
            app: Some("hello:router".into()),
            chdir: Some("/srv".into()),
            env: vec![("A".into(), "1".into())],
            bind: vec!["127.0.0.1:0".into()],
            balance: false,
            max_rss: 512 << 20,
            timeout: Duration::from_millis(500),
            graceful_timeout: Duration::from_secs(7),
            user: Some("1000".into()),
            umask: 0o22,
            loglevel: Level::Debug,
            log_format: LogFormat::Json,
            ..Settings::default()
        };
        assert_eq!(settings, expected);
    }

    #[test]
    fn the_file_is_named_by_flag_then_variable() {
        let mut sources =
            Sources { environment: environment(&[("RUSTCORN_CONFIG", "env.toml")]), ..Sources::default() };
        assert_eq!(config_path(&sources), Some(("env.toml".into(), Origin::Environment("RUSTCORN_CONFIG".into()))));
        sources.command_line = vec![given("config", &["flag.toml"])];
        assert_eq!(config_path(&sources), Some((PathBuf::from("flag.toml"), Origin::CommandLine)));
        assert_eq!(config_path(&Sources::default()), None);
    }

    #[test]
    fn changes_are_told_with_what_a_reload_can_do() {
        let old = Settings::default();
        let new = Settings { workers: 3, pidfile: Some("p".into()), ..Settings::default() };
        let changes = changed(&old, &new);
        let expected = [Change { key: "workers", reloadable: true }, Change { key: "pidfile", reloadable: false }];
        assert_eq!(changes, expected);
        assert_eq!(changed(&new, &new), []);
    }
}

mod complaints {
    use super::*;

    #[test]
    fn unknown_keys_are_told_with_the_nearest_one() {
        let text = "\n\n\n\n\n\nworker = 4\n";
        assert_eq!(complaint(&file(text)), "rustcorn.toml:7:1: unknown key \"worker\"; did you mean \"workers\"?");
        for (written, meant) in
            [("keep-alive", "keepalive"), ("pid", "pidfile"), ("env", "raw_env"), ("wsgi_app", "app")]
        {
            let told = complaint(&file(&format!("{written} = 1")));
            assert_eq!(told, format!("rustcorn.toml:1:1: unknown key \"{written}\"; did you mean \"{meant}\"?"));
        }
        assert_eq!(complaint(&file("colour = 1")), "rustcorn.toml:1:1: unknown key \"colour\"");
    }

    #[test]
    fn every_problem_of_a_file_is_told_in_order() {
        let text = "workers = 0\ntimeuot = 1\nbind = [\"\", 3]\ntimeout = \"30\"\nconfig = 'x'\n[server]\nport = 1\n";
        let told = complaint(&file(text));
        let expected = [
            "rustcorn.toml:1:11: workers must be an integer from 1 to 512, found 0",
            "rustcorn.toml:2:1: unknown key \"timeuot\"; did you mean \"timeout\"?",
            "rustcorn.toml:3:9: bind must be a string that is not empty, or a list of them, found \"\"",
            "rustcorn.toml:4:11: timeout must be a number of seconds from 0 to 1000000000, found \"30\"",
            "rustcorn.toml:5:1: config cannot be set in the file; use --config",
            "rustcorn.toml:6:2: unknown key \"server\"; every option stands at the top level of the file, outside of tables",
        ];
        assert_eq!(told.lines().collect::<Vec<_>>(), expected);
    }

    #[test]
    fn columns_count_characters() {
        assert!(complaint(&file("\"größe\" = 1")).starts_with("rustcorn.toml:1:1: "));
        assert!(complaint(&file("errorlog = 'ä'; workers = 1")).starts_with("rustcorn.toml:1:15: "));
    }

    #[test]
    fn broken_toml_is_told_with_its_place() {
        let told = complaint(&file("workers = 2\nbind = [\"a\"\n"));
        assert!(told.starts_with("rustcorn.toml:"), "{told}");
        assert!(complaint(&file("workers = 2\nworkers = 3")).starts_with("rustcorn.toml:2:1: duplicate key"));
        assert!(complaint(&file("umask = 022")).contains("an octal number is written 0o22"));
        let mut python = file("import os\nworkers = os.cpu_count()");
        python.file = python.file.map(|file| ConfigFile { path: "gunicorn.conf.py".into(), ..file });
        assert!(complaint(&python).contains("the settings file is TOML, not Python"));
    }

    #[test]
    fn words_of_the_command_line_and_variables_are_shown() {
        let mut sources = Sources { command_line: vec![given("workers", &["0"])], ..Sources::default() };
        assert_eq!(complaint(&sources), "--workers 0: must be an integer from 1 to 512");
        sources.command_line = vec![given("env", &[]), given("raw_env", &["A=1", "B C"])];
        assert_eq!(complaint(&sources), "--env 'B C': must be NAME=VALUE, or a list of them");
        sources.command_line.clear();
        sources.cmd_args = vec![given("loglevel", &["loud"])];
        let names = "\"debug\", \"info\", \"warning\", \"error\" or \"critical\"";
        assert_eq!(complaint(&sources), format!("RUSTCORN_CMD_ARGS: --log-level loud: must be {names}"));
        sources.cmd_args.clear();
        sources.environment = environment(&[("RUSTCORN_WORKERS", "x"), ("RUSTCORN_BIND", "'a")]);
        let quote = "RUSTCORN_BIND=\"'a\": a quote is not closed; the text is split into words as a shell does it";
        assert_eq!(complaint(&sources), format!("{quote}\nRUSTCORN_WORKERS=x: must be an integer from 1 to 512"));
    }

    #[test]
    fn conflicts_name_both_origins() {
        let mut sources = file("pidfile = '/run/x'");
        sources.command_line = vec![given("errorlog", &["/run/x"])];
        let told = "pidfile: names the same file as errorlog (pidfile: rustcorn.toml:1; errorlog: the command line); give each its own";
        assert_eq!(complaint(&sources), told);
        let told = "bind: :80 is listed twice (rustcorn.toml:1); name it once";
        assert_eq!(complaint(&file("bind = [':80', 'unix:/x', ':80']")), told);
    }

    #[test]
    fn waste_and_slips_are_warnings() {
        let mut sources = file("max_requests_jitter = 5\ndaemon = true");
        sources.environment = environment(&[("RUSTCORN_WORKER", "4"), ("RUSTCORN_PORT_80_TCP_ADDR", "10.0.0.1")]);
        let expected = [
            "the environment variable RUSTCORN_WORKER is not an option; did you mean RUSTCORN_WORKERS?",
            "max_requests_jitter (rustcorn.toml:1) has no effect without max_requests",
            "daemon (rustcorn.toml:2) sends the log to /dev/null as long as errorlog is \"-\"; name a file",
        ];
        assert_eq!(resolve(&sources).expect("only warnings").warnings, expected);
    }
}

mod parsers {
    use super::super::parse;
    use super::*;

    #[test]
    fn seconds() {
        for (text, millis) in [("30", 30_000), ("0.25", 250), (".5", 500), ("2.", 2000), (" 1 ", 1000), ("0", 0)] {
            assert_eq!(parse::seconds(text), Some(Duration::from_millis(millis)), "{text}");
        }
        for text in ["", "-1", "1e3", "inf", "nan", "30s", "1.2.3", ".", "1000000001", "99999999999999999999999"] {
            assert_eq!(parse::seconds(text), None, "{text}");
        }
    }

    #[test]
    fn sizes() {
        for (text, bytes) in [("0", 0), ("1", 1), ("1k", 1024), ("512M", 512 << 20), ("2G", 2 << 30)] {
            assert_eq!(parse::size(text), Some(bytes), "{text}");
        }
        for text in ["", "M", "-1", "1.5G", "1T", "1MB", "9223372036854775807K", "18446744073709551615"] {
            assert_eq!(parse::size(text), None, "{text}");
        }
    }

    #[test]
    fn modes() {
        for (text, mode) in [("0", 0), ("022", 0o22), ("0o22", 0o22), ("0x12", 0o22), ("18", 0o22), ("0b10010", 0o22)] {
            assert_eq!(parse::mode(text), Some(mode), "{text}");
        }
        for text in ["", "-1", "0o1000", "777", "0x", "0o", "089", "0x+1", "rw", "0ö"] {
            assert_eq!(parse::mode(text), None, "{text}");
        }
    }
}

/// Any value of any kind, as its default's type and its range allow.
fn any_given() -> impl Strategy<Value = Vec<Given>> {
    let one = (0..OPTIONS.len(), 1_u64..=400, any::<bool>()).prop_map(|(index, number, on)| {
        let spec = &OPTIONS[index];
        let text = match spec.kind {
            Kind::Switch => on.to_string(),
            Kind::Choice { names, .. } => names[usize::from(on)].to_owned(),
            Kind::List(Item::Pair) => format!("N={number}"),
            _ => number.to_string(),
        };
        Given { key: spec.key, texts: vec![text] }
    });
    proptest::collection::vec(one, 0..20).prop_map(|given| {
        let unique: std::collections::BTreeMap<_, _> = given.into_iter().map(|given| (given.key, given)).collect();
        unique.into_values().collect()
    })
}

proptest! {
    #[test]
    fn the_higher_layer_wins_and_is_named(high in any_given(), low in any_given(), vars in any_given()) {
        let mut environment = Environment::new();
        for given in &vars {
            environment.insert(spec(given.key).expect("a row").variable().into(), given.texts[0].clone().into());
        }
        let sources = Sources { command_line: high.clone(), cmd_args: low.clone(), environment, file: None };
        // The same text for pidfile and errorlog is a conflict, and rightly so.
        prop_assume!(resolve(&sources).is_ok());
        let resolved = resolve(&sources).expect("assumed");
        for spec in OPTIONS {
            let of = |layer: &[Given]| layer.iter().find(|given| given.key == spec.key).map(|given| given.texts[0].clone());
            let (text, origin) = match (of(&high), of(&low), of(&vars)) {
                (Some(text), _, _) => (Some(text), Origin::CommandLine),
                (None, Some(text), _) => (Some(text), Origin::CmdArgs),
                (None, None, Some(text)) => (Some(text), Origin::Environment(spec.variable())),
                (None, None, None) => (None, Origin::Default),
            };
            prop_assert_eq!(resolved.origin(spec.key), &origin);
            let expected = text.map_or_else(|| spec.default(), |text| spec.kind.parse(&text));
            prop_assert_eq!(spec.of(&resolved.settings), expected);
        }
    }

    #[test]
    fn no_file_makes_it_panic(text in "\\PC{0,200}", key in 0..OPTIONS.len(), value in "[-0-9a-z\"'\\[\\]{}.,= \n#:TZ_öü]{0,40}") {
        let _ = resolve(&file(&text));
        let _ = resolve(&file(&format!("{} = {value}", OPTIONS[key].key)));
    }

    #[test]
    fn no_text_makes_a_kind_panic(key in 0..OPTIONS.len(), text in any::<String>()) {
        let sources = Sources { command_line: vec![Given { key: OPTIONS[key].key, texts: vec![text.clone()] }], ..Sources::default() };
        if let Err(error) = resolve(&sources) {
            prop_assert_eq!(error.to_string().lines().count(), error.problems.len());
        }
        let environment = [(OPTIONS[key].variable().into(), text.into())].into();
        let _ = resolve(&Sources { environment, ..Sources::default() });
    }

    #[test]
    fn values_survive_the_way_through_toml(seconds in 0_u32..1_000_000, nanos in 0_u32..1_000_000_000, bytes in 0..i64::MAX as u64, text in "\\PC{1,30}") {
        let values = [
            ("timeout", Value::Seconds(Duration::new(seconds.into(), nanos))),
            ("max_rss", Value::Bytes(bytes)),
            ("errorlog", Value::Text(text.clone())),
            ("reload_extra_files", Value::List(vec![format!("x{text}"), "y".into()])),
        ];
        for (key, value) in values {
            let resolved = resolve(&file(&format!("{key} = {value}"))).expect("what we wrote");
            prop_assert_eq!(spec(key).expect("a row").of(&resolved.settings), Some(value));
        }
    }
}
