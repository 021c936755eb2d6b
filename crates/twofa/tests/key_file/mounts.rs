//! Key files that are mounts of their own, as containers have them, in a mount namespace that goes with its process.

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::child::{Program, ended};
use crate::{holds, is_root, mode, names, put, ring};

/// A folder with `real/key`, an empty `mounted/key`, and a `new` ring of two keys.
struct Place {
    folder: tempfile::TempDir,
}

impl Place {
    fn new() -> Self {
        let place = Self {
            folder: tempfile::tempdir().unwrap(),
        };
        for name in ["real", "mounted"] {
            fs::create_dir(place.at(name)).unwrap();
            put(&place.at(name).join("key"), "");
        }
        put(&place.at("real/key"), ring(2).to_text().as_bytes());
        put(&place.at("new"), ring(3).to_text().as_bytes());
        place
    }

    fn at(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Runs a child that replaces `mounted/key` after these commands of the shell; none where nothing can be mounted.
    fn replace(&self, mount: &str) -> Option<String> {
        self.after(mount, "replace", "mounted/key")
    }

    /// Runs a child that does this to that file with the new ring.
    fn after(&self, mount: &str, what: &str, file: &str) -> Option<String> {
        let own = if is_root() { "-m" } else { "-rm" };
        let folder = self.folder.path().display();
        let script = format!("cd {folder} && {mount} || exit 99; exec \"$@\"");
        let by = ["unshare", own, "sh", "-c", &script, "sh"];
        let mut tried = Command::new("unshare");
        tried.args(&by[1..]).arg("true");
        if !tried.status().ok()?.success() {
            return None;
        }
        Some(self.child(&by, what, file))
    }

    /// The same, where nothing can be mounted.
    fn plainly(&self, what: &str, file: &str) -> String {
        self.child(&[], what, file)
    }

    fn child(&self, by: &[&str], what: &str, file: &str) -> String {
        let (file, new) = (self.at(file), self.at("new"));
        let task = [what, file.to_str().unwrap(), new.to_str().unwrap()];
        ended(&Program::new().under(by, &task).output().unwrap())
    }

    fn new_ring_in(&self, path: &Path) -> bool {
        fs::read(path).unwrap() == fs::read(self.at("new")).unwrap()
    }
}

#[test]
fn a_key_file_that_is_a_bind_mount_is_written_where_it_lies() {
    let place = Place::new();
    let inode = fs::metadata(place.at("real/key")).unwrap().ino();
    let done = place.replace("mount --bind real/key mounted/key");
    let done = done.unwrap_or_else(|| {
        // Where nothing can be mounted, a second name takes the same way.
        fs::remove_file(place.at("mounted/key")).unwrap();
        fs::hard_link(place.at("real/key"), place.at("mounted/key")).unwrap();
        place.plainly("replace", "mounted/key")
    });
    assert_eq!(done, "done");
    assert!(place.new_ring_in(&place.at("real/key")));
    assert_eq!(fs::metadata(place.at("real/key")).unwrap().ino(), inode);
    for folder in ["real", "mounted"] {
        assert_eq!(names(&place.at(folder)), ["key"]);
    }
}

#[test]
fn on_a_tmpfs_a_new_file_takes_the_place() {
    let place = Place::new();
    let mount = "mount -t tmpfs none mounted && cp -p real/key mounted/key";
    // The namespace is gone with the child, and the tmpfs with it: the child has compared.
    let done = place.replace(mount).unwrap_or_else(|| {
        // Most systems have one already.
        let shared = tempfile::tempdir_in("/dev/shm").unwrap();
        let key = shared.path().join("key");
        let first = ring(1);
        first.create_file(&key).unwrap();
        let new = crate::longer(&first);
        twofa::KeyFile::lock(&key).unwrap().replace(&new).unwrap();
        assert!(holds(&key, &new));
        assert_eq!(names(shared.path()), ["key"]);
        "done".to_owned()
    });
    assert_eq!(done, "done");
}

#[test]
fn on_a_read_only_mount_nothing_is_changed_and_that_is_said() {
    for mount in [
        "mount --bind real mounted && mount -o remount,bind,ro mounted",
        // The file alone is read-only.
        "mount --bind real/key mounted/key && mount -o remount,bind,ro mounted/key",
    ] {
        let place = Place::new();
        let before = fs::read(place.at("real/key")).unwrap();
        let refused = place.replace(mount);
        if let Some(refused) = refused {
            assert!(refused.starts_with("ReadOnly"), "{refused}");
            assert!(refused.contains("nothing was changed"), "{refused}");
        } else {
            // Where nothing can be mounted, one that cannot be written for want of rights.
            mode(&place.at("mounted"), 0o555);
            put(&place.at("mounted/key"), ring(1).to_text().as_bytes());
            mode(&place.at("mounted/key"), 0o400);
            let refused = place.plainly("replace", "mounted/key");
            assert!(refused.contains("nothing was changed"), "{refused}");
            mode(&place.at("mounted"), 0o755);
        }
        assert_eq!(fs::read(place.at("real/key")).unwrap(), before);
        for folder in ["real", "mounted"] {
            assert_eq!(names(&place.at(folder)), ["key"]);
        }
    }
}

/// Without /proc a file that has no name cannot be given one, as on file systems that know no such files.
#[test]
fn where_no_file_can_be_without_a_name_it_is_made_beside() {
    let place = Place::new();
    put(&place.at("mounted/key"), ring(2).to_text().as_bytes());
    let hide = "mount -t tmpfs none /proc";
    for (what, file) in [("replace", "mounted/key"), ("create", "mounted/made")] {
        let done = place.after(hide, what, file).unwrap_or_else(|| {
            // Where nothing can be mounted, as it is done otherwise.
            place.plainly(what, file)
        });
        assert_eq!(done, "done");
        assert!(place.new_ring_in(&place.at(file)));
        assert_eq!(crate::rights(&place.at(file)).2, 0o600);
        let again = place.after(hide, "create", file);
        assert!(again.is_none_or(|error| error.contains("AlreadyExists")));
    }
    assert_eq!(names(&place.at("mounted")), ["key", "made"]);
}
