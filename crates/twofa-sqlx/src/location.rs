use std::path::Path;

use crate::Error;

/// Where a store is, by the name that a person gives it.
///
/// ```
/// use std::path::Path;
/// use twofa_sqlx::Location;
///
/// assert_eq!(Location::parse("sqlite://twofa.db?mode=rwc")?, Location::File(Path::new("twofa.db")));
/// assert_eq!(Location::parse("postgres://localhost/acme")?, Location::Server);
/// assert!(Location::parse("mysql://localhost/acme").is_err());
/// # Ok::<(), twofa_sqlx::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Location<'a> {
    /// A SQLite file.
    File(&'a Path),
    /// A PostgreSQL server; the name is its URL.
    Server,
}

impl<'a> Location<'a> {
    /// Reads a file's path, a `sqlite:` URL (`sqlite:` or `sqlite://`, then a path, and perhaps `?mode=rwc`) or a
    /// `postgres:` URL.
    ///
    /// # Errors
    ///
    /// [`Error::UnknownScheme`], [`Error::Parameters`], [`Error::NoFile`].
    pub fn parse(name: &'a str) -> Result<Self, Error> {
        let path = match scheme(name) {
            Some(("postgres" | "postgresql", _)) => return Ok(Self::Server),
            Some(("sqlite", rest)) => {
                let path = rest.strip_prefix("//").unwrap_or(rest);
                // What other programs write for a file that is made where it is missing, as it is here anyway.
                let path = path.strip_suffix("?mode=rwc").unwrap_or(path);
                if path.contains('?') {
                    return Err(Error::Parameters { name: name.into() });
                }
                path
            }
            Some((scheme, rest)) if rest.starts_with("//") => {
                return Err(Error::UnknownScheme {
                    scheme: scheme.into(),
                });
            }
            _ => name,
        };
        if path.is_empty() || path == ":memory:" {
            return Err(Error::NoFile { name: name.into() });
        }
        Ok(Self::File(Path::new(path)))
    }
}

/// What stands before the first colon and after it, where that can be a URL's scheme (RFC 3986 section 3.1).
/// A single letter is a drive.
fn scheme(name: &str) -> Option<(&str, &str)> {
    let (scheme, rest) = name.split_once(':')?;
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.');
    (scheme.len() > 1 && scheme.starts_with(|c: char| c.is_ascii_alphabetic()))
        .then_some(())
        .filter(|()| scheme.chars().all(plain))
        .map(|()| (scheme, rest))
}
