//! The pages of whoever runs the broker.

mod connections;
mod labs;
mod overview;
mod people;
mod versions;

use crate::app::OperatorLacks;
use crate::console::shell::TabLink;

pub use connections::{Checked, connections};
pub use labs::{LabNotice, NewLabFields, NewLabPage, Wrong, confirm_lab, invitation_link, lab, labs, new_lab};
pub use overview::{Glance, overview};
pub use people::{CutOffPersonForm, PeopleFilter, PersonNotice, confirm_person, cut_off_person, people, person};
pub use versions::versions;

/// Which of the pages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    Overview,
    Labs,
    People,
    Connections,
    Versions,
}

/// What is above each of them.
#[derive(Clone, Copy, Debug)]
struct Head(Place);

impl Head {
    fn tabs(self) -> Vec<TabLink> {
        let all = [
            (Place::Overview, "Overview", "/operator"),
            (Place::Labs, "Labs", "/operator/labs"),
            (Place::People, "People", "/operator/people"),
            (Place::Connections, "Connections", "/operator/connections"),
            (Place::Versions, "Versions", "/operator/versions"),
        ];
        let link = |(place, title, address): (Place, &'static str, &str)| TabLink {
            title,
            address: address.to_owned(),
            is_current: place == self.0,
        };
        all.into_iter().map(link).collect()
    }
}

/// What an operator's sign-in lacks for changing something, said before the button is pressed.
#[derive(Clone, Debug)]
pub struct Stronger {
    says: &'static str,
    again: String,
}

impl Stronger {
    /// `again` leads through a sign-in to the page that this stands on.
    #[must_use]
    pub fn new(lacks: OperatorLacks, again: String) -> Self {
        let says = match lacks {
            OperatorLacks::Fresh => "This takes a sign-in of the last hour, and yours is older.",
            OperatorLacks::Mfa => "This takes a sign-in with a second factor, and yours had none, or did not say so.",
            OperatorLacks::Both => {
                "This takes a sign-in of the last hour with a second factor, and yours is older or had none."
            }
        };
        Self { says, again }
    }
}

/// `1 lab`, `2 labs`.
fn counted(count: usize, one: &str, many: &str) -> String {
    if count == 1 { format!("1 {one}") } else { format!("{count} {many}") }
}
