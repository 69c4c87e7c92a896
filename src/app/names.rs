//! What those of a lab are called, and who of them could be taken for whom.

use std::collections::BTreeMap;

use super::Result;
use crate::domain::id::PersonId;
use crate::domain::person::{DisplayName, LookAlikes};
use crate::store::{LabTx, OfficeHolder};

/// Somebody, as a lab may name them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamedPerson {
    /// Who.
    pub id: PersonId,
    /// What they are called, if a provider ever said and they are of the lab.
    pub name: Option<DisplayName>,
    /// Whether the name of somebody else of the lab looks the same.
    pub looks_like_another: bool,
}

/// Somebody who looks after a lab.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Keeper {
    /// Who, and as what.
    pub holder: OfficeHolder,
    /// Whether the name of somebody else of the lab looks the same.
    pub looks_like_another: bool,
}

/// The names of everybody of a lab. Of anybody else there is none.
pub(super) struct LabNames {
    names: BTreeMap<PersonId, Option<DisplayName>>,
    look_alikes: LookAlikes,
}

impl LabNames {
    pub(super) async fn read(lab: &mut LabTx<'_>) -> Result<Self> {
        Ok(Self::of(lab.names().await?))
    }

    pub(super) fn of(people: impl IntoIterator<Item = (PersonId, Option<DisplayName>)>) -> Self {
        let names: BTreeMap<_, _> = people.into_iter().collect();
        let look_alikes = LookAlikes::of(names.iter().map(|(id, name)| (id, name.as_ref())));
        Self { names, look_alikes }
    }

    /// One of the lab's people.
    pub(super) fn find(&self, id: &PersonId) -> Option<NamedPerson> {
        self.names.contains_key(id).then(|| self.person(id.clone()))
    }

    /// Anybody: without a name, if they are not of the lab.
    pub(super) fn person(&self, id: PersonId) -> NamedPerson {
        let name = self.names.get(&id).cloned().flatten();
        let looks_like_another = self.look_alikes.has(&id, name.as_ref());
        NamedPerson { id, name, looks_like_another }
    }

    pub(super) fn keeper(&self, holder: OfficeHolder) -> Keeper {
        Keeper { looks_like_another: self.look_alikes.has(&holder.id, holder.name.as_ref()), holder }
    }

    /// Those of the lab with this in their name, whatever its case.
    pub(super) fn called(&self, part: &str) -> impl Iterator<Item = &PersonId> {
        let part = part.to_lowercase();
        let is_called = move |name: &DisplayName| name.as_str().to_lowercase().contains(&part);
        self.names.iter().filter(move |(_, name)| name.as_ref().is_some_and(&is_called)).map(|(id, _)| id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_labs_own_have_names() {
        let id = |which: u8| PersonId::from_entropy([which; 10]);
        let name = |text| DisplayName::from_claim(text);
        let names = LabNames::of([
            (id(1), name("Ada Marsh")),
            (id(2), name("Ad\u{430} Marsh")),
            (id(3), name("Noor 100%")),
            (id(4), None),
        ]);

        let found = |which| names.find(&id(which)).map(|it| (it.name, it.looks_like_another));
        assert_eq!(found(1), Some((name("Ada Marsh"), true)));
        assert_eq!(found(3), Some((name("Noor 100%"), false)));
        assert_eq!(found(4), Some((None, false)));
        assert_eq!(found(5), None);
        assert_eq!(names.person(id(5)), NamedPerson { id: id(5), name: None, looks_like_another: false });

        let called = |part| names.called(part).cloned().collect::<Vec<_>>();
        assert_eq!(called("MARSH"), [id(1), id(2)]);
        assert_eq!(called("0%"), [id(3)]);
        assert_eq!(called("_"), []);
        assert_eq!(called("ada"), [id(1)]);
    }
}
