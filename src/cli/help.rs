//! The command line as it is shown: the definitions of [`Arguments`], with the verbs in groups.
//!
//! Whatever shows the command line begins here, so that help, completions and man pages agree with what is parsed.

use std::ffi::OsString;
use std::fmt::Write;

use clap::builder::Styles;
use clap::error::ErrorKind;
use clap::{Command, CommandFactory, FromArgMatches};

use super::arguments::Arguments;

/// What a verb is for. One that stands in none of them goes to the last.
const GROUPS: [(&str, &[&str]); 3] = [
    (
        "Use your roles",
        &["login", "status", "configure", "credential-process", "exec", "env", "serve", "why", "logout"],
    ),
    ("Look after a lab", &["mapping", "people", "limits", "account", "sessions", "revoke", "ledger"]),
    ("This machine", &["doctor", "completions", "man", "help"]),
];

/// The command line.
pub(crate) fn command() -> Command {
    let command = ungrouped();
    let template = template(&command);
    command.help_template(template)
}

/// Reads a command line; the first argument is the program's name.
pub(crate) fn parse<I, T>(arguments: I) -> Result<Arguments, clap::Error>
where
    I: IntoIterator<Item = T>,
    T: Into<OsString> + Clone,
{
    let arguments: Vec<OsString> = arguments.into_iter().map(Into::into).collect();
    let mut command = ungrouped();
    let matches = command.try_get_matches_from_mut(&arguments).map_err(|error| match error.kind() {
        // Groups are made for whoever reads them: an AWS tool that waits for credentials does not.
        ErrorKind::DisplayHelp => self::command().try_get_matches_from(&arguments).err().unwrap_or(error),
        _ => error,
    })?;
    Arguments::from_arg_matches(&matches).map_err(|error| error.format(&mut command))
}

fn ungrouped() -> Command {
    Arguments::command().mut_subcommands(|verb| verb.disable_help_subcommand(true))
}

/// The help of the whole program. The library itself knows one group of verbs only.
fn template(command: &Command) -> String {
    let mut built = command.clone();
    built.build();
    let verbs: Vec<_> = built.get_subcommands().filter(|verb| !verb.is_hide_set()).collect();
    let width = verbs.iter().map(|verb| verb.get_name().len()).max().unwrap_or(0);
    let styles = Styles::styled();
    let (header, literal) = (styles.get_header(), styles.get_literal());

    let mut text = String::from("{about-with-newline}\n{usage-heading} {usage}\n");
    for (index, (title, _)) in GROUPS.iter().enumerate() {
        let _ = write!(text, "\n{header}{title}:{header:#}\n");
        for verb in verbs.iter().filter(|verb| group(verb.get_name()) == index) {
            let about = verb.get_about().map(ToString::to_string).unwrap_or_default();
            let _ = writeln!(text, "  {literal}{:width$}{literal:#}  {about}", verb.get_name());
        }
    }
    let _ = write!(text, "\n{header}Options:{header:#}\n{{options}}{{after-help}}");
    text
}

fn group(verb: &str) -> usize {
    GROUPS.iter().position(|(_, verbs)| verbs.contains(&verb)).unwrap_or(GROUPS.len() - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every command there is, from the whole program down, by the words that lead to it.
    fn walk(command: &Command, words: &[&str], visit: &mut dyn FnMut(&Command, &[&str])) {
        visit(command, words);
        for verb in command.get_subcommands().filter(|verb| verb.get_name() != "help") {
            walk(verb, &[words, &[verb.get_name()]].concat(), visit);
        }
    }

    fn built() -> Command {
        let mut command = command();
        command.build();
        command
    }

    fn shown(words: &[&str]) -> String {
        let error = parse([&["lodge"], words].concat()).unwrap_err();
        assert!(!error.use_stderr(), "{words:?}: {error}");
        error.render().to_string()
    }

    #[test]
    fn the_command_line_is_consistent() {
        command().debug_assert();
    }

    /// To renew it: `INSTA_UPDATE=always cargo test --lib the_help_of_every_verb`.
    #[test]
    fn the_help_of_every_verb() {
        let mut all = String::new();
        walk(&built(), &[], &mut |_, words| {
            let line = [&["lodge"], words, &["--help"]].concat().join(" ");
            let _ = write!(all, "$ {line}\n{}\n", shown(&[words, &["--help"]].concat()));
        });

        let mut settings = insta::Settings::new();
        settings.set_prepend_module_to_snapshot(false);
        settings.set_omit_expression(true);
        settings.bind(|| insta::assert_snapshot!("help", all));
    }

    #[test]
    fn every_verb_says_what_it_is_for_and_shows_how_it_is_used() {
        walk(&built(), &[], &mut |command, words| {
            assert!(command.get_about().is_some(), "{words:?}");
            let own =
                command.get_arguments().filter(|it| !["broker", "help", "version"].contains(&it.get_id().as_str()));
            if own.count() > 0 && !command.has_subcommands() {
                let after = command.get_after_help().map(ToString::to_string).unwrap_or_default();
                assert!(after.starts_with("Example") && after.contains("lodge "), "{words:?}: {after}");
            }
        });
    }

    #[test]
    fn every_verb_has_its_group() {
        let built = built();
        let grouped: Vec<_> = GROUPS.iter().flat_map(|(_, verbs)| verbs.iter().copied()).collect();
        let mut verbs: Vec<_> = built.get_subcommands().map(Command::get_name).collect();
        for verb in &grouped {
            assert!(verbs.contains(verb), "there is no verb {verb}");
        }
        verbs.retain(|verb| !grouped.contains(verb));
        assert_eq!(verbs, [""; 0]);
    }

    #[test]
    fn help_is_had_in_every_way_that_people_try() {
        let long = shown(&["login", "--help"]);

        assert_eq!(shown(&["help", "login"]), long);
        assert_eq!(shown(&["help", "mapping", "add"]), shown(&["mapping", "add", "--help"]));
        assert_eq!(shown(&["help"]), shown(&["--help"]));
        let short = shown(&["login", "-h"]);
        assert!(short.lines().count() < long.lines().count() && short.contains("--remote"), "{short}");
    }
}
