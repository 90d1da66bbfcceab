//! The body of a request before the application is called.
//!
//! With one thread a body is received first: a slow upload would otherwise keep the worker from everything else. It is
//! kept in memory up to a limit, and in a temporary file beyond that, up to another limit: what is more is read as it
//! comes. With several threads two kinds are not waited for: a client that awaits `100 Continue` asks the application
//! itself, which answers by reading; and a body that is large or of unknown length is read as it comes, while other
//! threads serve other clients. So an application that answers while its client still sends needs threads.

use super::options::Options;
use bytes::{Bytes, BytesMut};
use http::{HeaderMap, header};
use http_body::Body as _;
use rustcorn::{Body, BoxError};
use std::fs::File;
use std::future::poll_fn;
use std::io::{self, Seek, SeekFrom, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;
use std::pin::Pin;

/// So much of a body is kept in memory.
const IN_MEMORY: usize = 1 << 20;

/// So much of one is kept in a file.
const IN_FILE: u64 = 256 << 20;

/// The body of a request, as far as it was received.
pub(super) enum Received {
    Nothing,
    /// All of it.
    Whole(Bytes),
    /// From the beginning of a file that has no name, and then what was too much for that; none: it was not.
    Spooled(File, Option<Body>),
    /// It is read as the application asks for it.
    Coming(Body),
}

/// What is done with the body of a request.
pub(super) enum Plan {
    /// The application can be called.
    Go(Received),
    /// It is received first.
    Receive(Body),
}

/// Decides about a body.
pub(super) fn plan(body: Body, headers: &HeaderMap, options: &Options) -> Plan {
    if body.is_end_stream() {
        return Plan::Go(Received::Nothing);
    }
    let expects = headers.get(header::EXPECT).is_some();
    let is_small = body.size_hint().exact().is_some_and(|length| length <= IN_MEMORY as u64);
    if options.threads > 1 && (expects || !is_small) {
        return Plan::Go(Received::Coming(body));
    }
    Plan::Receive(body)
}

/// Receives all of it, or as much as is kept.
pub(super) async fn receive(mut body: Body, directory: Option<PathBuf>) -> Result<Received, BoxError> {
    let mut memory = Memory::Nothing;
    let mut file: Option<File> = None;
    let mut length = 0;
    let mut is_whole = true;
    while let Some(frame) = poll_fn(|cx| Pin::new(&mut body).poll_frame(cx)).await {
        // Trailers have no place in an environ.
        let Ok(piece) = frame?.into_data() else { continue };
        length += piece.len() as u64;
        if let Some(file) = &mut file {
            file.write_all(&piece).map_err(|error| full(directory.as_ref(), &error))?;
            if length > IN_FILE {
                is_whole = false;
                break;
            }
            continue;
        }
        memory.add(piece);
        if memory.len() > IN_MEMORY {
            let mut new = temporary(directory.as_ref()).map_err(|error| full(directory.as_ref(), &error))?;
            new.write_all(&std::mem::replace(&mut memory, Memory::Nothing).into_bytes())
                .map_err(|error| full(directory.as_ref(), &error))?;
            file = Some(new);
        }
    }
    let Some(mut file) = file else {
        let bytes = memory.into_bytes();
        return Ok(if bytes.is_empty() { Received::Nothing } else { Received::Whole(bytes) });
    };
    file.seek(SeekFrom::Start(0)).map_err(|error| full(directory.as_ref(), &error))?;
    Ok(Received::Spooled(file, Some(body).filter(|_| !is_whole)))
}

/// Most bodies are one piece, which is not copied.
enum Memory {
    Nothing,
    One(Bytes),
    Several(BytesMut),
}

impl Memory {
    fn add(&mut self, piece: Bytes) {
        *self = match std::mem::replace(self, Self::Nothing) {
            Self::Nothing => Self::One(piece),
            Self::One(first) => {
                let mut all = BytesMut::with_capacity(2 * (first.len() + piece.len()));
                all.extend_from_slice(&first);
                all.extend_from_slice(&piece);
                Self::Several(all)
            }
            Self::Several(mut all) => {
                all.extend_from_slice(&piece);
                Self::Several(all)
            }
        };
    }

    fn len(&self) -> usize {
        match self {
            Self::Nothing => 0,
            Self::One(bytes) => bytes.len(),
            Self::Several(bytes) => bytes.len(),
        }
    }

    fn into_bytes(self) -> Bytes {
        match self {
            Self::Nothing => Bytes::new(),
            Self::One(bytes) => bytes,
            Self::Several(bytes) => bytes.freeze(),
        }
    }
}

fn place(directory: Option<&PathBuf>) -> PathBuf {
    directory.cloned().unwrap_or_else(std::env::temp_dir)
}

fn full(directory: Option<&PathBuf>, error: &io::Error) -> BoxError {
    format!("the body cannot be kept in {} (tmp_upload_dir): {error}", place(directory).display()).into()
}

/// A file without a name, so that nothing is left of it whatever happens to this process.
fn temporary(directory: Option<&PathBuf>) -> io::Result<File> {
    use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let directory = place(directory);
    let mut options = File::options();
    options.read(true).write(true).mode(0o600);
    // By name, and at once without: file systems without O_TMPFILE are not rare (overlayfs, NFS).
    loop {
        let name = format!(".rustcorn-upload-{}-{}", std::process::id(), COUNT.fetch_add(1, Relaxed));
        let path = directory.join(name);
        match options.clone().create_new(true).open(&path) {
            Ok(file) => {
                std::fs::remove_file(&path)?;
                return Ok(file);
            }
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
        }
    }
}
