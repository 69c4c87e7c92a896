//! The names that Mechanical Turk's actions had before 2017, and what does the same today.
//!
//! Source: Amazon Mechanical Turk API Reference of 2014-08-15, whose operations end in the reference of 2017-01-17 under
//! other names; AWS switched the old API off on 2019-06-01. IAM's own reference listed the old names for years, and
//! policies with them are still copied.

/// An old name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::domain::policy) struct Legacy {
    /// Without the prefix.
    pub(in crate::domain::policy) name: &'static str,
    /// What does the same today, without the prefix; none when nothing does.
    pub(in crate::domain::policy) today: &'static [&'static str],
    /// What is different about it.
    pub(in crate::domain::policy) remark: Option<&'static str>,
}

const fn same(name: &'static str, today: &'static [&'static str]) -> Legacy {
    Legacy { name, today, remark: None }
}

const fn but(name: &'static str, today: &'static [&'static str], remark: &'static str) -> Legacy {
    Legacy { name, today, remark: Some(remark) }
}

/// Every old name that is none today, sorted.
pub(in crate::domain::policy) const LEGACY: [Legacy; 29] = [
    but("ApproveRejectedAssignment", &["ApproveAssignment"], "it takes OverrideRejection"),
    same("AssignQualification", &["AssociateQualificationWithWorker"]),
    same("BlockWorker", &["CreateWorkerBlock"]),
    same("ChangeHITTypeOfHIT", &["UpdateHITTypeOfHIT"]),
    but(
        "DisableHIT",
        &[],
        "what it did takes UpdateExpirationForHIT, then ApproveAssignment or RejectAssignment, then DeleteHIT",
    ),
    same("DisposeHIT", &["DeleteHIT"]),
    same("DisposeQualificationType", &["DeleteQualificationType"]),
    but(
        "ExtendHIT",
        &["CreateAdditionalAssignmentsForHIT", "UpdateExpirationForHIT"],
        "the first asks for more workers, the second gives more time",
    ),
    but("ForceExpireHIT", &["UpdateExpirationForHIT"], "a time that is past ends a HIT, one to come prolongs it"),
    same("GetAssignmentsForHIT", &["ListAssignmentsForHIT"]),
    same("GetBlockedWorkers", &["ListWorkerBlocks"]),
    same("GetBonusPayments", &["ListBonusPayments"]),
    same("GetHITsForQualificationType", &["ListHITsForQualificationType"]),
    same("GetQualificationRequests", &["ListQualificationRequests"]),
    same("GetQualificationsForQualificationType", &["ListWorkersWithQualificationType"]),
    but("GetRequesterStatistic", &[], "nothing does that today"),
    but("GetRequesterWorkerStatistic", &[], "nothing does that today"),
    same("GetReviewResultsForHIT", &["ListReviewPolicyResultsForHIT"]),
    same("GetReviewableHITs", &["ListReviewableHITs"]),
    same("GrantBonus", &["SendBonus"]),
    same("GrantQualification", &["AcceptQualificationRequest"]),
    same("RegisterHITType", &["CreateHITType"]),
    same("RevokeQualification", &["DisassociateQualificationFromWorker"]),
    same("SearchHITs", &["ListHITs"]),
    same("SearchQualificationTypes", &["ListQualificationTypes"]),
    same("SetHITAsReviewing", &["UpdateHITReviewStatus"]),
    same("SetHITTypeNotification", &["UpdateNotificationSettings"]),
    same("UnblockWorker", &["DeleteWorkerBlock"]),
    but("UpdateQualificationScore", &["AssociateQualificationWithWorker"], "it sets the score of who has it already"),
];

/// The old name that this action is, in whatever case it is written.
pub(in crate::domain::policy) fn legacy(action: &str) -> Option<&'static Legacy> {
    let (prefix, name) = action.split_once(':')?;
    if !prefix.eq_ignore_ascii_case("mechanicalturk") {
        return None;
    }
    LEGACY.iter().find(|legacy| legacy.name.eq_ignore_ascii_case(name))
}

/// What does today what this action did before 2017, in words; nothing when it is no old name, or nothing does.
#[must_use]
pub fn names_today(action: &str) -> Option<String> {
    let names = legacy(action)?.names_today();
    (!names.is_empty()).then(|| names.join(" and "))
}

impl Legacy {
    /// What does the same today, with the prefix.
    pub(in crate::domain::policy) fn names_today(&self) -> Vec<String> {
        self.today.iter().map(|name| format!("mechanicalturk:{name}")).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::policy::catalog;

    #[test]
    fn no_old_name_is_one_of_today_and_every_name_of_today_is() {
        for old in &LEGACY {
            assert!(catalog::action(&format!("mechanicalturk:{}", old.name)).is_none(), "{}", old.name);
            for name in old.names_today() {
                assert!(catalog::is_known(&name), "{name}");
            }
            assert!(!old.today.is_empty() || old.remark.is_some(), "{}", old.name);
            assert_eq!(legacy(&format!("MechanicalTurk:{}", old.name.to_lowercase())), Some(old));
        }
        assert_eq!(legacy("s3:GrantBonus"), None);
        assert_eq!(names_today("mechanicalturk:GrantBonus").as_deref(), Some("mechanicalturk:SendBonus"));
        assert_eq!((names_today("mechanicalturk:DisableHIT"), names_today("mechanicalturk:SendBonus")), (None, None));
    }
}
