//! What several commands take on their command line.

use std::path::PathBuf;

use anyhow::Context;
use clap::Args;
use lodge::config::Config;

/// Where the settings are.
#[derive(Debug, Args)]
pub(crate) struct ConfigArgument {
    /// The settings
    #[arg(long = "config", value_name = "FILE", default_value = "/etc/lodge/lodge.toml")]
    pub(crate) file: PathBuf,
}

impl ConfigArgument {
    /// The settings, or the first thing that is wrong with them.
    pub(crate) fn load(&self) -> anyhow::Result<Config> {
        Config::load(&self.file).with_context(|| format!("the settings in {}", self.file.display()))
    }
}
