//! What the helper takes from the environment, and the only file of it that looks there.
//!
//! Besides the variables below, `HTTPS_PROXY`, `ALL_PROXY` and `NO_PROXY` work as everywhere else (they are not
//! used for a broker on this machine), and `BROWSER` chooses the browser. `NO_COLOR` and `TERM=dumb` keep colour away. What
//! `lodge doctor` looks at besides is listed in [`super::surroundings`].

use std::ffi::OsString;
use std::io::IsTerminal;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use super::surroundings::Surroundings;

/// The broker to talk to, such as `https://lodge.example.edu`. Wins over the one that was signed in to last.
pub const LODGE_BROKER: &str = "LODGE_BROKER";

/// The directory that holds the sessions. Default: `$XDG_CONFIG_HOME/lodge`, else `~/.config/lodge`; on Windows
/// `%APPDATA%\lodge`.
pub const LODGE_HOME: &str = "LODGE_HOME";

/// What to log on stderr, as a `tracing` filter: `debug`, or `lodge=trace`. Default: nothing but warnings.
pub const LODGE_LOG: &str = "LODGE_LOG";

/// Set by `lodge exec` and `lodge serve` for what they run: the lab and the role, such as `vision/read-results`.
pub const LODGE_ROLE: &str = "LODGE_ROLE";

/// Where the configuration of AWS tools is. Default: `~/.aws/config`.
pub const AWS_CONFIG_FILE: &str = "AWS_CONFIG_FILE";

/// Where AWS tools keep long-term keys. Default: `~/.aws/credentials`.
pub const AWS_SHARED_CREDENTIALS_FILE: &str = "AWS_SHARED_CREDENTIALS_FILE";

/// Longest machine name that is sent to the broker.
const MACHINE_NAME_CHARS: usize = 64;

/// The environment, read once.
#[derive(Clone, Debug, Default)]
pub struct Environment {
    /// [`LODGE_BROKER`].
    pub broker: Option<String>,
    /// [`LODGE_HOME`] or its default; `None` on a machine that knows no home directory.
    pub home: Option<PathBuf>,
    /// [`LODGE_LOG`].
    pub log: Option<String>,
    /// Where AWS credentials are kept while they are good: under [`LODGE_HOME`] when that is set, else
    /// `$XDG_CACHE_HOME/lodge`, else `~/.cache/lodge`.
    pub cache: Option<PathBuf>,
    /// `$XDG_RUNTIME_DIR`: a directory of this person's on this machine alone.
    pub runtime: Option<PathBuf>,
    /// Where anybody may make files: `$TMPDIR`, else what the system has.
    pub temporary: Option<PathBuf>,
    /// [`AWS_CONFIG_FILE`] or its default.
    pub aws_config: Option<PathBuf>,
    /// [`AWS_SHARED_CREDENTIALS_FILE`] or its default.
    pub aws_credentials: Option<PathBuf>,
    /// Where this program is, for others to run: as it is found on `PATH`, where that leads to it. There is often a link,
    /// which stays when a package manager moves what it leads to.
    pub program: Option<PathBuf>,
    /// [`LODGE_ROLE`]: what this runs inside of.
    pub inside: Option<String>,
    /// `$SHELL`: the shell that this person has chosen.
    pub shell: Option<String>,
    /// Whether standard output shows on a screen.
    pub shows_stdout: bool,
    /// What `lodge doctor` judges besides.
    pub surroundings: Surroundings,
    /// Where colour may be used.
    pub colour: Colour,
}

/// On which stream colour may be used: on a terminal that knows it, when nobody asks for none (<https://no-color.org>).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Colour {
    /// On standard output.
    pub stdout: bool,
    /// On standard error.
    pub stderr: bool,
}

impl Environment {
    /// Reads the environment of this process.
    #[must_use]
    pub fn read() -> Self {
        let text = |name| variable(name).map(|value| value.to_string_lossy().into_owned());
        Self {
            broker: text(LODGE_BROKER),
            home: variable(LODGE_HOME).map(PathBuf::from).or_else(default_home),
            log: text(LODGE_LOG),
            cache: variable(LODGE_HOME).map(|home| PathBuf::from(home).join("credentials")).or_else(default_cache),
            runtime: absolute("XDG_RUNTIME_DIR"),
            temporary: Some(std::env::temp_dir()),
            aws_config: variable(AWS_CONFIG_FILE).map(expanded).or_else(|| of_aws("config")),
            aws_credentials: variable(AWS_SHARED_CREDENTIALS_FILE).map(expanded).or_else(|| of_aws("credentials")),
            program: program(),
            inside: text(LODGE_ROLE),
            shell: text("SHELL"),
            shows_stdout: std::io::stdout().is_terminal(),
            surroundings: surroundings(),
            colour: colour(),
        }
    }
}

/// The names of all variables that begin in one of these ways.
pub(crate) fn names_beginning(prefixes: &[&str]) -> Vec<OsString> {
    let begins = |name: &OsString| prefixes.iter().any(|prefix| name.as_encoded_bytes().starts_with(prefix.as_bytes()));
    std::env::vars_os().map(|(name, _)| name).filter(begins).collect()
}

fn surroundings() -> Surroundings {
    let text = |name: &str| variable(name).map(|value| value.to_string_lossy().into_owned());
    let path = variable("PATH").map(|path| std::env::split_paths(&path).collect()).unwrap_or_default();
    Surroundings::of(text, path, std::env::current_exe().ok())
}

fn colour() -> Colour {
    let wanted = variable("NO_COLOR").is_none() && variable("TERM").is_some_and(|terminal| terminal != "dumb");
    Colour { stdout: wanted && std::io::stdout().is_terminal(), stderr: wanted && std::io::stderr().is_terminal() }
}

/// What the account is called that runs this, as far as the environment says.
pub(crate) fn account_name() -> String {
    let name = ["USER", "LOGNAME", "USERNAME"].into_iter().find_map(variable).unwrap_or_default();
    printable(&name.to_string_lossy())
}

/// What this machine calls itself: printable ASCII, at most 64 characters. Shown on the broker's confirmation page, so
/// that a person sees which machine is about to be signed in.
pub(crate) fn machine_name() -> String {
    let kernel = || std::fs::read_to_string("/proc/sys/kernel/hostname").ok();
    let windows = || variable("COMPUTERNAME").map(|name| name.to_string_lossy().into_owned());
    let name = kernel().or_else(windows).or_else(hostname_command).unwrap_or_default();
    let name = printable(&name);
    if name.is_empty() { "unnamed machine".to_owned() } else { name }
}

fn printable(name: &str) -> String {
    name.trim().chars().filter(|c| (' '..='~').contains(c)).take(MACHINE_NAME_CHARS).collect()
}

fn hostname_command() -> Option<String> {
    let output = Command::new("hostname").stdin(Stdio::null()).stderr(Stdio::null()).output().ok()?;
    String::from_utf8(output.stdout).ok()
}

/// A variable; empty counts as not set.
fn variable(name: &str) -> Option<OsString> {
    std::env::var_os(name).filter(|value| !value.is_empty())
}

/// A directory of the base directory specification, which says that a relative path there is to be ignored.
fn absolute(name: &str) -> Option<PathBuf> {
    variable(name).map(PathBuf::from).filter(|path| path.is_absolute())
}

/// A path in which `~` stands for the home directory, as AWS tools take it where no shell has.
fn expanded(path: OsString) -> PathBuf {
    let path = PathBuf::from(path);
    let of_home = path.strip_prefix("~").ok().and_then(|rest| Some(std::env::home_dir()?.join(rest)));
    of_home.unwrap_or(path)
}

fn of_aws(name: &str) -> Option<PathBuf> {
    Some(std::env::home_dir()?.join(".aws").join(name))
}

fn program() -> Option<PathBuf> {
    let running = std::env::current_exe().ok().filter(|path| path.is_file())?;
    let name = running.file_name()?;
    let path = variable("PATH").unwrap_or_default();
    let is_it = |path: &PathBuf| path.is_absolute() && path.canonicalize().ok() == running.canonicalize().ok();
    let found = std::env::split_paths(&path).map(|folder| folder.join(name)).find(is_it);
    found.or_else(|| Some(running.clone()))
}

#[cfg(not(windows))]
fn default_home() -> Option<PathBuf> {
    let config = absolute("XDG_CONFIG_HOME").or_else(|| Some(std::env::home_dir()?.join(".config")));
    config.map(|config| config.join("lodge"))
}

#[cfg(not(windows))]
fn default_cache() -> Option<PathBuf> {
    let cache = absolute("XDG_CACHE_HOME").or_else(|| Some(std::env::home_dir()?.join(".cache")));
    cache.map(|cache| cache.join("lodge"))
}

#[cfg(windows)]
fn default_cache() -> Option<PathBuf> {
    variable("LOCALAPPDATA").map(|cache| PathBuf::from(cache).join("lodge").join("credentials"))
}

#[cfg(windows)]
fn default_home() -> Option<PathBuf> {
    variable("APPDATA").map(|config| PathBuf::from(config).join("lodge"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_machine_name_is_short_printable_ascii() {
        assert_eq!(printable("lab-7\n"), "lab-7");
        assert_eq!(printable("büro\u{1b}[2J"), "bro[2J");
        assert_eq!(printable(&"x".repeat(100)).len(), 64);
        assert!(!machine_name().is_empty());
    }

    #[test]
    fn a_path_may_begin_at_home() {
        let home = std::env::home_dir().unwrap();

        assert_eq!(expanded("~/.aws/config".into()), home.join(".aws/config"));
        for other in ["/etc/~/config", "config", "~ada/config"] {
            assert_eq!(expanded(other.into()), PathBuf::from(other));
        }
    }

    #[test]
    fn a_program_knows_where_it_is() {
        assert!(program().unwrap().is_absolute());
    }
}
