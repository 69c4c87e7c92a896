//! The profiles that get their credentials from the helper: whether what they run is there, and is open.

use std::path::{Path, PathBuf};

use clap::Parser;

use crate::cli::Helper;
use crate::cli::arguments::{Arguments, Verb};
use crate::cli::broker_url::BrokerUrl;
use crate::cli::surroundings::Surroundings;
use crate::domain::id::RoleAddress;

use super::aws_files::{AwsFile, AwsFiles, Section};
use super::broker::Asked;
use super::check::{Check, Subject, edit};
use super::programs::{found, is_program, real};

const PROFILES: Subject = Subject { name: "profiles", title: "AWS profiles" };

/// The command of a profile that runs the helper.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct ProfileCommand {
    program: String,
    /// What it asks for; none when the helper would not take the command line.
    asks: Option<(Option<String>, RoleAddress)>,
}

/// The command of a section that runs the helper, whichever one that is.
pub(super) fn command(section: &Section) -> Option<ProfileCommand> {
    let words = words(section.get("credential_process")?);
    let program = words.first()?.clone();
    let name = program.rsplit(['/', '\\']).next()?;
    if !matches!(name, "lodge" | "lodge.exe") {
        return None;
    }
    let asks = match Arguments::try_parse_from(&words) {
        Ok(Arguments { broker, verb: Some(Verb::CredentialProcess(arguments)) }) => Some((broker, arguments.role)),
        _ => None,
    };
    Some(ProfileCommand { program, asks })
}

/// The words of a command line, as a tool without a shell reads it.
fn words(line: &str) -> Vec<String> {
    // There a backslash is a letter like any other.
    if cfg!(windows) {
        return line.split_whitespace().map(|word| word.trim_matches('"').to_owned()).collect();
    }
    shlex::split(line).unwrap_or_default()
}

pub(super) fn checks(helper: &Helper, files: &AwsFiles, asked: &Asked) -> Vec<Check> {
    let surroundings = &helper.environment.surroundings;
    let config = &files.config;
    let mut checks: Vec<_> = config.duplicates().into_iter().map(|name| duplicate(config, name)).collect();
    checks.extend(files.credentials.duplicates().into_iter().map(|name| duplicate(&files.credentials, name)));

    let mut good = Vec::new();
    for (section, command) in config.sections.iter().filter_map(|section| Some((section, command(section)?))) {
        let before = checks.len();
        checks.extend(program(section, &command, surroundings, &config.path));
        checks.extend(role(section, &command, helper, asked, &config.path));
        if checks.len() == before {
            good.push(section.name.as_str());
        }
    }
    match good.as_slice() {
        [] if checks.is_empty() => {
            checks.push(PROFILES.note("none gets its credentials from lodge", "lodge configure"));
        }
        [] => {}
        good => checks.push(PROFILES.ok(format!("these get their credentials from this lodge: {}", good.join(", ")))),
    }
    checks
}

fn duplicate(file: &AwsFile, name: &str) -> Check {
    let says = format!(
        "{} has more than one section for the profile {name}, so the AWS CLI and boto3 read nothing of it",
        file.path.display()
    );
    PROFILES.not_ok(says, edit(&file.path))
}

/// What is wrong with the program that a profile runs.
fn program(section: &Section, command: &ProfileCommand, surroundings: &Surroundings, file: &Path) -> Option<Check> {
    let (name, program) = (&section.name, &command.program);
    let remedy = || remedy(section, command, surroundings, file);
    let path = Path::new(program);
    let place = if path.is_absolute() {
        if !is_program(path) {
            let says = format!("the profile {name} runs {program}, which is not there");
            return Some(PROFILES.not_ok(says, remedy()));
        }
        PathBuf::from(program)
    } else if program.contains(['/', '\\']) {
        let says = format!("the profile {name} runs {program}, which is no absolute path");
        return Some(PROFILES.not_ok(says, remedy()));
    } else {
        let Some(place) = found("lodge", &surroundings.path).into_iter().next() else {
            let says = format!("the profile {name} runs {program}, which is not on PATH");
            return Some(PROFILES.not_ok(says, remedy()));
        };
        place
    };
    let this = surroundings.program.as_deref()?;
    (real(&place) != real(this)).then(|| {
        let says = format!("the profile {name} runs {}, and this is {}", place.display(), this.display());
        PROFILES.warning(says, remedy())
    })
}

/// The command that has a profile run this program for the same role.
fn remedy(section: &Section, command: &ProfileCommand, surroundings: &Surroundings, file: &Path) -> String {
    let (Some(this), Some((broker, role))) = (&surroundings.program, &command.asks) else { return edit(file) };
    let broker = broker.as_ref().map(|broker| format!("--broker {broker} ")).unwrap_or_default();
    let line = format!("{} credential-process {broker}{role}", this.display());
    let setting = format!("profile.{}.credential_process", section.name);
    match (shlex::try_quote(&setting), shlex::try_quote(&line)) {
        (Ok(setting), Ok(line)) => format!("aws configure set {setting} {line}"),
        _ => edit(file),
    }
}

/// What is wrong with the role that a profile asks for.
fn role(section: &Section, command: &ProfileCommand, helper: &Helper, asked: &Asked, file: &Path) -> Option<Check> {
    let name = &section.name;
    let Some((broker, role)) = &command.asks else {
        let says = format!("the profile {name} runs lodge, but not as `lodge credential-process LAB/ROLE`");
        return Some(PROFILES.not_ok(says, edit(file)));
    };
    let is_asked = match broker {
        None => true,
        Some(text) => {
            let url = match text.parse::<BrokerUrl>() {
                Ok(url) => url,
                Err(error) => {
                    return Some(
                        PROFILES.not_ok(format!("the profile {name} names a broker that is none: {error}"), edit(file)),
                    );
                }
            };
            if let Some(failure) = helper.sessions().and_then(|sessions| sessions.live(&url)).err() {
                return Some(PROFILES.failed_for(name, &failure, &format!("lodge login {url}")));
            }
            asked.url() == Some(&url)
        }
    };
    let me = asked.me().filter(|_| is_asked)?;
    let is_open = me.roles.iter().any(|open| open.lab == role.lab.as_str() && open.role == role.role.as_str());
    (!is_open).then(|| {
        let says = format!("the profile {name} asks for {role}, which is not open to you");
        PROFILES.not_ok(says, format!("lodge doctor --lab {} --role {}", role.lab, role.role))
    })
}

impl Subject {
    fn failed_for(self, name: &str, failure: &crate::cli::failure::Failure, otherwise: &str) -> Check {
        let text = failure.to_string();
        let (says, remedy) = text.split_once("; run: ").unwrap_or((text.as_str(), otherwise));
        self.not_ok(format!("the profile {name}: {says}"), remedy)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(line: &str) -> Option<ProfileCommand> {
        command(&Section { name: "x".into(), settings: vec![("credential_process".into(), line.into())] })
    }

    #[test]
    fn a_profile_of_the_helper_is_known_by_its_program_however_it_is_called() {
        let role: RoleAddress = "vision/pay".parse().unwrap();
        let asks = |broker: Option<&str>| Some((broker.map(str::to_owned), role.clone()));

        let plain = of("lodge credential-process vision/pay").unwrap();
        assert_eq!((plain.program.as_str(), plain.asks), ("lodge", asks(None)));
        let quoted = of("\"/opt/my tools/lodge\" credential-process --broker https://a.edu vision/pay").unwrap();
        assert_eq!((quoted.program.as_str(), quoted.asks), ("/opt/my tools/lodge", asks(Some("https://a.edu"))));
        assert_eq!(of("/usr/bin/lodge credential_process vision/pay").unwrap().asks, asks(None));
        assert_eq!(of("lodge credential-process vision").unwrap().asks, None);
        assert_eq!(of("/usr/bin/other credential-process vision/pay"), None);
        assert_eq!(of("dislodge credential-process vision/pay"), None);
    }
}
