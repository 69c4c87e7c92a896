//! What can happen, as the ledger keeps it. A word that was ever written is never renamed.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::domain::access::Refusal;
use crate::domain::account::{CheckReason, Verdict};
use crate::domain::claims::Group;
use crate::domain::cut_off::{CutOffCause, CutOffReason, Whose};
use crate::domain::id::{
    AccountCheckId, CliSessionId, ConnectionName, CutOffId, InvitationId, LabName, MappingChangeId, MappingId,
    PersonId, RoleName,
};
use crate::domain::lab::{Office, Role};
use crate::domain::mapping::{MappingTarget, MappingTerms};
use crate::domain::role_session::SessionDuration;
use crate::domain::sign_in::SignInRefusal;

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", rename_all_fields = "kebab-case", deny_unknown_fields)]
pub enum Event {
    /// Somebody asked for a role. Durable before STS is called.
    Attempted {
        /// The lab, as it was asked for.
        lab: LabName,
        /// The role, as it was asked for.
        role: RoleName,
        /// The duration asked for, in seconds, when one was.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        wanted_seconds: Option<u32>,
    },
    /// Credentials were made. Durable before they leave the process.
    Issued {
        /// The mapping that gave the role.
        mapping: MappingId,
        /// Joins the entry to CloudTrail. Not a secret.
        access_key_id: String,
        /// The session's ARN.
        session_arn: String,
        /// When the credentials die: RFC 3339, UTC.
        expires_at: String,
        /// The template that the policy was made of.
        template: String,
        /// SHA-256 of the session policy that was sent, in hexadecimal.
        policy_sha256: String,
        /// AWS's name for the call, when it gave one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        aws_request_id: Option<String>,
    },
    /// The broker said no; STS was not called.
    Refused {
        /// Why.
        reason: Refusal,
    },
    /// The broker said yes and no credential came of it.
    Failed {
        /// Why.
        reason: Failure,
        /// AWS's error code, when it was AWS that said no.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        aws_code: Option<String>,
        /// AWS's name for the call, when it gave one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        aws_request_id: Option<String>,
    },
    /// An operator made the lab.
    LabCreated {
        /// Its name.
        lab: LabName,
        /// The role in its account.
        session_role: String,
    },
    /// An operator put the lab away: it gives nothing and is there for nobody.
    LabArchived,
    /// An operator brought the lab back.
    LabRestored,
    /// The lab got a role.
    RoleAdded {
        /// Its name.
        role: RoleName,
        /// What it is made of.
        template: String,
        /// Its longest session.
        max_duration_seconds: u32,
        /// What fills that.
        #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
        parameters: BTreeMap<String, String>,
    },
    /// A role was filled otherwise, or its longest session changed.
    RoleChanged {
        /// Its name.
        role: RoleName,
        /// What it was.
        before: RoleTerms,
        /// What it is.
        after: RoleTerms,
        /// Whether it gives more than before, to whoever has it.
        gives_more: bool,
    },
    /// A role was ended. Nobody had it.
    RoleEnded {
        /// Its name.
        role: RoleName,
    },
    /// An operator made a link for whoever is to be a PI. An open one before it ended by this.
    PiInvited {
        /// The invitation.
        invitation: InvitationId,
        /// When it lapses: RFC 3339, UTC.
        lapses_at: String,
    },
    /// An operator ended an invitation.
    InvitationWithdrawn {
        /// The invitation.
        invitation: InvitationId,
    },
    /// Somebody was given a standing.
    StandingGiven {
        /// Who.
        person: PersonId,
        /// Which.
        standing: Office,
        /// What they had before.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        before: Option<Office>,
        /// The invitation it came of, if it did.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        invitation: Option<InvitationId>,
    },
    /// Somebody lost their standing, or laid it down.
    StandingTaken {
        /// Who.
        person: PersonId,
        /// What they had.
        before: Office,
    },
    /// A group got a role.
    MappingAdded {
        /// The mapping.
        mapping: MappingId,
        /// Who gets what.
        target: Target,
        /// On what conditions.
        terms: Terms,
        /// Whether whoever asked for it gains by it.
        benefits_author: bool,
        /// Who asked for it, when somebody else confirmed it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        asked: Option<Asked>,
    },
    /// A mapping's conditions were changed.
    MappingEdited {
        /// The mapping.
        mapping: MappingId,
        /// The revision that came of it.
        revision: i64,
        /// Who gets what.
        target: Target,
        /// The conditions before.
        before: Terms,
        /// The conditions now.
        after: Terms,
        /// Whether whoever asked for it gains by it.
        benefits_author: bool,
        /// Who asked for it, when somebody else confirmed it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        asked: Option<Asked>,
    },
    /// A mapping was ended.
    MappingEnded {
        /// The mapping.
        mapping: MappingId,
        /// The revision that came of it.
        revision: i64,
        /// Who got what.
        target: Target,
    },
    /// Somebody asked for a change that gives themselves more. It waits for a second PI.
    MappingChangeAsked {
        /// What waits.
        change: MappingChangeId,
        /// The mapping that would change or come to be.
        mapping: MappingId,
        /// Who would get what.
        target: Target,
        /// On what conditions.
        terms: Terms,
    },
    /// A change that waited was dropped.
    MappingChangeDeclined {
        /// What waited.
        change: MappingChangeId,
        /// The mapping it spoke of.
        mapping: MappingId,
    },
    /// An operator suspended somebody: every session of theirs ended, and none begins.
    PersonSuspended {
        /// Who.
        person: PersonId,
    },
    /// An operator lifted a suspension.
    PersonRestored {
        /// Who.
        person: PersonId,
    },
    /// Somebody was not signed in.
    SignInRefused {
        /// Where they tried, when it is a connection of this broker.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        connection: Option<ConnectionName>,
        /// Why.
        reason: SignInRefusal,
        /// Who, when that was known.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        person: Option<PersonId>,
    },
    /// A token that is good once was shown a second time: somebody copied it. The session of both is ended.
    TokenReused {
        /// Whose session it was.
        person: PersonId,
        /// Which.
        session: CliSessionId,
        /// What was shown.
        token: ReusedToken,
    },
    /// A provider said that somebody signed out there, or was signed out.
    ProviderLogout {
        /// Who.
        person: PersonId,
        /// The provider.
        connection: ConnectionName,
        /// How many sessions ended by it.
        sessions: u64,
    },
    /// A PI set how old the groups may be that the lab's mappings are looked up by.
    LabLimitChanged {
        /// Seconds before; the broker's own limit when absent.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        before: Option<u32>,
        /// Seconds now.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        after: Option<u32>,
    },
    /// A PI set how old a sign-in may be that uses a role.
    RoleLimitChanged {
        /// The role.
        role: RoleName,
        /// Seconds before; the broker's own limit when absent.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        before: Option<u32>,
        /// Seconds now.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        after: Option<u32>,
    },
    /// A check of the lab's AWS account begins, in which sessions of its roles are made and stay in the broker. Durable
    /// before STS is called.
    AccountCheckBegun {
        /// Which.
        check: AccountCheckId,
        /// Why.
        reason: CheckReason,
    },
    /// It is over.
    AccountChecked {
        /// Which.
        check: AccountCheckId,
        /// What it came to.
        verdict: Verdict,
        /// How many things were found that are not as they should be.
        troubles: u32,
    },
    /// The account proved itself to a PI who joins it: credentials are issued from it.
    AccountJoined {
        /// The account.
        account: String,
        /// Which check proved it.
        check: AccountCheckId,
    },
    /// Sessions that live were cut off: from this entry on nothing is issued to those whose they are, and AWS is being told.
    /// The broker may make a session of its own for it, which tries whether the deny holds and stays in the broker.
    CutOff {
        /// Which.
        cut_off: CutOffId,
        /// Whose sessions.
        whose: Whose,
        /// Sessions that AWS issued before this are denied: RFC 3339, UTC.
        before: String,
        /// What led to it.
        cause: CutOffCause,
        /// Why, in the words of whoever did it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<CutOffReason>,
        /// Whether they are kept out until somebody lifts it.
        held: bool,
        /// How many sessions of these lived, as far as is known.
        sessions: u32,
    },
    /// Who was kept out is not any more.
    CutOffLifted {
        /// Which.
        cut_off: CutOffId,
        /// Whose sessions it was about.
        whose: Whose,
    },
    /// AWS has a deny of sessions at the lab's session role, and gave it back as it was written.
    DenyApplied {
        /// SHA-256 of the policy, in hexadecimal; none when it has gone, because all that it denied is dead.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        policy_sha256: Option<String>,
        /// How many people it names.
        people: u32,
        /// Before when everybody's sessions are denied because the rest did not fit: RFC 3339, UTC.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        overflow: Option<String>,
    },
    /// Somebody else changed or removed the deny in the account. It is being written again.
    DenyRestored {
        /// SHA-256 of what was found, in hexadecimal; none when there was nothing.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        found_sha256: Option<String>,
    },
    /// Somebody was cut off in all labs: from this entry on nothing is issued to them anywhere.
    PersonCutOff {
        /// Which.
        cut_off: CutOffId,
        /// Who.
        person: PersonId,
        /// Sessions that AWS issued before this are denied: RFC 3339, UTC.
        before: String,
        /// What led to it.
        cause: CutOffCause,
        /// Why, in the words of whoever did it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<CutOffReason>,
    },
}

/// A token that is good once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ReusedToken {
    /// A code that had been traded.
    Code,
    /// A refresh token that had been traded.
    Refresh,
}

/// Who gets what by a mapping.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Target {
    /// The connection.
    pub connection: ConnectionName,
    /// The group.
    pub group: String,
    /// The role.
    pub role: RoleName,
}

impl From<&MappingTarget> for Target {
    fn from(target: &MappingTarget) -> Self {
        Self {
            connection: target.connection.clone(),
            group: Group::as_str(&target.group).to_owned(),
            role: target.role.clone(),
        }
    }
}

/// The conditions of a mapping.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Terms {
    /// When it ends: RFC 3339, UTC, six digits of fraction.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ends_at: Option<String>,
    /// The longest session it gives, when it is not the role's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_duration_seconds: Option<u32>,
    /// Whether it needs a second factor.
    pub needs_mfa: bool,
    /// Whether it needs a PI's approval.
    pub needs_approval: bool,
}

impl From<&MappingTerms> for Terms {
    fn from(terms: &MappingTerms) -> Self {
        Self {
            ends_at: terms.ends_at.map(super::timestamp),
            max_duration_seconds: terms.max_duration.map(SessionDuration::seconds),
            needs_mfa: terms.needs_mfa,
            needs_approval: terms.needs_approval,
        }
    }
}

/// Where a change comes from that somebody else confirmed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Asked {
    /// What had waited.
    pub change: MappingChangeId,
    /// Who had asked for it.
    pub author: PersonId,
}

/// Every kind of event, as it is written.
pub const KINDS: [&str; 34] = [
    "attempted",
    "issued",
    "refused",
    "failed",
    "lab-created",
    "lab-archived",
    "lab-restored",
    "role-added",
    "role-changed",
    "role-ended",
    "pi-invited",
    "invitation-withdrawn",
    "standing-given",
    "standing-taken",
    "mapping-added",
    "mapping-edited",
    "mapping-ended",
    "mapping-change-asked",
    "mapping-change-declined",
    "person-suspended",
    "person-restored",
    "sign-in-refused",
    "token-reused",
    "provider-logout",
    "lab-limit-changed",
    "role-limit-changed",
    "account-check-begun",
    "account-checked",
    "account-joined",
    "cut-off",
    "cut-off-lifted",
    "deny-applied",
    "deny-restored",
    "person-cut-off",
];

impl Event {
    /// The kind, as it is written.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Attempted { .. } => "attempted",
            Self::Issued { .. } => "issued",
            Self::Refused { .. } => "refused",
            Self::Failed { .. } => "failed",
            Self::LabCreated { .. } => "lab-created",
            Self::LabArchived => "lab-archived",
            Self::LabRestored => "lab-restored",
            Self::RoleAdded { .. } => "role-added",
            Self::RoleChanged { .. } => "role-changed",
            Self::RoleEnded { .. } => "role-ended",
            Self::PiInvited { .. } => "pi-invited",
            Self::InvitationWithdrawn { .. } => "invitation-withdrawn",
            Self::StandingGiven { .. } => "standing-given",
            Self::StandingTaken { .. } => "standing-taken",
            Self::MappingAdded { .. } => "mapping-added",
            Self::MappingEdited { .. } => "mapping-edited",
            Self::MappingEnded { .. } => "mapping-ended",
            Self::MappingChangeAsked { .. } => "mapping-change-asked",
            Self::MappingChangeDeclined { .. } => "mapping-change-declined",
            Self::PersonSuspended { .. } => "person-suspended",
            Self::PersonRestored { .. } => "person-restored",
            Self::SignInRefused { .. } => "sign-in-refused",
            Self::TokenReused { .. } => "token-reused",
            Self::ProviderLogout { .. } => "provider-logout",
            Self::LabLimitChanged { .. } => "lab-limit-changed",
            Self::RoleLimitChanged { .. } => "role-limit-changed",
            Self::AccountCheckBegun { .. } => "account-check-begun",
            Self::AccountChecked { .. } => "account-checked",
            Self::AccountJoined { .. } => "account-joined",
            Self::CutOff { .. } => "cut-off",
            Self::CutOffLifted { .. } => "cut-off-lifted",
            Self::DenyApplied { .. } => "deny-applied",
            Self::DenyRestored { .. } => "deny-restored",
            Self::PersonCutOff { .. } => "person-cut-off",
        }
    }

    /// Whether it belongs to an attempt to get a credential; otherwise it is an act.
    #[must_use]
    pub const fn is_of_attempt(&self) -> bool {
        matches!(self, Self::Attempted { .. } | Self::Issued { .. } | Self::Refused { .. } | Self::Failed { .. })
    }
}

/// What can be changed of a role, as the ledger has it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct RoleTerms {
    /// What fills its template.
    pub parameters: BTreeMap<String, String>,
    /// Its longest session.
    pub max_duration_seconds: u32,
}

impl From<&Role> for RoleTerms {
    fn from(role: &Role) -> Self {
        Self { parameters: role.parameters.clone(), max_duration_seconds: role.max_duration.seconds() }
    }
}

/// Why the broker said yes and no credential came of it, by who can mend it. The ledger keeps the word: a variant is
/// never renamed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(rename_all = "kebab-case")]
pub enum Failure {
    /// The lab's role does not let the broker in: the role, its trust policy or its external id. The lab mends it.
    #[error("the lab's AWS role refused the broker")]
    Denied,
    /// A parameter that STS would not take, such as more time than the role's maximum. The lab mends it.
    #[error("AWS did not accept the request")]
    Rejected,
    /// The session policy and tags do not fit the token. The role must be made shorter.
    #[error("the session policy is too large for AWS")]
    TooLarge,
    /// The broker's own credentials or clock. The operator mends it.
    #[error("AWS does not accept the broker's own identity")]
    Identity,
    /// Too many calls. Waiting mends it.
    #[error("AWS asked to slow down")]
    Throttled,
    /// No answer. Waiting may mend it.
    #[error("AWS could not be reached")]
    Unreachable,
    /// An answer that is not what was asked for: another account, role, session or lifetime.
    #[error("AWS's answer does not match the request")]
    Mismatch,
    /// The role's template is gone or cannot be filled.
    #[error("the role's policy cannot be made")]
    Policy,
    /// The broker was stopped between its two entries.
    #[error("the broker was stopped before there was an outcome")]
    Interrupted,
    /// The person was cut off while AWS was asked: what it gave was dropped.
    #[error("the person was cut off meanwhile")]
    CutOff,
    /// The mapping ended while AWS was asked: what it gave was dropped.
    #[error("the mapping ended meanwhile")]
    MappingEnded,
}
