//! The actions of Amazon Mechanical Turk.
//!
//! IAM accepts a policy that names an action which does not exist, and says nothing: an allow of it grants nothing, a
//! deny of it blocks nothing. So the names are checked here, before a policy is used.

/// Every action of the IAM service prefix `mechanicalturk`, without the prefix, sorted.
///
/// Source: Service Authorization Reference, "Actions, resources, and condition keys for Amazon Mechanical Turk". The
/// operations of the requester API of 2017-01-17 have the same 39 names.
pub const MTURK_ACTIONS: [&str; 39] = [
    "AcceptQualificationRequest",
    "ApproveAssignment",
    "AssociateQualificationWithWorker",
    "CreateAdditionalAssignmentsForHIT",
    "CreateHIT",
    "CreateHITType",
    "CreateHITWithHITType",
    "CreateQualificationType",
    "CreateWorkerBlock",
    "DeleteHIT",
    "DeleteQualificationType",
    "DeleteWorkerBlock",
    "DisassociateQualificationFromWorker",
    "GetAccountBalance",
    "GetAssignment",
    "GetFileUploadURL",
    "GetHIT",
    "GetQualificationScore",
    "GetQualificationType",
    "ListAssignmentsForHIT",
    "ListBonusPayments",
    "ListHITs",
    "ListHITsForQualificationType",
    "ListQualificationRequests",
    "ListQualificationTypes",
    "ListReviewPolicyResultsForHIT",
    "ListReviewableHITs",
    "ListWorkerBlocks",
    "ListWorkersWithQualificationType",
    "NotifyWorkers",
    "RejectAssignment",
    "RejectQualificationRequest",
    "SendBonus",
    "SendTestEventNotification",
    "UpdateExpirationForHIT",
    "UpdateHITReviewStatus",
    "UpdateHITTypeOfHIT",
    "UpdateNotificationSettings",
    "UpdateQualificationType",
];

/// Whether `action` is the exact name, prefix included, of an action that exists: `mechanicalturk:GetHIT`.
#[must_use]
pub fn is_known(action: &str) -> bool {
    action.strip_prefix("mechanicalturk:").is_some_and(|name| MTURK_ACTIONS.binary_search(&name).is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_names_are_sorted_so_that_they_can_be_searched() {
        assert!(MTURK_ACTIONS.is_sorted());
        assert!(MTURK_ACTIONS.iter().all(|name| is_known(&format!("mechanicalturk:{name}"))));
    }

    #[test]
    fn only_the_exact_name_is_known() {
        for action in ["GetHIT", "mechanicalturk:gethit", "mechanicalturk:SearchHITs", "mechanicalturk:*", "s3:GetHIT"]
        {
            assert!(!is_known(action), "{action}");
        }
    }
}
