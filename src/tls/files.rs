//! The files that the settings name. Read in the arbiter only, and by nothing that could wait.

use super::error::{Named, TlsError};
use super::material::{Material, Pair, Pem};
use super::password::decrypted;
use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::Path;

/// Far more than any chain has; a bundle of every authority there is has a quarter of it.
const MOST: u64 = 1 << 20;

/// What the settings name.
#[derive(Clone, Copy, Default)]
pub struct Files<'a> {
    /// Certificates with their chains.
    pub certfiles: &'a [String],
    /// Their keys; none: each is in the file of its certificate.
    pub keyfiles: &'a [String],
    /// What decrypts those keys that are encrypted.
    pub password: Option<&'a str>,
    /// The authorities for clients.
    pub clients: Option<&'a Path>,
}

impl fmt::Debug for Files<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The password is nobody's business.
        let Self { certfiles, keyfiles, password: _, clients } = self;
        let mut shown = f.debug_struct("Files");
        shown
            .field("certfiles", certfiles)
            .field("keyfiles", keyfiles)
            .field("clients", clients)
            .finish_non_exhaustive()
    }
}

/// Reads what is named.
///
/// # Errors
/// The first file that cannot be read, or the first key that is not decrypted.
pub fn read(files: &Files<'_>) -> Result<Material, TlsError> {
    let mut pairs = Vec::with_capacity(files.certfiles.len());
    for (index, certfile) in files.certfiles.iter().enumerate() {
        let certificate = pem("certfile", Path::new(certfile))?;
        let (option, key) = match files.keyfiles.get(index) {
            Some(keyfile) => ("keyfile", pem("keyfile", Path::new(keyfile))?),
            None => ("certfile", certificate.clone()),
        };
        let key = match files.password {
            Some(password) => decrypted(option, key, password)?,
            None => key,
        };
        pairs.push(Pair { certificate, key });
    }
    let clients = files.clients.map(|path| pem("ca_certs", path)).transpose()?;
    Ok(Material { pairs, clients })
}

/// Whether every user of the machine may read the key in this file.
#[must_use]
pub fn open_to_everybody(key: &Pem) -> bool {
    std::fs::metadata(&key.path).is_ok_and(|there| there.permissions().mode() & 0o004 != 0)
}

fn pem(option: &'static str, path: &Path) -> Result<Pem, TlsError> {
    let path_text = path.display().to_string();
    let refuse = |why: String| TlsError::Unreadable { file: Named { option, path: path_text.clone() }, why };
    let bytes = content(path).map_err(|error| {
        refuse(match error.kind() {
            io::ErrorKind::NotFound => "there is no such file".to_owned(),
            io::ErrorKind::PermissionDenied => "the user of the arbiter is not allowed to".to_owned(),
            io::ErrorKind::InvalidInput => "it is not a file".to_owned(),
            io::ErrorKind::FileTooLarge => format!("it is larger than {} KiB", MOST >> 10),
            _ => error.to_string(),
        })
    })?;
    Ok(Pem { path: path_text, text: String::from_utf8_lossy(&bytes).into_owned() })
}

fn content(path: &Path) -> io::Result<Vec<u8>> {
    // Opening a pipe that nobody writes to would wait for ever without this flag.
    let file = File::options().read(true).custom_flags(crate::sys::fd::NONBLOCK).open(path)?;
    if !file.metadata()?.is_file() {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    let mut bytes = Vec::new();
    file.take(MOST + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > MOST { Err(io::ErrorKind::FileTooLarge.into()) } else { Ok(bytes) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn complaint(path: &Path) -> String {
        let certfiles = [path.display().to_string()];
        read(&Files { certfiles: &certfiles, ..Files::default() }).unwrap_err().to_string()
    }

    #[test]
    fn what_cannot_be_read_is_named_with_its_option() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.pem");
        let shown = path.display();
        assert_eq!(complaint(&path), format!("cannot read {shown} (option `certfile`): there is no such file"));
        assert!(complaint(folder.path()).ends_with("(option `certfile`): it is not a file"));
        std::fs::write(&path, vec![b'x'; MOST as usize + 1]).unwrap();
        assert!(complaint(&path).ends_with("it is larger than 1024 KiB"));
        std::fs::write(&path, "text").unwrap();
        let certfiles = [path.display().to_string()];
        let files = Files { certfiles: &certfiles, ..Files::default() };
        let error = read(&Files { keyfiles: &["/no/key".into()], ..files }).unwrap_err().to_string();
        assert_eq!(error, "cannot read /no/key (option `keyfile`): there is no such file");
        let error = read(&Files { clients: Some(Path::new("/no/ca")), ..files }).unwrap_err().to_string();
        assert_eq!(error, "cannot read /no/ca (option `ca_certs`): there is no such file");
    }

    #[test]
    fn the_password_is_not_shown() {
        let shown = format!("{:?}", Files { password: Some("opena"), ..Files::default() });
        assert!(shown.starts_with("Files { certfiles: [], ") && !shown.contains("opena"), "{shown}");
    }

    #[test]
    fn a_pipe_is_refused_without_waiting() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("pipe");
        let made = std::process::Command::new("mkfifo").arg(&path).status().unwrap();
        assert!(made.success() && complaint(&path).ends_with("it is not a file"));
    }

    #[test]
    fn keys_that_everybody_may_read_are_told_from_others() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key.pem");
        std::fs::write(&path, "").unwrap();
        let key = Pem { path: path.display().to_string(), text: String::new() };
        for (mode, open) in [(0o644, true), (0o640, false), (0o600, false)] {
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
            assert_eq!(open_to_everybody(&key), open, "{mode:o}");
        }
    }
}
