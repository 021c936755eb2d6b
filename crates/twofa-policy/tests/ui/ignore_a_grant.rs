//! A grant that is dropped by mistake is an error where warnings are.
#![deny(unused_must_use)]
use twofa_policy::{
    FactorView, ProjectSettings, Recheck, ResetGrant, SignInMethod, decide, recheck, Proven, How,
};
use twofa_types::UnixTime;

fn granted() -> ResetGrant {
    unimplemented!()
}

fn main() {
    granted();
    let settings = ProjectSettings::new();
    decide(&settings, SignInMethod::Password, &FactorView::NONE, UnixTime::EPOCH);
    let proven = Proven { how: How::Code, generation: 1 };
    recheck(&settings, proven, &FactorView::NONE, 1, UnixTime::EPOCH);
    let _: Option<Recheck> = None;
}
