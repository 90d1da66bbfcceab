//! The files of Unix sockets: when they go, and when they stay for another arbiter.

use super::*;

#[test]
fn a_socket_file_goes_with_its_last_load() {
    let folder = tempfile::tempdir().unwrap();
    let (path, bind) = unix(&folder, "x.sock");
    let first = open(&[&bind], &PLAIN, None);
    let second = open(&[&bind], &PLAIN, Some(&first));
    assert_eq!(second.iter().next().unwrap().url(), bind);
    drop(first);
    assert!(UnixStream::connect(&path).is_ok());
    second.close();
    assert!(!path.exists());
}

#[test]
fn a_file_that_is_not_ours_any_more_stays() {
    let folder = tempfile::tempdir().unwrap();
    let (path, bind) = unix(&folder, "x.sock");
    let listeners = open(&[&bind], &PLAIN, None);
    std::fs::remove_file(&path).unwrap();
    let _other = UnixListener::bind(&path).unwrap();
    drop(listeners);
    assert!(UnixStream::connect(&path).is_ok());
}

#[test]
fn only_a_stale_socket_is_replaced() {
    let folder = tempfile::tempdir().unwrap();
    let (path, bind) = unix(&folder, "x.sock");
    drop(UnixListener::bind(&path).unwrap());
    drop(open(&[&bind], &PLAIN, None));
    let server = UnixListener::bind(&path).unwrap();
    assert!(refused(&[&bind], &PLAIN, None).contains("another process listens"));
    drop(server);
    std::fs::remove_file(&path).unwrap();
    std::fs::write(&path, "precious").unwrap();
    assert!(refused(&[&bind], &PLAIN, None).contains("is not a socket"));
    assert_eq!(std::fs::read(&path).unwrap(), b"precious");
}

#[test]
fn an_upgrade_takes_over_sockets_and_leaves_the_files_alone() {
    let folder = tempfile::tempdir().unwrap();
    let (path, bind) = unix(&folder, "x.sock");
    let old = open(&["127.0.0.1:0", &bind], &lanes(2), None);
    let inherited = inherit_upgrade(handed_over(&old)).unwrap().unwrap();
    let new = open(&["127.0.0.1:0", &bind], &lanes(2), Some(&inherited));
    assert_eq!(addresses(&new), addresses(&old));
    assert_eq!(numbers(&new), numbers(&inherited));
    drop(inherited);
    drop(new);
    assert!(path.exists(), "the old arbiter still serves from it");

    let inherited = inherit_upgrade(handed_over(&old)).unwrap().unwrap();
    old.share();
    drop(old);
    assert!(path.exists(), "the new arbiter serves from it");
    // It may be told to stop before it learns that it is alone.
    inherited.close();
    assert!(path.exists());
    inherited.own_files();
    drop(inherited);
    assert!(!path.exists(), "the promoted arbiter was the last");
}

#[test]
fn a_file_that_only_the_old_arbiter_wanted_goes_when_the_new_one_is_alone() {
    let folder = tempfile::tempdir().unwrap();
    let ((kept, kept_bind), (dropped, dropped_bind)) = (unix(&folder, "kept.sock"), unix(&folder, "dropped.sock"));
    let old = open(&[&kept_bind, &dropped_bind], &PLAIN, None);
    let inherited = inherit_upgrade(handed_over(&old)).unwrap().unwrap();
    let new = open(&[&kept_bind], &PLAIN, Some(&inherited));
    drop(inherited);
    old.share();
    assert!(UnixStream::connect(&dropped).is_ok(), "the old arbiter still serves from it");
    // A reload of the new one in the meantime changes nothing.
    let newer = open(&[&kept_bind], &PLAIN, Some(&new));
    drop((old, new));
    assert!(dropped.exists() && UnixStream::connect(&kept).is_ok());
    newer.own_files();
    assert!(!dropped.exists() && kept.exists());
    drop(newer);
    assert!(!kept.exists());
}

#[test]
fn an_upgrade_that_comes_to_nothing_gives_the_files_back() {
    let folder = tempfile::tempdir().unwrap();
    let ((kept, kept_bind), (dropped, dropped_bind)) = (unix(&folder, "kept.sock"), unix(&folder, "dropped.sock"));
    let (own, own_bind) = unix(&folder, "own.sock");
    let first = open(&[&kept_bind, &dropped_bind], &PLAIN, None);
    first.share();
    let second = open(&[&kept_bind, &own_bind], &PLAIN, Some(&first));
    drop(first);
    assert!(dropped.exists(), "the new arbiter serves from it");
    let third = open(&[&kept_bind], &PLAIN, Some(&second));
    drop(second);
    assert!(!own.exists(), "nobody else has ever known it");
    third.own_files();
    assert!(!dropped.exists() && kept.exists());
}

#[test]
fn a_path_that_is_taken_anew_is_not_removed_for_its_past() {
    let folder = tempfile::tempdir().unwrap();
    let (path, bind) = unix(&folder, "x.sock");
    let first = open(&["127.0.0.1:0", &bind], &PLAIN, None);
    first.share();
    let second = open(&["127.0.0.1:0"], &PLAIN, Some(&first));
    drop(first);
    // The other arbiter does not serve from it any more: the socket is stale, and its inode may come again.
    let third = open(&["127.0.0.1:0", &bind], &PLAIN, Some(&second));
    third.own_files();
    assert!(UnixStream::connect(&path).is_ok());
}
