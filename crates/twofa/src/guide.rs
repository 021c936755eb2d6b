//! Pages to read: how to embed this, why it is as it is, and what it stands up to. Their examples are compiled.

#[doc = include_str!("../docs/EMBEDDING.md")]
pub mod embedding {}

#[doc = include_str!("../docs/KEYS.md")]
pub mod keys {}

#[doc = include_str!("../docs/DESIGN.md")]
pub mod design {}

#[doc = include_str!("../docs/THREATS.md")]
pub mod threats {}
