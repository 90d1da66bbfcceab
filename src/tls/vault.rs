//! The vault: a file in memory through which the arbiter hands certificates and keys to workers that are no longer
//! allowed to read them, and renews them while they live.
//!
//! The arbiter writes, a worker's descriptor can only read. At the start of the file stands a header that says which
//! version there is, where it lies and what its checksum is. A new version is written where the current one does not
//! lie, then the header points to it. A reader that is overtaken in the middle sees it by the checksum, which covers
//! header and content, and looks again: it gets a version as it was published, or none.

use super::material::Parcel;
use ring::digest::{Context, SHA256, SHA256_OUTPUT_LEN};
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

/// Three numbers and the checksum.
const HEADER: usize = 3 * 8 + SHA256_OUTPUT_LEN;
/// No set of certificates is larger; a length beyond it is a torn header.
const MOST: u64 = 64 << 20;
/// How often a reader that is overtaken looks again, before it leaves it to its next turn.
const ATTEMPTS: usize = 100;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Header {
    version: u64,
    offset: u64,
    length: u64,
    sum: [u8; SHA256_OUTPUT_LEN],
}

impl Header {
    fn of(version: u64, offset: u64, content: &[u8]) -> Self {
        let length = content.len() as u64;
        let mut context = Context::new(&SHA256);
        [version, offset, length].iter().for_each(|number| context.update(&number.to_le_bytes()));
        context.update(content);
        let mut sum = [0; SHA256_OUTPUT_LEN];
        sum.copy_from_slice(context.finish().as_ref());
        Self { version, offset, length, sum }
    }

    #[cfg(feature = "arbiter")]
    fn to_bytes(self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(HEADER);
        [self.version, self.offset, self.length].iter().for_each(|number| bytes.extend(number.to_le_bytes()));
        bytes.extend(self.sum);
        bytes
    }

    fn from_bytes(bytes: &[u8; HEADER]) -> Self {
        let number = |at: usize| {
            let mut number = [0; 8];
            number.copy_from_slice(&bytes[at * 8..(at + 1) * 8]);
            u64::from_le_bytes(number)
        };
        let mut sum = [0; SHA256_OUTPUT_LEN];
        sum.copy_from_slice(&bytes[3 * 8..]);
        Self { version: number(0), offset: number(1), length: number(2), sum }
    }
}

/// The arbiter's side.
#[cfg(feature = "arbiter")]
#[derive(Debug)]
pub struct Vault {
    file: File,
    /// What workers inherit.
    reader: std::os::fd::OwnedFd,
    current: Header,
}

#[cfg(feature = "arbiter")]
impl Vault {
    /// A vault with its first version.
    ///
    /// # Errors
    /// When the system gives no memory file.
    pub fn create(parcel: &Parcel) -> io::Result<Self> {
        let (file, reader) = crate::sys::memfd::one_way("rustcorn-vault")?;
        let mut vault = Self { file, reader, current: Header::of(0, HEADER as u64, &[]) };
        vault.publish(parcel)?;
        Ok(vault)
    }

    /// Puts the next version in; workers find it at their next look.
    ///
    /// # Errors
    /// When the system has no memory for it; then the version of before stays.
    pub fn publish(&mut self, parcel: &Parcel) -> io::Result<()> {
        let content = serde_json::to_vec(parcel).map_err(io::Error::from)?;
        let Header { version, offset, length, .. } = self.current;
        let first = HEADER as u64;
        // In front of the current version if there is room, else behind it.
        let free = if first + content.len() as u64 <= offset { first } else { offset + length };
        let next = Header::of(version + 1, free, &content);
        self.file.write_all_at(&content, free)?;
        self.file.write_all_at(&next.to_bytes(), 0)?;
        self.current = next;
        Ok(())
    }

    /// The descriptor that workers inherit: it cannot write.
    #[must_use]
    pub fn reader(&self) -> std::os::fd::BorrowedFd<'_> {
        std::os::fd::AsFd::as_fd(&self.reader)
    }
}

/// A worker's side.
#[derive(Debug)]
pub struct VaultReader {
    file: File,
}

impl VaultReader {
    /// Over the inherited descriptor.
    #[must_use]
    pub fn new(fd: std::os::fd::OwnedFd) -> Self {
        Self { file: File::from(fd) }
    }

    /// The number of the newest version: one short system call, for those who look often.
    ///
    /// # Errors
    /// When the descriptor is no vault.
    pub fn version(&self) -> io::Result<u64> {
        let mut number = [0; 8];
        self.file.read_exact_at(&mut number, 0)?;
        Ok(u64::from_le_bytes(number))
    }

    /// The newest version and its number.
    ///
    /// # Errors
    /// When the descriptor is no vault, or it was written to again and again while we looked.
    pub fn read(&self) -> io::Result<(u64, Parcel)> {
        for _ in 0..ATTEMPTS {
            if let Some((version, content)) = self.attempt()? {
                return Ok((version, serde_json::from_slice(&content)?));
            }
            std::thread::yield_now();
        }
        Err(io::Error::other("the vault with the certificates is damaged"))
    }

    /// None if the header or the content was changed under our hands.
    fn attempt(&self) -> io::Result<Option<(u64, Vec<u8>)>> {
        let mut header = [0; HEADER];
        self.file.read_exact_at(&mut header, 0)?;
        let header = Header::from_bytes(&header);
        if header.length > MOST {
            return Ok(None);
        }
        let mut content = vec![0; usize::try_from(header.length).unwrap_or_default()];
        match self.file.read_exact_at(&mut content, header.offset) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
            Err(error) => return Err(error),
        }
        let whole = Header::of(header.version, header.offset, &content) == header;
        Ok(whole.then_some((header.version, content)))
    }
}

#[cfg(all(test, feature = "arbiter"))]
mod tests {
    use super::*;
    use crate::tls::{Material, Pem, TicketKeys};
    use std::io::Write;
    use std::sync::atomic::{AtomicBool, Ordering};

    /// A parcel whose every part tells its size.
    fn parcel(size: usize) -> Parcel {
        let text = char::from(b'a' + (size % 26) as u8).to_string().repeat(size);
        let clients = Some(Pem { path: size.to_string(), text });
        Parcel { material: Material { pairs: Vec::new(), clients }, tickets: TicketKeys::fresh().unwrap() }
    }

    fn reader(vault: &Vault) -> VaultReader {
        VaultReader::new(vault.reader().try_clone_to_owned().unwrap())
    }

    #[test]
    fn versions_come_one_after_the_other_and_the_file_does_not_grow() {
        let mut vault = Vault::create(&parcel(1000)).unwrap();
        let reader = reader(&vault);
        for version in 1..200 {
            assert_eq!(reader.version().unwrap(), version);
            let (found, parcel_found) = reader.read().unwrap();
            let clients = parcel_found.material.clients.unwrap();
            assert_eq!((found, clients.path, clients.text.len()), (version, "1000".into(), 1000));
            vault.publish(&parcel(1000)).unwrap();
        }
        let size = vault.file.metadata().unwrap().len();
        assert!(size < 4 * 1500, "{size} bytes");
    }

    #[test]
    fn a_worker_cannot_write() {
        let vault = Vault::create(&parcel(10)).unwrap();
        let fd = vault.reader().try_clone_to_owned().unwrap();
        assert!(File::from(fd).write_all(b"x").is_err());
        reader(&vault).read().unwrap();
    }

    #[test]
    fn no_reader_sees_half_a_version() {
        let mut vault = Vault::create(&parcel(1)).unwrap();
        let done = AtomicBool::new(false);
        let (reader, done) = (&reader(&vault), &done);
        std::thread::scope(|scope| {
            let readers = [(); 3].map(|()| {
                scope.spawn(move || {
                    let (mut seen, mut newest) = (0u32, 0);
                    while !done.load(Ordering::Relaxed) {
                        // Overtaken a hundred times in a row by a writer that never rests is allowed.
                        let Ok((version, parcel)) = reader.read() else { continue };
                        let clients = parcel.material.clients.unwrap();
                        let size: usize = clients.path.parse().unwrap();
                        assert!(version >= newest && clients.text.len() == size);
                        assert!(clients.text.bytes().all(|byte| byte == b'a' + (size % 26) as u8));
                        (seen, newest) = (seen + 1, version);
                    }
                    seen
                })
            });
            for round in 0..600 {
                vault.publish(&parcel(1 + round * 7919 % 20_000)).unwrap();
            }
            done.store(true, Ordering::Relaxed);
            assert!(readers.into_iter().all(|reader| reader.join().unwrap() > 0));
        });
        assert_eq!(reader.read().unwrap().0, 601);
    }

    #[test]
    fn a_torn_header_or_content_is_noticed() {
        let vault = Vault::create(&parcel(100)).unwrap();
        let reader = reader(&vault);
        for at in (0..HEADER as u64 + 150).step_by(5) {
            let mut byte = [0];
            vault.file.read_exact_at(&mut byte, at).unwrap();
            vault.file.write_all_at(&[!byte[0]], at).unwrap();
            assert!(reader.read().is_err(), "byte {at}");
            vault.file.write_all_at(&byte, at).unwrap();
        }
        assert_eq!(reader.read().unwrap().0, 1);
    }
}
