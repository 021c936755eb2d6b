//! Who may read a key file, and whose it may be.

use std::fs;
use std::os::unix::fs::{chown, symlink};
use std::path::Path;

use twofa::{KeyFile, Keyring, KeyringError};

use crate::child::{Program, ended};
use crate::{GROUP, NOBODY, is_root, mode, put, rights, ring};

fn exposed(path: &Path) {
    for error in [
        Keyring::load_file(path).unwrap_err(),
        KeyFile::lock(path).unwrap_err(),
    ] {
        assert!(matches!(error, KeyringError::Exposed { .. }), "{error}");
        let told = error.to_string();
        assert!(
            told.contains(&format!("chmod 600 {}", path.display())),
            "{told}"
        );
    }
}

#[test]
fn only_its_owner_may_read_or_write_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("key");
    ring(1).create_file(&path).unwrap();
    assert_eq!(rights(&path).2, 0o600);
    for refused in [
        0o644, 0o604, 0o602, 0o601, 0o620, 0o660, 0o610, 0o666, 0o777, 0o444,
    ] {
        mode(&path, refused);
        exposed(&path);
    }
    for fine in [0o600, 0o400] {
        mode(&path, fine);
        Keyring::load_file(&path).unwrap();
        KeyFile::lock(&path).unwrap().read().unwrap();
    }
}

#[test]
fn a_foreign_group_may_not_read_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("key");
    ring(1).create_file(&path).unwrap();
    if is_root() {
        chown(&path, Some(0), Some(GROUP)).unwrap();
    }
    // Not as root, the file is not root's: no group may read it then.
    for refused in [0o640, 0o440] {
        mode(&path, refused);
        exposed(&path);
    }
    if is_root() {
        // Its own group is no foreign one.
        chown(&path, Some(0), Some(rustix::process::getegid().as_raw())).unwrap();
        Keyring::load_file(&path).unwrap();
        // Nobody's file for a group of root's.
        chown(&path, Some(NOBODY), None).unwrap();
        exposed(&path);
    }
}

/// `key -> ..data/key`, `..data -> ..2024`, root's, in a folder that nobody writes.
fn as_a_cluster_mounts(folder: &Path, group: u32, rights: u32) -> std::path::PathBuf {
    let real = folder.join("..2024");
    fs::create_dir(&real).unwrap();
    put(&real.join("key"), ring(2).to_text().as_bytes());
    chown(real.join("key"), Some(0), Some(group)).unwrap();
    mode(&real.join("key"), rights);
    symlink("..2024", folder.join("..data")).unwrap();
    symlink("..data/key", folder.join("key")).unwrap();
    mode(&real, 0o555);
    mode(folder, 0o555);
    folder.join("key")
}

#[test]
fn a_group_of_the_process_may_read_what_root_owns() {
    if !is_root() {
        // Nothing can be given to root here: what this user's own group may read is refused.
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key");
        ring(1).create_file(&path).unwrap();
        mode(&path, 0o440);
        exposed(&path);
        return;
    }
    let program = Program::new();
    for rights in [0o440, 0o640] {
        let folder = tempfile::tempdir().unwrap();
        let path = as_a_cluster_mounts(folder.path(), GROUP, rights);
        let path = path.to_str().unwrap();
        for task in ["load", "lock"] {
            assert_eq!(program.by(NOBODY, GROUP, &[task, path]), "done");
            // A group it has beside its own.
            let (user, group) = (NOBODY.to_string(), GROUP.to_string());
            let by = [
                "setpriv", "--reuid", &user, "--regid", &user, "--groups", &group,
            ];
            let output = program.under(&by, &[task, path]).output().unwrap();
            assert_eq!(ended(&output), "done");
            let denied = program.by(NOBODY, NOBODY, &[task, path]);
            assert!(denied.contains("PermissionDenied"), "{denied}");
        }
        // Changing it is refused, with what stands in the way, and changes nothing.
        let new = folder.path().with_extension("new");
        fs::write(&new, ring(3).to_text().as_bytes()).unwrap();
        let before = fs::read(path).unwrap();
        let refused = program.by(NOBODY, GROUP, &["replace", path, new.to_str().unwrap()]);
        assert!(refused.contains("nothing was changed"), "{refused}");
        assert_eq!(fs::read(path).unwrap(), before);
        fs::remove_file(new).unwrap();
    }
}

#[test]
fn root_uses_another_users_file_unless_somebody_else_could_have_put_it_there() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    if !is_root() {
        // What is not this user's cannot be read at all, but for what all can read.
        let error = Keyring::load_file(Path::new("/etc/passwd")).unwrap_err();
        assert!(matches!(error, KeyringError::Exposed { .. }), "{error}");
        return;
    }
    let make = |name: &str, owner: u32, rights: u32| {
        fs::create_dir(at(name)).unwrap();
        let key = at(name).join("key");
        put(&key, ring(1).to_text().as_bytes());
        chown(&key, Some(NOBODY), Some(NOBODY)).unwrap();
        chown(at(name), Some(owner), None).unwrap();
        mode(&at(name), rights);
        key
    };
    for fine in [make("roots", 0, 0o755), make("owners", NOBODY, 0o700)] {
        Keyring::load_file(&fine).unwrap();
        KeyFile::lock(&fine).unwrap();
    }
    let sticky = make("sticky", 0, 0o1777);
    let open = make("open", 0, 0o775);
    let third = make("third", 1234, 0o755);
    // A link to what would do, where anybody could have put the link.
    let planted = at("sticky").join("link");
    symlink("../roots/key", &planted).unwrap();
    // And a link to that link, where nobody could.
    let indirect = at("roots").join("link");
    symlink("../sticky/link", &indirect).unwrap();
    for path in [sticky, open, third, planted, indirect] {
        for error in [
            Keyring::load_file(&path).unwrap_err(),
            KeyFile::lock(&path).unwrap_err(),
        ] {
            let foreign = matches!(error, KeyringError::ForeignOwner { owner: NOBODY, .. });
            assert!(foreign, "{}: {error}", path.display());
            assert!(error.to_string().contains("chown"), "{error}");
        }
    }
    // Once it is root's, it is used wherever it lies.
    chown(at("sticky").join("key"), Some(0), None).unwrap();
    Keyring::load_file(&at("sticky").join("key")).unwrap();
}
