//! Whom a trust policy means, as IAM keeps it: not by name.
//!
//! IAM puts the unique id in the place of the ARN of a role or a user when a trust policy is written, and the ARN back
//! when it is read. Whoever is deleted leaves the id behind, and another of the same name is a stranger: that is how a
//! broker whose role was made anew is locked out of every lab, and what a lab sees of it.

use serde_json::Value;
use sha2::{Digest, Sha256};

/// The same trust policy with every AWS principal as `other` has it; byte for byte the same when nothing changes.
pub(super) fn map_principals(trust: &str, mut other: impl FnMut(&str) -> Option<String>) -> String {
    let Ok(mut document) = serde_json::from_str::<Value>(trust) else { return trust.to_owned() };
    let mut is_changed = false;
    let mut change = |value: &mut Value| {
        if let Some(changed) = value.as_str().and_then(&mut other) {
            *value = Value::String(changed);
            is_changed = true;
        }
    };
    let statements = match document.get_mut("Statement") {
        Some(Value::Array(statements)) => statements.iter_mut().collect(),
        Some(statement) => vec![statement],
        None => Vec::new(),
    };
    for statement in statements {
        for member in ["Principal", "NotPrincipal"] {
            match statement.get_mut(member).and_then(|principal| principal.get_mut("AWS")) {
                Some(Value::Array(values)) => values.iter_mut().for_each(&mut change),
                Some(value) => change(value),
                None => {}
            }
        }
    }
    if is_changed { document.to_string() } else { trust.to_owned() }
}

/// How the unique id of whom an ARN names begins; `None` when it names neither a role nor a user.
pub(super) fn id_prefix(principal: &str) -> Option<&'static str> {
    let (_, resource) = principal.strip_prefix("arn:aws:iam::")?.split_once(':')?;
    match resource.split_once('/')?.0 {
        "role" => Some("AROA"),
        "user" => Some("AIDA"),
        _ => None,
    }
}

/// A unique id that is the same for the same text.
pub(super) fn derived_id(prefix: &str, text: &str) -> String {
    id(prefix, &Sha256::digest(text.as_bytes())[..17])
}

/// A unique id, or a key id, as AWS makes them: a prefix and base 32 of RFC 4648.
pub(super) fn id(prefix: &str, entropy: &[u8]) -> String {
    const ALPHABET: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    let random = entropy.iter().map(|byte| char::from(ALPHABET[usize::from(byte % 32)]));
    prefix.chars().chain(random).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn every_principal_of_every_statement_is_looked_at_and_nothing_else() {
        let trust = json!({"Version": "2012-10-17", "Statement": [
            {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"AWS": "a", "Service": "a"}},
            {"Effect": "Deny", "Action": "sts:AssumeRole", "NotPrincipal": {"AWS": ["a", "b"]},
             "Condition": {"StringEquals": {"sts:ExternalId": "a"}}},
            {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": "*"},
        ]});

        let mapped = map_principals(&trust.to_string(), |text| (text == "a").then(|| "x".to_owned()));

        let mapped: Value = serde_json::from_str(&mapped).unwrap();
        assert_eq!(mapped["Statement"][0]["Principal"], json!({"AWS": "x", "Service": "a"}));
        assert_eq!(mapped["Statement"][1]["NotPrincipal"], json!({"AWS": ["x", "b"]}));
        assert_eq!(mapped["Statement"][1]["Condition"], trust["Statement"][1]["Condition"]);
        assert_eq!(mapped["Statement"][2], trust["Statement"][2]);
    }

    #[test]
    fn a_trust_policy_without_names_stays_as_it_was_written() {
        let trust = r#"{ "Version": "2012-10-17", "Statement": {"Effect": "Allow", "Principal": {"AWS": "*"}} }"#;

        assert_eq!(map_principals(trust, |_| None), trust);
    }

    #[test]
    fn roles_and_users_have_ids_and_accounts_have_none() {
        for (principal, prefix) in [
            ("arn:aws:iam::999988887777:role/lodge/lodge-broker", Some("AROA")),
            ("arn:aws:iam::999988887777:user/somebody", Some("AIDA")),
            ("arn:aws:iam::999988887777:root", None),
            ("arn:aws:sts::999988887777:assumed-role/lodge-broker/one", None),
            ("999988887777", None),
            ("*", None),
        ] {
            assert_eq!(id_prefix(principal), prefix, "{principal}");
        }
        assert_eq!(derived_id("AROA", "x").len(), 21);
        assert_ne!(derived_id("AROA", "x"), derived_id("AROA", "y"));
    }
}
