//! What an application may know of the handshake behind a connection.

use super::certificate::Certificate;
use super::suites;
use rustls::{HandshakeKind, ProtocolVersion, ServerConnection};
use rustls_pki_types::CertificateDer;

/// The TLS side of a connection: what was agreed on, and who the client is if it has shown a certificate.
///
/// A request that came over TLS carries it, shared by all requests of its connection.
#[derive(Clone, Debug)]
pub struct TlsFacts {
    version: ProtocolVersion,
    /// Its number (RFC 8446 appendix B.4) and name.
    suite: (u16, &'static str),
    alpn: Option<Vec<u8>>,
    server_name: Option<String>,
    resumed: bool,
    client_chain: Vec<CertificateDer<'static>>,
    client_subject: Option<String>,
}

impl TlsFacts {
    /// Of a connection whose handshake is over.
    #[must_use]
    pub(crate) fn of(connection: &ServerConnection) -> Self {
        let suite = connection.negotiated_cipher_suite();
        let client_chain: Vec<_> =
            connection.peer_certificates().into_iter().flatten().map(|der| der.clone().into_owned()).collect();
        // rustls has verified it, so a parser that cannot read it is the only reason to have no subject.
        let subject = client_chain.first().and_then(|der| Certificate::parse(der).ok());
        Self {
            version: connection.protocol_version().unwrap_or(ProtocolVersion::Unknown(0)),
            suite: (
                suite.map_or(0, |suite| u16::from(suite.suite())),
                suite.and_then(suites::name).unwrap_or("unknown"),
            ),
            alpn: connection.alpn_protocol().map(<[u8]>::to_vec),
            server_name: connection.server_name().map(str::to_owned),
            resumed: connection.handshake_kind() == Some(HandshakeKind::Resumed),
            client_chain,
            client_subject: subject.map(|certificate| certificate.subject),
        }
    }

    /// `TLSv1.2` or `TLSv1.3`.
    #[must_use]
    pub fn version(&self) -> &'static str {
        match self.version {
            ProtocolVersion::TLSv1_2 => "TLSv1.2",
            ProtocolVersion::TLSv1_3 => "TLSv1.3",
            _ => "unknown",
        }
    }

    /// The version as it goes over the wire: 0x0303 or 0x0304 (RFC 8446 section 4.2.1).
    #[must_use]
    pub fn version_number(&self) -> u16 {
        u16::from(self.version)
    }

    /// The cipher suite's name at IANA, as in `TLS_AES_128_GCM_SHA256`.
    #[must_use]
    pub fn cipher_suite(&self) -> &'static str {
        self.suite.1
    }

    /// The cipher suite's number at IANA.
    #[must_use]
    pub fn cipher_suite_number(&self) -> u16 {
        self.suite.0
    }

    /// The protocol that was agreed on (ALPN, RFC 7301): `h2` or `http/1.1`; none if the client offered nothing.
    #[must_use]
    pub fn alpn(&self) -> Option<&[u8]> {
        self.alpn.as_deref()
    }

    /// The host name that the client asked for (SNI, RFC 6066 section 3), in lower case.
    #[must_use]
    pub fn server_name(&self) -> Option<&str> {
        self.server_name.as_deref()
    }

    /// Whether the client has continued an earlier session.
    #[must_use]
    pub fn is_resumed(&self) -> bool {
        self.resumed
    }

    /// The client's certificate in DER, then what it sent along to vouch for it; empty if it has shown none. What is here
    /// has been verified against `ca_certs`.
    #[must_use]
    pub fn client_chain(&self) -> &[CertificateDer<'static>] {
        &self.client_chain
    }

    /// To whom the client's certificate was issued, as RFC 4514 writes it: `CN=alice,O=Example`. None if the client has
    /// shown no certificate.
    #[must_use]
    pub fn client_subject(&self) -> Option<&str> {
        self.client_subject.as_deref()
    }
}
