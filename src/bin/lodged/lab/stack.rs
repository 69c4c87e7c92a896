//! `lodged lab stack`: what a lab's AWS account should have, for CloudFormation.

use anyhow::Context;
use clap::Args;
use lodge::app::account_plan;
use lodge::domain::id::LabName;
use lodge::domain::role_session::RoleArn;

use crate::arguments::ConfigArgument;
use crate::{desk, output};

pub(super) const EXAMPLES: &str = "\
Examples:
  lodged lab stack vision > vision.json
  aws cloudformation deploy --stack-name lodge --template-file vision.json --capabilities CAPABILITY_NAMED_IAM
                                            # with credentials of the lab's account, in us-east-1";

const NO_ROLE: &str = "the settings do not say which role the broker runs under: set `broker_role` in [accounts], or give \
                       --broker-role ARN";

#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// The lab
    #[arg(value_name = "NAME")]
    name: LabName,
    /// The IAM role that the broker itself runs under [default: `broker_role` of the settings]
    #[arg(long, value_name = "ARN")]
    broker_role: Option<RoleArn>,
    #[command(flatten)]
    settings: ConfigArgument,
}

pub(super) async fn run(Arguments { name, broker_role, settings }: &Arguments) -> anyhow::Result<()> {
    let broker_role = match broker_role {
        Some(role) => role.clone(),
        None => settings.load()?.accounts.broker_role()?.context(NO_ROLE)?,
    };
    let template = desk::sit_down(settings, async |desk| {
        let details = desk.lab(name).await.with_context(|| super::about(name))?;
        let plan = account_plan(&desk.policies, &details.lab, &details.roles, &broker_role);
        Ok(plan.with_context(|| super::about(name))?.stack_template())
    });
    let template = serde_json::to_string_pretty(&template.await?)?;
    output::answer(&format!("{template}\n"))
}
