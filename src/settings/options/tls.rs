//! Certificates and what clients must show.

macro_rules! tls_rows {
    ({$($rows:tt)*} $($rest:ident)*) => {
        collect! { { $($rows)*

    /// Serve TLS with the certificates in this PEM file.
    ///
    /// The server's own certificate comes first, those that vouch for it follow. May be repeated: a client gets the
    /// certificate for the name that it asks for, and the first one if there is none for that name. Every TCP bind then
    /// speaks TLS, unless it is written http://HOST:PORT. Unix sockets stay plain, unless they are written
    /// https+unix:PATH. The files are read by the arbiter, at the start, at a reload and when they change; workers need
    /// no right to read them.
    certfile: Vec<String> = Vec::new() => new(Section::Tls, Kind::List(Item::Text { name: "FILE" }))
        .aliases(&["ssl-certfile"]);

    /// The private key of the certificate, as a PEM file.
    ///
    /// PKCS#8, PKCS#1 or SEC1. As often as certfile and in the same order; or not at all, if each certfile holds its key
    /// too. Of encrypted ones PKCS#8 is read, with ssl_keyfile_password.
    keyfile: Vec<String> = Vec::new() => new(Section::Tls, Kind::List(Item::Text { name: "FILE" }))
        .aliases(&["ssl-keyfile"]);

    /// The password of private keys that are encrypted.
    ///
    /// The same for all keyfiles. Others may see a command line: a settings file or an environment that only its owner
    /// may read is a better place. The arbiter decrypts the keys, and hands them to the workers in memory.
    ssl_keyfile_password: Option<String> = None => new(Section::Tls, Kind::Text { name: "PASSWORD" }).secret();

    /// Who may vouch for the certificates of clients: a PEM file.
    ca_certs: Option<PathBuf> = None => new(Section::Tls, Kind::Text { name: "FILE" }).aliases(&["ssl-ca-certs"]);

    /// Whether clients must show a certificate; 0: no, 1: they may, 2: they must.
    ///
    /// One that does not verify against ca_certs ends the handshake with 1 and with 2. The application sees who the
    /// client is.
    cert_reqs: u16 = 0 => new(Section::Tls, Kind::Integer { min: 0, max: 2 }).aliases(&["ssl-cert-reqs"]);

    /// The oldest version of TLS that is spoken.
    ssl_min_version: TlsVersion = TlsVersion::V1_2 => new(Section::Tls, Kind::Choice {
        names: &["1.2", "1.3"],
        switch: None,
    });

    /// Only these cipher suites, by their IANA or OpenSSL names, with colons or commas between them.
    ///
    /// All that are known are safe. If none of TLS 1.3 is named, those stay as they are, as with OpenSSL; if none of
    /// TLS 1.2 is named, TLS 1.2 is not spoken. OpenSSL's groups (HIGH, !MD5) are not known.
    ciphers: Option<String> = None => new(Section::Tls, Kind::Text { name: "SUITES" }).aliases(&["ssl-ciphers"]);

        } $($rest)* }
    };
}
