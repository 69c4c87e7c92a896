//! What several commands take on their command line.

use std::path::{Path, PathBuf};

use anyhow::Context;
use clap::Args;
use lodge::config::Config;

use super::output;

const DEFAULT_FILE: &str = "/etc/lodge/lodge.toml";

/// Where the settings are.
#[derive(Debug, Args)]
pub(crate) struct ConfigArgument {
    /// The settings
    #[arg(long = "config", value_name = "FILE", default_value = DEFAULT_FILE)]
    pub(crate) file: PathBuf,
}

impl ConfigArgument {
    /// The settings, or the first thing that is wrong with them.
    pub(crate) fn load(&self) -> anyhow::Result<Config> {
        Config::load(&self.file).with_context(|| format!("the settings in {}", self.file.display()))
    }

    /// A command on the same settings, as somebody would type it.
    pub(crate) fn command(&self, arguments: &str) -> String {
        if self.file == Path::new(DEFAULT_FILE) {
            return format!("lodged {arguments}");
        }
        format!("lodged {arguments} --config {}", output::shell_word(&self.file))
    }
}

/// What every command of an operator takes.
#[derive(Debug, Args)]
pub(crate) struct Common {
    #[command(flatten)]
    pub(crate) settings: ConfigArgument,
    /// Answer with JSON
    #[arg(long)]
    pub(crate) json: bool,
}
