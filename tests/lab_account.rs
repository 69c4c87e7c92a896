//! A lab's account as the broker finds it: looked at through the steward role, tried without the right external id, and
//! tried at the service with a session of the lab's own.

mod look;
mod probe;
mod proof;
mod secrets;

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use lodge::ambient::{Clock, Random};
use lodge::app::account_plan;
use lodge::aws::{self, AssumeRole, AssumeSteward, Aws, SessionCredentials, Steward};
use lodge::demo::aws::{Account, Marketplace, Settings, SmallAws};
use lodge::demo::seed;
use lodge::domain::account::{AccountNames, Drift, Plan, drift};
use lodge::domain::id::{LabId, PersonId, RoleSessionId};
use lodge::domain::lab::{Lab, Role};
use lodge::domain::policy::{PolicyLibrary, SessionPolicy};
use lodge::domain::role_session::{ExternalId, RoleSessionName, SessionDuration, SessionTag, SourceIdentity};
use serde_json::{Value, json};

use crate::support::serving::{Server, Socket, wait};

const ACCOUNT: &str = "111122223333";

/// The small AWS with the account of a lab, and a broker's way to it.
struct Stage {
    lab: Lab,
    plan: Plan,
    small: SmallAws,
    aws: Aws,
    policies: PolicyLibrary,
    identity: aws::BrokerIdentity,
    /// Where the small AWS is.
    url: String,
    _server: Server,
}

impl Stage {
    /// The account as the lab's stack makes it.
    fn new() -> Self {
        let stage = Self::empty();
        stage.small.create_stack(ACCOUNT, &stage.plan.stack_template().to_string()).unwrap();
        stage
    }

    /// The account without anything in it.
    fn empty() -> Self {
        let account = Account {
            id: ACCOUNT.to_owned(),
            roles: Vec::new(),
            marketplace: Marketplace::default(),
            buckets: Vec::new(),
        };
        let broker = seed::broker_identity(&Random::System);
        let identity = aws::BrokerIdentity {
            access_key_id: broker.access_key_id.clone(),
            secret_access_key: broker.secret_access_key.clone(),
            session_token: Some(broker.session_token.clone()),
        };
        let settings = Settings { sealing_key: Random::System.bytes(), broker, accounts: vec![account] };
        let small = SmallAws::new(settings, Clock::System, Random::System).unwrap();
        let socket = Socket::bind();
        let url = socket.url();
        let server = socket.serve(small.router());
        let policies = PolicyLibrary::shipped().unwrap();
        let lab = lab();
        let broker = seed::BROKER_ROLE.parse().unwrap();
        let plan = account_plan(&policies, &lab, &roles(&policies), &broker).unwrap();
        Self { lab, plan, small, aws: wait(way(&url, &identity)), policies, identity, url, _server: server }
    }

    fn names(&self) -> &AccountNames {
        self.plan.names()
    }

    fn now() -> DateTime<Utc> {
        Clock::System.now()
    }

    /// The broker's own session, which looks.
    fn steward(&self) -> Steward {
        self.as_steward(|ask| wait(self.aws.assume_steward(ask, Self::now()))).unwrap()
    }

    fn as_steward<T>(&self, with: impl FnOnce(&AssumeSteward<'_>) -> T) -> T {
        with(&AssumeSteward {
            role: self.names().steward(),
            external_id: &self.lab.external_id.of_steward(),
            policy: self.names().look_policy(),
            session_name: &RoleSessionName::of_steward(Random::System.bytes()),
        })
    }

    /// A session of the lab's role of this name for somebody.
    fn session(&self, role: &str) -> SessionCredentials {
        self.as_person(role, |ask| wait(self.aws.assume_role(ask, Self::now()))).unwrap()
    }

    fn as_person<T>(&self, role: &str, with: impl FnOnce(&AssumeRole<'_>) -> T) -> T {
        with(&AssumeRole {
            role: &self.lab.session_role,
            external_id: &self.lab.external_id,
            policy: &self.policy(role),
            session_name: &RoleSessionName::from(&RoleSessionId::from_entropy(Random::System.bytes())),
            source_identity: &SourceIdentity::from(&PersonId::from_entropy([3; 10])),
            tags: &[SessionTag::role(&role.parse().unwrap()), SessionTag::lab(&self.lab.id)],
            duration: SessionDuration::MAX,
        })
    }

    fn policy(&self, role: &str) -> SessionPolicy {
        let template = self.policies.get(&format!("mturk/{role}").parse().unwrap()).unwrap();
        template.fill(&BTreeMap::new()).unwrap()
    }

    /// What the steward finds to be wrong.
    fn drift(&self) -> Vec<Drift> {
        drift(&self.plan, &wait(self.steward().look(self.names())).unwrap(), None)
    }
}

/// The way to an AWS that is here.
async fn way(url: &str, identity: &aws::BrokerIdentity) -> Aws {
    let here = || Some(url.to_owned());
    let settings = aws::Settings {
        clock: Clock::System,
        region: "us-east-1".to_owned(),
        sts_endpoint: here(),
        iam_endpoint: here(),
        probe_endpoint: here(),
        identity: Some(identity.clone()),
    };
    Aws::new(&settings).await
}

fn lab() -> Lab {
    Lab {
        id: LabId::from_entropy([1; 10]),
        name: "vision".parse().unwrap(),
        title: "Vision".to_owned(),
        session_role: format!("arn:aws:iam::{ACCOUNT}:role/lodge/lodge-session").parse().unwrap(),
        external_id: ExternalId::from_entropy([2; 16]),
        created_at: DateTime::UNIX_EPOCH,
        archived_at: None,
        groups_age: None,
    }
}

fn roles(policies: &PolicyLibrary) -> Vec<Role> {
    let role = |name: &str| Role {
        name: name.parse().unwrap(),
        template: format!("mturk/{name}").parse().unwrap(),
        parameters: BTreeMap::new(),
        max_duration: SessionDuration::MAX,
        sign_in_age: None,
    };
    let roles = ["read-results", "publish", "pay"].map(role).to_vec();
    assert!(roles.iter().all(|role| policies.get(&role.template).is_some()));
    roles
}

/// A policy of one statement.
fn one_statement(statement: &Value) -> String {
    json!({"Version": "2012-10-17", "Statement": [statement]}).to_string()
}
