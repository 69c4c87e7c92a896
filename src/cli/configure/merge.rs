//! What has to change in a file so that it has a profile for each role.
//!
//! Ours are, in a section with a [`Marker`], the marker's line and the line of the command; the header and one line
//! break before it come with a section that has nothing else. Everything else belongs to whoever wrote it: it stays, byte
//! for byte, and where that and our own work do not go together nothing is done, and said so.
//!
//! One line break comes before each section of ours: below a text that ends with its line it makes a blank line, and
//! below one that does not it ends the line. So taking a section out gives back exactly what was there before it.

use std::collections::BTreeSet;
use std::ops::Range;

use super::command::{HelperCommand, KEY, runs_helper_for};
use super::marker::Marker;
use super::names::profile_name;
use crate::cli::aws_config::{AwsConfig, Edit, Kind, Section};
use crate::cli::broker_url::BrokerUrl;
use crate::domain::id::{LabName, RoleAddress};

/// What the file is to have.
#[derive(Debug)]
pub(super) struct Wanted<'a> {
    pub(super) broker: &'a BrokerUrl,
    /// All roles that are open.
    pub(super) roles: &'a BTreeSet<RoleAddress>,
    pub(super) command: &'a HelperCommand,
    /// Other labs are left alone.
    pub(super) lab: Option<&'a LabName>,
    /// Whether sections go whose role is not open any more.
    pub(super) prune: bool,
}

/// What became of one profile.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Outcome {
    pub(super) profile: String,
    pub(super) role: RoleAddress,
    pub(super) state: State,
}

/// How a profile stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum State {
    Added,
    Changed,
    Unchanged,
    /// Somebody wrote it by hand: it does what ours would do.
    ByHand,
    Removed,
    /// The command is gone; settings that somebody added stay, with their header and our marker.
    Emptied,
    /// The role is not open any more.
    Stale,
    Refused(Obstacle),
}

/// Why a profile cannot be written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Obstacle {
    /// A section of that name is not ours, or ours for something else.
    NameTaken,
    /// The same name is there twice.
    NamedTwice,
    /// A section of ours has two commands.
    TwoCommands,
    /// A section of ours has indented lines below the command, which are part of it to AWS tools.
    IndentedLines,
}

/// All that is to be done.
#[derive(Debug)]
pub(super) struct Merge {
    pub(super) edits: Vec<Edit>,
    /// By lab and role.
    pub(super) outcomes: Vec<Outcome>,
}

/// Finds out what has to change.
pub(super) fn merge(config: &AwsConfig<'_>, wanted: &Wanted<'_>) -> Merge {
    let mut merge = Merge { edits: Vec::new(), outcomes: Vec::new() };
    // What goes first: the names that it frees can be used.
    let (open, others): (Vec<_>, Vec<_>) =
        own_sections(config, wanted).into_iter().partition(|(_, marker)| wanted.roles.contains(&marker.role));
    for (section, marker) in others {
        let state = merge.let_go(config, wanted, section);
        merge.note(&section.name, &marker.role, state);
    }
    for (section, marker) in &open {
        let state = merge.keep_in_step(config, wanted, section, marker);
        merge.note(&section.name, &marker.role, state);
    }
    for role in wanted.roles.iter().filter(|role| wanted.is_in_scope(role)) {
        if open.iter().any(|(_, marker)| marker.role == *role) {
            continue;
        }
        if let Some(section) = config.sections().iter().find(|it| is_by_hand(config, it, role, wanted.broker)) {
            merge.note(&section.name, role, State::ByHand);
        } else {
            let profile = profile_name(role, wanted.roles);
            let state = merge.add(config, wanted, &profile, role);
            merge.note(&profile, role, state);
        }
    }
    merge.outcomes.sort_by(|one, other| (&one.role, &one.profile).cmp(&(&other.role, &other.profile)));
    merge
}

impl Wanted<'_> {
    fn is_in_scope(&self, role: &RoleAddress) -> bool {
        self.lab.is_none_or(|lab| *lab == role.lab)
    }
}

/// The sections that are ours at this broker and in this lab, with what they are for.
fn own_sections<'a>(config: &'a AwsConfig<'_>, wanted: &Wanted<'_>) -> Vec<(&'a Section, Marker)> {
    let marked = config.sections().iter().filter_map(|section| Some((section, marker_of(config, section)?)));
    marked.filter(|(_, marker)| marker.broker == *wanted.broker && wanted.is_in_scope(&marker.role)).collect()
}

fn marker_of(config: &AwsConfig<'_>, section: &Section) -> Option<Marker> {
    let below = Some(section.lines.start + 1).filter(|below| section.lines.contains(below))?;
    if section.kind == Kind::Profile { Marker::parse(config.content(below)) } else { None }
}

fn is_by_hand(config: &AwsConfig<'_>, section: &Section, role: &RoleAddress, broker: &BrokerUrl) -> bool {
    matches!(section.kind, Kind::Profile | Kind::Default)
        && marker_of(config, section).is_none()
        && section.value(KEY).is_some_and(|command| runs_helper_for(command, role, broker))
}

impl Merge {
    fn note(&mut self, profile: &str, role: &RoleAddress, state: State) {
        self.outcomes.push(Outcome { profile: profile.to_owned(), role: role.clone(), state });
    }

    /// How many profiles of this name there will be, as far as it is known by now.
    fn named(&self, config: &AwsConfig<'_>, profile: &str) -> usize {
        let goes = |outcome: &&Outcome| outcome.state == State::Removed && outcome.profile == profile;
        config.profiles_named(profile).saturating_sub(self.outcomes.iter().filter(goes).count())
    }

    /// What becomes of a section of ours whose role is not open.
    fn let_go(&mut self, config: &AwsConfig<'_>, wanted: &Wanted<'_>, section: &Section) -> State {
        match own_command(section) {
            Ok(None) if has_more(section, None) => State::Emptied,
            _ if !wanted.prune => State::Stale,
            Ok(command) => self.remove(config, wanted, section, command),
            Err(obstacle) => State::Refused(obstacle),
        }
    }

    /// Brings one section of ours in step with its role, which is open.
    fn keep_in_step(
        &mut self,
        config: &AwsConfig<'_>,
        wanted: &Wanted<'_>,
        section: &Section,
        marker: &Marker,
    ) -> State {
        if self.named(config, &section.name) > 1 {
            return State::Refused(Obstacle::NamedTwice);
        }
        let line = wanted.command.line(&marker.role);
        match own_command(section) {
            Err(obstacle) => return State::Refused(obstacle),
            Ok(Some(command)) if config.content(command) == line.as_bytes() => return State::Unchanged,
            Ok(Some(command)) => {
                self.edits.push(Edit { range: config.content_range(command), new: line.into_bytes() });
            }
            Ok(None) => {
                let marker = section.lines.start + 1;
                self.put_line(config, config.range(&(marker..marker + 1)), &line);
            }
        }
        State::Changed
    }

    /// Puts a line below another, which may be the last and not ended: then the new one is not either.
    fn put_line(&mut self, config: &AwsConfig<'_>, above: Range<usize>, line: &str) {
        let ending = config.line_ending();
        let is_ended = config.ends_a_line(above.end);
        let new = if is_ended { [line.as_bytes(), ending] } else { [ending, line.as_bytes()] };
        self.edits.push(Edit { range: above.end..above.end, new: new.concat() });
    }

    /// Writes a section at the end.
    fn add(&mut self, config: &AwsConfig<'_>, wanted: &Wanted<'_>, profile: &str, role: &RoleAddress) -> State {
        if self.named(config, profile) > 0 {
            return State::Refused(Obstacle::NameTaken);
        }
        let marker = Marker { role: role.clone(), broker: wanted.broker.clone() };
        let lines = [format!("[profile {profile}]"), marker.line(), wanted.command.line(role)];
        let is_first = config.is_empty() && self.edits.is_empty();
        let ending = config.line_ending();
        let mut new = if is_first { Vec::new() } else { ending.to_vec() };
        for line in lines {
            new.extend_from_slice(line.as_bytes());
            new.extend_from_slice(ending);
        }
        let end = config.end();
        self.edits.push(Edit { range: end..end, new });
        State::Added
    }

    /// Takes out what is ours of a section.
    fn remove(
        &mut self,
        config: &AwsConfig<'_>,
        wanted: &Wanted<'_>,
        section: &Section,
        command: Option<usize>,
    ) -> State {
        let header = section.lines.start;
        if has_more(section, command) {
            if let Some(command) = command {
                self.take_out(config.range(&(command..command + 1)));
            }
            return State::Emptied;
        }
        let own = header..header + 2;
        let take_out = |merge: &mut Self, lines| merge.take_out(with_break_before(config, wanted.broker, lines));
        match command {
            Some(command) if command == own.end => take_out(self, own.start..command + 1),
            Some(command) => {
                take_out(self, own);
                self.take_out(config.range(&(command..command + 1)));
            }
            None => take_out(self, own),
        }
        State::Removed
    }

    fn take_out(&mut self, range: Range<usize>) {
        self.edits.push(Edit { range, new: Vec::new() });
    }
}

/// Whether somebody added lines of their own to a section of ours.
fn has_more(section: &Section, command: Option<usize>) -> bool {
    section.has_other_lines || section.settings.len() > usize::from(command.is_some())
}

/// The line of the command in a section of ours, if there is one, and nothing that would come with it.
fn own_command(section: &Section) -> Result<Option<usize>, Obstacle> {
    let commands: Vec<_> = section.settings.iter().filter(|setting| setting.key == KEY).collect();
    match commands[..] {
        [] => Ok(None),
        [command] if command.has_indented_lines => Err(Obstacle::IndentedLines),
        [command] => Ok(Some(command.line)),
        _ => Err(Obstacle::TwoCommands),
    }
}

/// Where these lines are, with the line break before them that came with them: a blank line's, or the end of a line that
/// then is as it was when it was the last. The end of another line of ours stays: who wrote it needs it.
fn with_break_before(config: &AwsConfig<'_>, broker: &BrokerUrl, lines: Range<usize>) -> Range<usize> {
    let range = config.range(&lines);
    let Some(before) = lines.start.checked_sub(1) else { return range };
    let is_ours = || {
        let section = config.sections().iter().find(|section| section.lines.contains(&before));
        section.and_then(|section| marker_of(config, section)).is_some_and(|marker| marker.broker == *broker)
    };
    let ends_a_text = lines.end == config.line_count() || config.content(lines.end).is_empty();
    if config.content(before).is_empty() || (ends_a_text && !is_ours()) {
        return config.content_range(before).end..range.end;
    }
    range
}
