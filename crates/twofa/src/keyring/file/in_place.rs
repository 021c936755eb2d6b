//! Writing a key file where it lies, for where no other file can take its place: a file that was mounted, or that
//! has several names, or in a folder that cannot be written.
//!
//! Not even one call that writes is whole: a kill ends it between two pages. So the new text goes *behind* the old one
//! first, then over it, and only then is the file cut to its length. In each state that a kill can leave, one of
//! the two texts is whole, and [`whole`] says which:
//!
//! | the file | what counts |
//! |---|---|
//! | old text, part of the new one behind it | the old text |
//! | old text or a mixture, whole new text behind it | the text behind |
//! | new text | the new text |

use std::fs::File;
use std::io::{self, Seek as _, SeekFrom, Write as _};

use zeroize::Zeroizing;

use super::MAX_FILE_BYTES;

/// Between the two texts. A comment to whoever reads the file.
const BEHIND: &[u8] = b"\n# twofa: the keyring below takes the place of what is above\n";
/// Behind the second text, and so the sign that all of it is there.
const END: &[u8] = b"# twofa: all of it\n";

/// The longest that a key file is, for a moment: two texts and what is around them.
pub(super) const WIDEST: usize = 2 * MAX_FILE_BYTES + BEHIND.len() + END.len();

/// The text that counts, of all that a key file holds.
pub(super) fn whole(bytes: &[u8]) -> &[u8] {
    let Some((before, behind)) = split(bytes) else {
        return bytes;
    };
    behind.strip_suffix(END).unwrap_or(before)
}

/// What is before and behind the last mark between two texts, which may itself have been cut short.
fn split(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let mark = bytes
        .windows(BEHIND.len())
        .rposition(|window| window == BEHIND);
    if let Some(at) = mark {
        let (before, rest) = bytes.split_at_checked(at)?;
        return Some((before, rest.strip_prefix(BEHIND)?));
    }
    // From a line's end and the sign of a comment on.
    let before = (2..BEHIND.len())
        .filter_map(|length| BEHIND.get(..length))
        .find_map(|cut| bytes.strip_suffix(cut))?;
    Some((before, &[]))
}

/// What goes behind a text of `old` bytes, far enough back that the new text in front does not reach it.
fn tail(old: usize, text: &[u8]) -> Zeroizing<Vec<u8>> {
    let apart = text.len().saturating_sub(old);
    let length = apart + BEHIND.len() + text.len() + END.len();
    let mut tail = Zeroizing::new(Vec::with_capacity(length));
    tail.resize(apart, b'\n');
    tail.extend(BEHIND);
    tail.extend(text);
    tail.extend(END);
    tail
}

/// Writes a text in the place of the one that a file holds, durably.
///
/// `held` is all that the file holds now. Where there is no room for it, the file ends up as it was.
pub(super) fn write(file: &File, held: &[u8], text: &[u8]) -> io::Result<()> {
    let held = settle(file, held)?;
    let put = put(file, held, &tail(held, text));
    if let Err(e) = put.and_then(|()| file.sync_all()) {
        cut(file, held)?;
        return Err(e);
    }
    put_in_front(file, text)
}

/// Ends what a kill interrupted: one text is in the file after it. Says its length.
pub(super) fn settle(file: &File, held: &[u8]) -> io::Result<usize> {
    let Some((before, behind)) = split(held) else {
        return Ok(held.len());
    };
    if let Some(text) = behind.strip_suffix(END) {
        put_in_front(file, text)?;
        return Ok(text.len());
    }
    cut(file, before.len())?;
    Ok(before.len())
}

fn put_in_front(file: &File, text: &[u8]) -> io::Result<()> {
    put(file, 0, text)?;
    file.sync_all()?;
    cut(file, text.len())
}

fn put(mut file: &File, at: usize, bytes: &[u8]) -> io::Result<()> {
    file.seek(SeekFrom::Start(offset(at)))?;
    file.write_all(bytes)
}

fn cut(file: &File, length: usize) -> io::Result<()> {
    file.set_len(offset(length))?;
    file.sync_all()
}

fn offset(bytes: usize) -> u64 {
    u64::try_from(bytes).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Texts whose every line is its own, so that a mixture of two is neither.
    fn text(name: &str, lines: usize) -> Vec<u8> {
        let lines = (0..lines).map(|n| format!("key {n} {name}{n:08x}\n"));
        lines.collect::<String>().into_bytes()
    }

    fn trimmed(bytes: &[u8]) -> &[u8] {
        bytes.trim_ascii_end()
    }

    #[test]
    fn one_text_is_whole_wherever_a_write_ends() {
        for (old, new) in [(30, 31), (31, 30), (3, 40), (40, 3), (7, 7), (1, 1)] {
            let (old, new) = (text("old", old), text("newer", new));
            let behind = tail(old.len(), &new);
            for end in 0..=behind.len() {
                let file = [&old[..], &behind[..end]].concat();
                let counts = trimmed(whole(&file));
                let expected = if end < behind.len() { &old } else { &new };
                assert!(
                    counts == trimmed(expected),
                    "{end} of {} behind",
                    behind.len()
                );
            }
            for end in 0..=new.len() {
                let mut file = [&old[..], &behind[..]].concat();
                file[..end].copy_from_slice(&new[..end]);
                assert!(whole(&file) == new, "{end} of {} in front", new.len());
            }
            assert_eq!(whole(&new), new);
        }
    }

    #[test]
    fn what_was_interrupted_is_ended_and_written_again() {
        let (old, new, newest) = (text("old", 9), text("new", 12), text("newest", 5));
        let behind = tail(old.len(), &new);
        for end in (0..behind.len()).step_by(3).chain([behind.len()]) {
            let held = [&old[..], &behind[..end]].concat();
            let mut file = tempfile::tempfile().unwrap();
            file.write_all(&held).unwrap();
            let settled = settle(&file, &held).unwrap();
            let after = all(&file);
            assert_eq!(settled, after.len());
            let expected = if end < behind.len() { &old } else { &new };
            assert!(trimmed(&after) == trimmed(expected), "{end}");
            write(&file, &held, &newest).unwrap();
            assert!(all(&file) == newest, "{end}");
        }
    }

    fn all(mut file: &File) -> Vec<u8> {
        let mut bytes = Vec::new();
        file.rewind().unwrap();
        io::Read::read_to_end(&mut file, &mut bytes).unwrap();
        bytes
    }
}
