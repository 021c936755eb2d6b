//! A tool that ships a release once the code of an authenticator app says who is at the keyboard.
//! `newcomer-cli set-up ACCOUNT` comes first, then `newcomer-cli ship` as often as there is something to ship.
#![expect(clippy::print_stdout, reason = "a command-line tool")]

use std::error::Error;
use std::fs::{self, File, OpenOptions};
use std::io::{Read as _, Seek as _, Write as _, stdin, stdout};
use std::time::UNIX_EPOCH;

use twofa_otpauth::{KeyUri, Profile, Qr, parse};
use twofa_totp::{Algorithm, Code, LastStep, Params, Scan, Secret, Step, Totp, UnixTime};

/// The last step that was spent, and on a second line the key URI.
const FILE: &str = "newcomer.totp";

type Result<T> = std::result::Result<T, Box<dyn Error>>;

fn main() -> Result<()> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    match words.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["set-up", account] => set_up(account),
        ["ship"] => ship(),
        _ => Err("usage: newcomer-cli set-up ACCOUNT, or newcomer-cli ship".into()),
    }
}

/// Shows the QR code, and keeps the key once a first code has confirmed that the app has it.
fn set_up(account: &str) -> Result<()> {
    if fs::exists(FILE)? {
        return Err("it is set up already".into());
    }
    let mut random = [0; 64];
    getrandom::fill(&mut random)?;
    let secret = Secret::from_random_bytes(Algorithm::Sha1, &random);
    let key = KeyUri::totp("Newcomer", account, secret, Params::default())?;
    let picture = Qr::encode(key.to_uri().expose_secret())?.terminal();
    println!("{}", picture.expose_secret());
    println!("Or type the key: {}", key.manual_key().expose_secret());
    let step = ask(&key, LastStep::NONE)?;
    let mut file = options().create_new(true).open(FILE)?;
    keep(&mut file, step, &key)
}

/// Asks for a code, and ships only when its step is on disk as spent.
fn ship() -> Result<()> {
    let mut file = options().open(FILE).map_err(|_| "set it up first")?;
    file.lock()?; // two at once would both find the step unspent
    let mut text = String::new();
    file.read_to_string(&mut text)?;
    let (step, uri) = text.split_once('\n').ok_or("the file is damaged")?;
    let key = parse(uri, Profile::Strict)?.uri;
    let last = LastStep::from_step(Some(Step::from_value(step.parse()?)));
    keep(&mut file, ask(&key, last)?, &key)?;
    println!("Shipped.");
    Ok(())
}

/// The step of the code that is typed, which nobody may use again.
fn ask(key: &KeyUri, mut last: LastStep) -> Result<Step> {
    print!("Code: ");
    stdout().flush()?;
    let mut typed = String::new();
    stdin().read_line(&mut typed)?;
    let code = Code::parse(typed.trim())?;
    let now = UnixTime::from_secs(UNIX_EPOCH.elapsed()?.as_secs());
    let totp = Totp::new(key.secret(), key.params());
    let Ok(found) = totp.find(&code, now) else {
        return Err(totp
            .explain(&code, now, Scan::login(key.params().period()))
            .into());
    };
    Ok(found.spend(&mut last)?.step())
}

fn keep(file: &mut File, step: Step, key: &KeyUri) -> Result<()> {
    let text = format!("{:020}\n{}", step.value(), key.to_uri().expose_secret());
    file.rewind()?;
    file.write_all(text.as_bytes())?; // always as long as before
    Ok(file.sync_all()?)
}

fn options() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.read(true).write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}
