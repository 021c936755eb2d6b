//! What went wrong in other systems, and what must be impossible here: each by its number, through the service,
//! on the store under test. `docs/FAILURES.md` tells where each comes from.

mod codes;
mod guessing;
mod people;
mod resets;
mod set_up;
mod trouble;

pub use codes::*;
pub use guessing::*;
pub use people::*;
pub use resets::*;
pub use set_up::*;
pub use trouble::*;
