//! Old events in a file: what is left verifies without it, what is in it verifies with it, and nobody cuts by hand.

use std::convert::Infallible;

use super::site::{START, fine, user};
use super::{Authenticator, Harness, Site};
use crate::{
    Applied, ArchiveDone, ArchiveSink, ArchivedEvent, BadPlace, Change, Check, Cut, Ends, Events,
    Fault, Head, Store as _, Subject, Verification, Watch,
};

/// A file in memory.
#[derive(Debug, Default, Clone)]
struct File(Vec<ArchivedEvent>);

impl ArchiveSink for File {
    type Error = Infallible;

    async fn keep(&mut self, page: &[ArchivedEvent]) -> Result<(), Infallible> {
        self.0.extend_from_slice(page);
        Ok(())
    }
}

/// A file whose disk takes nothing after the first page, or of which nobody knows whether it was written.
struct Failing(File);

impl ArchiveSink for Failing {
    type Error = crate::MemoryStoreError;

    async fn keep(&mut self, page: &[ArchivedEvent]) -> Result<(), Self::Error> {
        self.0.0.extend_from_slice(page);
        Err(crate::MemoryStoreError::EventExists { seq: 0 })
    }
}

#[derive(Default)]
struct Faults(Vec<Fault>);

impl Watch for Faults {
    fn bad(&mut self, place: &BadPlace) {
        self.0.push(place.fault);
    }
}

/// Three people with some history; ann's goes on after the date.
struct History<'h, H: Harness> {
    site: Site<'h, H>,
    ann: Authenticator,
}

impl<'h, H: Harness> History<'h, H> {
    fn new(harness: &'h H) -> Self {
        let site = Site::new(harness);
        let [ann, bob, _] = [&site.ann, &site.bob, &site.ada].map(|user| site.enrol(user));
        for _ in 0..3 {
            site.clock.forward(60);
            site.sign_in(&site.ann, &ann);
            site.sign_in(&site.bob, &bob);
        }
        site.clock.forward(1_000);
        site.sign_in(&site.ann, &ann);
        Self { site, ann }
    }

    fn archive(&self, file: &mut File) -> ArchiveDone {
        let before = START.saturating_add(1_000);
        fine(self.site.wait(self.site.service().archive(before, file)))
    }

    fn look(
        &self,
        check: &Check<'_>,
        files: Option<&[ArchivedEvent]>,
    ) -> (Vec<Fault>, Verification) {
        let mut faults = Faults::default();
        let mut lines = files.unwrap_or_default().iter().cloned().map(Ok);
        let files = files.is_some().then_some(&mut lines as _);
        let found = self
            .site
            .service()
            .audit_check_with(check, files, &mut faults);
        let found = fine(self.site.wait(found));
        assert_eq!(found.bad, u64::try_from(faults.0.len()).unwrap_or(0));
        (faults.0, found)
    }

    fn faults(&self, files: Option<&[ArchivedEvent]>) -> Vec<Fault> {
        self.look(&Check::default(), files).0
    }

    fn head(&self) -> Head {
        fine(self.site.wait(self.site.service().audit_head()))
    }

    fn seqs(&self, subject: &Subject) -> Vec<u64> {
        let (store, _) = self.site.open();
        let chain = fine(self.site.wait(store.chain(subject, 0, 99)));
        chain.iter().map(|event| event.row.seq).collect()
    }

    fn person(&self, name: &str) -> Subject {
        Subject::member(&self.site.project, &user(name))
    }
}

/// What is left verifies without the file, and all of it with the file; heads and cursors stay as they were; and it
/// goes on.
pub fn what_is_left_of_an_archived_chain_verifies<H: Harness>(harness: &H) {
    let history = History::new(harness);
    let site = &history.site;
    let (early, all) = (history.head(), site.events(&site.ann));
    let exported = all
        .last()
        .map(|event| (event.subject.clone(), event.row.seq, event.row.mac));
    let mut file = File::default();
    let done = history.archive(&mut file);
    assert!(done.left == 0 && done.chains >= 3, "{done:?}");
    assert_eq!(done.events, u64::try_from(file.0.len()).unwrap_or(0));
    assert_eq!(
        history.head(),
        early,
        "broken promise: a head stays the same"
    );
    let (ann, bob) = (
        history.person(site.ann.as_str()),
        history.person(site.bob.as_str()),
    );
    let of = |subject: &Subject| {
        let lines = file.0.iter().filter(|line| line.event.subject == *subject);
        lines.map(|line| line.event.row.seq).collect::<Vec<_>>()
    };
    for subject in [&ann, &bob] {
        let (archived, left) = (of(subject), history.seqs(subject));
        let whole: Vec<u64> = archived.iter().chain(&left).copied().collect();
        let last = u64::try_from(whole.len()).unwrap_or(0);
        assert_eq!(
            whole,
            (1..=last).collect::<Vec<_>>(),
            "broken promise: nothing is lost or twice"
        );
        assert_eq!(
            left.len(),
            1,
            "broken promise: the last one stays, whatever its age"
        );
    }
    assert_eq!(
        history.faults(None),
        [],
        "broken promise: what is left verifies"
    );
    let (faults, found) = history.look(&Check::default(), Some(&file.0));
    assert_eq!((faults, found.archived), (vec![], done.events));
    let project = Check {
        project: Some(&site.project),
        ..Check::default()
    };
    assert_eq!(history.look(&project, Some(&file.0)).0, []);
    let behind = fine(site.wait(site.service().restore_check(exported.clone())));
    assert_eq!(behind, [], "broken promise: nobody is behind");

    // Life goes on, and the next run takes what is old by then.
    site.clock.forward(60);
    site.sign_in(&site.ann, &history.ann);
    let mut next = File::default();
    let before = site.now();
    let more = fine(site.wait(site.service().archive(before, &mut next)));
    assert_eq!((more.events, more.left), (1, 0), "{more:?}");
    assert_eq!(history.faults(None), []);
    let both = [file.0.as_slice(), &next.0].concat();
    assert_eq!(history.faults(Some(&both)), []);
    let turned = [next.0.as_slice(), &file.0].concat();
    assert_eq!(
        history.faults(Some(&turned)),
        [],
        "broken promise: in any order"
    );
    assert_eq!(
        history.faults(Some(&next.0)),
        vec![Fault::ArchiveCut; usize::try_from(done.chains).unwrap_or(0)]
    );

    // A head from before can be compared where the files are there; and what was exported with it.
    let check = Check {
        from: Some(&early),
        ..Check::default()
    };
    assert_eq!(history.look(&check, Some(&both)).0, []);
    let none = fine(site.wait(site.service().archive(before, &mut File::default())));
    assert_eq!(
        none,
        ArchiveDone::default(),
        "broken promise: it is done once"
    );
}

/// An edited, a cut and a moved line of the file are found, each by its place.
pub fn what_was_done_to_an_archive_is_found<H: Harness>(harness: &H) {
    let history = History::new(harness);
    let mut file = File::default();
    history.archive(&mut file);
    let bob = history.person(history.site.bob.as_str());
    let at = |seq| {
        let of = |line: &ArchivedEvent| line.event.subject == bob && line.event.row.seq == seq;
        file.0.iter().position(of).unwrap_or(usize::MAX)
    };
    let bad = |edit: &dyn Fn(&mut Vec<ArchivedEvent>)| {
        let mut lines = file.0.clone();
        edit(&mut lines);
        assert_ne!(lines, file.0, "the edit does something");
        history.faults(Some(&lines))
    };
    let edited = |edit: &dyn Fn(&mut ArchivedEvent)| {
        bad(&|lines| lines.get_mut(at(3)).into_iter().for_each(edit))
    };
    let altered = [Fault::ArchiveAltered];
    assert_eq!(
        edited(&|line| line.event.row.detail = Some("no".into())),
        altered
    );
    assert_eq!(
        edited(&|line| line.event.row.actor = Some("eve".into())),
        altered
    );
    assert_eq!(edited(&|line| line.event.row.at = START), altered);
    assert_eq!(edited(&|line| line.event.row.generation += 1), altered);
    assert_eq!(edited(&|line| line.event.cursor += 1_000_000), altered);
    assert_eq!(edited(&|line| line.event.notice = Some(99)), altered);
    assert_eq!(bad(&|lines| drop(lines.remove(at(2)))), altered);
    assert_eq!(bad(&|lines| lines.swap(at(2), at(3))), altered);
    let last = file
        .0
        .iter()
        .filter(|line| line.event.subject == bob)
        .count();
    let last = u64::try_from(last).unwrap_or(0);
    assert_eq!(
        bad(&|lines| drop(lines.remove(at(last)))),
        [Fault::ArchiveCut]
    );
    assert_eq!(
        bad(&|lines| lines.retain(|line| line.event.subject != bob)),
        [Fault::ArchiveCut]
    );
    let first = file.0.get(at(1)).cloned();
    let foreign = bad(&|lines| {
        let moved = lines.iter_mut().filter(|line| line.event.subject == bob);
        moved.for_each(|line| line.event.subject = history.person("zoe"));
    });
    assert_eq!(
        foreign,
        [Fault::ArchiveAltered, Fault::ArchiveCut],
        "{first:?}"
    );
    assert_eq!(
        bad(&|lines| lines.extend_from_slice(&file.0)),
        [],
        "twice is once"
    );
}

/// Killed after the file was written and before the rows were taken out, or with a file that failed, nothing is lost
/// and nothing is twice.
pub fn an_archive_that_was_ended_goes_on<H: Harness>(harness: &H) {
    let history = History::new(harness);
    let mut failing = Failing(File::default());
    let before = START.saturating_add(1_000);
    let failed = history.site.service().archive(before, &mut failing);
    let code = history.site.wait(failed).err().map(|error| error.code());
    assert_eq!(code, Some("archive"));
    let torn = failing.0.0;
    assert!(!torn.is_empty());
    assert_eq!(
        history.faults(None),
        [],
        "broken promise: nothing was taken out"
    );
    assert_eq!(
        history.faults(Some(&torn)),
        [],
        "what was only written leads nowhere"
    );
    // Goes on in the same file, or in another.
    let mut file = File::default();
    let done = history.archive(&mut file);
    assert!(done.events > 0);
    for cut in [torn.len(), torn.len() / 2, 1, 0] {
        let lines = [torn.get(..cut).unwrap_or_default(), &file.0].concat();
        assert_eq!(history.faults(Some(&lines)), [], "after {cut} lines");
    }
    assert_eq!(history.faults(None), []);
}

/// Nobody makes a checkpoint without the keys, puts one elsewhere, or takes events away behind one.
pub fn a_checkpoint_is_nobodys_to_make<H: Harness>(harness: &H) {
    let history = History::new(harness);
    let site = &history.site;
    let mut file = File::default();
    history.archive(&mut file);
    for _ in 0..2 {
        site.clock.forward(60);
        site.sign_in(&site.ann, &history.ann);
    }
    let (store, _) = site.open();
    let (ann, bob) = (
        history.person(site.ann.as_str()),
        history.person(site.bob.as_str()),
    );
    let read = |subject| {
        let found = fine(site.wait(store.checkpoint(subject)));
        found.unwrap_or_default()
    };
    let (anns, bobs) = (read(&ann), read(&bob));
    let seqs = history.seqs(&ann);
    let (Some(first), Some(last)) = (seqs.first(), seqs.last()) else {
        panic!("broken promise: ann's last events are there");
    };
    let version = fine(site.wait(store.load(&Subject::installation())));
    let version = version.stored.map_or(0, |stored| stored.version);
    let put = |subject: &Subject, from, to, checkpoint: &[u8]| {
        let cut = Cut {
            subject: subject.clone(),
            from,
            to,
            checkpoint: checkpoint.to_vec(),
        };
        let put = fine(site.wait(store.cut(version, &[cut])));
        assert_eq!(
            put,
            Applied::Committed,
            "broken promise: the store is no judge of it"
        );
    };
    let at = first - 1;
    for number in [0, 4, 36, 40, anns.len() - 1] {
        let mut edited = anns.clone();
        if let Some(byte) = edited.get_mut(number) {
            *byte ^= 1;
        }
        put(&ann, at, at, &edited);
        let found = history.faults(None);
        assert!(
            found.contains(&Fault::CheckpointAltered),
            "byte {number}: {found:?}"
        );
    }
    put(&ann, at, at, &bobs);
    assert!(
        history.faults(None).contains(&Fault::CheckpointAltered),
        "another's"
    );
    put(&ann, at, at, b"");
    assert!(
        history.faults(None).contains(&Fault::CheckpointAltered),
        "none"
    );
    put(&ann, at, at, &anns);
    assert_eq!(history.faults(None), []);
    // The checkpoint as it was, and events behind it taken away by hand.
    put(&ann, at, last - 1, &anns);
    assert_eq!(history.faults(None), [Fault::EventMissing]);
}

/// What was verified up to a head is not read again, and what came since is; a record must still fit its last event.
pub fn what_came_since_a_head_is_checked<H: Harness>(harness: &H) {
    let history = History::new(harness);
    let site = &history.site;
    let head = history.head();
    let since = Check {
        from: Some(&head),
        ..Check::default()
    };
    let all = Check { all: true, ..since };
    let (faults, nothing) = history.look(&since, None);
    assert_eq!((faults, nothing.events), (vec![], 0));
    let (faults, everything) = history.look(&all, None);
    assert_eq!(faults, []);
    assert!(everything.events > 10 && everything.factors == nothing.factors);
    site.clock.forward(60);
    site.sign_in(&site.ann, &history.ann);
    let zoe = user("zoe");
    site.member(&zoe, Some(twofa_policy::Role::Member));
    let _phone = site.enrol(&zoe);
    let (faults, found) = history.look(&since, None);
    let total = history.look(&all, None).1;
    assert_eq!(faults, []);
    assert_eq!(found.events, total.events - everything.events);
    assert_eq!(
        (found.factors, found.head),
        (total.factors, Some(history.head()))
    );
    // What follows is compared with the events that the head stands for, and they with the head.
    let (store, _) = site.open();
    let bob = history.person(site.bob.as_str());
    let before = fine(site.wait(store.load(&bob)));
    let Some(stored) = before.stored else {
        panic!("broken promise: bob has a record");
    };
    let installation = fine(site.wait(store.load(&Subject::installation())));
    let events = fine(site.wait(site.service().events(
        Events::Person(&site.project, &site.bob),
        0,
        99,
    )));
    let Some(last) = events.last() else {
        panic!("broken promise: bob has events");
    };
    let mut row = last.row.clone();
    row.seq += 1;
    row.notice = false;
    let change = Change {
        subject: bob,
        expected: stored.version,
        installation: installation.stored.map_or(0, |stored| stored.version),
        record: stored.record,
        summary: twofa_lifecycle::Summary::NONE,
        events: vec![row],
        park: None,
        ends: Ends::None,
        recovery: None,
    };
    let applied = fine(site.wait(store.apply(&change)));
    assert_eq!(applied, Applied::Committed);
    assert_eq!(
        history.look(&since, None).0,
        [Fault::RecordAltered, Fault::EventAltered]
    );
}

/// Checkpoints go to the active key with everything else, and one under a key that was retired is nobody's.
pub fn checkpoints_rotate_with_everything_else<H: Harness>(harness: &H) {
    let history = History::new(harness);
    let site = &history.site;
    let mut file = File::default();
    history.archive(&mut file);
    let (store, _) = site.open();
    let ann = history.person(site.ann.as_str());
    let older = fine(site.wait(store.checkpoint(&ann)));
    let (_, old) = site.activate_new_key();
    let service = site.service();
    let refused = site.wait(service.retire_key(old, crate::ProofsOfOld::Void));
    assert_eq!(refused.err().map(|error| error.code()), Some("keyring"));
    fine(site.wait(service.reseal(|_| {})));
    let newer = fine(site.wait(store.checkpoint(&ann)));
    assert_ne!(
        older, newer,
        "broken promise: nothing rests under the old key"
    );
    fine(site.wait(service.retire_key(old, crate::ProofsOfOld::Void)));
    assert_eq!(history.faults(Some(&file.0)), []);
    let at = history.seqs(&ann).first().map_or(0, |first| first - 1);
    let version = fine(site.wait(store.load(&Subject::installation())));
    let cut = Cut {
        subject: ann,
        from: at,
        to: at,
        checkpoint: older.unwrap_or_default(),
    };
    let version = version.stored.map_or(0, |stored| stored.version);
    let put = fine(site.wait(store.cut(version, &[cut])));
    assert_eq!(put, Applied::Committed);
    assert_eq!(history.faults(None), [Fault::CheckpointAltered]);
}
