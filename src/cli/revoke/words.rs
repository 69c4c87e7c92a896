//! A cut-off as lines, some of which say how something stands.

use chrono::{DateTime, Utc};

use super::way::Shown;
use crate::cli::cut_off::{self, is_at_aws, whose, why};
use crate::cli::moment::second;
use crate::cli::output::Mark;
use crate::wire::cut_offs::{CutOff, CutOffEverywhere, CutOffStep, CutOffStepName, CutOffTrouble, WhoseSessions};

/// Whether the steps are among the lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Steps {
    /// They are.
    ToTell,
    /// They were told as they came.
    Told,
}

/// A line; with a mark when it says how something stands.
pub(super) type Line = (Option<Mark>, String);

/// What is known.
pub(super) fn lines(shown: &Shown, steps: Steps, lift: &str, now: DateTime<Utc>) -> Vec<Line> {
    match shown {
        Shown::Lab(cut_off) => of_lab(cut_off, steps, lift, now),
        Shown::Everywhere(all) => everywhere(all, steps, now),
    }
}

/// What a cut-off does not do: a machine that was lost is one on which they may be signed in.
const STILL_SIGNED_IN: &str =
    "Machines on which they are still signed in can get new ones then: cut off with --hold to keep them out.";
const STILL_SIGNED_IN_ANYWHERE: &str = "Machines on which they are still signed in can get new ones then, until they are signed \
    out on the page \u{201c}Your sessions\u{201d}.";

fn of_lab(cut_off: &CutOff, steps: Steps, lift: &str, now: DateTime<Utc>) -> Vec<Line> {
    let mut lines = vec![
        plain(format!("Cut off:      {}, in {}", whose(&cut_off.whose), cut_off.lab)),
        plain(format!("By:           {}", cut_off.by_says)),
        plain(format!("Why:          {}", why(cut_off))),
        plain(format!("Sessions:     {}", sessions(cut_off))),
        plain(""),
    ];
    lines.extend(progress(cut_off, steps, |_| true));
    lines.push(plain(by_aws(is_at_aws(cut_off))));
    lines.extend(death(cut_off, now).map(plain));
    lines.push(plain(match (&cut_off.lifted_at, &cut_off.reissue_at) {
        (Some(at), reissue) => {
            let reissue = reissue.as_deref().filter(|at| !is_past(at, now));
            let from = reissue.map(|at| format!("; new credentials are issued again from {} on", second(at)));
            format!("It was lifted at {}{}.", second(at), from.unwrap_or_default())
        }
        (None, Some(at)) => reissue(at, now),
        (None, None) if !cut_off.held => {
            format!("New credentials are kept back by another cut-off: lodge sessions {} --cut-off", cut_off.lab)
        }
        _ => format!("New credentials are kept back until somebody lifts that: {lift}"),
    }));
    let is_soon = cut_off.lifted_at.is_none() && cut_off.reissue_at.as_ref().is_some_and(|at| !is_past(at, now));
    if is_soon && matches!(cut_off.whose, WhoseSessions::Person { .. }) {
        lines.push(plain(STILL_SIGNED_IN));
    }
    lines
}

fn everywhere(all: &CutOffEverywhere, steps: Steps, now: DateTime<Utc>) -> Vec<Line> {
    let labs: Vec<&str> = all.labs.iter().map(|cut_off| cut_off.lab.as_str()).collect();
    let labs = match (labs.is_empty(), all.complete) {
        (true, true) => "none; no session of theirs lived".to_owned(),
        (true, false) => "the broker is still looking for them".to_owned(),
        (false, true) => labs.join(", "),
        (false, false) => format!("{}; the broker is still looking for others", labs.join(", ")),
    };
    let mut lines =
        vec![plain(format!("Cut off:      {}, in all labs", all.person)), plain(format!("Labs:         {labs}"))];
    if steps == Steps::ToTell {
        lines.extend([plain(""), (Some(Mark::Ok), stopped(all))]);
    }
    for cut_off in &all.labs {
        lines.extend([plain(""), plain(format!("Sessions in {}: {}", cut_off.lab, sessions(cut_off)))]);
        lines.extend(progress(cut_off, steps, is_of_a_lab));
        lines.extend(death(cut_off, now).map(plain));
    }
    lines.push(plain(""));
    if !(all.labs.is_empty() && all.complete) {
        lines.push(plain(by_aws(all.complete && all.labs.iter().all(is_at_aws))));
    }
    lines.push(plain(reissue(&all.reissue_at, now)));
    if !is_past(&all.reissue_at, now) {
        lines.push(plain(STILL_SIGNED_IN_ANYWHERE));
    }
    lines
}

/// Whether a step is one of each lab by itself: in all labs, issuing stops at once.
pub(super) fn is_of_a_lab(step: CutOffStepName) -> bool {
    step != CutOffStepName::IssuingStopped
}

/// The steps, and what keeps it from going on.
fn progress(cut_off: &CutOff, steps: Steps, is_told: impl Fn(CutOffStepName) -> bool) -> Vec<Line> {
    let mut lines = Vec::new();
    if steps == Steps::ToTell {
        lines.extend(cut_off.steps.iter().filter(|it| is_told(it.step)).map(|it| {
            let (mark, line) = step(cut_off, it, "");
            (Some(mark), line)
        }));
    }
    if let Some(it) = &cut_off.trouble {
        lines.push((Some(Mark::NotOk), trouble(it)));
        if let Some(by_hand) = &it.by_hand {
            lines.push(plain("        To do it by hand, somebody who administers the AWS account runs:"));
            lines.push(plain(format!("        {by_hand}")));
        }
    }
    if !lines.is_empty() {
        lines.push(plain(""));
    }
    lines
}

/// A step, in a place: `2026-11-21 13:00:01 UTC  vision: AWS has taken the deny`.
pub(super) fn step(cut_off: &CutOff, step: &CutOffStep, place: &str) -> (Mark, String) {
    let says = format!("{place}{}", cut_off::step(step));
    match &step.at {
        Some(at) => (Mark::Ok, format!("{}  {says}", second(at))),
        None if cut_off.done && step.step == CutOffStepName::DenialSeen => (Mark::Unclear, says),
        None => (Mark::Skipped, says),
    }
}

/// That nothing is issued any more.
pub(super) fn stopped(all: &CutOffEverywhere) -> String {
    format!("{}  nothing is issued to them any more, in any lab", second(&all.stopped_at))
}

/// What keeps AWS from having it.
pub(super) fn trouble(trouble: &CutOffTrouble) -> String {
    format!("{}; it is tried again at {}", trouble.says.trim_end_matches('.'), second(&trouble.again_at))
}

fn sessions(cut_off: &CutOff) -> String {
    let count = match cut_off.sessions {
        1 => "1 lived".to_owned(),
        count => format!("{count} lived"),
    };
    format!("{count}; denied is what AWS issued before {}", second(&cut_off.before))
}

fn by_aws(is_at_aws: bool) -> &'static str {
    if is_at_aws {
        "AWS has it. It may take AWS some minutes to go by it everywhere."
    } else {
        "AWS does not have it yet. Once it has, it may take some minutes to go by it everywhere."
    }
}

/// When the sessions are dead whatever AWS does.
fn death(cut_off: &CutOff, now: DateTime<Utc>) -> Option<String> {
    let at = cut_off.dead_at.as_deref()?;
    Some(if is_past(at, now) {
        format!("The last of these sessions died by itself at {}.", second(at))
    } else {
        format!("The sessions die anyway, the last of them at {}.", second(at))
    })
}

fn reissue(at: &str, now: DateTime<Utc>) -> String {
    if is_past(at, now) {
        format!("New credentials have been issued again since {}.", second(at))
    } else {
        format!("New credentials are issued again from {} on.", second(at))
    }
}

fn is_past(at: &str, now: DateTime<Utc>) -> bool {
    DateTime::parse_from_rfc3339(at).is_ok_and(|at| at.to_utc() <= now)
}

fn plain(line: impl Into<String>) -> Line {
    (None, line.into())
}
