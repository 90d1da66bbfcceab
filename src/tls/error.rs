//! Why certificates cannot be used: one sentence each, which names the file, the option, and what to do.

use std::fmt;

/// A file as messages call it: its path and the option that names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Named {
    /// `certfile`, `keyfile` or `ca_certs`.
    pub option: &'static str,
    /// As it was written.
    pub path: String,
}

impl fmt::Display for Named {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (option `{}`)", self.path, self.option)
    }
}

/// What is wrong with certificates, keys or the options around them.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum TlsError {
    /// The system does not let us have the file.
    #[error("cannot read {file}: {why}")]
    Unreadable {
        /// Which.
        file: Named,
        /// Why.
        why: String,
    },
    /// Not one certificate in the file.
    #[error("{file} holds no certificate in PEM form{hint}")]
    NoCertificate {
        /// Which.
        file: Named,
        /// What it holds instead; empty or beginning with a semicolon.
        hint: &'static str,
    },
    /// No private key in the file.
    #[error("{file} holds no private key in PEM form{hint}")]
    NoKey {
        /// Which.
        file: Named,
        /// What may help; empty or beginning with a semicolon.
        hint: &'static str,
    },
    /// A key that wants a password.
    #[error("the private key in {file} is encrypted; set ssl_keyfile_password")]
    Encrypted {
        /// Which.
        file: Named,
    },
    /// The same in OpenSSL's old way, which makes nothing of a password.
    #[error(
        "the private key in {file} is encrypted in OpenSSL's old way, which is not read; write it anew with: openssl \
         pkcs8 -topk8 -in {} -out KEYFILE", .file.path
    )]
    OldEncryption {
        /// Which.
        file: Named,
    },
    /// Encrypted with an algorithm that is not known.
    #[error(
        "the private key in {file} is encrypted in a way that is not known; write it anew with: openssl pkcs8 -topk8 -in {} \
         -out KEYFILE", .file.path
    )]
    UnknownEncryption {
        /// Which.
        file: Named,
    },
    /// The password is not the key's.
    #[error("the private key in {file} is not decrypted by that password (option `ssl_keyfile_password`)")]
    WrongPassword {
        /// Which.
        file: Named,
    },
    /// PEM that is broken, or a certificate that is none.
    #[error("{file} is damaged: {why}")]
    Damaged {
        /// Which.
        file: Named,
        /// In which way.
        why: String,
    },
    /// A key of another algorithm, or too small.
    #[error(
        "the private key in {file} cannot be used; use RSA with 2048 to 8192 bits, ECDSA on P-256 or P-384, or Ed25519"
    )]
    UnusableKey {
        /// Which.
        file: Named,
    },
    /// Certificate and key are not a pair.
    #[error("the private key in {key} does not belong to the first certificate in {certificate}{hint}")]
    Mismatch {
        /// The certificate's file.
        certificate: Named,
        /// The key's file.
        key: Named,
        /// What may help; empty or beginning with a semicolon.
        hint: &'static str,
    },
    /// `ciphers` cannot be meant.
    #[error("ciphers: {0}")]
    Ciphers(String),
    /// rustls refuses what was put together.
    #[error("TLS cannot be set up: {0}")]
    Setup(String),
}
