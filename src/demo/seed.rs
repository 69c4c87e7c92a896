//! What the demo starts with: two labs, six people, one AWS account for each lab. Plain data; whoever starts the demo
//! puts it where it belongs.

use serde_json::json;

use super::aws::Theme;
use super::{aws, idp};
use crate::ambient::Random;

/// What the demo's mappings call its identity provider.
pub const CONNECTION: &str = "campus";

/// Its title on the sign-in page.
pub const CONNECTION_TITLE: &str = "Example University";

/// What the identity provider calls the broker.
pub const CLIENT_ID: &str = "lodge";

/// The role that the broker runs under, in an account of its own.
pub const BROKER_ROLE: &str = "arn:aws:iam::999988887777:role/lodge-broker";

/// A lab of the demo.
#[derive(Clone, Copy, Debug)]
pub struct Lab {
    /// What people type.
    pub name: &'static str,
    /// What people read.
    pub title: &'static str,
    /// Its AWS account.
    pub account: &'static str,
    /// What its marketplace is about.
    pub theme: Theme,
    /// The subject of its PI at the identity provider, when that person is in the demo.
    pub pi: Option<&'static str>,
    /// Whether the owner of the account has made the lab's stack in it.
    pub has_stack: bool,
    /// The pack that its roles come from.
    pub pack: Option<&'static str>,
    /// Its mappings: a role and the group that gets it.
    pub mappings: &'static [(&'static str, &'static str)],
}

impl Lab {
    /// The ARN of its session role.
    #[must_use]
    pub fn session_role(&self) -> String {
        format!("arn:aws:iam::{}:role/lodge/lodge-session", self.account)
    }
}

/// The two labs. The second has yet to join.
pub const LABS: [Lab; 2] = [
    Lab {
        name: "vision",
        title: "Vision Lab",
        account: "111122223333",
        theme: Theme::Vision,
        pi: Some("u-1001"),
        has_stack: true,
        pack: Some("mturk"),
        mappings: &[("read-results", "vision-students"), ("publish", "vision-publishers"), ("pay", "vision-payers")],
    },
    Lab {
        name: "language",
        title: "Language Lab",
        account: "444455556666",
        theme: Theme::Language,
        pi: Some("u-1006"),
        has_stack: false,
        pack: Some("mturk"),
        mappings: &[
            ("read-results", "language-students"),
            ("publish", "language-publishers"),
            ("pay", "language-payers"),
        ],
    },
];

/// The subject of the one who runs the broker from a browser.
pub const OPERATOR: &str = "u-1005";

/// The six people.
#[must_use]
pub fn people() -> Vec<idp::Person> {
    [
        ("u-1001", "professor", "Prof. Ada Marsh", "PI of the vision lab", &["vision-pi"][..]),
        (
            "u-1002",
            "postdoc",
            "Dr. Noor Haddad",
            "publishes and pays for the vision lab",
            &["vision-publishers", "vision-payers"],
        ),
        ("u-1003", "student", "Kim Sørensen", "reads the vision lab's results", &["vision-students"]),
        ("u-1004", "guest", "Robin Vale", "is in no group", &[]),
        (OPERATOR, "operator", "Sam Okafor", "runs the broker", &[]),
        ("u-1006", "lecturer", "Dr. Yuki Tan", "PI of the language lab", &["language-pi", "language-students"]),
    ]
    .into_iter()
    .map(|(subject, username, name, title, groups)| idp::Person {
        subject: subject.to_owned(),
        username: username.to_owned(),
        name: name.to_owned(),
        title: title.to_owned(),
        groups: Some(groups.iter().map(|group| (*group).to_owned()).collect()),
    })
    .collect()
}

/// Fresh credentials for the broker's own role, which may do what `deploy/broker-policy.json` says.
#[must_use]
pub fn broker_identity(random: &Random) -> aws::BrokerIdentity {
    let policy = json!({"Version": "2012-10-17", "Statement": [
        {
            "Effect": "Allow",
            "Action": ["sts:AssumeRole", "sts:SetSourceIdentity", "sts:TagSession"],
            "Resource": ["arn:aws:iam::*:role/lodge/lodge-session*", "arn:aws:iam::*:role/lodge/lodge-steward*"],
        },
        {"Effect": "Deny", "Action": "*", "Resource": "arn:aws:iam::999988887777:role/*"},
    ]});
    aws::BrokerIdentity {
        role_arn: BROKER_ROLE.to_owned(),
        session_name: "demo".to_owned(),
        access_key_id: format!("ASIA{}", hex::encode_upper(random.bytes::<8>())),
        secret_access_key: hex::encode(random.bytes::<20>()).into(),
        session_token: hex::encode(random.bytes::<64>()).into(),
        policies: vec![policy.to_string()],
    }
}
