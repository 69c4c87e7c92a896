//! `lodged lab list` and `lodged lab show`.

use anyhow::Context;
use clap::Args;
use lodge::telemetry;

use super::Named;
use super::sheet::{self, Sheet, Summary};
use super::trust::TrustArguments;
use crate::arguments::Common;
use crate::{desk, output};

#[derive(Debug, Args)]
pub(crate) struct ShowArguments {
    #[command(flatten)]
    named: Named,
    #[command(flatten)]
    trust: TrustArguments,
}

pub(super) async fn list(common: &Common) -> anyhow::Result<()> {
    let labs = desk::sit_down(&common.settings, async |desk| Ok(desk.labs().await?)).await?;
    if common.json {
        return output::json(&labs.iter().map(Summary::from).collect::<Vec<_>>());
    }
    if labs.is_empty() {
        let first = common.settings.command("lab create NAME --title TITLE --session-role ARN");
        telemetry::say(&format!("there is no lab yet; make one: {first}"));
        return Ok(());
    }
    let rows: Vec<_> = labs
        .iter()
        .map(|lab| {
            let archived = lab.archived_at.map_or_else(|| "-".to_owned(), output::time);
            let account = lab.session_role.account().as_str().to_owned();
            [lab.name.to_string(), lab.title.clone(), account, output::time(lab.created_at), archived]
        })
        .collect();
    output::answer(&output::table(["NAME", "TITLE", "AWS ACCOUNT", "MADE", "ARCHIVED"], &rows))
}

pub(super) async fn show(ShowArguments { named, trust }: &ShowArguments) -> anyhow::Result<()> {
    let Named { name, common } = named;
    let lab = desk::sit_down(&common.settings, async |desk| desk.lab(name).await.with_context(|| super::about(name)));
    let lab = lab.await?;
    if common.json {
        return output::json(&Sheet::new(&lab, trust));
    }
    output::answer(&sheet::text(&format!("The lab {name}"), &lab, trust)?)
}
