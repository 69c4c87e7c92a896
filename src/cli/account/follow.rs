//! A check that is under way at the broker, step by step.

use crate::cli::client::LabClient;
use crate::cli::failure::Failure;
use crate::cli::output::{Mark, Output};
use crate::cli::pace::Pauses;
use crate::domain::id::{AccountCheckId, LabName};
use crate::wire::accounts::AccountCheck;

/// Looks at the check until it is over, and says each step when it is done.
pub(super) fn follow(
    lab: &LabClient,
    name: &LabName,
    mut check: AccountCheck,
    output: &mut Output<'_>,
) -> Result<AccountCheck, Failure> {
    let goes_on = || Failure::CheckGoesOn { lab: name.clone() };
    let id: AccountCheckId = check.id.parse().map_err(|_| goes_on())?;
    if check.ended_at.is_none() {
        output.say(&format!("Checking the AWS account of {name}. If you stop this command, the check goes on at the"));
        output.say(&format!("broker; to see what came of it: lodge account show {name}"));
    }
    let mut told = Told::default();
    let mut pauses = Pauses::new();
    loop {
        told.tell(&check, output);
        if check.ended_at.is_some() {
            return Ok(check);
        }
        if !pauses.pause() {
            return Err(goes_on());
        }
        check = lab.account_check(&id)?;
    }
}

/// What was said already.
#[derive(Default)]
struct Told {
    tries: u32,
    steps: usize,
}

impl Told {
    fn tell(&mut self, check: &AccountCheck, output: &mut Output<'_>) {
        if check.tries != self.tries {
            if check.tries > 1 {
                let (tries, most) = (check.tries, check.tries_at_most);
                output.say(&format!("Try {tries} of {most}: IAM takes a while to apply what is new."));
            }
            *self = Self { tries: check.tries, steps: 0 };
        }
        for step in check.steps.iter().skip(self.steps) {
            let role = step.role.as_ref().map(|role| format!(" for {role}")).unwrap_or_default();
            let says = if step.says.is_empty() { String::new() } else { format!(": {}", step.says) };
            output.tell(Mark::of(&step.state), &format!("{}{role}{says}", step.title));
        }
        self.steps = check.steps.len();
    }
}
