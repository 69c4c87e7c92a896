//! A cut-off that is under way at the broker, step by step.

use chrono::{DateTime, TimeDelta, Utc};

use super::way::{Shown, Way};
use super::words;
use crate::cli::Helper;
use crate::cli::failure::Failure;
use crate::cli::output::{Mark, Output};
use crate::cli::pace::Pauses;
use crate::wire::cut_offs::{CutOffStepName, CutOffTrouble};

/// How long something may keep AWS from having it before a command gives up that waits for it.
const PATIENCE: TimeDelta = TimeDelta::minutes(5);

/// How long the broker may be away: it goes on where it stopped when it is started anew.
const AWAY: TimeDelta = TimeDelta::minutes(1);

/// Looks at it until it is over, and says each step when it is done. The inner answer is how that ended, apart from what
/// is known in the end.
pub(super) fn follow(
    helper: &Helper,
    way: &Way,
    mut shown: Shown,
    output: &mut Output<'_>,
) -> Result<(Shown, Result<(), Failure>), Failure> {
    let id = way.id(&shown)?;
    let see = way.command(&id);
    if !shown.is_over() {
        output.say("If you stop this command, the broker goes on by itself; to see how far it has got:");
        output.say(&see);
    }
    let begun = helper.clock.now();
    let (mut told, mut away, mut pauses) = (Told::default(), None, Pauses::new());
    loop {
        told.tell(&shown, output);
        if shown.is_over() {
            return Ok((shown, Ok(())));
        }
        if let Some(CutOffTrouble { says, .. }) = shown.trouble()
            && helper.clock.now() - begun >= PATIENCE
        {
            let says = says.trim_end_matches('.').to_owned();
            return Ok((shown, Err(Failure::NotCutOffYet { minutes: PATIENCE.num_minutes(), says, see })));
        }
        if !pauses.pause() {
            let ended = if shown.is_at_aws() { Ok(()) } else { Err(Failure::CutOffGoesOn { see }) };
            return Ok((shown, ended));
        }
        match way.look(&id) {
            Ok(next) => (shown, away) = (next, None),
            Err(failure) => bear(failure, &mut away, helper.clock.now(), output)?,
        }
    }
}

/// Bears a broker that cannot be asked, for a while.
fn bear(
    failure: Failure,
    away: &mut Option<DateTime<Utc>>,
    now: DateTime<Utc>,
    output: &mut Output<'_>,
) -> Result<(), Failure> {
    let is_away = matches!(failure, Failure::Unreachable { .. } | Failure::Unavailable { .. });
    match away {
        _ if !is_away => Err(failure),
        Some(since) if now - *since >= AWAY => Err(failure),
        Some(_) => Ok(()),
        None => {
            *away = Some(now);
            output.tell(Mark::Note, "The broker cannot be asked at the moment. This is tried for a minute.");
            Ok(())
        }
    }
}

/// What was said already, of each cut-off by its id.
#[derive(Default)]
struct Told {
    is_begun: bool,
    steps: Vec<(String, CutOffStepName)>,
    troubles: Vec<(String, String)>,
}

impl Told {
    fn tell(&mut self, shown: &Shown, output: &mut Output<'_>) {
        let is_everywhere = match shown {
            Shown::Everywhere(all) => {
                if !self.is_begun {
                    output.tell(Mark::Ok, &words::stopped(all));
                }
                true
            }
            Shown::Lab(_) => false,
        };
        self.is_begun = true;
        for cut_off in shown.cut_offs() {
            let lab = if is_everywhere { format!("{}: ", cut_off.lab) } else { String::new() };
            for step in &cut_off.steps {
                let key = (cut_off.id.clone(), step.step);
                let is_meant = !is_everywhere || words::is_of_a_lab(step.step);
                if is_meant && (step.at.is_some() || cut_off.done) && !self.steps.contains(&key) {
                    let (mark, line) = words::step(cut_off, step, &lab);
                    output.tell(mark, &line);
                    self.steps.push(key);
                }
            }
            if let Some(trouble) = &cut_off.trouble {
                let key = (cut_off.id.clone(), trouble.says.clone());
                if !self.troubles.contains(&key) {
                    output.tell(Mark::NotOk, &format!("{lab}{}", words::trouble(trouble)));
                    self.troubles.push(key);
                }
            }
        }
    }
}
