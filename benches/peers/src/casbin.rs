use ::casbin::{CoreApi, DefaultModel, Enforcer, StringAdapter, rhai::Dynamic};

use crate::{Case, NOW};

/// Casbin: the first line of a table that matches. Times are compared before, since its tables compare words. It is
/// asked for less than the others: whether the sign-in passes, and not why, since its feature that names the line
/// brings logging with it.
pub struct Casbin {
    enforcer: Enforcer,
}

impl Casbin {
    /// Reads the model and the table.
    pub fn new() -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .build()
            .unwrap();
        let enforcer = runtime.block_on(async {
            let model = DefaultModel::from_str(include_str!("../policies/decide.conf"))
                .await
                .unwrap();
            let table = StringAdapter::new(include_str!("../policies/decide.csv"));
            Enforcer::new(model, table).await.unwrap()
        });
        Self { enforcer }
    }

    /// A case as a request.
    pub fn request(case: &Case) -> Vec<Dynamic> {
        let now = NOW.as_secs();
        let behind = case.last_event() > now + 120;
        let locked = matches!(case.lock(), ("reset", _)) || case.lock().1 > now;
        let mandate = match case.mandate() {
            ("optional", _) => "optional",
            (_, from) if now >= from => "reached",
            _ => "ahead",
        };
        let words = [
            if behind { "behind" } else { "ok" },
            case.method(),
            case.sso(),
            if locked { "locked" } else { "open" },
            case.state(),
            case.reset(),
            mandate,
        ];
        words.map(Dynamic::from).to_vec()
    }

    /// Decides whether the sign-in passes.
    pub fn decide(&self, request: &[Dynamic]) -> bool {
        self.enforcer.enforce(request.to_vec()).unwrap()
    }
}

impl Default for Casbin {
    fn default() -> Self {
        Self::new()
    }
}
