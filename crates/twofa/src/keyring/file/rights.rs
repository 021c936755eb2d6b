//! Who may read a key file, and whose it is: judged from what the system says, without asking it again.

use std::fs::{File, Metadata};
use std::io;
use std::os::unix::fs::MetadataExt as _;

/// Whom a process acts for.
pub(super) struct Who {
    user: u32,
    /// The effective group and the supplementary ones.
    groups: Vec<u32>,
}

impl Who {
    pub(super) fn this_process() -> io::Result<Self> {
        let mut groups: Vec<u32> = rustix::process::getgroups()?
            .into_iter()
            .map(rustix::process::Gid::as_raw)
            .collect();
        groups.push(rustix::process::getegid().as_raw());
        Ok(Self {
            user: rustix::process::geteuid().as_raw(),
            groups,
        })
    }
}

/// What a file's rights come to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It may be used.
    Fine,
    /// Others can read or write it.
    Exposed,
    /// It is another user's.
    Foreign,
    /// It is another user's, and this is root: fine unless somebody else could have put it there.
    UnlessPlanted,
}

/// Judges a file by its owner, group and mode, and by its access control list, if it has one.
pub(super) fn judge(file: &Metadata, access_list: Option<&[u8]>, who: &Who) -> Verdict {
    weigh(file.uid(), file.gid(), file.mode(), access_list, who)
}

fn weigh(owner: u32, group: u32, mode: u32, access_list: Option<&[u8]>, who: &Who) -> Verdict {
    if mode & 0o037 != 0 {
        return Verdict::Exposed;
    }
    if mode & 0o040 != 0 {
        let ours = match access_list {
            // The mode's middle digit is then not the group's: it is the most that anybody on the list has.
            Some(list) => only_for(list, group, who),
            None => who.groups.contains(&group),
        };
        if owner != 0 || !ours {
            return Verdict::Exposed;
        }
    }
    match owner {
        0 => Verdict::Fine,
        _ if owner == who.user => Verdict::Fine,
        _ if who.user == 0 => Verdict::UnlessPlanted,
        _ => Verdict::Foreign,
    }
}

/// Whether an access control list lets nobody read but root, this user and groups that this process is in. Nothing
/// that cannot be understood does.
///
/// The form is Linux's (`include/uapi/linux/posix_acl_xattr.h`): a version, 2, in four bytes, and for each entry
/// its kind and rights in two bytes each and a number in four, all little-endian.
fn only_for(list: &[u8], group: u32, who: &Who) -> bool {
    const READ: u16 = 4;
    let Some((&[2, 0, 0, 0], entries)) = list.split_first_chunk() else {
        return false;
    };
    let (entries, rest) = entries.as_chunks::<8>();
    let entries = || {
        entries.iter().map(|&[k0, k1, r0, r1, n0, n1, n2, n3]| {
            (
                u16::from_le_bytes([k0, k1]),
                u16::from_le_bytes([r0, r1]),
                u32::from_le_bytes([n0, n1, n2, n3]),
            )
        })
    };
    // The mask is the most that the entries of users and groups are worth.
    let mask = entries().find(|(kind, ..)| *kind == 0x10);
    let mask = mask.map_or(u16::MAX, |(_, rights, _)| rights);
    rest.is_empty()
        && entries().all(|(kind, rights, number)| match kind {
            // The owner, and the mask itself.
            0x01 | 0x10 => true,
            // Others.
            0x20 => rights == 0,
            _ if rights & mask & READ == 0 => true,
            // A user, the file's group, a group.
            0x02 => number == who.user || number == 0,
            0x04 => who.groups.contains(&group),
            0x08 => who.groups.contains(&number),
            _ => false,
        })
}

/// The access control list of an open file.
pub(super) fn access_list(file: &File) -> Option<Vec<u8>> {
    attribute(file, "system.posix_acl_access")
}

/// An extended attribute of an open file, where there are any.
#[cfg(target_os = "linux")]
fn attribute(file: &File, name: &str) -> Option<Vec<u8>> {
    let mut value = vec![0; 4096];
    let length = rustix::fs::fgetxattr(file, name, value.as_mut_slice()).ok()?;
    value.truncate(length);
    Some(value)
}

#[cfg(not(target_os = "linux"))]
fn attribute(_: &File, _: &str) -> Option<Vec<u8>> {
    None
}

/// Gives a new file the owner, group, mode, access control list and security label of the one whose place it is
/// to take.
pub(super) fn keep(old: &File, new: &File) -> io::Result<()> {
    let (was, is) = (old.metadata()?, new.metadata()?);
    if (was.uid(), was.gid()) != (is.uid(), is.gid()) {
        let owner = rustix::process::Uid::from_raw(was.uid());
        let group = rustix::process::Gid::from_raw(was.gid());
        rustix::fs::fchown(new, Some(owner), Some(group))?;
    }
    new.set_permissions(was.permissions())?;
    #[cfg(target_os = "linux")]
    for name in ["system.posix_acl_access", "security.selinux"] {
        let value = attribute(old, name);
        if let Some(value) = value.filter(|value| attribute(new, name).as_ref() != Some(value)) {
            rustix::fs::fsetxattr(new, name, &value, rustix::fs::XattrFlags::empty())?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const APP: u32 = 1000;
    const THEIRS: u32 = 1001;
    const IN: u32 = 50;
    const OUT: u32 = 60;

    fn who(user: u32) -> Who {
        Who {
            user,
            groups: vec![user, IN],
        }
    }

    #[test]
    fn every_owner_group_and_mode_has_its_verdict() {
        use Verdict::{Exposed, Fine, Foreign, UnlessPlanted};
        for (owner, group, mode, user, verdict) in [
            (APP, APP, 0o600, APP, Fine),
            (APP, APP, 0o400, APP, Fine),
            (APP, OUT, 0o600, APP, Fine),
            (0, 0, 0o400, APP, Fine),
            (0, 0, 0o600, 0, Fine),
            (0, IN, 0o440, APP, Fine),
            (0, IN, 0o640, APP, Fine),
            (0, 0, 0o640, 0, Fine),
            (0, OUT, 0o440, APP, Exposed),
            (0, OUT, 0o640, 0, Exposed),
            (APP, IN, 0o440, APP, Exposed),
            (APP, APP, 0o640, APP, Exposed),
            (THEIRS, IN, 0o440, APP, Exposed),
            (THEIRS, IN, 0o440, 0, Exposed),
            (THEIRS, THEIRS, 0o600, APP, Foreign),
            (THEIRS, THEIRS, 0o600, 0, UnlessPlanted),
            (THEIRS, THEIRS, 0o400, 0, UnlessPlanted),
        ] {
            let found = weigh(owner, group, mode, None, &who(user));
            assert_eq!(found, verdict, "{owner}:{group} {mode:o} for {user}");
        }
        // Group and others may nothing else, whoever they are.
        for mode in (0..=0o777).filter(|mode| mode & 0o037 != 0) {
            assert_eq!(weigh(0, IN, mode, None, &who(APP)), Exposed, "{mode:o}");
            assert_eq!(weigh(0, 0, mode, None, &who(0)), Exposed, "{mode:o}");
        }
    }

    /// A list of entries: kind, rights, number.
    fn list(entries: &[(u16, u16, u32)]) -> Vec<u8> {
        let mut bytes = vec![2, 0, 0, 0];
        for (kind, rights, number) in entries {
            bytes.extend(kind.to_le_bytes());
            bytes.extend(rights.to_le_bytes());
            bytes.extend(number.to_le_bytes());
        }
        bytes
    }

    #[test]
    fn an_access_list_is_read_entry_by_entry() {
        let none = u32::MAX;
        let judged = |group, entries: &[(u16, u16, u32)]| {
            weigh(0, group, 0o440, Some(&list(entries)), &who(APP))
        };
        // As systemd hands out a credential: the group may nothing, one user may read.
        let credential = |user, group_rights| {
            [
                (0x01, 4, none),
                (0x02, 4, user),
                (0x04, group_rights, none),
                (0x10, 4, none),
                (0x20, 0, none),
            ]
        };
        assert_eq!(judged(0, &credential(APP, 0)), Verdict::Fine);
        assert_eq!(judged(IN, &credential(APP, 4)), Verdict::Fine);
        assert_eq!(judged(0, &credential(THEIRS, 0)), Verdict::Exposed);
        assert_eq!(judged(OUT, &credential(APP, 4)), Verdict::Exposed);
        let named = |group| [(0x01, 4, none), (0x04, 0, none), (0x08, 4, group)];
        assert_eq!(judged(0, &named(IN)), Verdict::Fine);
        assert_eq!(judged(0, &named(OUT)), Verdict::Exposed);
        // What the mask takes away nobody has.
        let masked = [(0x02, 4, THEIRS), (0x10, 0, none)];
        assert_eq!(judged(0, &masked), Verdict::Fine);
        // An entry for others, one of an unknown kind, another version, half an entry.
        assert_eq!(judged(0, &[(0x20, 4, none)]), Verdict::Exposed);
        assert_eq!(judged(0, &[(0x40, 4, none)]), Verdict::Exposed);
        for bytes in [&[3, 0, 0, 0][..], &[2, 0, 0, 0, 1], &[2, 0], &[]] {
            let verdict = weigh(0, IN, 0o440, Some(bytes), &who(APP));
            assert_eq!(verdict, Verdict::Exposed, "{bytes:?}");
        }
    }
}
