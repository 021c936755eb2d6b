use twofa::LoginPass;
use twofa::policy::Reason;

fn main() {
    let _ = LoginPass {
        reason: Reason::Optional,
        accepted: None,
    };
    let _ = LoginPass::default();
    let _ = LoginPass::new();
}
