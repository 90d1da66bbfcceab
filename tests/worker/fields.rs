//! Fields that the settings want in every response.

use crate::client::Client;
use crate::h2kit;
use crate::seat::serve;
use serde_json::json;

#[test]
fn every_response_has_them_but_its_own_stay() {
    let wanted =
        [["x-frame-options", "DENY"], ["link", "</a>"], ["link", "</b>"], ["server", "none"], ["content-type", "x/y"]];
    let worker = serve("router", json!({ "requests": { "headers": wanted } }));
    let mut client = Client::of(&worker);
    let got = client.get("/");
    assert_eq!((got.field("x-frame-options"), got.field("server")), (Some("DENY"), Some("none")));
    // The application's own.
    assert_eq!(got.field("content-type"), Some("text/plain; charset=utf-8"));
    // A refusal.
    let got = client.send("GET / HTTP/1.1\r\nhost: a\r\nhost: b\r\n\r\n").reply();
    assert_eq!((got.status, got.field("x-frame-options")), (400, Some("DENY")));
    assert_eq!((got.field("server"), got.field("content-type")), (Some("none"), Some("text/plain; charset=utf-8")));
    h2kit::run(async {
        let mut client = h2kit::Client::connect(&worker).await;
        let got = client.get("/").await;
        let all = |name| got.headers.get_all(name).iter().map(|value| value.to_str().unwrap()).collect::<Vec<_>>();
        assert_eq!(all("link"), ["</a>", "</b>"]);
        assert_eq!((all("server"), all("content-type")), (vec!["none"], vec!["text/plain; charset=utf-8"]));
        let request = http::Request::get("http://test/fields").header("host", "other").body(()).unwrap();
        let asked = client.ask(request).await;
        let got = h2kit::whole(asked).await.unwrap();
        assert_eq!((got.status.as_u16(), got.headers["x-frame-options"].to_str().unwrap()), (400, "DENY"));
    });
}
