//! Nobody but an operator gets the permission to change settings.
use twofa_policy::SettingsGrant;

fn main() {
    let forged = SettingsGrant(());
}
