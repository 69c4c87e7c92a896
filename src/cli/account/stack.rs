//! `lodge account stack`: what a lab's AWS account should have, as a CloudFormation template.

use std::path::PathBuf;

use clap::Args;

use crate::cli::Helper;
use crate::cli::failure::Failure;
use crate::cli::output::Output;
use crate::domain::id::LabName;

const EXAMPLES: &str = "\
Examples:
  lodge account stack vision --output lodge-vision.json
  lodge account stack vision | jq '.Resources | keys'";

/// The arguments of `lodge account stack`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct StackArguments {
    /// The lab
    #[arg(value_name = "LAB")]
    lab: LabName,
    /// Write it into this file instead of to stdout
    #[arg(long, value_name = "FILE")]
    output: Option<PathBuf>,
}

pub(crate) fn run(helper: &Helper, arguments: &StackArguments, output: &mut Output<'_>) -> Result<(), Failure> {
    let stack = helper.lab(&arguments.lab)?.account_stack()?;
    let Some(path) = &arguments.output else { return output.json(&stack.template) };
    let mut text = format!("{:#}", stack.template);
    text.push('\n');
    std::fs::write(path, text).map_err(|source| Failure::File { action: "write", path: path.clone(), source })?;
    output.say(&format!("Written: {}. To create or update the stack with it:", path.display()));
    output.say(&format!(
        "  aws cloudformation deploy --stack-name {} --template-file {} --capabilities CAPABILITY_NAMED_IAM",
        stack.stack,
        path.display()
    ));
    output.say(&format!("Then: lodge account join {}", arguments.lab));
    if let Some(link) = &stack.quick_create {
        output.say(&format!("Or in a browser: {link}"));
    }
    Ok(())
}
