//! Whom to believe: lists with commas, the variable of others, choices that grew out of switches.

use super::*;
use crate::types::{ProxyHeaders, ProxyProtocol};

fn allowed(sources: &Sources) -> Vec<String> {
    resolve(sources).expect("settings").settings.forwarded_allow_ips
}

fn on_the_command_line(key: &'static str, texts: &[&str]) -> Sources {
    Sources { command_line: vec![given(key, texts)], ..Sources::default() }
}

fn in_the_environment(name: &str, text: &str) -> Sources {
    Sources { environment: environment(&[(name, text)]), ..Sources::default() }
}

#[test]
fn lists_may_have_commas_everywhere() {
    let expected = ["10.0.0.1", "192.168.0.0/16", "::1"];
    for sources in [
        on_the_command_line("forwarded_allow_ips", &["10.0.0.1,192.168.0.0/16, ::1"]),
        on_the_command_line("forwarded_allow_ips", &["10.0.0.1", "192.168.0.0/16,::1"]),
        in_the_environment("RUSTCORN_FORWARDED_ALLOW_IPS", "10.0.0.1, 192.168.0.0/16,::1"),
        in_the_environment("FORWARDED_ALLOW_IPS", "10.0.0.1,192.168.0.0/16,::1"),
        file("forwarded_allow_ips = \"10.0.0.1,192.168.0.0/16,::1\""),
        file("forwarded_allow_ips = [\"10.0.0.1\", \"192.168.0.0/16,::1\"]"),
    ] {
        assert_eq!(allowed(&sources), expected, "{sources:?}");
    }
    assert_eq!(allowed(&Sources::default()), ["127.0.0.1", "::1"]);
    assert_eq!(allowed(&on_the_command_line("forwarded_allow_ips", &["*"])), ["*"]);
    // Nobody but Unix sockets.
    assert!(allowed(&on_the_command_line("forwarded_allow_ips", &[""])).is_empty());
    assert!(allowed(&file("forwarded_allow_ips = []")).is_empty());
}

#[test]
fn the_file_wins_over_the_variable_of_others() {
    let environment = environment(&[("FORWARDED_ALLOW_IPS", "10.0.0.1")]);
    let sources = Sources { environment, ..file("forwarded_allow_ips = \"10.0.0.2\"") };
    assert_eq!(allowed(&sources), ["10.0.0.2"]);
}

#[test]
fn a_wrong_entry_is_named_with_its_place() {
    let wanted = "must be IP addresses, networks as in \"10.0.0.0/8\", or \"*\" for everybody, with commas between";
    for (sources, expected) in [
        (
            on_the_command_line("proxy_allow_ips", &["::1,10.0.0.1/8"]),
            format!(
                "--proxy-allow-from '::1,10.0.0.1/8': {wanted}; \"10.0.0.1/8\" is an address inside a network; write 10.0.0.0/8 or 10.0.0.1"
            ),
        ),
        (
            in_the_environment("FORWARDED_ALLOW_IPS", "localhost"),
            format!(
                "FORWARDED_ALLOW_IPS=localhost: {wanted}; \"localhost\" is no address; write an IP address, a network as in 10.0.0.0/8, or * for everybody"
            ),
        ),
        (
            file("forwarded_allow_ips = [\"::1\", \"10.0.0.0/40\"]"),
            format!("rustcorn.toml:1:31: forwarded_allow_ips {wanted}, or a list of such, found \"10.0.0.0/40\""),
        ),
    ] {
        assert_eq!(complaint(&sources), expected);
    }
    let settings = Settings { forwarded_allow_ips: vec!["::1".into(), "nobody".into()], ..Settings::default() };
    let text = validate(&settings).unwrap_err().to_string();
    assert!(text.starts_with("forwarded_allow_ips: must be IP addresses") && text.contains("\"nobody\" is no address"));
}

#[test]
fn headers_have_to_be_headers() {
    let pairs = |sources: &Sources| resolve(sources).map(|resolved| resolved.settings.secure_scheme_headers);
    let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    let given = on_the_command_line("secure_scheme_headers", &["Front-End-Https=on", "X-A=b=c"]);
    assert_eq!(pairs(&given), Ok(vec![pair("Front-End-Https", "on"), pair("X-A", "b=c")]));
    assert_eq!(pairs(&file("secure_scheme_headers = []")), Ok(Vec::new()));
    for wrong in ["X A=b", "=b", "X-A", "X-A=a\nb", "X-Ä=b"] {
        assert!(complaint(&on_the_command_line("secure_scheme_headers", &[wrong])).contains("must be HEADER=VALUE"));
    }
}

#[test]
fn choices_take_the_words_of_the_switches_that_they_were() {
    for (text, protocol, headers) in [
        ("true", ProxyProtocol::Auto, ProxyHeaders::Any),
        ("0", ProxyProtocol::Off, ProxyHeaders::Off),
        ("off", ProxyProtocol::Off, ProxyHeaders::Off),
    ] {
        let command_line = vec![given("proxy_protocol", &[text]), given("proxy_headers", &[text])];
        let settings = resolve(&Sources { command_line, ..Sources::default() }).expect("settings").settings;
        assert_eq!((settings.proxy_protocol, settings.proxy_headers), (protocol, headers), "{text}");
    }
    let settings = resolve(&file("proxy_protocol = true\nproxy_headers = false")).expect("settings").settings;
    assert_eq!((settings.proxy_protocol, settings.proxy_headers), (ProxyProtocol::Auto, ProxyHeaders::Off));
}
