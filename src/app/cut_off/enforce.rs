//! Having AWS deny what was cut off: one broker at a time for each lab, again and again until AWS has it.
//!
//! Whoever is at it holds a lease, which it renews before each step and which lasts longer than a step can take. So no two
//! brokers write at once, and what a broker that was killed has left is taken on by another one, or by itself when it is
//! started again. What is written is made of the database at that moment, and not of what somebody wanted when they began.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::super::{Broker, Result};
use super::canary::{Canary, Seen};
use super::no_deny;
use crate::aws::{self, AssumeSteward, Steward};
use crate::domain::access::CaretakerAccess;
use crate::domain::account::AccountNames;
use crate::domain::actor::Actor;
use crate::domain::cut_off::{
    CUT_OFF_POLICY, DenialSeen, Deny, DenyTrouble, INLINE_MAX_CHARS, ROOM_CHARS, counted_chars, policy_sha256,
};
use crate::domain::id::{ActId, LabName};
use crate::domain::lab::Lab;
use crate::domain::ledger::{Draft, Event, Failure, Thread};
use crate::domain::role_session::RoleSessionName;
use crate::store::{DenyRow, LabTx};

/// How often it is looked whether a deny is due. That is how soon another broker takes on what one has left.
const WATCH_INTERVAL: Duration = Duration::from_secs(2);

/// How long a lease lasts. A call to AWS ends within ten seconds, and a pause is shorter.
const LEASE: TimeDelta = TimeDelta::seconds(30);

/// How many labs are taken on at a time.
const BATCH: u32 = 8;

/// How long AWS may take to give back what it has taken, before it is written again.
const READ_BACK_PATIENCE: TimeDelta = TimeDelta::minutes(3);

/// How long it is tried whether a denial can be seen. AWS says that it may take minutes.
const DENIAL_PATIENCE: TimeDelta = TimeDelta::minutes(10);

/// How often it is looked whether the deny still stands at AWS as it was written.
const LOOK_INTERVAL: TimeDelta = TimeDelta::minutes(5);

/// How soon for the first time: a broker that was held up may have written what is older.
const FIRST_LOOK: TimeDelta = TimeDelta::minutes(1);

/// How long the broker works with one session of a steward role, which lives for a quarter of an hour.
const STEWARD_LIFETIME: TimeDelta = TimeDelta::minutes(10);

/// The longest pause before something is tried again that did not work.
const LONGEST_PAUSE: TimeDelta = TimeDelta::minutes(5);

/// What is kept of a deny that AWS has and that says nothing: that there is none.
const NO_POLICY: &str = "none";

/// How fast it goes.
#[derive(Clone, Debug)]
pub struct CutOffPace {
    /// How long to wait before AWS is asked again whether it has the deny, and whether it denies: the last one again and again.
    pub pauses: Vec<Duration>,
}

impl Default for CutOffPace {
    fn default() -> Self {
        Self { pauses: [200, 500, 1_000, 2_000, 3_000, 5_000].map(Duration::from_millis).to_vec() }
    }
}

impl CutOffPace {
    fn pause(&self, turn: usize) -> Duration {
        self.pauses.get(turn).or(self.pauses.last()).copied().unwrap_or(Duration::from_secs(1))
    }
}

/// What kept AWS from having it, and AWS's own word for it.
pub(super) struct Trouble(pub(super) DenyTrouble, pub(super) Option<aws::Error>);

impl From<aws::Error> for Trouble {
    fn from(error: aws::Error) -> Self {
        let trouble = match error.failure {
            _ if error.is_no_such_entity() => DenyTrouble::RoleGone,
            _ if error.is_limit_exceeded() => DenyTrouble::NoRoom,
            Failure::Denied => DenyTrouble::WriteDenied,
            Failure::Throttled => DenyTrouble::Throttled,
            Failure::Unreachable => DenyTrouble::Unreachable,
            Failure::Identity => DenyTrouble::Identity,
            _ => DenyTrouble::Other,
        };
        Self(trouble, Some(error))
    }
}

/// A lab whose deny this broker sees to, for as long as it has the lease.
struct Job {
    access: CaretakerAccess,
    lease: String,
    /// Its hands in the account, once it has been let in.
    steward: Option<(Arc<Steward>, DateTime<Utc>)>,
    canary: Option<Canary>,
    /// When AWS last gave back what it should.
    read_back_at: Option<DateTime<Utc>>,
    /// How often AWS was asked in vain since something was last written.
    turn: usize,
    /// That somebody was cut off since it was last looked what is to be done.
    news: watch::Receiver<u64>,
}

impl Job {
    /// Its hands in the account, unless they are about to die.
    fn hands(&self, now: DateTime<Utc>) -> Option<Arc<Steward>> {
        self.steward.as_ref().filter(|(_, until)| now < *until).map(|(steward, _)| Arc::clone(steward))
    }
}

/// What is to be done next.
enum Next {
    /// Nothing, for now.
    Rest,
    /// AWS is to have this.
    Write(Deny, i64),
    /// AWS has taken it, and it is to be seen whether it gives it back.
    ReadBack(Deny, DenyRow),
    /// AWS has given it back, and it is to be seen whether it denies.
    Try(Deny, i64, DateTime<Utc>),
}

impl Broker {
    /// Sees to a lab's deny in the background, unless somebody is at it already: here they are told that there is news, and
    /// another broker sees it at its next step.
    pub(in crate::app) fn enforce_soon(&self, lab: LabName) {
        self.0.cut_off_news.send_modify(|count| *count += 1);
        let broker = self.clone();
        tokio::spawn(async move { broker.enforce(&lab).await });
    }

    /// Sees to every deny that is due, and spreads what was cut off in all labs. Returns how many labs were seen to, once
    /// there is nothing to do for now in any of them: that can take minutes.
    ///
    /// # Errors
    ///
    /// When the database is away.
    pub async fn enforce_due(&self) -> Result<usize> {
        let mut under_way = JoinSet::new();
        self.take_on_due(&mut under_way).await?;
        Ok(under_way.join_all().await.into_iter().filter(|done| *done).count())
    }

    /// The same without waiting for any of them.
    async fn take_on_due(&self, under_way: &mut JoinSet<bool>) -> Result<()> {
        let spread = self.spread_cut_offs().await;
        let due = self.store.read().await?.denies_due(self.clock.now(), BATCH).await?;
        for lab in due {
            let broker = self.clone();
            under_way.spawn(async move { broker.enforce(&lab).await });
        }
        spread
    }

    /// Does so now and then for ever.
    pub async fn keep_cutting_off(self) {
        if let Err(error) = self.take_over().await {
            tracing::warn!(
                error = &error as &dyn std::error::Error,
                "what was left of cut-offs has to wait for a while"
            );
        }
        let mut timer = tokio::time::interval(WATCH_INTERVAL);
        timer.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let (mut is_well, mut under_way) = (true, JoinSet::new());
        loop {
            timer.tick().await;
            // One lab may be waited for for minutes, and no other one waits with it.
            while under_way.try_join_next().is_some() {}
            match self.take_on_due(&mut under_way).await {
                Ok(()) => is_well = true,
                Err(error) => {
                    if is_well {
                        tracing::warn!(error = &error as &dyn std::error::Error, "cut-offs could not be looked after");
                    }
                    is_well = false;
                }
            }
        }
    }

    /// Where there can be no other broker, nobody waits for the leases of one that was killed.
    async fn take_over(&self) -> Result<()> {
        if self.store.is_alone() {
            let mut tx = self.store.write().await?;
            tx.drop_leases().await?;
            tx.commit().await?;
        }
        Ok(())
    }

    /// Sees to one lab's deny until there is nothing to do for now. Says whether it did: not when another broker is at it.
    async fn enforce(&self, lab: &LabName) -> bool {
        match self.take_on(lab).await {
            Ok(Some(mut job)) => {
                if let Err(error) = self.carry_deny_out(&mut job).await {
                    tracing::error!(
                        lab.name = %lab,
                        error = &error as &dyn std::error::Error,
                        "a deny could not be seen to; it is tried again"
                    );
                    // If this does not work either, the lease runs out by itself.
                    let _ = self.note_deny(&job, |row| DenyRow { lease: None, ..row }, None).await;
                }
                true
            }
            Ok(None) => false,
            Err(error) => {
                tracing::error!(lab.name = %lab, error = &error as &dyn std::error::Error, "a deny could not be taken on");
                false
            }
        }
    }

    async fn take_on(&self, lab: &LabName) -> Result<Option<Job>> {
        let now = self.clock.now();
        let mut tx = self.store.write_for(lab).await?;
        let Some(lab) = tx.lab_to_deny_in(lab).await? else { return Ok(None) };
        let access = CaretakerAccess::to_account_of(lab);
        let mut open = tx.lab_to_change(&access).await?;
        let Some(row) = open.deny().await? else { return Ok(None) };
        let is_due = row.due_at.is_some_and(|due| due <= now);
        let is_free = row.lease.as_ref().is_none_or(|(_, until)| *until <= now);
        if !is_due || !is_free {
            return Ok(None);
        }
        let lease = ActId::from_entropy(self.random.bytes()).to_string();
        open.put_deny(&DenyRow { lease: Some((lease.clone(), now + LEASE)), ..row }).await?;
        tx.commit().await?;
        Ok(Some(Job {
            access,
            lease,
            steward: None,
            canary: None,
            read_back_at: None,
            turn: 0,
            news: self.0.cut_off_news.subscribe(),
        }))
    }

    async fn carry_deny_out(&self, job: &mut Job) -> Result<()> {
        loop {
            job.news.mark_unchanged();
            // What is begun here has to be over before the lease is: one step, and then the lease is renewed.
            let Some(next) = self.next_step(job).await? else { return Ok(()) };
            let came = match (next, job.hands(self.clock.now())) {
                (Next::Rest, _) => return Ok(()),
                (Next::Try(deny, revision, since), _) => {
                    self.try_deny(job, &deny, revision, since).await?;
                    Ok(())
                }
                (Next::Write(..) | Next::ReadBack(..), None) => self.get_hands(job).await,
                (Next::Write(deny, revision), Some(steward)) => self.write_deny(job, &steward, &deny, revision).await?,
                (Next::ReadBack(deny, row), Some(steward)) => self.read_deny_back(job, &steward, &deny, &row).await?,
            };
            if let Err(Trouble(trouble, error)) = came {
                return self.put_off(job, trouble, error.as_ref()).await;
            }
        }
    }

    /// What is to be done next, and the lease renewed; nothing when this broker has lost it. When there is nothing to do, the
    /// lease is given back in the same transaction that has seen so: whoever cuts off after it takes it on.
    async fn next_step(&self, job: &Job) -> Result<Option<Next>> {
        let now = self.clock.now();
        let mut tx = self.store.write_for(&job.access.lab().name).await?;
        let mut open = tx.lab_to_change(&job.access).await?;
        let Some(row) = leased(&mut open, job).await? else { return Ok(None) };
        let entries = open.deny_entries(now).await?;
        let deny = Deny::of(&entries, usize::try_from(row.room).unwrap_or(ROOM_CHARS));
        let trial = open.live_cut_offs(now).await?.into_iter().find_map(|cut_off| {
            let since = cut_off.steps.read_back_at.filter(|_| cut_off.steps.denial == DenialSeen::NotYet)?;
            Some((cut_off.revision, since))
        });
        let is_due = row.due_at.is_some_and(|due| due <= now);
        let next = if row.written < row.wanted || row.policy_sha256.as_deref() != Some(&digest(&deny)) {
            Next::Write(deny.clone(), row.wanted)
        } else if row.read_back < row.written || (is_due && trial.is_none()) {
            Next::ReadBack(deny.clone(), row.clone())
        } else if let Some((revision, since)) = trial {
            // While a denial is waited for, somebody may change it in the account.
            if job.read_back_at.is_some_and(|at| now - at < FIRST_LOOK) {
                Next::Try(deny.clone(), revision, since)
            } else {
                Next::ReadBack(deny.clone(), row.clone())
            }
        } else {
            Next::Rest
        };
        let overflow = deny.overflow();
        let row = match next {
            Next::Rest => DenyRow { lease: None, overflow, ..row },
            _ => DenyRow { lease: Some((job.lease.clone(), now + LEASE)), overflow, ..row },
        };
        open.put_deny(&row).await?;
        tx.commit().await?;
        Ok(Some(next))
    }

    async fn write_deny(
        &self,
        job: &mut Job,
        steward: &Steward,
        deny: &Deny,
        revision: i64,
    ) -> Result<std::result::Result<(), Trouble>> {
        let session_role = job.access.lab().session_role.clone();
        let document = deny.document();
        let telling = async {
            match &document {
                Some(document) => steward.put_inline(&session_role, CUT_OFF_POLICY, document).await,
                None => steward.delete_inline(&session_role, CUT_OFF_POLICY).await,
            }
        };
        // At once: AWS is told as soon as can be, and what shows later that it holds has to be older than the moment.
        let (answer, canary) = tokio::join!(telling, self.canary(&job.access, deny));
        match answer {
            Ok(()) => {}
            Err(error) if error.is_limit_exceeded() => return self.make_room(job, steward, deny).await,
            Err(error) => return Ok(Err(error.into())),
        }
        (job.canary, job.turn, job.read_back_at) = (canary.or(job.canary.take()), 0, None);
        let now = self.clock.now();
        let written = |row: DenyRow| DenyRow {
            written: revision,
            // What was read back before was another one.
            read_back: row.read_back.min(revision - 1),
            policy_sha256: Some(digest(deny)),
            written_at: Some(now),
            ..row
        };
        self.note_deny(job, written, Some(revision)).await?;
        Ok(Ok(()))
    }

    /// The role has other inline policies, which take of the room: the deny is made anew for what is left.
    async fn make_room(&self, job: &Job, steward: &Steward, deny: &Deny) -> Result<std::result::Result<(), Trouble>> {
        let found = match steward.inline_policies(&job.access.lab().session_role).await {
            Ok(found) => found,
            Err(error) => return Ok(Err(error.into())),
        };
        let others = found.iter().filter(|(name, _)| name.as_str() != CUT_OFF_POLICY);
        let taken: usize = others.map(|(_, policy)| counted_chars(policy)).sum();
        let left = INLINE_MAX_CHARS.saturating_sub(taken).min(ROOM_CHARS);
        let chars = |deny: &Deny| deny.document().as_deref().map_or(0, counted_chars);
        let entries = self.store.read().await?.lab(&job.access).await?.deny_entries(self.clock.now()).await?;
        if chars(deny) <= left || chars(&Deny::of(&entries, left)) > left {
            return Ok(Err(Trouble(DenyTrouble::NoRoom, None)));
        }
        let room = u32::try_from(left).unwrap_or(0);
        self.note_deny(job, |row| DenyRow { room, ..row }, None).await?;
        Ok(Ok(()))
    }

    async fn read_deny_back(
        &self,
        job: &mut Job,
        steward: &Steward,
        deny: &Deny,
        row: &DenyRow,
    ) -> Result<std::result::Result<(), Trouble>> {
        let found = match steward.inline_policy(&job.access.lab().session_role, CUT_OFF_POLICY).await {
            Ok(found) => found,
            Err(error) => return Ok(Err(error.into())),
        };
        let was_there = row.read_back == row.written;
        if deny.is_said_by(found.as_deref()) {
            job.turn = if was_there { job.turn } else { 0 };
            job.read_back_at = Some(self.clock.now());
            self.note_read_back(job, deny, row.written, !was_there).await?;
            return Ok(Ok(()));
        }
        // IAM gives back what was there before for a while, even after it gave back what is there now.
        if row.written_at.is_some_and(|at| self.clock.now() - at < READ_BACK_PATIENCE) {
            self.wait(job).await;
            return Ok(Ok(()));
        }
        if was_there {
            self.note_restored(job, found.as_deref()).await?;
            return Ok(Ok(()));
        }
        // Written again: somebody else may have changed it meanwhile.
        self.note_deny(job, |row| DenyRow { policy_sha256: None, ..row }, None).await?;
        Ok(Err(Trouble(DenyTrouble::NotReadBack, None)))
    }

    async fn try_deny(&self, job: &mut Job, deny: &Deny, revision: i64, since: DateTime<Utc>) -> Result<()> {
        let seen = match &job.canary {
            Some(canary) => self.ask_canary(canary, deny).await,
            None => Seen::CannotTell,
        };
        let now = self.clock.now();
        let denial = match seen {
            Seen::Denied => DenialSeen::At(now),
            Seen::CannotTell => DenialSeen::CannotTell,
            Seen::NotYet if now - since >= DENIAL_PATIENCE => DenialSeen::NotSeen,
            Seen::NotYet => {
                self.wait(job).await;
                return Ok(());
            }
        };
        let mut tx = self.store.write_for(&job.access.lab().name).await?;
        let mut open = tx.lab_to_change(&job.access).await?;
        if leased(&mut open, job).await?.is_some() {
            open.note_denial(revision, denial).await?;
            tx.commit().await?;
        }
        Ok(())
    }

    /// Waits before AWS is asked again; no longer when somebody else is cut off meanwhile.
    async fn wait(&self, job: &mut Job) {
        let pause = tokio::time::sleep(self.accounts.cut_off.pause(job.turn));
        tokio::select! {
            () = pause => job.turn += 1,
            _ = job.news.changed() => {}
        }
    }

    async fn get_hands(&self, job: &mut Job) -> std::result::Result<(), Trouble> {
        let until = self.clock.now() + STEWARD_LIFETIME;
        let steward = self.assume_steward_to_cut_off(job.access.lab()).await?;
        job.steward = Some((Arc::new(steward), until));
        Ok(())
    }

    /// Lets the broker into a lab's account to see to its deny, and to nothing else there.
    pub(super) async fn assume_steward_to_cut_off(&self, lab: &Lab) -> std::result::Result<Steward, Trouble> {
        let names = AccountNames::of(&lab.session_role).ok_or(Trouble(DenyTrouble::NoNames, None))?;
        let ask = AssumeSteward {
            role: names.steward(),
            external_id: &lab.external_id.of_steward(),
            policy: names.cut_off_policy(),
            session_name: &RoleSessionName::of_steward(self.random.bytes()),
        };
        self.aws.assume_steward(&ask, self.clock.now()).await.map_err(|error| {
            let Trouble(trouble, error) = error.into();
            let trouble = if trouble == DenyTrouble::WriteDenied { DenyTrouble::StewardDenied } else { trouble };
            Trouble(trouble, error)
        })
    }

    /// Notes how the deny stands, and of which revision AWS has taken it.
    async fn note_deny(&self, job: &Job, change: impl FnOnce(DenyRow) -> DenyRow, written: Option<i64>) -> Result<()> {
        let mut tx = self.store.write_for(&job.access.lab().name).await?;
        let mut open = tx.lab_to_change(&job.access).await?;
        let Some(row) = leased(&mut open, job).await? else { return Ok(()) };
        open.put_deny(&change(row)).await?;
        if let Some(revision) = written {
            open.note_written(revision, self.clock.now()).await?;
        }
        tx.commit().await?;
        Ok(())
    }

    /// Notes that AWS has it, and when somebody has to see to it next.
    async fn note_read_back(&self, job: &Job, deny: &Deny, revision: i64, is_new: bool) -> Result<()> {
        let now = self.clock.now();
        let mut tx = self.store.write_for(&job.access.lab().name).await?;
        let mut open = tx.lab_to_change(&job.access).await?;
        let Some(row) = leased(&mut open, job).await? else { return Ok(()) };
        let next_over = open.next_over(now).await?;
        let is_to_be_tried = open.live_cut_offs(now).await?.iter().any(|it| it.steps.denial == DenialSeen::NotYet);
        let due_at = if row.wanted != revision || is_to_be_tried {
            Some(now)
        } else if deny.is_empty() {
            None
        } else {
            let first = row.written_at.map(|at| at + FIRST_LOOK).filter(|first| *first > now);
            let look = first.unwrap_or(now + LOOK_INTERVAL);
            Some(next_over.map_or(look, |over| over.min(look)))
        };
        let room = if deny.is_empty() { no_deny().room } else { row.room };
        open.put_deny(&DenyRow { read_back: revision, tries: 0, trouble: None, due_at, room, ..row }).await?;
        open.note_read_back(revision, now).await?;
        if is_new {
            let event = Event::DenyApplied {
                policy_sha256: deny.sha256(),
                people: u32::try_from(deny.people()).unwrap_or(u32::MAX),
                overflow: deny.overflow().map(|before| before.to_string()),
            };
            open.append(self.of_broker(now, event)).await?;
        }
        tx.commit().await?;
        Ok(())
    }

    /// Somebody else changed it in the account. It is written again at once.
    async fn note_restored(&self, job: &Job, found: Option<&str>) -> Result<()> {
        let now = self.clock.now();
        let mut tx = self.store.write_for(&job.access.lab().name).await?;
        let mut open = tx.lab_to_change(&job.access).await?;
        let Some(row) = leased(&mut open, job).await? else { return Ok(()) };
        open.put_deny(&DenyRow { policy_sha256: None, ..row }).await?;
        let found_sha256 = found.map(policy_sha256);
        open.append(self.of_broker(now, Event::DenyRestored { found_sha256 })).await?;
        tx.commit().await?;
        tracing::warn!(lab.name = %job.access.lab().name, "the deny of cut-off sessions was changed in the account");
        Ok(())
    }

    /// Lets it rest for a while: something keeps AWS from having it.
    async fn put_off(&self, job: &Job, trouble: DenyTrouble, error: Option<&aws::Error>) -> Result<()> {
        let now = self.clock.now();
        let mut tx = self.store.write_for(&job.access.lab().name).await?;
        let mut open = tx.lab_to_change(&job.access).await?;
        let Some(row) = leased(&mut open, job).await? else { return Ok(()) };
        let tries = row.tries.saturating_add(1);
        let pause = TimeDelta::seconds(1 << tries.min(9)).min(LONGEST_PAUSE);
        let again = now + pause;
        let is_new = row.trouble != Some(trouble);
        open.put_deny(&DenyRow { tries, trouble: Some(trouble), due_at: Some(again), lease: None, ..row }).await?;
        tx.commit().await?;
        let code = error.and_then(|error| error.code.as_deref()).unwrap_or_default();
        let request = error.and_then(|error| error.request_id.as_deref()).unwrap_or_default();
        let lab = &job.access.lab().name;
        if is_new && !trouble.passes() {
            tracing::error!(lab.name = %lab, aws.code = code, aws.request_id = request, tries, "sessions cannot be cut off: {trouble}");
        } else {
            tracing::info!(lab.name = %lab, aws.code = code, aws.request_id = request, tries, "a deny has to wait: {trouble}");
        }
        Ok(())
    }

    fn of_broker(&self, at: DateTime<Utc>, event: Event) -> Draft {
        Draft { at, thread: Thread::Act(Actor::Broker, ActId::from_entropy(self.random.bytes())), event }
    }
}

/// How the deny stands, if the job has the lease still.
async fn leased(open: &mut LabTx<'_>, job: &Job) -> Result<Option<DenyRow>> {
    let row = open.deny().await?.unwrap_or_else(no_deny);
    Ok(row.lease.as_ref().is_some_and(|(lease, _)| *lease == job.lease).then_some(row))
}

/// What is kept of what AWS has.
fn digest(deny: &Deny) -> String {
    deny.sha256().unwrap_or_else(|| NO_POLICY.to_owned())
}
