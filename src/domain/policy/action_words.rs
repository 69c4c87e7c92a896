//! What each action does, in words: for whoever gives a role to a group, and for whoever has it.
//!
//! The access levels are those of the Service Authorization Reference ("Actions, resources, and condition keys for Amazon
//! Mechanical Turk"); the words are ours, after the requester API's reference of 2017-01-17.

use std::fmt;

use serde::Deserialize;

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

use AccessLevel::{List, Read, Write};

/// Every action of Mechanical Turk, sorted by name.
const MTURK: [(&str, AccessLevel, &str); 39] = [
    ("AcceptQualificationRequest", Write, "grants a worker the qualification that they asked for"),
    ("ApproveAssignment", Write, "approves a worker's work, which pays the reward and the fee at once"),
    ("AssociateQualificationWithWorker", Write, "gives a worker a qualification, whether they asked or not"),
    ("CreateAdditionalAssignmentsForHIT", Write, "lets more workers do a HIT, which promises more rewards and fees"),
    ("CreateHIT", Write, "publishes a HIT, which promises its rewards and fees and can have work paid by itself"),
    ("CreateHITType", Write, "sets a title, a reward and when work is approved by itself, for HITs to come"),
    ("CreateHITWithHITType", Write, "publishes a HIT of a type that is there, which promises its rewards and fees"),
    ("CreateQualificationType", Write, "makes a qualification that HITs can ask of workers"),
    ("CreateWorkerBlock", Write, "keeps a worker from all HITs of this account"),
    ("DeleteHIT", Write, "deletes a HIT, with its results"),
    ("DeleteQualificationType", Write, "deletes a qualification, and takes it from every worker who has it"),
    ("DeleteWorkerBlock", Write, "lets a worker work for this account again"),
    ("DisassociateQualificationFromWorker", Write, "takes a qualification from a worker"),
    ("GetAccountBalance", Read, "shows how much money is in the account"),
    ("GetAssignment", Read, "shows one worker's answer and who gave it"),
    ("GetFileUploadURL", Read, "gives an address to fetch a file from that a worker uploaded"),
    ("GetHIT", Read, "shows one HIT: its question, its reward, its state"),
    ("GetQualificationScore", Read, "shows the score that a worker has in a qualification"),
    ("GetQualificationType", Read, "shows one qualification, with its test"),
    ("ListAssignmentsForHIT", List, "lists what workers answered to a HIT, and who they are"),
    ("ListBonusPayments", List, "lists the bonuses that were paid, to whom and why"),
    ("ListHITs", List, "lists the account's HITs"),
    ("ListHITsForQualificationType", List, "lists the HITs that ask for a qualification"),
    ("ListQualificationRequests", List, "lists the workers who ask for a qualification"),
    ("ListQualificationTypes", List, "lists qualifications"),
    ("ListReviewPolicyResultsForHIT", List, "lists what a HIT's review policies found, and did, by themselves"),
    ("ListReviewableHITs", List, "lists the HITs whose work waits for review"),
    ("ListWorkerBlocks", List, "lists the workers who are blocked, and why"),
    ("ListWorkersWithQualificationType", List, "lists the workers who have a qualification"),
    ("NotifyWorkers", Write, "writes to workers by e-mail"),
    ("RejectAssignment", Write, "rejects a worker's work, which takes their pay for it away"),
    ("RejectQualificationRequest", Write, "turns down a worker who asks for a qualification"),
    ("SendBonus", Write, "pays a worker a bonus of whatever amount its sender types, at once"),
    ("SendTestEventNotification", Write, "sends a test message to where notifications go"),
    ("UpdateExpirationForHIT", Write, "sets until when workers find a HIT: it can stop one, or bring it back"),
    ("UpdateHITReviewStatus", Write, "marks a HIT as under review or reviewable"),
    ("UpdateHITTypeOfHIT", Write, "changes a HIT's title, reward and approval to those of another type"),
    ("UpdateNotificationSettings", Write, "sets where messages about a type of HIT go"),
    ("UpdateQualificationType", Write, "changes a qualification: its test, and whether it is granted by itself"),
];

/// An action in words, by its exact name with the prefix: `mechanicalturk:GetHIT`.
#[must_use]
pub fn words(action: &str) -> Option<ActionWords> {
    let name = action.strip_prefix("mechanicalturk:")?;
    let place = MTURK.binary_search_by_key(&name, |(name, ..)| name).ok()?;
    let (_, level, does) = MTURK[place];
    Some(ActionWords { service: "Amazon Mechanical Turk", level, does })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::policy::PolicyLibrary;
    use crate::domain::policy::actions::MTURK_ACTIONS;

    #[test]
    fn every_action_that_is_known_has_words() {
        assert_eq!(MTURK.map(|(name, ..)| name), MTURK_ACTIONS);
        for action in MTURK_ACTIONS {
            let words = words(&format!("mechanicalturk:{action}")).unwrap();
            assert!(words.does.len() > 10 && !words.does.ends_with('.'), "{action}");
            // AWS names what only looks so, and nothing else.
            let looks = action.starts_with("Get") || action.starts_with("List");
            assert_eq!(words.level != Write, looks, "{action}");
        }
        assert_eq!(words("GetHIT").or(words("mechanicalturk:Get*")).or(words("s3:GetObject")), None);
    }

    #[test]
    fn every_action_of_every_template_has_words() {
        let library = PolicyLibrary::shipped().unwrap();
        let mut actions = 0;
        for name in ["mturk/read-results", "mturk/publish", "mturk/pay"] {
            let template = library.get(&name.parse().unwrap()).unwrap();
            for action in template.actions() {
                assert!(words(action).is_some(), "{name}: {action}");
                actions += 1;
            }
        }
        assert_eq!(actions, 9 + 26 + 14);
    }
}
