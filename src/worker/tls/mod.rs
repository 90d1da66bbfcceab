//! TLS on a worker's connections: the handshake, and certificates that change while the worker lives.
//!
//! What is agreed on with whom is `crate::tls`; this is the event loop's side of it. The arbiter's counterpart, which
//! fills the vault, is `arbiter::certificates`. There is no timer here: whoever watches the connection cuts a handshake
//! that takes longer than `handshake_timeout` by dropping the future.

use crate::abi::{Orders, TlsOrders};
use crate::tls::{TlsFacts, VaultReader, server_config};
use rustls::{Error, InvalidMessage, ServerConfig};
use std::io;
use std::os::fd::OwnedFd;
use std::sync::{Arc, PoisonError, RwLock};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

/// What a worker shakes hands with.
#[derive(Debug)]
pub struct Tls {
    vault: VaultReader,
    orders: TlsOrders,
    protocols: Vec<String>,
    current: RwLock<Current>,
}

#[derive(Debug)]
struct Current {
    /// The newest version of the vault that was looked at.
    version: u64,
    config: Arc<ServerConfig>,
}

impl Tls {
    /// From the vault that the arbiter has filled.
    ///
    /// # Errors
    /// When the descriptor is no vault, or what is in it cannot be used here.
    pub fn from_vault(fd: OwnedFd, orders: &Orders) -> io::Result<Self> {
        let vault = VaultReader::new(fd);
        let (version, config) = read(&vault, &orders.tls, &orders.http_protocols)?;
        let current = RwLock::new(Current { version, config: config? });
        Ok(Self { vault, orders: orders.tls.clone(), protocols: orders.http_protocols.clone(), current })
    }

    /// Takes over what the arbiter has put into the vault since; to be called about once a second. Whether there was
    /// anything new. It costs one system call if there was not.
    ///
    /// # Errors
    /// When the new version cannot be used; the one of before stays, and the error is not told again.
    pub fn refresh(&self) -> io::Result<bool> {
        let known = self.current.read().unwrap_or_else(PoisonError::into_inner).version;
        if self.vault.version()? == known {
            return Ok(false);
        }
        let (version, config) = read(&self.vault, &self.orders, &self.protocols)?;
        let mut current = self.current.write().unwrap_or_else(PoisonError::into_inner);
        current.version = version;
        current.config = config?;
        Ok(true)
    }

    /// Shakes hands as the server. Shutting the stream down sends `close_notify` (RFC 8446 section 6.1); dropping it does
    /// not. The future may be dropped at any time.
    ///
    /// # Errors
    /// When the client goes away, or does not want what we have or we what it has; it has been sent an alert then. On the
    /// internet this is everyday noise, worth a debug line.
    pub async fn accept<S>(&self, stream: S) -> io::Result<(TlsStream<S>, Arc<TlsFacts>)>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let config = self.current.read().unwrap_or_else(PoisonError::into_inner).config.clone();
        let stream = TlsAcceptor::from(config).accept(stream).await.map_err(plainly)?;
        let facts = Arc::new(TlsFacts::of(stream.get_ref().1));
        Ok((stream, facts))
    }
}

/// The newest version, and what becomes of it.
fn read(
    vault: &VaultReader,
    orders: &TlsOrders,
    protocols: &[String],
) -> io::Result<(u64, io::Result<Arc<ServerConfig>>)> {
    let (version, parcel) = vault.read()?;
    let config = server_config(&parcel, orders, protocols);
    Ok((version, config.map(|(config, _)| Arc::new(config)).map_err(io::Error::other)))
}

/// The commonest mistake of all in words that are understood.
fn plainly(error: io::Error) -> io::Error {
    let cause = error.get_ref().and_then(|cause| cause.downcast_ref::<Error>());
    match cause {
        Some(Error::InvalidMessage(InvalidMessage::InvalidContentType)) => {
            io::Error::new(error.kind(), "the client does not speak TLS")
        }
        _ => error,
    }
}

#[cfg(test)]
mod tests;
