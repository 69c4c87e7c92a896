//! A lab's settings: how old sign-ins and groups may be, and what else is set.

use askama::Template;
use axum::response::Response;
use chrono::{DateTime, Utc};

use crate::app::{LabSettings, LimitChange, LimitOf};
use crate::console::page;
use crate::console::parts::{Moment, span};
use crate::console::shell::{LabHead, Shell, Tab};
use crate::domain::id::LabName;
use crate::domain::lab::Standing;
use crate::domain::limits::{GroupsAge, SignInAge};

/// What somebody would set, as they typed it.
#[derive(Clone, Debug)]
pub struct LimitForm {
    /// Of what.
    pub of: LimitOf,
    /// How many.
    pub count: String,
    /// Of what.
    pub unit: String,
    /// Whether it is left to the broker.
    pub is_default: bool,
}

/// What stands in the address.
#[derive(Clone, Debug, Default)]
pub struct SettingsForm {
    /// A limit to set.
    pub limit: Option<LimitForm>,
}

impl LimitForm {
    /// The form as it is filled in for so many seconds, or for the broker's own limit.
    #[must_use]
    pub fn of_seconds(of: LimitOf, seconds: Option<u32>) -> Self {
        let (count, unit) = seconds.map(in_unit).unwrap_or_default();
        Self { of, count, unit, is_default: seconds.is_none() }
    }

    /// The page with the form filled in like this.
    #[must_use]
    pub fn address(&self, lab: &LabName) -> String {
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        match &self.of {
            LimitOf::Groups => query.append_pair("set", "groups"),
            LimitOf::Role(role) => query.append_pair("set", "role").append_pair("role", role.as_str()),
        };
        if self.is_default {
            query.append_pair("default", "1");
        } else {
            query.append_pair("count", &self.count).append_pair("unit", &self.unit);
        }
        format!("/labs/{lab}/settings?{}", query.finish())
    }
}

/// A unit, and how many seconds it has.
const UNITS: [(&str, u32); 3] = [("minutes", 60), ("hours", 3_600), ("days", 86_400)];

#[derive(Template)]
#[template(path = "lab/settings.html", config = "src/console/askama.toml")]
struct Settings<'a> {
    shell: &'a Shell,
    lab: LabHead,
    view: &'a LabSettings,
    is_pi: bool,
    rows: Vec<Row>,
    preview: Option<Preview>,
    done: Option<Done>,
    /// Until when the sign-in is fresh enough to loosen something, when it is.
    fresh_until: Option<Moment>,
}

/// A limit on the page.
struct Row {
    title: String,
    /// What it is of, for a field's id and the form.
    set: &'static str,
    role: String,
    id: String,
    spends: bool,
    now: String,
    default: String,
    is_set: bool,
    bounds: &'static str,
    count: String,
    unit: String,
    wrong: Option<String>,
}

/// What a change would do.
struct Preview {
    title: String,
    before: String,
    after: String,
    is_looser: bool,
    is_groups: bool,
    action: String,
    /// Empty for the broker's own limit.
    seconds: String,
    /// Where a fresh sign-in comes back to, when one is needed first.
    sign_in: Option<String>,
}

/// What was just done.
struct Done {
    title: String,
    now: String,
    before: String,
    action: String,
    seconds: String,
}

impl Row {
    fn units(&self) -> impl Iterator<Item = (&'static str, bool)> {
        UNITS.into_iter().map(|(unit, _)| (unit, unit == self.unit))
    }
}

fn title(of: &LimitOf) -> String {
    match of {
        LimitOf::Groups => "How old groups may be".to_owned(),
        LimitOf::Role(role) => format!("How old a sign-in may be for {role}"),
    }
}

fn action(lab: &LabHead, of: &LimitOf) -> String {
    match of {
        LimitOf::Groups => format!("/labs/{}/settings/groups-age", lab.name),
        LimitOf::Role(role) => format!("/labs/{}/settings/sign-in-age/{role}", lab.name),
    }
}

/// In the largest unit that people type and of which it is a whole number.
fn in_unit(seconds: u32) -> (String, String) {
    let unit = UNITS.into_iter().rev().find(|(_, unit)| seconds.is_multiple_of(*unit)).unwrap_or(UNITS[0]);
    ((seconds / unit.1).to_string(), unit.0.to_owned())
}

/// What is meant, in seconds; nothing for the broker's own limit.
fn wanted(form: &LimitForm, spends: bool) -> Result<Option<u32>, String> {
    if form.is_default {
        return Ok(None);
    }
    let unit = UNITS.into_iter().find(|(unit, _)| *unit == form.unit).map(|(_, seconds)| seconds);
    let count: Option<u32> = form.count.parse().ok();
    let seconds = unit.zip(count).and_then(|(unit, count)| count.checked_mul(unit));
    let seconds = seconds.ok_or("Type a whole number, such as 7, and choose what of.")?;
    let in_bounds = match form.of {
        LimitOf::Groups => GroupsAge::from_seconds(seconds).map(GroupsAge::seconds),
        LimitOf::Role(_) => SignInAge::from_seconds(seconds, spends).map(SignInAge::seconds),
    };
    in_bounds.map(Some).map_err(|error| format!("{error}."))
}

/// A lab's settings, and whether something in the form cannot be.
#[must_use]
pub fn settings(shell: &Shell, settings: &LabSettings, form: &SettingsForm, now: DateTime<Utc>) -> (bool, Response) {
    let lab = LabHead::new(&settings.place, Tab::Settings);
    let is_pi = settings.place.standing == Standing::Pi;
    let (mut rows, mut preview) = (Vec::new(), None);
    let mut is_wrong = false;
    for limit in settings.all_limits() {
        let typed = form.limit.as_ref().filter(|typed| is_pi && typed.of == limit.of);
        let mut wrong = None;
        if let Some(typed) = typed {
            match wanted(typed, limit.spends) {
                Ok(seconds) if seconds != limit.set => {
                    preview = Some(seen(&lab, settings, &limit.of, limit.seconds, seconds, limit.default, typed));
                }
                Ok(_) => {}
                Err(sentence) => wrong = Some(sentence),
            }
        }
        is_wrong |= wrong.is_some();
        let (count, unit) = match typed.filter(|typed| !typed.is_default) {
            Some(typed) => (typed.count.clone(), typed.unit.clone()),
            None => in_unit(limit.seconds),
        };
        let (set, role) = match &limit.of {
            LimitOf::Groups => ("groups", String::new()),
            LimitOf::Role(role) => ("role", role.to_string()),
        };
        rows.push(Row {
            title: title(&limit.of),
            set,
            id: if role.is_empty() { set.to_owned() } else { format!("role-{role}") },
            role,
            spends: limit.spends,
            now: span(limit.seconds),
            default: span(limit.default),
            is_set: limit.set.is_some(),
            bounds: if limit.spends { "5 minutes to 12 hours" } else { "1 hour to 30 days" },
            count,
            unit,
            wrong,
        });
    }
    let done = settings.done.as_ref().filter(|_| is_pi).and_then(|change| done(&lab, settings, change));
    let fresh_until = settings.gives_until.filter(|until| now < *until).map(|until| Moment::new(until, now));
    (is_wrong, page(&Settings { shell, lab, view: settings, is_pi, rows, preview, done, fresh_until }))
}

fn seen(
    lab: &LabHead,
    settings: &LabSettings,
    of: &LimitOf,
    before: u32,
    after: Option<u32>,
    default: u32,
    typed: &LimitForm,
) -> Preview {
    let is_looser = after.unwrap_or(default) > before;
    let sign_in = (is_looser && !settings.is_fresh).then(|| {
        let here = typed.address(&lab.name);
        let mut link = url::form_urlencoded::Serializer::new(String::new());
        link.append_pair("fresh", "1").append_pair("return_to", &here);
        format!("/sign-in?{}", link.finish())
    });
    Preview {
        title: title(of),
        before: span(before),
        after: span(after.unwrap_or(default)),
        is_looser,
        is_groups: *of == LimitOf::Groups,
        action: action(lab, of),
        seconds: after.map(|seconds| seconds.to_string()).unwrap_or_default(),
        sign_in,
    }
}

/// What was done, when it holds still.
fn done(lab: &LabHead, settings: &LabSettings, change: &LimitChange) -> Option<Done> {
    let limit = settings.all_limits().into_iter().find(|limit| limit.of == change.of && limit.set == change.after)?;
    Some(Done {
        title: title(&change.of),
        now: span(limit.seconds),
        before: span(change.before.unwrap_or(limit.default)),
        action: action(lab, &change.of),
        seconds: change.before.map(|seconds| seconds.to_string()).unwrap_or_default(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn people_type_a_number_and_a_unit() {
        let form = |count: &str, unit: &str| LimitForm {
            of: LimitOf::Groups,
            count: count.to_owned(),
            unit: unit.to_owned(),
            is_default: false,
        };

        assert_eq!(wanted(&form("7", "days"), false), Ok(Some(604_800)));
        assert_eq!(wanted(&LimitForm { is_default: true, ..form("", "") }, false), Ok(None));
        for (count, unit) in [("", "days"), ("7", "weeks"), ("1.5", "days"), ("-1", "days"), ("4294967295", "days")] {
            assert!(wanted(&form(count, unit), false).is_err(), "{count} {unit}");
        }
        assert_eq!(wanted(&form("59", "minutes"), false).unwrap_err(), "groups may be 1 hour to 30 days old.");
        assert_eq!(in_unit(90 * 60), ("90".to_owned(), "minutes".to_owned()));
        assert_eq!(in_unit(172_800), ("2".to_owned(), "days".to_owned()));
    }
}
