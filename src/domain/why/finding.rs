//! What an error comes to: which policy stopped the call, or that it is another matter, or none of ours; what to do, and
//! who can do something.
//!
//! AWS's own word for the kind of policy wins, and is held against what our policy says: where the two do not agree, that
//! is said. Without AWS's word our policy is all there is to go by, and when it allows the call there is no seeing further.
//! None of the sentences says "certainly" where it is a guess.

use super::error_text::{ErrorKind, Layer, Reason};
use super::session::PolicyOfSession;
use crate::domain::account::Mender;
use crate::domain::policy::Reach;

/// What is known of a question.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Facts {
    /// The error; none when somebody asks about an action without one.
    pub error: Option<(ErrorKind, Option<Reason>)>,
    /// Whose credentials the call was made with.
    pub whose: Whose,
    /// Whether AWS has an action of this name; nothing when no action is named, or the service is not one that is known.
    pub action_exists: Option<bool>,
    /// Whether what was refused was to assume a role.
    pub assumes_role: bool,
    /// What our policy says to it; nothing when it is not known which role, or which action.
    pub policy: Option<OurPolicy>,
}

/// What the policy of a role says to an action, and whether that is the policy the session has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OurPolicy {
    /// How far it allows the action now.
    pub reach: Reach,
    /// Whether the session has this policy; nothing when it is not known which session.
    pub of_session: Option<PolicyOfSession>,
}

/// Whose credentials a call was made with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Whose {
    /// The session of whoever is asked about.
    Theirs,
    /// The lab's session role, and no session of whoever is asked about.
    NotTheirs,
    /// Another role of the lab's account.
    OtherRole,
    /// An account that is not the lab's.
    OtherAccount,
    /// An IAM user: a key that lives until somebody deletes it.
    User,
    /// The account itself, or a session that no role gave.
    NoRole,
    /// The error does not say.
    Unsaid,
}

/// What it comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Finding {
    /// The role's policy allows it.
    RoleAllows,
    /// Nobody named a role: the lab's roles are listed.
    SeeRoles,
    /// AWS has no such action.
    NoSuchAction,
    /// The role's policy does not allow it.
    SessionPolicy,
    /// The role's policy allows it on other resources.
    OtherResources,
    /// The role's policy allows it under conditions.
    Conditions,
    /// The session's policy is older than the role's, which allows it.
    OldPolicy,
    /// AWS names the session policy, and the one that we sent allows it.
    Disagrees,
    /// A statement at the session role denies it: the session may have been cut off.
    CutOff,
    /// The session role in the account does not allow it.
    IdentityPolicy,
    /// The session role's boundary does not.
    Boundary,
    /// The organization does not.
    Organization,
    /// What was called upon has a policy that does not.
    ResourcePolicy,
    /// The way there does not.
    VpcEndpoint,
    /// A role was to be assumed.
    TrustPolicy,
    /// Something denies it, and AWS does not say what.
    SomeDeny,
    /// Our policy allows it, and AWS does not say what stopped it.
    CannotSee,
    /// It is not said which role or which action.
    TooLittle,
    /// Not a session of whoever is asked about.
    NotTheirs,
    /// Another role.
    OtherRole,
    /// Another account.
    OtherAccount,
    /// An IAM user's key.
    IamUser,
    /// The account itself, or the like.
    NoRole,
    /// No denial, but something else.
    Otherwise(ErrorKind),
}

/// What the facts come to.
#[must_use]
pub fn judge(facts: Facts) -> Finding {
    let Some((kind, reason)) = facts.error else { return of_a_question(facts) };
    match facts.whose {
        Whose::OtherAccount => return Finding::OtherAccount,
        Whose::User => return Finding::IamUser,
        Whose::NoRole => return Finding::NoRole,
        Whose::OtherRole => return Finding::OtherRole,
        Whose::NotTheirs => return Finding::NotTheirs,
        Whose::Theirs | Whose::Unsaid => {}
    }
    if kind != ErrorKind::Denied {
        return Finding::Otherwise(kind);
    }
    match reason {
        Some(Reason { by: Some(layer), explicit }) => of_layer(layer, explicit, facts.policy),
        Some(Reason { by: None, .. }) => match facts.policy {
            Some(OurPolicy { reach: Reach::Denied, .. }) => Finding::SessionPolicy,
            _ => Finding::SomeDeny,
        },
        // STS never says which policy.
        None if facts.assumes_role => Finding::TrustPolicy,
        None => by_ours(facts.policy),
    }
}

fn of_a_question(facts: Facts) -> Finding {
    if facts.action_exists == Some(false) {
        return Finding::NoSuchAction;
    }
    match facts.policy.map(|policy| policy.reach) {
        None => Finding::SeeRoles,
        Some(Reach::Plainly) => Finding::RoleAllows,
        Some(Reach::OnConditions) => Finding::Conditions,
        Some(Reach::OnSomeResources) => Finding::OtherResources,
        Some(Reach::Never | Reach::Denied) => Finding::SessionPolicy,
    }
}

fn of_layer(layer: Layer, explicit: bool, policy: Option<OurPolicy>) -> Finding {
    match layer {
        Layer::SessionPolicy => match policy.map(|policy| (policy.reach, policy.of_session)) {
            Some((Reach::Plainly, Some(PolicyOfSession::Changed))) => Finding::OldPolicy,
            Some((Reach::Plainly, _)) => Finding::Disagrees,
            Some((Reach::OnConditions, _)) => Finding::Conditions,
            Some((Reach::OnSomeResources, _)) => Finding::OtherResources,
            Some((Reach::Never | Reach::Denied, _)) | None => Finding::SessionPolicy,
        },
        Layer::IdentityPolicy if explicit => Finding::CutOff,
        // Of several kinds that do not allow it AWS names one. Where the role's own policy does not plainly allow it either,
        // that is the one that was never meant to, and the account allows no more than the role.
        Layer::IdentityPolicy | Layer::Boundary if !explicit && is_bounded(policy) => by_ours(policy),
        Layer::IdentityPolicy => Finding::IdentityPolicy,
        Layer::Boundary => Finding::Boundary,
        Layer::ServiceControlPolicy | Layer::ResourceControlPolicy => Finding::Organization,
        Layer::ResourcePolicy => Finding::ResourcePolicy,
        Layer::VpcEndpointPolicy => Finding::VpcEndpoint,
        Layer::TrustPolicy => Finding::TrustPolicy,
    }
}

fn is_bounded(policy: Option<OurPolicy>) -> bool {
    policy.is_some_and(|policy| policy.reach != Reach::Plainly)
}

/// Where AWS says nothing but no.
fn by_ours(policy: Option<OurPolicy>) -> Finding {
    match policy {
        None => Finding::TooLittle,
        Some(OurPolicy { reach: Reach::Plainly, of_session: Some(PolicyOfSession::Changed) }) => Finding::OldPolicy,
        Some(OurPolicy { reach: Reach::Plainly, .. }) => Finding::CannotSee,
        Some(OurPolicy { reach: Reach::OnConditions, .. }) => Finding::Conditions,
        Some(OurPolicy { reach: Reach::OnSomeResources, .. }) => Finding::OtherResources,
        Some(OurPolicy { reach: Reach::Never | Reach::Denied, .. }) => Finding::SessionPolicy,
    }
}

impl Finding {
    /// The word in the API.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::RoleAllows => "role-allows",
            Self::SeeRoles => "see-roles",
            Self::NoSuchAction => "no-such-action",
            Self::SessionPolicy => "session-policy",
            Self::OtherResources => "other-resources",
            Self::Conditions => "conditions",
            Self::OldPolicy => "old-policy",
            Self::Disagrees => "disagrees",
            Self::CutOff => "cut-off",
            Self::IdentityPolicy => "identity-policy",
            Self::Boundary => "boundary",
            Self::Organization => "organization",
            Self::ResourcePolicy => "resource-policy",
            Self::VpcEndpoint => "vpc-endpoint",
            Self::TrustPolicy => "trust-policy",
            Self::SomeDeny => "some-deny",
            Self::CannotSee => "cannot-see",
            Self::TooLittle => "too-little",
            Self::NotTheirs => "not-theirs",
            Self::OtherRole => "other-role",
            Self::OtherAccount => "other-account",
            Self::IamUser => "iam-user",
            Self::NoRole => "no-role",
            Self::Otherwise(kind) => kind.as_str(),
        }
    }

    /// Whether it helps to know which roles allow the action.
    #[must_use]
    pub const fn is_about_roles(self) -> bool {
        !matches!(self, Self::NoSuchAction | Self::Otherwise(_) | Self::TrustPolicy)
    }

    /// Whether it is no matter of this broker's: nothing that it gave is the cause.
    #[must_use]
    pub const fn is_not_ours(self) -> bool {
        matches!(
            self,
            Self::Organization
                | Self::ResourcePolicy
                | Self::VpcEndpoint
                | Self::OtherRole
                | Self::OtherAccount
                | Self::IamUser
                | Self::NoRole
        )
    }

    /// What it is, in a sentence or two.
    #[must_use]
    pub const fn says(self) -> &'static str {
        match self {
            Self::RoleAllows => {
                "The role's policy allows it. If AWS refuses all the same, paste what it says: `lodge why` reads it."
            }
            Self::SeeRoles => "This is what the lab's roles say to it.",
            Self::NoSuchAction => {
                "AWS has no action of this name, so no role can allow it and no policy can deny it. It may be one of an API \
                 that is gone: that of Mechanical Turk has had other names since 2019."
            }
            Self::SessionPolicy => {
                "The policy of the role does not allow it. AWS is not at fault, and neither is the account."
            }
            Self::OtherResources => "The policy of the role allows it, but not on this: only on other resources.",
            Self::Conditions => {
                "The policy of the role allows it under conditions, and the call did not carry what they ask for, as far as \
                 can be told."
            }
            Self::OldPolicy => {
                "The role's policy has changed since these credentials were handed out. The one that they carry does not \
                 allow it; the role's of today does."
            }
            Self::Disagrees => {
                "AWS says that no session policy allows it, and the one that this broker sends for the role does. The two do \
                 not agree, and why cannot be told from here."
            }
            Self::CutOff => {
                "A statement at the lab's session role denies it. That is how somebody is cut off from credentials that are \
                 out; it can also be a statement that the account's owner has put there."
            }
            Self::IdentityPolicy => {
                "The session role in the lab's AWS account does not allow it: the account allows less than the role does."
            }
            Self::Boundary => "The permissions boundary of the lab's session role does not allow it.",
            Self::Organization => {
                "This is not ours: the organization that the lab's AWS account is in does not allow it, whatever a role says."
            }
            Self::ResourcePolicy => {
                "This is not ours: what was called upon has a policy of its own, such as a bucket's, and that does not allow it."
            }
            Self::VpcEndpoint => {
                "This is not ours: the network that the call came from reaches AWS through an endpoint whose policy does not \
                 allow it."
            }
            Self::TrustPolicy => {
                "A role was to be assumed directly. The lab's role lets nobody in but this broker, and its sessions assume no \
                 other one: credentials come from `lodge`."
            }
            Self::SomeDeny => {
                "A statement somewhere denies it, and AWS does not say in which policy. It is not in the role's."
            }
            Self::CannotSee => {
                "The policy of the role allows it, and AWS does not say what stopped it, so there is no seeing further from \
                 here: it is something in the lab's account, its organization, or what was called upon."
            }
            Self::TooLittle => {
                "AWS says that the call is not allowed, and not why. With which role it was made is not known here."
            }
            Self::NotTheirs => {
                "The call was made with the lab's session role, and not with a session that is known here as this person's. \
                 Ask whoever made it."
            }
            Self::OtherRole => {
                "This is not ours: the call was made with another role of the account. The tool has used other credentials \
                 than those of `lodge`."
            }
            Self::OtherAccount => {
                "This is not ours, as far as it can be told here: the call was made in an AWS account that is of no lab you \
                 belong to. The tool has used other credentials."
            }
            Self::IamUser => {
                "This is not ours: the call was made with the access key of an IAM user. The tool has found that key before it \
                 asked `lodge`."
            }
            Self::NoRole => "This is not ours: the call was made with credentials that no role gave.",
            Self::Otherwise(kind) => otherwise(kind),
        }
    }

    /// What to do next, a sentence each.
    #[must_use]
    pub const fn next(self) -> &'static [&'static str] {
        match self {
            Self::RoleAllows | Self::SeeRoles => &[],
            Self::NoSuchAction => {
                &["Look the action's name up in the API's reference of today, and ask again with that."]
            }
            Self::SessionPolicy => &["Use a role that allows it, if the lab has one: see below."],
            Self::OtherResources => {
                &["Compare the resource with those of the role's policy: the lab's page of roles shows it."]
            }
            Self::Conditions => &["Compare the call with the role's policy: the lab's page of roles shows it."],
            Self::OldPolicy => &["Get new credentials: they carry the role's policy of today."],
            Self::Disagrees => {
                &["Get new credentials and try again; if it stays so, show this to whoever runs this broker."]
            }
            Self::CutOff => &["Ask a PI of the lab whether sessions were cut off, before you try again."],
            Self::IdentityPolicy | Self::Boundary => &[
                "A PI checks the lab's account: `lodge account check`.",
                "Whoever administers the account updates the stack from the template on the lab's account page.",
            ],
            Self::Organization => &["Ask whoever administers the organization's policies; no role of the lab helps."],
            Self::ResourcePolicy => &["Ask whoever owns what was called upon, such as the bucket."],
            Self::VpcEndpoint => &["Try from another network, or ask whoever runs the one that the call came from."],
            Self::TrustPolicy => &["Use a profile that `lodge configure` wrote, without `role_arn` in it."],
            Self::SomeDeny | Self::CannotSee => &[
                "A PI checks the lab's account: `lodge account check`.",
                "If that is well, ask who owns what was called upon.",
            ],
            Self::TooLittle => &["Say which role and which action: `lodge why --action SERVICE:ACTION LAB/ROLE`."],
            Self::NotTheirs => &["A manager or PI of the lab can ask for somebody else: `lodge why --for PERSON`."],
            Self::OtherRole | Self::OtherAccount | Self::IamUser | Self::NoRole => &[
                "See whose credentials the tool finds: `aws sts get-caller-identity`.",
                "See what wins over lodge on this machine: `lodge doctor`.",
            ],
            Self::Otherwise(kind) => next_otherwise(kind),
        }
    }

    /// Who can do something about it.
    #[must_use]
    pub const fn menders(self) -> &'static [Mender] {
        match self {
            Self::RoleAllows | Self::SeeRoles => &[],
            Self::NoSuchAction
            | Self::OldPolicy
            | Self::TrustPolicy
            | Self::TooLittle
            | Self::VpcEndpoint
            | Self::OtherRole
            | Self::OtherAccount
            | Self::IamUser
            | Self::NoRole => &[Mender::Oneself],
            Self::SessionPolicy | Self::OtherResources | Self::Conditions | Self::CutOff | Self::NotTheirs => {
                &[Mender::Pi]
            }
            Self::Disagrees => &[Mender::Oneself, Mender::Operator],
            Self::IdentityPolicy | Self::Boundary | Self::SomeDeny | Self::CannotSee | Self::ResourcePolicy => {
                &[Mender::AccountOwner]
            }
            Self::Organization => &[Mender::Organization],
            Self::Otherwise(kind) => match kind {
                ErrorKind::Closed => &[Mender::Nobody],
                ErrorKind::Throttled | ErrorKind::Unreachable => &[Mender::Time],
                ErrorKind::NotLinked => &[Mender::AccountOwner],
                _ => &[Mender::Oneself],
            },
        }
    }
}

const fn otherwise(kind: ErrorKind) -> &'static str {
    match kind {
        ErrorKind::Denied => "The call is not allowed.",
        ErrorKind::Expired => "This is no denial: the credentials are over. They live an hour at most.",
        ErrorKind::Skewed => {
            "This is no denial: the clock of the machine is off by more than AWS takes, which is minutes."
        }
        ErrorKind::Throttled => "This is no denial: there were too many calls in too short a time.",
        ErrorKind::NotLinked => {
            "This is no denial: the lab's AWS account is not linked to a requester account of Mechanical Turk."
        }
        ErrorKind::Closed => "This is no denial: the service says that it is closed.",
        ErrorKind::WrongRegion => {
            "This is no denial: what was called upon is in another region, or the account has this one switched off."
        }
        ErrorKind::NoSuchBucket => "This is no denial: there is no bucket of that name.",
        ErrorKind::BadCredentials => {
            "This is no denial: AWS does not know the credentials, or the request was not signed with all of them."
        }
        ErrorKind::NoCredentials => "This is no denial: the tool found no credentials, so AWS was not asked.",
        ErrorKind::Unreachable => "This is no denial: AWS was not reached.",
        ErrorKind::Other => "This is no denial, but another error of the service's: its own words say what it wants.",
    }
}

const fn next_otherwise(kind: ErrorKind) -> &'static [&'static str] {
    match kind {
        ErrorKind::Denied | ErrorKind::Other | ErrorKind::Closed => &[],
        ErrorKind::Expired => &[
            "Use a profile that `lodge configure` wrote, which gets new ones by itself; for a long job, `lodge serve`.",
            "See whether you are signed in still: `lodge status`.",
        ],
        ErrorKind::Skewed => &["Set the clock, or have the system do so; `lodge doctor` says how far it is off."],
        ErrorKind::Throttled => &["Wait a little, and call more slowly: the SDKs can (`AWS_RETRY_MODE=adaptive`)."],
        ErrorKind::NotLinked => &[
            "Whoever owns the AWS account links it, signed in as its root user, on the requester's site; sandbox and production each.",
        ],
        ErrorKind::WrongRegion => {
            &["Name the region of what you call; Mechanical Turk is in us-east-1 alone: `--region us-east-1`."]
        }
        ErrorKind::NoSuchBucket => &["Compare the bucket's name with those of the role's policy, letter by letter."],
        ErrorKind::BadCredentials => &[
            "Pass all three of the credentials on: key id, secret key and session token.",
            "See what wins over lodge on this machine: `lodge doctor`.",
        ],
        ErrorKind::NoCredentials => &[
            "Write the profiles: `lodge configure`; then name one: `--profile LAB-ROLE`.",
            "See whether you are signed in: `lodge status`.",
        ],
        ErrorKind::Unreachable => &["Look at the network and the region's name, and try again."],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts(reason: Option<Reason>, policy: Option<(Reach, Option<PolicyOfSession>)>) -> Facts {
        Facts {
            error: Some((ErrorKind::Denied, reason)),
            whose: Whose::Theirs,
            action_exists: Some(true),
            assumes_role: false,
            policy: policy.map(|(reach, of_session)| OurPolicy { reach, of_session }),
        }
    }

    #[expect(clippy::unnecessary_wraps, reason = "what is compared with it is an option")]
    fn by(layer: Layer, explicit: bool) -> Option<Reason> {
        Some(Reason { by: Some(layer), explicit })
    }

    #[test]
    fn awss_word_for_the_policy_wins_and_is_held_against_ours() {
        use PolicyOfSession::{Changed, Same};
        let session = by(Layer::SessionPolicy, false);
        for (reason, policy, finding) in [
            (session, Some((Reach::Never, Some(Same))), Finding::SessionPolicy),
            (session, Some((Reach::Never, Some(Changed))), Finding::SessionPolicy),
            (session, Some((Reach::Plainly, Some(Changed))), Finding::OldPolicy),
            (session, Some((Reach::Plainly, Some(Same))), Finding::Disagrees),
            (session, Some((Reach::OnSomeResources, Some(Same))), Finding::OtherResources),
            (session, None, Finding::SessionPolicy),
            (by(Layer::IdentityPolicy, true), Some((Reach::Plainly, Some(Same))), Finding::CutOff),
            (by(Layer::IdentityPolicy, false), Some((Reach::Plainly, Some(Same))), Finding::IdentityPolicy),
            (by(Layer::IdentityPolicy, false), Some((Reach::Never, Some(Same))), Finding::SessionPolicy),
            (by(Layer::IdentityPolicy, false), Some((Reach::OnConditions, Some(Same))), Finding::Conditions),
            (by(Layer::Boundary, false), Some((Reach::OnSomeResources, Some(Same))), Finding::OtherResources),
            (by(Layer::IdentityPolicy, false), None, Finding::IdentityPolicy),
            (by(Layer::IdentityPolicy, true), Some((Reach::Never, Some(Same))), Finding::CutOff),
            (by(Layer::Boundary, false), Some((Reach::Never, Some(Same))), Finding::SessionPolicy),
            (by(Layer::Boundary, true), None, Finding::Boundary),
            (by(Layer::ServiceControlPolicy, true), None, Finding::Organization),
            (by(Layer::ResourceControlPolicy, false), None, Finding::Organization),
            (by(Layer::ResourcePolicy, false), None, Finding::ResourcePolicy),
            (by(Layer::VpcEndpointPolicy, false), None, Finding::VpcEndpoint),
            (by(Layer::TrustPolicy, false), None, Finding::TrustPolicy),
            (Some(Reason { by: None, explicit: true }), Some((Reach::Plainly, None)), Finding::SomeDeny),
            (Some(Reason { by: None, explicit: true }), Some((Reach::Denied, None)), Finding::SessionPolicy),
        ] {
            assert_eq!(judge(facts(reason, policy)), finding, "{reason:?} {policy:?}");
        }
    }

    #[test]
    fn where_aws_says_nothing_our_policy_is_all_there_is_to_go_by() {
        use PolicyOfSession::{Changed, Same};
        for (policy, finding) in [
            (Some((Reach::Never, None)), Finding::SessionPolicy),
            (Some((Reach::Denied, Some(Same))), Finding::SessionPolicy),
            (Some((Reach::OnConditions, None)), Finding::Conditions),
            (Some((Reach::Plainly, Some(Same))), Finding::CannotSee),
            (Some((Reach::Plainly, None)), Finding::CannotSee),
            (Some((Reach::Plainly, Some(Changed))), Finding::OldPolicy),
            (None, Finding::TooLittle),
        ] {
            assert_eq!(judge(facts(None, policy)), finding, "{policy:?}");
        }
    }

    #[test]
    fn what_is_not_ours_is_said_before_anything_else() {
        for (whose, finding) in [
            (Whose::OtherAccount, Finding::OtherAccount),
            (Whose::User, Finding::IamUser),
            (Whose::NoRole, Finding::NoRole),
            (Whose::OtherRole, Finding::OtherRole),
            (Whose::NotTheirs, Finding::NotTheirs),
        ] {
            let of_them = Facts { whose, ..facts(by(Layer::SessionPolicy, false), Some((Reach::Never, None))) };
            assert_eq!(judge(of_them), finding);
        }
        let assumed = Facts { assumes_role: true, ..facts(None, Some((Reach::Never, None))) };
        assert_eq!(judge(assumed), Finding::TrustPolicy);
        let expired = Facts { error: Some((ErrorKind::Expired, None)), ..facts(None, Some((Reach::Never, None))) };
        assert_eq!(judge(expired), Finding::Otherwise(ErrorKind::Expired));
    }

    #[test]
    fn a_question_without_an_error_is_answered_by_the_policy() {
        let asked = |action_exists, policy| judge(Facts { error: None, action_exists, ..facts(None, policy) });

        assert_eq!(asked(Some(false), Some((Reach::Never, None))), Finding::NoSuchAction);
        assert_eq!(asked(Some(true), Some((Reach::Plainly, None))), Finding::RoleAllows);
        assert_eq!(asked(Some(true), Some((Reach::Never, None))), Finding::SessionPolicy);
        assert_eq!(asked(None, None), Finding::SeeRoles);
    }
}
