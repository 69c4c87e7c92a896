//! `lodged lab create`.

use anyhow::Context;
use clap::Args;
use lodge::app::desk::{LAB_TITLE_MAX_CHARS, NewLab, lab_title};
use lodge::domain::id::LabName;
use lodge::domain::role_session::RoleArn;

use super::sheet::{self, Sheet};
use super::trust::TrustArguments;
use crate::arguments::Common;
use crate::{desk, output};

/// The pack that is none.
const NO_PACK: &str = "none";

#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// What people will type: lower-case letters, digits and hyphens
    #[arg(value_name = "NAME")]
    name: LabName,
    /// What people will read
    #[arg(long, value_parser = title)]
    title: String,
    /// The IAM role in the lab's AWS account that is to be assumed for people
    #[arg(long, value_name = "ARN")]
    session_role: RoleArn,
    /// The policy templates that become the lab's roles: a folder under `policies/`, or `none`
    #[arg(long, default_value = "mturk")]
    pack: String,
    /// What fills a parameter of the pack's templates, such as `bucket=vision-data`; once for each
    #[arg(long = "set", value_name = "NAME=VALUE", value_parser = parameter)]
    parameters: Vec<(String, String)>,
    #[command(flatten)]
    trust: TrustArguments,
    #[command(flatten)]
    common: Common,
}

fn title(text: &str) -> Result<String, String> {
    lab_title(text).ok_or_else(|| format!("1 to {LAB_TITLE_MAX_CHARS} characters on one line"))
}

fn parameter(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("NAME=VALUE, such as bucket=vision-data")?;
    Ok((name.to_owned(), value.to_owned()))
}

pub(super) async fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let Arguments { name, title, session_role, pack, parameters, trust, common } = arguments;
    let new = NewLab {
        name: name.clone(),
        title: title.clone(),
        session_role: session_role.clone(),
        pack: (pack != NO_PACK).then(|| pack.clone()),
        parameters: parameters.iter().cloned().collect(),
    };
    let made =
        desk::sit_down(&common.settings, async |desk| desk.create_lab(&new).await.with_context(|| super::about(name)));
    let made = made.await?;
    if common.json {
        return output::json(&Sheet::new(&made, trust));
    }
    let text = sheet::text(&format!("The lab {name} is made."), &made, trust)?;
    let next = common.settings.command(&format!("lab invite-pi {name}"));
    output::answer(&format!("{text}\nNext, a link for its PI: {next}\n"))
}
