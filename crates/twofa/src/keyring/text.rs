//! The keyring as text: one line a key. The first line says the format, so that a later one is told apart.

use std::fmt::Write as _;

use zeroize::Zeroizing;

use super::{KeyId, KeyState, Keyring, KeyringError, RingKey};

const HEADER_1: &str = "twofa-keyring 1";
const HEADER_2: &str = "twofa-keyring 2";

/// A line with words on it, and its number.
type Line<'a> = (usize, &'a str);

impl Keyring {
    /// Reads the text that [`Keyring::to_text`] writes, and that of the format before, whose ids stay as they
    /// are: the key of number 1 is `00000001`.
    ///
    /// # Errors
    ///
    /// [`KeyringError::Malformed`] names the line and what should stand there; [`KeyringError::NoActive`] and
    /// [`KeyringError::TwoActive`]; and as for [`Keyring::from_keys`].
    pub fn from_text(text: &str) -> Result<Self, KeyringError> {
        let mut lines = (1..).zip(text.lines().map(str::trim));
        let header = lines.next().map(|(_, line)| line);
        let rest = lines.filter(|(_, line)| !line.is_empty() && !line.starts_with('#'));
        match header {
            Some(HEADER_2) => Self::of(rest.map(key_2).collect::<Result<Vec<_>, _>>()?),
            Some(HEADER_1) => Self::from_text_1(rest, text.lines().count()),
            _ => Err(malformed(1, "a keyring begins with \"twofa-keyring 2\"")),
        }
    }

    fn from_text_1<'a>(
        lines: impl Iterator<Item = Line<'a>>,
        last: usize,
    ) -> Result<Self, KeyringError> {
        let number = |word: &str| word.parse().ok().map(KeyId::from_number);
        let mut active = None;
        let mut keys = Vec::new();
        for (at, line) in lines {
            let words: Vec<_> = line.split_ascii_whitespace().collect();
            match words.as_slice() {
                ["active", _] if active.is_some() => {
                    return Err(malformed(at, "only one line \"active N\""));
                }
                ["active", id] => {
                    active = Some(number(id).ok_or(malformed(at, "active, and a key's number"))?);
                }
                ["key", id, hex] => {
                    let id = number(id).ok_or(malformed(at, "key, and its number"))?;
                    keys.push((id, bytes(at, hex)?));
                }
                _ => return Err(malformed(at, "either \"active N\" or \"key N HEX\"")),
            }
        }
        let active = active.ok_or(malformed(last, "a line \"active N\" is missing"))?;
        Self::from_keys(active, keys)
    }

    /// The keyring as text, in format 2: a line `key ID STATE HEX` each. It holds the keys themselves: for a
    /// file that only its owner can read, or for a secret manager.
    pub fn to_text(&self) -> Zeroizing<String> {
        let mut text = Zeroizing::new(String::with_capacity(32 + 96 * self.keys.len()));
        let mut hex = Zeroizing::new([0; 64]);
        // Writing to a String cannot fail.
        let _ = writeln!(text, "{HEADER_2}");
        for (id, key) in &self.keys {
            let hex = base16ct::lower::encode_str(key.bytes.as_slice(), hex.as_mut_slice());
            let state = key.state.code();
            let _ = writeln!(text, "key {id} {state} {}", hex.unwrap_or_default());
        }
        text
    }

    /// Reads a keyring from an environment variable that holds the text of [`Keyring::to_text`].
    ///
    /// # Errors
    ///
    /// [`KeyringError::NotInEnvironment`]; and as for [`Keyring::from_text`].
    pub fn from_env(name: &str) -> Result<Self, KeyringError> {
        let text = std::env::var(name).map_err(|_| KeyringError::NotInEnvironment {
            name: name.to_owned(),
        })?;
        Self::from_text(&Zeroizing::new(text))
    }
}

fn key_2((at, line): Line<'_>) -> Result<(KeyId, RingKey), KeyringError> {
    let words: Vec<_> = line.split_ascii_whitespace().collect();
    let ["key", id, state, hex] = words.as_slice() else {
        return Err(malformed(at, "key ID STATE HEX"));
    };
    let id = id
        .parse()
        .map_err(|_| malformed(at, "a key's id is 8 hexadecimal digits"))?;
    let state = KeyState::from_code(state).ok_or(malformed(
        at,
        "a key's state is added, active, reading or events",
    ))?;
    let bytes = bytes(at, hex)?;
    Ok((id, RingKey { state, bytes }))
}

fn bytes(at: usize, hex: &str) -> Result<Zeroizing<[u8; 32]>, KeyringError> {
    let mut key = Zeroizing::new([0; 32]);
    base16ct::mixed::decode(hex, key.as_mut_slice())
        .ok()
        .filter(|decoded| decoded.len() == 32)
        .ok_or(malformed(at, "a key is 64 hexadecimal digits"))?;
    Ok(key)
}

fn malformed(line: usize, expected: &'static str) -> KeyringError {
    KeyringError::Malformed { line, expected }
}
