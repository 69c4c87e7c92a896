//! The whole store, on SQLite and on PostgreSQL: every function of it does the same on both.

mod accounts;
mod cut_offs;
mod groups;
mod idempotency;
mod labs;
mod ledger;
mod mappings;
mod members;
mod people;
mod sessions;

use lodge::ambient::Random;
use lodge::domain::access::{Allowed, Decision, Evidence, LabAccess, Operator, OperatorAccess, SignInStrength, decide};
use lodge::domain::account::AccountState;
use lodge::domain::actor::OperatorName;
use lodge::domain::claims::{ClaimsSnapshot, Groups};
use lodge::domain::id::{LabId, MappingId, PersonId, SignInId};
use lodge::domain::lab::{Lab, Role};
use lodge::domain::mapping::{Mapping, MappingTarget, MappingTerms};
use lodge::domain::person::{DisplayName, PersonKey};
use lodge::domain::policy::PolicyLibrary;
use lodge::domain::role_session::{ExternalId, SessionDuration};
use lodge::store::{AccountRow, Address, LabTx, Store, Tx};

use chrono::{DateTime, TimeDelta, Utc};

use crate::support::databases::{Kind, TestDatabase};
use crate::support::serving::wait;
use crate::support::{files_under, root};

/// Tells the story on a new database of each kind.
#[expect(clippy::needless_pass_by_value, reason = "a reference to a closure reads worse at every test")]
fn on_each(test: &str, tell: impl AsyncFn(&Store)) {
    on_each_owned(test, async |store, _| tell(store).await);
}

/// The same for a story of what no function of the store reads: it is looked at as the owner of the tables.
#[expect(clippy::needless_pass_by_value, reason = "a reference to a closure reads worse at every test")]
fn on_each_owned(test: &str, tell: impl AsyncFn(&Store, &Address)) {
    for kind in Kind::all(test) {
        wait(async {
            let database = TestDatabase::new(kind).await;
            let opened = database.open().await;
            tell(&opened, &database.owner).await;
            opened.close().await;
        });
    }
}

/// A moment with all the digits that are kept.
fn now() -> DateTime<Utc> {
    DateTime::from_timestamp_micros(1_795_266_000_123_456).unwrap()
}

fn later(seconds: i64) -> DateTime<Utc> {
    now() + TimeDelta::seconds(seconds)
}

fn entropy<const N: usize>() -> [u8; N] {
    Random::System.bytes()
}

fn operator() -> Operator {
    Operator::at_this_machine(OperatorName::from_account("tests"))
}

fn a_lab(name: &str) -> Lab {
    Lab {
        id: LabId::from_entropy(entropy()),
        name: name.parse().unwrap(),
        title: "A lab — with “more” than ASCII".to_owned(),
        session_role: "arn:aws:iam::111122223333:role/lodge/lodge-session".parse().unwrap(),
        external_id: ExternalId::from_entropy(entropy()),
        created_at: now(),
        archived_at: None,
        groups_age: None,
    }
}

fn a_role(name: &str, seconds: u32) -> Role {
    Role {
        name: name.parse().unwrap(),
        template: "mturk/pay".parse().unwrap(),
        parameters: [("bucket".to_owned(), "a \"quoted\" \u{2603}".to_owned())].into(),
        max_duration: SessionDuration::from_seconds(seconds).unwrap(),
        sign_in_age: None,
    }
}

/// Keeps a lab with the roles `pay` and `read-results` whose account is joined.
async fn kept_lab(store: &Store, name: &str) -> OperatorAccess {
    let access = declared_lab(store, name).await;
    in_lab(store, &access, async |lab| {
        let account = lab.account().await.unwrap();
        lab.set_account(&AccountRow { state: AccountState::Joined, ..account }).await.unwrap();
    })
    .await;
    access
}

/// Keeps a lab with these roles whose account has not proved itself.
async fn declared_lab(store: &Store, name: &str) -> OperatorAccess {
    let lab = a_lab(name);
    let mut tx = store.write().await.unwrap();
    tx.insert_lab(&operator(), &lab).await.unwrap();
    let access = operator().access(lab);
    let mut open = tx.lab(&access).await.unwrap();
    for role in [a_role("pay", 1_800), a_role("read-results", 3_600)] {
        open.insert_role(&role, now()).await.unwrap();
    }
    tx.commit().await.unwrap();
    access
}

/// Keeps somebody who has never signed in.
async fn kept_person(store: &Store, subject: &str) -> PersonId {
    kept(store, &key(subject), None).await
}

/// Keeps somebody who has a name.
async fn called(store: &Store, subject: &str, name: &str) -> PersonId {
    kept(store, &key(subject), DisplayName::from_claim(name)).await
}

async fn kept(store: &Store, key: &PersonKey, name: Option<DisplayName>) -> PersonId {
    let mut tx = store.write().await.unwrap();
    let fresh = PersonId::from_entropy(entropy());
    let (id, suspended) = tx.upsert_person(&fresh, key, name.as_ref(), now()).await.unwrap();
    tx.commit().await.unwrap();
    assert!(!suspended);
    id
}

fn key(subject: &str) -> PersonKey {
    PersonKey {
        connection: "campus".parse().unwrap(),
        issuer: "https://sso.example.edu".parse().unwrap(),
        subject: subject.parse().unwrap(),
    }
}

/// Does something in a lab, and lets it stand.
async fn in_lab<T>(store: &Store, access: &LabAccess, what: impl AsyncFnOnce(&mut LabTx<'_>) -> T) -> T {
    let mut tx = store.write().await.unwrap();
    let done = what(&mut tx.lab_to_change(access).await.unwrap()).await;
    tx.commit().await.unwrap();
    done
}

/// Does something outside all labs, and lets it stand.
async fn doing<T>(store: &Store, what: impl AsyncFnOnce(&mut Tx) -> T) -> T {
    let mut tx = store.write().await.unwrap();
    let done = what(&mut tx).await;
    tx.commit().await.unwrap();
    done
}

/// That somebody may have the role `pay` of a lab, by a mapping that is made for it.
async fn allowed(store: &Store, access: &OperatorAccess) -> Allowed {
    let target = MappingTarget {
        connection: "campus".parse().unwrap(),
        group: "payers".parse().unwrap(),
        role: "pay".parse().unwrap(),
    };
    let (id, terms) = (MappingId::from_entropy(entropy()), MappingTerms::default());
    let mapping = Mapping { id, target, terms, revision: 1, created_at: now(), changed_at: now() };
    in_lab(store, access, async |lab| lab.insert_mapping(&mapping).await.unwrap()).await;
    let Mapping { target, .. } = mapping;
    let evidence = Evidence {
        connection: target.connection,
        groups: Groups::Present(vec![target.group]),
        groups_at: now(),
        sign_in: SignInStrength { at: now(), authenticated_at: Some(now()), mfa: true },
        suspended: false,
    };
    let grounds =
        store.read().await.unwrap().grounds(&access.lab().name, &target.role, &nobody(), now()).await.unwrap();
    match decide(&evidence, grounds, &PolicyLibrary::shipped().unwrap(), None, now()) {
        Decision::Allowed(allowed) => *allowed,
        Decision::Refused(refused) => panic!("{refused:?}"),
    }
}

/// A sign-in of somebody that brings these groups.
async fn signs_in(store: &Store, person: &PersonId, groups: &[&str], at: DateTime<Utc>) -> SignInId {
    let groups = Groups::Present(groups.iter().map(|group| group.parse().unwrap()).collect());
    let id = SignInId::from_entropy(entropy());
    let claims = ClaimsSnapshot::of_groups(groups);
    doing(store, async |tx| tx.insert_sign_in(&id, person, &claims, at).await.unwrap()).await;
    id
}

/// The id of somebody who is not there.
fn nobody() -> PersonId {
    PersonId::from_entropy([0; 10])
}

async fn maps(store: &Store, access: &OperatorAccess, group: &str, role: &str, terms: MappingTerms) -> MappingId {
    let target = MappingTarget {
        connection: "campus".parse().unwrap(),
        group: group.parse().unwrap(),
        role: role.parse().unwrap(),
    };
    let id = MappingId::from_entropy(entropy());
    let mapping = Mapping { id, target, terms, revision: 1, created_at: now(), changed_at: now() };
    in_lab(store, access, async |lab| lab.insert_mapping(&mapping).await.unwrap()).await;
    mapping.id
}

/// A function that nobody calls here may do one thing on one database and another on the other.
#[test]
fn every_function_of_the_store_is_called_here() {
    let sources = |folder: &str| -> String {
        let files = files_under(&root().join(folder)).into_iter();
        files
            .filter(|file| {
                file.extension().is_some_and(|it| it == "rs") && !file.to_string_lossy().contains("/tests/mod")
            })
            .map(|file| std::fs::read_to_string(file).unwrap())
            .collect()
    };
    let (store, stories) =
        (sources("src/store"), sources("tests/store_conformance") + include_str!("store_conformance.rs"));
    let functions: Vec<&str> = store
        .split("    pub async fn ")
        .skip(1)
        .map(|rest| rest.split(['(', '<']).next().unwrap())
        .filter(|name| !["serve", "serve_patiently", "open", "close", "health"].contains(name))
        .collect();

    assert!(functions.len() > 55, "too few were found: {functions:?}");
    let forgotten: Vec<_> = functions.iter().filter(|name| !stories.contains(&format!(".{name}("))).collect();
    assert!(forgotten.is_empty(), "not called: {forgotten:?}");
}

#[test]
fn a_database_says_what_it_is() {
    on_each("a_database_says_what_it_is", async |store| {
        let about = store.about().await.unwrap();

        assert!(about.version.starts_with("SQLite ") || about.version.starts_with("PostgreSQL "), "{about:?}");
        let newest = files_under(&root().join("migrations/sqlite"))
            .into_iter()
            .filter_map(|file| file.file_name()?.to_str()?.split('_').next()?.parse::<i64>().ok());
        assert_eq!(about.migration, newest.max().unwrap());
    });
}

#[test]
fn what_was_not_committed_never_happened() {
    on_each("what_was_not_committed_never_happened", async |store| {
        let access = kept_lab(store, "vision").await;
        let mut tx = store.write().await.unwrap();
        tx.lab(&access).await.unwrap().insert_role(&a_role("third", 900), now()).await.unwrap();
        drop(tx);

        let mut tx = store.read().await.unwrap();
        assert_eq!(tx.lab(&access).await.unwrap().roles().await.unwrap().len(), 2);
    });
}

/// One view, however long it is looked at and whatever others do meanwhile.
#[test]
fn a_read_sees_one_moment() {
    on_each("a_read_sees_one_moment", async |store| {
        let access = kept_lab(store, "vision").await;
        let mut reader = store.read().await.unwrap();
        assert_eq!(reader.lab(&access).await.unwrap().roles().await.unwrap().len(), 2);

        in_lab(store, &access, async |lab| lab.insert_role(&a_role("third", 900), now()).await.unwrap()).await;

        assert_eq!(reader.lab(&access).await.unwrap().roles().await.unwrap().len(), 2);
        drop(reader);
        let mut reader = store.read().await.unwrap();
        assert_eq!(reader.lab(&access).await.unwrap().roles().await.unwrap().len(), 3);
    });
}
