//! What an action of a policy stands for: names that exist, or a reason why it stands for nothing.

use super::legacy::{LEGACY, Legacy, legacy};
use crate::domain::policy::catalog::{self, Action};
use crate::domain::policy::glob::Glob;

/// What one text in `Action` or `NotAction` stands for.
#[derive(Clone, Debug)]
pub(super) enum Reach {
    /// These actions, at least one.
    Known(Vec<&'static Action>),
    /// Something of a service that is not known here.
    Elsewhere,
    /// One old name, or a wildcard that took in nothing but old ones.
    Legacy(Vec<&'static Legacy>),
    /// Nothing.
    Nothing,
}

/// One text in `Action` or `NotAction`.
#[derive(Clone, Debug)]
pub(super) struct Element<'a> {
    pub(super) text: &'a str,
    /// Where it stands.
    pub(super) place: String,
    pub(super) reach: Reach,
}

impl Element<'_> {
    /// The actions that it stands for, as far as they are known.
    pub(super) fn known(&self) -> &[&'static Action] {
        match &self.reach {
            Reach::Known(actions) => actions,
            _ => &[],
        }
    }

    /// Whether it holds a wildcard.
    pub(super) fn is_wild(&self) -> bool {
        self.text.contains(['*', '?'])
    }
}

/// What a text in `Action` or `NotAction` stands for.
pub(super) fn reach(text: &str) -> Reach {
    let glob = Glob::parse(text);
    let fits = |name: &str| glob.matches_ignoring_case(name);
    let Some((service, _)) = text.split_once(':') else {
        return Reach::Known(catalog::actions().collect());
    };
    if catalog::actions_of(service).next().is_none() {
        return Reach::Elsewhere;
    }
    if !text.contains(['*', '?']) {
        return match (catalog::action(text), legacy(text)) {
            (Some(action), _) => Reach::Known(vec![action]),
            (None, Some(legacy)) => Reach::Legacy(vec![legacy]),
            (None, None) => Reach::Nothing,
        };
    }
    let known: Vec<_> = catalog::actions_of(service).filter(|action| fits(&action.name)).collect();
    if !known.is_empty() {
        return Reach::Known(known);
    }
    let old: Vec<_> = LEGACY.iter().filter(|old| fits(&format!("mechanicalturk:{}", old.name))).collect();
    if old.is_empty() { Reach::Nothing } else { Reach::Legacy(old) }
}
