//! A broker with two labs that are set up alike, and whatever a test needs to have in one of them.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU32, Ordering};

use chrono::{DateTime, TimeDelta, Utc};
use lodge::ambient::{Clock, ManualClock, Random};
use lodge::app::Broker;
use lodge::domain::actor::Actor;
use lodge::domain::claims::{GroupForm, GroupFormat};
use lodge::domain::cut_off::{CutOffCause, CutOffSteps, DenialSeen, DenyMoment, Whose};
use lodge::domain::id::{CutOffId, MappingChangeId, MappingId, PersonId};
use lodge::domain::lab::{Lab, Office, Role};
use lodge::domain::ledger::{Book, Entry};
use lodge::domain::mapping::{MappingChange, MappingTarget, MappingTerms};
use lodge::domain::person::DisplayName;
use lodge::domain::role_session::SessionDuration;
use lodge::oidc::{self, Algorithm};
use lodge::playground::Seeding;
use lodge::store::{CutOffRow, PersonCutOffRow};

use super::accounts::Account;
use super::broker::{Plan, TestBroker};
use super::databases::Kind;
use super::evil_provider::EvilProvider;
use super::scripted_sts::{Reply, ScriptedSts};
use super::serving::wait;
use super::signed_in::{SignedIn, key, signed_in};

/// The roles of each lab, and how many seconds their sessions may last.
pub(crate) const ROLES: [(&str, u32); 2] = [("read-results", 3_600), ("pay", 2_400)];

/// The broker, its two labs, and what it talks to.
pub(crate) struct Labs {
    pub(crate) running: TestBroker,
    pub(crate) provider: EvilProvider,
    pub(crate) sts: ScriptedSts,
    /// `vision`.
    pub(crate) a: Lab,
    /// `language`.
    pub(crate) b: Lab,
    clock: ManualClock,
    numbers: AtomicU32,
}

impl Labs {
    /// Two labs with their roles and nobody in them. People sign in at `campus`, at `hospital`, or at `proxy`, whose groups
    /// are entitlements.
    pub(crate) fn on(kind: Kind) -> Self {
        let manual = ManualClock::at(DateTime::from_timestamp(1_795_266_000, 0).unwrap());
        let clock = Clock::Manual(manual.clone());
        let provider = EvilProvider::start(clock.clone());
        let sts = ScriptedSts::start(Reply::Session(clock.now()));
        let (name, issuer) = ("proxy".parse().unwrap(), "https://proxy.example.edu".parse().unwrap());
        let proxy = oidc::Settings {
            group_form: GroupForm { format: GroupFormat::Entitlement, ..GroupForm::default() },
            ..oidc::Settings::new(name, issuer, "lodge", "a-secret-for-tests-only".to_owned().into())
        };
        let running = Plan::new(clock)
            .connection("campus", &provider.issuer, Algorithm::Es256)
            .connection("hospital", "http://127.0.0.1:1", Algorithm::Es256)
            .provider(proxy)
            .sts(&sts.url)
            .on(kind)
            .start();
        let lab = |name: &str| {
            wait(async {
                let seeding = Seeding::new(&running.broker).unwrap();
                let arn = "arn:aws:iam::111122223333:role/lodge/lodge-session".parse().unwrap();
                let lab = seeding.add_lab(&name.parse().unwrap(), name, arn, None).await.unwrap();
                for (role, seconds) in ROLES {
                    let role = Role {
                        name: role.parse().unwrap(),
                        template: "mturk/read-results".parse().unwrap(),
                        parameters: BTreeMap::new(),
                        max_duration: SessionDuration::from_seconds(seconds).unwrap(),
                        sign_in_age: None,
                    };
                    seeding.add_role(&lab, &role).await.unwrap();
                }
                lab
            })
        };
        let (a, b) = (lab("vision"), lab("language"));
        Self { running, provider, sts, a, b, clock: manual, numbers: AtomicU32::new(0) }
    }

    pub(crate) fn broker(&self) -> &Broker {
        &self.running.broker
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("{}{path}", self.running.url)
    }

    pub(crate) fn seeding(&self) -> Seeding {
        Seeding::new(self.broker()).unwrap()
    }

    pub(crate) fn now(&self) -> DateTime<Utc> {
        self.broker().clock.now()
    }

    /// Lets time pass, for the broker and for STS.
    pub(crate) fn advance(&self, by: TimeDelta) {
        self.clock.advance(by);
        self.sts.reply(Reply::Session(self.now()));
    }

    /// A name that nothing has yet.
    pub(crate) fn fresh(&self, what: &str) -> String {
        format!("{what}-{}", self.numbers.fetch_add(1, Ordering::Relaxed))
    }

    /// Somebody of `campus` who looks after the lab, signed in.
    pub(crate) fn holder(&self, lab: &Lab, office: Office, subject: &str, groups: &[&str]) -> SignedIn {
        let signed_in = signed_in(self.broker(), subject, groups);
        self.appoint(lab, office, subject);
        signed_in
    }

    /// Has somebody of `campus` be called so.
    pub(crate) fn name(&self, subject: &str, name: &str) {
        let fresh = PersonId::from_entropy(Random::System.bytes());
        let name = DisplayName::from_claim(name);
        wait(async {
            let mut tx = self.broker().store.write().await.unwrap();
            tx.upsert_person(&fresh, &key("campus", subject), name.as_ref(), self.now()).await.unwrap();
            tx.commit().await.unwrap();
        });
    }

    /// Has somebody of `campus` look after the lab, whoever has done so before.
    pub(crate) fn appoint(&self, lab: &Lab, office: Office, subject: &str) -> PersonId {
        wait(self.seeding().add_office_holder(lab, &key("campus", subject), office)).unwrap()
    }

    /// A mapping of this group of `campus` on these conditions.
    pub(crate) fn mapping(&self, lab: &Lab, group: &str, role: &str, terms: MappingTerms) -> MappingId {
        let target = target(group, role);
        wait(self.seeding().add_mapping_on(lab, target, terms)).unwrap()
    }

    /// A change of a new mapping that waits, asked for by somebody who looks after the lab.
    pub(crate) fn change(&self, lab: &Lab, author: &PersonId) -> MappingChangeId {
        let group = self.fresh("group");
        let mapping = self.mapping(lab, &group, "read-results", MappingTerms::default());
        let change = MappingChange {
            id: MappingChangeId::from_entropy(Random::System.bytes()),
            mapping,
            of_revision: Some(1),
            author: author.clone(),
            target: target(&group, "read-results"),
            terms: MappingTerms { needs_mfa: true, ..MappingTerms::default() },
            asked_at: self.now(),
            lapses_at: self.now() + TimeDelta::days(7),
        };
        wait(async {
            let seeding = self.seeding();
            let mut tx = self.broker().store.write().await.unwrap();
            let access = seeding.desk().operator.access(lab.clone());
            tx.lab_to_change(&access).await.unwrap().insert_change(&change).await.unwrap();
            tx.commit().await.unwrap();
        });
        change.id
    }

    /// A cut-off of this person in the lab that keeps them out, as the database has it: no AWS was told.
    pub(crate) fn cut_off(&self, lab: &Lab, person: &PersonId) -> CutOffId {
        let now = self.now();
        let row = CutOffRow {
            id: CutOffId::from_entropy(Random::System.bytes()),
            whose: Whose::Person(person.clone()),
            everywhere: None,
            by: Actor::Broker,
            cause: CutOffCause::Asked,
            reason: None,
            sessions: 1,
            before: DenyMoment::after(now, 0),
            dead_at: Some(now + TimeDelta::minutes(50)),
            held: true,
            lifted_at: None,
            revision: 1,
            steps: CutOffSteps { stopped_at: now, written_at: None, read_back_at: None, denial: DenialSeen::NotYet },
        };
        wait(async {
            let mut tx = self.broker().store.write().await.unwrap();
            let access = self.seeding().desk().operator.access(lab.clone());
            tx.lab_to_change(&access).await.unwrap().insert_cut_off(&row).await.unwrap();
            tx.commit().await.unwrap();
        });
        row.id
    }

    /// A cut-off of this person in all labs, none of which had a session of theirs.
    pub(crate) fn cut_off_everywhere(&self, person: &PersonId) -> CutOffId {
        let now = self.now();
        let row = PersonCutOffRow {
            id: CutOffId::from_entropy(Random::System.bytes()),
            person: person.clone(),
            by: Actor::Person(person.clone()),
            cause: CutOffCause::Everywhere,
            reason: None,
            stopped_at: now,
            before: DenyMoment::after(now, 0),
            spread_at: Some(now),
        };
        wait(async {
            let mut tx = self.broker().store.write().await.unwrap();
            tx.insert_person_cut_off(&row).await.unwrap();
            tx.commit().await.unwrap();
        });
        row.id
    }

    /// A lab's account, as the database has it.
    pub(crate) fn account<'a>(&'a self, lab: &'a Lab) -> Account<'a> {
        Account::of(self.broker(), lab)
    }

    /// Every entry of a lab's book, attempts included, in order.
    pub(crate) fn book(&self, lab: &Lab) -> Vec<Entry> {
        let rows = wait(async { self.broker().store.read().await.unwrap().all_books(100_000).await.unwrap() });
        let book = Book::Lab(lab.id.clone());
        let mut entries: Vec<_> = rows.into_iter().map(|row| row.entry).filter(|entry| entry.book == book).collect();
        entries.sort_by_key(|entry| entry.seq);
        entries
    }
}

fn target(group: &str, role: &str) -> MappingTarget {
    MappingTarget { connection: "campus".parse().unwrap(), group: group.parse().unwrap(), role: role.parse().unwrap() }
}
