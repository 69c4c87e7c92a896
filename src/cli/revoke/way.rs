//! The way to a cut-off: in a lab, or of somebody in all of them.

use std::slice;

use serde::Serialize;

use super::RevokeArguments;
use crate::cli::Helper;
use crate::cli::client::{LabClient, Whom};
use crate::cli::cut_off::is_at_aws;
use crate::cli::failure::Failure;
use crate::cli::signed_in::SignedIn;
use crate::domain::id::{CutOffId, LabName};
use crate::wire::cut_offs::{CutOff, CutOffEverywhere, CutOffTrouble, NewCutOff, NewCutOffEverywhere};

/// The way there.
#[derive(Debug)]
pub(super) enum Way {
    /// Of a lab.
    Lab { client: LabClient, lab: LabName },
    /// Of somebody in all labs.
    Everywhere { person: SignedIn, whom: Whom },
}

/// How far it has got, as the broker says it.
#[derive(Clone, Debug, Serialize)]
#[serde(untagged)]
pub(super) enum Shown {
    Lab(Box<CutOff>),
    Everywhere(CutOffEverywhere),
}

impl Way {
    pub(super) fn of(helper: &Helper, arguments: &RevokeArguments) -> Result<Self, Failure> {
        if let Some(lab) = &arguments.lab {
            return Ok(Self::Lab { client: helper.lab(lab)?, lab: lab.clone() });
        }
        let whom = arguments.person.clone().map_or(Whom::Me, Whom::Person);
        Ok(Self::Everywhere { person: helper.signed_in()?, whom })
    }

    /// In whose name all is asked.
    pub(super) fn person(&self) -> &SignedIn {
        match self {
            Self::Lab { client, .. } => client.person(),
            Self::Everywhere { person, .. } => person,
        }
    }

    /// Cuts off.
    pub(super) fn cut_off(&self, arguments: &RevokeArguments) -> Result<Shown, Failure> {
        let reason = arguments.reason.clone();
        match self {
            Self::Lab { client, .. } => {
                let wanted = NewCutOff {
                    person: arguments.person.as_ref().map(ToString::to_string),
                    role: arguments.role.as_ref().map(ToString::to_string),
                    everyone: arguments.all,
                    reason,
                    hold: arguments.hold,
                };
                client.cut_off(&wanted).map(Shown::of_lab)
            }
            Self::Everywhere { person, whom } => {
                let wanted = NewCutOffEverywhere { reason };
                person.ask(|client, token| client.cut_off_everywhere(token, whom, &wanted)).map(Shown::Everywhere)
            }
        }
    }

    /// Looks how far it has got.
    pub(super) fn look(&self, id: &CutOffId) -> Result<Shown, Failure> {
        match self {
            Self::Lab { client, .. } => client.look_at_cut_off(id).map(Shown::of_lab),
            Self::Everywhere { person, whom } => {
                person.ask(|client, token| client.look_everywhere(token, whom, id)).map(Shown::Everywhere)
            }
        }
    }

    /// Lifts what keeps people out. Only a lab's can: the command line sees to that.
    pub(super) fn lift(&self, id: &CutOffId) -> Result<Shown, Failure> {
        match self {
            Self::Lab { client, .. } => client.lift(id).map(Shown::of_lab),
            Self::Everywhere { .. } => self.look(id),
        }
    }

    /// The id by which it is looked at again.
    pub(super) fn id(&self, shown: &Shown) -> Result<CutOffId, Failure> {
        let id = shown.id().parse();
        id.map_err(|_| self.person().client().not_a_broker("its cut-off has no id that can be used"))
    }

    /// The command that lifts what keeps people out.
    pub(super) fn lift_command(&self, id: &CutOffId) -> String {
        match self {
            Self::Lab { lab, .. } => format!("lodge revoke {lab} --lift {id}"),
            // Nobody is kept out of all labs.
            Self::Everywhere { .. } => self.command(id),
        }
    }

    /// The command that shows it.
    pub(super) fn command(&self, id: &CutOffId) -> String {
        match self {
            Self::Lab { lab, .. } => format!("lodge revoke {lab} --show {id}"),
            Self::Everywhere { whom: Whom::Me, .. } => format!("lodge revoke --me --show {id}"),
            Self::Everywhere { whom: Whom::Person(person), .. } => {
                format!("lodge revoke --person {person} --everywhere --show {id}")
            }
        }
    }
}

impl Shown {
    fn of_lab(cut_off: CutOff) -> Self {
        Self::Lab(Box::new(cut_off))
    }

    fn id(&self) -> &str {
        match self {
            Self::Lab(cut_off) => &cut_off.id,
            Self::Everywhere(all) => &all.id,
        }
    }

    /// What it is in each lab.
    pub(super) fn cut_offs(&self) -> &[CutOff] {
        match self {
            Self::Lab(cut_off) => slice::from_ref(cut_off),
            Self::Everywhere(all) => &all.labs,
        }
    }

    /// Whether nothing is left to be waited for.
    pub(super) fn is_over(&self) -> bool {
        match self {
            Self::Lab(cut_off) => cut_off.done,
            Self::Everywhere(all) => all.done,
        }
    }

    /// Whether AWS has it, in all labs.
    pub(super) fn is_at_aws(&self) -> bool {
        let is_complete = match self {
            Self::Lab(_) => true,
            Self::Everywhere(all) => all.complete,
        };
        is_complete && self.cut_offs().iter().all(is_at_aws)
    }

    /// What keeps AWS from having it, in whichever lab.
    pub(super) fn trouble(&self) -> Option<&CutOffTrouble> {
        self.cut_offs().iter().filter(|cut_off| !is_at_aws(cut_off)).find_map(|cut_off| cut_off.trouble.as_ref())
    }
}
