//! One statement, and what can be told of it once and for all: every check asks this, and a hostile policy with a
//! thousand wildcards costs no more than a thousand wildcards.

use std::collections::{BTreeMap, HashMap};

use super::keys::{Key, holds_without};
use super::reach::{Element, Reach, reach};
use super::resources::Places;
use crate::domain::policy::catalog::Action;
use crate::domain::policy::source::Written;

/// A statement, looked at.
pub(in crate::domain::policy) struct Look<'a> {
    pub(super) statement: &'a Written,
    /// The texts in `Action` or `NotAction`, each once.
    pub(super) elements: Vec<Element<'a>>,
    /// Texts that stand there again: the text, where, and where before.
    pub(super) repeated: Vec<(&'a str, String, String)>,
    pub(super) places: Places,
    /// Of each condition, whether it holds when no call carries its key; `None` when that depends on the caller.
    pub(super) without: Vec<Option<bool>>,
    /// The keys of the conditions that do not hold then.
    needed: Vec<Key<'a>>,
}

impl<'a> Look<'a> {
    pub(in crate::domain::policy) fn at(statement: &'a Written) -> Self {
        let mut elements: Vec<Element<'_>> = Vec::new();
        let mut places: HashMap<String, String> = HashMap::new();
        let mut repeated = Vec::new();
        for (index, text) in statement.actions.all.iter().enumerate() {
            let place = statement.actions.element(index);
            if let Some(before) = places.get(&text.to_lowercase()) {
                repeated.push((text.as_str(), place, before.clone()));
            } else {
                places.insert(text.to_lowercase(), place.clone());
                elements.push(Element { text, place, reach: reach(text) });
            }
        }
        let places = Places::of(&statement.resources);
        let without: Vec<_> = statement.conditions.iter().map(holds_without).collect();
        let conditions = statement.conditions.iter().zip(&without);
        let needed = conditions.filter(|(_, without)| **without == Some(false)).map(|(one, _)| Key::of(one)).collect();
        Self { statement, elements, repeated, places, without, needed }
    }

    /// The known actions that its texts stand for, each once, by name.
    pub(in crate::domain::policy) fn known(&self) -> Vec<&'static Action> {
        let all = self.elements.iter().flat_map(Element::known);
        let by_name: BTreeMap<&str, &'static Action> = all.map(|action| (action.name.as_str(), *action)).collect();
        by_name.into_values().collect()
    }

    /// Whether it names something of a service that is not known here.
    pub(super) fn reaches_elsewhere(&self) -> bool {
        self.elements.iter().any(|element| matches!(element.reach, Reach::Elsewhere))
    }

    /// Whether a call of `action` can be on a resource of the statement and under its conditions, as far as can be told.
    pub(in crate::domain::policy) fn is_callable(&self, action: &Action) -> bool {
        self.places.take(action) && self.needed.iter().all(|key| key.is_carried_by(action))
    }
}
