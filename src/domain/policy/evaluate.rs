//! The decision AWS would take: one document against one request, and all documents of one call together.
//!
//! This is for showing and testing what a policy does, before AWS is asked. It never stands in for AWS: the broker does
//! not withhold or grant a credential because of it.

use super::context::Context;
use super::document::{Document, Principals, Resources, Selection, Statement, TrustDocument};
use super::glob::Glob;
use super::pattern::Pattern;
use super::principal::Caller;

/// One call of one action on one resource.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    /// `mechanicalturk:GetHIT`.
    pub action: &'a str,
    /// The ARN of what is called upon; `*` where the action has no resource.
    pub resource: &'a str,
    /// The condition keys of the call.
    pub context: &'a Context,
}

/// What one document says to a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// A statement allows it and none denies it.
    Allowed,
    /// A statement denies it, whatever others say.
    ExplicitDeny,
    /// No statement is about it.
    ImplicitDeny,
}

/// What a permissions policy says to a request.
#[must_use]
pub fn evaluate(document: &Document, request: &Request<'_>) -> Verdict {
    verdict(&document.statements, request, |resources| are_about(resources, request.resource, request.context))
}

/// Whether `Resource` or `NotResource` is about a resource. One variable without a value, and it is about none: "If AWS
/// cannot resolve a variable this might cause the entire statement to be invalid" (IAM User Guide, "Variables and tags").
pub(super) fn are_about(resources: &Resources, resource: &str, context: &Context) -> bool {
    let fits = |patterns: &[Pattern]| -> Option<bool> {
        let globs: Option<Vec<Glob>> = patterns.iter().map(|pattern| pattern.resolve(context)).collect();
        Some(globs?.iter().any(|glob| glob.matches(resource)))
    };
    match resources {
        Selection::Only(patterns) => fits(patterns) == Some(true),
        Selection::AllBut(patterns) => fits(patterns) == Some(false),
    }
}

/// What a trust policy says to a caller who makes a request.
#[must_use]
pub fn evaluate_trust(document: &TrustDocument, caller: &Caller, request: &Request<'_>) -> Verdict {
    verdict(&document.statements, request, |principals: &Principals| match principals {
        Selection::Only(principals) => principals.iter().any(|principal| principal.covers(caller)),
        Selection::AllBut(principals) => !principals.iter().any(|principal| principal.covers(caller)),
    })
}

fn verdict<Scope>(
    statements: &[Statement<Scope>],
    request: &Request<'_>,
    in_scope: impl Fn(&Scope) -> bool,
) -> Verdict {
    let mut verdict = Verdict::ImplicitDeny;
    for statement in statements {
        if !statement.is_about(request, &in_scope) {
            continue;
        }
        if !statement.allows {
            return Verdict::ExplicitDeny;
        }
        verdict = Verdict::Allowed;
    }
    verdict
}

impl<Scope> Statement<Scope> {
    fn is_about(&self, request: &Request<'_>, in_scope: impl Fn(&Scope) -> bool) -> bool {
        let action = match &self.actions {
            Selection::Only(globs) => globs.iter().any(|glob| glob.matches_ignoring_case(request.action)),
            Selection::AllBut(globs) => !globs.iter().any(|glob| glob.matches_ignoring_case(request.action)),
        };
        action && in_scope(&self.scope) && self.conditions.iter().all(|condition| condition.holds(request.context))
    }
}

/// The kinds of policy that take part in a decision.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PolicyKind {
    /// Attached to the role.
    IdentityBased,
    /// Passed to `AssumeRole`.
    SessionPolicy,
    /// The most that the role may ever have.
    PermissionsBoundary,
    /// Who may assume the role.
    RoleTrustPolicy,
}

/// Everything that has a say in one call. What is absent does not restrict, except identity policies: without one,
/// nothing is allowed.
#[derive(Clone, Copy, Debug)]
pub struct Layers<'a> {
    /// The policies of the role: what any of them allows.
    pub identity: &'a [Document],
    /// The role's permissions boundary.
    pub boundary: Option<&'a Document>,
    /// The policy the session was made with.
    pub session: Option<&'a Document>,
    /// For `AssumeRole` and what belongs to it: the trust policy of the role to assume, and who calls.
    pub trust: Option<(&'a TrustDocument, &'a Caller)>,
}

/// The outcome of one call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Every kind of policy that is there allows it, and none denies it.
    Allowed,
    /// Refused.
    Denied {
        /// The kind of policy that decided.
        by: PolicyKind,
        /// Whether a statement denies it, or merely none allows it.
        explicit: bool,
    },
}

/// Decides one call: an explicit deny anywhere comes first, then every kind of policy must allow.
///
/// When several kinds refuse, the one named is the first of identity-based, boundary, session, trust.
#[must_use]
pub fn decide_access(layers: &Layers<'_>, request: &Request<'_>) -> Access {
    let verdicts = [
        Some((PolicyKind::IdentityBased, union(layers.identity.iter().map(|document| evaluate(document, request))))),
        layers.boundary.map(|document| (PolicyKind::PermissionsBoundary, evaluate(document, request))),
        layers.session.map(|document| (PolicyKind::SessionPolicy, evaluate(document, request))),
        layers.trust.map(|(document, caller)| (PolicyKind::RoleTrustPolicy, evaluate_trust(document, caller, request))),
    ];
    for (sought, explicit) in [(Verdict::ExplicitDeny, true), (Verdict::ImplicitDeny, false)] {
        if let Some((by, _)) = verdicts.iter().flatten().find(|(_, verdict)| *verdict == sought) {
            return Access::Denied { by: *by, explicit };
        }
    }
    Access::Allowed
}

fn union(verdicts: impl Iterator<Item = Verdict>) -> Verdict {
    verdicts.fold(Verdict::ImplicitDeny, |so_far, verdict| match (so_far, verdict) {
        (Verdict::ExplicitDeny, _) | (_, Verdict::ExplicitDeny) => Verdict::ExplicitDeny,
        (Verdict::Allowed, _) | (_, Verdict::Allowed) => Verdict::Allowed,
        _ => Verdict::ImplicitDeny,
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn document(statements: &str) -> Document {
        Document::parse(&format!(r#"{{"Version":"2012-10-17","Statement":[{statements}]}}"#)).unwrap()
    }

    fn allow(actions: &str) -> Document {
        document(&format!(r#"{{"Effect":"Allow","Action":{actions},"Resource":"*"}}"#))
    }

    fn deny(actions: &str) -> Document {
        document(&format!(r#"{{"Effect":"Deny","Action":{actions},"Resource":"*"}}"#))
    }

    fn says(document: &Document, action: &str, resource: &str) -> Verdict {
        let context = Context::new().with("aws:SourceIdentity", "p-1");
        evaluate(document, &Request { action, resource, context: &context })
    }

    #[test]
    fn actions_ignore_case_and_resources_do_not() {
        let document = document(r#"{"Effect":"Allow","Action":"s3:get*","Resource":"arn:aws:s3:::Results/*"}"#);

        for (action, resource, verdict) in [
            ("s3:GetObject", "arn:aws:s3:::Results/a", Verdict::Allowed),
            ("S3:GETOBJECT", "arn:aws:s3:::Results/a", Verdict::Allowed),
            ("s3:GetObject", "arn:aws:s3:::results/a", Verdict::ImplicitDeny),
            ("s3:PutObject", "arn:aws:s3:::Results/a", Verdict::ImplicitDeny),
            ("s3:GetObject", "arn:aws:s3:::Results", Verdict::ImplicitDeny),
        ] {
            assert_eq!(says(&document, action, resource), verdict, "{action} {resource}");
        }
    }

    #[test]
    fn not_action_and_not_resource_are_about_everything_else() {
        let document = document(
            r#"{"Effect":"Allow","NotAction":"iam:*","NotResource":"arn:aws:s3:::secret/*"},
               {"Effect":"Deny","NotAction":["s3:*","iam:*"],"Resource":"*"}"#,
        );

        for (action, resource, verdict) in [
            ("s3:GetObject", "arn:aws:s3:::open/a", Verdict::Allowed),
            ("s3:GetObject", "arn:aws:s3:::secret/a", Verdict::ImplicitDeny),
            ("iam:GetRole", "*", Verdict::ImplicitDeny),
            ("sqs:SendMessage", "*", Verdict::ExplicitDeny),
        ] {
            assert_eq!(says(&document, action, resource), verdict, "{action} {resource}");
        }
    }

    #[test]
    fn a_deny_wins_over_an_allow_in_the_same_document() {
        let document = document(
            r#"{"Effect":"Deny","Action":"m:SendBonus","Resource":"*"},
               {"Effect":"Allow","Action":"m:*","Resource":"*"}"#,
        );

        assert_eq!(says(&document, "m:SendBonus", "*"), Verdict::ExplicitDeny);
        assert_eq!(says(&document, "m:GetHIT", "*"), Verdict::Allowed);
    }

    #[test]
    fn a_variable_in_a_resource_is_the_callers_and_one_without_a_value_matches_nothing() {
        let own = r#""arn:aws:s3:::home/${aws:SourceIdentity}/*""#;
        let none = r#""arn:aws:s3:::home/${aws:PrincipalTag/none}/*""#;
        let allow =
            |resource: &str| document(&format!(r#"{{"Effect":"Allow","Action":"s3:*","Resource":{resource}}}"#));

        assert_eq!(says(&allow(own), "s3:GetObject", "arn:aws:s3:::home/p-1/x"), Verdict::Allowed);
        assert_eq!(says(&allow(own), "s3:GetObject", "arn:aws:s3:::home/p-2/x"), Verdict::ImplicitDeny);
        for resource in ["arn:aws:s3:::home//x", "arn:aws:s3:::home/p-1/x"] {
            assert_eq!(says(&allow(none), "s3:GetObject", resource), Verdict::ImplicitDeny);
        }
        let not = document(&format!(r#"{{"Effect":"Allow","Action":"s3:*","NotResource":{none}}}"#));
        assert_eq!(says(&not, "s3:GetObject", "arn:aws:s3:::x/y"), Verdict::ImplicitDeny);
    }

    #[test]
    fn cutting_off_one_person_spares_the_others_and_later_sessions() {
        let cut = document(
            r#"{"Effect":"Deny","Action":"*","Resource":"*","Condition":{
                "StringEquals":{"aws:SourceIdentity":["p-7","p-9"]},
                "DateLessThan":{"aws:TokenIssueTime":"2026-11-21T12:00:00Z"}}}"#,
        );

        for (person, issued, verdict) in [
            (Some("p-7"), "2026-11-21T11:59:59Z", Verdict::ExplicitDeny),
            (Some("p-7"), "2026-11-21T12:00:00Z", Verdict::ImplicitDeny),
            (Some("p-8"), "2026-11-21T11:59:59Z", Verdict::ImplicitDeny),
            (None, "2026-11-21T11:59:59Z", Verdict::ImplicitDeny),
        ] {
            let context = Context::new().with("aws:TokenIssueTime", issued);
            let context = person.iter().fold(context, |context, id| context.with("aws:SourceIdentity", *id));
            let request = Request { action: "m:GetHIT", resource: "*", context: &context };
            assert_eq!(evaluate(&cut, &request), verdict, "{person:?} {issued}");
        }
    }

    #[test]
    fn the_kind_of_policy_that_refuses_is_named_in_a_fixed_order() {
        use PolicyKind::{IdentityBased, PermissionsBoundary, SessionPolicy};
        let (all, get, no) = (allow(r#""*""#), allow(r#""m:GetHIT""#), deny(r#""m:SendBonus""#));
        let denied = |by, explicit| Access::Denied { by, explicit };

        for (identity, boundary, session, expected) in [
            (vec![all.clone()], None, None, Access::Allowed),
            (vec![get.clone(), all.clone()], Some(&all), Some(&all), Access::Allowed),
            (vec![], Some(&all), Some(&all), denied(IdentityBased, false)),
            (vec![get.clone()], Some(&get), Some(&get), denied(IdentityBased, false)),
            (vec![all.clone()], Some(&get), Some(&get), denied(PermissionsBoundary, false)),
            (vec![all.clone()], Some(&all), Some(&get), denied(SessionPolicy, false)),
            (vec![get.clone()], Some(&get), Some(&no), denied(SessionPolicy, true)),
            (vec![all.clone()], Some(&no), Some(&all), denied(PermissionsBoundary, true)),
            (vec![all.clone(), no.clone()], None, None, denied(IdentityBased, true)),
        ] {
            let context = Context::new();
            let request = Request { action: "m:SendBonus", resource: "*", context: &context };
            let layers = Layers { identity: &identity, boundary, session, trust: None };
            assert_eq!(decide_access(&layers, &request), expected);
        }
    }

    #[test]
    fn a_trust_policy_is_one_more_layer() {
        let caller = Caller {
            account: "999988887777".into(),
            role_arn: "arn:aws:iam::999988887777:role/broker".into(),
            session_arn: "arn:aws:sts::999988887777:assumed-role/broker/one".into(),
        };
        let trust = TrustDocument::parse(
            r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"sts:AssumeRole",
                "Principal":{"AWS":"arn:aws:iam::999988887777:role/broker"},
                "Condition":{"StringEquals":{"sts:ExternalId":"right"}}}}"#,
        )
        .unwrap();
        let identity = [allow(r#""sts:AssumeRole""#)];
        let decide = |caller: &Caller, external_id: &str| {
            let context = Context::new().with("sts:ExternalId", external_id);
            let request = Request { action: "sts:AssumeRole", resource: "arn:aws:iam::1:role/x", context: &context };
            let layers = Layers { identity: &identity, boundary: None, session: None, trust: Some((&trust, caller)) };
            decide_access(&layers, &request)
        };
        let refused = Access::Denied { by: PolicyKind::RoleTrustPolicy, explicit: false };

        assert_eq!(decide(&caller, "right"), Access::Allowed);
        assert_eq!(decide(&caller, "wrong"), refused);
        let other = Caller { role_arn: "arn:aws:iam::999988887777:role/other".into(), ..caller };
        assert_eq!(decide(&other, "right"), refused);
    }

    proptest! {
        #[test]
        fn a_deny_more_never_allows_more(
            allowed in prop::collection::vec("m:(Get|List|Send)[*?]?(HIT|Bonus)?", 1..4),
            more in "(m:Get[*]|m:S?nd\\*|\\*|x:Y)",
            action in "m:(Get|List|Send)(HIT|Bonus|)",
        ) {
            let before = vec![allow(&serde_json::to_string(&allowed).unwrap())];
            let after = vec![before[0].clone(), deny(&serde_json::to_string(&more).unwrap())];
            let context = Context::new();
            let request = Request { action: &action, resource: "*", context: &context };
            let decide = |identity: &[Document]| {
                decide_access(&Layers { identity, boundary: None, session: None, trust: None }, &request)
            };

            if decide(&before) != Access::Allowed {
                prop_assert_ne!(decide(&after), Access::Allowed);
            }
            let everything = [before[0].clone(), deny(r#""*""#)];
            prop_assert_eq!(decide(&everything), Access::Denied { by: PolicyKind::IdentityBased, explicit: true });
        }

        #[test]
        fn a_layer_more_never_allows_more(
            identity in "m:(Get|List)[*]?", session in "m:(Get|List)[*]?", action in "m:(Get|List)(HIT)?",
        ) {
            let (identity, session) = ([allow(&format!("{identity:?}"))], allow(&format!("{session:?}")));
            let context = Context::new();
            let request = Request { action: &action, resource: "*", context: &context };
            let with = |session| {
                decide_access(&Layers { identity: &identity, boundary: None, session, trust: None }, &request)
            };

            if with(Some(&session)) == Access::Allowed {
                prop_assert_eq!(with(None), Access::Allowed);
            }
        }
    }
}
