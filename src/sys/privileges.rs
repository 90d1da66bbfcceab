//! Who a process is: user, groups, and what the files it creates may be used for.

use nix::sys::stat::Mode;
use nix::unistd::{self, Gid, Group, Uid, User};
use std::ffi::CString;
use std::io;
use std::path::Path;

/// Why somebody cannot be looked up, or cannot be become.
#[derive(Debug, thiserror::Error)]
pub enum PrivilegeError {
    /// Neither a known name nor a number.
    #[error("there is no user {0:?} on this machine (option `user`); name an existing one or a number")]
    NoUser(String),
    /// Neither a known name nor a number.
    #[error("there is no group {0:?} on this machine (option `group`); name an existing one or a number")]
    NoGroup(String),
    /// `initgroups` needs the user's entry.
    #[error("user {0} has no name on this machine, so `initgroups` cannot find its groups; name a user that exists")]
    Nameless(u32),
    /// Only root may become somebody else.
    #[error(
        "only root may run the workers as another user or group (here {0}); remove `user` and `group`, or start as root"
    )]
    NotRoot(String),
    /// The system refused a step.
    #[error("cannot {step}: {source}")]
    Refused {
        /// What was tried.
        step: String,
        /// The system's answer.
        source: io::Error,
    },
    /// A step seemed to succeed and did not.
    #[error("the privileges could not be dropped completely: {0}; this system is not one to serve from")]
    NotDropped(&'static str),
}

/// Who the workers become.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Identity {
    uid: Option<u32>,
    gid: Option<u32>,
    /// The user's name, if its supplementary groups are wanted.
    groups_of: Option<String>,
}

/// Whom a file is given to; none: that half stays as it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Owner {
    /// The user.
    pub uid: Option<u32>,
    /// The group.
    pub gid: Option<u32>,
}

/// Looks up what the options `user`, `group` and `initgroups` say; names and numbers are both good. With a user and no
/// group, the group is the user's own.
pub fn identity(user: Option<&str>, group: Option<&str>, initgroups: bool) -> Result<Identity, PrivilegeError> {
    let user = user.map(lookup_user).transpose()?;
    let gid = match group {
        Some(group) => Some(lookup_group(group)?),
        None => user.as_ref().and_then(|found| found.gid),
    };
    let groups_of = match &user {
        Some(found) if initgroups => Some(found.name.clone().ok_or(PrivilegeError::Nameless(found.uid))?),
        _ => None,
    };
    let identity = Identity { uid: user.map(|found| found.uid), gid, groups_of };
    identity.check_allowed()?;
    Ok(identity)
}

struct Found {
    uid: u32,
    gid: Option<u32>,
    name: Option<String>,
}

fn lookup_user(name: &str) -> Result<Found, PrivilegeError> {
    let refused = |errno: nix::errno::Errno| PrivilegeError::Refused {
        step: format!("look up the user {name:?}"),
        source: errno.into(),
    };
    let by_number = name.parse::<u32>().ok();
    let entry = match by_number {
        Some(uid) => User::from_uid(Uid::from_raw(uid)),
        None => User::from_name(name),
    };
    match (entry.map_err(refused)?, by_number) {
        (Some(user), _) => Ok(Found { uid: user.uid.as_raw(), gid: Some(user.gid.as_raw()), name: Some(user.name) }),
        // Containers run as numbers that no file names.
        (None, Some(uid)) => Ok(Found { uid, gid: None, name: None }),
        (None, None) => Err(PrivilegeError::NoUser(name.to_owned())),
    }
}

fn lookup_group(name: &str) -> Result<u32, PrivilegeError> {
    if let Ok(gid) = name.parse() {
        return Ok(gid);
    }
    match Group::from_name(name) {
        Ok(Some(group)) => Ok(group.gid.as_raw()),
        Ok(None) => Err(PrivilegeError::NoGroup(name.to_owned())),
        Err(errno) => {
            Err(PrivilegeError::Refused { step: format!("look up the group {name:?}"), source: errno.into() })
        }
    }
}

impl Identity {
    /// Whom sockets in the file system are given to, so that what drops privileges can still reach them.
    #[must_use]
    pub fn owner(&self) -> Owner {
        Owner { uid: self.uid, gid: self.gid }
    }

    /// Becomes this identity, for good, and makes sure of it. In the order that works: groups while still root.
    /// Root's own supplementary groups are always left behind.
    pub fn assume(&self) -> Result<(), PrivilegeError> {
        if !self.changes_something() {
            return Ok(());
        }
        let gid = Gid::from_raw(self.gid.unwrap_or_else(|| unistd::getgid().as_raw()));
        match &self.groups_of {
            Some(name) => {
                let name = CString::new(name.as_str()).map_err(|_| PrivilegeError::NoUser(name.clone()))?;
                step("take the groups of the user", unistd::initgroups(&name, gid))?;
            }
            None => step("leave the supplementary groups", unistd::setgroups(&[gid]))?,
        }
        step(&format!("become group {gid}"), unistd::setresgid(gid, gid, gid))?;
        if let Some(uid) = self.uid.map(Uid::from_raw) {
            step(&format!("become user {uid}"), unistd::setresuid(uid, uid, uid))?;
            let now = step("look who we are", unistd::getresuid())?;
            if [now.real, now.effective, now.saved] != [uid; 3] {
                return Err(PrivilegeError::NotDropped("the user is another one"));
            }
            if !uid.is_root() && unistd::setuid(Uid::from_raw(0)).is_ok() {
                return Err(PrivilegeError::NotDropped("root can be regained"));
            }
        }
        let now = step("look who we are", unistd::getresgid())?;
        if [now.real, now.effective, now.saved] != [gid; 3] {
            return Err(PrivilegeError::NotDropped("the group is another one"));
        }
        Ok(())
    }

    /// Whether becoming it would change anything; if not, nobody needs to be root.
    fn changes_something(&self) -> bool {
        let other_user = self.uid.is_some_and(|uid| uid != unistd::geteuid().as_raw());
        let other_group = self.gid.is_some_and(|gid| gid != unistd::getegid().as_raw());
        other_user || other_group || self.groups_of.is_some()
    }

    fn check_allowed(&self) -> Result<(), PrivilegeError> {
        if self.changes_something() && !unistd::geteuid().is_root() {
            let number = |id: Option<u32>| id.map_or_else(|| "-".to_owned(), |id| id.to_string());
            return Err(PrivilegeError::NotRoot(format!("{}:{}", number(self.uid), number(self.gid))));
        }
        Ok(())
    }
}

fn step<T>(step: &str, answer: nix::Result<T>) -> Result<T, PrivilegeError> {
    answer.map_err(|errno| PrivilegeError::Refused { step: step.to_owned(), source: errno.into() })
}

/// Takes these permissions away from every file that this process creates; returns the mask before.
pub fn umask(mask: u32) -> u32 {
    nix::sys::stat::umask(Mode::from_bits_truncate(mask)).bits()
}

/// Gives a file to somebody; does not follow a symbolic link.
pub fn give(path: &Path, owner: Owner) -> io::Result<()> {
    if owner == Owner::default() {
        return Ok(());
    }
    std::os::unix::fs::lchown(path, owner.uid, owner.gid)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::testkit;
    use std::os::unix::fs::MetadataExt;

    #[test]
    fn names_and_numbers_are_found_and_others_are_not() {
        let root = identity(Some("root"), None, false);
        if unistd::geteuid().is_root() {
            assert_eq!(root.unwrap(), Identity { uid: Some(0), gid: Some(0), groups_of: None });
            let numbers = identity(Some("54321"), Some("65432"), false).unwrap();
            assert_eq!(numbers.owner(), Owner { uid: Some(54321), gid: Some(65432) });
            assert!(matches!(identity(Some("54321"), None, true), Err(PrivilegeError::Nameless(54321))));
        } else {
            assert!(matches!(root, Err(PrivilegeError::NotRoot(_))));
        }
        let error = identity(Some("nobody-of-this-name"), None, false).unwrap_err();
        assert!(error.to_string().contains("\"nobody-of-this-name\""), "{error}");
        assert!(matches!(identity(None, Some("no-group-of-this-name"), false), Err(PrivilegeError::NoGroup(_))));
        assert!(matches!(identity(Some("-1"), None, false), Err(PrivilegeError::NoUser(_))));
    }

    #[test]
    fn being_oneself_needs_no_privilege() {
        let (me, mine) = (unistd::geteuid().to_string(), unistd::getegid().to_string());
        identity(Some(&me), Some(&mine), false).unwrap().assume().unwrap();
        identity(None, None, false).unwrap().assume().unwrap();
    }

    #[test]
    fn dropped_is_dropped() {
        if !unistd::geteuid().is_root() {
            return;
        }
        testkit::in_fork(|| {
            identity(Some("54321"), Some("65432"), false).unwrap().assume().unwrap();
            assert_eq!((unistd::getuid().as_raw(), unistd::geteuid().as_raw()), (54321, 54321));
            assert_eq!((unistd::getgid().as_raw(), unistd::getegid().as_raw()), (65432, 65432));
            assert_eq!(unistd::getgroups().unwrap(), [Gid::from_raw(65432)]);
            assert!(unistd::setuid(Uid::from_raw(0)).is_err());
            assert!(matches!(identity(Some("root"), None, false), Err(PrivilegeError::NotRoot(_))));
        });
    }

    #[test]
    fn a_mask_is_returned_and_a_file_is_given() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        std::fs::write(&path, "").unwrap();
        let is_root = unistd::geteuid().is_root();
        give(&path, Owner::default()).unwrap();
        if is_root {
            give(&path, Owner { uid: Some(54321), gid: None }).unwrap();
            assert_eq!(std::fs::metadata(&path).unwrap().uid(), 54321);
        }
        testkit::in_fork(|| {
            umask(0o027);
            assert_eq!(umask(0o077), 0o027);
        });
    }
}
