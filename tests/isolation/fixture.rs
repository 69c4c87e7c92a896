//! Two labs that are set up alike, and the two databases: A and B together, and B alone.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};
use lodge::domain::access::{Allowed, Decision, Evidence, Operator, Refusal, SignInStrength, decide};
use lodge::domain::account::{AccountCheck, AccountState, CheckReason, CheckReport};
use lodge::domain::actor::{Actor, OperatorName};
use lodge::domain::claims::{ClaimsSnapshot, Groups};
use lodge::domain::cut_off::{CutOffCause, CutOffSteps, DenialSeen, DenyMoment, Whose};
use lodge::domain::id::{
    AccountCheckId, ActId, CutOffId, InvitationId, LabId, MappingChangeId, MappingId, PersonId, RoleName,
    RoleSessionId, SignInId,
};
use lodge::domain::lab::{Invitation, Lab, Office, Role};
use lodge::domain::ledger::{Book, Draft, Event, Thread};
use lodge::domain::mapping::{Mapping, MappingChange, MappingTarget, MappingTerms};
use lodge::domain::person::{DisplayName, PersonKey};
use lodge::domain::policy::PolicyLibrary;
use lodge::domain::role_session::{ExternalId, SessionDuration};
use lodge::store::{
    AccountRoleRow, AccountRow, CutOffRow, DenyRow, DoneRequest, LAB_TABLES, LabTx, PersonCutOffRow, RoleSession,
    Store, Tx,
};

use super::raw_sql::{Layout, Raw};
use crate::support::databases::{Kind, TestDatabase};
use crate::support::postgres::Database;

/// The moment that everything is done at.
pub(super) fn now() -> DateTime<Utc> {
    DateTime::from_timestamp(1_795_266_000, 0).unwrap()
}

/// Bytes for an id: whose lab's it is, and which of its kind.
pub(super) fn entropy(lab: u8, which: u8) -> [u8; 10] {
    [lab, which, 0, 0, 0, 0, 0, 0, 0, 1]
}

pub(super) fn lab_id(lab: u8) -> LabId {
    LabId::from_entropy(entropy(lab, 0))
}

pub(super) fn lab(lab: u8) -> Lab {
    let letter = char::from(lab);
    Lab {
        id: lab_id(lab),
        name: format!("lab-{letter}").parse().unwrap(),
        title: format!("Lab {letter}"),
        session_role: format!("arn:aws:iam::11112222333{}:role/lodge/session", lab % 10).parse().unwrap(),
        external_id: ExternalId::from_entropy([lab; 16]),
        created_at: now(),
        archived_at: None,
        groups_age: None,
    }
}

/// Nobody who tests anything here signs in: an operator sets both labs up.
pub(super) fn operator() -> Operator {
    Operator::at_this_machine(OperatorName::from_account("tests"))
}

/// One of a lab's people: 1 and 2 are its PIs, 3 its manager, 4 a student with a mapping.
pub(super) fn person(lab: u8, which: u8) -> PersonId {
    PersonId::from_entropy(entropy(lab, which))
}

pub(super) fn sign_in(lab: u8, which: u8) -> SignInId {
    SignInId::from_entropy(entropy(lab, which))
}

/// 1 is live and gives the students the role that no other lab has, 2 has ended.
pub(super) fn mapping_id(lab: u8, which: u8) -> MappingId {
    MappingId::from_entropy(entropy(lab, which))
}

/// The mapping that both labs have, each its own: it gives the role that both have.
pub(super) fn shared_mapping() -> MappingId {
    MappingId::from_entropy(entropy(0, 3))
}

/// 1 waits, 2 has lapsed.
pub(super) fn change_id(lab: u8, which: u8) -> MappingChangeId {
    MappingChangeId::from_entropy(entropy(lab, which))
}

/// 1 is open, 2 has ended.
pub(super) fn invitation_id(lab: u8, which: u8) -> InvitationId {
    InvitationId::from_entropy(entropy(lab, which))
}

/// 1 has an outcome, 2 has none. Both are also the id of a role session: of one that lives, and of one that is over.
pub(super) fn attempt(lab: u8, which: u8) -> RoleSessionId {
    RoleSessionId::from_entropy(entropy(lab, which))
}

/// The role that was ended there.
pub(super) fn ended_role(lab: u8) -> String {
    format!("ended-{}", char::from(lab))
}

/// The role that no other lab has.
pub(super) fn own_role(lab: u8) -> String {
    format!("only-{}", char::from(lab))
}

/// What is kept of the key of the request that its student has made.
pub(super) fn key_hash(lab: u8) -> String {
    format!("key-{}", char::from(lab))
}

pub(super) fn students(lab: u8) -> String {
    format!("{}-students", char::from(lab))
}

/// The check of its account that is under way.
pub(super) fn check_id(lab: u8) -> AccountCheckId {
    AccountCheckId::from_entropy(entropy(lab, 1))
}

/// Its student, cut off in all labs.
pub(super) fn everywhere_id(lab: u8) -> CutOffId {
    CutOffId::from_entropy(entropy(lab, 3))
}

/// The same in the lab itself, which is not at AWS yet.
pub(super) fn cut_off_id(lab: u8) -> CutOffId {
    CutOffId::from_entropy(entropy(lab, 1))
}

/// How many entries each lab's book has.
pub(super) const ENTRIES: i64 = 4;

/// When everything in a lab's book was written: in the first lab's later than in the others'.
pub(super) fn written_at(lab: u8) -> DateTime<Utc> {
    now() + TimeDelta::minutes(i64::from(lab == b'a'))
}

fn target(lab: u8, role: &str) -> MappingTarget {
    MappingTarget {
        connection: "campus".parse().unwrap(),
        group: students(lab).parse().unwrap(),
        role: role.parse().unwrap(),
    }
}

/// The people of both labs, wherever the labs themselves are: a person is no lab's.
async fn people(store: &Store) {
    let mut tx = store.write().await.unwrap();
    for lab in [b'a', b'b'] {
        for which in 1..=4 {
            let key = PersonKey {
                connection: "campus".parse().unwrap(),
                issuer: "https://idp.example.edu/".parse().unwrap(),
                subject: format!("{}-{which}", char::from(lab)).parse().unwrap(),
            };
            let name = DisplayName::from_claim(&format!("Person {}-{which}", char::from(lab)));
            let (person, _) = tx.upsert_person(&person(lab, which), &key, name.as_ref(), now()).await.unwrap();
            let groups = if which == 4 { vec![students(lab).parse().unwrap()] } else { Vec::new() };
            tx.insert_sign_in(
                &sign_in(lab, which),
                &person,
                &ClaimsSnapshot::of_groups(Groups::Present(groups)),
                now(),
            )
            .await
            .unwrap();
        }
    }
    tx.commit().await.unwrap();
}

/// A lab with at least a row in every table, through the store's own functions.
async fn furnish(store: &Store, letter: u8) {
    let operator = operator();
    let lab = lab(letter);
    let mut tx = store.write().await.unwrap();
    tx.insert_lab(&operator, &lab).await.unwrap();
    let access = operator.access(lab.clone());
    let mut open = tx.lab_to_change(&access).await.unwrap();
    for name in ["shared".to_owned(), own_role(letter), ended_role(letter)] {
        let role = Role {
            name: name.parse().unwrap(),
            template: "mturk/pay".parse().unwrap(),
            parameters: BTreeMap::new(),
            max_duration: SessionDuration::MAX,
            sign_in_age: None,
        };
        open.insert_role(&role, now()).await.unwrap();
    }
    assert!(open.end_role(&ended_role(letter).parse().unwrap(), now()).await.unwrap());
    for (id, role, ends_at) in [
        (mapping_id(letter, 1), own_role(letter), None),
        (mapping_id(letter, 2), own_role(letter), Some(now() - TimeDelta::hours(1))),
        (shared_mapping(), "shared".to_owned(), None),
    ] {
        let mapping = Mapping {
            id,
            target: target(letter, &role),
            terms: MappingTerms { ends_at, ..MappingTerms::default() },
            revision: 1,
            created_at: now(),
            changed_at: now(),
        };
        open.insert_mapping(&mapping).await.unwrap();
        open.insert_revision(&mapping, Some(&person(letter, 1))).await.unwrap();
    }
    for (which, lapses_at) in [(1, now() + TimeDelta::days(7)), (2, now() - TimeDelta::days(1))] {
        let change = MappingChange {
            id: change_id(letter, which),
            mapping: mapping_id(letter, 1),
            of_revision: Some(1),
            author: person(letter, 1),
            target: target(letter, &own_role(letter)),
            terms: MappingTerms { needs_mfa: true, ..MappingTerms::default() },
            asked_at: now() - TimeDelta::days(2),
            lapses_at,
        };
        open.insert_change(&change).await.unwrap();
    }
    for (which, office) in [(1, Office::Pi), (2, Office::Pi), (3, Office::Manager)] {
        open.put_office(&person(letter, which), office, now()).await.unwrap();
    }
    for which in [1, 2] {
        let invitation =
            Invitation { id: invitation_id(letter, which), created_at: now(), lapses_at: now() + TimeDelta::days(7) };
        let hash = format!("hash-{}-{which}", char::from(letter));
        open.insert_invitation(&operator, &hash, &invitation).await.unwrap();
    }
    assert!(open.end_invitation(&invitation_id(letter, 2), now()).await.unwrap());
    furnish_account(&mut open, letter).await;
    let done = DoneRequest { request_hash: "request".to_owned(), outcome: "made".to_owned(), subject: None };
    open.insert_done_request(&person(letter, 4), &key_hash(letter), &done, now()).await.unwrap();

    let act = Thread::Act(Actor::Person(person(letter, 1)), ActId::from_entropy(entropy(letter, 1)));
    open.append(Draft { at: written_at(letter), thread: act, event: Event::LabRestored }).await.unwrap();
    let asked =
        Event::Attempted { lab: lab.name.clone(), role: own_role(letter).parse().unwrap(), wanted_seconds: None };
    for (which, event) in [(1, asked.clone()), (1, Event::Refused { reason: Refusal::NoMapping }), (2, asked)] {
        let thread = Thread::Attempt(person(letter, 4), attempt(letter, which));
        tx.append(Book::Lab(lab.id.clone()), Draft { at: written_at(letter), thread, event }).await.unwrap();
    }
    hand_out(&mut tx, letter).await;
    cut_off(&mut tx, letter).await;
    tx.commit().await.unwrap();
}

/// An account that was joined, and a check of it that is under way.
async fn furnish_account(open: &mut LabTx<'_>, letter: u8) {
    let role: RoleName = own_role(letter).parse().unwrap();
    let policies = PolicyLibrary::shipped().unwrap();
    let policy = policies.get(&"mturk/pay".parse().unwrap()).unwrap().fill(&BTreeMap::new()).unwrap();
    let account = AccountRow {
        state: AccountState::Joined,
        joined_at: Some(now()),
        session_role_id: Some(format!("AROA{letter}")),
        checked_at: Some(now()),
        read_at: Some(now()),
        check_due_at: Some(written_at(letter)),
    };
    open.set_account(&account).await.unwrap();
    let looked_at = now();
    let row = AccountRoleRow { role, policy_sha256: policy.sha256(), uncovered: Vec::new(), probe: None, looked_at };
    open.put_account_role(&row).await.unwrap();
    let check = AccountCheck {
        id: check_id(letter),
        reason: CheckReason::Join,
        by: Some(person(letter, 1)),
        begun_at: now(),
        ended: None,
        report: CheckReport { tries: u32::from(letter), ..CheckReport::default() },
    };
    open.insert_check(&check).await.unwrap();
}

/// What comes of it that a lab's student was given a role: they are known, and have sessions.
async fn hand_out(tx: &mut Tx, letter: u8) {
    let allowed = allowed(tx, letter).await;
    tx.know_person(&allowed, &person(letter, 4), now()).await.unwrap();
    for (which, expires_at) in [(1, now() + TimeDelta::hours(1)), (2, now() - TimeDelta::hours(1))] {
        let session = RoleSession {
            id: attempt(letter, which),
            person: person(letter, 4),
            role: allowed.role().name.clone(),
            mapping: allowed.mapping().clone(),
            issued_at: expires_at - TimeDelta::hours(1),
            expires_at,
        };
        tx.insert_role_session(&allowed, &session).await.unwrap();
    }
}

/// The student is cut off, once with all of AWS told, and once with nothing of it.
async fn cut_off(tx: &mut Tx, letter: u8) {
    // The first lab's is over sooner than the others'.
    let before = DenyMoment::after(now() + TimeDelta::minutes(i64::from(letter != b'a')), 0);
    let everywhere = PersonCutOffRow {
        id: everywhere_id(letter),
        person: person(letter, 4),
        by: Actor::Broker,
        cause: CutOffCause::Suspended,
        reason: None,
        stopped_at: now(),
        before,
        spread_at: None,
    };
    tx.insert_person_cut_off(&everywhere).await.unwrap();
    let access = Operator::at_this_machine(OperatorName::from_account("root")).access(lab(letter));
    let mut open = tx.lab(&access).await.unwrap();
    for (id, revision) in [(CutOffId::from_entropy(entropy(letter, 2)), 1), (cut_off_id(letter), 2)] {
        let row = CutOffRow {
            everywhere: (revision == 2).then(|| everywhere_id(letter)),
            id,
            whose: Whose::Person(person(letter, 4)),
            by: Actor::Broker,
            cause: CutOffCause::Suspended,
            reason: None,
            sessions: 1,
            before,
            dead_at: Some(now()),
            held: true,
            lifted_at: None,
            revision,
            steps: CutOffSteps { stopped_at: now(), written_at: None, read_back_at: None, denial: DenialSeen::NotYet },
        };
        open.insert_cut_off(&row).await.unwrap();
    }
    open.note_written(1, now()).await.unwrap();
    open.note_read_back(1, now()).await.unwrap();
    let deny = DenyRow {
        wanted: 2,
        written: 1,
        read_back: 1,
        policy_sha256: Some(format!("sha-{letter}")),
        written_at: Some(now()),
        overflow: Some(before),
        room: 1_000,
        due_at: Some(written_at(letter)),
        tries: 0,
        trouble: None,
        lease: None,
    };
    open.put_deny(&deny).await.unwrap();
}

/// That a lab's student may have the role that no other lab has.
async fn allowed(tx: &mut Tx, letter: u8) -> Allowed {
    let grounds = tx.grounds(&lab(letter).name, &own_role(letter).parse().unwrap(), &person(letter, 4), now()).await;
    let grounds = grounds.unwrap();
    let evidence = Evidence {
        connection: "campus".parse().unwrap(),
        groups: Groups::Present(vec![students(letter).parse().unwrap()]),
        groups_at: now(),
        sign_in: SignInStrength { at: now(), authenticated_at: Some(now()), mfa: true },
        suspended: false,
    };
    match decide(&evidence, grounds, &PolicyLibrary::shipped().unwrap(), None, now()) {
        Decision::Allowed(allowed) => *allowed,
        Decision::Refused(refused) => panic!("{refused:?}"),
    }
}

/// A database with these labs, and a way in for which nothing holds but what a statement says itself.
pub(super) struct World {
    pub(super) raw: Raw,
    pub(super) layout: Layout,
    database: TestDatabase,
}

impl World {
    pub(super) async fn new(kind: Kind, labs: &[u8]) -> Self {
        let database = TestDatabase::new(kind).await;
        let store = database.open().await;
        people(&store).await;
        for lab in labs {
            furnish(&store, *lab).await;
        }
        store.close().await;
        let mut raw = match database.postgres() {
            Some(server) => Raw::postgres(&server.superuser()).await,
            None => Raw::sqlite(&database.owner).await,
        };
        let layout = raw.layout().await;
        Self { raw, layout, database }
    }

    pub(super) async fn postgres(labs: &[u8]) -> Self {
        Self::new(Kind::Postgres, labs).await
    }

    /// The PostgreSQL database.
    pub(super) fn server(&self) -> &Database {
        self.database.postgres().expect("it is on PostgreSQL")
    }
}

/// That the fixture is worth something: a lab with an empty table could hide a statement that reads it all.
pub(super) async fn assert_every_table_has_rows(world: &mut World) {
    for lab in [b'a', b'b'] {
        let (rows, _) = world.raw.dump(&world.layout, lab_id(lab).as_str()).await;
        for table in LAB_TABLES {
            assert!(rows.iter().any(|row| row.starts_with(&format!("{table}: "))), "{table}");
        }
    }
}
