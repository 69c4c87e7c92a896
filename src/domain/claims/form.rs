//! How a connection's groups are written, and the one form in which they are kept.
//!
//! Mappings are compared with groups as texts, in the database. So whatever is equal in meaning must be equal in text
//! before it gets there: the groups of a sign-in, and the group of a mapping, both go through here.

use std::num::NonZeroUsize;

use super::{Entitlement, Group};
use crate::domain::id::ParseError;

/// What the entries of a group claim are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum GroupFormat {
    /// Names, compared byte for byte.
    #[default]
    Plain,
    /// AARC group entitlements, compared by what they mean (AARC-G069). Other entitlements are compared byte for byte.
    Entitlement,
    /// Identifiers such as Entra ID's, compared without regard to case.
    Guid,
}

/// How groups are written in a connection's group claim.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GroupForm {
    /// What each entry is.
    pub format: GroupFormat,
    /// What stands between groups that come as one string. Without it, a string is one group.
    pub separator: Option<String>,
    /// How many the provider sends at most, leaving out the others without a word.
    pub limit: Option<NonZeroUsize>,
}

impl GroupForm {
    /// The form in which a mapping's group is kept.
    ///
    /// # Errors
    ///
    /// When no sign-in through this connection could ever bring such a group.
    pub fn normal_form(&self, group: &Group) -> Result<Group, ParseError> {
        match self.format {
            GroupFormat::Plain => Ok(group.clone()),
            GroupFormat::Guid => guid(group.as_str()),
            GroupFormat::Entitlement => match Entitlement::read(group.as_str())? {
                Some(entitlement) => entitlement.to_string().parse(),
                None => Ok(group.clone()),
            },
        }
    }

    /// What is kept of one entry of a group claim: for an entitlement, every requirement that it satisfies. A group
    /// entitlement that breaks its own rules gives nothing: it may be another service's, and it can only take away.
    pub(super) fn kept(&self, entry: &str) -> Result<Vec<Group>, ParseError> {
        match self.format {
            GroupFormat::Plain => Ok(vec![entry.parse()?]),
            GroupFormat::Guid => Ok(vec![guid(entry)?]),
            GroupFormat::Entitlement => {
                let group: Group = entry.parse()?;
                match Entitlement::read(entry) {
                    Ok(Some(entitlement)) => {
                        Ok(entitlement.satisfied().iter().filter_map(|text| text.to_string().parse().ok()).collect())
                    }
                    Ok(None) => Ok(vec![group]),
                    Err(_) => Ok(Vec::new()),
                }
            }
        }
    }
}

/// A GUID in lower case: 8, 4, 4, 4 and 12 hexadecimal digits (RFC 9562, section 4).
fn guid(text: &str) -> Result<Group, ParseError> {
    let parts: Vec<&str> = text.split('-').collect();
    let is_hex = |part: &&str| part.bytes().all(|b| b.is_ascii_hexdigit());
    let fits = parts.iter().map(|part| part.len()).eq([8, 4, 4, 4, 12]) && parts.iter().all(is_hex);
    if !fits {
        return Err(ParseError::new("group", "a GUID, such as 3fb9b1d4-5f3a-4d0e-9f8f-0b3a1a2c4d5e"));
    }
    text.to_ascii_lowercase().parse()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn form(format: GroupFormat) -> GroupForm {
        GroupForm { format, ..GroupForm::default() }
    }

    fn normal(format: GroupFormat, text: &str) -> Option<String> {
        form(format).normal_form(&text.parse().unwrap()).ok().map(|group| group.as_str().to_owned())
    }

    #[test]
    fn a_plain_name_stays_as_it_is() {
        for text in ["Vision-Students", "urn:X:Y:group:Z", "3FB9B1D4-5F3A-4D0E-9F8F-0B3A1A2C4D5E"] {
            assert_eq!(normal(GroupFormat::Plain, text).as_deref(), Some(text));
        }
    }

    #[test]
    fn a_guid_has_one_form() {
        let small = "3fb9b1d4-5f3a-4d0e-9f8f-0b3a1a2c4d5e";
        assert_eq!(normal(GroupFormat::Guid, small).as_deref(), Some(small));
        assert_eq!(normal(GroupFormat::Guid, &small.to_ascii_uppercase()).as_deref(), Some(small));
        for bad in ["phd", "3fb9b1d45f3a4d0e9f8f0b3a1a2c4d5e", "{3fb9b1d4-5f3a-4d0e-9f8f-0b3a1a2c4d5e}", "----"] {
            assert_eq!(normal(GroupFormat::Guid, bad), None, "{bad}");
            assert!(form(GroupFormat::Guid).kept(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_mapping_holds_an_entitlement_in_the_form_in_which_it_comes() {
        let written = "URN:Geant:Example.org:group:Vision%20Lab:%70hd";
        assert_eq!(
            normal(GroupFormat::Entitlement, written).as_deref(),
            Some("urn:geant:example.org:group:Vision%20Lab:phd")
        );
        let other = "https://example.edu/entitlement/Library";
        assert_eq!(normal(GroupFormat::Entitlement, other).as_deref(), Some(other));
        assert_eq!(normal(GroupFormat::Entitlement, "urn:geant:example.org:group:"), None);
        assert_eq!(form(GroupFormat::Entitlement).kept("urn:geant:example.org:group:").unwrap(), []);
    }
}
