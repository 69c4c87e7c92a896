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
  lodged lab stack vision --broker-role arn:aws:iam::999988887777:role/lodge-broker > vision.json
  aws cloudformation deploy --stack-name lodge --template-file vision.json --capabilities CAPABILITY_NAMED_IAM
                                            # with credentials of the lab's account, in us-east-1";

#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// The lab
    #[arg(value_name = "NAME")]
    name: LabName,
    /// The IAM role that the broker itself runs under
    #[arg(long, value_name = "ARN")]
    broker_role: RoleArn,
    #[command(flatten)]
    settings: ConfigArgument,
}

pub(super) async fn run(Arguments { name, broker_role, settings }: &Arguments) -> anyhow::Result<()> {
    let template = desk::sit_down(settings, async |desk| {
        let details = desk.lab(name).await.with_context(|| super::about(name))?;
        let plan = account_plan(&desk.policies, &details.lab, &details.roles, broker_role);
        Ok(plan.with_context(|| super::about(name))?.stack_template())
    });
    let template = serde_json::to_string_pretty(&template.await?)?;
    output::answer(&format!("{template}\n"))
}
