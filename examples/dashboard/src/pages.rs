//! One file a page.

pub mod factors;
pub mod home;
pub mod login;
pub mod phone;
pub mod reports;
pub mod sso;
pub mod support;
pub mod two_factor;
