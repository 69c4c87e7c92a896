//! Every action of the services that Lodge knows: its access level, its resource types and its condition keys.
//!
//! IAM accepts a policy that names an action which does not exist, and says nothing: an allow of it grants nothing, a
//! deny of it blocks nothing. So names are held against this list before a policy is used.
//!
//! Source of `iam-actions.json`: AWS's Service Authorization Reference, in its machine-readable form of September 2026.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde::Deserialize;

use super::action_words::AccessLevel;

/// One action.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Action {
    /// As AWS writes it, prefix included: `mechanicalturk:GetHIT`.
    pub name: String,
    /// What kind of thing it does.
    pub access: AccessLevel,
    /// The types of resource that it can be allowed on, such as `bucket`; none when only `*` means anything.
    pub resources: Vec<String>,
    /// The condition keys that a call of it carries, beside those that every call does (`aws:…`).
    pub conditions: Vec<String>,
}

/// An action as the file has it.
#[derive(Deserialize)]
struct Entry {
    access: AccessLevel,
    resources: Vec<String>,
    conditions: Vec<String>,
}

/// By name in lower case: IAM does not regard case there.
static ACTIONS: LazyLock<BTreeMap<String, Action>> = LazyLock::new(|| {
    let services: BTreeMap<String, BTreeMap<String, Entry>> =
        serde_json::from_str(include_str!("iam-actions.json")).unwrap_or_default();
    let of_service = |(prefix, actions): (String, BTreeMap<String, Entry>)| {
        actions.into_iter().map(move |(name, entry)| {
            let name = format!("{prefix}:{name}");
            let Entry { access, resources, conditions } = entry;
            (name.to_lowercase(), Action { name, access, resources, conditions })
        })
    };
    services.into_iter().flat_map(of_service).collect()
});

/// The action of this name, in whatever case it is written.
#[must_use]
pub fn action(name: &str) -> Option<&'static Action> {
    ACTIONS.get(&name.to_lowercase())
}

/// Whether `name` is exactly, case and all, the name of an action that exists.
#[must_use]
pub fn is_known(name: &str) -> bool {
    action(name).is_some_and(|action| action.name == name)
}

/// Every action that is known, by name without regard to case.
pub fn actions() -> impl Iterator<Item = &'static Action> {
    ACTIONS.values()
}

/// Every action of a service, by name without regard to case; none of a service that is not known.
pub fn actions_of(prefix: &str) -> impl Iterator<Item = &'static Action> {
    let start = format!("{}:", prefix.to_lowercase());
    let end = format!("{};", prefix.to_lowercase());
    ACTIONS.range(start..end).map(|(_, action)| action)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::domain::policy::actions::MTURK_ACTIONS;

    #[test]
    fn the_list_is_read_whole() {
        let count = |prefix| actions_of(prefix).count();

        assert_eq!((count("mechanicalturk"), count("s3"), count("iam"), count("sts")), (39, 168, 187, 16));
        assert_eq!((count("nonesuch"), actions().count()), (0, 1_248));
        let names = actions_of("mechanicalturk").map(|action| &action.name["mechanicalturk:".len()..]);
        assert_eq!(names.collect::<BTreeSet<_>>(), BTreeSet::from(MTURK_ACTIONS));
    }

    #[test]
    fn an_action_is_found_in_any_case_and_known_in_its_own() {
        let get = action("S3:getobject").unwrap();

        assert_eq!((get.name.as_str(), get.access), ("s3:GetObject", AccessLevel::Read));
        assert!(get.resources.contains(&"object".to_owned()) && is_known("s3:GetObject"));
        for no in ["s3:getobject", "GetObject", "s3:*", "s3:", "mechanicalturk:SearchHITs"] {
            assert!(!is_known(no), "{no}");
        }
    }
}
