//! Handshakes over the loopback, with tokio on both sides.

use super::*;
use crate::tls::testkit::{Issued, Made, authority, client, made, parcel};
use crate::tls::{Parcel, Vault};
use rustls::version::{TLS12, TLS13};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream as ClientStream;

/// Far more than a handshake takes.
const PATIENCE: Duration = Duration::from_secs(10);

struct House {
    ca: Issued,
    vault: Vault,
    tls: Tls,
}

fn house(names: &[&[&str]], orders: &Orders) -> House {
    let ca = authority();
    let vault = Vault::create(&stock(&ca, names)).unwrap();
    let tls = Tls::from_vault(vault.reader().try_clone_to_owned().unwrap(), orders).unwrap();
    House { ca, vault, tls }
}

fn stock(ca: &Issued, names: &[&[&str]]) -> Parcel {
    parcel(names.iter().map(|names| made(names).issue_by(ca).pair()).collect(), Some(&ca.pem))
}

type Ends = (io::Result<(TlsStream<TcpStream>, Arc<TlsFacts>)>, io::Result<ClientStream<TcpStream>>);

/// Connects over the loopback and shakes hands from both ends.
async fn meet(tls: &Tls, client: rustls::ClientConfig, name: &str) -> Ends {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let dial = async {
        let stream = TcpStream::connect(address).await?;
        TlsConnector::from(Arc::new(client)).connect(name.to_owned().try_into().unwrap(), stream).await
    };
    let take = async { tls.accept(listener.accept().await?.0).await };
    tokio::time::timeout(PATIENCE, async { tokio::join!(take, dial) }).await.unwrap()
}

fn shown(stream: &ClientStream<TcpStream>) -> Vec<u8> {
    stream.get_ref().1.peer_certificates().unwrap()[0].to_vec()
}

#[tokio::test]
async fn a_client_gets_the_certificate_of_its_name_and_bytes_go_both_ways() {
    let house = house(&[&["a.org"], &["b.org"]], &Orders::default());
    let mut config = client(&house.ca, None, &[&TLS13]);
    config.alpn_protocols = vec![b"http/1.1".to_vec(), b"h2".to_vec()];
    let (server, client) = meet(&house.tls, config, "b.org").await;
    let ((mut server, facts), mut client) = (server.unwrap(), client.unwrap());
    assert_eq!((facts.server_name(), facts.alpn()), (Some("b.org"), Some(&b"h2"[..])));
    assert_eq!((facts.version(), facts.client_subject()), ("TLSv1.3", None));
    client.write_all(b"question").await.unwrap();
    server.write_all(b"answer").await.unwrap();
    let mut bytes = [0; 8];
    server.read_exact(&mut bytes).await.unwrap();
    assert_eq!(&bytes, b"question");
    // Without close_notify the client would see an error here instead of the end.
    server.shutdown().await.unwrap();
    drop(server);
    let mut rest = Vec::new();
    client.read_to_end(&mut rest).await.unwrap();
    assert_eq!(rest, b"answer");
}

#[tokio::test]
async fn a_stream_that_is_dropped_is_no_orderly_end() {
    let house = house(&[&["a.org"]], &Orders::default());
    let (server, client) = meet(&house.tls, client(&house.ca, None, &[&TLS13]), "a.org").await;
    drop(server);
    let error = client.unwrap().read_to_end(&mut Vec::new()).await.unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof);
}

#[tokio::test]
async fn the_client_is_told_by_its_certificate() {
    let orders = Orders { tls: TlsOrders { cert_reqs: 2, ..TlsOrders::default() }, ..Orders::default() };
    let house = house(&[&["a.org"]], &orders);
    let alice = Made { common_name: "alice", ..made(&[]) }.issue_by(&house.ca);
    let (server, _client) = meet(&house.tls, client(&house.ca, Some(&alice), &[&TLS12, &TLS13]), "a.org").await;
    assert_eq!(server.unwrap().1.client_subject(), Some("CN=alice"));
    let (server, _client) = meet(&house.tls, client(&house.ca, None, &[&TLS12, &TLS13]), "a.org").await;
    assert!(server.unwrap_err().to_string().contains("peer sent no certificates"));
}

#[tokio::test]
async fn an_old_client_is_sent_away_with_an_alert() {
    let tls = TlsOrders { min_version: crate::types::TlsVersion::V1_3, ..TlsOrders::default() };
    let house = house(&[&["a.org"]], &Orders { tls, ..Orders::default() });
    let (server, refused) = meet(&house.tls, client(&house.ca, None, &[&TLS12]), "a.org").await;
    assert!(server.is_err());
    let told = refused.unwrap_err().to_string();
    assert!(told.contains("ProtocolVersion"), "{told}");
}

#[tokio::test]
async fn a_renewed_certificate_is_shown_after_a_refresh_and_sessions_go_on() {
    let mut house = house(&[&["a.org"]], &Orders::default());
    // One configuration: the second connection may continue the session of the first.
    let config = client(&house.ca, None, &[&TLS13]);
    let (server, client) = meet(&house.tls, config.clone(), "a.org").await;
    let ((mut server, _), mut client) = (server.unwrap(), client.unwrap());
    let before = shown(&client);
    assert!(!house.tls.refresh().unwrap(), "nothing is new");
    server.shutdown().await.unwrap();
    // Reading takes the tickets in.
    client.read_to_end(&mut Vec::new()).await.unwrap();
    let first = Vec::from_iter(house.vault_parcel().material.pairs);
    let renewed = stock(&house.ca, &[&["a.org"]]);
    assert_ne!(renewed.material.pairs, first);
    let tickets = house.vault_parcel().tickets.rolled().unwrap();
    house.vault.publish(&Parcel { tickets, ..renewed }).unwrap();
    assert!(house.tls.refresh().unwrap() && !house.tls.refresh().unwrap());
    let fresh = super::tests::client(&house.ca, None, &[&TLS13]);
    let (_server, client) = meet(&house.tls, fresh, "a.org").await;
    assert_ne!(shown(&client.unwrap()), before);
    let (server, _client) = meet(&house.tls, config, "a.org").await;
    assert!(server.unwrap().1.is_resumed());
}

#[tokio::test]
async fn what_cannot_be_used_is_told_once_and_changes_nothing() {
    let mut house = house(&[&["a.org"]], &Orders::default());
    let (_, other) = (made(&["a.org"]).issue(), made(&["b.org"]).issue());
    let mut broken = stock(&house.ca, &[&["a.org"]]);
    broken.material.pairs[0].key.text = other.key.serialize_pem();
    house.vault.publish(&broken).unwrap();
    assert!(house.tls.refresh().unwrap_err().to_string().contains("does not belong to"));
    assert!(!house.tls.refresh().unwrap(), "told once");
    let (server, _client) = meet(&house.tls, client(&house.ca, None, &[&TLS13]), "a.org").await;
    server.unwrap();
}

#[tokio::test]
async fn plain_http_is_called_by_its_name_and_a_silent_client_costs_only_its_future() {
    let house = house(&[&["a.org"]], &Orders::default());
    let (mut client, server) = tokio::io::duplex(4096);
    client.write_all(b"GET / HTTP/1.1\r\nHost: a.org\r\n\r\n").await.unwrap();
    let error = house.tls.accept(server).await.unwrap_err();
    assert_eq!(error.to_string(), "the client does not speak TLS");
    let (_silent, server) = tokio::io::duplex(4096);
    let cut = tokio::time::timeout(Duration::from_millis(20), house.tls.accept(server)).await;
    assert!(cut.is_err());
}

#[test]
fn what_is_no_vault_is_refused() {
    let file = tempfile::tempfile().unwrap();
    assert!(Tls::from_vault(file.into(), &Orders::default()).is_err());
}

impl House {
    fn vault_parcel(&self) -> Parcel {
        VaultReader::new(self.vault.reader().try_clone_to_owned().unwrap()).read().unwrap().1
    }
}
