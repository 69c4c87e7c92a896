//! Stacks: what they make, and what of a template is refused.

use super::*;

const ACCOUNT: &str = "444455556666";
const SESSION: &str = "arn:aws:iam::444455556666:role/lodge/session";
const STEWARD: &str = "arn:aws:iam::444455556666:role/lodge/steward";
const BOUNDARY: &str = "arn:aws:iam::444455556666:policy/lodge/boundary";

fn template() -> Value {
    let managed = |name: &str, roles: Value| {
        let document: Value = serde_json::from_str(&allow(&json!("mechanicalturk:*"))).unwrap();
        json!({"Type": "AWS::IAM::ManagedPolicy", "Properties": {
            "ManagedPolicyName": name, "Path": "/lodge/", "PolicyDocument": document, "Roles": roles,
        }})
    };
    let role = |name: &str| {
        json!({"Type": "AWS::IAM::Role", "Properties": {
            "RoleName": name,
            "Path": "/lodge/",
            "Description": "a role",
            "AssumeRolePolicyDocument": serde_json::from_str::<Value>(&trust("the-external-id")).unwrap(),
            "MaxSessionDuration": 3_600,
            "Tags": [{"Key": "lodge-lab", "Value": "x"}],
        }})
    };
    let mut session = role("session");
    session["Properties"]["PermissionsBoundary"] = json!({"Ref": "Boundary"});
    let inline: Value = serde_json::from_str(&allow(&json!("iam:ListUsers"))).unwrap();
    json!({
        "AWSTemplateFormatVersion": "2010-09-09",
        "Description": "A stack.",
        "Resources": {
            "Permissions": managed("permissions", json!([{"Ref": "Session"}])),
            "Boundary": managed("boundary", json!([])),
            "Session": session,
            "Steward": role("steward"),
            "StewardPolicy": {"Type": "AWS::IAM::Policy", "Properties": {
                "PolicyName": "own", "PolicyDocument": inline, "Roles": [{"Ref": "Steward"}],
            }},
        },
        "Outputs": {
            "Session": {"Value": {"Fn::GetAtt": ["Session", "Arn"]}},
            "Steward": {"Value": {"Fn::GetAtt": "Steward.Arn"}},
            "Boundary": {"Value": {"Ref": "Boundary"}},
        },
    })
}

fn changed(change: impl FnOnce(&mut Value)) -> String {
    let mut template = template();
    change(&mut template);
    template.to_string()
}

#[tokio::test]
async fn a_stack_makes_the_roles_and_gives_them_their_policies() {
    let world = World::new(settings());

    world.aws.create_stack(ACCOUNT, &template().to_string()).unwrap();

    let (session, steward) = (world.aws.role(SESSION).unwrap(), world.aws.role(STEWARD).unwrap());
    assert_eq!(session.boundary.as_ref().map(|policy| policy.arn.as_str()), Some(BOUNDARY));
    assert_eq!(session.attached_policies[0].arn, BOUNDARY.replace("boundary", "permissions"));
    assert_eq!((session.attached_policies.len(), session.inline_policies.len()), (1, 0));
    assert_eq!((steward.boundary, steward.attached_policies.len()), (None, 0));
    assert_eq!(steward.inline_policies.keys().collect::<Vec<_>>(), ["own"]);
    assert_eq!(session.max_session_seconds, 3_600);
    assert!(session.role_id.starts_with("AROA") && session.role_id != steward.role_id);
    // In the account that it is made in, and in no other.
    assert!(world.aws.role(&SESSION.replace(ACCOUNT, "111122223333")).is_none());
}

#[tokio::test]
async fn an_update_changes_what_the_template_says_and_nothing_beside_it() {
    let world = World::new(settings());
    world.aws.create_stack(ACCOUNT, &template().to_string()).unwrap();
    let first = world.aws.role(SESSION).unwrap();
    let cut_off = ("cut-off".to_owned(), allow(&json!("iam:GetUser")));
    world.aws.change_role(SESSION, |role| role.inline_policies.extend([cut_off.clone()])).unwrap();
    world.aws.create_stack(ACCOUNT, &template().to_string()).unwrap();
    assert_eq!(world.aws.role(SESSION).unwrap().attached_policies[0].version_id, "v1", "the same is no new version");

    let wider = changed(|template| {
        for policy in ["Permissions", "Boundary"] {
            template["Resources"][policy]["Properties"]["PolicyDocument"]["Statement"]["Action"] = json!("s3:*");
        }
        template["Resources"]["Session"]["Properties"]["MaxSessionDuration"] = json!(7_200);
    });
    world.aws.create_stack(ACCOUNT, &wider).unwrap();

    let second = world.aws.role(SESSION).unwrap();
    assert_eq!((&second.role_id, second.max_session_seconds), (&first.role_id, 7_200));
    assert_eq!(second.inline_policies, BTreeMap::from([cut_off]));
    let attached = &second.attached_policies[0];
    assert!(attached.version_id == "v2" && attached.document.contains("s3:*"), "{attached:?}");
}

#[tokio::test]
async fn a_role_that_is_made_again_has_another_id_and_one_after_a_restart_the_same() {
    let (world, restarted) = (World::new(settings()), World::new(settings()));
    for world in [&world, &restarted] {
        world.aws.create_stack(ACCOUNT, &template().to_string()).unwrap();
    }
    let first = world.aws.role(SESSION).unwrap().role_id;
    assert_eq!(restarted.aws.role(SESSION).unwrap().role_id, first);

    world.aws.remove_role(SESSION).unwrap();
    world.aws.create_stack(ACCOUNT, &template().to_string()).unwrap();

    assert_ne!(world.aws.role(SESSION).unwrap().role_id, first);
}

#[tokio::test]
async fn what_is_not_carried_out_is_refused_and_nothing_is_made() {
    type Change = fn(&mut Value);
    let world = World::new(settings());
    let cases: [(Change, &str); 17] = [
        (|t| t["Parameters"] = json!({}), "the template: `Parameters` is not carried out by this AWS"),
        (|t| t["Resources"] = json!([]), "Resources: must be an object"),
        (|t| drop(t.as_object_mut().unwrap().remove("Resources")), "the template: `Resources` is missing"),
        (
            |t| t["Resources"]["Bucket"] = json!({"Type": "AWS::S3::Bucket", "Properties": {}}),
            "Resources.Bucket: `Type` is none that this AWS makes: it makes IAM roles and policies",
        ),
        (
            |t| t["Resources"]["Session"]["Condition"] = json!("IsProduction"),
            "Resources.Session: `Condition` is not carried out by this AWS",
        ),
        (
            |t| t["Resources"]["Session"]["Properties"]["Policies"] = json!([]),
            "Resources.Session: `Policies` is not carried out by this AWS",
        ),
        (
            |t| t["Resources"]["Session"]["Properties"]["PermissionsBoundary"] = json!({"Fn::Sub": "x"}),
            "Resources.Session: `PermissionsBoundary` must be a text, or `Ref` or `Fn::GetAtt` of a resource of the template",
        ),
        (
            |t| {
                t["Resources"]["Session"]["Properties"]["PermissionsBoundary"] =
                    json!("arn:aws:iam::aws:policy/ReadOnlyAccess");
            },
            "Resources.Session: `PermissionsBoundary` is not a policy that the template makes",
        ),
        (
            |t| t["Resources"]["Session"]["Properties"]["MaxSessionDuration"] = json!(900),
            "Resources.Session: `MaxSessionDuration` must be 3600 to 43200",
        ),
        (
            |t| t["Resources"]["Session"]["Properties"]["Path"] = json!("lodge"),
            "Resources.Session: `Path` must begin and end with a slash",
        ),
        (
            |t| t["Resources"]["Steward"]["Properties"]["RoleName"] = json!("session"),
            "Resources.Steward: `RoleName` is that of another resource",
        ),
        (
            |t| t["Resources"]["Steward"]["Properties"]["RoleName"] = json!("a b"),
            "`arn:aws:iam::444455556666:role/lodge/a b` is not the ARN of a role",
        ),
        (
            |t| t["Resources"]["StewardPolicy"]["Properties"]["Roles"] = json!(["other"]),
            "Resources.StewardPolicy: `Roles` names a role that the template does not make",
        ),
        (
            |t| t["Resources"]["StewardPolicy"]["Properties"]["Roles"] = json!([]),
            "Resources.StewardPolicy: `Roles` must name a role",
        ),
        (
            |t| t["Resources"]["Permissions"]["Properties"]["Roles"] = json!([]),
            "Resources.Permissions: no role of the template has this policy",
        ),
        (
            |t| t["Resources"]["Boundary"]["Properties"]["PolicyDocument"]["Pad"] = json!("x".repeat(6_144)),
            "Resources.Boundary: `PolicyDocument` has more than 6144 characters",
        ),
        (
            |t| t["Outputs"]["Session"]["Value"] = json!({"Fn::GetAtt": ["Session", "RoleId"]}),
            "Outputs.Session: `Value` must be a text, or `Ref` or `Fn::GetAtt` of a resource of the template",
        ),
    ];
    for (change, sentence) in cases {
        let error = world.aws.create_stack(ACCOUNT, &changed(change)).unwrap_err();
        assert_eq!(error.to_string(), sentence);
    }
    let unreadable = changed(|t| t["Resources"]["Session"]["Properties"]["AssumeRolePolicyDocument"] = json!({}));
    let error = world.aws.create_stack(ACCOUNT, &unreadable).unwrap_err().to_string();
    assert!(error.starts_with(&format!("a policy of `{SESSION}` cannot be read: ")), "{error}");
    let error = world.aws.create_stack(ACCOUNT, "Resources:\n  Session:").unwrap_err().to_string();
    assert_eq!(error, "the template is not JSON (line 1, column 1)");
    let error = world.aws.create_stack("777788889999", &template().to_string()).unwrap_err().to_string();
    assert_eq!(error, "there is no account 777788889999");

    assert!(world.aws.role(SESSION).is_none() && world.aws.role(STEWARD).is_none());
    world.aws.create_stack(ACCOUNT, &template().to_string()).unwrap();
}
