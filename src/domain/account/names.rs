//! What the parts of an account are called.

use super::steward;
use crate::domain::policy::SessionPolicy;
use crate::domain::role_session::{AccountId, RoleArn};

/// What a session role is called when nobody says otherwise, and how each of them begins in a broker's own policy.
const SESSION: &str = "lodge-session";

/// The names of the parts of a lab's account. All follow from that of the session role, so that two labs that share an
/// account have parts of their own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccountNames {
    session: RoleArn,
    /// `/lodge/`, or what else stands before the session role's name.
    path: String,
    /// What tells this lab's parts from another's: the session role's name without how all of them begin.
    suffix: String,
    steward: RoleArn,
    look_policy: SessionPolicy,
    cut_off_policy: SessionPolicy,
}

impl AccountNames {
    /// For this session role; none when the other names would be longer than IAM takes, or all of them together longer
    /// than STS takes in a session policy.
    #[must_use]
    pub fn of(session: &RoleArn) -> Option<Self> {
        let suffix = match session.name().strip_prefix(SESSION) {
            Some(rest) => rest.to_owned(),
            None => format!("-{}", session.name()),
        };
        let path = session.path().to_owned();
        let steward = session.beside(&name("steward", &suffix)).ok()?;
        let policies =
            ["permissions", "boundary"].map(|part| arn(session.account(), "policy", &path, &name(part, &suffix)));
        let look_policy = steward::look_policy([session, &steward], &policies)?;
        let cut_off_policy = steward::cut_off_policy(session)?;
        Some(Self { session: session.clone(), path, suffix, steward, look_policy, cut_off_policy })
    }

    fn name(&self, part: &str) -> String {
        name(part, &self.suffix)
    }

    fn arn(&self, kind: &str, name: &str) -> String {
        arn(self.account(), kind, &self.path, name)
    }

    /// The account they are in.
    #[must_use]
    pub fn account(&self) -> &AccountId {
        self.session.account()
    }

    /// The path of all of them: `/lodge/`.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.path
    }

    /// The role that is assumed for people.
    #[must_use]
    pub const fn session_role(&self) -> &RoleArn {
        &self.session
    }

    /// The name of the role that the broker itself works with.
    #[must_use]
    pub fn steward_role_name(&self) -> String {
        self.steward.name().to_owned()
    }

    /// Its ARN.
    #[must_use]
    pub fn steward_role(&self) -> String {
        self.steward.as_str().to_owned()
    }

    /// Its ARN, taken apart.
    #[must_use]
    pub const fn steward(&self) -> &RoleArn {
        &self.steward
    }

    /// The session policy with which the steward looks at all of them and can do nothing else.
    #[must_use]
    pub const fn look_policy(&self) -> &SessionPolicy {
        &self.look_policy
    }

    /// The session policy with which the steward cuts sessions off and can do nothing else.
    #[must_use]
    pub const fn cut_off_policy(&self) -> &SessionPolicy {
        &self.cut_off_policy
    }

    /// The name of the managed policy that holds the session role's permissions.
    #[must_use]
    pub fn permissions_name(&self) -> String {
        self.name("permissions")
    }

    /// Its ARN.
    #[must_use]
    pub fn permissions(&self) -> String {
        self.arn("policy", &self.permissions_name())
    }

    /// The name of the managed policy that is the session role's permissions boundary.
    #[must_use]
    pub fn boundary_name(&self) -> String {
        self.name("boundary")
    }

    /// Its ARN.
    #[must_use]
    pub fn boundary(&self) -> String {
        self.arn("policy", &self.boundary_name())
    }

    /// Every user of the account.
    pub(super) fn users(&self) -> String {
        format!("arn:aws:iam::{}:user/*", self.account().as_str())
    }

    /// What the stack is called when nobody says otherwise.
    #[must_use]
    pub fn stack(&self) -> String {
        format!("lodge{}", self.suffix.replace(|c: char| !c.is_ascii_alphanumeric(), "-"))
    }
}

fn name(part: &str, suffix: &str) -> String {
    format!("lodge-{part}{suffix}")
}

fn arn(account: &AccountId, kind: &str, path: &str, name: &str) -> String {
    format!("arn:aws:iam::{}:{kind}{path}{name}", account.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(session: &str) -> Option<AccountNames> {
        AccountNames::of(&session.parse().unwrap())
    }

    #[test]
    fn the_parts_of_an_account_are_named_after_the_session_role() {
        for (session, steward, boundary, stack) in [
            ("lodge/lodge-session", "role/lodge/lodge-steward", "policy/lodge/lodge-boundary", "lodge"),
            (
                "lodge/lodge-session-vision",
                "role/lodge/lodge-steward-vision",
                "policy/lodge/lodge-boundary-vision",
                "lodge-vision",
            ),
            ("students", "role/lodge-steward-students", "policy/lodge-boundary-students", "lodge-students"),
            ("a/b/x.y", "role/a/b/lodge-steward-x.y", "policy/a/b/lodge-boundary-x.y", "lodge-x-y"),
        ] {
            let names = names(&format!("arn:aws:iam::111122223333:role/{session}")).unwrap();

            assert_eq!(names.steward_role(), format!("arn:aws:iam::111122223333:{steward}"));
            assert_eq!(names.steward().as_str(), names.steward_role());
            assert_eq!(names.boundary(), format!("arn:aws:iam::111122223333:{boundary}"));
            assert_eq!(names.stack(), stack);
        }
    }

    #[test]
    fn a_name_that_leaves_no_room_for_the_others_is_refused() {
        let longest = "x".repeat(64 - "lodge-steward-".len());
        assert!(names(&format!("arn:aws:iam::111122223333:role/{longest}")).is_some());
        assert!(names(&format!("arn:aws:iam::111122223333:role/{longest}x")).is_none());
        let path = "p".repeat(400);
        assert!(names(&format!("arn:aws:iam::111122223333:role/{path}/lodge-session")).is_none());
    }
}
