//! What the demo starts with: three labs, seven people, one AWS account for each lab. Plain data; whoever starts the demo
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
    /// What its marketplace is about, when it has one.
    pub theme: Option<Theme>,
    /// What it keeps in S3, when it does: its roles are for that.
    pub data: Option<Data>,
    /// The subject of its PI at the identity provider, when that person is in the demo.
    pub pi: Option<&'static str>,
    /// Whether the owner of the account has made the lab's stack in it.
    pub has_stack: bool,
    /// The pack that its roles come from.
    pub pack: Option<&'static str>,
    /// Its mappings: a role and the group that gets it.
    pub mappings: &'static [(&'static str, &'static str)],
}

/// What a lab keeps in S3. Its roles are those of the pack `s3-data`, for one prefix of one bucket.
#[derive(Clone, Copy, Debug)]
pub struct Data {
    /// The bucket.
    pub bucket: &'static str,
    /// The prefix that its roles are for.
    pub prefix: &'static str,
    /// What is in the bucket: keys and texts. Made up.
    pub objects: &'static [(&'static str, &'static str)],
}

impl Data {
    /// Its roles, and the template of each.
    pub const ROLES: [(&'static str, &'static str); 2] =
        [("read-results", "s3-data/read-results"), ("publish", "s3-data/publish")];

    /// The bucket with everything in it.
    #[must_use]
    pub fn seeded(&self) -> aws::Bucket {
        self.objects.iter().fold(aws::Bucket::new(self.bucket), |bucket, (key, text)| bucket.with(key, text))
    }
}

impl Lab {
    /// The ARN of its session role.
    #[must_use]
    pub fn session_role(&self) -> String {
        format!("arn:aws:iam::{}:role/lodge/lodge-session", self.account)
    }
}

/// The three labs. The second has yet to join; the third has nothing at Mechanical Turk.
pub const LABS: [Lab; 3] = [
    Lab {
        name: "vision",
        title: "Vision Lab",
        account: "111122223333",
        theme: Some(Theme::Vision),
        data: None,
        pi: Some("u-1001"),
        has_stack: true,
        pack: Some("mturk"),
        mappings: &[("read-results", "vision-students"), ("publish", "vision-publishers"), ("pay", "vision-payers")],
    },
    Lab {
        name: "language",
        title: "Language Lab",
        account: "444455556666",
        theme: Some(Theme::Language),
        data: None,
        pi: Some("u-1006"),
        has_stack: false,
        pack: Some("mturk"),
        mappings: &[
            ("read-results", "language-students"),
            ("publish", "language-publishers"),
            ("pay", "language-payers"),
        ],
    },
    Lab {
        name: "speech",
        title: "Speech Lab",
        account: "555566667777",
        theme: None,
        data: Some(SPEECH),
        pi: Some("u-1007"),
        has_stack: true,
        pack: None,
        mappings: &[("read-results", "speech-students"), ("publish", "speech-publishers")],
    },
];

const SPEECH: Data = Data {
    bucket: "speech-results",
    prefix: "results/2026/",
    objects: &[
        ("README.txt", "Recordings and answers of the speech lab. Ask before you look outside of results/.\n"),
        ("consent/S01.txt", "Speaker S01 may be recorded; the name stays here.\n"),
        ("results/2025/vowels.csv", "speaker,vowel,f1,f2\nS01,a,812,1310\n"),
        ("results/2026/README.txt", "One folder for each round of recordings.\n"),
        ("results/2026/round-1/answers.csv", "item,worker,heard\n1,W07,bat\n1,W11,pat\n2,W07,dip\n"),
        ("results/2026/round-1/items.csv", "item,word\n1,bat\n2,dip\n"),
        ("results/2026/round-2/answers.csv", "item,worker,heard\n1,W02,bat\n2,W02,tip\n"),
    ],
};

/// The subject of the one who runs the broker from a browser.
pub const OPERATOR: &str = "u-1005";

/// The seven people.
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
        (
            "u-1007",
            "phonetician",
            "Dr. Imre Farkas",
            "PI of the speech lab, which keeps its data in S3",
            &["speech-students", "speech-publishers"],
        ),
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
