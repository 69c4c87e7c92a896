//! The kinds of problems that there are: one table, which the code takes them from and the API's description lists.

use axum::http::StatusCode;

/// What stands before a kind's name in the `type` of a problem.
const PREFIX: &str = "urn:lodge:problem:";

macro_rules! kinds {
    ($($kind:ident = $name:literal [$($status:ident)|+] $means:literal;)*) => {
        /// A kind of problem. Its name is stable: programs may go by it.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Kind {
            $(#[doc = $means] $kind),*
        }

        impl Kind {
            /// Every kind there is.
            pub const ALL: &[Self] = &[$(Self::$kind),*];

            /// What stands in the problem's `type`, after `urn:lodge:problem:`.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$kind => $name),*
                }
            }

            /// The statuses that it comes with.
            #[must_use]
            pub const fn statuses(self) -> &'static [StatusCode] {
                match self {
                    $(Self::$kind => &[$(StatusCode::$status),+]),*
                }
            }

            /// When it is answered, in a few words.
            #[must_use]
            pub const fn means(self) -> &'static str {
                match self {
                    $(Self::$kind => $means),*
                }
            }
        }
    };
}

kinds! {
    SignInNeeded = "sign-in-needed" [UNAUTHORIZED] "No session, or one that has ended.";
    NoSuchRole = "no-such-role" [NOT_FOUND] "No mapping gives this role; also for a role or a lab that does not exist.";
    NoGroupInformation = "no-group-information" [NOT_FOUND] "The provider sent no group claim.";
    GroupsTooMany = "groups-too-many" [NOT_FOUND]
        "The provider sent a pointer instead of the groups, because there are too many.";
    GroupsCutOff = "groups-cut-off" [NOT_FOUND]
        "No mapping gives this role by the groups that the provider sent, and it did not send all.";
    SignInTooOld = "sign-in-too-old" [FORBIDDEN] "The groups are older than the lab allows: they are read at a sign-in.";
    FreshSignInNeeded = "fresh-sign-in-needed" [FORBIDDEN]
        "The role, or changing something in a lab, takes a newer sign-in than this session's.";
    MfaNeeded = "mfa-needed" [FORBIDDEN] "The mapping asks for a second factor at sign-in, or an operator changes something.";
    ApprovalNeeded = "approval-needed" [FORBIDDEN] "The mapping asks for a PI's approval.";
    Suspended = "suspended" [FORBIDDEN] "An operator has suspended this person.";
    CutOff = "cut-off" [FORBIDDEN]
        "Their credentials were cut off: until the moment that `Retry-After` says, or until somebody of the lab lifts it.";
    NoSuchLab = "no-such-lab" [NOT_FOUND] "There is no such lab; also for one that the caller does not belong to.";
    StandingNeeded = "standing-needed" [FORBIDDEN] "One belongs to the lab and may not do this there.";
    NoSuchPerson = "no-such-person" [NOT_FOUND] "For operators: nobody has this id.";
    NotInLab = "not-in-lab" [NOT_FOUND] "The lab has no such mapping, change, person, role or cut-off.";
    CannotBe = "cannot-be" [BAD_REQUEST]
        "A role, connection, group, end or maximum that a mapping cannot have, a limit that nothing can, or a cut-off of nobody.";
    Conflict = "conflict" [CONFLICT] "It does not fit what is there already.";
    ChangedMeanwhile = "changed-meanwhile" [PRECONDITION_FAILED] "Somebody else changed it; nothing was overwritten.";
    RevisionNeeded = "revision-needed" [PRECONDITION_REQUIRED]
        "A change of a mapping must name the revision it was made from, in `If-Match`.";
    IdempotencyKeyReused = "idempotency-key-reused" [UNPROCESSABLE_ENTITY]
        "The same `Idempotency-Key` with another request; nothing was done.";
    InvitationOver = "invitation-over" [NOT_FOUND] "The link was used, withdrawn or replaced, has lapsed, or never was one.";
    NoSuchSession = "no-such-session" [NOT_FOUND] "One has no live session of that id.";
    DurationTooLong = "duration-too-long" [BAD_REQUEST] "More time than the role gives.";
    MalformedRequest = "malformed-request" [BAD_REQUEST | METHOD_NOT_ALLOWED | PAYLOAD_TOO_LARGE | UNSUPPORTED_MEDIA_TYPE]
        "The request is not one of this API.";
    SignInFailed = "sign-in-failed" [BAD_REQUEST | FORBIDDEN | BAD_GATEWAY]
        "A sign-in came to nothing: the browser's, the person's, the provider's doing.";
    ForeignForm = "foreign-form" [FORBIDDEN] "A change that does not come from a page of this broker.";
    NoSuchPage = "no-such-page" [NOT_FOUND] "Nothing has this address.";
    AccountNotJoined = "account-not-joined" [CONFLICT] "The lab's AWS account has not proved itself yet.";
    AwaitingAccountUpdate = "awaiting-account-update" [CONFLICT]
        "The stack in the lab's AWS account does not allow all that the role does.";
    LabAccountRefused = "lab-account-refused" [FAILED_DEPENDENCY] "The lab's AWS role does not let the broker in.";
    LabAccountRejected = "lab-account-rejected" [FAILED_DEPENDENCY] "AWS did not take the request for this lab.";
    SlowDown = "slow-down" [TOO_MANY_REQUESTS] "One address asked for too much at once.";
    Unavailable = "unavailable" [SERVICE_UNAVAILABLE] "The broker cannot do its work now; nothing was issued.";
    Internal = "internal" [INTERNAL_SERVER_ERROR] "A fault in the broker; nothing was issued.";
}

impl Kind {
    /// The problem's `type`.
    #[must_use]
    pub fn urn(self) -> String {
        format!("{PREFIX}{}", self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique_and_plain() {
        for kind in Kind::ALL {
            assert!(kind.name().bytes().all(|b| b.is_ascii_lowercase() || b == b'-'), "{kind:?}");
            assert_eq!(Kind::ALL.iter().filter(|other| other.name() == kind.name()).count(), 1, "{kind:?}");
            assert!(kind.means().ends_with('.'), "{kind:?}");
        }
    }
}
