//! What is said of policies, and of those that people really have.

use super::*;
use crate::domain::policy::{PolicyLibrary, explain, rewrite};

const FIVE_ACTIONS: &str = include_str!("../../../../tests/policies/mturk-five-actions.json");
const ALL_BUT_BONUS: &str = include_str!("../../../../tests/policies/mturk-all-but-bonus.json");

fn policy(statements: &str) -> String {
    format!(r#"{{"Version":"2012-10-17","Statement":[{statements}]}}"#)
}

fn said(text: &str) -> String {
    lint(text).iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}

/// What is said of an Allow of these actions on everything.
fn allow(actions: &str) -> String {
    said(&policy(&format!(r#"{{"Effect":"Allow","Action":{actions},"Resource":"*"}}"#)))
}

/// What is said of a Deny of these actions on everything.
fn deny(actions: &str) -> String {
    said(&policy(&format!(r#"{{"Effect":"Deny","Action":{actions},"Resource":"*"}}"#)))
}

/// What is said of an Allow with these members beside `Effect`.
fn with(members: &str) -> String {
    said(&policy(&format!(r#"{{"Effect":"Allow",{members}}}"#)))
}

#[test]
fn the_reader_of_2017_reads_next_to_nothing_today() {
    insta::assert_snapshot!(said(FIVE_ACTIONS), @"
    error[legacy-action] statement 1, Action[0]: `mechanicalturk:SearchHITs` is a name of the API that AWS switched off on 2019-06-01; this Allow grants nothing with it; write instead: mechanicalturk:ListHITs
    error[legacy-action] statement 1, Action[1]: `mechanicalturk:GetReviewableHITs` is a name of the API that AWS switched off on 2019-06-01; this Allow grants nothing with it; write instead: mechanicalturk:ListReviewableHITs
    error[legacy-action] statement 1, Action[3]: `mechanicalturk:GetAssignmentsForHIT` is a name of the API that AWS switched off on 2019-06-01; this Allow grants nothing with it; write instead: mechanicalturk:ListAssignmentsForHIT
    ");
    let explanation = explain(FIVE_ACTIONS).unwrap();
    let allowed: Vec<_> =
        explanation.allows.iter().flat_map(|part| &part.actions).map(|action| action.name.as_str()).collect();
    assert_eq!(allowed, ["mechanicalturk:GetAssignment", "mechanicalturk:GetHIT"]);
    assert_eq!(explanation.nothing.len(), 3);

    let rewritten = rewrite(FIVE_ACTIONS).unwrap().text;

    let rewritten: serde_json::Value = serde_json::from_str(&rewritten).unwrap();
    let actions = ["ListHITs", "ListReviewableHITs", "GetHIT", "ListAssignmentsForHIT", "GetAssignment"];
    assert_eq!(
        rewritten["Statement"][0]["Action"],
        serde_json::json!(actions.map(|name| format!("mechanicalturk:{name}")))
    );
    assert_eq!(said(&rewritten.to_string()), "");
}

#[test]
fn all_but_the_bonus_of_2017_pays_bonuses_today() {
    insta::assert_snapshot!(said(ALL_BUT_BONUS), @"
    warning[leaking-wildcard] statement 1, Action[0]: `mechanicalturk:*` takes in mechanicalturk:ApproveAssignment (approves a worker's work, which pays the reward and the fee at once), mechanicalturk:SendBonus (pays a worker a bonus of whatever amount its sender types, at once), mechanicalturk:CreateAdditionalAssignmentsForHIT (lets more workers do a HIT, which promises more rewards and fees), mechanicalturk:CreateHIT (publishes a HIT, which promises its rewards and fees and can have work paid by itself), and 23 more
    error[legacy-action] statement 2, Action[0]: `mechanicalturk:GrantBonus` is a name of the API that AWS switched off on 2019-06-01; this Deny protects nothing with it; write instead: mechanicalturk:SendBonus
    error[never-matches] statement 2: no call matches this statement: it protects nothing
    ");
    let allows = |text: &str| {
        let explanation = explain(text).unwrap();
        let mut actions = explanation.allows.iter().flat_map(|part| &part.actions);
        (actions.clone().count(), actions.any(|action| action.name == "mechanicalturk:SendBonus" && action.pays))
    };
    assert_eq!(allows(ALL_BUT_BONUS), (39, true));

    let rewritten = rewrite(ALL_BUT_BONUS).unwrap();

    assert_eq!(rewritten.changes.len(), 1);
    assert!(rewritten.text.contains("mechanicalturk:SendBonus"), "{}", rewritten.text);
    assert_eq!(allows(&rewritten.text), (38, false));
    assert!(!said(&rewritten.text).contains("error["));
}

#[test]
fn names_that_stand_for_nothing_are_errors() {
    insta::assert_snapshot!(
        allow(r#"["mechanicalturk:GetHITs","mechanicalturk:Search*","s3:Frob*","mturk:GetHIT","dynamodb:GetItem",
            "mechanicalturk:gethit","s3:GetObject","s3:GetObject","mechanicalturk:ApproveRejectedAssignment"]"#),
        @"
    error[unknown-action] statement 1, Action[0]: no action is called `mechanicalturk:GetHITs`; IAM takes the name without a word, and this Allow grants nothing with it; write instead: mechanicalturk:GetHIT
    error[legacy-action] statement 1, Action[1]: `mechanicalturk:Search*` fits only names of the API that AWS switched off on 2019-06-01; this Allow grants nothing with it; write instead: mechanicalturk:ListHITs, mechanicalturk:ListQualificationTypes
    error[unknown-action] statement 1, Action[2]: `s3:Frob*` fits no action of its service, so this Allow grants nothing with it
    error[unknown-action] statement 1, Action[3]: IAM knows no service `mturk`, so this Allow grants nothing with it; write instead: mechanicalturk:GetHIT
    note[unknown-service] statement 1, Action[4]: the actions of `dynamodb` are not known here, so nobody can say what `dynamodb:GetItem` does
    note[action-case] statement 1, Action[5]: `mechanicalturk:gethit` is `mechanicalturk:GetHIT` in other letters, which IAM does not mind; write instead: mechanicalturk:GetHIT
    error[legacy-action] statement 1, Action[8]: `mechanicalturk:ApproveRejectedAssignment` is a name of the API that AWS switched off on 2019-06-01; this Allow grants nothing with it (it takes OverrideRejection); what replaces it pays at once; write instead: mechanicalturk:ApproveAssignment
    note[duplicate] statement 1, Action[7]: `s3:GetObject` stands in Action[6] already
    "
    );
    insta::assert_snapshot!(deny(r#"["s3:DeleteBuckets","mechanicalturk:getrequesterstatistic"]"#), @"
    error[unknown-action] statement 1, Action[0]: no action is called `s3:DeleteBuckets`; IAM takes the name without a word, and this Deny protects nothing with it; write instead: s3:DeleteBucket
    error[legacy-action] statement 1, Action[1]: `mechanicalturk:getrequesterstatistic` is a name of the API that AWS switched off on 2019-06-01; this Deny protects nothing with it (nothing does that today)
    error[never-matches] statement 1: no call matches this statement: it protects nothing
    ");
    insta::assert_snapshot!(
        said(&policy(r#"{"Effect":"Deny","NotAction":["mechanicalturk:SearchHITs","s3:Foo"],"Resource":"*"}"#)),
        @"
    error[legacy-action] statement 1, NotAction[0]: `mechanicalturk:SearchHITs` is a name of the API that AWS switched off on 2019-06-01; this Deny spares nothing with it; write instead: mechanicalturk:ListHITs
    error[unknown-action] statement 1, NotAction[1]: no action is called `s3:Foo`; IAM takes the name without a word, and this Deny spares nothing with it
    "
    );
}

#[test]
fn a_wildcard_says_what_it_takes_in_that_nobody_expects() {
    insta::assert_snapshot!(
        allow(r#"["mechanicalturk:Get*","mechanicalturk:List*","mechanicalturk:*","s3:Put*","s3:*Object","sts:Get*"]"#),
        @"
    warning[leaking-wildcard] statement 1, Action[0]: `mechanicalturk:Get*` takes in mechanicalturk:GetAccountBalance (shows how much money is in the account), mechanicalturk:GetFileUploadURL (gives an address to fetch a file from that a worker uploaded)
    warning[leaking-wildcard] statement 1, Action[1]: `mechanicalturk:List*` takes in mechanicalturk:ListBonusPayments (lists the bonuses that were paid, to whom and why), mechanicalturk:ListWorkerBlocks (lists the workers who are blocked, and why)
    warning[leaking-wildcard] statement 1, Action[2]: `mechanicalturk:*` takes in mechanicalturk:ApproveAssignment (approves a worker's work, which pays the reward and the fee at once), mechanicalturk:SendBonus (pays a worker a bonus of whatever amount its sender types, at once), mechanicalturk:CreateAdditionalAssignmentsForHIT (lets more workers do a HIT, which promises more rewards and fees), mechanicalturk:CreateHIT (publishes a HIT, which promises its rewards and fees and can have work paid by itself), and 23 more
    warning[leaking-wildcard] statement 1, Action[3]: `s3:Put*` takes in s3:PutAccessGrantsInstanceResourcePolicy (changes who may do what), s3:PutAccessPointPolicy (changes who may do what), s3:PutAccessPointPolicyForObjectLambda (changes who may do what), s3:PutAccessPointPublicAccessBlock (changes who may do what), and 8 more
    warning[leaking-wildcard] statement 1, Action[4]: `s3:*Object` takes in s3:DeleteObject (deletes an object, or hides it where the bucket keeps versions), s3:PutObject (puts an object, and replaces what was under its key), s3:ReplicateObject (write), s3:RestoreObject (fetches an object back from an archive, for which AWS charges)
    warning[leaking-wildcard] statement 1, Action[5]: `sts:Get*` takes in sts:GetFederationToken (makes credentials that live for up to 36 hours), sts:GetSessionToken (makes credentials that live for up to 36 hours), sts:GetDelegatedAccessToken (write), sts:GetWebIdentityToken (write)
    warning[escalates] statement 1, Action[3]: whoever has this can get more than it allows: s3:PutAccessPointPolicy says who may reach a bucket through an access point; s3:PutBucketAcl can open a bucket to other accounts or to everybody; s3:PutBucketPolicy can open a bucket to other accounts or to everybody, and 9 more
    warning[escalates] statement 1, Action[5]: whoever has this can get more than it allows: sts:GetFederationToken makes credentials that outlive the session's
    "
    );
    insta::assert_snapshot!(allow(r#""*""#), @"
    warning[leaking-wildcard] statement 1, Action: `*` allows every action of every service, and whatever AWS adds
    warning[escalates] statement 1, Action: whoever has this can get more than it allows: batch:RegisterJobDefinition names the role that a job runs as; batch:SubmitJob runs any program as the role of a job definition; iam:AddUserToGroup gives a user, also themselves, what a group may, and 118 more
    ");
    insta::assert_snapshot!(with(r#""NotAction":"iam:*","Resource":"*""#), @"
    warning[allows-all-but] statement 1, NotAction: NotAction allows every action of every service but those listed, and whatever AWS adds
    ");
    assert_eq!(allow(r#"["s3:List*","mechanicalturk:GetHI?","logs:Describe*"]"#), "");
    assert_eq!(deny(r#"["mechanicalturk:*","s3:Put*","*"]"#), "");
}

#[test]
fn a_resource_that_the_actions_do_not_have_is_an_error() {
    insta::assert_snapshot!(
        with(r#""Action":["mechanicalturk:GetHIT","mechanicalturk:ListHITs"],"Resource":"arn:aws:mechanicalturk:us-east-1:111122223333:hit/*""#),
        @"
    error[wrong-resource] statement 1, Resource: `mechanicalturk:GetHIT`, `mechanicalturk:ListHITs` can only be called on `*`, so this statement grants nothing with it; write instead: *
    error[never-matches] statement 1: no call matches this statement: it grants nothing
    "
    );
    insta::assert_snapshot!(
        with(r#""Action":["s3:GetObject","s3:ListBucket"],"Resource":["arn:aws:s3:::results"]"#),
        @"
    error[wrong-resource] statement 1, Resource[0]: `s3:GetObject` cannot be called on arn:aws:s3:::results, so this statement grants nothing with it; write instead: arn:aws:s3:::results/*
    "
    );
    insta::assert_snapshot!(with(r#""Action":"s3:ListBucket","Resource":["arn:aws:s3:::results/2026/*"]"#), @"
    error[wrong-resource] statement 1, Resource[0]: `s3:ListBucket` cannot be called on arn:aws:s3:::results/2026/*, so this statement grants nothing with it; write instead: arn:aws:s3:::results
    error[never-matches] statement 1: no call matches this statement: it grants nothing
    ");
    insta::assert_snapshot!(
        with(r#""Action":"s3:GetObject","Resource":["arn:aws:s3:::results/*","arn:aws:s3:::results"]"#),
        @"
    warning[wrong-resource] statement 1, Resource[1]: no action of the statement can be called on `arn:aws:s3:::results`
    "
    );
    let both = r#""Resource":["arn:aws:s3:::results","arn:aws:s3:::results/*"]"#;
    assert_eq!(with(&format!(r#""Action":["s3:GetObject","s3:ListBucket"],{both}"#)), "");
    assert_eq!(with(r#""Action":["s3:GetObject","s3:ListBucket"],"Resource":"arn:aws:s3:::results*""#), "");
    assert_eq!(with(r#""Action":"batch:SubmitJob2","Resource":"*""#).matches("wrong-resource").count(), 0);
}

#[test]
fn a_key_that_no_call_carries_is_told_with_what_follows() {
    let on = |effect: &str, action: &str, condition: &str| {
        said(&policy(&format!(
            r#"{{"Effect":"{effect}","Action":{action},"Resource":"*","Condition":{{{condition}}}}}"#
        )))
    };
    let get = r#""mechanicalturk:GetHIT""#;

    insta::assert_snapshot!(on("Allow", get, r#""StringEquals":{"mechanicalturk:Sandbox":"true"}"#), @"
    error[unknown-condition-key] statement 1, Condition.StringEquals.mechanicalturk:Sandbox: no call of this statement's actions carries the key `mechanicalturk:Sandbox`, so the condition never holds there and nothing is granted
    error[never-matches] statement 1: no call matches this statement: it grants nothing
    ");
    insta::assert_snapshot!(on("Allow", get, r#""StringNotEquals":{"s3:prefix":"x"}"#), @"
    error[unknown-condition-key] statement 1, Condition.StringNotEquals.s3:prefix: no call of this statement's actions carries the key `s3:prefix`, so the condition always holds there and restricts nothing
    ");
    insta::assert_snapshot!(on("Deny", get, r#""StringEqualsIfExists":{"aws:ResourceTag/lab":"x"}"#), @"
    warning[unknown-condition-key] statement 1, Condition.StringEqualsIfExists.aws:ResourceTag/lab: no call of this statement's actions carries the key `aws:ResourceTag/lab`, so the condition always holds there and the Deny is for all of them
    ");
    insta::assert_snapshot!(on("Deny", get, r#""ForAnyValue:StringLike":{"aws:CalledViaa":"x"}"#), @"
    error[unknown-condition-key] statement 1, Condition.ForAnyValue:StringLike.aws:CalledViaa: no call of this statement's actions carries the key `aws:CalledViaa`, so the condition never holds there and nothing is protected
    error[never-matches] statement 1: no call matches this statement: it protects nothing
    ");
    insta::assert_snapshot!(
        on("Allow", r#"["s3:ListBucket","s3:GetObject"]"#, r#""StringLike":{"s3:prefix":"x/*"}"#),
        @"
    error[unknown-condition-key] statement 1, Condition.StringLike.s3:prefix: no call of s3:GetObject carries the key `s3:prefix`, so the condition never holds there and nothing is granted
    "
    );
    for fine in [
        r#""StringEquals":{"s3:prefix":"x"}"#,
        r#""StringLike":{"aws:PrincipalTag/lodge-role":"x","AWS:UserId":"y"}"#,
        r#""StringEquals":{"aws:ResourceTag/lab":"${aws:PrincipalTag/lab}"}"#,
    ] {
        assert_eq!(on("Allow", r#""s3:ListBucket""#, fine), "", "{fine}");
    }
    assert_eq!(on("Deny", r#"["s3:*","dynamodb:Get*"]"#, r#""StringEquals":{"nonesuch:key":"x"}"#).lines().count(), 1);
}

#[test]
fn a_statement_without_effect_is_told() {
    let get = r#""Action":"mechanicalturk:GetHIT","Resource":"*""#;

    insta::assert_snapshot!(
        said(&policy(&format!(
            r#"{{"Effect":"Deny",{get},"Condition":{{"Bool":{{"aws:SecureTransport":"true"}},"Null":{{"aws:SecureTransport":"true"}}}}}}"#
        ))),
        @"
    error[contradiction] statement 1, Condition.Null.aws:SecureTransport: Bool and Null on `aws:SecureTransport` never hold together, so this statement protects nothing
    error[never-matches] statement 1: no call matches this statement: it protects nothing
    "
    );
    insta::assert_snapshot!(
        said(&policy(&format!(r#"{{"Sid":"Read","Effect":"Allow",{get}}},{{"Effect":"Deny","Action":"mechanicalturk:g*","Resource":"*"}}"#))),
        @"
    warning[denied-anyway] statement 1 (Read): all of this Allow is denied by statement 2, so it grants nothing
    "
    );
    for partly in [
        r#""Action":"mechanicalturk:g*","Resource":"arn:aws:s3:::a""#,
        r#""Action":"mechanicalturk:l*","Resource":"*""#,
        r#""NotAction":"mechanicalturk:GetHIT","Resource":"*""#,
        r#""Action":"*","Resource":"*","Condition":{"Null":{"aws:username":"true"}}"#,
    ] {
        let said = said(&policy(&format!(r#"{{"Effect":"Allow",{get}}},{{"Effect":"Deny",{partly}}}"#)));
        assert!(!said.contains("denied-anyway"), "{partly}: {said}");
    }
}

#[test]
fn an_allow_that_can_get_more_is_told_why() {
    insta::assert_snapshot!(allow(r#"["iam:PassRole","s3:PutBucketPolicy","iam:UpdateGroup","sts:AssumeRole","batch:SubmitJob"]"#), @"
    warning[escalates] statement 1, Action[0]: whoever has this can get more than it allows: iam:PassRole hands a role to a service, which then acts with all that the role may
    warning[escalates] statement 1, Action[1]: whoever has this can get more than it allows: s3:PutBucketPolicy can open a bucket to other accounts or to everybody
    warning[escalates] statement 1, Action[2]: whoever has this can get more than it allows: iam:UpdateGroup changes who may do what
    warning[escalates] statement 1, Action[3]: whoever has this can get more than it allows: sts:AssumeRole takes on every role that trusts this account
    warning[escalates] statement 1, Action[4]: whoever has this can get more than it allows: batch:SubmitJob runs any program as the role of a job definition
    ");
    assert_eq!(with(r#""Action":"sts:AssumeRole","Resource":"arn:aws:iam::111122223333:role/lodge-session""#), "");
    assert!(with(r#""Action":"sts:AssumeRole","Resource":"arn:aws:iam::111122223333:role/*""#).contains("escalates"));
    assert_eq!(deny(r#"["iam:PassRole"]"#), "");
}

#[test]
fn a_policy_that_cannot_be_read_is_told_where() {
    insta::assert_snapshot!(said("{\"Version\":\"2012-10-17\",\n\"Version\":1}"), @"
    error[unreadable] the policy is not JSON: the key `Version` is given twice at line 2 column 9
    ");
    insta::assert_snapshot!(allow("\"mech\u{430}nicalturk:GetHIT\""), @"
    error[look-alike] statement 1, Action: character 5 of `mech<U+0430>nicalturk:GetHIT` is U+0430, which is not ASCII: write it in plain letters, AWS does not take it
    error[unreadable] statement 1: it names `mech<U+0430>nicalturk:GetHIT`, which is not an action
    ");
    insta::assert_snapshot!(with("\"Action\":\"s3:GetObject\",\"Resource\":[\"arn:aws:s3:::caf\u{e9}/*\",\"arn:aws:s3:::\u{441}/*\"]"), @"
    warning[look-alike] statement 1, Resource[0]: character 17 of `arn:aws:s3:::caf<U+00E9>/*` is U+00E9, which is not ASCII: make sure that the resource is really written so
    error[look-alike] statement 1, Resource[1]: character 14 of `arn:aws:s3:::<U+0441>/*` is U+0441, which is not ASCII: write it in plain letters, AWS does not take it
    ");
    insta::assert_snapshot!(said(&format!("{}1{}", "[".repeat(10_000), "]".repeat(10_000))), @"
    error[unreadable] the policy is not JSON: recursion limit exceeded at line 1 column 128
    ");
    insta::assert_snapshot!(with(r#""Action":"s3:GetObject","Resource":"*","Principal":"*""#), @"
    error[unreadable] statement 1: it names a principal, which only a trust policy may
    ");
}

#[test]
fn a_policy_that_is_too_long_is_told_with_its_longest_statement() {
    let statement = |count: usize| {
        let actions = vec!["\"mechanicalturk:GetHIT\""; count].join(",");
        format!(r#"{{"Effect":"Deny","Action":[{actions}],"Resource":"*"}}"#)
    };
    let long = |count| said(&policy(&format!("{},{}", statement(1), statement(count))));

    insta::assert_snapshot!(long(100).lines().next().unwrap(), @"
    warning[too-long] it has 2550 characters without white space, and as a session policy STS takes 2048; statement 2 is the longest with 2443
    ");
    insta::assert_snapshot!(long(1_000), @"
    error[too-long] it has 24150 characters without white space, and IAM takes 10240 at most, and it was not looked into; statement 2 is the longest with 24043
    ");
    assert!(!long(50).contains("too-long"));
}

#[test]
fn nothing_is_wrong_with_what_is_shipped() {
    let mut templates = 0;
    for (name, template) in PolicyLibrary::shipped().unwrap().iter() {
        let policy = template.fill(&template.examples()).unwrap();
        assert_eq!(said(policy.as_str()), "", "{name}");
        templates += 1;
    }
    assert!(templates >= 3);
}

/// A policy of the size that IAM takes cannot stall whoever looks at it: not by repeating, and not by differing.
#[test]
fn a_hostile_policy_is_looked_through_as_well() {
    let joined = |count: usize, text: &dyn Fn(usize) -> String| (0..count).map(text).collect::<Vec<_>>().join(",");
    let keys = joined(90, &|n| format!(r#""aws:ResourceTag/{n}":"x""#));
    let condition = format!(r#""Condition":{{"StringNotEquals":{{{keys}}}}}"#);
    let stars = joined(1_500, &|_| r#""*""#.to_owned());
    let wild = joined(600, &|n| format!(r#""s3:*{n}*?""#));
    let places = joined(200, &|n| format!(r#""arn:aws:s3:::*{n}/*?*""#));
    let services = joined(25, &|n| format!(r#""sagemaker:*{}""#, "*".repeat(n)));

    for statement in [
        format!(r#"{{"Effect":"Allow","Action":[{stars}],"Resource":"*",{condition}}}"#),
        format!(r#"{{"Effect":"Allow","Action":[{services}],"Resource":"*",{condition}}}"#),
        format!(r#"{{"Effect":"Allow","Action":["s3:*",{wild}],"Resource":"arn:aws:s3:::x"}}"#),
        format!(r#"{{"Effect":"Allow","Action":["s3:*","iam:*"],"Resource":[{places}]}}"#),
        format!(
            r#"{{"Effect":"Allow","Action":"s3:*","Resource":"*"}},{{"Effect":"Deny","Action":[{wild}],"Resource":"*"}}"#
        ),
    ] {
        let text = policy(&statement);
        assert!(characters(&text).unwrap() < IAM_MAX_CHARS);
        assert!(!lint(&text).is_empty() && explain(&text).is_ok());
        assert!(allowed_actions(&text).len() <= 1_248);
    }
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(64))]

    /// Whatever a policy says, it is looked through in no time to speak of and without a panic.
    #[test]
    fn nothing_that_is_read_breaks_it(
        actions in proptest::collection::vec("(s3|mechanicalturk|iam|x):[a-zA-Z*?]{1,12}|\\*", 1..6),
        resource in "\\*|arn:aws:s3:::[a-c/*?]{0,6}(\\$\\{aws:[a-z]{1,5}\\})?",
        key in "(aws|s3):[a-zA-Z/]{1,12}",
        operator in "(ForAllValues:|ForAnyValue:)?String(Not)?(Equals|Like)(IfExists)?",
        allows: bool,
        all_but: bool,
    ) {
        let text = serde_json::json!({"Version": "2012-10-17", "Statement": {
            "Effect": if allows { "Allow" } else { "Deny" },
            if all_but { "NotAction" } else { "Action" }: actions,
            "Resource": resource,
            "Condition": {operator: {key: "x"}},
        }}).to_string();

        let findings = lint(&text);

        let unreadable = findings.iter().any(|finding| finding.code == Code::Unreadable);
        proptest::prop_assert_eq!(unreadable, rewrite(&text).is_err());
        proptest::prop_assert_eq!(unreadable, explain(&text).is_err());
        if let Ok(rewritten) = rewrite(&text) {
            let again = rewrite(&rewritten.text).unwrap();
            proptest::prop_assert_eq!((again.changes, again.text), (Vec::new(), rewritten.text));
        }
    }
}
