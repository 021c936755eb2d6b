//! A command may hold a grant, so it is not copied.
use twofa_lifecycle::Command;

fn again(command: &Command<'static>) -> Command<'static> {
    command.clone()
}

fn main() {}
