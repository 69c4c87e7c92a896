//! What somebody looks for in a ledger, as it stands in an address: the same for the page, the API and the exports.

use chrono::{DateTime, Days, NaiveDate, NaiveTime, Utc};
use serde::Deserialize;

use crate::app::{LEDGER_CATEGORIES, LEDGER_PAGE_MAX, LedgerWish};
use crate::domain::ledger::KINDS;

/// Longer than any name or group, and short enough for an address.
const TEXT_MAX_CHARS: usize = 200;

/// The query.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct LookedFor {
    pub(super) person: Option<String>,
    pub(super) kind: Option<String>,
    pub(super) role: Option<String>,
    pub(super) from: Option<String>,
    pub(super) to: Option<String>,
    pub(super) q: Option<String>,
    pub(super) after: Option<String>,
    pub(super) limit: Option<String>,
}

/// What cannot be looked for: the field, and a sentence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Wrong {
    pub(super) field: &'static str,
    pub(super) sentence: String,
}

fn wrong(field: &'static str, sentence: impl Into<String>) -> Wrong {
    Wrong { field, sentence: sentence.into() }
}

/// What is empty was not said.
fn said(text: Option<&String>) -> Option<&str> {
    text.map(|text| text.trim()).filter(|text| !text.is_empty())
}

impl LookedFor {
    /// What is meant.
    ///
    /// # Errors
    ///
    /// For the first field that nothing can be meant by.
    pub(super) fn wish(&self) -> Result<LedgerWish, Wrong> {
        let too_long = |field| wrong(field, format!("At most {TEXT_MAX_CHARS} characters."));
        let text = |field, given: Option<&String>| match said(given) {
            Some(text) if text.chars().count() > TEXT_MAX_CHARS => Err(too_long(field)),
            text => Ok(text.map(|text| text.chars().filter(|c| *c != '\0').collect::<String>())),
        };
        Ok(LedgerWish {
            person: text("person", self.person.as_ref())?,
            kinds: said(self.kind.as_ref()).map(kinds).transpose()?.unwrap_or_default(),
            role: said(self.role.as_ref())
                .map(|role| role.parse().map_err(|_| wrong("role", "There can be no role of that name.")))
                .transpose()?,
            from: said(self.from.as_ref()).map(|text| moment("from", text, false)).transpose()?,
            to: said(self.to.as_ref()).map(|text| moment("to", text, true)).transpose()?,
            text: text("q", self.q.as_ref())?,
        })
    }

    /// Below which place to look.
    ///
    /// # Errors
    ///
    /// When it is no place.
    pub(super) fn below(&self) -> Result<Option<i64>, Wrong> {
        let place = |text: &str| text.parse().ok().filter(|place| *place > 0);
        let no_place = || wrong("after", "`after` is what `next` of the part before it was.");
        said(self.after.as_ref()).map(|text| place(text).ok_or_else(no_place)).transpose()
    }

    /// How many entries at most.
    ///
    /// # Errors
    ///
    /// When it is no number from 1 to [`LEDGER_PAGE_MAX`].
    pub(super) fn limit(&self, otherwise: u32) -> Result<u32, Wrong> {
        let Some(text) = said(self.limit.as_ref()) else { return Ok(otherwise) };
        let limit = text.parse().ok().filter(|limit| (1..=LEDGER_PAGE_MAX).contains(limit));
        limit.ok_or_else(|| wrong("limit", format!("`limit` is 1 to {LEDGER_PAGE_MAX}.")))
    }
}

/// A category, or one kind.
fn kinds(word: &str) -> Result<Vec<&'static str>, Wrong> {
    if let Some(category) = LEDGER_CATEGORIES.iter().find(|category| category.name == word) {
        return Ok(category.kinds.to_vec());
    }
    let names: Vec<_> = LEDGER_CATEGORIES.iter().map(|category| category.name).collect();
    let sentence = || format!("A kind is {}, or one kind of entry such as `issued`.", names.join(", "));
    KINDS.iter().find(|kind| **kind == word).map(|kind| vec![*kind]).ok_or_else(|| wrong("kind", sentence()))
}

/// A day in UTC (`to` takes it in), or a moment.
fn moment(field: &'static str, text: &str, is_end: bool) -> Result<DateTime<Utc>, Wrong> {
    let day = NaiveDate::parse_from_str(text, "%Y-%m-%d").ok().filter(|_| text.len() == 10);
    let day = day.and_then(|day| if is_end { day.checked_add_days(Days::new(1)) } else { Some(day) });
    let at = day.map(|day| day.and_time(NaiveTime::MIN).and_utc());
    let at = at.or_else(|| DateTime::parse_from_rfc3339(text).ok().map(|at| at.to_utc()));
    // What the database can hold on both sides of it.
    let at = at.filter(|at| (1970..=9998).contains(&chrono::Datelike::year(at)));
    at.ok_or_else(|| wrong(field, "A day such as 2026-11-21, or a moment such as 2026-11-21T09:00:00Z."))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(change: impl FnOnce(&mut LookedFor)) -> LookedFor {
        let mut looked_for = LookedFor::default();
        change(&mut looked_for);
        looked_for
    }

    #[test]
    fn a_day_is_taken_in_whole() {
        let wish = of(|it| (it.from, it.to) = (Some("2026-11-21".into()), Some("2026-11-21".into()))).wish().unwrap();

        assert_eq!(wish.from.unwrap().to_rfc3339(), "2026-11-21T00:00:00+00:00");
        assert_eq!(wish.to.unwrap().to_rfc3339(), "2026-11-22T00:00:00+00:00");
        let wish = of(|it| it.to = Some("2026-11-21T10:00:00+01:00".into())).wish().unwrap();
        assert_eq!(wish.to.unwrap().to_rfc3339(), "2026-11-21T09:00:00+00:00");
    }

    #[test]
    fn what_is_empty_was_not_said() {
        let empty = || Some("  ".to_owned());
        let looked_for = LookedFor {
            person: empty(),
            kind: empty(),
            role: empty(),
            from: empty(),
            to: empty(),
            q: empty(),
            after: empty(),
            limit: empty(),
        };

        assert_eq!(looked_for.wish(), Ok(LedgerWish::default()));
        assert_eq!((looked_for.below(), looked_for.limit(50)), (Ok(None), Ok(50)));
    }

    #[test]
    fn what_nothing_can_be_meant_by_is_said_at_its_field() {
        let long = "x".repeat(201);
        for (field, looked_for) in [
            ("person", of(|it| it.person = Some(long.clone()))),
            ("q", of(|it| it.q = Some(long.clone()))),
            ("kind", of(|it| it.kind = Some("everything".into()))),
            ("role", of(|it| it.role = Some("NO SUCH%".into()))),
            ("from", of(|it| it.from = Some("yesterday".into()))),
            ("from", of(|it| it.from = Some("0001-01-01".into()))),
            ("to", of(|it| it.to = Some("+262142-12-31".into()))),
            ("to", of(|it| it.to = Some("9999-12-31".into()))),
        ] {
            assert_eq!(looked_for.wish().unwrap_err().field, field, "{looked_for:?}");
        }
        for after in ["0", "-1", "x", "99999999999999999999"] {
            assert!(of(|it| it.after = Some(after.into())).below().is_err(), "{after}");
        }
        for limit in ["0", "201", "-1", "x"] {
            assert!(of(|it| it.limit = Some(limit.into())).limit(50).is_err(), "{limit}");
        }
    }

    #[test]
    fn a_kind_is_a_category_or_a_kind_of_entry() {
        assert_eq!(kinds("refusals").unwrap(), ["refused", "failed"]);
        assert_eq!(kinds("lab-archived").unwrap(), ["lab-archived"]);
        for category in LEDGER_CATEGORIES {
            assert!(category.kinds.len() <= crate::app::LEDGER_CHOICES_MAX, "{}", category.name);
            assert!(category.kinds.iter().all(|kind| KINDS.contains(kind)), "{}", category.name);
        }
    }
}
