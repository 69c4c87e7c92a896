//! The heart: short-lived credentials for one person, one lab, one role.

use chrono::{DateTime, SecondsFormat, Utc};

use super::sessions::require_live;
use super::{Broker, Caller, CallerSession, Error, Result};
use crate::aws::{self, AssumeRole, SessionCredentials};
use crate::domain::access::{self, Decision};
use crate::domain::id::{MappingId, PersonId, RoleAddress, RoleSessionId};
use crate::domain::lab::{Lab, Role};
use crate::domain::ledger::{Book, Draft, Event, Failure};
use crate::domain::policy::SessionPolicy;
use crate::domain::role_session::{RoleSessionName, SessionDuration, SessionTag, SourceIdentity};
use crate::store::Snapshot;

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

/// What the gate allowed, and all that the call to STS needs.
#[derive(Debug)]
struct Approved {
    lab: Lab,
    mapping: MappingId,
    duration: SessionDuration,
    policy: SessionPolicy,
    tags: [SessionTag; 2],
    template: String,
}

/// One attempt: who asks for what, under which id.
#[derive(Debug)]
struct Attempt {
    id: RoleSessionId,
    person: PersonId,
    session: CallerSession,
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
                let refusal = match access::decide(&profile.snapshot.evidence, None, &[], None, self.clock.now()) {
                    Decision::Refused(refusal) => refusal,
                    Decision::Allowed { .. } => access::Refusal::NoMapping,
                };
                self.refused(refusal, &profile.snapshot)
            }
            Err(error) => error,
        }
    }

    async fn carry_out(&self, attempt: Attempt) -> Result<Issued> {
        let approved = self.begin(&attempt).await?;

        let answer = self
            .aws
            .assume_role(
                &AssumeRole {
                    role: &approved.lab.session_role,
                    external_id: &approved.lab.external_id,
                    policy: &approved.policy,
                    session_name: &RoleSessionName::from(&attempt.id),
                    source_identity: &SourceIdentity::from(&attempt.person),
                    tags: &approved.tags,
                    duration: approved.duration,
                },
                self.clock.now(),
            )
            .await;

        let outcome = match &answer {
            Ok(credentials) => issued(&approved, credentials),
            Err(error) => failed(error),
        };
        self.end(&attempt, Book::Lab(approved.lab.id), outcome).await?;
        Ok(Issued {
            role_session: attempt.id,
            account_id: approved.lab.session_role.account().as_str().to_owned(),
            credentials: answer?,
        })
    }

    /// Decides and writes `Attempted`, in one transaction: a session or a mapping that ended before this moment gives
    /// nothing after it. When the answer is no, the refusal is written beside it.
    async fn begin(&self, attempt: &Attempt) -> Result<Approved> {
        let now = self.clock.now();
        let mut tx = self.store.write().await?;
        require_live(&mut tx, &attempt.session, now).await?;
        let snapshot = tx.snapshot(&attempt.person).await?.ok_or(Error::SignInNeeded)?;
        let lab = tx.lab_by_name(&attempt.address.lab).await?;
        let (mut role, mut mappings) = (None, Vec::new());
        if let Some(lab) = &lab {
            role = tx.role(&lab.id, &attempt.address.role).await?;
            mappings = tx.mappings_of_role(&lab.id, &attempt.address.role).await?;
        }
        let decision = access::decide(&snapshot.evidence, role.as_ref(), &mappings, attempt.wanted, now);
        let outcome = match (decision, &lab, &role) {
            (Decision::Allowed { mapping, duration }, Some(lab), Some(role)) => {
                self.approve(lab, role, mapping, duration)
            }
            (Decision::Refused(refusal), ..) => Err(self.refused(refusal, &snapshot)),
            (Decision::Allowed { .. }, ..) => Err(self.refused(access::Refusal::NoMapping, &snapshot)),
        };

        let book = lab.map_or(Book::Broker, |lab| Book::Lab(lab.id));
        let attempted = Event::Attempted {
            lab: attempt.address.lab.clone(),
            role: attempt.address.role.clone(),
            wanted_seconds: attempt.wanted.map(SessionDuration::seconds),
        };
        tx.append(book.clone(), attempt.draft(now, attempted)).await?;
        if let Err(error) = &outcome {
            tx.append(book, attempt.draft(now, not_issued(error))).await?;
        }
        tx.commit().await?;
        if let Err(error) = &outcome {
            tracing::info!(attempt.id = %attempt.id, person.id = %attempt.person, reason = %error, "no credential");
        }
        outcome
    }

    fn approve(&self, lab: &Lab, role: &Role, mapping: MappingId, duration: SessionDuration) -> Result<Approved> {
        let template = self.policies.get(&role.template);
        let template = template.ok_or_else(|| Error::Policy(format!("there is no template `{}`", role.template)))?;
        let policy = template.fill(&role.parameters).map_err(|error| Error::Policy(error.to_string()))?;
        Ok(Approved {
            lab: lab.clone(),
            mapping,
            duration,
            policy,
            tags: [SessionTag::role(&role.name), SessionTag::lab(&lab.id)],
            template: role.template.to_string(),
        })
    }

    fn refused(&self, refusal: access::Refusal, snapshot: &Snapshot) -> Error {
        let connection = &snapshot.evidence.connection;
        let provider = self.providers.get(connection);
        Error::Refused {
            refusal,
            group_claim: provider.map_or("groups", |p| p.settings().group_claim.as_str()).to_owned(),
            connection: self.connection_title(connection).to_owned(),
            groups: snapshot.evidence.groups.clone(),
        }
    }

    /// Writes how it ended. A credential leaves this process after this has returned, or not at all.
    async fn end(&self, attempt: &Attempt, book: Book, event: Event) -> Result<()> {
        let kind = event.kind();
        let mut tx = self.store.write().await?;
        tx.append(book, attempt.draft(self.clock.now(), event)).await?;
        tx.commit().await?;
        tracing::info!(
            attempt.id = %attempt.id,
            person.id = %attempt.person,
            role = %attempt.address,
            outcome = kind,
            "attempt ended"
        );
        Ok(())
    }
}

impl Attempt {
    fn draft(&self, at: DateTime<Utc>, event: Event) -> Draft {
        Draft { at, person: self.person.clone(), attempt: self.id.clone(), event }
    }
}

fn issued(approved: &Approved, credentials: &SessionCredentials) -> Event {
    Event::Issued {
        mapping: approved.mapping.clone(),
        access_key_id: credentials.access_key_id.clone(),
        session_arn: credentials.session_arn.clone(),
        expires_at: credentials.expires_at.to_rfc3339_opts(SecondsFormat::Secs, true),
        template: approved.template.clone(),
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
