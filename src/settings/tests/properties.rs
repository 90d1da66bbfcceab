//! What holds for any input.

use super::*;
use proptest::prelude::*;

/// Any value of any kind, as its default's type and its range allow.
fn any_given() -> impl Strategy<Value = Vec<Given>> {
    // What makes sense only together with others would spoil most of the cases.
    const TOGETHER: [&str; 10] =
        ["ca_certs", "cert_reqs", "certfile", "ciphers", "keyfile", "worker_class", "host", "port", "uds", "fd"];
    let alone = |index: &usize| !TOGETHER.contains(&OPTIONS[*index].key);
    let one = ((0..OPTIONS.len()).prop_filter("stands alone", alone), 1_u64..=400, any::<bool>()).prop_map(
        |(index, number, on)| {
            let spec = &OPTIONS[index];
            let text = match spec.kind {
                _ if spec.key == "http_protocols" => if on { "h1" } else { "h1,h2" }.to_owned(),
                _ if spec.key == "syslog_addr" => format!("udp://localhost:{number}"),
                Kind::Switch => on.to_string(),
                Kind::Choice { names, .. } => names[usize::from(on)].to_owned(),
                Kind::List(Item::Pair | Item::Header) => format!("N={number}"),
                Kind::List(Item::Field) => format!("X-N: {number}"),
                Kind::List(Item::Peer) => format!("2001:db8::{number}"),
                _ => number.to_string(),
            };
            Given { key: spec.key, texts: vec![text] }
        },
    );
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
        let sources = Sources { command_line: high.clone(), cmd_args: low.clone(), environment, ..Sources::default() };
        // The same text for pidfile and errorlog is a conflict, and rightly so.
        prop_assume!(resolve(&sources).is_ok());
        let resolved = resolve(&sources).expect("assumed");
        for spec in OPTIONS {
            let of = |layer: &[Given]| layer.iter().find(|given| given.key == spec.key).map(|given| given.texts[0].clone());
            let (text, origin) = match (of(&high), of(&low), of(&vars)) {
                (Some(text), _, _) => (Some(text), Origin::CommandLine),
                (None, Some(text), _) => (Some(text), Origin::CmdArgs(CMD_ARGS)),
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
