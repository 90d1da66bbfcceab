//! Certificates: read and checked here, where the files may be read, and handed to the workers through a vault.
//!
//! Each load has a vault of its own. What changes on disk is put into the vaults of all living loads, so workers take it
//! without a restart; what is broken is told once, and the workers go on with what they have. The counterparts are `tls`
//! and `worker::tls`.

mod watch;

pub use watch::Watch;

use super::load::{Load, LoadError};
use super::orders;
use super::shell::Shell;
use crate::abi::TlsOrders;
use crate::log;
use crate::settings::{self, Settings};
use crate::tls::{self, Files, Identity, Material, Parcel, TicketKeys, TlsError, Vault};
use crate::types::Mono;
use std::os::fd::{AsRawFd, RawFd};
use std::time::{SystemTime, UNIX_EPOCH};

/// What the workers of one load speak TLS with.
pub struct Certificates {
    vault: Vault,
    parcel: Parcel,
    orders: TlsOrders,
    /// What was last told about files that cannot be used; the same is not told twice.
    complaint: Option<String>,
}

/// Everything that a start would find wrong with the files that the settings name.
pub fn check(settings: &Settings) -> Result<(), LoadError> {
    if settings.certfile.is_empty() {
        return Ok(());
    }
    let tickets = TicketKeys::fresh().map_err(|error| LoadError::step("make keys for session tickets", error))?;
    let parcel = Parcel { material: read(settings).map_err(LoadError::failure)?, tickets };
    let identities = usable(settings, &parcel).map_err(LoadError::failure)?;
    warn(&parcel.material, &identities);
    Ok(())
}

impl Certificates {
    /// What the settings name, read and checked; none if they name no certificate. Sessions that clients have from
    /// `before` can be continued, unless what is asked of clients has changed.
    pub fn open(settings: &Settings, before: Option<&Self>) -> Result<Option<Self>, LoadError> {
        if settings.certfile.is_empty() {
            return Ok(None);
        }
        let material = read(settings).map_err(LoadError::failure)?;
        let orders = orders::tls_orders(settings);
        let trusted = before.filter(|it| it.orders.cert_reqs == orders.cert_reqs);
        let trusted = trusted.map(|it| &it.parcel).filter(|it| it.material.clients == material.clients);
        let tickets = trusted.map_or_else(TicketKeys::fresh, |it| Ok(it.tickets.clone()));
        let tickets = tickets.map_err(|error| LoadError::step("make keys for session tickets", error))?;
        let parcel = Parcel { material, tickets };
        let identities = usable(settings, &parcel).map_err(LoadError::failure)?;
        warn(&parcel.material, &identities);
        for (pair, Identity { certificate, .. }) in parcel.material.pairs.iter().zip(&identities) {
            let (path, owner) = (&pair.certificate.path, certificate.owner());
            log::info!("Certificate {path} is for {owner}, valid until {}", certificate.valid_until());
        }
        let vault = Vault::create(&parcel);
        let vault = vault.map_err(|error| LoadError::step("make a place for the certificates", error))?;
        Ok(Some(Self { vault, parcel, orders, complaint: None }))
    }

    /// The descriptor that workers read from.
    pub fn raw_fd(&self) -> RawFd {
        self.vault.reader().as_raw_fd()
    }

    /// Reads the files again and gives the workers what has changed; what is broken is told, and nothing changes.
    fn look_again(&mut self, settings: &Settings) {
        match self.renewed(settings) {
            Ok(()) => self.complaint = None,
            Err(complaint) if self.complaint.as_ref() == Some(&complaint) => {}
            Err(complaint) => {
                log::error!("{complaint}; the certificates of before stay in use");
                self.complaint = Some(complaint);
            }
        }
    }

    fn renewed(&mut self, settings: &Settings) -> Result<(), String> {
        let material = read(settings).map_err(|error| error.to_string())?;
        if material == self.parcel.material {
            return Ok(());
        }
        let random = |error: std::io::Error| format!("cannot make keys for session tickets: {error}");
        // A ticket stands for a certificate that was verified by the authorities of before.
        let tickets = match material.clients == self.parcel.material.clients {
            true => self.parcel.tickets.clone(),
            false => TicketKeys::fresh().map_err(random)?,
        };
        let parcel = Parcel { material, tickets };
        let identities = usable(settings, &parcel).map_err(|error| error.to_string())?;
        self.publish(&parcel)?;
        warn(&parcel.material, &identities);
        let before = std::mem::replace(&mut self.parcel, parcel).material;
        for ((pair, old), identity) in self.parcel.material.pairs.iter().zip(&before.pairs).zip(&identities) {
            if pair != old {
                let until = identity.certificate.valid_until();
                log::info!("Certificate {} renewed, valid until {until}", pair.certificate.path);
            }
        }
        if let Some(clients) = self.parcel.material.clients.as_ref().filter(|now| Some(*now) != before.clients.as_ref())
        {
            log::info!("Certificates of clients are verified against the new {}", clients.path);
        }
        Ok(())
    }

    /// A new key for session tickets. If it cannot be had, the old one goes on.
    fn roll_tickets(&mut self) {
        let rolled = self.parcel.tickets.rolled().map_err(|error| error.to_string());
        let parcel = rolled.map(|tickets| Parcel { tickets, material: self.parcel.material.clone() });
        match parcel.and_then(|parcel| self.publish(&parcel).map(|()| parcel)) {
            Ok(parcel) => self.parcel = parcel,
            Err(error) => log::error!("the keys for TLS session tickets are not renewed: {error}"),
        }
    }

    fn publish(&mut self, parcel: &Parcel) -> Result<(), String> {
        self.vault.publish(parcel).map_err(|error| format!("cannot hand certificates to the workers: {error}"))
    }
}

impl Load {
    fn renew_certificates(&mut self) {
        if let Some(certificates) = &mut self.certificates {
            certificates.look_again(&self.settings);
        }
    }
}

impl Shell<'_> {
    /// Does what is due: files that have changed a moment ago are read, keys for session tickets are rolled.
    pub fn tend_certificates(&mut self, now: Mono) {
        if self.watch.is_look_due(now) {
            // First the watch, then the look: a change in between is seen twice instead of never.
            self.watch_certificates();
            self.loads.iter_mut().for_each(Load::renew_certificates);
        }
        if self.watch.is_roll_due(now) {
            self.loads.iter_mut().filter_map(|load| load.certificates.as_mut()).for_each(Certificates::roll_tickets);
        }
    }

    /// From now on the files of the newest load are watched. What changed before this call may have been missed:
    /// [`Watch::look_soon`] makes up for it.
    pub fn watch_certificates(&mut self) {
        let load = self.loads.newest();
        let material =
            load.and_then(|load| load.certificates.as_ref()).map(|certificates| &certificates.parcel.material);
        if let Err(error) = self.watch.follow(material) {
            log::warn!("{error}; certificates are read again by HUP only");
        }
    }
}

fn read(settings: &Settings) -> Result<Material, TlsError> {
    // Who shows no certificate needs nobody to vouch for it.
    let clients = settings.ca_certs.as_deref().filter(|_| settings.cert_reqs > 0);
    tls::read(&Files {
        certfiles: &settings.certfile,
        keyfiles: &settings.keyfile,
        password: settings.ssl_keyfile_password.as_deref(),
        clients,
    })
}

/// Checks by making what a worker will make of it.
fn usable(settings: &Settings, parcel: &Parcel) -> Result<Vec<Identity>, TlsError> {
    let protocols = settings::protocols(settings);
    tls::server_config(parcel, &orders::tls_orders(settings), &protocols).map(|(_, identities)| identities)
}

/// What works, and yet not for long or not for everybody.
fn warn(material: &Material, identities: &[Identity]) {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    for (pair, identity) in material.pairs.iter().zip(identities) {
        if let Some(untimely) = identity.certificate.untimely(now.cast_signed()) {
            log::warn!("the certificate in {} {untimely}: clients will refuse it", pair.certificate.path);
        }
        if tls::open_to_everybody(&pair.key) {
            let path = &pair.key.path;
            log::warn!("every user of this machine may read the private key in {path}; chmod 600 is enough");
        }
    }
}
