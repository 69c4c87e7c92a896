//! A lab whose account was joined, with people whose sessions can be cut off.

use std::collections::BTreeMap;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use lodge::ambient::Random;
use lodge::app::{Broker, Caller, CutOffView, CutOffWish, Downloads, Error, Issued, KeyFile, Parts};
use lodge::demo::aws::Service;
use lodge::domain::access::{OperatorRoll, Refusal};
use lodge::domain::cut_off::{CUT_OFF_POLICY, DenyMoment, Whose};
use lodge::domain::id::{LabName, PersonId};
use lodge::domain::lab::Office;
use lodge::domain::ledger::Entry;
use lodge::domain::policy::PolicyLibrary;
use lodge::store::{Address, DenyRow};
use serde_json::json;

use crate::support::databases::Kind;
use crate::support::joining::Joining;
pub(super) use crate::support::joining::STUDENTS;
use crate::support::serving::wait;
use crate::support::signed::{Answer, Keys};
use crate::support::signed_in::{SignIn, SignedIn, key, signed_in};
use crate::support::{PATIENCE, eventually};

/// Why somebody is cut off here.
pub(super) const REASON: &str = "a laptop was lost";

pub(super) struct Stage {
    pub(super) joining: Joining,
}

impl Stage {
    pub(super) fn new() -> Self {
        Self::on(Kind::Sqlite)
    }

    pub(super) fn on(kind: Kind) -> Self {
        Self::of(kind, Duration::from_millis(5))
    }

    /// The same where AWS is asked again after so long.
    pub(super) fn with_pauses_of(pause: Duration) -> Self {
        Self::of(Kind::Sqlite, pause)
    }

    fn of(kind: Kind, pause: Duration) -> Self {
        let joining = Joining::with(kind, |accounts| accounts.cut_off.pauses = vec![pause]);
        joining.make_stack();
        joining.join();
        Self { joining }
    }

    pub(super) fn broker(&self) -> &Broker {
        self.joining.broker()
    }

    pub(super) fn lab(&self) -> &LabName {
        &self.joining.lab.name
    }

    pub(super) fn now(&self) -> DateTime<Utc> {
        self.joining.now()
    }

    pub(super) fn advance(&self, seconds: i64) {
        self.joining.advance(TimeDelta::seconds(seconds));
    }

    pub(super) fn issue(&self, who: &SignedIn) -> Result<Issued, Error> {
        self.issue_role(who, "read-results")
    }

    pub(super) fn issue_role(&self, who: &SignedIn, role: &str) -> Result<Issued, Error> {
        let caller = self.joining.caller(who);
        wait(self.broker().issue(&caller, &format!("vision/{role}").parse().unwrap(), None))
    }

    /// What the service answers to these credentials at this moment.
    pub(super) fn ask(&self, issued: &Issued) -> Answer {
        let keys = Keys::issued(&issued.credentials, self.now());
        keys.call_mturk(&self.joining.aws_url, "ListHITs", &json!({}))
    }

    pub(super) fn works(&self, issued: &Issued) -> bool {
        self.ask(issued).status == 200
    }

    pub(super) fn is_denied(&self, issued: &Issued) -> bool {
        let answer = self.ask(issued);
        let says = answer.body["Message"].as_str().unwrap_or_default();
        answer.status != 200 && says.contains("with an explicit deny in an identity-based policy")
    }

    /// Cuts off, as the lab's PI.
    pub(super) fn cut_off(&self, whose: Whose, hold: bool) -> CutOffView {
        self.cut_off_by(&self.joining.pi, whose, hold)
    }

    pub(super) fn cut_off_by(&self, who: &SignedIn, whose: Whose, hold: bool) -> CutOffView {
        self.try_cut_off(who, whose, hold).unwrap()
    }

    pub(super) fn try_cut_off(&self, who: &SignedIn, whose: Whose, hold: bool) -> Result<CutOffView, Error> {
        let caller = self.joining.caller(who);
        let wish = CutOffWish { whose, reason: Some(REASON.parse().unwrap()), hold };
        wait(self.broker().begin_cut_off(&caller, self.lab(), wish))
    }

    /// How far it has got.
    pub(super) fn look(&self, cut_off: &CutOffView) -> CutOffView {
        let pi = self.joining.caller(&self.joining.pi);
        wait(self.broker().cut_off(&pi, self.lab(), &cut_off.row.id)).unwrap().1
    }

    /// Waits until there is nothing more to be waited for.
    pub(super) fn done(&self, cut_off: &CutOffView) -> CutOffView {
        eventually("a cut-off that is done", || Some(self.look(cut_off)).filter(|it| it.row.steps.is_done()))
    }

    /// Does what a broker does every two seconds.
    pub(super) fn enforce(&self) -> usize {
        let done = wait(async { tokio::time::timeout(PATIENCE, self.broker().enforce_due()).await });
        done.expect("a deny that is seen to in time").unwrap()
    }

    /// Does so again and again, until it is stopped.
    pub(super) fn watch(&self) -> tokio::task::AbortHandle {
        let broker = self.broker().clone();
        wait(async move { tokio::spawn(broker.keep_cutting_off()).abort_handle() })
    }

    /// Waits until nobody is at the deny.
    pub(super) fn is_left_alone(&self) {
        eventually("a deny that nobody is at", || self.deny().is_none_or(|deny| deny.lease.is_none()).then_some(()));
    }

    /// The same without waiting for it.
    pub(super) fn enforce_at_once(&self) {
        let broker = self.broker().clone();
        wait(async move { drop(tokio::spawn(async move { broker.enforce_due().await })) });
    }

    /// Cuts off at one of several brokers.
    pub(super) fn cut_off_at(&self, broker: &Broker, pi: &SignedIn, whose: Whose) -> CutOffView {
        let caller = self.joining.caller(pi);
        wait(broker.begin_cut_off(&caller, self.lab(), CutOffWish { whose, reason: None, hold: false })).unwrap()
    }

    /// Another broker over the same database; on SQLite, where there can be one only, the same.
    pub(super) fn beside(&self) -> Broker {
        let first = self.broker();
        let Address::Postgres(_) = &self.joining.running.database.broker else { return first.clone() };
        wait(async {
            Broker::new(Parts {
                public_url: first.public_url.clone(),
                store: self.joining.running.database.serve().await,
                aws: first.aws.clone(),
                providers: BTreeMap::new(),
                policies: PolicyLibrary::shipped().unwrap(),
                keys: KeyFile::from_bytes([7; 32]),
                clock: first.clock.clone(),
                random: Random::System,
                lifetimes: first.lifetimes,
                trusted_proxies: Vec::new(),
                operators: OperatorRoll::from_settings([]),
                accounts: first.accounts.clone(),
                downloads: Downloads::default(),
            })
        })
    }

    /// Lets these people be of the lab, without their having asked for anything.
    pub(super) fn make_them_known(&self) {
        self.joining.execute(
            "insert into lab_person (lab_id, person_id, first_asked_at, last_asked_at) \
             select lab.id, person.id, lab.created_at, lab.created_at from lab, person where true \
             on conflict do nothing",
        );
    }

    /// As if another broker were at it, so that what is cut off is only written down.
    pub(super) fn keep_brokers_away(&self) {
        self.joining.execute("update lab_deny set lease = 'another', lease_ends_at = '9000-01-01T00:00:00+00:00'");
    }

    /// The same for so many seconds.
    pub(super) fn keep_brokers_away_for(&self, seconds: i64) {
        let access = self.joining.seeding().desk().operator.access(self.joining.lab.clone());
        let lease = Some(("another".to_owned(), self.now() + TimeDelta::seconds(seconds)));
        let deny = DenyRow { lease, ..self.deny().unwrap() };
        wait(async {
            let mut tx = self.broker().store.write().await.unwrap();
            tx.lab(&access).await.unwrap().put_deny(&deny).await.unwrap();
            tx.commit().await.unwrap();
        });
    }

    pub(super) fn let_brokers_at_it(&self) {
        self.joining.execute("update lab_deny set lease = null, lease_ends_at = null");
    }

    fn deny(&self) -> Option<DenyRow> {
        let access = self.joining.seeding().desk().operator.access(self.joining.lab.clone());
        wait(async {
            let mut tx = self.broker().store.read().await.unwrap();
            tx.lab(&access).await.unwrap().deny().await.unwrap()
        })
    }

    /// Before when everybody is denied for want of room.
    pub(super) fn overflow(&self) -> Option<DenyMoment> {
        self.deny().and_then(|deny| deny.overflow)
    }

    /// Has whatever is due seen to, and waits until nobody is at it.
    pub(super) fn settle(&self) {
        self.enforce();
        eventually("a deny that nobody is at", || {
            let is_due = |deny: &DenyRow| deny.lease.is_some() || deny.due_at.is_some_and(|due| due <= self.now());
            (!self.deny().as_ref().is_some_and(is_due)).then_some(())
        });
    }

    /// The inline policies of the session role, as they were written.
    pub(super) fn inline(&self) -> BTreeMap<String, String> {
        self.joining.small.role(&self.joining.session_role()).unwrap().inline_policies
    }

    /// The deny, as it was written.
    pub(super) fn policy(&self) -> Option<String> {
        self.inline().remove(CUT_OFF_POLICY)
    }

    /// How often AWS was asked to do this.
    pub(super) fn policy_calls(&self, action: &str) -> usize {
        let calls = self.joining.small.calls();
        calls.iter().filter(|call| call.service == Service::Iam && call.action == action).count()
    }

    pub(super) fn entries(&self) -> Vec<Entry> {
        let rows = wait(async { self.broker().store.read().await.unwrap().all_books(100_000).await.unwrap() });
        rows.into_iter().map(|row| row.entry).collect()
    }

    /// Somebody who has `pay`, too.
    pub(super) fn payer(&self) -> SignedIn {
        wait(self.joining.seeding().add_mapping(&self.joining.lab, "campus", "payers", "pay")).unwrap();
        let payer = SignIn { connection: "campus", subject: "payer", groups: Some(&["payers"]), mfa: false };
        let now = self.now();
        payer.with(self.broker(), |claims| claims.authenticated_at = Some(now))
    }

    /// Another PI.
    pub(super) fn second_pi(&self) -> SignedIn {
        let second = signed_in(self.broker(), "second", &[]);
        wait(self.joining.seeding().add_office_holder(&self.joining.lab, &key("campus", "second"), Office::Pi))
            .unwrap();
        second
    }

    /// The PI, signed in just now.
    pub(super) fn fresh_pi(&self) -> Caller {
        self.advance(1);
        self.joining.caller(&signed_in(self.broker(), "pi", &[]))
    }

    pub(super) fn sign_in_student(&self) {
        self.advance(1);
        signed_in(self.broker(), "student", &[STUDENTS]);
    }

    /// The id of somebody who is known to the broker and not in the lab.
    pub(super) fn stranger(&self) -> PersonId {
        signed_in(self.broker(), "stranger", &[]).person
    }
}

/// Why it was refused, and when it is not any more.
pub(super) fn refusal(outcome: Result<Issued, Error>) -> (Refusal, Option<DateTime<Utc>>) {
    match outcome {
        Err(Error::Refused { refusal, again, .. }) => (refusal, again.map(|(at, _)| at)),
        other => panic!("{other:?}"),
    }
}

/// What an entry says.
pub(super) fn words(entry: &Entry) -> String {
    entry.sentence(None).iter().map(ToString::to_string).collect()
}
