//! Noticing changed files, through one descriptor and without a thread.
//!
//! What a change leads to is decided elsewhere. Ignored are hidden names, `target` folders of cargo, and the temporary
//! files of editors; a file that was named explicitly is never ignored.

use nix::errno::Errno;
use nix::sys::inotify::{AddWatchFlags, InitFlags, Inotify, InotifyEvent, WatchDescriptor};
use std::collections::{BTreeSet, HashMap};
use std::ffi::{OsStr, OsString};
use std::os::fd::{AsFd, BorrowedFd};
use std::path::{Path, PathBuf};
use std::{fmt, io};

/// A file that is being written is reported when its writer closes it, one that is replaced when the new one arrives.
const EVENTS: AddWatchFlags = AddWatchFlags::IN_CLOSE_WRITE
    .union(AddWatchFlags::IN_CREATE)
    .union(AddWatchFlags::IN_DELETE)
    .union(AddWatchFlags::IN_MOVE)
    .union(AddWatchFlags::IN_ONLYDIR);

/// Whether a path in a watched folder counts; the second word says that it is a folder itself.
pub type Wanted = Box<dyn Fn(&Path, bool) -> bool>;

/// Watches folders and files.
pub struct Watcher {
    inotify: Inotify,
    /// What counts in trees; none: everything.
    wanted: Option<Wanted>,
    folders: HashMap<WatchDescriptor, Folder>,
}

impl fmt::Debug for Watcher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Watcher").field("folders", &self.folders).finish_non_exhaustive()
    }
}

/// A watched folder. Files are watched through their folder: a watch on the file itself would follow the old file when
/// a new one takes its place.
#[derive(Debug)]
struct Folder {
    path: PathBuf,
    /// Everything below counts.
    tree: bool,
    /// These names count in any case.
    files: BTreeSet<OsString>,
}

impl Watcher {
    /// Watches nothing yet.
    pub fn new() -> io::Result<Self> {
        let inotify = Inotify::init(InitFlags::IN_CLOEXEC | InitFlags::IN_NONBLOCK)?;
        Ok(Self { inotify, wanted: None, folders: HashMap::new() })
    }

    /// In trees that are added from now on, nothing else counts.
    pub fn only(&mut self, wanted: Wanted) {
        self.wanted = Some(wanted);
    }

    fn is_wanted(&self, path: &Path, is_folder: bool) -> bool {
        self.wanted.as_ref().is_none_or(|wanted| wanted(path, is_folder))
    }

    /// Whether there is anything that counts below a folder.
    fn has_wanted(&self, folder: &Path) -> bool {
        let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
        entries.filter(|entry| !is_ignored(&entry.file_name())).any(|entry| {
            let is_folder = entry.file_type().is_ok_and(|kind| kind.is_dir());
            self.is_wanted(&entry.path(), is_folder) && (!is_folder || self.has_wanted(&entry.path()))
        })
    }

    /// Watches a folder with everything below it, and what will be made there.
    pub fn add_tree(&mut self, folder: &Path) -> io::Result<()> {
        self.watch(folder)?.tree = true;
        for entry in std::fs::read_dir(folder)? {
            let Ok(entry) = entry else { continue };
            // Symbolic links are not followed: they may lead in circles.
            let is_folder = entry.file_type().is_ok_and(|kind| kind.is_dir());
            if is_folder && !is_ignored(&entry.file_name()) && self.is_wanted(&entry.path(), true) {
                match self.add_tree(&entry.path()) {
                    // It went away while we looked.
                    Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                    added => added?,
                }
            }
        }
        Ok(())
    }

    /// Watches one file, which need not exist yet; its folder must.
    pub fn add_file(&mut self, file: &Path) -> io::Result<()> {
        let name = file.file_name().ok_or_else(|| io::Error::from(io::ErrorKind::InvalidInput))?;
        let folder = match file.parent() {
            Some(folder) if !folder.as_os_str().is_empty() => folder,
            _ => Path::new("."),
        };
        self.watch(folder)?.files.insert(name.to_owned());
        Ok(())
    }

    /// What has changed since the last call, each path once. Never waits. When the kernel has lost count of the
    /// changes, every watched tree counts as changed.
    pub fn drain(&mut self) -> Vec<PathBuf> {
        let mut changed = BTreeSet::new();
        loop {
            match self.inotify.read_events() {
                Ok(events) => events.into_iter().for_each(|event| self.note(event, &mut changed)),
                Err(Errno::EINTR) => {}
                // EAGAIN: that was all.
                Err(_) => return changed.into_iter().collect(),
            }
        }
    }

    fn watch(&mut self, folder: &Path) -> io::Result<&mut Folder> {
        let descriptor = self.inotify.add_watch(folder, EVENTS)?;
        let watched = self.folders.entry(descriptor).or_insert_with(|| Folder {
            path: PathBuf::new(),
            tree: false,
            files: BTreeSet::new(),
        });
        // A folder that was moved keeps its watch and gets a new path.
        folder.clone_into(&mut watched.path);
        Ok(watched)
    }

    fn note(&mut self, event: InotifyEvent, changed: &mut BTreeSet<PathBuf>) {
        if event.mask.contains(AddWatchFlags::IN_Q_OVERFLOW) {
            changed.extend(self.folders.values().map(|folder| folder.path.clone()));
            return;
        }
        if event.mask.contains(AddWatchFlags::IN_IGNORED) {
            self.folders.remove(&event.wd);
            return;
        }
        let (Some(folder), Some(name)) = (self.folders.get(&event.wd), event.name) else { return };
        let path = folder.path.join(&name);
        if folder.files.contains(&name) {
            changed.insert(path);
        } else if folder.tree && !is_ignored(&name) {
            let is_folder = event.mask.contains(AddWatchFlags::IN_ISDIR);
            if !self.is_wanted(&path, is_folder) {
                return;
            }
            if is_folder && event.mask.intersects(AddWatchFlags::IN_CREATE | AddWatchFlags::IN_MOVED_TO) {
                // Gone again, or a limit is reached: the change itself is reported all the same.
                let _ = self.add_tree(&path);
            }
            if is_folder && self.wanted.is_some() && !self.has_wanted(&path) {
                return;
            }
            changed.insert(path);
        }
    }
}

impl AsFd for Watcher {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.inotify.as_fd()
    }
}

/// Names whose changes mean nothing: hidden ones, cargo's output, and what editors write on the way to the real file.
fn is_ignored(name: &OsStr) -> bool {
    let name = name.to_string_lossy();
    let ending = |ending: &str| name.ends_with(ending);
    name == "target"
        || name == "__pycache__"
        // vim probes with this name whether a folder can be written to.
        || name == "4913"
        || name.starts_with(['.', '#'])
        || ending("~")
        || ending(".swp")
        || ending(".swx")
        || ending(".tmp")
        || ending(".bak")
        || ending(".orig")
        || ending("___jb_tmp___")
        || ending("___jb_old___")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    fn watched() -> (tempfile::TempDir, PathBuf, Watcher) {
        let folder = tempfile::tempdir().unwrap();
        let tree = folder.path().join("app");
        fs::create_dir_all(tree.join("src/routes")).unwrap();
        fs::create_dir_all(tree.join("target/debug")).unwrap();
        let mut watcher = Watcher::new().unwrap();
        watcher.add_tree(&tree).unwrap();
        (folder, tree, watcher)
    }

    #[test]
    fn nothing_changed_is_an_empty_list() {
        let (_folder, tree, mut watcher) = watched();
        assert_eq!(watcher.drain(), Vec::<PathBuf>::new());
        fs::read_dir(tree).unwrap().count();
        assert_eq!(watcher.drain(), Vec::<PathBuf>::new());
    }

    #[test]
    fn writing_replacing_and_removing_are_changes() {
        let (folder, tree, mut watcher) = watched();
        let file = tree.join("src/routes/a.rs");
        fs::write(&file, "one").unwrap();
        assert_eq!(watcher.drain(), std::slice::from_ref(&file));
        let fresh = folder.path().join("fresh");
        fs::write(&fresh, "two").unwrap();
        fs::rename(&fresh, &file).unwrap();
        assert_eq!(watcher.drain(), std::slice::from_ref(&file));
        fs::remove_file(&file).unwrap();
        assert_eq!(watcher.drain(), [file]);
    }

    #[test]
    fn new_folders_are_watched_too() {
        let (_folder, tree, mut watcher) = watched();
        let fresh = tree.join("src/deep/er");
        fs::create_dir_all(&fresh).unwrap();
        assert!(watcher.drain().contains(&tree.join("src/deep")));
        fs::write(fresh.join("b.rs"), "").unwrap();
        assert_eq!(watcher.drain(), [fresh.join("b.rs")]);
        fs::rename(tree.join("src/deep"), tree.join("src/moved")).unwrap();
        watcher.drain();
        fs::write(tree.join("src/moved/er/b.rs"), "").unwrap();
        assert_eq!(watcher.drain(), [tree.join("src/moved/er/b.rs")]);
        fs::remove_dir_all(tree.join("src/moved")).unwrap();
        assert!(watcher.drain().contains(&tree.join("src/moved")));
    }

    #[test]
    fn output_and_temporary_files_are_no_changes() {
        let (_folder, tree, mut watcher) = watched();
        fs::write(tree.join("target/debug/out"), "").unwrap();
        fs::create_dir_all(tree.join(".git/objects")).unwrap();
        fs::write(tree.join(".git/objects/x"), "").unwrap();
        for name in [".a.rs.swp", "a.rs~", "4913", ".#a.rs", "#a.rs#"] {
            fs::write(tree.join("src").join(name), "").unwrap();
        }
        assert_eq!(watcher.drain(), Vec::<PathBuf>::new());
    }

    #[test]
    fn a_named_file_counts_wherever_it_is_and_its_neighbours_do_not() {
        let (_folder, tree, mut watcher) = watched();
        let library = tree.join("target/debug/libapp.so");
        watcher.add_file(&library).unwrap();
        fs::write(tree.join("target/debug/other.so"), "").unwrap();
        assert_eq!(watcher.drain(), Vec::<PathBuf>::new());
        fs::write(&library, "").unwrap();
        assert_eq!(watcher.drain(), [library]);
        assert!(watcher.add_file(&tree.join("no/such/folder/file")).is_err());
        assert!(watcher.add_tree(&tree.join("no")).is_err());
    }

    #[test]
    fn the_descriptor_becomes_readable() {
        let (_folder, tree, watcher) = watched();
        fs::write(tree.join("src/a.rs"), "").unwrap();
        let patience = Some(std::time::Duration::from_secs(5));
        assert_eq!(crate::sys::poll::wait(&[watcher.as_fd()], patience).unwrap(), [true]);
    }
}
