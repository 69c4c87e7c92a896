//! What is wrong with a lab's account, by cause, and who can mend it.
//!
//! AWS answers several causes with one `AccessDenied`. A [`Trouble`] then names all that it can be, the likeliest first;
//! where what was read from the account leaves one, it names that one.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::drift::Part;
use super::probe::ProbeAnswer;
use crate::domain::id::RoleName;

/// The chain from a person to what they can do at AWS. The first link that is broken is the one to mend.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ChainLink {
    /// Who they are, and how they signed in.
    Person,
    /// What groups their sign-in brought.
    Group,
    /// Which mapping gives the role to one of these.
    Mapping,
    /// The lab's role, and whether its account knows it.
    Role,
    /// That STS lets the broker assume the session role.
    Sts,
    /// What the session role, its boundary and the steward role say.
    RolePolicy,
    /// What the service answers to a harmless call.
    Probe,
}

impl ChainLink {
    /// All of them, in order.
    pub const ALL: [Self; 7] =
        [Self::Person, Self::Group, Self::Mapping, Self::Role, Self::Sts, Self::RolePolicy, Self::Probe];

    /// The word for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Person => "person",
            Self::Group => "group",
            Self::Mapping => "mapping",
            Self::Role => "role",
            Self::Sts => "sts",
            Self::RolePolicy => "role-policy",
            Self::Probe => "probe",
        }
    }
}

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Severity {
    /// Nobody gets credentials that work.
    Stops,
    /// Somebody could get in who should not, or get more than the lab's roles give.
    Opens,
    /// It was not possible to find out. Trying again later may be.
    Unclear,
    /// It is not as it should be, and credentials work.
    Differs,
}

/// Who can mend something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Mender {
    /// Whoever asks, for themselves.
    Oneself,
    /// A PI of the lab.
    Pi,
    /// Whoever administers the lab's AWS account.
    AccountOwner,
    /// Whoever runs the broker.
    Operator,
    /// Nobody: waiting does.
    Time,
    /// Whoever administers the AWS organization that the account is in.
    Organization,
    /// Nobody that we know of: the service is gone.
    Nobody,
}

impl fmt::Display for Mender {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Oneself => "you",
            Self::Pi => "a PI of the lab",
            Self::AccountOwner => "whoever administers the lab's AWS account",
            Self::Operator => "whoever runs this broker",
            Self::Time => "nobody: wait a little",
            Self::Organization => "whoever administers the AWS organization of the account",
            Self::Nobody => "nobody",
        })
    }
}

/// One thing that can be the matter.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "cause", rename_all = "kebab-case", rename_all_fields = "kebab-case")]
pub enum Cause {
    /// The broker's settings do not say which role it runs under, so no trust policy can name it.
    BrokerRoleUnset,
    /// It cannot be said what the account should have.
    NoPlan {
        /// Why not.
        why: String,
    },
    /// Neither of the two roles is there.
    StackMissing,
    /// The session role is not there.
    SessionRoleMissing,
    /// The steward role is not there.
    StewardRoleMissing,
    /// The session role's trust policy asks for another external id.
    OtherExternalId,
    /// The trust policy shows an id where it named the broker's role: that one was deleted and made anew.
    BrokerRoleRecreated,
    /// The trust policy names somebody else than the broker's role.
    OtherBroker,
    /// The trust policy does not let the broker pass session tags.
    NoTagSession,
    /// The trust policy does not let the broker name a source identity.
    NoSetSourceIdentity,
    /// One statement of the trust policy asks for the external id on all three actions, and two of them do not know it.
    CombinedTrust,
    /// The trust policy says something else than it should.
    TrustChanged {
        /// What, in words.
        what: Vec<String>,
    },
    /// The role's maximum session duration is shorter than what is asked for.
    SessionTooShort,
    /// The broker's own policy does not let it assume the role.
    BrokerPolicy,
    /// A policy of the organization stands in the way.
    OrganizationPolicy,
    /// IAM has not applied a change yet.
    NotYetApplied,
    /// The role lets the broker in without its external id, so it would let anybody in whom it trusts.
    OpenToAnyone {
        /// Which.
        part: Part,
    },
    /// STS is switched off in the broker's region for the account.
    RegionDisabled,
    /// AWS asked to slow down.
    Throttled,
    /// The broker's clock is wrong by this much.
    ClockOff {
        /// Seconds that AWS's clock is ahead.
        seconds: i64,
    },
    /// AWS does not take the broker's own credentials.
    BrokerCredentials,
    /// AWS did not answer.
    Unreachable,
    /// AWS answered something that nobody expected.
    Unexpected {
        /// Its error code.
        code: String,
    },
    /// The steward role's own policy does not let it read this.
    StewardCannotRead {
        /// What.
        part: Part,
    },
    /// The session role has no permissions boundary, or another one.
    NoBoundary {
        /// In words.
        what: String,
    },
    /// A role was deleted and made anew since the account was joined.
    RoleRecreated {
        /// Which.
        part: Part,
    },
    /// A part of the account says more than it should.
    Widened {
        /// In words.
        what: String,
    },
    /// A part of the account says less than it should, or something else.
    Changed {
        /// In words.
        what: String,
    },
    /// The account's stack is older than the role: it does not allow all that the role does.
    AwaitingUpdate {
        /// The actions that are not covered.
        actions: Vec<String>,
    },
    /// The service refused the probe, and said by which kind of policy or did not.
    ProbeDenied {
        /// What it answered.
        answer: ProbeAnswer,
    },
    /// The service says that it is closed.
    ServiceClosed {
        /// What it answered.
        answer: ProbeAnswer,
    },
    /// The account is not linked to one of the service's own.
    NotLinked {
        /// What it answered.
        answer: ProbeAnswer,
    },
    /// The bucket that the role is for is not there.
    NoSuchBucket {
        /// What it answered.
        answer: ProbeAnswer,
    },
    /// The service did not answer.
    ServiceUnreachable {
        /// What came of it.
        answer: ProbeAnswer,
    },
    /// The service answered something else.
    ProbeFailed {
        /// What it answered.
        answer: ProbeAnswer,
    },
}

impl Cause {
    /// Who can mend it.
    #[must_use]
    pub fn mender(&self) -> Mender {
        use crate::domain::account::ProbeOutcome as Outcome;
        match self {
            Self::BrokerRoleUnset
            | Self::NoPlan { .. }
            | Self::BrokerPolicy
            | Self::ClockOff { .. }
            | Self::BrokerCredentials
            | Self::Unreachable
            | Self::Unexpected { .. } => Mender::Operator,
            Self::Throttled | Self::NotYetApplied => Mender::Time,
            Self::OrganizationPolicy => Mender::Organization,
            Self::ProbeDenied { answer } if answer.outcome == Outcome::DeniedByOrganization => Mender::Organization,
            Self::ProbeDenied { answer } if answer.outcome == Outcome::DeniedBySessionPolicy => Mender::Operator,
            Self::ProbeFailed { answer } | Self::ServiceUnreachable { answer } => match answer.outcome {
                Outcome::Throttled => Mender::Time,
                _ => Mender::Operator,
            },
            Self::ServiceClosed { .. } => Mender::Nobody,
            Self::NoSuchBucket { .. } => Mender::Pi,
            _ => Mender::AccountOwner,
        }
    }

    /// What to do next.
    #[must_use]
    pub fn next(&self) -> &'static str {
        match self {
            Self::BrokerRoleUnset => {
                "Set `broker_role` under `[accounts]` in the broker's settings; `lodged doctor` checks it."
            }
            Self::NoPlan { .. } => "Mend the role that is named, or shorten the lab's roles.",
            Self::StackMissing => "Create the stack from the template on the lab's account page.",
            Self::SessionRoleMissing | Self::StewardRoleMissing => {
                "Update the stack; where the role was deleted by hand, delete the stack and create it again."
            }
            Self::OtherExternalId
            | Self::BrokerRoleRecreated
            | Self::OtherBroker
            | Self::NoTagSession
            | Self::NoSetSourceIdentity
            | Self::CombinedTrust
            | Self::TrustChanged { .. }
            | Self::OpenToAnyone { .. }
            | Self::NoBoundary { .. }
            | Self::Widened { .. }
            | Self::Changed { .. }
            | Self::StewardCannotRead { .. } => {
                "Update the stack from the template on the lab's account page. Where CloudFormation sees nothing to \
                 change, the part was edited by hand: put it back, or delete the stack and create it again."
            }
            Self::SessionTooShort => "Set the role's maximum session duration to one hour: update the stack.",
            Self::BrokerPolicy => "Compare the broker's own policy with `deploy/broker-policy.json`.",
            Self::OrganizationPolicy => {
                "Look in CloudTrail for this call, and whether a service or resource control policy denies it."
            }
            Self::NotYetApplied => "Check again in a minute.",
            Self::RegionDisabled => "Switch STS on in the broker's region, in the account's settings of IAM.",
            Self::Throttled => "Nothing: it is tried again.",
            Self::ClockOff { .. } => "Set the clock of the broker's machine; `lodged doctor` measures it.",
            Self::BrokerCredentials => "Run `lodged doctor` where the broker runs.",
            Self::Unreachable => "See whether the broker's machine reaches AWS; `lodged doctor` tries it.",
            Self::Unexpected { .. } => "Look in the broker's log for this check.",
            Self::RoleRecreated { .. } => "If the lab meant it, join the account again; if not, find out who did it.",
            Self::AwaitingUpdate { .. } => "Update the stack from the template on the lab's account page.",
            Self::ProbeDenied { answer } => denied_next(answer),
            Self::ServiceClosed { .. } => "Use a role for a service that lives on.",
            Self::NotLinked { .. } => "Link the AWS account at the service's own site.",
            Self::NoSuchBucket { .. } => "Mend the role's bucket, or make the bucket in the lab's account.",
            Self::ServiceUnreachable { .. } => "See whether the broker's machine reaches the service.",
            Self::ProbeFailed { .. } => "Look at what the service answered, and try the call with the AWS CLI.",
        }
    }
}

fn denied_next(answer: &ProbeAnswer) -> &'static str {
    use crate::domain::account::ProbeOutcome as Outcome;
    match answer.outcome {
        Outcome::DeniedBySessionPolicy => "The role's own policy does not allow its probe: mend the policy template.",
        Outcome::DeniedByOrganization => "A policy of the AWS organization denies it. Ask who administers that.",
        Outcome::Denied => {
            "AWS does not say which policy: compare the session role's policies and boundary with the template, then \
             ask for policies of the organization."
        }
        _ => "A policy in the account denies it. Update the stack, and take out what was added beside it.",
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::BrokerRoleUnset => f.write_str("the broker does not know its own role's ARN"),
            Self::NoPlan { why } => write!(f, "it cannot be said what the account should have: {why}"),
            Self::StackMissing => f.write_str("the stack is not in the account: neither of its two roles is there"),
            Self::SessionRoleMissing => f.write_str("the session role is not in the account"),
            Self::StewardRoleMissing => f.write_str("the steward role is not in the account"),
            Self::OtherExternalId => f.write_str("the trust policy asks for another external id than this lab's"),
            Self::BrokerRoleRecreated => f.write_str("the broker's own role was deleted and made anew"),
            Self::OtherBroker => f.write_str("the trust policy names another role than the broker's"),
            Self::NoTagSession => f.write_str("the trust policy does not let the broker pass session tags"),
            Self::NoSetSourceIdentity => {
                f.write_str("the trust policy does not let the broker say for whom a session is")
            }
            Self::CombinedTrust => f.write_str(
                "the trust policy asks for the external id where only sts:AssumeRole knows it: its three statements \
                 were made one",
            ),
            Self::TrustChanged { what } => write!(f, "the trust policy was changed: {}", what.join("; ")),
            Self::SessionTooShort => f.write_str("the role's maximum session duration is shorter than asked for"),
            Self::BrokerPolicy => f.write_str("the broker's own policy does not let it assume this role"),
            Self::OrganizationPolicy => f.write_str("a policy of the AWS organization denies it"),
            Self::NotYetApplied => f.write_str("IAM has not applied a change yet"),
            Self::OpenToAnyone { part } => {
                write!(f, "{part} lets the broker in without its external id, so it is open to anyone it trusts")
            }
            Self::RegionDisabled => f.write_str("STS is switched off in the broker's region for this account"),
            Self::Throttled => f.write_str("AWS asked to slow down"),
            Self::ClockOff { seconds } => {
                let (by, way) = (seconds.unsigned_abs(), if *seconds > 0 { "behind" } else { "ahead" });
                write!(f, "the broker's clock is {by} seconds {way}")
            }
            Self::BrokerCredentials => f.write_str("AWS does not take the broker's own credentials"),
            Self::Unreachable => f.write_str("AWS did not answer"),
            Self::Unexpected { code } => write!(f, "AWS answered {code}"),
            Self::StewardCannotRead { part } => write!(f, "the steward role may not read {part}"),
            Self::NoBoundary { what } | Self::Widened { what } | Self::Changed { what } => f.write_str(what),
            Self::RoleRecreated { part } => {
                write!(f, "{part} was deleted and made anew since the account was joined")
            }
            Self::AwaitingUpdate { actions } => {
                write!(f, "the account's stack does not allow {} yet", actions.join(", "))
            }
            Self::ProbeDenied { answer }
            | Self::ServiceClosed { answer }
            | Self::NotLinked { answer }
            | Self::NoSuchBucket { answer }
            | Self::ServiceUnreachable { answer }
            | Self::ProbeFailed { answer } => write!(f, "{}", answer.outcome),
        }
    }
}

/// Something that is wrong: one cause, or what AWS lets it be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Trouble {
    /// Where in the chain.
    pub link: ChainLink,
    /// The role it is about, when it is about one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<RoleName>,
    /// How bad it is.
    pub severity: Severity,
    /// The one cause; or all that it can be, the likeliest first. Never empty.
    pub causes: Vec<Cause>,
}

impl Trouble {
    /// One that is known by name.
    #[must_use]
    pub fn named(link: ChainLink, severity: Severity, cause: Cause) -> Self {
        Self::one_of(link, severity, vec![cause])
    }

    /// One that can be any of these.
    #[must_use]
    pub const fn one_of(link: ChainLink, severity: Severity, causes: Vec<Cause>) -> Self {
        Self { link, role: None, severity, causes }
    }

    /// The same of one role.
    #[must_use]
    pub fn of(self, role: &RoleName) -> Self {
        Self { role: Some(role.clone()), ..self }
    }

    /// Whether AWS lets one know which it is.
    #[must_use]
    pub const fn is_known(&self) -> bool {
        self.causes.len() == 1
    }
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(role) = &self.role {
            write!(f, "{role}: ")?;
        }
        if !self.is_known() {
            f.write_str("AWS does not say which: ")?;
        }
        for (number, cause) in self.causes.iter().enumerate() {
            write!(f, "{}{cause}", if number == 0 { "" } else { "; or " })?;
        }
        Ok(())
    }
}
