//! Cutting somebody off in all labs: for oneself, and the part that the operator's pages share.

use askama::Template;
use axum::response::Response;
use chrono::{DateTime, Utc};

use super::lab::cut_offs::Shown;
use super::parts::Moment;
use super::shell::Shell;
use super::{page, refreshed};
use crate::app::EverywhereView;
use crate::domain::cut_off::{CutOffReason, DenyMoment, REASON_MAX_CHARS};
use crate::domain::id::LabName;

/// Where somebody is cut off, and how far that has got.
pub(super) struct Everywhere<'a> {
    pub(super) stopped: Moment,
    pub(super) reissue_at: Moment,
    pub(super) can_be_issued: bool,
    pub(super) reason: Option<&'a str>,
    /// Whether every lab is in the list.
    pub(super) is_complete: bool,
    pub(super) is_under_way: bool,
    pub(super) labs: Vec<Shown<'a>>,
}

impl<'a> Everywhere<'a> {
    pub(super) fn new(
        view: &'a EverywhereView,
        now: DateTime<Utc>,
        shown: impl Fn(&'a crate::app::CutOffView) -> Shown<'a>,
    ) -> Self {
        let row = &view.row;
        let reissue_at = row.before.reissue_at();
        Self {
            stopped: Moment::to_the_second(row.stopped_at, now),
            reissue_at: Moment::to_the_second(reissue_at, now),
            can_be_issued: reissue_at <= now,
            reason: row.reason.as_ref().map(CutOffReason::as_str),
            is_complete: row.spread_at.is_some(),
            is_under_way: !view.is_done() && now < row.before.over_at(),
            labs: view.labs.iter().map(shown).collect(),
        }
    }
}

#[derive(Template)]
#[template(path = "cut_off_ask.html", config = "src/console/askama.toml")]
struct Ask<'a> {
    shell: &'a Shell,
    labs: &'a [LabName],
    reissue_at: Moment,
    reason: &'a str,
    wrong: Option<&'a str>,
    longest: usize,
}

/// Whether somebody wants their own credentials to be cut off in all labs.
#[must_use]
pub fn own_cut_off_ask(
    shell: &Shell,
    labs: &[LabName],
    reason: &str,
    wrong: Option<&str>,
    now: DateTime<Utc>,
) -> Response {
    let reissue_at = Moment::to_the_second(DenyMoment::after(now, 0).reissue_at(), now);
    page(&Ask { shell, labs, reissue_at, reason, wrong, longest: REASON_MAX_CHARS })
}

#[derive(Template)]
#[template(path = "cut_off.html", config = "src/console/askama.toml")]
struct Progress<'a> {
    shell: &'a Shell,
    all: Everywhere<'a>,
}

/// How far a cut-off of one's own credentials has got.
#[must_use]
pub fn own_cut_off(shell: &Shell, view: &EverywhereView, now: DateTime<Utc>) -> Response {
    let all = Everywhere::new(view, now, Shown::for_oneself);
    let is_under_way = all.is_under_way;
    refreshed(page(&Progress { shell, all }), is_under_way)
}
