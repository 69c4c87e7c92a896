//! Which actions pay, and which promise money: what no access level of AWS's says.
//!
//! "Write" covers marking a HIT as reviewed as well as paying a worker. A role that says it spends nothing must not be
//! able to call either kind of action listed here, and that is checked, not hoped.
//!
//! Source: Amazon Mechanical Turk API Reference of 2017-01-17. `ApproveAssignment` and `SendBonus` move money when they
//! are called. The others create, prolong or extend what workers are paid for, or set the reward and when work is
//! approved by itself (`AutoApprovalDelayInSeconds`).

use std::fmt;

use super::document::Document;
use super::inclusion::{Callable, can_call};
use super::template::Money;

/// Every action that is about money, by name.
pub const SPENDING: [(&str, Money); 8] = [
    ("mechanicalturk:ApproveAssignment", Money::Pays),
    ("mechanicalturk:CreateAdditionalAssignmentsForHIT", Money::Promises),
    ("mechanicalturk:CreateHIT", Money::Promises),
    ("mechanicalturk:CreateHITType", Money::Promises),
    ("mechanicalturk:CreateHITWithHITType", Money::Promises),
    ("mechanicalturk:SendBonus", Money::Pays),
    ("mechanicalturk:UpdateExpirationForHIT", Money::Promises),
    ("mechanicalturk:UpdateHITTypeOfHIT", Money::Promises),
];

/// What calling an action does with money, by its name in any case.
#[must_use]
pub fn spending(action: &str) -> Money {
    let found = SPENDING.iter().find(|(name, _)| name.eq_ignore_ascii_case(action));
    found.map_or(Money::None, |(_, money)| *money)
}

/// A call that spends more than its template says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Overspending {
    /// The action.
    pub action: &'static str,
    /// What it can be called on, for instance; nothing when it could not be told that it cannot be called.
    pub resource: Option<String>,
    /// What the action does with money.
    pub does: Money,
    /// What the template says that it does at most.
    pub said: Money,
}

impl fmt::Display for Overspending {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let does = if self.does == Money::Pays { "pays at once" } else { "promises money" };
        let Self { action, said, .. } = self;
        match &self.resource {
            Some(resource) => write!(f, "is `{}`, and it can call {action} on {resource}, which {does}", said.as_str()),
            None => {
                write!(f, "is `{}`, and it cannot be ruled out that it calls {action}, which {does}", said.as_str())
            }
        }
    }
}

/// The calls that a policy allows although they spend more than it may. What cannot be told counts as allowed.
#[must_use]
pub fn overspending(document: &Document, said: Money) -> Vec<Overspending> {
    let above = SPENDING.into_iter().filter(|(_, does)| *does > said);
    let call = |(action, does)| {
        let resource = match can_call(document, action) {
            Callable::Never => return None,
            Callable::Allowed(call) => Some(call.resource),
            Callable::Unknown => None,
        };
        Some(Overspending { action, resource, does, said })
    };
    above.filter_map(call).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::policy::{PolicyLibrary, catalog};

    fn calls(statements: &str, said: Money) -> Vec<String> {
        let policy = format!(r#"{{"Version":"2012-10-17","Statement":[{statements}]}}"#);
        overspending(&Document::parse(&policy).unwrap(), said).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn every_action_that_is_about_money_exists() {
        for (action, money) in SPENDING {
            assert!(catalog::is_known(action), "{action}");
            assert_eq!((spending(action), spending(&action.to_lowercase())), (money, money));
        }
        assert!(SPENDING.is_sorted());
        assert_eq!(spending("mechanicalturk:GetHIT"), Money::None);
    }

    #[test]
    fn no_shipped_role_spends_more_than_it_says() {
        let mut templates = 0;
        for (name, template) in PolicyLibrary::shipped().unwrap().iter() {
            let policy = template.fill(&template.examples()).unwrap();
            assert_eq!(overspending(&Document::parse(policy.as_str()).unwrap(), template.money()), [], "{name}");
            templates += 1;
        }
        assert!(templates >= 3);
    }

    #[test]
    fn a_role_that_spends_more_than_it_says_is_told_with_the_call() {
        let pay = r#"{"Effect":"Allow","Action":"mechanicalturk:send*","Resource":"*",
            "Condition":{"Bool":{"aws:MultiFactorAuthPresent":"true"}}}"#;
        let publish = r#"{"Effect":"Allow","Action":"mechanicalturk:CreateHIT","Resource":"*"}"#;

        assert_eq!(
            calls(pay, Money::Promises),
            ["is `promises`, and it can call mechanicalturk:SendBonus on *, which pays at once"]
        );
        assert_eq!(
            calls(publish, Money::None),
            ["is `none`, and it can call mechanicalturk:CreateHIT on *, which promises money"]
        );
        assert_eq!((calls(pay, Money::Pays).len(), calls(publish, Money::Promises).len()), (0, 0));
    }

    #[test]
    fn a_deny_counts_where_it_always_holds() {
        let all = r#"{"Effect":"Allow","Action":"*","Resource":"*"}"#;
        let deny = r#",{"Effect":"Deny","Action":["mechanicalturk:SendBonus","mechanicalturk:ApproveAssignment"],"Resource":"*"}"#;
        let sometimes =
            deny.replace(r#""Resource":"*""#, r#""Resource":"*","Condition":{"Null":{"aws:username":"true"}}"#);

        assert_eq!(calls(&format!("{all}{deny}"), Money::Promises), [""; 0]);
        assert_eq!(calls(&format!("{all}{sometimes}"), Money::Promises).len(), 2);
    }
}
