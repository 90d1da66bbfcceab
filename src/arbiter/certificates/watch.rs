//! When to look at the certificates again: after a change of their files, and when the keys of session tickets are old.
//! While nothing changes it wakes nobody but for those keys, four times a day.

use crate::sys;
use crate::sys::inotify::Watcher;
use crate::tls::{Material, TicketKeys};
use crate::types::Mono;
use std::collections::VecDeque;
use std::ffi::OsString;
use std::fs;
use std::os::fd::{AsFd, BorrowedFd};
use std::path::{Component, Path, PathBuf};
use std::time::Duration;

/// A certificate and its key are two files, and rarely change at the same moment.
const SETTLE: Duration = Duration::from_millis(250);
/// As many links as Linux itself follows.
const MOST_LINKS: usize = 40;

/// The watched files and the next deadlines.
#[derive(Debug, Default)]
pub struct Watch {
    watcher: Option<Watcher>,
    look: Option<Mono>,
    roll: Option<Mono>,
}

impl Watch {
    /// Watches the files of these, and no others any more. Files are watched by their names, and so is every symbolic
    /// link on the way: Kubernetes and certbot renew by turning a link.
    ///
    /// # Errors
    /// One sentence, when the system does not watch; what can be watched is watched.
    pub fn follow(&mut self, material: Option<&Material>) -> Result<(), String> {
        self.watcher = None;
        let Some(material) = material else {
            (self.look, self.roll) = (None, None);
            return Ok(());
        };
        // Whether files can be watched or not, keys of tickets grow old.
        self.roll.get_or_insert_with(|| sys::clock::now().after(TicketKeys::ROLL_EVERY));
        let cannot = |what: &Path, error| format!("cannot watch {}: {error}", what.display());
        let mut watcher = Watcher::new().map_err(|error| format!("cannot watch files: {error}"))?;
        let mut result = Ok(());
        let pairs = material.pairs.iter().flat_map(|pair| [&pair.certificate, &pair.key]);
        for path in pairs.chain(&material.clients).map(|pem| Path::new(&pem.path)) {
            for place in std::path::absolute(path).map_err(|error| cannot(path, error)).map(|path| way(&path))? {
                let watched = watcher.add_file(&place).map_err(|error| cannot(&place, error));
                result = result.and(watched);
            }
        }
        self.watcher = Some(watcher);
        result
    }

    /// Look, once, in a moment.
    pub fn look_soon(&mut self) {
        self.look = self.watcher.as_ref().map(|_| sys::clock::now().after(SETTLE));
    }

    /// Notes whether a file has changed.
    pub fn read_changes(&mut self) {
        if self.watcher.as_mut().is_some_and(|watcher| !watcher.drain().is_empty()) {
            self.look_soon();
        }
    }

    /// The inotify descriptor.
    pub fn pipe(&self) -> Option<BorrowedFd<'_>> {
        self.watcher.as_ref().map(AsFd::as_fd)
    }

    /// When something is to be done, if nothing else happens before.
    pub fn next_deadline(&self) -> Option<Mono> {
        self.look.into_iter().chain(self.roll).min()
    }

    /// Whether the files are to be read now; answered once.
    pub fn is_look_due(&mut self, now: Mono) -> bool {
        self.look.take_if(|due| *due <= now).is_some()
    }

    /// Whether the keys of session tickets are to be rolled now; answered once.
    pub fn is_roll_due(&mut self, now: Mono) -> bool {
        let due = self.roll.is_some_and(|due| due <= now);
        if due {
            self.roll = Some(now.after(TicketKeys::ROLL_EVERY));
        }
        due
    }
}

/// Every name whose change would lead to another file: the links on the way, and the file at its end.
fn way(path: &Path) -> Vec<PathBuf> {
    let owned = |path: &Path| path.components().map(|part| part.as_os_str().to_owned()).collect::<VecDeque<OsString>>();
    let mut names = Vec::new();
    let mut here = PathBuf::new();
    let mut ahead = owned(path);
    while let Some(part) = ahead.pop_front() {
        match Path::new(&part).components().next() {
            Some(Component::ParentDir) => {
                here.pop();
            }
            Some(Component::CurDir) | None => {}
            // The root takes the place of what was before it.
            Some(_) => {
                let next = here.join(&part);
                match fs::read_link(&next) {
                    Ok(target) if names.len() < MOST_LINKS => {
                        names.push(next);
                        let mut after = std::mem::replace(&mut ahead, owned(&target));
                        ahead.append(&mut after);
                    }
                    _ => here = next,
                }
            }
        }
    }
    names.push(here);
    names
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tls::{Pair, Pem};
    use std::os::unix::fs::symlink;

    /// A folder as Kubernetes mounts a secret: `tls.crt -> ..data/tls.crt`, `..data -> ..1`.
    fn mounted() -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().canonicalize().unwrap();
        for version in ["..1", "..2"] {
            fs::create_dir(root.join(version)).unwrap();
            fs::write(root.join(version).join("tls.crt"), version).unwrap();
        }
        symlink("..1", root.join("..data")).unwrap();
        symlink("..data/tls.crt", root.join("tls.crt")).unwrap();
        (folder, root)
    }

    fn watch(path: &Path) -> Watch {
        let file = Pem { path: path.display().to_string(), text: String::new() };
        let pair = Pair { certificate: file.clone(), key: file };
        let mut watch = Watch::default();
        watch.follow(Some(&Material { pairs: vec![pair], clients: None })).unwrap();
        watch
    }

    fn changed(watch: &mut Watch) -> bool {
        watch.read_changes();
        watch.is_look_due(sys::clock::now().after(SETTLE))
    }

    #[test]
    fn the_way_names_every_link() {
        let (_folder, root) = mounted();
        let names = ["tls.crt", "..data", "..1/tls.crt"].map(|name| root.join(name));
        assert_eq!(way(&root.join("tls.crt")), names);
        assert_eq!(way(&root.join("..2/../tls.crt")), names);
        assert_eq!(way(Path::new("/no/such/file")), [Path::new("/no/such/file")]);
        symlink("loop", root.join("loop")).unwrap();
        assert_eq!(way(&root.join("loop")).len(), MOST_LINKS + 1);
    }

    #[test]
    fn a_turned_link_is_a_change_and_so_is_the_next() {
        let (_folder, root) = mounted();
        let mut watch = watch(&root.join("tls.crt"));
        assert!(!changed(&mut watch) && watch.look.is_none());
        for version in ["..2", "..1"] {
            symlink(version, root.join("..tmp")).unwrap();
            fs::rename(root.join("..tmp"), root.join("..data")).unwrap();
            assert!(changed(&mut watch), "{version}");
        }
    }

    #[test]
    fn a_written_or_replaced_file_is_a_change_and_its_neighbour_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let (file, other) = (folder.path().join("a.pem"), folder.path().join("b.pem"));
        fs::write(&file, "1").unwrap();
        let mut watch = watch(&file);
        fs::write(&other, "1").unwrap();
        assert!(!changed(&mut watch));
        fs::write(&file, "2").unwrap();
        assert!(changed(&mut watch) && !changed(&mut watch), "told once");
        fs::rename(&other, &file).unwrap();
        assert!(changed(&mut watch));
    }

    #[test]
    fn without_certificates_there_is_no_deadline() {
        let folder = tempfile::tempdir().unwrap();
        let mut watch = watch(&folder.path().join("a.pem"));
        assert!(watch.pipe().is_some() && watch.next_deadline().is_some());
        watch.look_soon();
        assert!(watch.is_roll_due(sys::clock::now().after(TicketKeys::ROLL_EVERY)));
        watch.follow(None).unwrap();
        assert!(watch.pipe().is_none() && watch.next_deadline().is_none());
    }
}
