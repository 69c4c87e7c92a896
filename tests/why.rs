//! Why AWS said no: denials planted one by one in the small AWS, which says what AWS says, and answered by the broker.
//!
//! Each is produced by a real call with real credentials of a lab, and given to the broker as the AWS CLI prints it. Where
//! the small AWS has no such policy (an organization's, a bucket's, an IAM user's key) the words are AWS's own, from the IAM
//! User Guide, "Troubleshoot access denied error messages".

mod others;
mod page;

use std::time::{Duration, Instant};

use chrono::TimeDelta;
use lodge::aws::SessionCredentials;
use lodge::demo::aws::{Closing, Requester, Service};
use lodge::domain::mapping::{MappingTarget, MappingTerms};
use serde_json::{Value, json};

use crate::support::joining::{ACCOUNT, Joining, STUDENTS};
use crate::support::serving::wait;
use crate::support::signed::Keys;
use crate::support::signed_in::{SignIn, SignedIn};
use crate::support::visitor::Page;

/// What an answer may take at the server.
const CEILING: Duration = Duration::from_millis(50);

/// How often it is tried to stay below that, on a machine that does other things, too.
const TRIES: u32 = 40;

/// The groups beside the students', and what the lab gives them.
const PAYERS: &str = "vision-payers";
const GUESTS: &str = "vision-guests";

/// A lab that is joined, its student, and the credentials that they have.
struct Stage {
    joining: Joining,
    credentials: SessionCredentials,
    session: String,
}

impl Stage {
    fn new() -> Self {
        let joining = Joining::joined();
        let issued = joining.issue().unwrap();
        Self { session: issued.role_session.to_string(), credentials: issued.credentials, joining }
    }

    /// Gives a group a role on these conditions.
    fn maps(&self, group: &str, role: &str, terms: MappingTerms) {
        let target = MappingTarget {
            connection: "campus".parse().unwrap(),
            group: group.parse().unwrap(),
            role: role.parse().unwrap(),
        };
        wait(self.joining.seeding().add_mapping_on(&self.joining.lab, target, terms)).unwrap();
    }

    /// The student signs in anew, with these groups.
    fn sign_in(&mut self, groups: &[&str]) {
        self.sign_in_with(groups, false);
    }

    /// The same, with a second factor perhaps. The provider says when they showed it who they are: just now.
    fn sign_in_with(&mut self, groups: &[&str], mfa: bool) {
        // Of two sign-ins of one moment either may count as the later one.
        self.joining.advance(TimeDelta::seconds(1));
        let sign_in = SignIn { connection: "campus", subject: "student", groups: Some(groups), mfa };
        let now = self.joining.now();
        self.joining.student = sign_in.with(self.joining.broker(), |claims| claims.authenticated_at = Some(now));
    }

    /// What the AWS CLI prints of a call of Mechanical Turk with these credentials.
    fn printed(&self, operation: &str) -> String {
        let keys = Keys::issued(&self.credentials, self.joining.now());
        let answer = keys.call_mturk(&self.joining.aws_url, operation, &json!({}));
        assert_ne!(answer.status, 200, "{operation} was not refused");
        let (code, message) = (answer.code(), answer.body["Message"].as_str().unwrap());
        format!("\nAn error occurred ({code}) when calling the {operation} operation: {message}\n")
    }

    /// The denial of `SendBonus` to the student, with another word for the kind of policy and other people in it.
    fn said(&self, from: &str, to: &str) -> String {
        let printed = self.printed("SendBonus");
        assert!(printed.contains(from), "{printed}");
        printed.replace(from, to)
    }

    fn ask(&self, who: &SignedIn, path: &str, question: &Value) -> Page {
        who.ask("POST", &format!("{}/api/v1{path}", self.joining.running.url)).json(question).send()
    }

    /// The answer to somebody, below the ceiling.
    fn answer(&self, who: &SignedIn, path: &str, question: &Value) -> Value {
        let mut fastest = Duration::MAX;
        for _ in 0..TRIES {
            let began = Instant::now();
            let page = self.ask(who, path, question);
            fastest = fastest.min(began.elapsed());
            assert_eq!(page.status, 200, "{question}: {}", page.body);
            if fastest < CEILING {
                let answer = page.json();
                println!("{} in {} ms, with the way there and back", answer["finding"], fastest.as_millis());
                return answer;
            }
        }
        panic!("an answer took {} ms at best: {question}", fastest.as_millis());
    }

    /// The answer to the student about an error that names the lab itself.
    fn why(&self, printed: &str) -> Value {
        self.answer(&self.joining.student, "/why", &json!({ "error": printed }))
    }

    /// The answer to the student about an action.
    fn why_action(&self, action: &str, role: Option<&str>) -> Value {
        let question = match role {
            Some(role) => json!({ "action": action, "role": role }),
            None => json!({ "action": action }),
        };
        self.answer(&self.joining.student, "/labs/vision/why", &question)
    }
}

/// What is said of a role: how far it allows the action, and whether they can have it through which group.
fn role<'a>(answer: &'a Value, name: &str) -> (&'a str, &'a str, &'a str) {
    let all = answer["roles"].as_array().unwrap();
    let role = all.iter().find(|role| role["role"] == name).unwrap_or_else(|| panic!("{name} is not in {answer}"));
    (role["reach"].as_str().unwrap(), role["chance"].as_str().unwrap(), role["group"].as_str().unwrap_or_default())
}

fn finding(answer: &Value) -> &str {
    answer["finding"].as_str().unwrap()
}

#[test]
fn what_the_roles_policy_does_not_allow_is_told_with_who_called_and_which_role_would() {
    let stage = Stage::new();

    let answer = stage.why(&stage.printed("SendBonus"));

    assert_eq!((finding(&answer), &answer["lab"]), ("session-policy", &json!("vision")));
    assert_eq!((&answer["action"], &answer["role"]), (&json!("mechanicalturk:SendBonus"), &json!("read-results")));
    let session = &answer["session"];
    assert_eq!((&session["id"], &session["role"]), (&json!(stage.session), &json!("read-results")));
    assert_eq!((&session["is_over"], &session["policy_has_changed"]), (&json!(false), &json!(false)));
    let error = &answer["error"];
    assert_eq!((&error["policy"], &error["account_id"]), (&json!("session policy"), &json!(ACCOUNT)));
    assert_eq!(role(&answer, "pay"), ("plainly", "no-mapping", ""));
    assert_eq!(answer["roles"].as_array().unwrap().len(), 1, "publish does not pay: {answer}");
    assert_eq!(answer["whom"][0]["id"], stage.joining.pi.person.as_str());
    assert_eq!(answer["for"], Value::Null);
}

#[test]
fn what_a_role_that_would_allow_it_lacks_is_what_the_gate_says() {
    let mut stage = Stage::new();
    let now = stage.joining.now();
    let denied = stage.printed("SendBonus");
    stage.sign_in(&[STUDENTS, PAYERS, GUESTS]);

    stage.maps(GUESTS, "pay", MappingTerms { ends_at: Some(now + TimeDelta::seconds(1)), ..MappingTerms::default() });
    stage.joining.advance(TimeDelta::seconds(2));
    let answer = stage.why(&denied);
    assert_eq!(role(&answer, "pay"), ("plainly", "mapping-ended", GUESTS));
    assert!(answer["roles"][0]["ends_at"].is_string());

    stage.maps(PAYERS, "pay", MappingTerms { needs_approval: true, ..MappingTerms::default() });
    assert_eq!(role(&stage.why(&denied), "pay").1, "approval-needed");

    stage.maps(STUDENTS, "pay", MappingTerms { needs_mfa: true, ..MappingTerms::default() });
    let answer = stage.why(&denied);
    assert_eq!(role(&answer, "pay"), ("plainly", "mfa-needed", STUDENTS));
    assert!(answer["roles"][0]["says"].as_str().unwrap().contains("`lodge login --mfa`"), "{answer}");

    // With a second factor they have it, and the answer is the same whose credentials are asked for next.
    stage.sign_in_with(&[STUDENTS, PAYERS], true);
    assert_eq!(role(&stage.why(&denied), "pay").1, "has");
    let student = stage.joining.caller(&stage.joining.student);
    wait(stage.joining.broker().issue(&student, &"vision/pay".parse().unwrap(), None)).unwrap();
}

#[test]
fn a_sign_in_that_is_too_old_and_an_account_that_is_not_ready_are_said() {
    let mut stage = Stage::new();
    stage.maps(STUDENTS, "pay", MappingTerms::default());
    stage.sign_in(&[STUDENTS]);
    let ask = |stage: &Stage| stage.why_action("mechanicalturk:SendBonus", None);
    assert_eq!((finding(&ask(&stage)), role(&ask(&stage), "pay").1), ("see-roles", "has"));

    stage.joining.advance(TimeDelta::hours(2));
    assert_eq!(role(&ask(&stage), "pay"), ("plainly", "fresh-sign-in-needed", STUDENTS));

    stage.sign_in(&[STUDENTS]);
    let lab = stage.joining.lab.clone();
    let account = crate::support::accounts::Account::of(stage.joining.broker(), &lab);
    wait(account.found("pay", &["mechanicalturk:SendBonus"], None));
    assert_eq!(role(&ask(&stage), "pay"), ("plainly", "awaiting-account-update", STUDENTS));

    stage.joining.advance(TimeDelta::seconds(1));
    stage.joining.student =
        SignIn { connection: "campus", subject: "student", groups: None, mfa: true }.at(stage.joining.broker());
    let page = stage.ask(&stage.joining.student, "/labs/vision/why", &json!({"action": "mechanicalturk:SendBonus"}));
    assert_eq!(page.status, 404, "without a group they do not belong to the lab: {}", page.body);
}

#[test]
fn of_an_account_that_is_not_joined_it_is_said() {
    let joining = Joining::start();
    let ask = joining.student.ask("POST", &format!("{}/api/v1/labs/vision/why", joining.running.url));

    let answer = ask.json(&json!({"action": "mechanicalturk:ListHITs"})).send().json();

    assert_eq!(role(&answer, "read-results"), ("plainly", "account-not-joined", STUDENTS));
}

#[test]
fn the_policies_of_the_account_are_told_apart() {
    let stage = Stage::new();
    let (small, session_role) = (&stage.joining.small, stage.joining.session_role());
    let whole = small.role(&session_role).unwrap();
    let restore = || small.change_role(&session_role, |role| *role = whole.clone()).unwrap();

    small.change_role(&session_role, |role| role.attached_policies.clear()).unwrap();
    let answer = stage.why(&stage.printed("ListHITs"));
    assert_eq!((finding(&answer), role(&answer, "read-results").1), ("identity-policy", "has"));
    restore();

    let narrow = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:*","Resource":"*"}]}"#;
    small.change_role(&session_role, |role| narrow.clone_into(&mut role.boundary.as_mut().unwrap().document)).unwrap();
    assert_eq!(finding(&stage.why(&stage.printed("ListHITs"))), "boundary");
    restore();

    let cut = json!({"Version": "2012-10-17", "Statement": [{"Effect": "Deny", "Action": "*", "Resource": "*",
        "Condition": {"StringEquals": {"aws:SourceIdentity": stage.joining.student.person.as_str()}}}]});
    small
        .change_role(&session_role, |role| {
            role.inline_policies.insert("cut".to_owned(), cut.to_string());
        })
        .unwrap();
    let answer = stage.why(&stage.printed("ListHITs"));
    assert_eq!((finding(&answer), &answer["error"]["is_explicit"]), ("cut-off", &json!(true)));
    assert!(answer["says"].as_str().unwrap().contains("can also be"), "carefully: {answer}");
}

#[test]
fn a_policy_that_has_changed_since_is_said() {
    let stage = Stage::new();
    let denied = stage.printed("SendBonus");
    stage.joining.execute("update lab_role set template = 'mturk/pay' where name = 'read-results'");

    let answer = stage.why(&denied);

    assert_eq!((finding(&answer), &answer["session"]["policy_has_changed"]), ("old-policy", &json!(true)));
}

#[test]
fn what_is_no_denial_is_told_with_what_to_do() {
    let stage = Stage::new();
    let (small, joining) = (&stage.joining.small, &stage.joining);

    small.throttle(Service::MTurk, 1);
    assert_eq!(finding(&stage.why_here("ListHITs")), "throttled");
    small.skew_clock(TimeDelta::minutes(20));
    assert_eq!(finding(&stage.why_here("ListHITs")), "clock");
    small.skew_clock(TimeDelta::zero());
    small.set_requester(ACCOUNT, Requester::NotLinked);
    assert_eq!(finding(&stage.why_here("ListHITs")), "not-linked");
    small.set_requester(
        ACCOUNT,
        Requester::Closed(Closing {
            status: http::StatusCode::BAD_REQUEST,
            code: "RequestError".to_owned(),
            message: "Amazon Mechanical Turk has been discontinued.".to_owned(),
        }),
    );
    assert_eq!(finding(&stage.why_here("ListHITs")), "closed");
    small.set_requester(ACCOUNT, Requester::Linked);
    joining.advance(TimeDelta::minutes(61));
    let answer = stage.why_here("ListHITs");
    assert_eq!(finding(&answer), "expired");
    assert!(!answer["next"].as_array().unwrap().is_empty() && answer["roles"] == json!([]), "{answer}");
    for (printed, expected) in [
        (
            "An error occurred (NoSuchBucket) when calling the ListObjectsV2 operation: The specified bucket does not exist",
            "no-such-bucket",
        ),
        (
            "An error occurred (PermanentRedirect) when calling the ListObjects operation: The bucket you are attempting",
            "wrong-region",
        ),
        ("Unable to locate credentials. You can configure credentials by running \"aws configure\".", "no-credentials"),
    ] {
        assert_eq!(finding(&stage.why(printed)), expected);
    }
}

impl Stage {
    /// The same for what names no caller: the student says which role they use.
    fn why_here(&self, operation: &str) -> Value {
        let question = json!({ "error": self.printed(operation), "role": "read-results" });
        self.answer(&self.joining.student, "/labs/vision/why", &question)
    }
}

#[test]
fn what_is_not_ours_is_said_to_be_so() {
    let stage = Stage::new();
    let named = "because no session policy allows the mechanicalturk:SendBonus action";
    for (from, to, expected) in [
        (ACCOUNT, "444455556666", "other-account"),
        ("assumed-role/lodge-session/", "assumed-role/admin/", "other-role"),
        (named, "with an explicit deny in a service control policy", "organization"),
        (named, "because no resource control policy allows the mechanicalturk:SendBonus action", "organization"),
        (named, "because no resource-based policy allows the mechanicalturk:SendBonus action", "resource-policy"),
        (named, "because no VPC endpoint policy allows the mechanicalturk:SendBonus action", "vpc-endpoint"),
    ] {
        let answer = stage.why(&stage.said(from, to));
        assert_eq!((finding(&answer), &answer["is_not_ours"]), (expected, &json!(true)), "{to}");
    }
    let caller = format!("arn:aws:sts::{ACCOUNT}:assumed-role/lodge-session/{}", stage.session);
    for (who, expected) in
        [(format!("arn:aws:iam::{ACCOUNT}:user/ada"), "iam-user"), (format!("arn:aws:iam::{ACCOUNT}:root"), "no-role")]
    {
        let answer = stage.why(&stage.said(&caller, &who));
        assert_eq!((finding(&answer), &answer["session"]), (expected, &Value::Null));
    }
}

#[test]
fn services_that_say_less_are_answered_by_our_own_policy() {
    let stage = Stage::new();
    let here = |printed: &str| {
        let question = json!({ "error": printed, "role": "read-results" });
        stage.answer(&stage.joining.student, "/labs/vision/why", &question)
    };

    // Amazon S3 says no, and nothing else.
    let answer = here("An error occurred (AccessDenied) when calling the ListObjectsV2 operation: Access Denied");
    assert_eq!((finding(&answer), &answer["action"]), ("session-policy", &json!("s3:ListBucket")));
    // What the role allows, and AWS refused without a reason, cannot be seen from here.
    let answer = here("An error occurred (AccessDenied) when calling the ListHITs operation: Access Denied");
    assert_eq!((finding(&answer), role(&answer, "read-results").1), ("cannot-see", "has"));
    // Without a role there is too little to go by.
    let answer = stage.why("An error occurred (AccessDenied) when calling the ListObjectsV2 operation: Access Denied");
    assert_eq!((finding(&answer), &answer["lab"]), ("too-little", &Value::Null));

    // STS never says which policy; IAM does, and names the resource.
    let keys = Keys::issued(&stage.credentials, stage.joining.now());
    let form = format!(
        "Action=AssumeRole&Version=2011-06-15&RoleSessionName=me&RoleArn={}",
        url::form_urlencoded::byte_serialize(stage.joining.session_role().as_bytes()).collect::<String>()
    );
    let (status, xml) = keys.call_query(&stage.joining.aws_url, "sts", &form);
    assert_eq!(status, 403, "{xml}");
    let answer = stage.why(&xml);
    assert_eq!((finding(&answer), &answer["action"]), ("trust-policy", &json!("sts:AssumeRole")));
    assert_eq!(answer["resource"], stage.joining.session_role());
    let (_, xml) =
        keys.call_query(&stage.joining.aws_url, "iam", "Action=GetRole&Version=2010-05-08&RoleName=lodge-session");
    let answer = stage.why(&xml);
    assert_eq!((finding(&answer), &answer["action"]), ("session-policy", &json!("iam:GetRole")));
    assert_eq!(answer["roles"], json!([]), "no role may do that: {answer}");
}

#[test]
fn an_action_is_asked_about_before_anything_was_refused() {
    let stage = Stage::new();
    for (action, named, expected) in [
        ("mechanicalturk:ListHITs", Some("read-results"), "role-allows"),
        ("mechanicalturk:sendbonus", Some("read-results"), "session-policy"),
        ("mechanicalturk:GrantBonus", Some("pay"), "no-such-action"),
        ("mechanicalturk:DeleteHIT", None, "see-roles"),
        ("ec2:RunInstances", Some("pay"), "session-policy"),
    ] {
        let answer = stage.why_action(action, named);
        assert_eq!(finding(&answer), expected, "{action}");
    }
    let old = stage.why_action("mechanicalturk:GrantBonus", None);
    assert_eq!(old["next"], json!(["What it did is done by mechanicalturk:SendBonus today: ask again with that."]));
    assert_eq!(stage.why_action("mechanicalturk:DeleteHIT", None)["roles"], json!([]));
    assert_eq!(stage.why_action("mechanicalturk:sendbonus", None)["action"], "mechanicalturk:SendBonus");
    for wrong in [
        json!({}),
        json!({"action": "a:b", "error": "AccessDenied: Access Denied"}),
        json!({"action": "SendBonus"}),
        json!({"action": "a:b", "resource": "results"}),
        json!({"action": "a:b", "role": "No Such"}),
        json!({"error": "permission denied"}),
    ] {
        let page = stage.ask(&stage.joining.student, "/labs/vision/why", &wrong);
        assert_eq!((page.status, &page.json()["type"]), (400, &json!("urn:lodge:problem:cannot-be")), "{wrong}");
    }
}
