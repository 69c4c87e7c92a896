//! What an entry says, as a sentence for people.

use std::collections::BTreeMap;
use std::fmt;

use super::{Entry, Event, ReusedToken, RoleTerms, Target, Terms, Thread};
use crate::domain::account::CheckReason;
use crate::domain::actor::Actor;
use crate::domain::cut_off::{CutOffCause, CutOffReason, Whose};
use crate::domain::id::{MappingId, PersonId, RoleName};
use crate::domain::lab::{Office, Standing};

/// A part of a sentence: whoever shows it says how a person or a mapping is shown there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Word {
    /// To be read as it is.
    Text(String),
    /// Somebody.
    Person(PersonId),
    /// A role.
    Role(RoleName),
    /// A group, exactly as a provider writes it.
    Group(String),
    /// A mapping.
    Mapping(MappingId),
    /// A moment: RFC 3339, UTC.
    Moment(String),
}

impl fmt::Display for Word {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) | Self::Group(text) | Self::Moment(text) => f.write_str(text),
            Self::Person(person) => write!(f, "{person}"),
            Self::Role(role) => write!(f, "{role}"),
            Self::Mapping(mapping) => write!(f, "{mapping}"),
        }
    }
}

/// A sentence that is being put together.
struct Sentence(Vec<Word>);

impl Sentence {
    /// Begins with who did it.
    fn of(thread: &Thread) -> Self {
        Self(vec![match thread {
            Thread::Attempt(person, _) | Thread::Act(Actor::Person(person), _) => Word::Person(person.clone()),
            Thread::Act(Actor::Operator(name), _) => Word::Text(format!("The operator {}", name.as_str())),
            Thread::Act(Actor::Broker, _) => Word::Text("The broker".to_owned()),
        }])
    }

    fn say(mut self, text: impl Into<String>) -> Self {
        self.0.push(Word::Text(text.into()));
        self
    }

    fn person(mut self, person: &PersonId) -> Self {
        self.0.push(Word::Person(person.clone()));
        self
    }

    fn role(mut self, role: Option<&RoleName>) -> Self {
        self.0.push(role.map_or_else(|| Word::Text("a role".to_owned()), |role| Word::Role(role.clone())));
        self
    }

    fn whose(self, whose: &Whose) -> Self {
        match whose {
            Whose::Person(person) => self.person(person),
            Whose::Role(role) => self.role(Some(role)),
            Whose::Everyone => self.say("everybody"),
        }
    }

    fn mapping(mut self, mapping: &MappingId) -> Self {
        self.0.push(Word::Mapping(mapping.clone()));
        self
    }

    fn moment(mut self, at: &str) -> Self {
        self.0.push(Word::Moment(at.to_owned()));
        self
    }

    /// `publish to the group "students" of campus`.
    fn target(mut self, target: &Target, join: &str) -> Self {
        self = self.role(Some(&target.role)).say(format!(" {join} the group "));
        self.0.push(Word::Group(target.group.clone()));
        self.say(format!(" of {}", target.connection))
    }

    fn terms(mut self, terms: &Terms) -> Self {
        self = match &terms.ends_at {
            Some(end) => self.say("until ").moment(end),
            None => self.say("without an end"),
        };
        if let Some(seconds) = terms.max_duration_seconds {
            self = self.say(format!(", for {} at a time", duration(seconds)));
        }
        if terms.needs_mfa {
            self = self.say(", with a second factor");
        }
        if terms.needs_approval {
            self = self.say(", with a PI's approval");
        }
        self
    }
}

/// `90 seconds`, `30 minutes`, `12 hours`, `7 days`: the largest unit that it is a whole number of.
fn duration(seconds: u32) -> String {
    let units = [(86_400, "day"), (3_600, "hour"), (60, "minute"), (1, "second")];
    let (unit, name) = units.into_iter().find(|(unit, _)| seconds.is_multiple_of(*unit)).unwrap_or((1, "second"));
    let count = seconds / unit;
    format!("{count} {name}{}", if count == 1 { "" } else { "s" })
}

fn limit(seconds: Option<u32>) -> String {
    seconds.map_or_else(|| "the broker's own limit".to_owned(), duration)
}

fn office(office: Office) -> String {
    format!("a {}", Standing::from(office))
}

impl Entry {
    /// What happened, in words. `asked_for` is the role that the entry's attempt asked for: what came of an attempt does
    /// not say it again.
    #[must_use]
    pub fn sentence(&self, asked_for: Option<&RoleName>) -> Vec<Word> {
        let begin = Sentence::of(&self.thread);
        let said = match &self.event {
            Event::Attempted { role, wanted_seconds, .. } => {
                let said = begin.say(" asked for ").role(Some(role));
                match wanted_seconds {
                    Some(seconds) => said.say(format!(" for {}", duration(*seconds))),
                    None => said,
                }
            }
            Event::Issued { mapping, expires_at, .. } => begin
                .say(" got credentials for ")
                .role(asked_for)
                .say(" until ")
                .moment(expires_at)
                .say(", by ")
                .mapping(mapping),
            Event::Refused { reason } => begin.say(" was refused ").role(asked_for).say(format!(": {reason}")),
            Event::Failed { reason, .. } => {
                begin.say(" was to get ").role(asked_for).say(format!(", and nothing came of it: {reason}"))
            }
            Event::MappingAdded { target, terms, asked, .. } => {
                begin.say(confirmed(asked.is_some(), " gave ")).target(target, "to").say(", ").terms(terms)
            }
            Event::MappingEdited { target, after, asked, .. } => begin
                .say(confirmed(asked.is_some(), " changed on what conditions "))
                .target(target, "goes to")
                .say("; now ")
                .terms(after),
            Event::MappingEnded { target, .. } => begin.say(" ended ").target(target, "for"),
            Event::MappingChangeAsked { target, terms, .. } => {
                begin.say(" asked for a second PI's word: ").target(target, "to").say(", ").terms(terms)
            }
            Event::MappingChangeDeclined { mapping, .. } => begin.say(" dropped what was asked for ").mapping(mapping),
            other => of_lab(begin, other, &self.thread),
        };
        said.0
    }
}

/// What fills a template, in words.
fn with(parameters: &BTreeMap<String, String>) -> String {
    let each: Vec<String> = parameters.iter().map(|(name, value)| format!("{name} {value}")).collect();
    if each.is_empty() { String::new() } else { format!(" with {}", each.join(", ")) }
}

/// What a second PI let hold begins with that.
fn confirmed(by_second: bool, verb: &str) -> String {
    if by_second { format!(" confirmed what another PI asked for, and{verb}") } else { verb.to_owned() }
}

/// What was done to a role.
fn of_role(begin: Sentence, event: &Event) -> Sentence {
    match event {
        Event::RoleAdded { role, template, max_duration_seconds, parameters } => {
            begin.say(" added the role ").role(Some(role)).say(format!(
                ", made of {template}{}, for {} at a time",
                with(parameters),
                duration(*max_duration_seconds)
            ))
        }
        Event::RoleChanged { role, before, after, gives_more } => {
            let length = |terms: &RoleTerms| format!("{} at a time", duration(terms.max_duration_seconds));
            let mut changes = Vec::new();
            if before.parameters != after.parameters {
                let was = if before.parameters.is_empty() { " nothing".to_owned() } else { with(&before.parameters) };
                changes.push(format!("{} instead of{was}", with(&after.parameters).trim()));
            }
            if before.max_duration_seconds != after.max_duration_seconds {
                changes.push(format!("{} instead of {}", length(after), length(before)));
            }
            let more = if *gives_more { ", which gives more than before" } else { "" };
            begin.say(" changed the role ").role(Some(role)).say(format!(": {}{more}", changes.join(", ")))
        }
        Event::RoleEnded { role } => begin.say(" ended the role ").role(Some(role)),
        _ => begin,
    }
}

/// What was done about sessions that live.
fn of_cut_off(begin: Sentence, event: &Event) -> Sentence {
    let why = |reason: &Option<CutOffReason>| {
        reason.as_ref().map_or_else(String::new, |reason| format!(": \"{}\"", reason.as_str()))
    };
    match event {
        Event::CutOff { whose, cause, reason, held, sessions, .. } => {
            let count = match sessions {
                1 => "one session".to_owned(),
                many => format!("{many} sessions"),
            };
            let begin = begin.say(format!(" cut off {count} of ")).whose(whose);
            let cause = match cause {
                CutOffCause::Asked => "",
                CutOffCause::MappingEnded => ", whose mapping ended",
                CutOffCause::Suspended => ", who was suspended",
                CutOffCause::SignedOut => ", who signed out at the provider",
                CutOffCause::Everywhere => ", who was cut off in all labs",
            };
            let held = if *held { ", and keeps them out until it is lifted" } else { "" };
            begin.say(format!("{cause}{held}{}", why(reason)))
        }
        Event::CutOffLifted { whose, .. } => begin.say(" let credentials be issued again to ").whose(whose),
        Event::DenyApplied { policy_sha256: None, .. } => {
            begin.say(" took the deny of cut-off sessions away from the AWS account: they are all dead")
        }
        Event::DenyApplied { people, overflow, .. } => {
            let people = match people {
                0 => "sessions".to_owned(),
                1 => "sessions of one person".to_owned(),
                many => format!("sessions of {many} people"),
            };
            let begin = begin.say(format!(" saw that the AWS account has the deny of {people}"));
            match overflow {
                Some(before) => begin.say(", and of everybody's from before ").moment(before).say(", for want of room"),
                None => begin,
            }
        }
        Event::DenyRestored { .. } => {
            begin.say(" found the deny of cut-off sessions changed in the AWS account, and writes it again")
        }
        Event::PersonCutOff { person, cause, reason, .. } => {
            let cause = match cause {
                CutOffCause::Suspended => ", who was suspended",
                CutOffCause::SignedOut => ", who signed out at the provider",
                CutOffCause::Asked | CutOffCause::MappingEnded | CutOffCause::Everywhere => "",
            };
            begin.say(" cut off in all labs ").person(person).say(format!("{cause}{}", why(reason)))
        }
        _ => begin,
    }
}

/// What was done to the lab itself, its people, or somebody.
fn of_lab(begin: Sentence, event: &Event, thread: &Thread) -> Sentence {
    let is_own = |person: &PersonId| matches!(thread, Thread::Act(Actor::Person(by), _) if by == person);
    match event {
        Event::LabCreated { lab, .. } => begin.say(format!(" made the lab {lab}")),
        Event::LabArchived => begin.say(" archived the lab: it gives nothing any more"),
        Event::LabRestored => begin.say(" brought the lab back"),
        Event::RoleAdded { .. } | Event::RoleChanged { .. } | Event::RoleEnded { .. } => of_role(begin, event),
        Event::PiInvited { lapses_at, .. } => {
            begin.say(" made an invitation to be a PI, good until ").moment(lapses_at)
        }
        Event::InvitationWithdrawn { .. } => begin.say(" ended an invitation to be a PI"),
        Event::StandingGiven { person, standing, invitation: Some(_), .. } if is_own(person) => {
            begin.say(format!(" became {} by an invitation", office(*standing)))
        }
        Event::StandingGiven { person, standing, before, .. } => {
            let was = before.map(|before| format!(", who was {}", office(before))).unwrap_or_default();
            begin.say(" made ").person(person).say(format!(" {}{was}", office(*standing)))
        }
        Event::StandingTaken { person, before } if is_own(person) => {
            begin.say(format!(" laid their standing down and is not {} any more", office(*before)))
        }
        Event::StandingTaken { person, before } => {
            begin.say(" took the standing from ").person(person).say(format!(", who was {}", office(*before)))
        }
        Event::LabLimitChanged { before, after } => {
            begin.say(format!(" set how old groups may be to {}; before: {}", limit(*after), limit(*before)))
        }
        Event::AccountCheckBegun { reason, .. } => begin.say(match reason {
            CheckReason::Join => " began to join the AWS account",
            CheckReason::Demand | CheckReason::Watch => " began a check of the AWS account",
        }),
        Event::AccountChecked { verdict, troubles, .. } => {
            let found = match troubles {
                0 => String::new(),
                1 => ", with one thing to mend".to_owned(),
                many => format!(", with {many} things to mend"),
            };
            begin.say(format!(" checked the AWS account: {verdict}{found}"))
        }
        Event::AccountJoined { account, .. } => begin.say(format!(" joined the AWS account {account}")),
        Event::CutOff { .. }
        | Event::CutOffLifted { .. }
        | Event::DenyApplied { .. }
        | Event::DenyRestored { .. }
        | Event::PersonCutOff { .. } => of_cut_off(begin, event),
        Event::RoleLimitChanged { role, before, after } => begin
            .say(" set how old a sign-in may be for ")
            .role(Some(role))
            .say(format!(" to {}; before: {}", limit(*after), limit(*before))),
        Event::PersonSuspended { person } => begin.say(" suspended ").person(person),
        Event::PersonRestored { person } => begin.say(" lifted the suspension of ").person(person),
        Event::SignInRefused { reason, person, .. } => match person {
            Some(person) => begin.say(" did not sign in ").person(person).say(format!(": {reason}")),
            None => begin.say(format!(" did not sign somebody in: {reason}")),
        },
        Event::TokenReused { person, token, .. } => {
            let token = match token {
                ReusedToken::Code => "a code",
                ReusedToken::Refresh => "a token",
            };
            begin.say(" ended a session of ").person(person).say(format!(": {token} was shown a second time"))
        }
        Event::ProviderLogout { person, sessions, .. } => {
            begin.say(format!(" ended {sessions} sessions of ")).person(person).say(", who signed out at the provider")
        }
        _ => begin.say(format!(" did something: {}", event.kind())),
    }
}

impl Event {
    /// Everybody whom the event speaks of, beside who did it.
    #[must_use]
    pub fn people(&self) -> Vec<&PersonId> {
        match self {
            Self::StandingGiven { person, .. }
            | Self::StandingTaken { person, .. }
            | Self::PersonSuspended { person }
            | Self::PersonRestored { person }
            | Self::TokenReused { person, .. }
            | Self::ProviderLogout { person, .. }
            | Self::PersonCutOff { person, .. }
            | Self::CutOff { whose: Whose::Person(person), .. }
            | Self::CutOffLifted { whose: Whose::Person(person), .. }
            | Self::SignInRefused { person: Some(person), .. } => vec![person],
            Self::MappingAdded { asked: Some(asked), .. } | Self::MappingEdited { asked: Some(asked), .. } => {
                vec![&asked.author]
            }
            _ => Vec::new(),
        }
    }

    /// The mapping that it speaks of.
    #[must_use]
    pub const fn mapping(&self) -> Option<&MappingId> {
        match self {
            Self::Issued { mapping, .. }
            | Self::MappingAdded { mapping, .. }
            | Self::MappingEdited { mapping, .. }
            | Self::MappingEnded { mapping, .. }
            | Self::MappingChangeAsked { mapping, .. }
            | Self::MappingChangeDeclined { mapping, .. } => Some(mapping),
            _ => None,
        }
    }

    /// Who gets what, by the mapping that it speaks of.
    #[must_use]
    pub const fn target(&self) -> Option<&Target> {
        match self {
            Self::MappingAdded { target, .. }
            | Self::MappingEdited { target, .. }
            | Self::MappingEnded { target, .. }
            | Self::MappingChangeAsked { target, .. } => Some(target),
            _ => None,
        }
    }

    /// The role that it speaks of itself.
    #[must_use]
    pub const fn role(&self) -> Option<&RoleName> {
        match self {
            Self::Attempted { role, .. }
            | Self::RoleAdded { role, .. }
            | Self::RoleChanged { role, .. }
            | Self::RoleEnded { role }
            | Self::RoleLimitChanged { role, .. }
            | Self::CutOff { whose: Whose::Role(role), .. }
            | Self::CutOffLifted { whose: Whose::Role(role), .. } => Some(role),
            other => match other.target() {
                Some(target) => Some(&target.role),
                None => None,
            },
        }
    }
}
