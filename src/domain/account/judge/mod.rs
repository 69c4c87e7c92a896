//! What a check's answers mean: which causes they leave, and whether the account has proved itself.

use super::check::{RoleProbe, Verdict};
use super::drift::{Drift, Part, drift};
use super::found::FoundAccount;
use super::plan::Plan;
use super::probe::ProbeOutcome;
use super::trouble::{Cause, ChainLink, Severity, Trouble};

/// What AWS answered to a call, as far as its cause can be told from that.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// It was done.
    LetIn,
    /// It was refused; which action AWS named, when it named one that we ask for.
    Denied(Option<&'static str>),
    /// The role's maximum session duration is shorter.
    SessionTooLong,
    /// STS is switched off in the region for the account.
    RegionDisabled,
    /// One call too many.
    Throttled,
    /// The broker's own credentials or clock.
    Identity,
    /// No answer.
    Unreachable,
    /// Something else: the error code, when there was one.
    Other(Option<String>),
}

impl Answer {
    /// Whether nothing was learnt of the account by it.
    #[must_use]
    pub const fn is_unclear(&self) -> bool {
        matches!(self, Self::Throttled | Self::Identity | Self::Unreachable | Self::Other(_))
    }
}

/// What a check heard.
#[derive(Clone, Debug, Default)]
pub struct Observed {
    /// What came of assuming the session role as for somebody.
    pub session: Option<Answer>,
    /// Whether it lets the broker in without the right external id; nothing when that was not found out.
    pub session_is_open: Option<bool>,
    /// What came of assuming the steward role.
    pub steward: Option<Answer>,
    /// Whether it lets the broker in without the right external id.
    pub steward_is_open: Option<bool>,
    /// What was read, when all of it could be.
    pub found: Option<FoundAccount>,
    /// What could not be read, and what AWS answered.
    pub unread: Option<(Part, Answer)>,
    /// How many seconds AWS's clock is ahead of the broker's, when that is too much.
    pub clock_off_seconds: Option<i64>,
    /// What the harmless calls came to.
    pub probes: Vec<RoleProbe>,
    /// The roles that the account does not allow, and what of them.
    pub uncovered: Vec<(crate::domain::id::RoleName, Vec<String>)>,
}

/// What it means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Judgement {
    /// In a word.
    pub verdict: Verdict,
    /// What is wrong, the first link of the chain first.
    pub troubles: Vec<Trouble>,
}

/// What was heard means; `session_role_id` is what the session role's id was when the account was joined.
#[must_use]
pub fn judge(plan: &Plan, observed: &Observed, session_role_id: Option<&str>) -> Judgement {
    let drift = observed.found.as_ref().map_or_else(Vec::new, |found| drift(plan, found, session_role_id));
    let mut troubles: Vec<Trouble> = Vec::new();
    troubles.extend(assuming(observed, &drift));
    for (open, part) in [(observed.session_is_open, Part::SessionRole), (observed.steward_is_open, Part::StewardRole)] {
        if open == Some(true) {
            troubles.push(Trouble::named(ChainLink::Sts, Severity::Opens, Cause::OpenToAnyone { part }));
        }
    }
    let session_works = matches!(observed.session, Some(Answer::LetIn));
    troubles.extend(stewarding(observed, session_works));
    for one in &drift {
        // What keeps the broker out has been said as that.
        if session_works || !is_about_session_trust(one) {
            troubles.push(different(one));
        }
    }
    for (role, actions) in &observed.uncovered {
        let cause = Cause::AwaitingUpdate { actions: actions.clone() };
        troubles.push(Trouble::named(ChainLink::Role, Severity::Differs, cause).of(role));
    }
    troubles.extend(observed.probes.iter().filter_map(probing));
    // One thing said twice is said once: a call that was let in, and the trust policy that lets it in.
    let opened: Vec<Part> = open_parts(observed);
    troubles.retain(
        |trouble| !matches!(&trouble.causes[..], [Cause::Widened { .. }] if said_open(trouble, &drift, &opened)),
    );
    troubles.sort_by_key(|trouble| (trouble.link, trouble.severity));
    Judgement { verdict: verdict(observed, session_works, &troubles), troubles }
}

fn open_parts(observed: &Observed) -> Vec<Part> {
    let parts = [(observed.session_is_open, Part::SessionRole), (observed.steward_is_open, Part::StewardRole)];
    parts.into_iter().filter(|(open, _)| *open == Some(true)).map(|(_, part)| part).collect()
}

/// Whether this is what a call that was let in has shown already.
fn said_open(trouble: &Trouble, drift: &[Drift], opened: &[Part]) -> bool {
    drift.iter().any(|one| {
        let (Drift::OpenToAnyone(part) | Drift::NoExternalId(part)) = one else { return false };
        opened.contains(part) && different(one) == *trouble
    })
}

fn verdict(observed: &Observed, session_works: bool, troubles: &[Trouble]) -> Verdict {
    let is = |severity: Severity| troubles.iter().any(|trouble| trouble.severity == severity);
    let all_refused = observed.session_is_open == Some(false) && observed.steward_is_open == Some(false);
    if is(Severity::Stops) {
        Verdict::Broken
    } else if is(Severity::Opens) {
        Verdict::Open
    } else if session_works && observed.found.is_some() && all_refused {
        Verdict::Proven
    } else if session_works && observed.session_is_open == Some(false) && !is(Severity::Unclear) {
        Verdict::Unread
    } else {
        Verdict::Unclear
    }
}

/// What is wrong with assuming the session role.
fn assuming(observed: &Observed, drift: &[Drift]) -> Option<Trouble> {
    let stops = |causes| Trouble::one_of(ChainLink::Sts, Severity::Stops, causes);
    match observed.session.as_ref()? {
        Answer::LetIn => None,
        Answer::Denied(action) => Some(stops(kept_out(observed, drift, *action))),
        Answer::SessionTooLong => Some(stops(vec![Cause::SessionTooShort])),
        Answer::RegionDisabled => Some(stops(vec![Cause::RegionDisabled])),
        other => Some(unclear(other, observed.clock_off_seconds)),
    }
}

/// Nothing was learnt of the account.
fn unclear(answer: &Answer, clock_off_seconds: Option<i64>) -> Trouble {
    let cause = match (answer, clock_off_seconds) {
        (Answer::Throttled, _) => Cause::Throttled,
        // A request that is dated wrongly is refused, or is answered with a session that seems to live too long.
        (Answer::Identity | Answer::Other(_), Some(seconds)) => Cause::ClockOff { seconds },
        (Answer::Identity, None) => Cause::BrokerCredentials,
        (Answer::Other(code), None) => {
            Cause::Unexpected { code: code.clone().unwrap_or_else(|| "something else than was asked for".to_owned()) }
        }
        _ => Cause::Unreachable,
    };
    Trouble::named(ChainLink::Sts, Severity::Unclear, cause)
}

/// Why the session role does not let the broker in. AWS has one answer for all of it, and names at best the action; what
/// was read of the account tells more.
fn kept_out(observed: &Observed, drift: &[Drift], action: Option<&str>) -> Vec<Cause> {
    if let Some(found) = &observed.found {
        if found.session_role.is_none() {
            return vec![Cause::SessionRoleMissing];
        }
        let causes = trust_causes(drift);
        if !causes.is_empty() {
            return causes;
        }
        // The role reads as it should.
        return vec![Cause::NotYetApplied, Cause::BrokerPolicy, Cause::OrganizationPolicy];
    }
    let steward_came_in = matches!(observed.steward, Some(Answer::LetIn));
    match action {
        // Assuming is asked before the other two, so it was allowed.
        Some("sts:TagSession") => vec![Cause::NoTagSession, Cause::CombinedTrust, Cause::BrokerPolicy],
        Some("sts:SetSourceIdentity") => vec![Cause::NoSetSourceIdentity, Cause::CombinedTrust, Cause::BrokerPolicy],
        _ if steward_came_in => match &observed.unread {
            // Of a role that is not there AWS says the same as of one that may not be read.
            Some((Part::SessionRole, Answer::Denied(_))) => {
                vec![Cause::SessionRoleMissing, Cause::StewardCannotRead { part: Part::SessionRole }]
            }
            _ => vec![Cause::SessionRoleMissing, Cause::OtherExternalId, Cause::OrganizationPolicy],
        },
        _ => vec![
            Cause::StackMissing,
            Cause::BrokerRoleRecreated,
            Cause::OtherExternalId,
            Cause::OtherBroker,
            Cause::BrokerPolicy,
            Cause::OrganizationPolicy,
            Cause::NotYetApplied,
        ],
    }
}

const fn is_about_session_trust(drift: &Drift) -> bool {
    matches!(
        drift,
        Drift::Missing(Part::SessionRole)
            | Drift::Unreadable(Part::SessionRole)
            | Drift::OtherExternalId(Part::SessionRole)
            | Drift::BrokerRecreated(Part::SessionRole, _)
            | Drift::Lacks(Part::SessionRole, _)
            | Drift::SaysMore(Part::SessionRole, _)
    )
}

/// What of the session role's trust policy keeps the broker out.
fn trust_causes(drift: &[Drift]) -> Vec<Cause> {
    let mut causes = Vec::new();
    let (mut lacks, mut more) = (Vec::new(), Vec::new());
    for one in drift.iter().filter(|one| is_about_session_trust(one)) {
        match one {
            Drift::Missing(_) => causes.push(Cause::SessionRoleMissing),
            Drift::OtherExternalId(_) => causes.push(Cause::OtherExternalId),
            Drift::BrokerRecreated(..) => causes.push(Cause::BrokerRoleRecreated),
            Drift::Lacks(_, what) => lacks.extend(what.iter().cloned()),
            Drift::SaysMore(_, what) => more.extend(what.iter().cloned()),
            other => causes.push(Cause::Changed { what: other.to_string() }),
        }
    }
    if !causes.is_empty() {
        return causes;
    }
    let says = |words: &[String], action: &str| words.iter().any(|word| word.contains(action));
    let asks_for_id =
        |words: &[String]| words.iter().any(|word| is_on_other_action(word) && word.contains("externalid"));
    if asks_for_id(&more) {
        return vec![Cause::CombinedTrust];
    }
    for (action, cause) in
        [("sts:TagSession", Cause::NoTagSession), ("sts:SetSourceIdentity", Cause::NoSetSourceIdentity)]
    {
        if says(&lacks, action) && !says(&more, action) {
            causes.push(cause);
        }
    }
    if causes.is_empty() && !lacks.is_empty() {
        let what = lacks
            .iter()
            .map(|word| format!("it does not {word}"))
            .chain(more.iter().map(|word| format!("it does {word}")));
        causes.push(Cause::TrustChanged { what: what.collect() });
    }
    causes
}

fn is_on_other_action(word: &str) -> bool {
    word.contains("sts:TagSession") || word.contains("sts:SetSourceIdentity")
}

/// What is wrong with the steward role, beside what was read.
fn stewarding(observed: &Observed, session_works: bool) -> Option<Trouble> {
    let differs = |causes| Trouble::one_of(ChainLink::RolePolicy, Severity::Differs, causes);
    match (observed.steward.as_ref()?, &observed.unread) {
        (Answer::LetIn, Some((part, Answer::Denied(_)))) if session_works || *part != Part::SessionRole => {
            let causes = match part {
                Part::SessionRole | Part::StewardRole => vec![Cause::StewardCannotRead { part: *part }],
                // Of what is not there AWS says the same as of what may not be read.
                Part::Permissions | Part::Boundary => {
                    vec![
                        Cause::StewardCannotRead { part: *part },
                        Cause::Changed { what: format!("{part} is not in the account") },
                    ]
                }
            };
            Some(differs(causes))
        }
        (Answer::LetIn, Some((_, answer))) if answer.is_unclear() => Some(unclear(answer, observed.clock_off_seconds)),
        (Answer::LetIn, _) => None,
        // The session role's answer says it already.
        (Answer::Denied(_), _) if !session_works => None,
        (Answer::Denied(_), _) => Some(differs(vec![
            Cause::StewardRoleMissing,
            Cause::OtherExternalId,
            Cause::BrokerRoleRecreated,
            Cause::BrokerPolicy,
        ])),
        (Answer::SessionTooLong, _) => Some(differs(vec![Cause::SessionTooShort])),
        (answer, _) if session_works => Some(unclear(answer, observed.clock_off_seconds)),
        _ => None,
    }
}

/// A difference as a trouble.
fn different(drift: &Drift) -> Trouble {
    let what = drift.to_string();
    let named = |severity, cause| Trouble::named(ChainLink::RolePolicy, severity, cause);
    match drift {
        Drift::Missing(Part::SessionRole) => Trouble::named(ChainLink::Sts, Severity::Stops, Cause::SessionRoleMissing),
        Drift::Missing(Part::StewardRole) => named(Severity::Differs, Cause::StewardRoleMissing),
        Drift::Missing(Part::Boundary) | Drift::NoBoundary | Drift::OtherBoundary(_) => {
            named(Severity::Opens, Cause::NoBoundary { what })
        }
        Drift::Recreated(part) => named(Severity::Differs, Cause::RoleRecreated { part: *part }),
        Drift::BrokerRecreated(part, _) if *part == Part::StewardRole => {
            named(Severity::Differs, Cause::BrokerRoleRecreated)
        }
        one if one.is_opening() => named(Severity::Opens, Cause::Widened { what }),
        _ => named(Severity::Differs, Cause::Changed { what }),
    }
}

fn probing(probe: &RoleProbe) -> Option<Trouble> {
    let answer = probe.answer.clone();
    let (severity, cause) = match answer.outcome {
        ProbeOutcome::Works | ProbeOutcome::Unsupported => return None,
        outcome if outcome.is_denied() => (Severity::Differs, Cause::ProbeDenied { answer }),
        ProbeOutcome::NotLinked => (Severity::Differs, Cause::NotLinked { answer }),
        ProbeOutcome::NoSuchBucket => (Severity::Differs, Cause::NoSuchBucket { answer }),
        ProbeOutcome::Closed => (Severity::Differs, Cause::ServiceClosed { answer }),
        ProbeOutcome::Unreachable => (Severity::Differs, Cause::ServiceUnreachable { answer }),
        _ => (Severity::Differs, Cause::ProbeFailed { answer }),
    };
    Some(Trouble::named(ChainLink::Probe, severity, cause).of(&probe.role))
}

#[cfg(test)]
mod tests;
