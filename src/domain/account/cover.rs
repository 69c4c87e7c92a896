//! Whether an account allows all that a role does.

use std::collections::BTreeSet;

use serde_json::Value;

use super::compare::{Clause, clauses};
use super::found::{FoundAccount, FoundPolicy};
use super::names::AccountNames;
use crate::domain::policy::{SessionPolicy, fits};

/// The actions of a role that the account does not allow, by name; none when it allows all of them.
///
/// What cannot be told counts as not allowed. The permissions, and the boundary where there is one, have to allow an action
/// on the same resources and conditions or on wider ones, and neither may deny it.
#[must_use]
pub fn uncovered(names: &AccountNames, found: &FoundAccount, role: &SessionPolicy) -> Vec<String> {
    let wanted = read(role.as_str()).unwrap_or_default();
    let session = found.session_role.as_ref();
    let attached = session.is_some_and(|role| role.attached.contains(&names.permissions()));
    let says = |policy: Option<&FoundPolicy>| policy.and_then(|policy| read(&policy.document)).unwrap_or_default();
    let mut allowed = vec![says(found.permissions.as_ref().filter(|_| attached))];
    // A role without a boundary has other troubles; none of them keeps it from what its policies allow.
    if let Some(boundary) = session.and_then(|role| role.boundary.as_ref()) {
        allowed.push(says(found.boundary.as_ref().filter(|_| *boundary == names.boundary())));
    }
    let missing = wanted.iter().filter(|clause| !allowed.iter().all(|document| allows(document, clause)));
    missing.map(|clause| clause.action.clone()).collect::<BTreeSet<_>>().into_iter().collect()
}

fn read(document: &str) -> Option<BTreeSet<Clause>> {
    clauses(&serde_json::from_str::<Value>(document).ok()?)
}

fn allows(document: &BTreeSet<Clause>, wanted: &Clause) -> bool {
    let speaks_of = |clause: &Clause| {
        let action = fits(&clause.action.to_lowercase(), &wanted.action.to_lowercase());
        action && (clause.about == wanted.about || fits(&clause.about, &wanted.about))
    };
    let allowed = document.iter().any(|clause| {
        clause.effect == "Allow"
            && speaks_of(clause)
            && (clause.conditions.is_empty() || clause.conditions == wanted.conditions)
    });
    // A deny takes a part away, whatever it is on; and one of everything but something may be of this.
    let denied = document.iter().any(|clause| {
        clause.effect == "Deny"
            && (clause.is_but() || fits(&clause.action.to_lowercase(), &wanted.action.to_lowercase()))
    });
    allowed && !denied
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde_json::json;

    use super::*;
    use crate::domain::account::{FoundRole, Permissions};
    use crate::domain::policy::PolicyTemplate;

    const PAY: &str = include_str!("../../../policies/mturk/pay.json");

    fn names() -> AccountNames {
        AccountNames::of(&"arn:aws:iam::111122223333:role/lodge/lodge-session".parse().unwrap()).unwrap()
    }

    fn pay() -> SessionPolicy {
        PolicyTemplate::parse(PAY).unwrap().fill(&BTreeMap::new()).unwrap()
    }

    fn account(permissions: &Value, boundary: &Value) -> FoundAccount {
        let policy = |document: &Value| Some(FoundPolicy { document: document.to_string() });
        FoundAccount {
            session_role: Some(FoundRole {
                id: "AROASESSION".to_owned(),
                trust: "{}".to_owned(),
                max_session_seconds: 3_600,
                boundary: Some(names().boundary()),
                attached: vec![names().permissions()],
                inline: BTreeMap::new(),
            }),
            permissions: policy(permissions),
            boundary: policy(boundary),
            steward_role: None,
        }
    }

    fn allow(actions: &Value, resource: &str) -> Value {
        json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": actions, "Resource": resource}]})
    }

    fn own() -> Value {
        serde_json::from_str(pay().as_str()).unwrap()
    }

    #[test]
    fn an_account_covers_a_role_that_it_allows_as_much_as_or_more() {
        for wide in [own(), allow(&json!("*"), "*"), allow(&json!(["MechanicalTurk:*"]), "*")] {
            assert_eq!(uncovered(&names(), &account(&wide, &wide), &pay()), Vec::<String>::new(), "{wide}");
        }
    }

    #[test]
    fn an_action_that_either_does_not_allow_is_not_covered() {
        let mut less = own();
        less["Statement"][0]["Action"].as_array_mut().unwrap().retain(|action| action != "mechanicalturk:SendBonus");

        for (permissions, boundary) in [(&less, &own()), (&own(), &less), (&less, &less)] {
            let missing = uncovered(&names(), &account(permissions, boundary), &pay());
            assert_eq!(missing, ["mechanicalturk:SendBonus"], "{permissions} {boundary}");
        }
    }

    #[test]
    fn a_role_for_one_prefix_is_covered_by_that_prefix_or_more_and_by_no_other() {
        let text = include_str!("../../../policies/s3-data/read-results.json");
        let read = |bucket: &str, prefix: &str| {
            let values = [("bucket".to_owned(), bucket.to_owned()), ("prefix".to_owned(), prefix.to_owned())];
            PolicyTemplate::parse(text).unwrap().fill(&values.into()).unwrap()
        };
        let own = read("results", "2026/");
        let with = |roles: &[SessionPolicy]| {
            let document = Permissions::of(roles).unwrap().document().clone();
            uncovered(&names(), &account(&document, &document), &own)
        };

        for wide in [vec![own.clone()], vec![read("results", "2025/"), own.clone(), pay()]] {
            assert_eq!(with(&wide), Vec::<String>::new());
        }
        for all in [allow(&json!("s3:*"), "*"), allow(&json!("s3:*"), "arn:aws:s3:::results*")] {
            assert_eq!(uncovered(&names(), &account(&all, &all), &own), Vec::<String>::new(), "{all}");
        }
        assert_eq!(with(&[read("results", "2025/")]), ["s3:GetObject", "s3:ListBucket"]);
        assert_eq!(with(&[read("other", "2026/")]), ["s3:GetBucketLocation", "s3:GetObject", "s3:ListBucket"]);
    }

    #[test]
    fn what_cannot_be_told_is_not_covered() {
        let every = || uncovered(&names(), &FoundAccount::default(), &pay());
        let with = |change: &dyn Fn(&mut FoundAccount)| {
            let mut account = account(&own(), &own());
            change(&mut account);
            uncovered(&names(), &account, &pay())
        };
        let statement = |effect: &str, action: Value| {
            let mut document = own();
            let more = json!({"Effect": effect, "Action": action, "Resource": "*"});
            document["Statement"].as_array_mut().unwrap().push(more);
            Some(FoundPolicy { document: document.to_string() })
        };
        assert_eq!(every().len(), 14);

        for (what, missing, expected) in [
            ("detached", with(&|it| it.session_role.as_mut().unwrap().attached.clear()), 14),
            ("no boundary", with(&|it| it.session_role.as_mut().unwrap().boundary = None), 0),
            ("another one", with(&|it| it.session_role.as_mut().unwrap().boundary = Some("arn:x".to_owned())), 14),
            ("not JSON", with(&|it| it.permissions = Some(FoundPolicy { document: "x".to_owned() })), 14),
            ("denied", with(&|it| it.boundary = statement("Deny", json!("mechanicalturk:Send*"))), 1),
            ("all denied", with(&|it| it.boundary = statement("Deny", json!("*"))), 14),
            ("something else denied", with(&|it| it.boundary = statement("Deny", json!("s3:*"))), 0),
            (
                "all but",
                with(&|it| {
                    let but = json!({"Statement": {"Effect": "Allow", "NotAction": "s3:*", "Resource": "*"}});
                    it.permissions = Some(FoundPolicy { document: but.to_string() });
                }),
                14,
            ),
            (
                "on a condition",
                with(&|it| {
                    let mut document = own();
                    document["Statement"][0]["Condition"] = json!({"Bool": {"aws:SecureTransport": "true"}});
                    it.permissions = Some(FoundPolicy { document: document.to_string() });
                }),
                14,
            ),
        ] {
            assert_eq!(missing.len(), expected, "{what}: {missing:?}");
        }
    }
}
