//! A lab, its PI and its student, a broker, and the account of the lab in a small AWS that a test can break.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use lodge::ambient::{Clock, ManualClock, Random};
use lodge::app::{AccountSettings, AccountView, Broker, Caller, Diagnosis, Issued, account_plan};
use lodge::aws::BrokerIdentity;
use lodge::demo::aws::{Account, IamRole, Marketplace, Settings, SmallAws};
use lodge::demo::seed;
use lodge::domain::account::{AccountCheck, AccountState, Cause, Plan, Trouble};
use lodge::domain::lab::{Lab, Office, Role};
use lodge::domain::policy::PolicyLibrary;
use lodge::playground::Seeding;
use lodge::store::AccountRow;
use serde_json::Value;

use super::broker::{self, TestBroker};
use super::databases::{Kind, raw_sqlite};
use super::serving::{Server, Socket, wait};
use super::signed_in::{SignedIn, key, signed_in};

/// The lab's account.
pub(crate) const ACCOUNT: &str = "111122223333";

/// The group that the lab gives `read-results`.
pub(crate) const STUDENTS: &str = "vision-students";

/// A lab whose account is empty and has not been joined.
pub(crate) struct Joining {
    pub(crate) running: TestBroker,
    pub(crate) small: SmallAws,
    /// Where the broker finds AWS, without a final slash.
    pub(crate) aws_url: String,
    pub(crate) lab: Lab,
    pub(crate) pi: SignedIn,
    pub(crate) student: SignedIn,
    /// The clock of the broker; the small AWS has the same.
    pub(crate) clock: ManualClock,
    _aws: Server,
}

impl Joining {
    /// The lab `vision` with the roles of the pack `mturk`, and an empty account.
    pub(crate) fn start() -> Self {
        Self::on(Kind::Sqlite)
    }

    /// The same on a database of this kind.
    pub(crate) fn on(kind: Kind) -> Self {
        Self::with(kind, |_| {})
    }

    /// The same with other settings.
    pub(crate) fn with(kind: Kind, change: impl FnOnce(&mut AccountSettings)) -> Self {
        Self::of(kind, PolicyLibrary::shipped().unwrap(), None, change)
    }

    /// The same with these roles in place of the pack's. One of them is `read-results`, which the students have.
    pub(crate) fn with_roles(roles: &[Role]) -> Self {
        Self::of_roles(Kind::Sqlite, PolicyLibrary::shipped().unwrap(), None, |_| {}, Some(roles))
    }

    /// The same where the broker meets another AWS than the small one.
    pub(crate) fn at(aws: &str) -> Self {
        Self::of(Kind::Sqlite, PolicyLibrary::shipped().unwrap(), Some(aws), |_| {})
    }

    /// The same where the template of `read-results` is another one.
    pub(crate) fn with_read_results(template: &str) -> Self {
        let pay = include_str!("../../policies/mturk/pay.json");
        let publish = include_str!("../../policies/mturk/publish.json");
        let files = [("mturk/pay", pay), ("mturk/publish", publish), ("mturk/read-results", template)];
        Self::of(Kind::Sqlite, PolicyLibrary::of_files(files).unwrap(), None, |_| {})
    }

    fn of(
        kind: Kind,
        policies: PolicyLibrary,
        other_aws: Option<&str>,
        change: impl FnOnce(&mut AccountSettings),
    ) -> Self {
        Self::of_roles(kind, policies, other_aws, change, None)
    }

    fn of_roles(
        kind: Kind,
        policies: PolicyLibrary,
        other_aws: Option<&str>,
        change: impl FnOnce(&mut AccountSettings),
        roles: Option<&[Role]>,
    ) -> Self {
        let manual = ManualClock::at(Clock::System.now());
        let clock = Clock::Manual(manual.clone());
        let account = Account {
            id: ACCOUNT.to_owned(),
            roles: Vec::new(),
            marketplace: Marketplace::default(),
            buckets: Vec::new(),
        };
        let identity = seed::broker_identity(&Random::System);
        let own = BrokerIdentity {
            access_key_id: identity.access_key_id.clone(),
            secret_access_key: identity.secret_access_key.clone(),
            session_token: Some(identity.session_token.clone()),
        };
        let settings = Settings { sealing_key: Random::System.bytes(), broker: identity, accounts: vec![account] };
        let small = SmallAws::new(settings, clock.clone(), Random::System).unwrap();
        let socket = Socket::bind();
        let url = other_aws.map_or_else(|| socket.url(), str::to_owned);
        let aws = socket.serve(small.router());
        let mut accounts = AccountSettings {
            broker_role: Some(seed::BROKER_ROLE.parse().unwrap()),
            waits: vec![Duration::from_millis(1); 4],
            ..AccountSettings::default()
        };
        change(&mut accounts);
        let running = broker::Plan::new(clock).aws(&url, own, accounts).policies(policies).on(kind).start();
        let seeding = Seeding::new(&running.broker).unwrap();
        let lab = wait(async {
            let arn = format!("arn:aws:iam::{ACCOUNT}:role/lodge/lodge-session").parse().unwrap();
            let pack = roles.is_none().then_some("mturk");
            let lab = seeding.add_declared_lab(&"vision".parse().unwrap(), "Vision", arn, pack).await.unwrap();
            for role in roles.unwrap_or_default() {
                seeding.add_role(&lab, role).await.unwrap();
            }
            seeding.add_mapping(&lab, "campus", STUDENTS, "read-results").await.unwrap();
            lab
        });
        let pi = signed_in(&running.broker, "pi", &[]);
        wait(seeding.add_office_holder(&lab, &key("campus", "pi"), Office::Pi)).unwrap();
        let student = signed_in(&running.broker, "student", &[STUDENTS]);
        Self { running, small, aws_url: url, lab, pi, student, clock: manual, _aws: aws }
    }

    /// The same with the stack in the account, and joined.
    pub(crate) fn joined() -> Self {
        let joining = Self::start();
        joining.make_stack();
        let check = joining.join();
        assert_eq!(joining.account().state, AccountState::Joined, "{check:?}");
        joining
    }

    pub(crate) fn broker(&self) -> &Broker {
        &self.running.broker
    }

    pub(crate) fn seeding(&self) -> Seeding {
        Seeding::new(self.broker()).unwrap()
    }

    pub(crate) fn roles(&self) -> Vec<Role> {
        wait(self.seeding().desk().lab(&self.lab.name)).unwrap().roles
    }

    /// What the account should have.
    pub(crate) fn plan(&self) -> Plan {
        let broker = seed::BROKER_ROLE.parse().unwrap();
        account_plan(&self.broker().policies, &self.lab, &self.roles(), &broker).unwrap()
    }

    /// Whoever administers the account creates the stack, or updates it.
    pub(crate) fn make_stack(&self) {
        self.small.create_stack(ACCOUNT, &self.plan().stack_template().to_string()).unwrap();
    }

    pub(crate) fn session_role(&self) -> String {
        self.lab.session_role.as_str().to_owned()
    }

    /// Changes the session role's trust policy.
    pub(crate) fn change_trust(&self, change: impl Fn(&mut Vec<Value>)) {
        self.change_trust_of(&self.session_role(), change);
    }

    pub(crate) fn change_trust_of(&self, role: &str, change: impl Fn(&mut Vec<Value>)) {
        let edit = |role: &mut IamRole| {
            let mut trust: Value = serde_json::from_str(&role.trust).unwrap();
            change(trust["Statement"].as_array_mut().unwrap());
            role.trust = trust.to_string();
        };
        self.small.change_role(role, edit).unwrap();
    }

    pub(crate) fn caller(&self, who: &SignedIn) -> Caller {
        wait(self.broker().helper_caller(&who.token.clone().into())).unwrap()
    }

    /// The PI joins the account, and waits for what comes of it.
    pub(crate) fn join(&self) -> AccountCheck {
        self.advance(TimeDelta::seconds(1));
        let pi = self.caller(&self.pi);
        let check = wait(self.broker().join_account(&pi, &self.lab.name)).unwrap();
        self.ended(&check)
    }

    /// The PI checks the account, and waits for what comes of it.
    pub(crate) fn check(&self) -> AccountCheck {
        self.advance(TimeDelta::seconds(1));
        let pi = self.caller(&self.pi);
        let check = wait(self.broker().check_account(&pi, &self.lab.name)).unwrap();
        self.ended(&check)
    }

    /// That check, once it is over.
    pub(crate) fn ended(&self, check: &AccountCheck) -> AccountCheck {
        let pi = self.caller(&self.pi);
        super::eventually("a check of the account", || {
            let check = wait(self.broker().account_check(&pi, &self.lab.name, &check.id)).unwrap();
            check.ended.is_some().then_some(check)
        })
    }

    /// The broker looks after the accounts whose time has come.
    pub(crate) fn watch(&self) -> usize {
        wait(self.broker().watch_accounts()).unwrap()
    }

    pub(crate) fn view(&self, who: &SignedIn) -> AccountView {
        wait(self.broker().account(&self.caller(who), &self.lab.name)).unwrap()
    }

    pub(crate) fn account(&self) -> AccountRow {
        self.view(&self.pi).account
    }

    /// What the student is told, once there is no check under way.
    pub(crate) fn diagnosis(&self) -> Diagnosis {
        let student = self.caller(&self.student);
        super::eventually("a diagnosis", || {
            let diagnosis = wait(self.broker().diagnose(&student, &self.lab.name, None)).unwrap();
            diagnosis.running.is_none().then_some(diagnosis)
        })
    }

    /// Credentials for the student.
    pub(crate) fn issue(&self) -> Result<Issued, lodge::app::Error> {
        let student = self.caller(&self.student);
        wait(self.broker().issue(&student, &"vision/read-results".parse().unwrap(), None))
    }

    /// Changes what the database holds behind the broker's back.
    pub(crate) fn execute(&self, statement: &'static str) {
        wait(async {
            let mut connection = raw_sqlite(&self.running.database.owner).await;
            sqlx::query(statement).execute(&mut connection).await.unwrap();
        });
    }

    pub(crate) fn advance(&self, by: TimeDelta) {
        self.clock.advance(by);
    }

    pub(crate) fn now(&self) -> DateTime<Utc> {
        self.broker().clock.now()
    }
}

/// The causes of everything that is wrong, each trouble's in a list of its own.
pub(crate) fn causes(troubles: &[Trouble]) -> Vec<&[Cause]> {
    troubles.iter().map(|trouble| &trouble.causes[..]).collect()
}
