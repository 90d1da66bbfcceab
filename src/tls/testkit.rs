//! Certificates and handshakes for tests.

use super::{Identity, Material, Pair, Parcel, Pem, TicketKeys};
use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    PKCS_ECDSA_P256_SHA256, date_time_ymd,
};
use rustls::crypto::ring::default_provider;
use rustls::{ClientConfig, ClientConnection, RootCertStore, ServerConfig, ServerConnection, SupportedProtocolVersion};
use std::sync::Arc;

/// What a certificate is to be.
pub struct Made<'a> {
    pub names: &'a [&'a str],
    /// Valid from the start of the first year to that of the second.
    pub years: (i32, i32),
    pub common_name: &'a str,
    pub ca: bool,
}

/// A certificate and its key.
pub struct Issued {
    pub pem: String,
    pub der: Vec<u8>,
    pub key: KeyPair,
    params: CertificateParams,
}

pub fn made<'a>(names: &'a [&'a str]) -> Made<'a> {
    Made { names, years: (2020, 2090), common_name: "rustcorn test", ca: false }
}

impl Made<'_> {
    fn params(&self) -> CertificateParams {
        let names: Vec<String> = self.names.iter().map(|name| (*name).to_owned()).collect();
        let mut params = CertificateParams::new(names).unwrap();
        params.not_before = date_time_ymd(self.years.0, 1, 1);
        params.not_after = date_time_ymd(self.years.1, 1, 1);
        params.distinguished_name = DistinguishedName::new();
        params.distinguished_name.push(DnType::CommonName, self.common_name);
        if self.ca {
            params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        } else {
            params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
        }
        params
    }

    /// Signed by itself.
    pub fn issue(&self) -> Issued {
        self.issue_with(KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).unwrap())
    }

    /// Signed by itself, with this key.
    pub fn issue_with(&self, key: KeyPair) -> Issued {
        let params = self.params();
        let certificate = params.self_signed(&key).unwrap();
        Issued { pem: certificate.pem(), der: certificate.der().to_vec(), key, params }
    }

    /// Signed by somebody else.
    pub fn issue_by(&self, ca: &Issued) -> Issued {
        let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).unwrap();
        let params = self.params();
        let certificate = params.signed_by(&key, &Issuer::from_params(&ca.params, &ca.key)).unwrap();
        Issued { pem: certificate.pem(), der: certificate.der().to_vec(), key, params }
    }
}

impl Issued {
    pub fn pair(&self) -> Pair {
        pair(&self.pem, &self.key.serialize_pem())
    }

    pub fn identity(&self) -> Identity {
        Identity::of(&self.pair(), &default_provider()).unwrap()
    }
}

pub fn pem(path: &str, text: &str) -> Pem {
    Pem { path: path.to_owned(), text: text.to_owned() }
}

pub fn pair(certificate: &str, key: &str) -> Pair {
    Pair { certificate: pem("cert.pem", certificate), key: pem("key.pem", key) }
}

/// What the command says to this input.
pub fn openssl(arguments: &[&str], input: &str) -> String {
    use std::io::Write;
    use std::process::{Command, Stdio};
    let mut command = Command::new("openssl");
    command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut child = command.spawn().unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "openssl {arguments:?}");
    String::from_utf8(output.stdout).unwrap()
}

/// With fresh ticket keys.
pub fn parcel(pairs: Vec<Pair>, clients: Option<&str>) -> Parcel {
    let clients = clients.map(|text| pem("ca.pem", text));
    Parcel { material: Material { pairs, clients }, tickets: TicketKeys::fresh().unwrap() }
}

/// A certificate in DER of this name, without alternative names.
pub fn named(name: DistinguishedName) -> Vec<u8> {
    let mut params = CertificateParams::default();
    params.distinguished_name = name;
    params.self_signed(&KeyPair::generate().unwrap()).unwrap().der().to_vec()
}

/// An authority for servers and clients.
pub fn authority() -> Issued {
    Made { ca: true, common_name: "authority", ..made(&[]) }.issue()
}

/// A client that trusts this authority, shows this certificate, and speaks these versions.
pub fn client(ca: &Issued, shown: Option<&Issued>, versions: &[&'static SupportedProtocolVersion]) -> ClientConfig {
    let mut roots = RootCertStore::empty();
    roots.add(ca.der.clone().into()).unwrap();
    let builder = ClientConfig::builder_with_provider(Arc::new(default_provider()));
    let builder = builder.with_protocol_versions(versions).unwrap().with_root_certificates(roots);
    match shown {
        Some(shown) => {
            let key = rustls_pki_types::PrivateKeyDer::try_from(shown.key.serialize_der()).unwrap();
            builder.with_client_auth_cert(vec![shown.der.clone().into()], key).unwrap()
        }
        None => builder.with_no_client_auth(),
    }
}

/// A whole handshake without a socket, and one byte from the server, so that tickets arrive.
pub fn shake(
    server: &Arc<ServerConfig>,
    client: &Arc<ClientConfig>,
    name: &str,
) -> Result<(ServerConnection, ClientConnection), rustls::Error> {
    let mut server = ServerConnection::new(server.clone())?;
    let mut client = ClientConnection::new(client.clone(), name.to_owned().try_into().unwrap())?;
    while server.wants_write() || client.wants_write() {
        let mut bytes = Vec::new();
        while client.wants_write() {
            client.write_tls(&mut bytes).unwrap();
        }
        let mut rest = &bytes[..];
        while !rest.is_empty() {
            server.read_tls(&mut rest).unwrap();
            server.process_new_packets()?;
        }
        bytes.clear();
        while server.wants_write() {
            server.write_tls(&mut bytes).unwrap();
        }
        let mut rest = &bytes[..];
        while !rest.is_empty() {
            client.read_tls(&mut rest).unwrap();
            client.process_new_packets()?;
        }
    }
    assert!(!server.is_handshaking() && !client.is_handshaking());
    Ok((server, client))
}
