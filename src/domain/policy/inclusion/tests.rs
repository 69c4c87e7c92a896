//! What `included`, `gains` and `can_call` say to policies that somebody could have written.

use std::time::{Duration, Instant};

use super::*;
use crate::domain::policy::PolicyLibrary;
use crate::domain::policy::actions::MTURK_ACTIONS;

fn document(statements: &str) -> Document {
    Document::parse(&format!(r#"{{"Version":"2012-10-17","Statement":[{statements}]}}"#)).unwrap()
}

fn allow(action: &str, resource: &str) -> String {
    format!(r#"{{"Effect":"Allow","Action":{action},"Resource":{resource}}}"#)
}

fn deny(action: &str, resource: &str) -> String {
    allow(action, resource).replace("Allow", "Deny")
}

fn when(statement: &str, conditions: &str) -> String {
    format!(r#"{},"Condition":{conditions}}}"#, statement.strip_suffix('}').unwrap())
}

fn shipped(role: &str) -> Document {
    let library = PolicyLibrary::shipped().unwrap();
    let template = library.get(&format!("mturk/{role}").parse().unwrap()).unwrap().clone();
    let actions: Vec<String> = template.actions().iter().map(|action| format!("{action:?}")).collect();
    document(&allow(&format!("[{}]", actions.join(",")), r#""*""#))
}

/// The call of a `No`, which both policies confirm; `None` for a `Yes`.
fn counterexample(narrow: &str, wide: &str) -> Option<Counterexample> {
    let (narrow, wide) = (document(narrow), document(wide));
    match included(&narrow, &wide) {
        Inclusion::Yes => None,
        Inclusion::No(call) => {
            assert_eq!(call.evaluate(&narrow), Verdict::Allowed, "{call:?}");
            assert_ne!(call.evaluate(&wide), Verdict::Allowed, "{call:?}");
            Some(*call)
        }
        Inclusion::Unknown => panic!("unknown: {narrow:?} in {wide:?}"),
    }
}

const ANY: &str = r#""*""#;

#[test]
fn the_roles_of_the_pack_are_included_in_one_another_as_they_say() {
    let (read, publish, pay) = (shipped("read-results"), shipped("publish"), shipped("pay"));
    let everything = document(&allow(r#""mechanicalturk:*""#, ANY));

    for (narrow, wide) in [(&read, &publish), (&read, &pay), (&publish, &everything), (&pay, &everything)] {
        assert_eq!(included(narrow, wide), Inclusion::Yes);
    }
    let Inclusion::No(call) = included(&pay, &publish) else { panic!("pay is not publish") };
    assert_eq!((call.action.as_str(), call.resource.as_str()), ("mechanicalturk:ApproveAssignment", "*"));
    assert!(!included(&everything, &Document::union([&read, &publish, &pay])).holds());
}

#[test]
fn what_one_allows_more_is_shown_as_a_call_that_exists() {
    for (narrow, wide, call) in [
        (
            allow(r#""s3:*""#, ANY),
            allow(r#""s3:Get*""#, ANY),
            Some(("s3:AbortMultipartUpload", "arn:aws:s3:::bucket/key")),
        ),
        (
            allow(r#""s3:GetObject""#, r#""arn:aws:s3:::data/*""#),
            allow(r#""s3:GetObject""#, r#""arn:aws:s3:::data/open/*""#),
            Some(("s3:GetObject", "arn:aws:s3:::data/example")),
        ),
        (allow(r#""mechanicalturk:SearchHITs""#, ANY), deny(ANY, ANY), Some(("mechanicalturk:SearchHITs", "*"))),
        (allow(r#""s3:GetObject""#, ANY), allow(r#""S3:GETOBJECT""#, ANY), None),
        (allow(r#""s3:GetObject""#, ANY), allow(r#"["s3:Get*","s3:Put*"]"#, ANY), None),
        (allow(r#""s3:GetObject""#, ANY), allow(r#""s3:Get?bject""#, ANY), None),
        (
            allow(r#""*""#, ANY),
            format!("{},{}", allow(ANY, ANY), deny(r#""x:NoSuchThing""#, ANY)),
            Some(("x:NoSuchThing", "*")),
        ),
        (
            format!("{},{}", allow(ANY, ANY), deny(r#""m:SendBonus""#, ANY)),
            r#"{"Effect":"Allow","NotAction":"m:sendbonus","Resource":"*"}"#.to_owned(),
            None,
        ),
        (
            format!("{},{}", allow(r#""s3:*""#, ANY), deny(r#""s3:*""#, r#""arn:aws:s3:::a*""#)),
            r#"{"Effect":"Allow","Action":"s3:*","NotResource":["arn:aws:s3:::ab*","arn:aws:s3:::a"]}"#.to_owned(),
            None,
        ),
        // Together they are everything that is two or more characters long, though neither is.
        (
            allow(r#""m:??*""#, ANY),
            format!(
                "{},{}",
                allow(r#"["m:a*","m:?a*"]"#, ANY),
                r#"{"Effect":"Allow","NotAction":["m:a*","m:?a*"],"Resource":"*"}"#
            ),
            None,
        ),
    ] {
        let found = counterexample(&narrow, &wide);
        assert_eq!(
            found.as_ref().map(|call| (call.action.as_str(), call.resource.as_str())),
            call,
            "{narrow} in {wide}"
        );
    }
}

#[test]
fn conditions_are_told_apart_by_a_context() {
    let reads = allow(r#""s3:GetObject""#, ANY);
    for (narrow, wide, is_included) in [
        (r#"{"StringEquals":{"x:k":"a"}}"#, r#"{"StringEquals":{"X:K":["a","b"]}}"#, true),
        (r#"{"StringEquals":{"x:k":["a","b"]}}"#, r#"{"StringEquals":{"x:k":"a"}}"#, false),
        (r#"{"StringEquals":{"x:k":"p-7"}}"#, r#"{"StringLike":{"x:k":"p-*"}}"#, true),
        (r#"{"StringLike":{"x:k":"p-*"}}"#, r#"{"StringNotLike":{"x:k":"m-*"}}"#, true),
        (r#"{"StringNotLike":{"x:k":"m-*"}}"#, r#"{"StringLike":{"x:k":"p-*"}}"#, false),
        (r#"{"StringEquals":{"x:k":"a"}}"#, r#"{"StringEqualsIgnoreCase":{"x:k":"A"}}"#, true),
        (r#"{"NumericLessThan":{"x:k":"5"}}"#, r#"{"NumericLessThanEquals":{"x:k":"5"}}"#, true),
        (r#"{"NumericLessThanEquals":{"x:k":"5"}}"#, r#"{"NumericLessThan":{"x:k":"5"}}"#, false),
        (r#"{"DateLessThan":{"x:k":"2026-11-21"}}"#, r#"{"DateLessThan":{"x:k":"2026-11-22T00:00:00Z"}}"#, true),
        (r#"{"DateLessThan":{"x:k":"2026-11-22"}}"#, r#"{"DateLessThan":{"x:k":"2026-11-21T00:00:00Z"}}"#, false),
        (r#"{"Bool":{"x:k":"true"}}"#, r#"{"Bool":{"x:k":"false"}}"#, false),
        (r#"{"Bool":{"x:k":"true"}}"#, r#"{"BoolIfExists":{"x:k":"true"}}"#, true),
        (r#"{"BoolIfExists":{"x:k":"true"}}"#, r#"{"Bool":{"x:k":"true"}}"#, false),
        (r#"{"ForAnyValue:StringEquals":{"x:k":"a"}}"#, r#"{"Null":{"x:k":"false"}}"#, true),
        (r#"{"ForAllValues:StringEquals":{"x:k":"a"}}"#, r#"{"ForAnyValue:StringEquals":{"x:k":"a"}}"#, false),
        (r#"{"ForAnyValue:StringEquals":{"x:k":"a"}}"#, r#"{"ForAllValues:StringEquals":{"x:k":"a"}}"#, false),
        (r#"{"ArnLike":{"x:k":"arn:aws:iam::1:role/*"}}"#, r#"{"StringLike":{"x:k":"arn:aws:iam::*"}}"#, true),
        (r#"{"StringLike":{"x:k":"arn:aws:iam::*"}}"#, r#"{"ArnLike":{"x:k":"arn:aws:iam::*:role/*"}}"#, false),
        (r#"{"StringEquals":{"x:k":"a","x:l":"b"}}"#, r#"{"StringEquals":{"x:l":"b"}}"#, true),
        (r#"{"StringEquals":{"x:k":"${aws:userid}"}}"#, r#"{"StringEquals":{"x:k":"${aws:userid}"}}"#, true),
        (r#"{"StringLike":{"x:k":"*"}}"#, r#"{"StringEquals":{"x:k":"${aws:userid}"}}"#, false),
        (r#"{"StringEquals":{"x:k":"${aws:userid}"}}"#, r#"{"StringEquals":{"x:k":"p-7"}}"#, false),
    ] {
        let found = counterexample(&when(&reads, narrow), &when(&reads, wide));
        assert_eq!(found.is_none(), is_included, "{narrow} in {wide}: {found:?}");
    }
}

#[test]
fn denies_with_conditions_take_away_only_what_they_say() {
    let reads = allow(r#""m:*""#, ANY);
    let cut = |date: &str| {
        let conditions = format!(
            r#"{{"StringEquals":{{"aws:SourceIdentity":["p-7","p-9"]}},"DateLessThan":{{"aws:TokenIssueTime":"{date}"}}}}"#
        );
        format!("{reads},{}", when(&deny(ANY, ANY), &conditions))
    };

    assert_eq!(counterexample(&cut("2026-11-21"), &reads), None);
    assert_eq!(counterexample(&cut("2026-11-22"), &cut("2026-11-21")), None);
    let call = counterexample(&reads, &cut("2026-11-21")).unwrap();
    assert!(matches!(call.context.single("aws:SourceIdentity"), Some("p-7" | "p-9")), "{call:?}");
    assert!(counterexample(&cut("2026-11-21"), &cut("2026-11-22")).is_some());
}

#[test]
fn variables_in_resources_stand_for_any_value_and_for_none() {
    let own = allow(r#""s3:GetObject""#, r#""arn:aws:s3:::home/${aws:SourceIdentity}/*""#);
    let homes = allow(r#""s3:GetObject""#, r#""arn:aws:s3:::home/*""#);
    let one = allow(r#""s3:GetObject""#, r#""arn:aws:s3:::home/p-7/*""#);
    let both = allow(r#""s3:GetObject""#, r#"["arn:aws:s3:::open/*","arn:aws:s3:::home/${aws:SourceIdentity}/*"]"#);

    assert_eq!(counterexample(&own, &homes), None);
    assert_eq!(counterexample(&own, &format!("{own},{one}")), None);
    assert_eq!(counterexample(&own, &both), None);
    for (narrow, wide) in [(&homes, &own), (&one, &own), (&own, &one), (&both, &own)] {
        assert!(counterexample(narrow, wide).is_some(), "{narrow} in {wide}");
    }
    let kept_out = format!("{homes},{}", deny(ANY, r#""arn:aws:s3:::home/${aws:SourceIdentity}/*""#));
    let call = counterexample(&one, &kept_out).unwrap();
    assert_eq!(call.context.single("aws:SourceIdentity"), Some("p-7"));
    // One variable without a value, and the whole list is about nothing.
    let open = allow(r#""s3:GetObject""#, r#""arn:aws:s3:::open/*""#);
    let call = counterexample(&open, &both).unwrap();
    assert_eq!(call.context.values("aws:SourceIdentity"), None);
}

#[test]
fn what_cannot_be_told_is_unknown() {
    // Included, because what fits the variable fits the condition; but that is beyond it.
    let narrow = when(&allow(r#""s3:GetObject""#, ANY), r#"{"StringEquals":{"x:k":"a-${aws:userid}"}}"#);
    let wide = when(&allow(r#""s3:GetObject""#, ANY), r#"{"StringLike":{"x:k":"a-*"}}"#);

    let answer = included(&document(&narrow), &document(&wide));

    assert_eq!(answer, Inclusion::Unknown);
    assert!(!answer.holds());
}

#[test]
fn a_change_is_told_action_by_action_in_both_directions() {
    let (read, publish, pay) = (shipped("read-results"), shipped("publish"), shipped("pay"));
    let names = |gains: Vec<Gain>| gains.into_iter().map(|gain| gain.action).collect::<Vec<_>>();

    assert_eq!((names(gains(&read, &read)), names(gains(&publish, &read))), (vec![], vec![]));
    assert_eq!(
        names(gains(&publish, &pay)),
        ["ApproveAssignment", "ListBonusPayments", "RejectAssignment", "SendBonus"]
            .map(|name| format!("mechanicalturk:{name}"))
    );
    assert_eq!(gains(&pay, &publish).len(), 16);
    let all = gains(&Document::union([]), &document(&allow(r#""mechanicalturk:*""#, ANY)));
    let expected = MTURK_ACTIONS.map(|name| format!("mechanicalturk:{name}"));
    assert_eq!(names(all), expected);
}

#[test]
fn a_gain_shows_a_call_that_is_allowed_now() {
    let before = document(&allow(r#"["s3:GetObject","mechanicalturk:SearchHITs"]"#, r#""arn:aws:s3:::data/open/*""#));
    let after = document(&allow(r#"["s3:GetObject","mechanicalturk:SearchHITs","iam:GetRole"]"#, ANY));

    let gains = gains(&before, &after);

    let found: Vec<_> = gains
        .iter()
        .map(|gain| {
            let call = gain.example.as_ref().unwrap();
            assert_eq!((call.evaluate(&before), call.evaluate(&after)), (Verdict::ImplicitDeny, Verdict::Allowed));
            (gain.action.as_str(), call.resource.as_str())
        })
        .collect();
    assert_eq!(
        found,
        [
            ("iam:GetRole", "arn:aws:iam::111122223333:role/name"),
            ("mechanicalturk:SearchHITs", "*"),
            ("s3:GetObject", "arn:aws:s3:::bucket/key"),
        ]
    );
}

#[test]
fn whether_an_action_can_be_called_at_all_is_told() {
    let policy = document(&format!(
        "{},{},{}",
        allow(r#""mechanicalturk:*""#, ANY),
        deny(r#""mechanicalturk:SendBonus""#, ANY),
        when(&deny(r#""mechanicalturk:GetHIT""#, ANY), r#"{"Bool":{"aws:MultiFactorAuthPresent":"false"}}"#),
    ));

    assert_eq!(can_call(&policy, "mechanicalturk:SendBonus"), Callable::Never);
    assert_eq!(can_call(&policy, "s3:GetObject"), Callable::Never);
    assert!(!can_call(&policy, "MECHANICALTURK:sendbonus").is_possible());
    let Callable::Allowed(call) = can_call(&policy, "mechanicalturk:gethit") else { panic!("it can") };
    assert_eq!((call.action.as_str(), call.evaluate(&policy)), ("mechanicalturk:GetHIT", Verdict::Allowed));
}

#[test]
fn no_role_below_pay_can_call_what_pays_at_once() {
    for action in ["mechanicalturk:ApproveAssignment", "mechanicalturk:SendBonus"] {
        for role in ["read-results", "publish"] {
            assert_eq!(can_call(&shipped(role), action), Callable::Never, "{role} {action}");
        }
        assert!(can_call(&shipped("pay"), action).is_possible(), "{action}");
    }
}

#[test]
fn a_hostile_policy_costs_no_more_than_a_moment() {
    let stars = |letter: &str, count: usize| format!(r#""m:{}""#, format!("*{letter}").repeat(count));
    let marks = |letter: &str| format!(r#""m:*{letter}{}""#, "?".repeat(3_000));
    let many = |from: u32| {
        let patterns = (from..from + 60).map(|n| format!(r#""m:*{}*{}*""#, letters(n * 7), letters(n * 13)));
        format!("[{}]", patterns.collect::<Vec<_>>().join(","))
    };
    let conditions = (0..200).map(|n| format!(r#""x:k{n}":["a*b*{n}","*c{n}*"]"#)).collect::<Vec<_>>().join(",");
    let keys = (0..100).map(|n| when(&deny(r#""m:*""#, ANY), &format!(r#"{{"StringLike":{{"x:k{n}":"{n}"}}}}"#)));
    let resource = |text: &str| allow(r#""m:A""#, &format!(r#""arn:aws:s3:::{text}""#));
    for (narrow, wide) in [
        (allow(&stars("a", 3_000), ANY), allow(&stars("b", 3_000), ANY)),
        (allow(&marks("a"), ANY), allow(&marks("b"), ANY)),
        (allow(&many(1), ANY), allow(&many(500), ANY)),
        (resource(&"*a?".repeat(2_000)), resource(&"*b".repeat(3_000))),
        (allow(ANY, ANY), when(&allow(ANY, ANY), &format!(r#"{{"StringLike":{{{conditions}}}}}"#))),
        (format!("{},{}", allow(ANY, ANY), keys.clone().collect::<Vec<_>>().join(",")), allow(r#""m:*""#, ANY)),
        (allow(ANY, ANY), format!("{},{}", allow(ANY, ANY), keys.collect::<Vec<_>>().join(","))),
        (allow(r#""m:A""#, r#""arn:aws:s3:::${aws:a}*${aws:b}*${aws:c}*${aws:d}""#), resource(&"*a".repeat(3_000))),
    ] {
        let (narrow, wide) = (document(&narrow), document(&wide));
        let begun = Instant::now();

        let answers = (included(&narrow, &wide), gains(&wide, &narrow).len(), can_call(&narrow, "m:a"));

        // Without optimisation, and on a machine that is busy; with it, some tens of milliseconds.
        assert!(begun.elapsed() < Duration::from_secs(20), "{:?}: {:?}", begun.elapsed(), answers.1);
    }
}

/// A number in letters.
fn letters(mut number: u32) -> String {
    let mut text = String::new();
    while number > 0 {
        text.push(char::from_u32(u32::from('a') + number % 26).unwrap());
        number /= 26;
    }
    text
}
