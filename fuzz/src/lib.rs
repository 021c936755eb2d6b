//! What fuzz targets share: bytes taken one after the other, a vault, randomness, authority to reset, and an audit
//! that can be edited.

mod audit;
mod play;

use twofa::lifecycle::{Random, SealedSecret, SealedSecretError, Vault};
use twofa::policy::{
    FactorView, Help, How, MissingKey, ProjectSettings, ProofFacts, ResetGrant, ResetRequest, Role,
    SupportResetRequest, authorize_reset, authorize_support_reset,
};
use twofa::totp::Secret;
use twofa::types::{ProjectId, UnixTime, UserId};

pub use audit::Audit;
pub use play::{Play, Typed};

/// The fuzzer's bytes, taken from the front. When they run out it is over.
pub struct Bytes<'a>(pub &'a [u8]);

impl Bytes<'_> {
    /// The next byte.
    pub fn byte(&mut self) -> Option<u8> {
        let (first, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(*first)
    }

    /// The next two bytes, as a number.
    pub fn short(&mut self) -> Option<u16> {
        Some(u16::from_le_bytes([self.byte()?, self.byte()?]))
    }

    /// The next eight bytes, as a number.
    pub fn long(&mut self) -> Option<u64> {
        let (first, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(u64::from_le_bytes(*first))
    }

    /// One of so many things, by the next byte.
    pub fn below(&mut self, count: usize) -> Option<usize> {
        usize::from(self.byte()?).checked_rem(count)
    }
}

/// Seals nothing, but holds to what a vault promises: what was sealed for another generation does not open.
pub struct PlainVault;

impl Vault for PlainVault {
    type Error = SealedSecretError;

    fn seal(
        &self,
        generation: u32,
        secret: &Secret,
        _: &[u8; 24],
    ) -> Result<SealedSecret, Self::Error> {
        SealedSecret::from_bytes(&[&generation.to_le_bytes(), secret.expose_secret()].concat())
    }

    fn open(&self, generation: u32, sealed: &SealedSecret) -> Result<Secret, Self::Error> {
        let secret = sealed.as_bytes().strip_prefix(&generation.to_le_bytes());
        secret
            .and_then(|secret| Secret::from_bytes(secret).ok())
            .ok_or(SealedSecretError { bytes: 0 })
    }
}

/// Randomness that no two numbers share.
pub fn random(number: u64) -> Random {
    let mut random = Random {
        secret: [0; 64],
        nonce: [0; 24],
        handover: [0; 10],
    };
    for chunk in random.secret.chunks_exact_mut(8) {
        chunk.copy_from_slice(&number.to_be_bytes());
    }
    random.nonce[..8].copy_from_slice(&number.to_be_bytes());
    random.handover[..8].copy_from_slice(&number.to_be_bytes());
    random
}

/// What an administrator with a fresh code is granted.
pub fn grant(generation: u32, now: UnixTime) -> ResetGrant {
    let (project, ada, bob) = (project(), user("ada"), user("bob"));
    let proof = ProofFacts {
        project: &project,
        user: &ada,
        when: now,
        how: How::Code,
        generation: 1,
    };
    let request = ResetRequest {
        settings: Some(&ProjectSettings::new()),
        project: &project,
        proof: Some(proof),
        actor_factor: FactorView::active(now),
        actor_generation: 1,
        actor_role: Some(Role::Administrator),
        subject: &bob,
        subject_factor: FactorView::active(now),
        subject_generation: generation,
        now,
    };
    authorize_reset(&request).expect("an administrator, a fresh code, another person")
}

/// What support is granted on a ticket.
pub fn support_grant(generation: u32, now: UnixTime) -> ResetGrant {
    let request = SupportResetRequest {
        settings: Some(&ProjectSettings::new()),
        project: &project(),
        operator: "grace",
        ticket: "T-1042",
        subject: &user("bob"),
        subject_factor: FactorView::active(now),
        subject_generation: generation,
        missing_key: MissingKey::MayComeBack,
        help: Help::SupportOnly,
        now,
    };
    authorize_support_reset(&request)
        .expect("an operator with a ticket")
        .0
}

fn project() -> ProjectId {
    "acme".parse().expect("a name")
}

fn user(name: &str) -> UserId {
    name.parse().expect("a name")
}
