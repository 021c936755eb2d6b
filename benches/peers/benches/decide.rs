//! Deciding with reason and trail, beside Cedar, Rego and Casbin deciding the same cases.
//!
//! Ours reads the reason's code and walks the whole trail; Cedar and Rego say what comes next and why, and have no
//! trail; Casbin says whether the sign-in passes.

use std::hint::black_box;

use harness::{compare, header, measure};
use twofa_policy::decide;
use twofa_policy_peers::{Casbin, Case, Cedar, NOW, Rego, cases};

/// The harness of the other benches, which stand in another workspace.
#[path = "../../src/lib.rs"]
mod harness;

fn ours(case: &Case) -> (&'static str, u32) {
    let decision = decide(&case.settings, case.method, &case.factor, NOW);
    let looked_at = decision.trail().iter().map(|t| u32::from(t.rule)).sum();
    (decision.reason().code(), looked_at)
}

/// Calls `decide` with one case after another, over and over.
fn turning<'a, T, A>(cases: &'a [T], mut decide: impl FnMut(&'a T) -> A) -> impl FnMut() -> A {
    let mut turn = cases.iter().cycle();
    move || decide(black_box(turn.next().expect("there are cases")))
}

fn main() {
    let cases = cases();
    let (cedar, mut rego, casbin) = (Cedar::new(), Rego::new(), Casbin::new());
    let for_cedar: Vec<_> = cases.iter().map(Cedar::request).collect();
    let for_rego: Vec<_> = cases.iter().map(Rego::input).collect();
    let for_casbin: Vec<_> = cases.iter().map(Casbin::request).collect();

    for (i, case) in cases.iter().enumerate() {
        let decision = decide(&case.settings, case.method, &case.factor, NOW);
        let (next, reason) = (decision.next().code(), decision.reason().code());
        let (cedar_next, cedar_reason) = cedar.decide(&for_cedar[i]);
        assert_eq!(
            (cedar_next, cedar_reason.to_string().as_str()),
            (next, reason),
            "cedar, {case:?}"
        );
        for answer in [rego.interpret(&for_rego[i]), rego.run(&for_rego[i])] {
            assert_eq!(
                answer["next"].as_string().unwrap().as_ref(),
                next,
                "rego, {case:?}"
            );
            assert_eq!(
                answer["reason"].as_string().unwrap().as_ref(),
                reason,
                "rego, {case:?}"
            );
        }
        let passes = casbin.decide(&for_casbin[i]);
        assert_eq!(passes, next == "allow", "casbin, {case:?}");
    }

    header(
        "one decision, on average over the cases; lower is better, below 1 is faster than the peer",
    );
    println!("# {} cases, on which all agree", cases.len());
    measure("decide with reason and trail", 1, turning(&cases, ours));
    compare(
        "decide / cedar-policy 4",
        turning(&cases, ours),
        turning(&for_cedar, |r| cedar.decide(r)),
    );
    compare(
        "decide / regorus 0.14, virtual machine",
        turning(&cases, ours),
        turning(&for_rego, |i| rego.run(i)),
    );
    compare(
        "decide / regorus 0.14, interpreter",
        turning(&cases, ours),
        turning(&for_rego, |i| rego.interpret(i)),
    );
    compare(
        "decide / casbin 2",
        turning(&cases, ours),
        turning(&for_casbin, |r| casbin.decide(r)),
    );
}
