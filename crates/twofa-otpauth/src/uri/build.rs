//! Writing a key URI, and what a person types where no camera is at hand.

use thiserror::Error;
use twofa_totp::{Params, Period, Secret};

use super::{KeyUri, Kind};
use crate::{SecretText, base32, percent};

/// Kept raw in the label beside the unreserved characters: every reader takes it, and it is in most accounts.
const LABEL_KEEPS: &[u8] = b"@";

/// Why a key URI is not built. The text can be shown to whoever chose the name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum BuildError {
    /// The issuer is empty. Use [`KeyUri::totp_without_issuer`] where there truly is none.
    #[error("the issuer is empty: name the service that the codes are for")]
    IssuerEmpty,
    /// The account is empty.
    #[error("the account is empty: name the user that the codes are for")]
    AccountEmpty,
    /// The issuer holds a colon, which separates issuer and account: apps would cut the name there.
    #[error("the issuer holds a colon, where apps cut the label: leave it out")]
    IssuerColon,
    /// The account holds a colon, which separates issuer and account.
    #[error("the account holds a colon, where apps cut the label: leave it out")]
    AccountColon,
    /// The issuer holds a control character (a tab, a line break ...).
    #[error("the issuer holds a control character: leave it out")]
    IssuerControl,
    /// The account holds a control character.
    #[error("the account holds a control character: leave it out")]
    AccountControl,
    /// The issuer begins or ends with a space: apps differ in whether they drop it.
    #[error("the issuer begins or ends with a space: trim it")]
    IssuerSpace,
    /// The account begins or ends with a space: apps drop one that follows the colon.
    #[error("the account begins or ends with a space: trim it")]
    AccountSpace,
    /// Longer than [`KeyUri::MAX_NAME_LEN`] bytes.
    #[error("the issuer is longer than {} bytes", KeyUri::MAX_NAME_LEN)]
    IssuerTooLong,
    /// Longer than [`KeyUri::MAX_NAME_LEN`] bytes.
    #[error("the account is longer than {} bytes", KeyUri::MAX_NAME_LEN)]
    AccountTooLong,
    /// The parameters count time from another moment than 1970, which no key URI can say.
    #[error("a key URI cannot say where time begins: T0 must be 0")]
    TimeOrigin,
}

impl KeyUri {
    /// The longest issuer or account that is built, in bytes of UTF-8.
    pub const MAX_NAME_LEN: usize = 300;

    /// A key for codes that follow the clock.
    ///
    /// # Errors
    ///
    /// Refuses what an app would show or cut wrongly: see [`BuildError`].
    pub fn totp(
        issuer: &str,
        account: &str,
        secret: Secret,
        params: Params,
    ) -> Result<Self, BuildError> {
        check_issuer(issuer)?;
        Self::checked(Kind::Totp, Some(issuer), account, secret, params)
    }

    /// As [`totp`](Self::totp) without an issuer. Apps then show the account alone, and some mix up two accounts
    /// of one name; [`lint`](Self::lint) says so.
    ///
    /// # Errors
    ///
    /// As [`totp`](Self::totp).
    pub fn totp_without_issuer(
        account: &str,
        secret: Secret,
        params: Params,
    ) -> Result<Self, BuildError> {
        Self::checked(Kind::Totp, None, account, secret, params)
    }

    /// A key for codes that follow a counter, beginning at `counter`. The period of `params` is not written.
    ///
    /// # Errors
    ///
    /// As [`totp`](Self::totp).
    pub fn hotp(
        issuer: &str,
        account: &str,
        secret: Secret,
        counter: u64,
        params: Params,
    ) -> Result<Self, BuildError> {
        check_issuer(issuer)?;
        let params = params.with_period(Period::default());
        Self::checked(
            Kind::Hotp { counter },
            Some(issuer),
            account,
            secret,
            params,
        )
    }

    fn checked(
        kind: Kind,
        issuer: Option<&str>,
        account: &str,
        secret: Secret,
        params: Params,
    ) -> Result<Self, BuildError> {
        check_account(account)?;
        if params.t0() != Params::default().t0() {
            return Err(BuildError::TimeOrigin);
        }
        Ok(Self {
            kind,
            issuer: issuer.map(str::to_owned),
            account: account.to_owned(),
            secret,
            params,
        })
    }

    /// The URI, as the QR code carries it.
    ///
    /// The issuer stands both before the account and as a parameter, since apps read the one or the other; a space
    /// is `%20`, never `+`; what has its default value (SHA1, 6 digits, 30 seconds) is left out.
    pub fn to_uri(&self) -> SecretText {
        let secret = base32::encode(self.secret.expose_secret());
        let issuer = self.issuer.as_deref().unwrap_or("");
        // Long enough for every parameter, so that no half-written copy of the secret is left behind.
        let len = 120
            + percent::encoded_len(issuer, &[]) * 2
            + percent::encoded_len(&self.account, LABEL_KEEPS)
            + secret.expose_secret().len();
        let mut uri = String::with_capacity(len);
        uri.push_str("otpauth://");
        uri.push_str(self.kind.name());
        uri.push('/');
        if !issuer.is_empty() {
            percent::encode_into(&mut uri, issuer, LABEL_KEEPS);
            uri.push(':');
        } else if self.account.contains(':') {
            // Only in a URI that was read: an empty issuer keeps the account whole.
            uri.push(':');
        }
        percent::encode_into(&mut uri, &self.account, LABEL_KEEPS);
        uri.push_str("?secret=");
        uri.push_str(secret.expose_secret());
        if !issuer.is_empty() {
            uri.push_str("&issuer=");
            percent::encode_into(&mut uri, issuer, &[]);
        }
        self.write_params(&mut uri);
        SecretText::new(uri)
    }

    fn write_params(&self, uri: &mut String) {
        let (params, default) = (self.params, Params::default());
        #[cfg(feature = "steam")]
        if self.kind == Kind::Steam {
            return;
        }
        if params.algorithm() != default.algorithm() {
            uri.push_str("&algorithm=");
            uri.push_str(params.algorithm().name());
        }
        if params.digits() != default.digits() {
            uri.push_str("&digits=");
            uri.push_str(&params.digits().get().to_string());
        }
        if let Kind::Hotp { counter } = self.kind {
            uri.push_str("&counter=");
            uri.push_str(&counter.to_string());
        } else if params.period() != default.period() {
            uri.push_str("&period=");
            uri.push_str(&params.period().secs().to_string());
        }
    }

    /// The secret as a person types it: base32 in groups of four, such as `GEZD GNBV GY3T QOJQ`. Apps ignore the spaces.
    pub fn manual_key(&self) -> SecretText {
        let key = base32::encode(self.secret.expose_secret());
        let key = key.expose_secret();
        let mut text = String::with_capacity(key.len() + key.len() / 4);
        for (at, character) in key.chars().enumerate() {
            if at > 0 && at % 4 == 0 {
                text.push(' ');
            }
            text.push(character);
        }
        SecretText::new(text)
    }

    /// What an app asks for beside the manual key, in the words that apps use: "time-based, SHA1, 6 digits, 30 seconds".
    /// Holds no secret.
    pub fn manual_parameters(&self) -> String {
        let params = self.params;
        let (algorithm, digits) = (params.algorithm().name(), params.digits().get());
        match self.kind {
            Kind::Totp => {
                format!(
                    "time-based, {algorithm}, {digits} digits, {} seconds",
                    params.period().secs()
                )
            }
            Kind::Hotp { counter } => {
                format!("counter-based, {algorithm}, {digits} digits, counter {counter}")
            }
            #[cfg(feature = "steam")]
            Kind::Steam => "Steam, 5 characters, 30 seconds".to_owned(),
        }
    }
}

fn check_issuer(issuer: &str) -> Result<(), BuildError> {
    if issuer.is_empty() {
        return Err(BuildError::IssuerEmpty);
    }
    if issuer.len() > KeyUri::MAX_NAME_LEN {
        return Err(BuildError::IssuerTooLong);
    }
    if issuer.contains(':') {
        return Err(BuildError::IssuerColon);
    }
    if issuer.contains(char::is_control) {
        return Err(BuildError::IssuerControl);
    }
    if issuer.trim() != issuer {
        return Err(BuildError::IssuerSpace);
    }
    Ok(())
}

fn check_account(account: &str) -> Result<(), BuildError> {
    if account.is_empty() {
        return Err(BuildError::AccountEmpty);
    }
    if account.len() > KeyUri::MAX_NAME_LEN {
        return Err(BuildError::AccountTooLong);
    }
    if account.contains(':') {
        return Err(BuildError::AccountColon);
    }
    if account.contains(char::is_control) {
        return Err(BuildError::AccountControl);
    }
    if account.trim() != account {
        return Err(BuildError::AccountSpace);
    }
    Ok(())
}
