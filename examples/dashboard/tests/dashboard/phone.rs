//! A phone: it scans a picture and shows codes. Neither is done by anything of ours.

use std::process::{Command, Stdio};

use crate::server::needs;

/// An authenticator app with one entry.
#[derive(Clone)]
pub(crate) struct Phone {
    secret: String,
    /// What the QR code said, where one was scanned.
    pub(crate) uri: String,
}

impl Phone {
    /// Scans a picture off the screen.
    pub(crate) fn scan(png: &[u8]) -> Self {
        let file = tempfile::Builder::new().suffix(".png").tempfile().unwrap();
        std::fs::write(file.path(), png).unwrap();
        let read = Command::new(needs("zbarimg", "zbar-tools"))
            .args(["--raw", "-q"])
            .arg(file.path())
            .stderr(Stdio::null())
            .output()
            .unwrap();
        let uri = String::from_utf8(read.stdout).unwrap().trim().to_owned();
        assert!(uri.starts_with("otpauth://totp/"), "scanned {uri:?}");
        let secret = uri
            .split(['?', '&'])
            .find_map(|p| p.strip_prefix("secret="));
        Self {
            secret: secret.unwrap().to_owned(),
            uri,
        }
    }

    /// Types the key that a page shows.
    pub(crate) fn typed(key: &str) -> Self {
        let secret: String = key.chars().filter(|c| !c.is_whitespace()).collect();
        assert!(!secret.is_empty(), "no key to type");
        Self {
            secret,
            uri: String::new(),
        }
    }

    /// The code that it shows when its own clock is at `time`.
    pub(crate) fn code(&self, time: i64) -> String {
        let code = Command::new(needs("oathtool", "oathtool"))
            .args(["--totp", "-b", &self.secret, "--now", &format!("@{time}")])
            .output()
            .unwrap();
        assert!(code.status.success(), "{code:?}");
        String::from_utf8(code.stdout).unwrap().trim().to_owned()
    }

    /// Six digits that it shows at no time near `time`.
    pub(crate) fn wrong_code(&self, time: i64) -> String {
        let near: Vec<_> = (-25..=25).map(|s| self.code(time + 30 * s)).collect();
        (0..1_000_000)
            .map(|number| format!("{number:06}"))
            .find(|code| !near.contains(code))
            .unwrap()
    }
}
