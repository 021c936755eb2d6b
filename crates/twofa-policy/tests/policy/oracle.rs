//! `decide` and `recheck` against tables written apart from them, over every input.

use twofa_policy::{
    How, Lock, Mandate, Next, Proven, Recheck, Remedy, SignInMethod, decide, recheck,
};

use crate::space::{Case, METHODS, NOW, cases};
use crate::table::Table;

const CONDITIONS: [&str; 8] = [
    "clock", "method", "sso", "handover", "lock", "state", "reset", "mandate",
];

fn decide_table() -> Table {
    Table::read(include_str!("../tables/decide.txt"), &CONDITIONS)
}

#[test]
fn decide_agrees_with_the_table_on_every_input() {
    let table = decide_table();
    let mut rows = std::collections::HashSet::new();
    let mut count = 0_u32;
    for case in cases() {
        let expected = table.row(&CONDITIONS.map(|c| case.word(c)));
        let decision = decide(&case.settings, case.method, &case.factor, NOW);
        assert_eq!(decision.next().code(), expected.cell("next"), "{case:?}");
        assert_eq!(
            decision.reason().code(),
            expected.cell("reason"),
            "{case:?}"
        );

        let until = match (
            expected.cell("until"),
            case.factor.lock,
            case.settings.mandate(),
        ) {
            ("lock", Lock::Until(time), _) | ("from", _, Mandate::From(time)) => Some(time),
            ("-", ..) => None,
            _ => panic!("the table names a time that {case:?} does not have"),
        };
        assert_eq!(decision.until(), until, "{case:?}");

        let remedies: Vec<_> = decision.remedies().iter().map(Remedy::code).collect();
        let remedies = if remedies.is_empty() {
            "-".into()
        } else {
            remedies.join(",")
        };
        assert_eq!(remedies, expected.cell("remedies"), "{case:?}");
        for remedy in decision.remedies() {
            if let Remedy::WaitUntil(time) = remedy {
                assert_eq!(Some(time), until, "{case:?}");
            }
        }

        let rule: u8 = expected.cell("rule").parse().unwrap();
        let tried: Vec<_> = decision.trail().iter().collect();
        let numbers: Vec<u8> = tried.iter().map(|t| t.rule).collect();
        let looked_at: Vec<u8> = if rule == 0 {
            vec![0]
        } else {
            (1..=rule).collect()
        };
        assert_eq!(numbers, looked_at, "{case:?}");
        assert_eq!(decision.trail().matched(), rule);
        let (last, before) = tried.split_last().unwrap();
        assert!(
            last.matched && before.iter().all(|t| !t.matched),
            "{case:?}"
        );
        assert!(last.reasons.contains(&decision.reason()), "{case:?}");
        assert!(
            before
                .iter()
                .all(|t| !t.reasons.contains(&decision.reason())),
            "{case:?}"
        );

        rows.insert(std::ptr::from_ref(expected));
        count += 1;
    }
    assert_eq!(rows.len(), table.len(), "a row that no case reaches");
    println!("decide: {count} cases, {} rows, all agree", table.len());
    assert_eq!(count, 4 * 4 * 2 * 2 * 2 * 5 * 3 * 5 * 6);
}

/// Generations of a proof and of the record, and whether they are the same factor's. 0 is no record, and 1 the
/// first one.
const GENERATIONS: [(u32, u32, &str); 8] = [
    (0, 0, "same"),
    (0, 1, "same"),
    (1, 0, "same"),
    (1, 1, "same"),
    (7, 7, "same"),
    (0, 2, "other"),
    (1, 2, "other"),
    (8, 7, "other"),
];

const RECHECK_CONDITIONS: [&str; 8] = [
    "how",
    "generation",
    "clock",
    "sso",
    "lock",
    "state",
    "reset",
    "mandate",
];

#[test]
fn recheck_agrees_with_the_table_on_every_input() {
    let table = Table::read(include_str!("../tables/recheck.txt"), &RECHECK_CONDITIONS);
    let decide_table = decide_table();
    let mut rows = std::collections::HashSet::new();
    let mut count = 0_u32;
    for case in cases().filter(|c| c.method == METHODS[0]) {
        for how in [How::Code, How::Sso, How::Password] {
            let method = if how == How::Sso {
                SignInMethod::Sso
            } else {
                SignInMethod::Password
            };
            let case = Case { method, ..case };
            let again = decide_table.row(&CONDITIONS.map(|c| case.word(c)));
            for (then, current, generation) in GENERATIONS {
                let values = RECHECK_CONDITIONS.map(|c| match c {
                    "how" => how.code(),
                    "generation" => generation,
                    other => case.word(other),
                });
                let expected = table.row(&values);
                let proven = Proven {
                    how,
                    generation: then,
                };
                match recheck(&case.settings, proven, &case.factor, current, NOW) {
                    Recheck::Continue => {
                        assert_eq!(expected.cell("answer"), "go-on", "{case:?} {how:?}");
                    }
                    Recheck::SignInAgain(decision) => {
                        assert_eq!(expected.cell("answer"), "end", "{case:?} {how:?}");
                        assert_eq!(
                            decision.reason().code(),
                            again.cell("reason"),
                            "{case:?} {how:?}"
                        );
                        if generation == "same" {
                            assert_ne!(decision.next(), Next::Allow, "{case:?} {how:?}");
                        }
                    }
                }
                rows.insert(std::ptr::from_ref(expected));
                count += 1;
            }
        }
    }
    assert_eq!(rows.len(), table.len(), "a row that no case reaches");
    println!("recheck: {count} cases, {} rows, all agree", table.len());
}
