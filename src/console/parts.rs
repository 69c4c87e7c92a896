//! Small things that many pages show alike: moments, people, words that others chose.

use askama::Template;
use askama::filters::HtmlSafe;
use chrono::{DateTime, Utc};

use crate::app::{Keeper, NamedPerson};
use crate::domain::id::PersonId;
use crate::domain::person::{DisplayName, LookAlikes};

/// A moment: in UTC, and in the reader's own time where a script runs.
#[derive(Clone, Debug, Template)]
#[template(source = r#"<time datetime="{{ machine }}">{{ text }}</time>"#, ext = "html")]
pub(super) struct Moment {
    machine: String,
    text: String,
}

impl HtmlSafe for Moment {}

impl Moment {
    /// `09:12 UTC` for a moment of today, `21 November 2026, 13:00 UTC` for any other.
    pub(super) fn new(at: DateTime<Utc>, now: DateTime<Utc>) -> Self {
        Self { machine: crate::wire::timestamp(at), text: lately(at, now) }
    }

    /// The same to the second: `09:12:41 UTC`.
    pub(super) fn to_the_second(at: DateTime<Utc>, now: DateTime<Utc>) -> Self {
        let form = if at.date_naive() == now.date_naive() { "%H:%M:%S UTC" } else { "%-d %B %Y, %H:%M:%S UTC" };
        Self { machine: crate::wire::timestamp(at), text: at.format(form).to_string() }
    }
}

/// Somebody, by the name that their university gives them. The name stands apart from the text around it, so that no
/// letter in it can turn that around; who looks like somebody else is marked.
#[derive(Clone, Debug, Template)]
#[template(
    source = r#"{% if let Some(name) = name %}<bdi class="person">{{ name }}</bdi>{% else %}<i class="person">no name</i>{% endif %}{% if looks_like_another %} <span class="tag warn" title="Another person here has a name that looks the same. Compare the ids.">look-alike</span>{% endif %} <code class="id">{{ id }}</code>"#,
    ext = "html"
)]
pub(super) struct PersonTag {
    id: String,
    name: Option<String>,
    looks_like_another: bool,
}

impl HtmlSafe for PersonTag {}

impl PersonTag {
    /// Somebody of a lab.
    pub(super) fn of(person: &NamedPerson) -> Self {
        Self::new(&person.id, person.name.as_ref(), person.looks_like_another)
    }

    /// Somebody who looks after a lab.
    pub(super) fn of_keeper(Keeper { holder, looks_like_another }: &Keeper) -> Self {
        Self::new(&holder.id, holder.name.as_ref(), *looks_like_another)
    }

    /// Somebody among others who are named on the same page.
    pub(super) fn among(others: &LookAlikes, id: &PersonId, name: Option<&DisplayName>) -> Self {
        Self::new(id, name, others.has(id, name))
    }

    pub(super) fn new(id: &PersonId, name: Option<&DisplayName>, looks_like_another: bool) -> Self {
        Self { id: id.to_string(), name: name.map(|name| name.as_str().to_owned()), looks_like_another }
    }
}

/// A text that somebody else chose and that is compared letter by letter, such as a group's name: what cannot be seen in
/// it is shown by its number.
#[derive(Clone, Debug, Template)]
#[template(
    source = r#"<bdi class="verbatim">{% for (text, is_plain) in runs %}{% if is_plain %}{{ text }}{% else %}<span class="unseen" title="a character that cannot be seen">{{ text }}</span>{% endif %}{% endfor %}</bdi>"#,
    ext = "html"
)]
pub(super) struct Verbatim {
    runs: Vec<(String, bool)>,
}

impl HtmlSafe for Verbatim {}

impl Verbatim {
    pub(super) fn new(text: &str) -> Self {
        let mut runs: Vec<(String, bool)> = Vec::new();
        for c in text.chars() {
            let is_plain = !(c.is_control() || crate::domain::person::is_invisible(c));
            let shown = if is_plain { c.to_string() } else { format!("U+{:04X}", u32::from(c)) };
            match runs.last_mut() {
                Some((run, true)) if is_plain => run.push_str(&shown),
                _ => runs.push((shown, is_plain)),
            }
        }
        Self { runs }
    }
}

/// `09:12 UTC` for a moment of today, `21 November 2026, 13:00 UTC` for any other.
pub(super) fn lately(at: DateTime<Utc>, now: DateTime<Utc>) -> String {
    if at.date_naive() == now.date_naive() { at.format("%H:%M UTC").to_string() } else { for_people(at) }
}

/// `21 November 2026, 13:00 UTC`.
pub(super) fn for_people(at: DateTime<Utc>) -> String {
    at.format("%-d %B %Y, %H:%M UTC").to_string()
}

/// `30 minutes`, `12 hours`, `7 days`: the largest unit that it is a whole number of.
pub(super) fn span(seconds: u32) -> String {
    let units = [(86_400, "day"), (3_600, "hour"), (60, "minute"), (1, "second")];
    let (unit, name) = units.into_iter().find(|(unit, _)| seconds.is_multiple_of(*unit)).unwrap_or((1, "second"));
    let count = seconds / unit;
    format!("{count} {name}{}", if count == 1 { "" } else { "s" })
}

/// A part of a sentence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Piece<'a> {
    pub(super) text: &'a str,
    /// Something to type: it stood between backticks, which a terminal shows and a page does not.
    pub(super) is_code: bool,
}

pub(super) fn pieces(sentence: &str) -> Vec<Piece<'_>> {
    if sentence.matches('`').count() % 2 == 1 {
        return vec![Piece { text: sentence, is_code: false }];
    }
    sentence.split('`').enumerate().map(|(index, text)| Piece { text, is_code: index % 2 == 1 }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_of_today_needs_no_date() {
        let at = |text: &str| text.parse::<DateTime<Utc>>().unwrap();
        let now = at("2026-11-21T23:59:59Z");

        assert_eq!(lately(at("2026-11-21T09:12:41Z"), now), "09:12 UTC");
        assert_eq!(lately(at("2026-11-20T23:59:59Z"), now), "20 November 2026, 23:59 UTC");
        assert_eq!(lately(at("2026-11-22T00:00:00Z"), now), "22 November 2026, 00:00 UTC");
        assert_eq!(
            Moment::new(at("2026-11-21T09:12:41Z"), now).to_string(),
            r#"<time datetime="2026-11-21T09:12:41Z">09:12 UTC</time>"#
        );
        let to_the_second = |text| Moment::to_the_second(at(text), now).text;
        assert_eq!(to_the_second("2026-11-21T09:12:41Z"), "09:12:41 UTC");
        assert_eq!(to_the_second("2026-11-20T23:59:59Z"), "20 November 2026, 23:59:59 UTC");
    }

    #[test]
    fn what_stands_between_backticks_is_code() {
        let code = |text| Piece { text, is_code: true };
        let plain = |text| Piece { text, is_code: false };

        assert_eq!(pieces("Run `lodge login` again."), [plain("Run "), code("lodge login"), plain(" again.")]);
        assert_eq!(pieces("Wait."), [plain("Wait.")]);
        assert_eq!(pieces("A stray ` stays."), [plain("A stray ` stays.")]);
    }

    #[test]
    fn a_name_is_escaped_and_stands_apart() {
        let name = DisplayName::from_claim("<b>Eve</b> & \u{202e}co").unwrap();
        let tag = PersonTag::new(&PersonId::from_entropy([1; 10]), Some(&name), true).to_string();

        assert!(tag.starts_with(r#"<bdi class="person">&#60;b&#62;Eve&#60;/b&#62; &#38; co</bdi>"#), "{tag}");
        assert!(tag.contains("look-alike") && tag.contains("p-040g2081040g2081"), "{tag}");
    }

    #[test]
    fn what_cannot_be_seen_in_a_group_is_shown() {
        let shown = Verbatim::new("lab\u{200b}-<i>\u{202e}").to_string();

        assert_eq!(shown.matches("class=\"unseen\"").count(), 2, "{shown}");
        assert!(shown.contains("U+200B") && shown.contains("U+202E") && shown.contains("&#60;i&#62;"), "{shown}");
    }
}
