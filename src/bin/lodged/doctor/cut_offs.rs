//! Whether the labs' accounts deny what was cut off. Nothing is said where nothing was.

use std::rc::Rc;

use lodge::app::DenyState;
use lodge::config::Config;
use lodge::domain::id::LabName;

use super::Found;
use super::check::Check;
use crate::{desk, serve};

pub(super) const NAME: &str = "cut-offs";

/// Looks at the account of each lab in which anything is denied, through its steward role, with a session that can only look.
pub(super) async fn look(config: Rc<Config>) -> Found {
    // That the database cannot be opened is said where it is looked at.
    let Ok(desk) = desk::at(&config).await else { return Vec::new().into() };
    let found = desk.compare_denies(&serve::aws(&config).await).await;
    desk.store.close().await;
    match found {
        Ok(found) => found.iter().map(|(lab, state)| of(lab, state)).collect::<Vec<_>>().into(),
        Err(error) => vec![Check::failed(NAME, format!("not looked at: {error}"))].into(),
    }
}

fn of(lab: &LabName, state: &DenyState) -> Check {
    let name = format!("{NAME} of {lab}");
    match state {
        DenyState::Agrees { people, overflow: None } => {
            Check::ok(name, format!("the account denies what the database says: {people} people by name"))
        }
        DenyState::Agrees { overflow: Some(before), .. } => Check::warning(
            name,
            format!("so many were cut off that everybody's sessions of before {before} are denied, for want of room"),
        ),
        DenyState::Differs { trouble: Some(trouble), .. } => {
            Check::failed(name, format!("the account does not deny what the database says: {trouble}"))
        }
        DenyState::Differs { trouble: None, .. } => Check::warning(
            name,
            "the account does not deny what the database says (yet): a running broker writes it within minutes; look again \
             then",
        ),
        DenyState::Unknown(why) => Check::warning(name, format!("the account cannot be looked at: {why}")),
    }
}
