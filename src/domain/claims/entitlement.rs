//! AARC group entitlements: `urn:NID:NAMESPACE[:SUB]*:group:GROUP[:SUBGROUP]*[:role=ROLE][#AUTHORITY]` (AARC-G069, which
//! took the place of AARC-G002).
//!
//! They are read into their parts and never compared as prefixes of texts: `…:group:lab` is no part of `…:group:lab2`.
//! One entitlement satisfies several requirements; all of them are written out when somebody signs in, each in normal
//! form, so that the database compares texts and nothing else.

use std::fmt;

use crate::domain::id::ParseError;

/// Far more than was seen in the wild; each brings up to two requirements.
const MAX_SUBGROUPS: usize = 16;

/// A group entitlement, in normal form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entitlement {
    /// NID, namespace and what is below it, in lower case.
    namespace: Vec<String>,
    group: String,
    subgroups: Vec<String>,
    role: Option<String>,
    authority: Option<String>,
}

impl Entitlement {
    /// Reads an entitlement. `None` is one that is none of a group: a capability, a web address.
    ///
    /// # Errors
    ///
    /// When it is a group's and breaks the rules.
    pub fn read(text: &str) -> Result<Option<Self>, ParseError> {
        let Some((scheme, rest)) = text.split_once(':') else { return Ok(None) };
        let mut parts: Vec<&str> = rest.split('#').next().unwrap_or_default().split(':').collect();
        // NID and namespace stand before the word.
        let word = parts.iter().skip(2).position(|part| *part == "group").map(|at| at + 2);
        let (true, Some(word)) = (scheme.eq_ignore_ascii_case("urn"), word) else { return Ok(None) };
        let wrong =
            ParseError::new("group entitlement", "urn:NID:NAMESPACE:group:GROUP[:SUBGROUP][:role=ROLE][#AUTHORITY]");

        let authority = match rest.split('#').collect::<Vec<_>>().as_slice() {
            [_] => None,
            [_, authority] => Some(normal(authority).ok_or(wrong.clone())?),
            _ => return Err(wrong),
        };
        let role = match parts.last().and_then(|last| last.strip_prefix("role=")) {
            Some(role) => {
                parts.pop();
                Some(normal(role).ok_or(wrong.clone())?)
            }
            None => None,
        };
        let names = parts.split_off(word).split_off(1);
        let is_nid = |part: &&str| {
            (2..=32).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
        };
        if !parts.first().is_some_and(is_nid) || names.iter().any(|name| name.starts_with("role=")) {
            return Err(wrong);
        }
        let lower = |part: &&str| normal(part).map(|part| lower_case(&part));
        let namespace = parts.iter().map(lower).collect::<Option<Vec<_>>>().ok_or(wrong.clone())?;
        let mut names = names.iter().map(|name| normal(name)).collect::<Option<Vec<_>>>().ok_or(wrong.clone())?;
        if names.is_empty() || names.len() > MAX_SUBGROUPS + 1 {
            return Err(wrong);
        }
        let subgroups = names.split_off(1);
        let group = names.pop().ok_or(wrong)?;
        Ok(Some(Self { namespace, group, subgroups, role, authority }))
    }

    /// Every requirement that this entitlement satisfies. A requirement without a role asks for a group or anything below
    /// it; one with a role asks for that very group and role; one with an authority asks for it too.
    #[must_use]
    pub fn satisfied(&self) -> Vec<Self> {
        let above = (0..=self.subgroups.len()).map(|length| Self {
            subgroups: self.subgroups[..length].to_vec(),
            role: None,
            ..self.clone()
        });
        let with_role = self.role.is_some().then(|| self.clone());
        let requirements: Vec<Self> = above.chain(with_role).collect();
        let whoever_says_so = requirements.iter().map(|one| Self { authority: None, ..one.clone() });
        let mut all: Vec<Self> = whoever_says_so.collect();
        if self.authority.is_some() {
            all.extend(requirements);
        }
        all
    }
}

impl fmt::Display for Entitlement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "urn:{}:group:{}", self.namespace.join(":"), self.group)?;
        for subgroup in &self.subgroups {
            write!(f, ":{subgroup}")?;
        }
        if let Some(role) = &self.role {
            write!(f, ":role={role}")?;
        }
        if let Some(authority) = &self.authority {
            write!(f, "#{authority}")?;
        }
        Ok(())
    }
}

/// One part in its only spelling: unreserved characters as they are, everything else that a URN may hold as it is
/// written, and the rest in percent-encoding with capital digits. What is encoded is decoded once, and never into
/// something that would change the structure. `None` when the part is empty, has a bad encoding, or a `?` (RFC 8141's
/// r- and q-components are no part of a name).
fn normal(part: &str) -> Option<String> {
    let mut text = String::with_capacity(part.len());
    let mut bytes = part.bytes();
    while let Some(byte) = bytes.next() {
        let (byte, was_encoded) = if byte == b'%' {
            let digit = |b: u8| char::from(b).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
            (digit(bytes.next()?)? * 16 + digit(bytes.next()?)?, true)
        } else {
            (byte, false)
        };
        let is_unreserved = byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
        let may_stand = is_unreserved || (!was_encoded && b"!$&'()*+,;=@/".contains(&byte));
        if byte == b'?' && !was_encoded {
            return None;
        }
        if may_stand {
            text.push(char::from(byte));
        } else {
            text.extend(format!("%{byte:02X}").chars());
        }
    }
    (!text.is_empty()).then_some(text)
}

/// In lower case, but for the digits of encoded characters.
fn lower_case(part: &str) -> String {
    let mut text = String::with_capacity(part.len());
    let mut digits = 0;
    for c in part.chars() {
        text.push(if digits > 0 { c } else { c.to_ascii_lowercase() });
        digits = if c == '%' { 2_u8 } else { digits.saturating_sub(1) };
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Entitlement {
        Entitlement::read(text).unwrap().unwrap()
    }

    /// What the guideline says of a requirement, written a second time.
    fn satisfies(own: &Entitlement, required: &Entitlement) -> bool {
        own.namespace == required.namespace
            && own.group == required.group
            && own.subgroups.starts_with(&required.subgroups)
            && (required.role.is_none() || (own.role == required.role && own.subgroups == required.subgroups))
            && (required.authority.is_none() || own.authority == required.authority)
    }

    #[test]
    fn what_is_equal_in_meaning_is_equal_in_text() {
        for (written, normal) in [
            ("UrN:NiD:ExAmPlE.oRg:group:Minun%20Ryhm%c3%a4ni", "urn:nid:example.org:group:Minun%20Ryhm%C3%A4ni"),
            ("urn:nid:example.org:group:Minun Ryhmäni", "urn:nid:example.org:group:Minun%20Ryhm%C3%A4ni"),
            (
                "urn:geant:h-df.de:group:aai-admin:role=member#unity.example.org",
                "urn:geant:h-df.de:group:aai-admin:role=member#unity.example.org",
            ),
            ("urn:geant:EX%c3%84:Sub:group:a:b", "urn:geant:ex%C3%84:sub:group:a:b"),
            ("urn:geant:x:group:%41bc", "urn:geant:x:group:Abc"),
        ] {
            assert_eq!(read(written).to_string(), normal);
            assert_eq!(read(normal).to_string(), normal, "the normal form is its own");
        }
    }

    #[test]
    fn an_encoded_character_changes_no_structure_and_is_decoded_once() {
        for text in
            ["urn:geant:x:group:a%3Ab", "urn:geant:x:group:a%23b", "urn:geant:x:group:a%2541", "urn:geant:x:group:a%0A"]
        {
            let entitlement = read(text);
            assert_eq!((entitlement.to_string().as_str(), entitlement.subgroups.len()), (text, 0));
        }
    }

    #[test]
    fn what_is_no_group_is_not_read_as_one() {
        for other in [
            "urn:mace:egi.eu:res:rcauth#aai.egi.eu",
            "urn:mace:egi.eu:aai.egi.eu:member@fedcloud.egi.eu",
            "urn:mace:dir:entitlement:common-lib-terms",
            "https://example.edu/group:x",
            "urn:group:x",
            "vision-students",
            "",
        ] {
            assert_eq!(Entitlement::read(other), Ok(None), "{other}");
        }
    }

    #[test]
    fn a_group_that_breaks_the_rules_is_refused() {
        let deep = format!("urn:geant:x:group:a{}", ":b".repeat(17));
        for bad in [
            "urn:geant:x:group:",
            "urn:geant:x:group::a",
            "urn:geant:x:group:a:",
            "urn:geant::group:a",
            "urn:g:x:group:a",
            "urn:ge ant:x:group:a",
            "urn:geant:x:group:role=member",
            "urn:geant:x:group:a:role=",
            "urn:geant:x:group:a:role=member:b",
            "urn:geant:x:group:a#",
            "urn:geant:x:group:a#one#two",
            "urn:geant:x:group:a?+r",
            "urn:geant:x:group:a?=q",
            "urn:geant:x:group:a%2",
            "urn:geant:x:group:a%zz",
            "urn:geant:x:group:a%+1",
            &deep,
        ] {
            assert!(Entitlement::read(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn an_entitlement_satisfies_what_is_written_out_and_nothing_else() {
        let parts = ["lab", "lab2", "lab:phd", "lab:phd:year1", "lab:msc", "other"];
        let endings = ["", ":role=member", ":role=manager"];
        let authorities = ["", "#one.example", "#two.example"];
        let mut all = Vec::new();
        for namespace in ["urn:geant:x", "urn:geant:y", "urn:geant:x:sub"] {
            for part in parts {
                for ending in endings {
                    all.extend(
                        authorities.map(|authority| read(&format!("{namespace}:group:{part}{ending}{authority}"))),
                    );
                }
            }
        }
        for own in &all {
            let written_out: Vec<_> = own.satisfied().iter().map(ToString::to_string).collect();
            for required in &all {
                assert_eq!(
                    written_out.contains(&required.to_string()),
                    satisfies(own, required),
                    "{own} and {required}"
                );
            }
        }
    }
}
