//! `lodged lab invite-pi`. The link is the one secret that any of these commands shows, and this is the one place.

use anyhow::Context;
use clap::Args;
use lodge::app::desk::NewInvitation;
use lodge::telemetry;
use secrecy::ExposeSecret;
use serde::Serialize;

use super::Named;
use super::sheet::InvitationLine;
use crate::{desk, output};

#[derive(Debug, Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    named: Named,
    /// End the invitation that is open instead
    #[arg(long)]
    withdraw: bool,
}

#[derive(Serialize)]
struct Report<'a> {
    lab: &'a str,
    invitation: InvitationLine,
    #[serde(skip_serializing_if = "Option::is_none")]
    link: Option<&'a str>,
}

pub(super) async fn run(Arguments { named, withdraw }: &Arguments) -> anyhow::Result<()> {
    if *withdraw { take_back(named).await } else { make(named).await }
}

async fn make(Named { name, common }: &Named) -> anyhow::Result<()> {
    let made =
        desk::sit_down(&common.settings, async |desk| desk.invite_pi(name).await.with_context(|| super::about(name)));
    let NewInvitation { lab, invitation, link } = made.await?;
    if common.json {
        let link = Some(link.expose_secret());
        return output::json(&Report { lab: name.as_str(), invitation: (&invitation).into(), link });
    }
    output::answer(&format!("{}\n", link.expose_secret()))?;
    let withdraw = common.settings.command(&format!("lab invite-pi {name} --withdraw"));
    telemetry::say(&format!(
        "Whoever accepts it becomes PI of {name} ({}, AWS account {}): send it to that person alone.\n\
         It is good once, until {}. An earlier one is good no more.\n\
         To take it back: {withdraw}",
        output::one_line(&lab.title),
        lab.session_role.account().as_str(),
        output::time(invitation.lapses_at),
    ));
    Ok(())
}

async fn take_back(Named { name, common }: &Named) -> anyhow::Result<()> {
    let ended = desk::sit_down(&common.settings, async |desk| {
        desk.withdraw_invitation(name).await.with_context(|| super::about(name))
    });
    let invitation = ended.await?;
    if common.json {
        return output::json(&Report { lab: name.as_str(), invitation: (&invitation).into(), link: None });
    }
    output::answer(&format!("The invitation to {name} is withdrawn: its link is good no more.\n"))
}
