//! The texts in the bodies that are not free: names, ids, and words of which there are only a few. The description of the
//! API says what they look like; where they come in, `domain` reads them.

use utoipa::openapi::schema::{ObjectBuilder, Type};
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

macro_rules! texts {
    ($($name:ident = $pattern:literal, $most:literal, $means:literal, $example:literal;)*) => {
        $(
            #[doc = $means]
            #[derive(Debug)]
            pub struct $name;

            impl PartialSchema for $name {
                fn schema() -> RefOr<Schema> {
                    ObjectBuilder::new()
                        .schema_type(Type::String)
                        .description(Some($means))
                        .pattern(Some($pattern))
                        .min_length(Some(1))
                        .max_length(Some($most))
                        .examples([$example])
                        .into()
                }
            }

            impl ToSchema for $name {}
        )*

        /// Each of them, by name.
        #[must_use]
        pub fn texts() -> Vec<(String, RefOr<Schema>)> {
            vec![$(($name::name().into_owned(), $name::schema())),*]
        }
    };
}

macro_rules! words {
    ($($name:ident = [$($word:literal),+], $means:literal;)*) => {
        $(
            #[doc = $means]
            #[derive(Debug)]
            pub struct $name;

            impl PartialSchema for $name {
                fn schema() -> RefOr<Schema> {
                    ObjectBuilder::new()
                        .schema_type(Type::String)
                        .description(Some($means))
                        .enum_values(Some([$($word),+]))
                        .into()
                }
            }

            impl ToSchema for $name {}
        )*
    };
}

texts! {
    LabName = "^[a-z](-?[a-z0-9])*$", 40, "A lab's name, as people type it.", "vision";
    RoleName = "^[a-z](-?[a-z0-9])*$", 40, "The name of a role in a lab.", "read-results";
    TemplateName = "^[a-z0-9-]{1,40}/[a-z0-9-]{1,40}$", 81, "The name of a policy template: its pack, and its own.", "s3-data/publish";
    RoleVersion = "^[0-9a-f]{16}$", 16, "What a role is now, in a few letters; another when anything of it changes.", "5c1f0d9a3b7e2468";
    ConnectionName = "^[a-z](-?[a-z0-9])*$", 40, "The name of a connection, where people sign in.", "campus";
    PersonId = "^p-[0-9a-hjkmnp-tv-z]{16}$", 18, "A person's id, which says nothing about them.", "p-c355kk4jyt1vw1jc";
    MappingId = "^map-[0-9a-hjkmnp-tv-z]{16}$", 20, "A mapping's id.", "map-e5c6jma1etn746zj";
    MappingChangeId = "^chg-[0-9a-hjkmnp-tv-z]{16}$", 20, "The id of a change of a mapping that waits.", "chg-5m9c0vwkq2h7x3tz";
    SessionId = "^(bs|cs)-[0-9a-hjkmnp-tv-z]{16}$", 19, "The id of a session: a browser's or a helper's.", "cs-0123456789abcdef";
    RoleSessionId = "^rs-[0-9a-hjkmnp-tv-z]{16}$", 19, "The id of a role session, which CloudTrail has, too.", "rs-fpgwmy8ytk324ss1";
    PeoplePlace = "^[0-2]\\.[0-9]{1,17}\\.p-[0-9a-hjkmnp-tv-z]{16}$", 40,
        "A place in the list of a lab's people, as `next` says it.", "2.1795266000000000.p-c355kk4jyt1vw1jc";
    RoleSessionPlace = "^[0-9]{1,17}\\.rs-[0-9a-hjkmnp-tv-z]{16}$", 40,
        "A place in the list of role sessions, as `next` says it.", "1795266000000000.rs-fpgwmy8ytk324ss1";
    RevisionMark = "^[1-9][0-9]{0,17}$", 18, "A revision of a mapping, as `next` says it.", "3";
    MappingChangePlace = "^[0-9]{1,17}\\.chg-[0-9a-hjkmnp-tv-z]{16}$", 40,
        "A place in the list of changes that wait, as `next` says it.", "1795266000000000.chg-5m9c0vwkq2h7x3tz";
    GroupsPlace = "^[0-9]{1,9}\\.[a-z](-?[a-z0-9])*\\.[^\\u0000-\\u001f\\u007f-\\u009f]+$", 563,
        "A place in the list of groups, as `next` says it.", "12.campus.vision-students";
    LedgerMark = "^[1-9][0-9]{0,17}$", 18, "A place in the ledger, as `next` says it.", "4711";
    LabId = "^lab-[0-9a-hjkmnp-tv-z]{16}$", 20, "A lab's id, which stays when its name changes.", "lab-0w4x2c6v8n1m3q5t";
    InvitationId = "^inv-[0-9a-hjkmnp-tv-z]{16}$", 20, "An invitation's id.", "inv-7d1k5s9f3h2j6g8a";
    RoleArn = "^arn:aws:iam::[0-9]{12}:role/([!-)+-~]{1,511}/)?[A-Za-z0-9_+=,.@-]{1,64}$", 607,
        "A role in an AWS account.", "arn:aws:iam::111122223333:role/lodge/lodge-session";
    CutOffId = "^cut-[0-9a-hjkmnp-tv-z]{16}$", 20, "The id of sessions that were cut off.", "cut-7w3q9z1x5c8v2n4m";
    AccountCheckId = "^ac-[0-9a-hjkmnp-tv-z]{16}$", 19, "The id of a check of a lab's AWS account.", "ac-2n8v4c7x1m5q9t3w";
    LabTitle = "^[^\\u0000-\\u001f\\u007f-\\u009f\\u00ad\\u034f\\u061c\\u115f\\u1160\\u17b4\\u17b5\\u180b-\\u180f\\u200b-\\u200f\\u2028-\\u202e\\u2060-\\u206f\\u3164\\ufe00-\\ufe0f\\ufeff\\uffa0\\ufff9-\\ufffb]*[^\\s\\u0000-\\u001f\\u007f-\\u009f\\u00ad\\u034f\\u061c\\u115f\\u1160\\u17b4\\u17b5\\u180b-\\u180f\\u200b-\\u200f\\u2028-\\u202e\\u2060-\\u206f\\u3164\\ufe00-\\ufe0f\\ufeff\\uffa0\\ufff9-\\ufffb][^\\u0000-\\u001f\\u007f-\\u009f\\u00ad\\u034f\\u061c\\u115f\\u1160\\u17b4\\u17b5\\u180b-\\u180f\\u200b-\\u200f\\u2028-\\u202e\\u2060-\\u206f\\u3164\\ufe00-\\ufe0f\\ufeff\\uffa0\\ufff9-\\ufffb]*$",
        120, "What people read: on one line, and nothing invisible in it.", "Vision Lab";
    GroupName = "^[^\\u0000-\\u001f\\u007f-\\u009f]+$", 512,
        "A group, exactly as the provider writes it: at most 512 bytes of UTF-8, no control characters.", "vision-students";
}

words! {
    AccountState = ["declared", "joined", "broken", "open"], "How a lab's AWS account stands.";
    Readiness = ["ready", "awaiting-update", "not-joined"], "Whether a role can be issued from the lab's AWS account.";
    CheckReason = ["join", "demand", "watch"], "Why an AWS account is checked.";
    Verdict = ["proven", "broken", "open", "unread", "unclear", "interrupted"], "What a check came to.";
    StepState = ["passed", "failed", "unclear", "skipped"], "How a step of a check went, or whether a link holds.";
    ProbeOutcome = [
        "works", "denied-by-session-policy", "denied-by-boundary", "denied-by-identity-policy", "denied-by-organization",
        "denied", "not-linked", "no-such-bucket", "closed", "throttled", "identity", "unreachable", "unsupported",
        "other"
    ], "What came of a role's harmless call.";
    WhyFinding = [
        "role-allows", "see-roles", "no-such-action", "session-policy", "other-resources", "conditions", "old-policy", "disagrees",
        "cut-off", "identity-policy", "boundary", "organization", "resource-policy", "vpc-endpoint", "trust-policy", "some-deny",
        "cannot-see", "too-little", "not-theirs", "other-role", "other-account", "iam-user", "no-role", "denied", "expired",
        "clock", "throttled", "not-linked", "closed", "wrong-region", "no-such-bucket", "bad-credentials", "no-credentials",
        "unreachable", "other"
    ], "What a refusal of AWS's comes to.";
    AwsErrorKind = [
        "denied", "expired", "clock", "throttled", "not-linked", "closed", "wrong-region", "no-such-bucket", "bad-credentials",
        "no-credentials", "unreachable", "other"
    ], "A kind of error of AWS's.";
    Reach = ["plainly", "on-conditions", "on-some-resources", "never", "denied"], "How far a policy allows an action.";
    Chance = [
        "has", "mapping-ended", "no-sign-in", "no-mapping", "no-group-claim", "group-overage", "groups-truncated",
        "groups-too-old", "too-long", "fresh-sign-in-needed", "mfa-needed", "approval-needed", "suspended",
        "account-not-joined", "awaiting-account-update"
    ], "Whether somebody can have a role.";
    ChainLink = ["person", "group", "mapping", "role", "sts", "role-policy", "probe"],
        "A link of the chain from a person to what they can do at AWS.";
    Money = ["none", "promises", "pays"], "The most that a role can do with the lab's money.";
    ParameterType = ["s3-bucket", "s3-prefix", "aws-region", "aws-account", "name"], "What a parameter must look like.";
    Severity = ["stops", "opens", "unclear", "differs"], "How bad something is.";
    MenderKind = ["oneself", "pi", "account-owner", "operator", "time", "organization", "nobody"], "Who can mend something.";
    Standing = ["member", "manager", "pi"], "What somebody is in a lab.";
    Office = ["manager", "pi"], "What somebody looks after a lab as.";
    SessionKind = ["browser", "helper"], "What a session is used by.";
    RoleNeeds = ["fresh-sign-in", "mfa", "approval", "account-update", "account", "time", "lifting"], "What is missing before a role is given.";
    AttentionKind = [
        "account-open", "account-broken", "account-not-joined", "account-update", "waiting-changes", "no-pi", "suspended-holders", "look-alikes", "ending-mappings", "unmapped-roles",
        "empty-mappings", "trouble", "only-pi"
    ], "What somebody should see to.";
    LabNeed = ["account-open", "account-broken", "no-pi", "invitation-lapses", "pi-suspended"], "What a lab needs of whoever runs the broker.";
    GroupsMissing = ["too-many", "cut-off"], "Why a sign-in did not bring all groups.";
}
