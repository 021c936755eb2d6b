//! The audit under somebody's hand: rows of chains and records edited, and the check finds it, or nothing changed.
#![no_main]

use std::sync::Arc;

use libfuzzer_sys::fuzz_target;
use twofa::testkit::{Clock, block_on, service_over};
use twofa::{Fault, MemoryDirectory, Subject, SubjectEvent};
use twofa_fuzz::{Audit, Bytes};

thread_local! {
    /// The audit as it was written, and the keys it was written under.
    static WRITTEN: (Audit, String) = Audit::written();
}

fn edit_row(event: &mut SubjectEvent, bytes: &mut Bytes<'_>) -> Option<()> {
    let (field, value) = (bytes.below(13)?, bytes.byte()?);
    let row = &mut event.row;
    let text = |old: &Option<String>| match (value % 4, old) {
        (0, _) => None,
        (1, _) => Some(String::new()),
        (_, old) => Some(format!(
            "{}{}",
            old.as_deref().unwrap_or_default(),
            char::from(value)
        )),
    };
    match field {
        0 => row.mac[usize::from(value) % 32] ^= bytes.byte()?,
        1 => row.seq ^= u64::from(value),
        2 => row.at = row.at.saturating_add(value.into()),
        3 => row.event.push(value.into()),
        4 => row.reason = text(&row.reason),
        5 => row.actor = text(&row.actor),
        6 => row.detail = text(&row.detail),
        7 => row.generation ^= u32::from(value),
        8 => row.notice ^= value & 1 == 1,
        9 => row.key_id ^= u32::from(value),
        10 => row.notices_before ^= u64::from(value),
        11 => event.notice = (value > 0).then(|| u64::from(value) - 1),
        // Where a table keeps it in the order of its chain, it is only somewhere else in the list of all.
        _ => event.cursor ^= u64::from(value),
    }
    Some(())
}

fn edit(audit: &mut Audit, subjects: &[Subject], bytes: &mut Bytes<'_>) -> Option<()> {
    let what = bytes.below(11)?;
    let (one, other) = (
        &subjects[bytes.below(subjects.len())?],
        &subjects[bytes.below(subjects.len())?],
    );
    let (rows, at) = (audit.chains.get_mut(one)?, bytes.byte()?);
    let at = usize::from(at).checked_rem(rows.len()).unwrap_or(0);
    match what {
        0 | 1 => edit_row(rows.get_mut(at)?, bytes)?,
        2 => drop((at < rows.len()).then(|| rows.remove(at))),
        3 => rows.truncate(at),
        4 => {
            let to = bytes.below(rows.len())?;
            let (from, seqs) = (rows[at].row.seq, rows[to].row.seq);
            rows.swap(at, to);
            // Either the rows change places or only what stands in them.
            if bytes.byte()? & 1 == 1 {
                (rows[at].row.seq, rows[to].row.seq) = (from, seqs);
            }
        }
        5 => {
            let row = rows.get(at)?.clone();
            let mut moved = row;
            // A row says itself whose it is.
            moved.subject = other.clone();
            moved.row.seq ^= u64::from(bytes.byte()?);
            audit.chains.get_mut(other)?.push(moved);
        }
        6 => {
            let stored = &mut audit.records.get_mut(one)?.stored;
            stored.version ^= u64::from(bytes.byte()?);
            let place = usize::from(bytes.byte()?) % stored.record.len();
            stored.record[place] ^= bytes.byte()?;
        }
        7 => drop(audit.records.remove(one)),
        8 => {
            let stored = audit.records.get(other)?.stored.clone();
            audit.records.get_mut(one)?.stored = stored;
        }
        9 => {
            let summary = audit.records.get(other)?.summary;
            audit.records.get_mut(one)?.summary = summary.filter(|_| at > 0);
        }
        _ => {
            let last = audit.notices.values_mut().next()?;
            *last ^= u64::from(bytes.byte()?);
        }
    }
    // As a table keeps them: in the order of their numbers, and one row to a number.
    for rows in audit.chains.values_mut() {
        rows.sort_by_key(|event| event.row.seq);
        rows.dedup_by_key(|event| event.row.seq);
    }
    Some(())
}

fuzz_target!(|data: &[u8]| {
    WRITTEN.with(|(written, keyring)| {
        let (mut audit, mut bytes) = (written.clone(), Bytes(data));
        let subjects: Vec<_> = written.records.keys().cloned().collect();
        while edit(&mut audit, &subjects, &mut bytes).is_some() {}
        // A chain removed together with its record leaves nothing to find it by, as `audit_verify` says.
        let mut expected = written.clone();
        for subject in subjects {
            if !audit.records.contains_key(&subject) && audit.chains[&subject].is_empty() {
                expected.records.remove(&subject);
                expected.chains.insert(subject, Vec::new());
            }
        }
        let clock = Clock::at(twofa::testkit::START);
        let people = Arc::new(MemoryDirectory::new());
        let service = service_over(audit.clone(), people, keyring, &clock);
        let changed = |subject: &Subject| {
            let of = |audit: &Audit| {
                let record = audit.records.get(subject).cloned();
                (record, audit.chains.get(subject).cloned())
            };
            of(&audit) != of(written)
        };
        // What says which keys the store rests under: where that was changed, any other place may look bad too.
        let keys_changed = changed(&Subject::installation());
        match block_on(service.audit_verify(None)) {
            Err(error) => assert!(keys_changed, "{error}"),
            Ok(found) => match found.first_bad {
                None => {
                    // Somewhere else in the list of all, and still in the order of its chain.
                    for (rows, as_written) in
                        audit.chains.values_mut().zip(expected.chains.values())
                    {
                        for (row, as_written) in rows.iter_mut().zip(as_written) {
                            row.cursor = as_written.cursor;
                        }
                    }
                    for (subject, rows) in &audit.chains {
                        assert!(expected.chains[subject] == *rows, "not found: {rows:#?}");
                    }
                    // Of a project of which nothing is left, neither is what its notices are counted by.
                    let is_left = |subject: &Subject| subject.project().is_some();
                    if expected.records.keys().any(is_left) {
                        assert!(audit.notices == expected.notices, "{:?}", audit.notices);
                    }
                    assert!(audit.records == expected.records, "{:#?}", audit.records);
                }
                Some(bad) => {
                    let of_the_project = bad.fault == Fault::NoticesDiffer && audit != *written;
                    let blamed = changed(&bad.subject) || keys_changed || of_the_project;
                    assert!(blamed, "{bad:?}, where nothing was");
                }
            },
        }
    });
});
