//! Who runs this program, for the record.

use twofa::lifecycle::Actor;
use twofa::types::Name;

use crate::failure::Failure;

/// Whoever runs this program on a store is its operator: by the name that was given, or else by that of their login.
pub(crate) fn operator(given: Option<&Name>) -> Result<Actor, Failure> {
    let name = match given {
        Some(name) => name.clone(),
        None => Name::new(&login_name()).map_err(|error| {
            let message =
                format!("the name of your login cannot be used: {error}; give --operator");
            Failure::usage("name", message)
        })?,
    };
    Ok(Actor::operator(name))
}

/// The name that the operating system knows the login by, and its number where it knows none.
#[cfg(unix)]
fn login_name() -> String {
    let id = nix::unistd::Uid::current();
    match nix::unistd::User::from_uid(id) {
        Ok(Some(user)) => user.name,
        _ => format!("uid {id}"),
    }
}

#[cfg(not(unix))]
fn login_name() -> String {
    std::env::var("USERNAME").unwrap_or_default()
}
