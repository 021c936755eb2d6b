use std::{collections::HashMap, str::FromStr};

use cedar_policy::{
    Authorizer, Context, Entities, EntityUid, PolicyId, PolicySet, Request, RestrictedExpression,
};

use crate::{Case, NOW};

/// Cedar: the policy that is satisfied names the reason.
pub struct Cedar {
    authorizer: Authorizer,
    policies: PolicySet,
    entities: Entities,
    next: HashMap<PolicyId, &'static str>,
}

impl Cedar {
    /// Parses the policies, and names them by their `@id`.
    pub fn new() -> Self {
        let parsed = PolicySet::from_str(include_str!("../policies/decide.cedar")).unwrap();
        let named = parsed.policies().map(|policy| {
            let id = PolicyId::new(policy.annotation("id").unwrap());
            policy.new_id(id)
        });
        let policies = PolicySet::from_policies(named).unwrap();
        let next = policies.policies().map(|policy| {
            let next = match policy.id().to_string().as_str() {
                "sso-supersedes" | "not-yet-mandatory" | "optional" => "allow",
                "factor-active" => "challenge",
                "clock-behind" | "sso-not-enabled" | "sso-required" | "locked" => "refuse",
                _ => "enrol",
            };
            (policy.id().clone(), next)
        });
        Self {
            authorizer: Authorizer::new(),
            next: next.collect(),
            entities: Entities::empty(),
            policies,
        }
    }

    /// A case as a request.
    pub fn request(case: &Case) -> Request {
        let text = |s: &str| RestrictedExpression::new_string(s.into());
        let number = |n: u64| RestrictedExpression::new_long(n.try_into().unwrap());
        let (lock, lock_until) = case.lock();
        let (mandate, from) = case.mandate();
        let context = Context::from_pairs([
            ("method".into(), text(case.method())),
            ("sso".into(), text(case.sso())),
            ("state".into(), text(case.state())),
            ("reset".into(), text(case.reset())),
            ("lock".into(), text(lock)),
            ("lock_until".into(), number(lock_until)),
            ("mandate".into(), text(mandate)),
            ("from".into(), number(from)),
            ("now".into(), number(NOW.as_secs())),
            ("last_event".into(), number(case.last_event())),
        ]);
        let entity = |uid: &str| EntityUid::from_str(uid).unwrap();
        Request::new(
            entity(r#"User::"bob""#),
            entity(r#"Action::"sign-in""#),
            entity(r#"Project::"acme""#),
            context.unwrap(),
            None,
        )
        .unwrap()
    }

    /// Decides: what comes next, and the reason.
    pub fn decide(&self, request: &Request) -> (&'static str, PolicyId) {
        let response = self
            .authorizer
            .is_authorized(request, &self.policies, &self.entities);
        let reason = response.diagnostics().reason().next().unwrap();
        (self.next[reason], reason.clone())
    }
}

impl Default for Cedar {
    fn default() -> Self {
        Self::new()
    }
}
