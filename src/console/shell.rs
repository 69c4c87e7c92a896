//! What is around the pages of somebody who is signed in.

use secrecy::{ExposeSecret, SecretString};

use crate::app::{Caller, LabPlace, Profile};
use crate::domain::id::LabName;
use crate::domain::lab::Standing;
use crate::domain::person::DisplayName;

/// Who is signed in, where they can go, and what their forms carry.
#[derive(Clone, Debug)]
pub struct Shell {
    pub(super) name: String,
    pub(super) id: String,
    pub(super) form_token: SecretString,
    /// The labs that they belong to, by name.
    pub(super) labs: Vec<LabName>,
    /// The one whose page this is.
    here: Option<LabName>,
    /// Whether they run the broker.
    pub(super) is_operator: bool,
}

impl Shell {
    /// Of somebody's page.
    #[must_use]
    pub fn new(caller: &Caller, profile: &Profile, form_token: SecretString) -> Self {
        let standings = profile.standings.iter().map(|at| &at.lab);
        let mut labs: Vec<LabName> = profile.roles.iter().map(|given| &given.lab).chain(standings).cloned().collect();
        labs.sort_unstable();
        labs.dedup();
        Self {
            name: profile.snapshot.display_name.as_ref().map_or("no name", DisplayName::as_str).to_owned(),
            id: caller.person.to_string(),
            form_token,
            labs,
            here: None,
            is_operator: profile.is_operator,
        }
    }

    /// Of the page at this path.
    #[must_use]
    pub fn at(self, path: &str) -> Self {
        let name = path.strip_prefix("/labs/").and_then(|rest| rest.split('/').next());
        Self { here: name.and_then(|name| name.parse().ok()), ..self }
    }

    /// Whether this page is that lab's.
    pub(super) fn is_at(&self, lab: &LabName) -> bool {
        self.here.as_ref() == Some(lab)
    }

    /// For a hidden field, and nowhere else.
    pub(super) fn form_token(&self) -> &str {
        self.form_token.expose_secret()
    }
}

/// Which of a lab's pages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tab {
    Overview,
    Mappings,
    People,
    Sessions,
    Roles,
    Account,
    Ledger,
    Settings,
}

/// What is above each page of a lab.
#[derive(Clone, Debug)]
pub(super) struct LabHead {
    pub(super) name: LabName,
    pub(super) title: String,
    pub(super) standing: Standing,
    tab: Tab,
}

/// A way to another page of the lab.
pub(super) struct TabLink {
    pub(super) title: &'static str,
    pub(super) address: String,
    pub(super) is_current: bool,
}

impl LabHead {
    pub(super) fn new(place: &LabPlace, tab: Tab) -> Self {
        Self { name: place.lab.name.clone(), title: place.lab.title.clone(), standing: place.standing, tab }
    }

    /// The pages that this person may see.
    pub(super) fn tabs(&self) -> Vec<TabLink> {
        let all = [
            (Tab::Overview, "Overview", "", Standing::Member),
            (Tab::Mappings, "Mappings", "/mappings", Standing::Manager),
            (Tab::People, "People", "/people", Standing::Manager),
            (Tab::Sessions, "Sessions", "/sessions", Standing::Manager),
            (Tab::Roles, "Roles", "/roles", Standing::Member),
            (Tab::Account, "AWS account", "/account", Standing::Member),
            (Tab::Ledger, "Ledger", "/ledger", Standing::Manager),
            (Tab::Settings, "Settings", "/settings", Standing::Member),
        ];
        let seen = all.into_iter().filter(|(.., needed)| self.standing >= *needed);
        seen.map(|(tab, title, path, _)| TabLink {
            title,
            address: format!("/labs/{}{path}", self.name),
            is_current: tab == self.tab,
        })
        .collect()
    }
}
