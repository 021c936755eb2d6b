//! The cases that `twofa-policy` and three general policy engines decide alike, for a comparison of their speed.
//!
//! Each engine gets its policies parsed and compiled before, and every case already in its own form, so that
//! nothing but deciding is measured. This crate must never be part of a product: it exists to be measured.
//!
//! | file | subject |
//! |---|---|
//! | `cases.rs` | [`Case`]: the inputs, and what is true of them in words |
//! | `cedar.rs` | [`Cedar`]: policies that are satisfied, by id |
//! | `rego.rs` | [`Rego`]: an else-chain, interpreted and compiled |
//! | `casbin.rs` | [`Casbin`]: a table, its first line that matches |
//! | `policies/` | what each of them reads |

mod casbin;
mod cases;
mod cedar;
mod rego;

pub use casbin::Casbin;
pub use cases::{Case, NOW, cases};
pub use cedar::Cedar;
pub use rego::Rego;
