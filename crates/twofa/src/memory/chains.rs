//! Many chains of the store in memory at once, and chains whose beginning is taken out.

use std::ops::Bound;

use twofa_types::ProjectId;

use super::{Applied, ChainSpan, Cut, HeadRow, Subject, SubjectEvent, Tables, Tip};

impl Tables {
    pub(super) fn horizon(&self) -> u64 {
        let last = self.events.last_key_value();
        last.map_or(0, |(cursor, _)| *cursor)
    }

    pub(super) fn heads<'a>(
        &'a self,
        project: Option<&'a ProjectId>,
        after: Option<&'a Subject>,
        up_to: u64,
    ) -> impl Iterator<Item = HeadRow> + 'a {
        let rows = self.factors.iter().filter(move |(subject, _)| {
            project.is_none_or(|project| subject.project() == Some(project))
                && after.is_none_or(|after| *subject > after)
        });
        rows.map(move |(subject, (stored, summary))| {
            let mut covered = self.chain(subject).rev();
            HeadRow {
                subject: subject.clone(),
                stored: stored.clone(),
                summary: Some(*summary),
                last_notice: self.found(subject).last_notice,
                covered: covered.find(|event| event.cursor <= up_to).map(tip),
                checkpoint: self
                    .checkpoints
                    .get(subject)
                    .map(|(_, bytes)| bytes.clone()),
            }
        })
    }

    pub(super) fn span<'a>(
        &'a self,
        span: &'a ChainSpan<'_>,
    ) -> impl Iterator<Item = &'a SubjectEvent> {
        let from = match span.after {
            Some((subject, _)) => Bound::Included(subject),
            None => Bound::Unbounded,
        };
        let within = |subject: &Subject| span.until.is_none_or(|until| subject <= until);
        let chains = self.chains.range((from, Bound::Unbounded));
        let events = chains
            .take_while(move |(subject, _)| within(subject))
            .flat_map(|(_, places)| places)
            .filter_map(|place| self.events.get(place));
        events.filter(|event| {
            let here = (&event.subject, event.row.seq);
            event.cursor > span.since && span.after.is_none_or(|after| here > after)
        })
    }

    pub(super) fn cut(&mut self, installation: u64, cuts: &[Cut]) -> Applied {
        let stands = |cut: &Cut| {
            let before = self.checkpoints.get(&cut.subject);
            let seqs = self.chain(&cut.subject).map(|event| event.row.seq);
            let there = seqs.take_while(|seq| *seq <= cut.to);
            before.map_or(0, |(seq, _)| *seq) == cut.from
                && self.last_event(&cut.subject) > cut.to
                && there.eq(cut.from + 1..=cut.to)
        };
        if !cuts.iter().all(stands) {
            return Applied::Conflict;
        }
        if self.installation() != installation {
            return Applied::Stale;
        }
        for cut in cuts {
            let events = &mut self.events;
            if let Some(places) = self.chains.get_mut(&cut.subject) {
                places.retain(|place| {
                    let old = events
                        .get(place)
                        .is_some_and(|event| event.row.seq <= cut.to);
                    if old {
                        events.remove(place);
                    }
                    !old
                });
            }
            self.checkpoints
                .insert(cut.subject.clone(), (cut.to, cut.checkpoint.clone()));
        }
        Applied::Committed
    }
}

fn tip(event: &SubjectEvent) -> Tip {
    Tip {
        seq: event.row.seq,
        mac: event.row.mac,
        cursor: event.cursor,
    }
}
