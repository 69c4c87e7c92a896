//! How far a policy allows an action: plainly, or only elsewhere, or only under conditions.
//!
//! Evaluation answers one call. Whoever asks for help often cannot say on what they called, or under which condition keys,
//! and "no" would then be as wrong as "yes".

use super::catalog;
use super::context::Context;
use super::document::{Document, Selection};
use super::evaluate::{Request, Verdict, evaluate};

/// How far a policy allows an action, the furthest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reach {
    /// On this resource, whatever else the call carries.
    Plainly,
    /// On this resource, if the call carries what its conditions ask for.
    OnConditions,
    /// On other resources than this one; or, where none was named, on some.
    OnSomeResources,
    /// Not at all.
    Never,
    /// It denies it.
    Denied,
}

/// How far `document` allows `action` on `resource`; on what is not said, where there is none. `context` holds the keys of
/// the call that are known.
#[must_use]
pub fn reach(document: &Document, action: &str, resource: Option<&str>, context: &Context) -> Reach {
    // What has no resources is called on `*`, whatever an error names.
    let has_resources = catalog::action(action).is_none_or(|action| !action.resources.is_empty());
    let resource = resource.filter(|_| has_resources).unwrap_or("*");
    let verdict = evaluate(document, &Request { action, resource, context });
    if verdict == Verdict::ExplicitDeny {
        return Reach::Denied;
    }
    let is_about = |actions: &Selection<_>| match actions {
        Selection::Only(globs) => globs.iter().any(|glob: &super::glob::Glob| glob.matches_ignoring_case(action)),
        Selection::AllBut(globs) => !globs.iter().any(|glob| glob.matches_ignoring_case(action)),
    };
    let mut reach = if verdict == Verdict::Allowed { Reach::Plainly } else { Reach::Never };
    for statement in document.statements.iter().filter(|statement| is_about(&statement.actions)) {
        let covers =
            |pattern: &super::pattern::Pattern| pattern.resolve(context).is_some_and(|glob| glob.matches(resource));
        let is_here = match &statement.scope {
            Selection::Only(patterns) => patterns.iter().any(covers),
            Selection::AllBut(patterns) => !patterns.iter().any(covers),
        };
        match (statement.allows, is_here) {
            (true, true) => reach = reach.min(Reach::OnConditions),
            (true, false) => reach = reach.min(Reach::OnSomeResources),
            // A deny whose conditions do not hold by what is known of the call.
            (false, true) => reach = reach.max(Reach::OnConditions),
            (false, false) => {}
        }
    }
    reach
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reach_of(statements: &str, action: &str, resource: Option<&str>) -> Reach {
        let document = format!(r#"{{"Version":"2012-10-17","Statement":[{statements}]}}"#);
        let context = Context::new().with("aws:PrincipalTag/lodge-role", "read");
        reach(&Document::parse(&document).unwrap(), action, resource, &context)
    }

    #[test]
    fn an_action_without_resources_is_allowed_or_not() {
        let mturk = r#"{"Effect":"Allow","Action":["mechanicalturk:GetHIT"],"Resource":"*"}"#;

        assert_eq!(reach_of(mturk, "mechanicalturk:GetHIT", None), Reach::Plainly);
        assert_eq!(reach_of(mturk, "mechanicalturk:GetHIT", Some("arn:aws:x:::y")), Reach::Plainly);
        assert_eq!(reach_of(mturk, "mechanicalturk:SendBonus", None), Reach::Never);
    }

    #[test]
    fn a_resource_elsewhere_and_a_condition_are_told_apart() {
        let s3 = r#"{"Effect":"Allow","Action":["s3:GetObject"],"Resource":"arn:aws:s3:::results/*"},
            {"Effect":"Allow","Action":["s3:ListBucket"],"Resource":"arn:aws:s3:::results",
             "Condition":{"StringLike":{"s3:prefix":["a/*"]}}}"#;

        assert_eq!(reach_of(s3, "s3:GetObject", Some("arn:aws:s3:::results/a")), Reach::Plainly);
        assert_eq!(reach_of(s3, "s3:GetObject", Some("arn:aws:s3:::other/a")), Reach::OnSomeResources);
        assert_eq!(reach_of(s3, "s3:GetObject", None), Reach::OnSomeResources);
        assert_eq!(reach_of(s3, "s3:ListBucket", Some("arn:aws:s3:::results")), Reach::OnConditions);
        assert_eq!(reach_of(s3, "s3:ListBucket", Some("arn:aws:s3:::other")), Reach::OnSomeResources);
        assert_eq!(reach_of(s3, "s3:PutObject", None), Reach::Never);
    }

    #[test]
    fn a_deny_is_said_and_one_on_conditions_takes_the_plainness_away() {
        let all = r#"{"Effect":"Allow","Action":"*","Resource":"*"}"#;
        let deny = |condition: &str| {
            format!(r#"{all},{{"Effect":"Deny","Action":"mechanicalturk:SendBonus","Resource":"*"{condition}}}"#)
        };
        let on = r#","Condition":{"Bool":{"aws:SecureTransport":"false"}}"#;

        assert_eq!(reach_of(&deny(""), "mechanicalturk:SendBonus", None), Reach::Denied);
        assert_eq!(reach_of(&deny(on), "mechanicalturk:SendBonus", None), Reach::OnConditions);
        assert_eq!(reach_of(&deny(on), "mechanicalturk:GetHIT", None), Reach::Plainly);
    }
}
