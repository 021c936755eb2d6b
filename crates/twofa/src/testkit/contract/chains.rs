//! Many chains read at once, and chains whose beginning is taken out.

use super::values::{Draft, member};
use super::{Harness, Store, Subject, commit, open, project, user, wait};
use crate::{Applied, ChainSpan, Cut, HeadRow, SubjectEvent};

type Place = (Subject, u64);

fn place(event: &SubjectEvent) -> Place {
    (event.subject.clone(), event.row.seq)
}

/// Three people and a project, with chains of different lengths; where each of their events stands.
fn chains<H: Harness>(harness: &H, store: &H::Store) -> Vec<Place> {
    let lengths = [
        (Subject::project_itself(&project("acme")), 1),
        (member("acme", "ann"), 7),
        (member("acme", "bob"), 3),
        (member("beta", "ann"), 5),
    ];
    for (subject, events) in &lengths {
        commit(
            harness,
            store,
            &Draft::new(subject, 0).events(1..=*events).change(),
        );
    }
    let all = lengths
        .iter()
        .flat_map(|(subject, events)| (1..=*events).map(|seq| (subject.clone(), seq)));
    all.collect()
}

fn read<H: Harness>(harness: &H, store: &H::Store, limit: u32, since: u64) -> Vec<Place> {
    let mut found: Vec<Place> = Vec::new();
    loop {
        let last = found.last();
        let span = ChainSpan {
            after: last.map(|(subject, seq)| (subject, *seq)),
            until: None,
            since,
        };
        let page = wait(harness, store.chains(&span, limit));
        if page.is_empty() {
            return found;
        }
        found.extend(page.iter().map(place));
    }
}

fn heads<H: Harness>(harness: &H, store: &H::Store, up_to: u64) -> Vec<HeadRow> {
    wait(harness, store.heads(None, None, up_to, 99))
}

/// Many chains are read in the order of their subjects and numbers, from any event on, and up to any subject.
pub fn many_chains_are_read_in_pages<H: Harness>(harness: &H) {
    let store = open(harness);
    let all = chains(harness, &store);
    for limit in [1, 3, 99] {
        assert_eq!(
            read(harness, &store, limit, 0),
            all,
            "broken promise: each event once, in pages of {limit}"
        );
    }
    let (ann, bob) = (member("acme", "ann"), member("acme", "bob"));
    for (after, until, expected) in [
        (None, Some(&ann), 0..8),
        (Some((&ann, 6)), Some(&bob), 7..11),
        (Some((&ann, u64::MAX)), None, 8..16),
        (Some((&ann, 0)), Some(&ann), 1..8),
    ] {
        let span = ChainSpan {
            after,
            until,
            since: 0,
        };
        let found: Vec<_> = wait(harness, store.chains(&span, 99))
            .iter()
            .map(place)
            .collect();
        assert_eq!(
            Some(found.as_slice()),
            all.get(expected),
            "broken promise: from one up to another"
        );
    }
    let horizon = wait(harness, store.horizon());
    commit(harness, &store, &Draft::new(&bob, 1).events(4..=5).change());
    assert_eq!(
        read(harness, &store, 1, horizon),
        [(bob.clone(), 4), (bob.clone(), 5)],
        "broken promise: those that came since"
    );
    for (up_to, last) in [(horizon, 3), (u64::MAX, 5)] {
        let heads = heads(harness, &store, up_to);
        let covered: Vec<_> = heads
            .iter()
            .map(|row| row.covered.map_or(0, |tip| tip.seq))
            .collect();
        assert_eq!(
            covered,
            [1, 7, last, 5],
            "broken promise: the last event of each up to a cursor"
        );
        let chain = wait(harness, store.chain(&bob, last - 1, 1));
        let tip = heads.get(2).and_then(|row| row.covered);
        assert_eq!(
            tip.map(|tip| (tip.cursor, tip.mac)),
            chain.first().map(|event| (event.cursor, event.row.mac))
        );
        assert_eq!(heads.get(2).map(|row| row.last_notice), Some(5));
    }
    assert_eq!(
        heads(harness, &store, 0)
            .first()
            .and_then(|row| row.covered),
        None
    );
    let beta = project("beta");
    let of_beta = wait(harness, store.heads(Some(&beta), None, u64::MAX, 99));
    let users: Vec<_> = of_beta
        .iter()
        .map(|row| row.subject.user().cloned())
        .collect();
    assert_eq!(users, [Some(user("ann"))], "broken promise: of one project");
}

/// The beginnings of chains are taken out all or none, only as they stand, and never the last event.
pub fn a_chain_is_cut_whole_or_not_at_all<H: Harness>(harness: &H) {
    let store = open(harness);
    let all = chains(harness, &store);
    let (ann, bob) = (member("acme", "ann"), member("acme", "bob"));
    let cut = |subject: &Subject, from, to| Cut {
        subject: subject.clone(),
        from,
        to,
        checkpoint: vec![7, u8::try_from(to).unwrap_or(0)],
    };
    let refused = [
        ("the last event", vec![cut(&ann, 0, 4), cut(&bob, 0, 3)]),
        ("beyond the last", vec![cut(&ann, 0, 8)]),
        (
            "from where nothing was cut",
            vec![cut(&ann, 0, 4), cut(&bob, 1, 2)],
        ),
        ("of nobody", vec![cut(&member("acme", "zoe"), 0, 1)]),
    ];
    for (what, cuts) in refused {
        assert!(
            wait(harness, store.cut(0, &cuts)) == Applied::Conflict,
            "broken promise: {what} is taken out"
        );
        assert_eq!(
            read(harness, &store, 99, 0),
            all,
            "broken promise: all or none"
        );
        assert_eq!(wait(harness, store.checkpoint(&ann)), None);
    }
    assert!(wait(harness, store.cut(0, &[cut(&ann, 0, 4), cut(&bob, 0, 1)])) == Applied::Committed);
    assert!(
        wait(harness, store.cut(0, &[cut(&ann, 0, 5)])) == Applied::Conflict,
        "broken promise: it was cut before"
    );
    assert!(wait(harness, store.cut(0, &[cut(&ann, 4, 6)])) == Applied::Committed);

    assert!(
        wait(harness, store.cut(1, &[cut(&bob, 1, 2)])) == Applied::Stale,
        "broken promise: under other keys"
    );

    let store = open(harness);
    let seqs = |subject| {
        let chain = wait(harness, store.chain(subject, 0, 99));
        chain.iter().map(|event| event.row.seq).collect::<Vec<_>>()
    };
    assert_eq!((seqs(&ann), seqs(&bob)), (vec![7], vec![2, 3]));
    assert_eq!(wait(harness, store.checkpoint(&ann)), Some(vec![7, 6]));
    let row = heads(harness, &store, u64::MAX).into_iter().nth(1);
    assert_eq!(row.and_then(|row| row.checkpoint), Some(vec![7, 6]));
    assert_eq!(wait(harness, store.load(&ann)).last_event, 7);
    commit(harness, &store, &Draft::new(&ann, 1).events(8..=9).change());
    let horizon = wait(harness, store.horizon());
    let page = wait(harness, store.chain(&ann, 8, 9));
    assert_eq!(
        page.last().map(|event| event.cursor),
        Some(horizon),
        "broken promise: cursors grow on"
    );
}
