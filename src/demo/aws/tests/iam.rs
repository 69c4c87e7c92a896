//! IAM over HTTP, as a lab's steward role sees it: one role, its policies, and nothing else.

use super::*;

const STEWARD_ROLE: &str = "arn:aws:iam::111122223333:role/lodge/lodge-steward";
const STEWARD_SESSION: &str = "arn:aws:sts::111122223333:assumed-role/lodge-steward/rs-1";
const BOUNDARY: &str = "arn:aws:iam::111122223333:policy/lodge/boundary";
const PERMISSIONS: &str = "arn:aws:iam::111122223333:policy/lodge/permissions";
const ROLE: (&str, &str) = ("RoleName", "lodge-session");

/// Parameters of a call.
type Form<'a> = &'a [(&'a str, &'a str)];

/// What a steward may do, with a condition on writing.
fn steward_policy(condition: &Value) -> String {
    json!({ "Version": "2012-10-17", "Statement": [
        { "Effect": "Allow", "Resource": VISION_ROLE,
          "Action": ["iam:GetRole", "iam:ListRolePolicies", "iam:GetRolePolicy", "iam:ListAttachedRolePolicies"] },
        { "Effect": "Allow", "Resource": VISION_ROLE, "Action": ["iam:PutRolePolicy", "iam:DeleteRolePolicy"],
          "Condition": condition },
        { "Effect": "Allow", "Resource": "arn:aws:iam::111122223333:policy/lodge/*",
          "Action": ["iam:GetPolicy", "iam:GetPolicyVersion", "iam:ListPolicyVersions"] },
    ]})
    .to_string()
}

fn with_steward(policy: String) -> Settings {
    let mut settings = settings();
    let role = &mut settings.accounts[0].roles[0];
    role.attached_policies = vec![managed("permissions", &allow(&json!("mechanicalturk:*")))];
    role.inline_policies.clear();
    role.boundary = Some(managed("boundary", &allow(&json!("mechanicalturk:*"))));
    settings.accounts[0].roles.push(IamRole {
        arn: STEWARD_ROLE.into(),
        role_id: "AROASTEWARD1234567890".into(),
        trust: trust("steward-external-id"),
        inline_policies: BTreeMap::from([("steward".into(), policy)]),
        attached_policies: Vec::new(),
        boundary: None,
        max_session_seconds: 3_600,
    });
    settings
}

fn world() -> World {
    World::new(with_steward(steward_policy(&json!({}))))
}

async fn steward(world: &World, session_policy: &str) -> Keys {
    let changes = [("RoleArn", STEWARD_ROLE), ("ExternalId", "steward-external-id"), ("Policy", session_policy)];
    world.assume(&Keys::broker(), &changes).await.keys()
}

fn decoded(text: &str) -> String {
    // No document here has a plus sign, so reading it as a form is the same.
    form_urlencoded::parse(format!("x={text}").as_bytes()).next().unwrap().1.into_owned()
}

fn denied(action: &str, resource: &str, reason: &str) -> (u16, String, String) {
    let who = format!("User: {STEWARD_SESSION} is not authorized to perform: {action} on resource: {resource}");
    (403, "AccessDenied".to_owned(), format!("{who} {reason}"))
}

fn not_allowed(action: &str, resource: &str) -> (u16, String, String) {
    denied(action, resource, &format!("because no identity-based policy allows the {action} action"))
}

#[tokio::test]
async fn a_role_is_shown_with_its_trust_and_its_boundary() {
    let world = world();
    let keys = steward(&world, "").await;

    let answer = world.iam(&keys, "GetRole", &[ROLE]).await;

    assert!(answer.body.contains("<GetRoleResponse xmlns=\"https://iam.amazonaws.com/doc/2010-05-08/\">"));
    for (name, value) in [
        ("Path", "/"),
        ("RoleName", "lodge-session"),
        ("RoleId", VISION_ROLE_ID),
        ("Arn", VISION_ROLE),
        ("CreateDate", "2026-11-21T12:00:00Z"),
        ("MaxSessionDuration", "3600"),
        ("PermissionsBoundaryArn", BOUNDARY),
    ] {
        assert_eq!(answer.xml(name), value, "{name}");
    }
    let encoded = answer.xml("AssumeRolePolicyDocument");
    assert!(encoded.starts_with("%7B%22") && !encoded.contains('+'), "{encoded}");
    let document: Value = serde_json::from_str(&decoded(&encoded)).unwrap();
    assert_eq!(document, serde_json::from_str::<Value>(&trust("vision-external-id")).unwrap());
    world.aws.change_role(VISION_ROLE, |role| role.boundary = None).unwrap();
    let answer = world.iam(&keys, "GetRole", &[ROLE]).await;
    assert!(!answer.body.contains("PermissionsBoundary"), "{}", answer.body);
}

#[tokio::test]
async fn a_broker_role_made_anew_leaves_its_id_in_what_the_lab_sees() {
    let world = world();
    let keys = steward(&world, "").await;
    world.aws.recreate_role(BROKER_ROLE).unwrap();

    let shown = decoded(&world.iam(&keys, "GetRole", &[ROLE]).await.xml("AssumeRolePolicyDocument"));

    assert!(shown.contains("\"AROA") && !shown.contains("lodge-broker"), "{shown}");
}

#[tokio::test]
async fn an_inline_policy_counts_from_the_next_call_on_and_until_it_is_deleted() {
    let world = world();
    let keys = steward(&world, "").await;
    let person = world.session(READ_POLICY).await;
    let cut_off = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Action":"*","Resource":"*","Condition":{
        "StringEquals":{"aws:SourceIdentity":["p-1"]},"DateLessThan":{"aws:TokenIssueTime":"2026-11-21T12:00:30Z"}}}]}"#;
    let name = ("PolicyName", "lodge-cut-off");
    assert_eq!(world.mturk(&person, "ListHITs", &json!({})).await.status, StatusCode::OK);

    let put = world.iam(&keys, "PutRolePolicy", &[ROLE, name, ("PolicyDocument", cut_off)]).await;

    assert_eq!((put.status, put.body.contains("Result>")), (StatusCode::OK, false), "{}", put.body);
    let refused = world.mturk(&person, "ListHITs", &json!({})).await.refusal();
    assert!(refused.2.ends_with("with an explicit deny in an identity-based policy"), "{}", refused.2);
    let listed = world.iam(&keys, "ListRolePolicies", &[ROLE]).await;
    assert_eq!(
        (listed.xml("PolicyNames"), listed.xml("IsTruncated")),
        ("<member>lodge-cut-off</member>".into(), "false".into())
    );
    let read = world.iam(&keys, "GetRolePolicy", &[ROLE, name]).await;
    assert_eq!((read.xml("RoleName").as_str(), read.xml("PolicyName").as_str()), ("lodge-session", "lodge-cut-off"));
    assert_eq!(decoded(&read.xml("PolicyDocument")), cut_off, "byte for byte");
    let delete = world.iam(&keys, "DeleteRolePolicy", &[ROLE, name]).await;
    assert_eq!(delete.status, StatusCode::OK, "{}", delete.body);
    assert_eq!(world.mturk(&person, "ListHITs", &json!({})).await.status, StatusCode::OK);
    let calls = world.aws.calls();
    let (service, caller) = (calls.last().unwrap().service, calls[calls.len() - 2].caller.as_deref());
    assert_eq!((service, caller), (Service::MTurk, Some(STEWARD_SESSION)));
}

#[tokio::test]
async fn a_policy_that_was_put_may_be_seen_late() {
    let world = world();
    let keys = steward(&world, "").await;
    let name = ("PolicyName", "late");
    world.aws.delay_changes(2);

    world.iam(&keys, "PutRolePolicy", &[ROLE, name, ("PolicyDocument", READ_POLICY)]).await;

    for status in [404, 404, 200] {
        assert_eq!(world.iam(&keys, "GetRolePolicy", &[ROLE, name]).await.status.as_u16(), status);
    }
}

#[tokio::test]
async fn a_policy_that_is_replaced_is_read_as_it_was_until_the_new_one_counts() {
    let world = world();
    let keys = steward(&world, "").await;
    let person = world.session(READ_POLICY).await;
    let name = ("PolicyName", "lodge-cut-off");
    let deny = READ_POLICY.replace("Allow", "Deny");
    let put = async |document: &str| {
        let form = [ROLE, name, ("PolicyDocument", document)];
        world.iam(&keys, "PutRolePolicy", &form).await.status.as_u16()
    };
    let seen = async || {
        let read = world.iam(&keys, "GetRolePolicy", &[ROLE, name]).await;
        (decoded(&read.xml("PolicyDocument")), world.mturk(&person, "ListHITs", &json!({})).await.status.as_u16())
    };
    assert_eq!(put(READ_POLICY).await, 200);
    world.aws.apply_changes_after(chrono::TimeDelta::seconds(60));

    assert_eq!(put(&deny).await, 200);

    assert_eq!(seen().await, (READ_POLICY.to_owned(), 200));
    assert_eq!(world.aws.role(VISION_ROLE).unwrap().inline_policies["lodge-cut-off"], deny);
    world.clock.advance(chrono::TimeDelta::seconds(60));
    assert_eq!(seen().await, (deny.clone(), 400));
}

#[tokio::test]
async fn a_call_is_lost_before_or_after_it_is_done() {
    let world = world();
    let keys = steward(&world, "").await;
    let name = ("PolicyName", "late");
    let put = [ROLE, name, ("PolicyDocument", READ_POLICY)];
    let is_there = || world.aws.role(VISION_ROLE).unwrap().inline_policies.contains_key("late");
    world.aws.delay_changes(1);

    world.aws.lose("PutRolePolicy", 2, Lost::OnTheWayThere);

    for _ in 0..2 {
        // Of every other action, no call is lost.
        assert_eq!(world.iam(&keys, "GetRolePolicy", &[ROLE, name]).await.refusal().1, "NoSuchEntity");
        world.is_lost(world.iam_request(&keys, "PutRolePolicy", &put)).await;
        assert!(!is_there());
    }
    let call = world.aws.calls().pop().unwrap();
    assert_eq!((call.action.as_str(), call.error_code.as_deref()), ("PutRolePolicy", Some("dropped")));
    world.aws.lose("PutRolePolicy", 1, Lost::OnTheWayBack);
    world.is_lost(world.iam_request(&keys, "PutRolePolicy", &put)).await;
    assert!(is_there());
    world.aws.lose("PutRolePolicy", 1, Lost::OnTheWayThere);
    world.is_lost(world.iam_request(&keys, "PutRolePolicy", &put)).await;
    // What was done is seen a call later, and what never arrived is no call.
    for status in [404, 200] {
        assert_eq!(world.iam(&keys, "GetRolePolicy", &[ROLE, name]).await.status.as_u16(), status);
    }
    assert_eq!(world.iam(&keys, "PutRolePolicy", &put).await.status, StatusCode::OK);
    let call = world.aws.calls().pop().unwrap();
    assert_eq!((call.action.as_str(), call.error_code), ("PutRolePolicy", None));
}

#[tokio::test]
async fn attached_policies_are_listed_and_read_in_the_version_that_counts() {
    let world = world();
    let keys = steward(&world, "").await;

    let listed = world.iam(&keys, "ListAttachedRolePolicies", &[ROLE]).await;
    assert_eq!((listed.xml("PolicyName").as_str(), listed.xml("PolicyArn").as_str()), ("permissions", PERMISSIONS));
    let policy = world.iam(&keys, "GetPolicy", &[("PolicyArn", BOUNDARY)]).await;
    for (name, value) in [
        ("PolicyName", "boundary"),
        ("Path", "/lodge/"),
        ("DefaultVersionId", "v1"),
        ("AttachmentCount", "0"),
        ("PermissionsBoundaryUsageCount", "1"),
    ] {
        assert_eq!(policy.xml(name), value, "{name}");
    }
    let version = [("PolicyArn", BOUNDARY), ("VersionId", "v1")];
    let read = world.iam(&keys, "GetPolicyVersion", &version).await;
    assert_eq!(decoded(&read.xml("Document")), allow(&json!("mechanicalturk:*")));
    assert_eq!((read.xml("VersionId").as_str(), read.xml("IsDefaultVersion").as_str()), ("v1", "true"));
    // The lab widens its boundary.
    world.clock.advance(chrono::TimeDelta::seconds(60));
    let wider = ManagedPolicy { version_id: "v2".into(), ..managed("boundary", &allow(&json!("*"))) };
    world.aws.change_role(VISION_ROLE, |role| role.boundary = Some(wider)).unwrap();
    let policy = world.iam(&keys, "GetPolicy", &[("PolicyArn", BOUNDARY)]).await;
    assert_eq!(
        (policy.xml("DefaultVersionId").as_str(), policy.xml("UpdateDate").as_str()),
        ("v2", "2026-11-21T12:01:00Z")
    );
    assert_eq!(policy.xml("CreateDate"), "2026-11-21T12:00:00Z");
    assert_eq!(world.iam(&keys, "ListPolicyVersions", &[("PolicyArn", BOUNDARY)]).await.xml("VersionId"), "v2");
    let gone = format!("Policy {BOUNDARY} version v1 does not exist or is not attachable.");
    assert_eq!(world.iam(&keys, "GetPolicyVersion", &version).await.refusal(), (404, "NoSuchEntity".into(), gone));
    // Nobody's boundary any more, it is still a policy of the account.
    world.aws.change_role(VISION_ROLE, |role| role.boundary = None).unwrap();
    let policy = world.iam(&keys, "GetPolicy", &[("PolicyArn", BOUNDARY)]).await;
    assert_eq!(policy.xml("PermissionsBoundaryUsageCount"), "0");
}

#[tokio::test]
async fn a_list_comes_in_pages_and_a_marker_is_of_its_own_list() {
    let world = world();
    let keys = steward(&world, "").await;
    let names = ["a", "b", "c", "d", "e"];
    let attached = names.map(|name| managed(name, READ_POLICY)).to_vec();
    world.aws.change_role(VISION_ROLE, |role| role.attached_policies = attached).unwrap();
    world.aws.change_role(VISION_ROLE, |role| role.inline_policies = inline(&[READ_POLICY; 3])).unwrap();

    let (mut seen, mut markers) = (Vec::new(), Vec::<String>::new());
    loop {
        let mut form = vec![ROLE, ("MaxItems", "2")];
        form.extend(markers.last().map(|marker| ("Marker", marker.as_str())));
        let page = world.iam(&keys, "ListAttachedRolePolicies", &form).await;
        seen.extend(page.body.split("<PolicyName>").skip(1).map(|rest| rest.split_once('<').unwrap().0.to_owned()));
        if page.xml("IsTruncated") == "false" {
            assert!(!page.body.contains("<Marker>"));
            break;
        }
        markers.push(page.xml("Marker"));
    }

    assert_eq!((seen, markers.len()), (names.map(str::to_owned).to_vec(), 2));
    for marker in [markers[0].as_str(), "x", "QQ"] {
        let refused = world.iam(&keys, "ListRolePolicies", &[ROLE, ("Marker", marker)]).await.refusal();
        assert_eq!(refused, (400, "ValidationError".into(), "Invalid Marker.".into()));
    }
    for (size, must) in [("0", "greater than or equal to 1"), ("1001", "less than or equal to 1000"), ("x", "a whole")]
    {
        let refused = world.iam(&keys, "ListRolePolicies", &[ROLE, ("MaxItems", size)]).await.refusal();
        assert!(refused.1 == "ValidationError" && refused.2.contains(must), "{refused:?}");
    }
}

#[tokio::test]
async fn every_call_needs_the_permission_of_every_layer() {
    let world = world();
    let role = "role lodge-session";
    let document = ("PolicyDocument", READ_POLICY);
    let policy = ("PolicyName", "p");
    let arn = ("PolicyArn", BOUNDARY);
    let on_policy = format!("policy {BOUNDARY}");
    let nothing = steward(&world, &allow(&json!("s3:*"))).await;
    let calls: [(&str, Form, &str); 9] = [
        ("GetRole", &[ROLE], role),
        ("ListRolePolicies", &[ROLE], role),
        ("GetRolePolicy", &[ROLE, policy], role),
        ("PutRolePolicy", &[ROLE, policy, document], role),
        ("DeleteRolePolicy", &[ROLE, policy], role),
        ("ListAttachedRolePolicies", &[ROLE], role),
        ("GetPolicy", &[arn], &on_policy),
        ("GetPolicyVersion", &[arn, ("VersionId", "v1")], &on_policy),
        ("ListPolicyVersions", &[arn], &on_policy),
    ];
    for (action, form, resource) in calls {
        let spoken = format!("iam:{action}");
        let by_session = denied(&spoken, resource, &format!("because no session policy allows the {spoken} action"));
        assert_eq!(world.iam(&nothing, action, form).await.refusal(), by_session);
        // Somebody who works in the lab.
        let person = world.session(&allow(&json!("*"))).await;
        let refused = world.iam(&person, action, form).await.refusal();
        assert!(refused.1 == "AccessDenied" && refused.2.contains("no identity-based policy allows"), "{refused:?}");
    }
    let keys = steward(&world, "").await;
    world.aws.change_role(STEWARD_ROLE, |role| role.boundary = Some(managed("none", &allow(&json!("s3:*"))))).unwrap();
    let by_boundary = denied("iam:GetRole", role, "because no permissions boundary allows the iam:GetRole action");
    assert_eq!(world.iam(&keys, "GetRole", &[ROLE]).await.refusal(), by_boundary);
}

#[tokio::test]
async fn a_steward_reaches_one_role_and_knows_of_no_other() {
    let world = world();
    let keys = steward(&world, "").await;

    // Its own role, one that is not there, one of another account, and one that is like another: all sound alike.
    for name in ["lodge-steward", "not-there", "lodge-session2"] {
        let refused = world.iam(&keys, "GetRole", &[("RoleName", name)]).await.refusal();
        assert_eq!(refused, not_allowed("iam:GetRole", &format!("role {name}")));
    }
    let elsewhere = "arn:aws:iam::444455556666:policy/lodge/boundary";
    let refused = world.iam(&keys, "GetPolicy", &[("PolicyArn", elsewhere)]).await.refusal();
    assert_eq!(refused, not_allowed("iam:GetPolicy", &format!("policy {elsewhere}")));
    for action in ["UpdateAssumeRolePolicy", "DeleteRolePermissionsBoundary", "AttachRolePolicy", "CreateRole"] {
        assert_eq!(world.iam(&keys, action, &[ROLE]).await.refusal().1, "InvalidAction");
    }
}

#[tokio::test]
async fn a_name_is_of_the_callers_own_account() {
    let mut settings = with_steward(allow(&json!("iam:*")));
    let theirs = managed("boundary", READ_POLICY);
    let theirs = ManagedPolicy { arn: theirs.arn.replace("111122223333", "444455556666"), ..theirs };
    settings.accounts[1].roles[0].boundary = Some(theirs);
    // Another that comes before it in any order.
    let mut first = settings.accounts[0].clone();
    first.id = "000011112222".into();
    first.roles.truncate(1);
    first.roles[0] = IamRole {
        arn: VISION_ROLE.replace("111122223333", "000011112222"),
        role_id: "AROAFIRST123456789012".into(),
        attached_policies: Vec::new(),
        boundary: None,
        ..first.roles[0].clone()
    };
    settings.accounts.push(first);
    let world = World::new(settings);
    let keys = steward(&world, "").await;

    let answer = world.iam(&keys, "GetRole", &[("RoleName", "LODGE-session")]).await;

    assert_eq!(answer.xml("Arn"), VISION_ROLE, "other accounts have roles of that name too");
    let elsewhere = "arn:aws:iam::444455556666:policy/lodge/boundary";
    let refused = world.iam(&keys, "GetPolicy", &[("PolicyArn", elsewhere)]).await.refusal();
    assert_eq!(refused, (404, "NoSuchEntity".into(), format!("Policy {elsewhere} was not found.")));
}

#[tokio::test]
async fn who_may_ask_hears_what_is_not_there() {
    let world = World::new(with_steward(allow(&json!("iam:*"))));
    let keys = steward(&world, "").await;
    let none = ("RoleName", "none");
    let no_role = "The role with name none cannot be found.";
    let no_policy = "The role policy with name p cannot be found.";
    let policy = ("PolicyName", "p");

    let cases: [(&str, Form, &str); 7] = [
        ("GetRole", &[none], no_role),
        ("ListRolePolicies", &[none], no_role),
        ("ListAttachedRolePolicies", &[none], no_role),
        ("GetRolePolicy", &[none, policy], no_role),
        ("PutRolePolicy", &[none, policy, ("PolicyDocument", READ_POLICY)], no_role),
        ("GetRolePolicy", &[ROLE, policy], no_policy),
        ("DeleteRolePolicy", &[ROLE, policy], no_policy),
    ];
    for (action, form, message) in cases {
        assert_eq!(
            world.iam(&keys, action, form).await.refusal(),
            (404, "NoSuchEntity".into(), message.into()),
            "{action}"
        );
    }
}

#[tokio::test]
async fn writing_may_hang_on_the_boundary_of_the_role() {
    let condition = json!({ "ArnEquals": { "iam:PermissionsBoundary": BOUNDARY } });
    let world = World::new(with_steward(steward_policy(&condition)));
    let keys = steward(&world, "").await;
    let put = [ROLE, ("PolicyName", "p"), ("PolicyDocument", READ_POLICY)];
    let refused = not_allowed("iam:PutRolePolicy", "role lodge-session");
    assert_eq!(world.iam(&keys, "PutRolePolicy", &put).await.status, StatusCode::OK);

    world.aws.change_role(VISION_ROLE, |role| role.boundary = Some(managed("other", READ_POLICY))).unwrap();
    assert_eq!(world.iam(&keys, "PutRolePolicy", &put).await.refusal(), refused);
    world.aws.change_role(VISION_ROLE, |role| role.boundary = None).unwrap();
    assert_eq!(world.iam(&keys, "PutRolePolicy", &put).await.refusal(), refused);
    let delete = world.iam(&keys, "DeleteRolePolicy", &put[..2]).await.refusal();
    assert_eq!(delete, not_allowed("iam:DeleteRolePolicy", "role lodge-session"));
}

#[tokio::test]
async fn all_inline_policies_share_one_room_that_white_space_does_not_fill() {
    let world = world();
    let keys = steward(&world, "").await;
    let sized = |chars: usize, space: usize| {
        let frame = r#"{"Version":"2012-10-17","Statement":[{"Sid":"","Effect":"Deny","Action":"*","Resource":"*"}]}"#;
        let sid = format!("\"Sid\":{}\"{}\"", " ".repeat(space), "a".repeat(chars - frame.len()));
        frame.replace("\"Sid\":\"\"", &sid)
    };
    let put = async |name: &str, document: &str| {
        let answer =
            world.iam(&keys, "PutRolePolicy", &[ROLE, ("PolicyName", name), ("PolicyDocument", document)]).await;
        answer.status.as_u16()
    };

    assert_eq!(put("one", &sized(10_240, 5_000)).await, 200);
    assert_eq!(put("two", READ_POLICY).await, 409);
    assert_eq!(put("one", &sized(10_241, 0)).await, 409);
    assert_eq!(put("one", &sized(10_140, 0)).await, 200, "it takes the place of the first");
    assert_eq!(put("two", &sized(100, 0)).await, 200);
    assert_eq!(put("two", &sized(101, 0)).await, 409);
    let form = [ROLE, ("PolicyName", "three"), ("PolicyDocument", READ_POLICY)];
    let message = "Maximum policy size of 10240 bytes exceeded for role lodge-session".to_owned();
    assert_eq!(world.iam(&keys, "PutRolePolicy", &form).await.refusal(), (409, "LimitExceeded".into(), message));
}

#[tokio::test]
async fn what_is_not_a_request_is_refused_in_the_words_of_iam() {
    let world = world();
    let keys = steward(&world, "").await;
    let policy = ("PolicyName", "p");
    let long = "r".repeat(65);

    let cases: [(&str, Form, &str, &str); 14] = [
        ("GetRole", &[], "ValidationError", "Value null at 'roleName' failed"),
        ("GetRole", &[("RoleName", "")], "ValidationError", "have length greater than or equal to 1"),
        ("GetRole", &[("RoleName", &long)], "ValidationError", "have length less than or equal to 64"),
        ("GetRole", &[("RoleName", "a/b")], "ValidationError", r"regular expression pattern: [\w+=,.@-]+"),
        ("GetRole", &[ROLE, ("Path", "/")], "ValidationError", "parameter 'Path'"),
        ("GetRolePolicy", &[], "ValidationError", "2 validation errors detected"),
        ("PutRolePolicy", &[ROLE, policy], "ValidationError", "Value null at 'policyDocument'"),
        ("PutRolePolicy", &[ROLE, policy, ("PolicyDocument", "{")], "MalformedPolicyDocument", "invalid Json"),
        ("PutRolePolicy", &[ROLE, policy, ("PolicyDocument", "{}")], "MalformedPolicyDocument", "Syntax errors"),
        (
            "PutRolePolicy",
            &[ROLE, policy, ("PolicyDocument", r#"{"Version":"2012-10-17","Statement":[]}"#)],
            "MalformedPolicyDocument",
            "Syntax errors",
        ),
        ("GetPolicy", &[("PolicyArn", "arn")], "ValidationError", "greater than or equal to 20"),
        ("GetPolicy", &[("PolicyArn", VISION_ROLE)], "ValidationError", "be the ARN of a policy"),
        ("GetPolicyVersion", &[("PolicyArn", BOUNDARY)], "ValidationError", "Value null at 'versionId'"),
        (
            "GetPolicyVersion",
            &[("PolicyArn", BOUNDARY), ("VersionId", "1")],
            "ValidationError",
            "regular expression pattern: v[1-9][0-9]*",
        ),
    ];
    for (action, form, code, message) in cases {
        let refused = world.iam(&keys, action, form).await.refusal();
        assert_eq!((refused.0, refused.1.as_str()), (400, code), "{}", refused.2);
        assert!(refused.2.contains(message), "{}", refused.2);
    }
    let before = world.aws.role(VISION_ROLE).unwrap();
    assert_eq!(before.inline_policies.len(), 0);
}

#[tokio::test]
async fn iam_takes_signatures_for_itself_in_its_one_region() {
    let world = world();
    let keys = steward(&world, "").await;
    let headers = [("content-type", "application/x-www-form-urlencoded")];
    let body = "Action=GetRole&Version=2010-05-08&RoleName=lodge-session";

    for (service, region, status) in [("iam", "us-east-1", 200), ("sts", "us-east-1", 403), ("iam", "eu-west-1", 403)] {
        let answer = world.send(world.signed(&keys, service, region, &headers, body)).await;
        assert_eq!(answer.status.as_u16(), status, "{service} {region}");
        assert!(answer.body.contains("https://iam.amazonaws.com/doc/2010-05-08/"));
    }
    world.clock.advance(chrono::TimeDelta::hours(1));
    assert_eq!(world.iam(&keys, "GetRole", &[ROLE]).await.refusal().1, "ExpiredToken");
}
