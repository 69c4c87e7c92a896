//! Everything that the operator wants to know of a lab, in both forms.

use std::fmt::Write;

use lodge::app::desk::LabDetails;
use lodge::domain::account::BROKER_ROLE_UNKNOWN;
use lodge::domain::lab::{Invitation, Lab, Standing};
use serde::Serialize;
use serde_json::Value;

use super::trust::TrustArguments;
use crate::output;

/// A lab in a list.
#[derive(Serialize)]
pub(super) struct Summary {
    id: String,
    name: String,
    title: String,
    account: String,
    session_role: String,
    created_at: String,
    archived_at: Option<String>,
}

/// A lab by itself.
#[derive(Serialize)]
pub(super) struct Sheet {
    #[serde(flatten)]
    lab: Summary,
    external_id: String,
    roles: Vec<RoleLine>,
    looked_after_by: Vec<HolderLine>,
    invitation: Option<InvitationLine>,
    trust_policy: Value,
}

#[derive(Serialize)]
struct RoleLine {
    name: String,
    template: String,
    max_duration_seconds: u32,
}

#[derive(Serialize)]
struct HolderLine {
    person: String,
    name: Option<String>,
    connection: String,
    standing: &'static str,
}

/// An invitation, without its link.
#[derive(Serialize)]
pub(super) struct InvitationLine {
    id: String,
    created_at: String,
    lapses_at: String,
}

impl From<&Lab> for Summary {
    fn from(lab: &Lab) -> Self {
        Self {
            id: lab.id.to_string(),
            name: lab.name.to_string(),
            title: lab.title.clone(),
            account: lab.session_role.account().as_str().to_owned(),
            session_role: lab.session_role.as_str().to_owned(),
            created_at: output::stamp(lab.created_at),
            archived_at: lab.archived_at.map(output::stamp),
        }
    }
}

impl From<&Invitation> for InvitationLine {
    fn from(invitation: &Invitation) -> Self {
        Self {
            id: invitation.id.to_string(),
            created_at: output::stamp(invitation.created_at),
            lapses_at: output::stamp(invitation.lapses_at),
        }
    }
}

impl Sheet {
    pub(super) fn new(details: &LabDetails, trust: &TrustArguments) -> Self {
        let LabDetails { lab, roles, office_holders, invitation, .. } = details;
        Self {
            lab: lab.into(),
            external_id: lab.external_id.as_str().to_owned(),
            roles: roles
                .iter()
                .map(|role| RoleLine {
                    name: role.name.to_string(),
                    template: role.template.to_string(),
                    max_duration_seconds: role.max_duration.seconds(),
                })
                .collect(),
            looked_after_by: office_holders
                .iter()
                .map(|holder| HolderLine {
                    person: holder.id.to_string(),
                    name: holder.name.as_ref().map(|name| name.as_str().to_owned()),
                    connection: holder.connection.to_string(),
                    standing: Standing::from(holder.office).as_str(),
                })
                .collect(),
            invitation: invitation.as_ref().map(InvitationLine::from),
            trust_policy: trust.policy(lab),
        }
    }
}

/// The lab on a page of text, under a first line.
pub(super) fn text(first: &str, details: &LabDetails, trust: &TrustArguments) -> anyhow::Result<String> {
    let lab = &details.lab;
    let roles = details.roles.iter().map(|role| format!("{} ({})", role.name, role.template)).collect::<Vec<_>>();
    let mut text = format!("{}\n\n", output::one_line(first));
    let mut line = |name: &str, what: &str| {
        let _ = writeln!(text, "  {name:<16}{}", output::one_line(what));
    };
    line("title", &lab.title);
    line("made", &output::time(lab.created_at));
    if let Some(at) = lab.archived_at {
        line("archived", &output::time(at));
    }
    line("roles", if roles.is_empty() { "none".to_owned() } else { roles.join(", ") }.as_str());
    if details.office_holders.is_empty() {
        line("looked after by", "nobody");
    }
    for (holder, name) in
        details.office_holders.iter().zip(["looked after by"].into_iter().chain(std::iter::repeat("")))
    {
        let called = holder.name.as_ref().map_or("(no name)", |name| name.as_str());
        let standing = Standing::from(holder.office);
        line(name, &format!("{called}, {standing}, {}, signs in at {}", holder.id, holder.connection));
    }
    line(
        "invitation",
        &details
            .invitation
            .as_ref()
            .map_or_else(|| "none is open".to_owned(), |open| format!("open until {}", output::time(open.lapses_at))),
    );
    line("AWS account", lab.session_role.account().as_str());
    line("session role", lab.session_role.as_str());
    line("external id", lab.external_id.as_str());
    let policy = serde_json::to_string_pretty(&trust.policy(lab))?;
    let _ = write!(
        text,
        "\nThe trust policy that the session role must have, so that the broker and nobody else can assume it:\n\n{policy}\n"
    );
    if !trust.is_complete() {
        let _ = write!(
            text,
            "\nIn the place of {BROKER_ROLE_UNKNOWN} goes the role that the broker itself runs under (--broker-role puts it \
             there).\n"
        );
    }
    Ok(text)
}
