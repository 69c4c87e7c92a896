//! Which action a call needs, where an error names only the operation.
//!
//! For most services both have one name. Those of Amazon S3 that differ are in its user guide, "Required permissions for
//! Amazon S3 API operations".

use crate::domain::policy::catalog;

const OF_S3: [(&str, &str); 13] = [
    ("CompleteMultipartUpload", "s3:PutObject"),
    ("CopyObject", "s3:PutObject"),
    ("CreateMultipartUpload", "s3:PutObject"),
    ("DeleteObjects", "s3:DeleteObject"),
    ("HeadBucket", "s3:ListBucket"),
    ("HeadObject", "s3:GetObject"),
    ("ListBuckets", "s3:ListAllMyBuckets"),
    ("ListMultipartUploads", "s3:ListBucketMultipartUploads"),
    ("ListObjectVersions", "s3:ListBucketVersions"),
    ("ListObjects", "s3:ListBucket"),
    ("ListObjectsV2", "s3:ListBucket"),
    ("ListParts", "s3:ListMultipartUploadParts"),
    ("UploadPart", "s3:PutObject"),
];

/// The actions of the services that are known which an operation of this name needs: none, or one for each service that
/// has such an operation.
#[must_use]
pub fn actions_of_operation(operation: &str) -> Vec<&'static str> {
    if let Some((_, action)) = OF_S3.iter().find(|(name, _)| *name == operation) {
        return vec![action];
    }
    let is_named = |name: &&str| name.split_once(':').is_some_and(|(_, own)| own == operation);
    catalog::actions().map(|action| action.name.as_str()).filter(is_named).collect()
}

/// The action that somebody asks about, as AWS writes it where it is known; `None` when it is no name of an action.
#[must_use]
pub fn asked_action(text: &str) -> Option<String> {
    if let Some(action) = catalog::action(text) {
        return Some(action.name.clone());
    }
    let is_part = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    let is_action = text.len() <= 160 && text.split_once(':').is_some_and(|(a, b)| is_part(a) && is_part(b));
    is_action.then(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_operation_leads_to_its_action() {
        assert_eq!(actions_of_operation("SendBonus"), ["mechanicalturk:SendBonus"]);
        assert_eq!(actions_of_operation("ListObjectsV2"), ["s3:ListBucket"]);
        assert_eq!(actions_of_operation("AssumeRole"), ["sts:AssumeRole"]);
        assert_eq!(actions_of_operation("NoSuchThing"), [""; 0]);
        assert!(OF_S3.is_sorted() && OF_S3.iter().all(|(_, action)| catalog::is_known(action)));
    }

    #[test]
    fn an_action_is_asked_about_in_any_case() {
        assert_eq!(asked_action("mechanicalturk:sendbonus").as_deref(), Some("mechanicalturk:SendBonus"));
        assert_eq!(asked_action("mechanicalturk:GrantBonus").as_deref(), Some("mechanicalturk:GrantBonus"));
        for bad in ["", "SendBonus", "mechanicalturk:", "mechanicalturk:*", "a:b c", "a:b\u{202e}"] {
            assert_eq!(asked_action(bad), None, "{bad}");
        }
    }
}
