//! `policy`: what the rules say, without changing anything.

use serde_json::{Value, json};
use twofa::policy::{Counts, Decision, SignInMethod, Summary};
use twofa::{Impact, MemberImpact, SignIn};

use crate::args::{self, Person, RuleOptions};
use crate::failure::{Exit, Failure, Outcome};
use crate::output::{Output, maybe, push, remedy_codes, remedy_lines, warning_codes};
use crate::store::Opened;

pub(crate) async fn policy(out: Output, opened: &Opened, command: &args::Policy) -> Outcome {
    match command {
        args::Policy::Explain { person, sso } => explain(out, opened, person, *sso).await,
        args::Policy::Impact { project, rules } => impact(out, opened, project, rules).await,
    }
}

async fn explain(out: Output, opened: &Opened, person: &Person, sso: bool) -> Outcome {
    let (project, user) = (&person.project, &person.user);
    let sign_in = if sso {
        SignIn::sso(project, user)
    } else {
        SignIn::password(project, user)
    };
    let decision = opened.service.explain(&sign_in).await?;
    out.result(
        || {
            let trail: Vec<Value> = decision
                .trail()
                .iter()
                .map(|tried| {
                    let reasons: Vec<_> = tried.reasons.iter().map(|r| r.code()).collect();
                    json!({"rule": tried.rule, "matched": tried.matched, "when": tried.when, "reasons": reasons})
                })
                .collect();
            json!({
                "next": decision.next().code(),
                "reason": decision.reason().code(),
                "until": maybe(decision.until()),
                "trail": trail,
                "remedy": remedy_codes(decision.remedies()),
            })
        },
        || explanation(person, &decision, opened),
    )?;
    Ok(Exit::Done)
}

fn explanation(person: &Person, decision: &Decision, opened: &Opened) -> String {
    let reason = decision.reason();
    let mut text = format!(
        "{} in {}: {} [{}]\n{}",
        person.user,
        person.project,
        decision.next().code(),
        reason.code(),
        reason.sentence(),
    );
    if let Some(until) = decision.until() {
        push!(text, " Until {until}.");
    }
    text += "\n\nRules in order, up to the first that holds:";
    for tried in decision.trail() {
        let mark = if tried.matched { "yes" } else { "no" };
        push!(text, "\n  {:>2}  {:<3}  {}", tried.rule, mark, tried.when);
    }
    let ways = remedy_lines(decision.remedies(), opened.service.now());
    if !ways.is_empty() {
        push!(text, "\n\nWhat they can do:{ways}");
    }
    text
}

async fn impact(
    out: Output,
    opened: &Opened,
    project: &twofa::types::ProjectId,
    rules: &RuleOptions,
) -> Outcome {
    let then = rules.apply(opened.project(project).await?.settings);
    let mut printed = Ok(());
    let impact = opened
        .service
        .impact(project, &then, SignInMethod::Password, |member| {
            if printed.is_ok() {
                printed = print_member(out, &member);
            }
        })
        .await?;
    printed?;
    print_summary(out, &impact)?;
    Ok(Exit::Done)
}

fn print_member(out: Output, member: &MemberImpact) -> Result<(), Failure> {
    let object = |decision: &Decision| json!({"next": decision.next().code(), "reason": decision.reason().code()});
    out.result(
        || json!({"user": member.user.as_str(), "now": object(&member.now), "then": object(&member.then)}),
        || {
            let words = |decision: &Decision| {
                format!("{} [{}]", decision.next().code(), decision.reason().code())
            };
            let (now, then) = (words(&member.now), words(&member.then));
            if now == then {
                format!("{:<32} {now}, as now", member.user.as_str())
            } else {
                format!("{:<32} {now} -> {then}", member.user.as_str())
            }
        },
    )
}

fn print_summary(out: Output, impact: &Impact) -> Result<(), Failure> {
    let summary = &impact.summary;
    out.result(
        || json!({"summary": summary_object(summary), "warnings": warning_codes(impact.warnings)}),
        || {
            let mut text = format!(
                "Members: {}, of whom {} would meet something else.\n  now:  {}\n  then: {}",
                summary.members(),
                summary.changed(),
                counts_text(summary.now()),
                counts_text(summary.then()),
            );
            for warning in impact.warnings {
                push!(
                    text,
                    "\nwarning: {} [{}]",
                    warning.sentence(),
                    warning.code()
                );
            }
            text
        },
    )
}

fn summary_object(summary: &Summary) -> Value {
    json!({
        "members": summary.members(),
        "changed": summary.changed(),
        "administrators": summary.administrators(),
        "enrolled_administrators": summary.enrolled_administrators(),
        "now": counts_object(summary.now()),
        "then": counts_object(summary.then()),
    })
}

fn counts_object(counts: Counts) -> Value {
    json!({
        "allow": counts.allow,
        "enrol": counts.enrol,
        "challenge": counts.challenge,
        "refuse": counts.refuse,
    })
}

fn counts_text(counts: Counts) -> String {
    format!(
        "{} let through, {} to set up, {} asked for a code, {} refused",
        counts.allow, counts.enrol, counts.challenge, counts.refuse
    )
}
