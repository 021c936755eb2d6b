//! Damage, recovery, and the proofs that neither may bring back.

use super::{Model, Play, WAITS, script::Happens, script::Known};
use crate::world::{grant_for, recovery_by_ada, recovery_by_grace, support_grant_for};
use twofa_lifecycle::{ChainHead, Command, Damage, EventKind, LoginEffect, Outcome, Record};
use twofa_policy::{FactorView, Next, ProjectSettings, Reason, ResetGrant, SignInMethod, decide};
use twofa_types::UnixTime;

/// What a session keeps of an acceptance.
#[derive(Debug)]
pub struct Proof {
    when: UnixTime,
    generation: u32,
    /// Whether a reset or a recovery came since.
    void: bool,
    /// Whether a recovery since had less than the true generation to go by, as where the events were removed.
    understated: bool,
    /// Made at a time that the clock had not reached, or reached again, at a recovery then or later: both that the
    /// events were removed and that the clock ran back. Nothing is left to tell by.
    untold: bool,
}

impl Play {
    /// Time passes. Whoever comes is refused before any command, and before long somebody recovers it.
    pub fn happen_to_what_is_damaged(&mut self, what: &Happens) {
        match what {
            Happens::Tick(_) | Happens::TickBack(_) => {
                self.damaged = false;
                self.happen(what);
                self.damaged = true;
            }
            Happens::Reset { .. } | Happens::Begin | Happens::Park(_) => {
                let grant = self.recovery(false, Known::Events, false);
                self.recover(grant, false, 0, true);
            }
            _ => {
                let (settings, password) = (ProjectSettings::new(), SignInMethod::Password);
                let met = decide(&settings, password, &FactorView::UNREADABLE, self.world.now);
                assert_eq!(met.next(), Next::Refuse);
            }
        }
        self.compare();
    }

    pub fn recovery(&self, support: bool, known: Known, ordinary: bool) -> (ResetGrant, u32) {
        let parked = self.logins.iter().map(|(_, login)| login.generation);
        let floor = match known {
            Known::Events => self.model.generation,
            Known::Logins => parked.max().unwrap_or(0),
            Known::More(by) => self.model.generation + by,
        };
        let grant = match (support, ordinary) {
            (false, false) => recovery_by_ada,
            (true, false) => recovery_by_grace,
            (false, true) => grant_for,
            (true, true) => support_grant_for,
        };
        (grant(floor, self.world.now), floor)
    }

    pub fn recover(
        &mut self,
        (grant, floor): (ResetGrant, u32),
        ordinary: bool,
        failures: u32,
        stored: bool,
    ) {
        let slow_store = matches!(grant.by(), twofa_policy::ResetActor::Support { .. });
        let before = self.world.record.clone();
        if self.damaged {
            self.world.record = Record::new();
        }
        let chain = ChainHead {
            seq: u64::from(self.answered) + 1,
            mac: [3; 32],
        };
        let command = Command::Recover {
            grant,
            found: Damage {
                listed: None,
                generation_floor: floor,
                chain,
                failures_floor: failures,
            },
        };
        let fresh = self.world.record == Record::new();
        if !stored {
            // Dropped, as after a lost write: what is damaged stays so.
            drop(self.world.rehearse(command).unwrap());
            self.world.record = before;
            return;
        }
        let behind = !self.damaged && self.behind();
        let done = self.world.apply(command);
        if behind || ordinary || !fresh {
            let reason = if behind {
                Reason::ClockBehind
            } else {
                Reason::Superseded
            };
            assert_eq!(done.reason(), reason);
            assert!(!done.wrote);
            self.world.record = before;
            return;
        }
        let Outcome::Recovered { handover, .. } = &done.outcome else {
            panic!("{:?}", done.outcome)
        };
        assert_eq!(done.login, LoginEffect::EndAll);
        assert_eq!(done.kinds(), [EventKind::Recovered]);
        let understated = floor < self.model.generation;
        if !slow_store {
            self.logins.clear();
        }
        let counted = failures.clamp(3, 99);
        let wait = WAITS.get(counted as usize - 1).copied().unwrap_or(3600);
        let now = self.world.now;
        self.damaged = false;
        self.model = Model {
            generation: floor.max(1) + 1,
            was_reset: true,
            handover: Some(handover.expose_secret().to_owned()),
            failures: counted,
            locked_until: (wait > 0).then(|| now.saturating_add(wait)),
            latest: now,
            chain,
            ..Model::default()
        };
        self.void_proofs(understated);
    }

    /// The proof of whoever was just accepted, as a service makes it.
    pub fn keep_proof(&mut self) {
        self.proofs.push(Proof {
            when: self.world.record.time_of_proof(self.world.now),
            generation: self.world.record.generation(),
            void: false,
            understated: false,
            untold: false,
        });
    }

    pub fn void_proofs(&mut self, understated: bool) {
        let now = self.world.now;
        for proof in &mut self.proofs {
            proof.void = true;
            proof.understated |= understated;
            proof.untold |= proof.understated && proof.when > now;
        }
    }

    /// A proof counts exactly while nothing has voided it.
    pub fn compare_proofs(&self) {
        let record = &self.world.record;
        for proof in self.proofs.iter().filter(|proof| !proof.untold) {
            let counts =
                proof.generation == record.generation() && !record.voids_proof_of(proof.when);
            assert_eq!(counts, !proof.void, "{proof:?}");
        }
    }
}
