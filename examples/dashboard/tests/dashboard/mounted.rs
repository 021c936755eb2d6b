//! Keys as clusters mount them.

use std::path::Path;

use twofa::Keyring;

use crate::server::Server;
use crate::visitor::Visitor;

const ANN: &str = "ann@acme.example";

/// As a cluster mounts a secret: root's, for a group to read, in a folder where nothing can be written, behind
/// links; and the program is of that group, and neither root nor the owner.
#[tokio::test]
async fn a_key_that_is_mounted_is_used_by_whom_it_is_mounted_for() {
    use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown, symlink};

    let (user, group) = (47_011, 47_012);
    let mode = |path: &Path, mode| {
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
    };
    let volume = tempfile::tempdir().unwrap();
    let secret = volume.path().join("..2026_11_26");
    std::fs::create_dir(&secret).unwrap();
    let file = secret.join("keys");
    Keyring::generate().unwrap().create_file(&file).unwrap();
    chown(&file, Some(0), Some(group)).expect("this test runs as root, as its container does");
    mode(&file, 0o440);
    symlink("..2026_11_26", volume.path().join("..data")).unwrap();
    symlink("..data/keys", volume.path().join("keys")).unwrap();
    mode(&secret, 0o555);
    mode(volume.path(), 0o555);

    let folder = tempfile::tempdir().unwrap();
    chown(folder.path(), Some(user), Some(group)).unwrap();
    let key = volume.path().join("keys");
    let options = ["--key-file", key.to_str().unwrap(), "--init"];
    let server = Server::start_as(folder, 0, &options, |command| {
        use std::os::unix::process::CommandExt as _;
        command.uid(user).gid(group);
    });
    let mut ann = Visitor::new(&server);
    ann.set_up(&server, ANN).await;
    assert!(ann.is_in().await);
    // Keys that are kept from others on disk are kept from them in memory: what may not be dumped is root's.
    let mem = std::fs::metadata(format!("/proc/{}/mem", server.process())).unwrap();
    assert_eq!(mem.uid(), 0);
    mode(volume.path(), 0o755);
    mode(&secret, 0o755);
}
