//! Many chains at once, and what is left of a chain whose beginning was archived.

use super::{Store, Stored, Subject, SubjectEvent, is_full};
use twofa_lifecycle::Summary;
use twofa_types::ProjectId;

/// A record with what its chain is compared with, for whoever checks many.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeadRow {
    /// Whose.
    pub subject: Subject,
    /// The record.
    pub stored: Stored,
    /// What lists show of it; `None` where that cannot be read.
    pub summary: Option<Summary>,
    /// The number of its project's last notice; 0 where there is none.
    pub last_notice: u64,
    /// The last event of the chain up to the cursor that was asked for.
    pub covered: Option<Tip>,
    /// What was laid down when the chain's beginning was archived.
    pub checkpoint: Option<Vec<u8>>,
}

/// Where a chain stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tip {
    /// The number of the event.
    pub seq: u64,
    /// Its code.
    pub mac: [u8; 32],
    /// Its cursor.
    pub cursor: u64,
}

/// Which events of many chains are read, in the order of their subjects and, of each, of their numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub struct ChainSpan<'a> {
    /// What comes after this subject's event of this number; after the subject altogether with the greatest number.
    pub after: Option<(&'a Subject, u64)>,
    /// Up to this subject, and with it; to the end without one.
    pub until: Option<&'a Subject>,
    /// Those with a greater cursor.
    pub since: u64,
}

/// The beginning of one chain, to be taken out of the store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cut {
    /// Whose chain.
    pub subject: Subject,
    /// How far it was taken out before; 0 where it never was. It must still stand.
    pub from: u64,
    /// The number of the last event to be taken out. None of those up to it is missing, and one follows it. As
    /// `from`, where only the checkpoint is laid down anew.
    pub to: u64,
    /// What is laid down in their place.
    pub checkpoint: Vec<u8>,
}

/// [`Store::heads`] by way of the other calls.
pub(super) async fn heads_one_by_one<S: Store + ?Sized>(
    store: &S,
    project: Option<&ProjectId>,
    after: Option<&Subject>,
    up_to: u64,
    limit: u32,
) -> Result<Vec<HeadRow>, S::Error> {
    let mut heads = Vec::new();
    for row in store.subjects(project, after, limit).await? {
        let found = store.load(&row.subject).await?;
        heads.push(HeadRow {
            last_notice: found.last_notice,
            covered: covered(store, &row.subject, up_to).await?,
            checkpoint: store.checkpoint(&row.subject).await?,
            subject: row.subject,
            stored: row.stored,
            summary: row.summary,
        });
    }
    Ok(heads)
}

async fn covered<S: Store + ?Sized>(
    store: &S,
    subject: &Subject,
    up_to: u64,
) -> Result<Option<Tip>, S::Error> {
    const PAGE: u32 = 500;
    let mut last = None;
    loop {
        let after = last.map_or(0, |tip: Tip| tip.seq);
        let page = store.chain(subject, after, PAGE).await?;
        let more = is_full(&page, PAGE);
        let before = last;
        for event in page.iter().take_while(|event| event.cursor <= up_to) {
            last = Some(Tip {
                seq: event.row.seq,
                mac: event.row.mac,
                cursor: event.cursor,
            });
        }
        if !more || last == before {
            return Ok(last);
        }
    }
}

/// [`Store::chains`] by way of the other calls.
pub(super) async fn chains_one_by_one<S: Store + ?Sized>(
    store: &S,
    span: &ChainSpan<'_>,
    limit: u32,
) -> Result<Vec<SubjectEvent>, S::Error> {
    let mut found = Vec::new();
    let most = usize::try_from(limit).unwrap_or(usize::MAX);
    let mut next = span.after.map(|(subject, seq)| (subject.clone(), seq));
    if next.is_none() {
        let first = store.subjects(None, None, 1).await?;
        next = first.into_iter().next().map(|row| (row.subject, 0));
    }
    let within = |subject: &Subject| span.until.is_none_or(|until| subject <= until);
    while let Some((subject, seq)) = next.filter(|(subject, _)| within(subject)) {
        let left = limit.saturating_sub(u32::try_from(found.len()).unwrap_or(limit));
        // Those that were asked for are found after the last one that was not.
        let known = covered(store, &subject, span.since).await?;
        let seq = seq.max(known.map_or(0, |tip| tip.seq));
        found.extend(store.chain(&subject, seq, left).await?);
        if found.len() >= most {
            break;
        }
        let following = store.subjects(None, Some(&subject), 1).await?;
        let following = following.into_iter().next().map(|row| row.subject);
        // One that is given again would be read without end.
        next = following
            .filter(|found| *found > subject)
            .map(|subject| (subject, 0));
    }
    Ok(found)
}
