//! What the command line says.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::Parser;

/// Two-factor authentication in a web application: start it, open the address it prints, sign in.
#[derive(Debug, Parser)]
#[command(name = "twofa-dashboard", version)]
pub struct Options {
    /// Where to listen. Port 0 takes a free one.
    #[arg(long, default_value = "127.0.0.1:8080", env = "TWOFA_LISTEN")]
    pub listen: SocketAddr,
    /// Where factors, accounts and sessions are kept: a file, or a sqlite: or postgres: URL.
    #[arg(long, default_value = "twofa-dashboard.db", env = "TWOFA_STORE")]
    pub store: String,
    /// The file with the keyring; beside the store unless named. The variable `TWOFA_KEY` may hold the keyring's
    /// text instead.
    #[arg(long, env = "TWOFA_KEY_FILE")]
    pub key_file: Option<PathBuf>,
    /// Make the store where there is none, although its keys are there already: at a first start under keys that
    /// were made elsewhere. Later, a store that is missing is one that was lost.
    #[arg(long)]
    pub init: bool,
    /// The address people see in their browser, where it is not the one listened on. With https, cookies are
    /// marked Secure.
    #[arg(long, env = "TWOFA_PUBLIC_URL")]
    pub public_url: Option<String>,
    /// The issuer of the `OpenID` provider that "Sign in with SSO" goes to.
    #[arg(long, env = "TWOFA_OIDC_ISSUER", requires = "oidc_client_id")]
    pub oidc_issuer: Option<String>,
    /// This application's client id there.
    #[arg(long, env = "TWOFA_OIDC_CLIENT_ID")]
    pub oidc_client_id: Option<String>,
    /// A file with the client secret, where the provider gave one.
    #[arg(long, env = "TWOFA_OIDC_CLIENT_SECRET_FILE")]
    pub oidc_client_secret_file: Option<PathBuf>,
}

impl Options {
    /// Reads them; wrong ones end the program with an explanation.
    pub fn from_command_line() -> Self {
        Self::parse()
    }
}
