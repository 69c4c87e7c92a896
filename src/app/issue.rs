//! The heart: short-lived credentials for one person, one lab, one role.

use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};

use super::sessions::require_live;
use super::{Broker, Caller, CallerSession, Error, Result};
use crate::aws::{self, AssumeRole, SessionCredentials};
use crate::domain::access::{self, Allowed, Decision, Grounds, Refusal, Refused};
use crate::domain::id::{PersonId, RoleAddress, RoleSessionId, SignInId};
use crate::domain::ledger::{Book, Draft, Event, Failure, Thread};
use crate::domain::policy::SessionPolicy;
use crate::domain::role_session::{RoleSessionName, SessionDuration, SessionTag, SourceIdentity};
use crate::store::{RoleSession, Snapshot, Tx};

/// An account that was looked at since is not looked at again because it refused somebody.
const LOOKED_AT_LATELY: TimeDelta = TimeDelta::minutes(5);

/// Credentials, recorded.
#[derive(Debug)]
pub struct Issued {
    /// Where to find them in the ledger and in CloudTrail.
    pub role_session: RoleSessionId,
    /// The account they are for.
    pub account_id: String,
    /// The credentials.
    pub credentials: SessionCredentials,
}

/// What the gate allowed, and what the call to STS needs beside it.
#[derive(Debug)]
struct Approved {
    allowed: Allowed,
    policy: SessionPolicy,
    tags: [SessionTag; 2],
}

/// One attempt: who asks for what, under which id.
#[derive(Debug)]
struct Attempt {
    id: RoleSessionId,
    person: PersonId,
    session: CallerSession,
    sign_in: SignInId,
    address: RoleAddress,
    wanted: Option<SessionDuration>,
}

impl Broker {
    /// Issues credentials for a role.
    ///
    /// What was begun is finished even when the caller hangs up: the ledger always learns how it ended.
    ///
    /// # Errors
    ///
    /// When the gate says no, AWS does, or the ledger cannot be written. No credential exists outside this process then.
    pub async fn issue(&self, who: &Caller, address: &RoleAddress, wanted: Option<SessionDuration>) -> Result<Issued> {
        let attempt = Attempt {
            id: RoleSessionId::from_entropy(self.random.bytes()),
            person: who.person.clone(),
            session: who.session.clone(),
            sign_in: who.sign_in.clone(),
            address: address.clone(),
            wanted,
        };
        let broker = self.clone();
        tokio::spawn(async move { broker.carry_out(attempt).await }).await.map_err(|_| Error::Task)?
    }

    /// The refusal for what cannot be the name of a lab or a role: the same as for one that does not exist.
    pub async fn no_such_role(&self, who: &Caller) -> Error {
        match self.profile(who).await {
            Ok(profile) => {
                let evidence = &profile.snapshot.evidence;
                let now = self.clock.now();
                let refused = match access::decide(evidence, Grounds::default(), &self.policies, None, now) {
                    Decision::Refused(refused) => refused,
                    Decision::Allowed(_) => Refusal::NoMapping.into(),
                };
                self.refused(refused, &profile.snapshot)
            }
            Err(error) => error,
        }
    }

    async fn carry_out(&self, attempt: Attempt) -> Result<Issued> {
        let approved = self.begin(&attempt).await?;
        let lab = approved.allowed.lab();

        let answer = self
            .aws
            .assume_role(
                &AssumeRole {
                    role: &lab.session_role,
                    external_id: &lab.external_id,
                    policy: &approved.policy,
                    session_name: &RoleSessionName::from(&attempt.id),
                    source_identity: &SourceIdentity::from(&attempt.person),
                    tags: &approved.tags,
                    duration: approved.allowed.duration(),
                },
                self.clock.now(),
            )
            .await;

        let answer = self.end(&attempt, &approved, answer).await?;
        Ok(Issued {
            role_session: attempt.id,
            account_id: lab.session_role.account().as_str().to_owned(),
            credentials: answer,
        })
    }

    /// Decides and writes `Attempted`, in one transaction: a session or a mapping that ended before this moment gives
    /// nothing after it. When the answer is no, the refusal is written beside it.
    async fn begin(&self, attempt: &Attempt) -> Result<Approved> {
        let mut tx = self.store.write_for(&attempt.address.lab).await?;
        let book = match tx.lab_id(&attempt.address.lab).await? {
            Some(lab) => Book::Lab(lab),
            None => Book::Broker,
        };
        // From here on nobody changes the lab's mappings: the ledger's order is the order of decisions. Whatever else
        // decides is read after this, too: a session may have ended while this waited.
        tx.hold_book(&book).await?;
        let now = self.clock.now();
        require_live(&mut tx, &attempt.session, now).await?;
        let snapshot = tx.snapshot(&attempt.person, &attempt.sign_in).await?.ok_or(Error::SignInNeeded)?;
        let grounds = tx.grounds(&attempt.address.lab, &attempt.address.role, &attempt.person, now).await?;
        let outcome = match access::decide(&snapshot.evidence, grounds, &self.policies, attempt.wanted, now) {
            Decision::Allowed(allowed) => self.approve(*allowed),
            Decision::Refused(refused) => Err(self.refused(refused, &snapshot)),
        };

        let attempted = Event::Attempted {
            lab: attempt.address.lab.clone(),
            role: attempt.address.role.clone(),
            wanted_seconds: attempt.wanted.map(SessionDuration::seconds),
        };
        tx.append(book.clone(), attempt.draft(now, attempted)).await?;
        match &outcome {
            Ok(approved) => tx.know_person(&approved.allowed, &attempt.person, now).await?,
            Err(error) => {
                tx.append(book, attempt.draft(now, not_issued(error))).await?;
            }
        }
        tx.commit().await?;
        if let Err(error) = &outcome {
            tracing::info!(attempt.id = %attempt.id, person.id = %attempt.person, reason = %error, "no credential");
        }
        outcome
    }

    fn approve(&self, allowed: Allowed) -> Result<Approved> {
        let role = allowed.role();
        let template = self.policies.get(&role.template);
        let template = template.ok_or_else(|| Error::Policy(format!("there is no template `{}`", role.template)))?;
        let policy = template.fill(&role.parameters).map_err(|error| Error::Policy(error.to_string()))?;
        let tags = [SessionTag::role(&role.name), SessionTag::lab(&allowed.lab().id)];
        Ok(Approved { allowed, policy, tags })
    }

    fn refused(&self, refused: Refused, snapshot: &Snapshot) -> Error {
        let connection = &snapshot.evidence.connection;
        let provider = self.providers.get(connection);
        Error::Refused {
            refusal: refused.refusal,
            max_age: refused.max_age,
            again: refused.again_at.map(|at| (at, seconds_until(at, self.clock.now()))),
            group_claim: provider.map_or("groups", |p| p.settings().group_claim.as_str()).to_owned(),
            connection: self.connection_title(connection).to_owned(),
            groups: snapshot.evidence.groups.clone(),
        }
    }

    /// Writes how it ended. A credential leaves this process after this has returned, or not at all: whoever was cut off
    /// since it was decided gets none, and what AWS gave is dropped.
    async fn end(
        &self,
        attempt: &Attempt,
        approved: &Approved,
        answer: std::result::Result<SessionCredentials, aws::Error>,
    ) -> Result<SessionCredentials> {
        let lab = &approved.allowed.lab().id;
        let book = Book::Lab(lab.clone());
        let mut tx = self.store.write_for(&attempt.address.lab).await?;
        tx.hold_book(&book).await?;
        let now = self.clock.now();
        let stop = self.stop(&mut tx, attempt, &approved.allowed, now).await?;
        let event = match (&answer, &stop) {
            (Ok(_), Some((reason, _))) => Event::Failed { reason: *reason, aws_code: None, aws_request_id: None },
            (Ok(credentials), None) => issued(approved, credentials),
            (Err(error), _) => failed(error),
        };
        let kind = event.kind();
        tx.append(book, attempt.draft(now, event)).await?;
        if let (Ok(credentials), None) = (&answer, &stop) {
            let session = attempt.session(&approved.allowed, now, credentials.expires_at);
            tx.insert_role_session(&approved.allowed, &session).await?;
        }
        if let Err(error) = &answer
            && matches!(error.failure, Failure::Denied | Failure::Rejected)
        {
            // Whoever asks next is told what a look at the account finds.
            tx.bring_check_forward(&approved.allowed, now, now - LOOKED_AT_LATELY).await?;
        }
        tx.commit().await?;
        tracing::info!(
            attempt.id = %attempt.id,
            person.id = %attempt.person,
            role = %attempt.address,
            outcome = kind,
            "attempt ended"
        );
        match (answer, stop) {
            (Ok(_), Some((_, refused))) => {
                let snapshot = self.store.read().await?.snapshot(&attempt.person, &attempt.sign_in).await?;
                Err(self.refused(refused, &snapshot.ok_or(Error::SignInNeeded)?))
            }
            (answer, _) => Ok(answer?),
        }
    }

    /// Why what AWS gave is not handed out: whoever asked was cut off since it was decided, or the mapping has ended, perhaps
    /// with a cut-off of everybody who had a session by it.
    async fn stop(
        &self,
        tx: &mut Tx,
        attempt: &Attempt,
        allowed: &Allowed,
        now: DateTime<Utc>,
    ) -> Result<Option<(Failure, Refused)>> {
        if let Some(bar) = tx.bar(&allowed.lab().id, &attempt.person, &attempt.address.role, now).await? {
            return Ok(Some((Failure::CutOff, bar.into())));
        }
        let is_live = tx.mapping_gives(&allowed.lab().id, allowed.mapping(), now).await?;
        Ok((!is_live).then(|| (Failure::MappingEnded, Refusal::NoMapping.into())))
    }
}

/// In how many seconds that moment has come.
fn seconds_until(at: DateTime<Utc>, now: DateTime<Utc>) -> u32 {
    let millis = (at - now).num_milliseconds().max(0);
    u32::try_from((millis + 999) / 1_000).unwrap_or(u32::MAX)
}

impl Attempt {
    fn draft(&self, at: DateTime<Utc>, event: Event) -> Draft {
        Draft { at, thread: Thread::Attempt(self.person.clone(), self.id.clone()), event }
    }

    /// The session that came of it.
    fn session(&self, allowed: &Allowed, issued_at: DateTime<Utc>, expires_at: DateTime<Utc>) -> RoleSession {
        RoleSession {
            id: self.id.clone(),
            person: self.person.clone(),
            role: allowed.role().name.clone(),
            mapping: allowed.mapping().clone(),
            issued_at,
            expires_at,
        }
    }
}

fn issued(approved: &Approved, credentials: &SessionCredentials) -> Event {
    Event::Issued {
        mapping: approved.allowed.mapping().clone(),
        access_key_id: credentials.access_key_id.clone(),
        session_arn: credentials.session_arn.clone(),
        expires_at: credentials.expires_at.to_rfc3339_opts(SecondsFormat::Secs, true),
        template: approved.allowed.role().template.to_string(),
        policy_sha256: approved.policy.sha256(),
        aws_request_id: credentials.request_id.clone(),
    }
}

fn failed(error: &aws::Error) -> Event {
    Event::Failed { reason: error.failure, aws_code: error.code.clone(), aws_request_id: error.request_id.clone() }
}

/// The entry for an attempt that never reached STS.
fn not_issued(error: &Error) -> Event {
    match error {
        Error::Refused { refusal, .. } => Event::Refused { reason: *refusal },
        _ => Event::Failed { reason: Failure::Policy, aws_code: None, aws_request_id: None },
    }
}
