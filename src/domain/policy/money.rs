//! Which actions pay, and which promise money: what no access level of AWS's says.
//!
//! "Write" covers marking a HIT as reviewed as well as paying a worker. A role that says it spends nothing must not be
//! able to call either kind of action listed here, and that is checked, not hoped.
//!
//! Source: Amazon Mechanical Turk API Reference of 2017-01-17. `ApproveAssignment` and `SendBonus` move money when they
//! are called. The others create, prolong or extend what workers are paid for, or set the reward and when work is
//! approved by itself (`AutoApprovalDelayInSeconds`).

use std::collections::BTreeMap;
use std::fmt;

use super::document::Document;
use super::source::Source;
use super::template::{FillError, Money, PolicyTemplate};
use super::{Context, Request, Verdict, evaluate};

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
    /// What it is called on.
    pub resource: String,
    /// What the action does with money.
    pub does: Money,
    /// What the template says that it does at most.
    pub said: Money,
}

impl fmt::Display for Overspending {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let does = if self.does == Money::Pays { "pays at once" } else { "promises money" };
        let said = match self.said {
            Money::None => "none",
            Money::Promises => "promises",
            Money::Pays => "pays",
        };
        let Self { action, resource, .. } = self;
        write!(f, "it says that its `money` is `{said}` and can call {action} on {resource}, which {does}")
    }
}

impl PolicyTemplate {
    /// The calls that it allows although they spend more than it says, when it is filled with its own examples.
    ///
    /// A condition on an Allow counts as one that holds, and one on a Deny as one that does not.
    ///
    /// # Errors
    ///
    /// When it cannot be filled with its own examples.
    pub fn overspending(&self) -> Result<Vec<Overspending>, FillError> {
        let policy = self.fill(&self.example_values())?;
        Ok(overspending(policy.as_str(), self.money()))
    }

    /// A value for each parameter: the one that the template gives as its example.
    #[must_use]
    pub fn example_values(&self) -> BTreeMap<String, String> {
        self.parameters().iter().map(|(name, parameter)| (name.clone(), parameter.example.clone())).collect()
    }
}

fn overspending(policy: &str, said: Money) -> Vec<Overspending> {
    let Ok((source, document)) = Source::parse(policy) else { return Vec::new() };
    let document = document.at_its_widest();
    let context = Context::new();
    let named = source.statements.iter().flat_map(|statement| &statement.resources.all);
    let mut resources: Vec<&str> = std::iter::once("*").chain(named.map(String::as_str)).collect();
    resources.dedup();
    let mut found = Vec::new();
    for (action, does) in SPENDING {
        if does <= said {
            continue;
        }
        let can =
            |resource: &&str| evaluate(&document, &Request { action, resource, context: &context }) == Verdict::Allowed;
        if let Some(resource) = resources.iter().copied().find(can) {
            found.push(Overspending { action, resource: resource.to_owned(), does, said });
        }
    }
    found
}

impl Document {
    /// What it can allow at most: every condition of an Allow holds, and none of a Deny.
    fn at_its_widest(mut self) -> Self {
        self.statements.retain(|statement| statement.allows || statement.conditions.is_empty());
        for statement in &mut self.statements {
            statement.conditions.clear();
        }
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::policy::{PolicyLibrary, catalog};

    fn calls(statements: &str, said: Money) -> Vec<String> {
        let policy = format!(r#"{{"Version":"2012-10-17","Statement":[{statements}]}}"#);
        overspending(&policy, said).iter().map(ToString::to_string).collect()
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
            assert_eq!(template.overspending().unwrap(), [], "{name}");
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
            ["it says that its `money` is `promises` and can call mechanicalturk:SendBonus on *, which pays at once"]
        );
        assert_eq!(
            calls(publish, Money::None),
            ["it says that its `money` is `none` and can call mechanicalturk:CreateHIT on *, which promises money"]
        );
        assert_eq!((calls(pay, Money::Pays).len(), calls(publish, Money::Promises).len()), (0, 0));
    }

    #[test]
    fn only_a_deny_without_conditions_counts() {
        let all = r#"{"Effect":"Allow","Action":"*","Resource":"*"}"#;
        let deny = r#",{"Effect":"Deny","Action":["mechanicalturk:SendBonus","mechanicalturk:ApproveAssignment"],"Resource":"*"}"#;
        let sometimes =
            deny.replace(r#""Resource":"*""#, r#""Resource":"*","Condition":{"Null":{"aws:username":"true"}}"#);

        assert_eq!(calls(&format!("{all}{deny}"), Money::Promises), [""; 0]);
        assert_eq!(calls(&format!("{all}{sometimes}"), Money::Promises).len(), 2);
    }
}
