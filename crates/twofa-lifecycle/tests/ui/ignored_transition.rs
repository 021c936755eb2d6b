//! A transition that is dropped is a failure that was not counted.
#![deny(unused_must_use)]
use twofa_lifecycle::{Command, Context, Record, Vault, step};

fn careless<V: Vault>(record: &Record, context: &Context<'_, V>) -> Result<(), V::Error> {
    step(record, Command::Expire, context)?;
    Ok(())
}

fn main() {}
