//! A library for a machine without an operating system, built from `twofa-types`, `twofa-totp` and
//! `twofa-policy` alone.
//!
//! rustc itself refuses to make a static library when anything in it, however far down, links
//! `alloc` and nobody brings a global allocator, or links `std`, which has a panic handler of its
//! own beside the one below. So that it builds is the proof, on any target.

#![no_std]

pub use twofa_policy as policy;
pub use twofa_totp as totp;
pub use twofa_types as types;

#[cfg(feature = "control_alloc")]
extern crate alloc;

#[cfg(feature = "control_std")]
extern crate std;

#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    loop {}
}
