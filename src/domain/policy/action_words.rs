//! What each action does, in words: for whoever gives a role to a group, and for whoever has it.
//!
//! The access levels are those of [`super::catalog`]; the words are ours, after the requester API's reference of
//! 2017-01-17 and the Amazon S3 API reference.

use std::fmt;

use serde::Deserialize;

use super::catalog;

/// What kind of thing an action does, as AWS sorts them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
pub enum AccessLevel {
    /// Says which things there are.
    List,
    /// Shows what is in them.
    Read,
    /// Changes what they are labelled with.
    Tagging,
    /// Makes, changes or removes them.
    Write,
    /// Changes who may do what with them.
    #[serde(rename = "Permissions management")]
    Permissions,
}

impl AccessLevel {
    /// The word in the API.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::List => "list",
            Self::Read => "read",
            Self::Tagging => "tagging",
            Self::Write => "write",
            Self::Permissions => "permissions",
        }
    }
}

impl fmt::Display for AccessLevel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// An action in words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ActionWords {
    /// The service, as people call it.
    pub service: &'static str,
    /// What kind of thing it does.
    pub level: AccessLevel,
    /// What it does. Whatever can cost money or take somebody's pay says so.
    pub does: &'static str,
}

/// What an action does, by its name without the prefix.
type Does = (&'static str, &'static str);

/// A service in words.
struct Service {
    prefix: &'static str,
    /// As people call it.
    name: &'static str,
    /// Sorted by name.
    actions: &'static [Does],
}

/// Every service of whose actions anything is said here.
const SERVICES: [Service; 2] = [
    Service { prefix: "mechanicalturk", name: "Amazon Mechanical Turk", actions: &MTURK },
    Service { prefix: "s3", name: "Amazon S3", actions: &S3 },
];

/// Every action of Mechanical Turk, sorted by name.
const MTURK: [Does; 39] = [
    ("AcceptQualificationRequest", "grants a worker the qualification that they asked for"),
    ("ApproveAssignment", "approves a worker's work, which pays the reward and the fee at once"),
    ("AssociateQualificationWithWorker", "gives a worker a qualification, whether they asked or not"),
    ("CreateAdditionalAssignmentsForHIT", "lets more workers do a HIT, which promises more rewards and fees"),
    ("CreateHIT", "publishes a HIT, which promises its rewards and fees and can have work paid by itself"),
    ("CreateHITType", "sets a title, a reward and when work is approved by itself, for HITs to come"),
    ("CreateHITWithHITType", "publishes a HIT of a type that is there, which promises its rewards and fees"),
    ("CreateQualificationType", "makes a qualification that HITs can ask of workers"),
    ("CreateWorkerBlock", "keeps a worker from all HITs of this account"),
    ("DeleteHIT", "deletes a HIT, with its results"),
    ("DeleteQualificationType", "deletes a qualification, and takes it from every worker who has it"),
    ("DeleteWorkerBlock", "lets a worker work for this account again"),
    ("DisassociateQualificationFromWorker", "takes a qualification from a worker"),
    ("GetAccountBalance", "shows how much money is in the account"),
    ("GetAssignment", "shows one worker's answer and who gave it"),
    ("GetFileUploadURL", "gives an address to fetch a file from that a worker uploaded"),
    ("GetHIT", "shows one HIT: its question, its reward, its state"),
    ("GetQualificationScore", "shows the score that a worker has in a qualification"),
    ("GetQualificationType", "shows one qualification, with its test"),
    ("ListAssignmentsForHIT", "lists what workers answered to a HIT, and who they are"),
    ("ListBonusPayments", "lists the bonuses that were paid, to whom and why"),
    ("ListHITs", "lists the account's HITs"),
    ("ListHITsForQualificationType", "lists the HITs that ask for a qualification"),
    ("ListQualificationRequests", "lists the workers who ask for a qualification"),
    ("ListQualificationTypes", "lists qualifications"),
    ("ListReviewPolicyResultsForHIT", "lists what a HIT's review policies found, and did, by themselves"),
    ("ListReviewableHITs", "lists the HITs whose work waits for review"),
    ("ListWorkerBlocks", "lists the workers who are blocked, and why"),
    ("ListWorkersWithQualificationType", "lists the workers who have a qualification"),
    ("NotifyWorkers", "writes to workers by e-mail"),
    ("RejectAssignment", "rejects a worker's work, which takes their pay for it away"),
    ("RejectQualificationRequest", "turns down a worker who asks for a qualification"),
    ("SendBonus", "pays a worker a bonus of whatever amount its sender types, at once"),
    ("SendTestEventNotification", "sends a test message to where notifications go"),
    ("UpdateExpirationForHIT", "sets until when workers find a HIT: it can stop one, or bring it back"),
    ("UpdateHITReviewStatus", "marks a HIT as under review or reviewable"),
    ("UpdateHITTypeOfHIT", "changes a HIT's title, reward and approval to those of another type"),
    ("UpdateNotificationSettings", "sets where messages about a type of HIT go"),
    ("UpdateQualificationType", "changes a qualification: its test, and whether it is granted by itself"),
];

/// What the shipped roles do with S3, and what somebody would ask about beside it, sorted by name. The others have no words.
const S3: [Does; 37] = [
    ("AbortMultipartUpload", "gives an upload in parts up, and throws its parts away"),
    ("BypassGovernanceRetention", "overrides the lock that keeps objects from being deleted"),
    ("CreateBucket", "makes a bucket"),
    ("DeleteBucket", "deletes a bucket that is empty"),
    ("DeleteBucketPolicy", "removes the bucket's own policy, with all that it denies"),
    ("DeleteObject", "deletes an object, or hides it where the bucket keeps versions"),
    ("DeleteObjectTagging", "removes the tags of an object"),
    ("DeleteObjectVersion", "deletes one version of an object for good"),
    ("GetBucketAcl", "shows who else may use a bucket, by its access control list"),
    ("GetBucketLocation", "shows which region a bucket is in"),
    ("GetBucketPolicy", "shows the bucket's own policy"),
    ("GetBucketPublicAccessBlock", "shows whether a bucket is kept from being public"),
    ("GetBucketVersioning", "shows whether a bucket keeps what is replaced or deleted"),
    ("GetObject", "fetches an object"),
    ("GetObjectAcl", "shows who else may read an object, by its access control list"),
    ("GetObjectTagging", "shows the tags of an object"),
    ("GetObjectVersion", "fetches an older version of an object, also one that was replaced or deleted"),
    ("ListAllMyBuckets", "lists every bucket of the account"),
    ("ListBucket", "lists the keys of a bucket"),
    ("ListBucketMultipartUploads", "lists uploads in parts that are not finished"),
    ("ListBucketVersions", "lists the keys of a bucket with their older versions, deleted ones too"),
    ("ListMultipartUploadParts", "lists the parts of an upload that have arrived"),
    ("PutAccountPublicAccessBlock", "sets whether any bucket of the account can be public"),
    ("PutBucketAcl", "sets who else may use a bucket, which can open it to the world"),
    ("PutBucketNotification", "sets where a bucket tells of what happens in it"),
    ("PutBucketPolicy", "sets the bucket's own policy, which can open it to the world"),
    ("PutBucketPublicAccessBlock", "sets whether a bucket can be public"),
    ("PutBucketVersioning", "sets whether a bucket keeps what is replaced or deleted"),
    ("PutBucketWebsite", "makes a website of a bucket"),
    ("PutEncryptionConfiguration", "sets the key that new objects are encrypted with"),
    ("PutLifecycleConfiguration", "sets after which time objects are moved or deleted by themselves"),
    ("PutObject", "puts an object, and replaces what was under its key"),
    ("PutObjectAcl", "sets who else may read an object, which can open it to the world"),
    ("PutObjectTagging", "sets the tags of an object"),
    ("PutObjectVersionAcl", "sets who else may read a version of an object, which can open it to the world"),
    ("PutReplicationConfiguration", "has whatever is put copied to another bucket, also to another account's"),
    ("RestoreObject", "fetches an object back from an archive, for which AWS charges"),
];

/// An action in words, by its exact name with the prefix: `mechanicalturk:GetHIT`.
#[must_use]
pub fn words(action: &str) -> Option<ActionWords> {
    let (prefix, name) = action.split_once(':')?;
    let service = SERVICES.iter().find(|service| service.prefix == prefix)?;
    let place = service.actions.binary_search_by_key(&name, |(name, _)| name).ok()?;
    let level = catalog::action(action)?.access;
    Some(ActionWords { service: service.name, level, does: service.actions[place].1 })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::policy::PolicyLibrary;
    use crate::domain::policy::actions::MTURK_ACTIONS;

    #[test]
    fn every_action_that_is_known_has_words() {
        assert_eq!(MTURK.map(|(name, _)| name), MTURK_ACTIONS);
        for action in MTURK_ACTIONS {
            let words = words(&format!("mechanicalturk:{action}")).unwrap();
            assert!(words.does.len() > 10 && !words.does.ends_with('.'), "{action}");
            // AWS names what only looks so, and nothing else.
            let looks = action.starts_with("Get") || action.starts_with("List");
            assert_eq!(words.level != AccessLevel::Write, looks, "{action}");
        }
        assert_eq!(
            words("GetHIT").or(words("mechanicalturk:Get*")).or(words("s3:getObject")).or(words("s3:Get")),
            None
        );
    }

    #[test]
    fn what_is_said_of_s3_is_said_of_actions_that_exist() {
        assert!(S3.is_sorted_by(|one, next| one.0 < next.0));
        for (name, does) in S3 {
            let words = words(&format!("s3:{name}")).unwrap_or_else(|| panic!("{name}"));
            assert!(words.does == does && does.len() > 10 && !does.ends_with('.'), "{name}");
        }
    }

    #[test]
    fn every_action_of_every_template_has_words() {
        for (name, template) in PolicyLibrary::shipped().unwrap().iter() {
            for action in template.actions() {
                assert!(words(action).is_some(), "{name}: {action}");
            }
        }
    }
}
