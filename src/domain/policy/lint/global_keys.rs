//! The condition keys that a call of any service can carry.
//!
//! Source: IAM User Guide, "AWS global condition context keys", with the cross-service keys that stand there too.

/// A key, and whether a call can carry several values of it.
const KEYS: [(&str, bool); 64] = [
    ("aws:AssumedRoot", false),
    ("aws:CalledVia", true),
    ("aws:CalledViaFirst", false),
    ("aws:CalledViaLast", false),
    ("aws:ChatbotSourceArn", false),
    ("aws:CurrentTime", false),
    ("aws:Ec2InstanceSourcePrivateIPv4", false),
    ("aws:Ec2InstanceSourceVpc", false),
    ("aws:EpochTime", false),
    ("aws:FederatedProvider", false),
    ("aws:MultiFactorAuthAge", false),
    ("aws:MultiFactorAuthPresent", false),
    ("aws:PrincipalAccount", false),
    ("aws:PrincipalArn", false),
    ("aws:PrincipalIsAWSService", false),
    ("aws:PrincipalOrgID", false),
    ("aws:PrincipalOrgPaths", true),
    ("aws:PrincipalServiceName", false),
    ("aws:PrincipalServiceNamesList", true),
    ("aws:PrincipalTag/*", false),
    ("aws:PrincipalType", false),
    ("aws:RequestTag/*", false),
    ("aws:RequestedRegion", false),
    ("aws:ResourceAccount", false),
    ("aws:ResourceOrgID", false),
    ("aws:ResourceOrgPaths", true),
    ("aws:ResourceTag/*", false),
    ("aws:SecureTransport", false),
    ("aws:SignInSessionArn", false),
    ("aws:SourceAccount", false),
    ("aws:SourceArn", false),
    ("aws:SourceIdentity", false),
    ("aws:SourceIp", false),
    ("aws:SourceOrgID", false),
    ("aws:SourceOrgPaths", true),
    ("aws:SourceOwner", false),
    ("aws:SourceVpc", false),
    ("aws:SourceVpcArn", false),
    ("aws:SourceVpce", false),
    ("aws:TagKeys", true),
    ("aws:TokenIssueTime", false),
    ("aws:UserAgent", false),
    ("aws:ViaAWSService", false),
    ("aws:VpcSourceIp", false),
    ("aws:VpceAccount", false),
    ("aws:VpceOrgID", false),
    ("aws:VpceOrgPaths", true),
    ("aws:referer", false),
    ("aws:userid", false),
    ("aws:username", false),
    ("codebuild:BuildArn", false),
    ("codebuild:ProjectArn", false),
    ("ec2:RoleDelivery", false),
    ("ec2:SourceInstanceArn", false),
    ("glue:CredentialIssuingService", false),
    ("glue:RoleAssumedBy", false),
    ("identitystore:IdentityStoreArn", false),
    ("identitystore:UserId", false),
    ("lambda:SourceFunctionArn", false),
    ("s3:AccessGrantsInstanceArn", false),
    ("saml:namequalifier", false),
    ("saml:sub", false),
    ("saml:sub_type", false),
    ("ssm:SourceInstanceArn", false),
];

/// Those that say something about tags: not every service has tags.
pub(super) const OF_TAGS: [&str; 3] = ["aws:RequestTag/", "aws:ResourceTag/", "aws:TagKeys"];

/// Whether a known key, which may end in a placeholder for a tag's name, is this one. Case does not count.
pub(super) fn is_key(known: &str, key: &str) -> bool {
    let open = known.find(['*', '$', '<']).map(|end| &known[..end]);
    match open {
        Some(start) => {
            key.len() > start.len() && key.get(..start.len()).is_some_and(|head| head.eq_ignore_ascii_case(start))
        }
        None => known.eq_ignore_ascii_case(key),
    }
}

/// Whether a call of any service can carry it.
pub(super) fn is_global(key: &str) -> bool {
    KEYS.iter().any(|(known, _)| is_key(known, key))
}

/// Whether a call carries one value of it at most. Of a key that is not listed nobody knows.
pub(super) fn is_single(key: &str) -> bool {
    KEYS.iter().any(|(known, several)| !several && is_key(known, key))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_found_in_any_case_and_with_any_tag() {
        assert!(KEYS.map(|(key, _)| key).is_sorted());
        for key in ["aws:SourceIdentity", "AWS:sourceidentity", "aws:PrincipalTag/lodge-role", "aws:tagkeys"] {
            assert!(is_global(key), "{key}");
        }
        for key in ["aws:SourceIdentities", "aws:PrincipalTag/", "aws:PrincipalTag", "s3:prefix", "aws:"] {
            assert!(!is_global(key), "{key}");
        }
        assert!(is_single("aws:userid") && !is_single("aws:TagKeys") && !is_single("s3:prefix"));
        assert!(
            is_key("s3:RequestObjectTag/<key>", "s3:requestobjecttag/a")
                && is_key("iam:ResourceTag/${TagKey}", "iam:ResourceTag/a")
        );
    }
}
