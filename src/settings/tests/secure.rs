//! The TLS options against each other.

use super::*;

#[test]
fn what_cannot_work_is_refused_with_its_origin() {
    for (text, wanted) in [
        (
            "certfile = ['a', 'b']\nkeyfile = 'a'",
            "keyfile: there must be one for each certfile, found 1 of keyfile (rustcorn.toml:2) for 2 of certfile (rustcorn.toml:1)",
        ),
        (
            "keyfile = 'a'",
            "keyfile: there must be one for each certfile, found 1 of keyfile (rustcorn.toml:1) for 0 of certfile (the default)",
        ),
        (
            "certfile = 'a'\ncert_reqs = 1",
            "cert_reqs: asks for certificates of clients (rustcorn.toml:2); ca_certs must say who vouches for them",
        ),
        (
            "ca_certs = 'a'\ncert_reqs = 2",
            "cert_reqs: asks for certificates of clients (rustcorn.toml:2), which takes TLS; set certfile",
        ),
        ("bind = 'https://a:1'", "bind: https://a:1 (rustcorn.toml:1) asks for TLS; set certfile"),
        ("bind = 'https+unix:a'", "bind: https+unix:a (rustcorn.toml:1) asks for TLS; set certfile"),
        ("bind = ['a:1', 'https://a:1']\ncertfile = 'a'", "bind: a:1 is listed twice (rustcorn.toml:1); name it once"),
        (
            "http_protocols = 'h2,h3'",
            "http_protocols: \"h3\" is not spoken here; known are h1 and h2, with commas between them (rustcorn.toml:1)",
        ),
        ("http_protocols = 'h2, h2'", "http_protocols: h2 is listed twice; name it once (rustcorn.toml:1)"),
    ] {
        assert_eq!(complaint(&file(text)), wanted);
    }
    assert!(complaint(&file("http_protocols = ''")).starts_with("http_protocols: \"\" is not spoken here"));
    assert!(complaint(&file("cert_reqs = 3")).contains("cert_reqs must be an integer from 0 to 2"));
    assert!(complaint(&file("ssl_min_version = '1.1'")).contains("must be \"1.2\" or \"1.3\""));
}

#[test]
fn what_works_passes_and_what_is_idle_is_warned_of() {
    for (text, wanted) in [
        ("certfile = ['a', 'b']\nkeyfile = ['c', 'd']\nca_certs = 'e'\ncert_reqs = 2", None),
        ("certfile = 'a'\nbind = ['http://a:1', 'https://a:2', 'unix:b', 'https-gateway:3']", None),
        ("bind = 'https-gateway:8000'", None),
        ("certfile = 'a'\nbind = 'fd://3'", None),
        (
            "certfile = 'a'\nbind = ['unix:b', 'http+unix:c', 'http://a:1']",
            Some("certfile (rustcorn.toml:1) has no effect without a bind that speaks TLS"),
        ),
        (
            "certfile = 'a'\nca_certs = 'b'",
            Some("ca_certs (rustcorn.toml:2) has no effect without certfile and cert_reqs"),
        ),
        ("ciphers = 'a'", Some("ciphers (rustcorn.toml:1) has no effect without certfile")),
    ] {
        let warnings = resolve(&file(text)).unwrap_or_else(|error| panic!("{text}: {error}")).warnings;
        assert_eq!(warnings.iter().map(String::as_str).collect::<Vec<_>>(), Vec::from_iter(wanted), "{text}");
    }
    let settings = resolve(&file("http_protocols = ' h1 , h2 '")).expect("fine").settings;
    assert_eq!(protocols(&settings), ["h1", "h2"]);
}
