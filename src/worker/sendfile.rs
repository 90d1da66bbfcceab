//! A response whose body is part of a file: the kernel can send it.

use std::fs::File;
use std::sync::Arc;

/// An extension of responses: the bytes of the body are these, and the body itself need not be read where the kernel can
/// send them (HTTP/1 without TLS). Elsewhere, and for whoever does not know of this, the body gives the same bytes.
///
/// It counts only if the length of the response is that of the part.
#[derive(Clone, Debug)]
pub struct SendFile {
    /// A regular file.
    pub file: Arc<File>,
    /// Where the part begins.
    pub offset: u64,
    /// How long it is.
    pub length: u64,
}
