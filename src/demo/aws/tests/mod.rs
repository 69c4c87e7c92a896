//! The small AWS from outside, by signed requests: what is allowed, and above all what is refused.

mod controls;
mod iam;
mod mturk;
mod signature;
mod stack;
mod sts;
mod troubles;

use std::time::SystemTime;

use aws_credential_types::Credentials;
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4;
use aws_smithy_runtime_api::client::identity::Identity;
use axum::body::{Body, to_bytes};
use axum::extract::State;
use axum::http::{Request, StatusCode};
use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use url::form_urlencoded;

use super::*;
use crate::ambient::{ManualClock, SeededRandom};

const BROKER_ROLE: &str = "arn:aws:iam::999988887777:role/lodge-broker";
const VISION_ROLE: &str = "arn:aws:iam::111122223333:role/lodge-session";
const VISION_ROLE_ID: &str = "AROAVISION12345678901";
const LANGUAGE_ROLE: &str = "arn:aws:iam::444455556666:role/labs/lodge-session";
const VISION_SESSION: &str = "arn:aws:sts::111122223333:assumed-role/lodge-session/rs-1";
const READ_POLICY: &str = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow",
    "Action":["mechanicalturk:GetHIT","mechanicalturk:ListHITs"],"Resource":"*"}]}"#;

/// A trust policy in three statements, as the lab's account gets it.
fn trust(external_id: &str) -> String {
    let principal = json!({ "AWS": BROKER_ROLE });
    let statement = |action: &str, condition: Value| {
        let mut statement = json!({ "Effect": "Allow", "Principal": principal, "Action": action });
        statement["Condition"] = condition;
        statement
    };
    json!({ "Version": "2012-10-17", "Statement": [
        statement("sts:AssumeRole", json!({
            "StringEquals": { "sts:ExternalId": external_id },
            "StringLike": { "sts:SourceIdentity": ["p-*", "m-*"], "sts:RoleSessionName": "rs-*" },
        })),
        statement("sts:SetSourceIdentity", json!({ "StringLike": { "sts:SourceIdentity": ["p-*", "m-*"] } })),
        statement("sts:TagSession", json!({
            "StringEquals": { "aws:RequestTag/lodge-role": ["read-results", "publish", "pay"] },
            "ForAllValues:StringEquals": { "aws:TagKeys": ["lodge-role", "lodge-lab"] },
        })),
    ]})
    .to_string()
}

fn allow(actions: &Value) -> String {
    let statement = json!({ "Effect": "Allow", "Action": actions, "Resource": "*" });
    json!({ "Version": "2012-10-17", "Statement": statement }).to_string()
}

/// A managed policy of the vision lab's account.
fn managed(name: &str, document: &str) -> ManagedPolicy {
    let arn = format!("arn:aws:iam::111122223333:policy/lodge/{name}");
    ManagedPolicy { arn, version_id: "v1".into(), document: document.into() }
}

/// Inline policies, by number.
fn inline(policies: &[&str]) -> BTreeMap<String, String> {
    policies.iter().enumerate().map(|(index, policy)| (format!("p{index}"), (*policy).to_owned())).collect()
}

fn settings() -> Settings {
    let role = |arn: &str, role_id: &str, external_id: &str| IamRole {
        arn: arn.into(),
        role_id: role_id.into(),
        trust: trust(external_id),
        inline_policies: BTreeMap::from([("permissions".into(), allow(&json!("mechanicalturk:*")))]),
        attached_policies: Vec::new(),
        boundary: None,
        max_session_seconds: 3_600,
    };
    let account = |id: &str, role: IamRole, theme: Theme| Account {
        id: id.into(),
        roles: vec![role],
        marketplace: Marketplace::seeded(theme, start()),
        buckets: Vec::new(),
    };
    Settings {
        sealing_key: [7; 32],
        broker: BrokerIdentity {
            role_arn: BROKER_ROLE.into(),
            session_name: "broker-1".into(),
            access_key_id: "ASIABROKERBROKERBROK".into(),
            secret_access_key: "broker-secret-key".to_owned().into(),
            session_token: "broker-session-token".to_owned().into(),
            policies: vec![allow(&json!(["sts:AssumeRole", "sts:TagSession", "sts:SetSourceIdentity"]))],
        },
        accounts: vec![
            account("111122223333", role(VISION_ROLE, VISION_ROLE_ID, "vision-external-id"), Theme::Vision),
            account(
                "444455556666",
                role(LANGUAGE_ROLE, "AROALANGUAGE123456789", "language-external-id"),
                Theme::Language,
            ),
        ],
    }
}

fn start() -> DateTime<Utc> {
    DateTime::parse_from_rfc3339("2026-11-21T12:00:00Z").unwrap().to_utc()
}

#[derive(Clone, Debug, PartialEq)]
struct Keys {
    id: String,
    secret: String,
    token: Option<String>,
}

impl Keys {
    fn broker() -> Self {
        let token = Some("broker-session-token".into());
        Self { id: "ASIABROKERBROKERBROK".into(), secret: "broker-secret-key".into(), token }
    }
}

struct Answer {
    status: StatusCode,
    body: String,
}

impl Answer {
    /// The text of the first XML element of this name.
    fn xml(&self, name: &str) -> String {
        let (_, rest) = self.body.split_once(&format!("<{name}>")).unwrap_or_else(|| panic!("{}", self.body));
        rest.split_once(&format!("</{name}>")).unwrap().0.to_owned()
    }

    fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }

    /// Status, code and message of a refusal, in either protocol.
    fn refusal(&self) -> (u16, String, String) {
        let (code, message) = if self.body.starts_with('<') {
            (self.xml("Code"), self.xml("Message"))
        } else {
            let text = |member: &str| self.json()[member].as_str().unwrap_or_default().to_owned();
            (text("__type"), text("Message"))
        };
        (self.status.as_u16(), code, message)
    }

    fn keys(&self) -> Keys {
        assert_eq!(self.status, StatusCode::OK, "{}", self.body);
        let token = Some(self.xml("SessionToken"));
        Keys { id: self.xml("AccessKeyId"), secret: self.xml("SecretAccessKey"), token }
    }
}

struct World {
    aws: SmallAws,
    clock: ManualClock,
}

impl World {
    fn new(settings: Settings) -> Self {
        let clock = ManualClock::at(start());
        let random = Random::Seeded(SeededRandom::new(1));
        let aws = SmallAws::new(settings, Clock::Manual(clock.clone()), random).unwrap();
        Self { aws, clock }
    }

    /// A request signed the way an SDK does it.
    fn signed(&self, keys: &Keys, service: &str, region: &str, headers: &[(&str, &str)], body: &str) -> Request<Body> {
        let credentials = Credentials::from_keys(&keys.id, &keys.secret, keys.token.clone());
        let identity: Identity = credentials.into();
        let params = v4::SigningParams::builder()
            .identity(&identity)
            .region(region)
            .name(service)
            .time(SystemTime::from(Clock::Manual(self.clock.clone()).now()))
            .settings(SigningSettings::default())
            .build()
            .unwrap()
            .into();
        let all = headers.iter().copied().chain([("host", "127.0.0.1:4566")]);
        let uri = "http://127.0.0.1:4566/";
        let signable = SignableRequest::new("POST", uri, all.clone(), SignableBody::Bytes(body.as_bytes())).unwrap();
        let (instructions, _) = sign(signable, &params).unwrap().into_parts();
        let mut request = Request::post("/");
        for (name, value) in all {
            request = request.header(name, value);
        }
        let mut request = request.body(Body::from(body.to_owned())).unwrap();
        instructions.apply_to_request_http1x(&mut request);
        request
    }

    async fn send(&self, request: Request<Body>) -> Answer {
        let response = serve(State(self.aws.clone()), request).await;
        assert!(response.headers().contains_key("x-amzn-requestid"));
        let status = response.status();
        let body = to_bytes(response.into_body(), usize::MAX).await.unwrap();
        Answer { status, body: String::from_utf8(body.to_vec()).unwrap() }
    }

    async fn sts(&self, keys: &Keys, form: &[(&str, &str)]) -> Answer {
        let mut body = form_urlencoded::Serializer::new(String::new());
        body.extend_pairs(form);
        let headers = [("content-type", "application/x-www-form-urlencoded")];
        self.send(self.signed(keys, "sts", "us-east-1", &headers, &body.finish())).await
    }

    async fn iam(&self, keys: &Keys, action: &str, form: &[(&str, &str)]) -> Answer {
        self.send(self.iam_request(keys, action, form)).await
    }

    fn iam_request(&self, keys: &Keys, action: &str, form: &[(&str, &str)]) -> Request<Body> {
        let mut body = form_urlencoded::Serializer::new(String::new());
        body.extend_pairs([("Action", action), ("Version", "2010-05-08")]).extend_pairs(form);
        let headers = [("content-type", "application/x-www-form-urlencoded")];
        self.signed(keys, "iam", "us-east-1", &headers, &body.finish())
    }

    /// Sends what must not be answered.
    async fn is_lost(&self, request: Request<Body>) {
        let response = serve(State(self.aws.clone()), request).await;
        assert!(to_bytes(response.into_body(), usize::MAX).await.is_err(), "it was answered");
    }

    async fn mturk(&self, keys: &Keys, operation: &str, input: &Value) -> Answer {
        let target = format!("MTurkRequesterServiceV20170117.{operation}");
        let headers = [("content-type", "application/x-amz-json-1.1"), ("x-amz-target", target.as_str())];
        self.send(self.signed(keys, "mturk-requester", "us-east-1", &headers, &input.to_string())).await
    }

    /// `AssumeRole` on the vision lab's role as the broker calls it, with some parameters other than usual; an empty
    /// value leaves the parameter out.
    async fn assume(&self, keys: &Keys, changes: &[(&str, &str)]) -> Answer {
        let mut form = vec![
            ("Action", "AssumeRole"),
            ("Version", "2011-06-15"),
            ("RoleArn", VISION_ROLE),
            ("RoleSessionName", "rs-1"),
            ("ExternalId", "vision-external-id"),
            ("SourceIdentity", "p-1"),
            ("Policy", READ_POLICY),
            ("Tags.member.1.Key", "lodge-role"),
            ("Tags.member.1.Value", "read-results"),
        ];
        for (name, value) in changes {
            form.retain(|(known, _)| known != name);
            form.push((name, value));
        }
        form.retain(|(_, value)| !value.is_empty());
        self.sts(keys, &form).await
    }

    /// The keys of a session with this session policy.
    async fn session(&self, policy: &str) -> Keys {
        self.assume(&Keys::broker(), &[("Policy", policy)]).await.keys()
    }
}

#[test]
fn nothing_that_is_printed_shows_a_secret() {
    let printed = format!("{:?} {:?}", settings(), World::new(settings()).aws);

    assert!(printed.contains("lodge-broker"));
    for secret in ["broker-secret-key", "broker-session-token", "[7, 7"] {
        assert!(!printed.contains(secret), "{secret}");
    }
}

#[test]
fn settings_that_are_not_an_aws_are_refused() {
    let refused = |change: fn(&mut Settings)| {
        let mut settings = settings();
        change(&mut settings);
        let random = Random::Seeded(SeededRandom::new(1));
        SmallAws::new(settings, Clock::Manual(ManualClock::at(start())), random).err().unwrap().to_string()
    };

    assert_eq!(refused(|settings| settings.broker.role_arn = "me".into()), "`me` is not the ARN of a role");
    assert_eq!(
        refused(|settings| settings.accounts[0].roles[0].boundary = Some(managed("boundary", "{}"))),
        format!("a policy of `{VISION_ROLE}` cannot be read")
    );
    assert_eq!(
        refused(|settings| settings.accounts[0].id = "000000000000".into()),
        format!("`{VISION_ROLE}` is not in the account 000000000000")
    );
    assert_eq!(
        refused(|settings| settings.accounts[0].roles[0].role_id = "AROA1".into()),
        "`AROA1` is not the id of a role"
    );
    assert_eq!(
        refused(|settings| settings.accounts[1].roles[0].role_id = VISION_ROLE_ID.into()),
        format!("the id `{VISION_ROLE_ID}` is that of another role")
    );
    assert_eq!(
        refused(|settings| {
            let role = settings.accounts[0].roles[0].clone();
            let (arn, role_id) = (VISION_ROLE.replace("lodge-s", "path/Lodge-S"), "AROAOTHER123456789012".to_owned());
            settings.accounts[0].roles.push(IamRole { arn, role_id, ..role });
        }),
        "`arn:aws:iam::111122223333:role/path/Lodge-Session` has the name of another role"
    );
    assert_eq!(
        refused(|settings| {
            settings.accounts[0].roles[0].attached_policies = vec![managed("one", READ_POLICY)];
            settings.accounts[0].roles[0].boundary = Some(managed("one", &allow(&json!("*"))));
        }),
        "the policy `arn:aws:iam::111122223333:policy/lodge/one` is given in two ways"
    );
    assert_eq!(
        refused(|settings| settings.accounts[1].roles[0].attached_policies = vec![managed("one", READ_POLICY)]),
        "`arn:aws:iam::111122223333:policy/lodge/one` is not in the account 444455556666"
    );
}
