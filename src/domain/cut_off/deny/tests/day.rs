//! A lab's day with five thousand cut-offs, minute by minute.

use chrono::TimeDelta;

use super::*;

const CUT_OFFS: usize = 5_000;
const DAY_SECONDS: usize = 24 * 60 * 60;

/// How long after the moment a session of before it may be used: an hour, and five minutes for clocks that differ.
const DENIED_SECONDS: i64 = 3_600 + 300;

/// A lab, as its cut-offs stand at a moment.
#[derive(Default)]
struct Lab {
    entries: Vec<DenyEntry>,
    deny: Deny,
    /// Whose sessions of before when must be denied, until `DENIED_SECONDS` later.
    live: Vec<(PersonId, DenyMoment)>,
    cut_offs: usize,
    /// How many characters the longest policy had.
    longest: usize,
    /// How often a deny began not to fit, and to fit again.
    overflows: usize,
    recoveries: usize,
}

impl Lab {
    fn cut_off(&mut self, person: &PersonId, now: DenyMoment) {
        let before = DenyMoment::after(now.at(), self.deny.moments());
        self.live.push((person.clone(), before));
        self.cut_offs += 1;
        self.entries.push(DenyEntry { whose: Whose::Person(person.clone()), before });
        self.write();
    }

    fn prune(&mut self, now: DenyMoment) {
        let count = self.entries.len();
        self.entries.retain(|entry| entry.before.over_at() > now.at());
        if self.entries.len() < count {
            self.write();
        }
    }

    fn write(&mut self) {
        let deny = Deny::of(&self.entries, ROOM_CHARS);
        // Writing it down takes longer than all the rest.
        if self.cut_offs.is_multiple_of(8) {
            self.longest = self.longest.max(deny.document().map_or(0, |document| document.len()));
        }
        self.overflows += usize::from(deny.overflow().is_some() && self.deny.overflow().is_none());
        self.recoveries += usize::from(deny.overflow().is_none() && self.deny.overflow().is_some());
        self.deny = deny;
    }

    /// At a whole minute, when what is over was left out.
    fn check(&mut self, now: DenyMoment) {
        self.longest = self.longest.max(self.deny.document().map_or(0, |document| document.len()));
        assert!(self.longest <= ROOM_CHARS, "{now}: {}", self.longest);
        let ends = |before: DenyMoment| before.at() + TimeDelta::seconds(DENIED_SECONDS);
        self.live.retain(|(_, before)| ends(*before) > now.at());
        for (person, before) in &self.live {
            let is_named = self.deny.people.range(before..).any(|(_, people)| people.contains(person));
            assert!(is_named || self.deny.everyone >= Some(*before), "{now}: {person} of {before} is let go");
        }
        assert_eq!(self.deny.is_empty(), self.live.is_empty(), "{now}");
        assert_eq!(self.deny.everyone, self.deny.overflow(), "{now}");
        let oldest = self.deny.everyone.into_iter().chain(self.deny.people.keys().copied()).min();
        assert!(oldest.is_none_or(|oldest| ends(oldest) > now.at()), "{now}: {oldest:?} lingers");
    }
}

/// Goes through a day of cut-offs at these seconds, and until all is over.
fn day(dice: &mut Dice, mut at: Vec<usize>) -> Lab {
    at.sort_unstable();
    let mut at = at.into_iter().map(|second| i64::try_from(second).unwrap()).peekable();
    let begin = moment("2026-11-22T00:00:00Z");
    let mut lab = Lab::default();
    for minute in 0..(24 * 60 + 90) {
        let now = seconds_after(begin, minute * 60);
        lab.prune(now);
        lab.check(now);
        while let Some(second) = at.next_if(|second| *second < (minute + 1) * 60) {
            lab.cut_off(&dice.person(), seconds_after(begin, second));
        }
    }
    assert_eq!((lab.cut_offs, lab.deny.is_empty()), (CUT_OFFS, true));
    lab
}

#[test]
fn a_day_of_five_thousand_cut_offs_fits_and_nobody_else_is_denied() {
    for seed in 1..=2 {
        let mut dice = Dice(seed);
        let at = (0..CUT_OFFS).map(|_| dice.roll(DAY_SECONDS)).collect();

        let lab = day(&mut dice, at);

        assert_eq!((lab.overflows, lab.recoveries), (0, 0), "{seed}: {}", lab.longest);
    }
}

#[test]
fn a_day_in_bursts_is_too_much_for_a_while_and_then_fits_again() {
    for seed in 3..=4 {
        let mut dice = Dice(seed);
        let mut at: Vec<usize> = (0..CUT_OFFS - 1_000).map(|_| dice.roll(DAY_SECONDS)).collect();
        for _ in 0..2 {
            // A university signs a whole course out.
            let begin = dice.roll(DAY_SECONDS - 120);
            at.extend((0..500).map(|_| begin + dice.roll(120)));
        }

        let lab = day(&mut dice, at);

        assert!(lab.overflows > 0 && lab.recoveries == lab.overflows, "{seed}: {} {}", lab.overflows, lab.recoveries);
    }
}
