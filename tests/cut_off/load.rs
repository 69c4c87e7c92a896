//! Many at once: two hundred live sessions, of which some are cut off while the others go on; two brokers in one lab; a whole
//! day of cut-offs.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use chrono::TimeDelta;
use lodge::app::Issued;
use lodge::demo::aws::{Lost, Service};
use lodge::domain::access::Refusal;
use lodge::domain::cut_off::{DenyMoment, INLINE_MAX_CHARS, Whose, counted_chars};
use lodge::domain::ledger::Event;
use serde_json::{Value, json};

use super::stage::{STUDENTS, Stage, refusal};
use crate::support::dice::Dice;
use crate::support::signed_in::{SignedIn, signed_in};

const PEOPLE: usize = 50;
const SESSIONS_EACH: usize = 4;
const CUT_OFF: usize = 10;

/// Says that it is over, however it ends: those who work meanwhile would never stop.
struct EndOf<'a>(&'a AtomicBool);

impl Drop for EndOf<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// The sessions of one of these people.
fn of(sessions: &[(usize, Issued)], who: usize) -> impl Iterator<Item = &Issued> {
    sessions.iter().filter(move |(whose, _)| *whose == who).map(|(_, session)| session)
}

/// AWS applies a change so many seconds later.
#[test]
fn exactly_those_are_denied_who_were_cut_off_from_the_applied_moment_on() {
    for delay in [0, 5, 60] {
        cut_off_some_of_many(delay);
    }
}

fn cut_off_some_of_many(delay: i64) {
    let stage = Stage::new();
    stage.joining.small.apply_changes_after(TimeDelta::seconds(delay));
    let people: Vec<SignedIn> =
        (0..PEOPLE).map(|which| signed_in(stage.broker(), &format!("s{which}"), &[STUDENTS])).collect();
    let mut sessions: Vec<(usize, Issued)> = Vec::new();
    for _ in 0..SESSIONS_EACH {
        sessions.extend(people.iter().enumerate().map(|(who, person)| (who, stage.issue(person).unwrap())));
    }
    stage.advance(1);
    // One is lost on the way, and AWS is busy.
    stage.joining.small.lose("PutRolePolicy", 1, Lost::OnTheWayThere);
    stage.joining.small.throttle(Service::Iam, 1);

    let works = AtomicUsize::new(0);
    let is_over = AtomicBool::new(false);
    let begun: Vec<_> = std::thread::scope(|scope| {
        let _end = EndOf(&is_over);
        // The others keep working, and nothing happens to them.
        for part in 0..2 {
            let (stage, sessions, works, is_over) = (&stage, &sessions, &works, &is_over);
            scope.spawn(move || {
                while !is_over.load(Ordering::Relaxed) {
                    for (who, session) in sessions.iter().skip(part).step_by(7).filter(|(who, _)| *who >= CUT_OFF) {
                        assert!(stage.works(session), "{delay}: the session of {who}");
                        works.fetch_add(1, Ordering::Relaxed);
                        std::thread::sleep(Duration::from_millis(5));
                    }
                }
            });
        }
        let begun: Vec<_> =
            people[..CUT_OFF].iter().map(|person| stage.cut_off(Whose::Person(person.person.clone()), false)).collect();
        let is_denied = |who: usize| of(&sessions, who).all(|session| stage.is_denied(session));
        if delay > 0 {
            assert!((0..CUT_OFF).all(|who| of(&sessions, who).all(|session| stage.works(session))), "not applied yet");
        }
        let mut denied = BTreeSet::new();
        // A second of theirs is a fifth of ours: the SDK waits by our clock, and the broker's leases go by theirs.
        for _ in 0..1_200 {
            let seen: Vec<_> = begun.iter().map(|one| stage.look(one)).collect();
            for (who, it) in seen.iter().enumerate() {
                if stage.now() < it.reissue_at().unwrap() {
                    let refused = refusal(stage.issue(&people[who]));
                    assert_eq!(refused, (Refusal::CutOff, it.reissue_at()), "{delay}: {who} so soon");
                }
                // Whoever AWS was seen to have the deny of is denied, and stays so whatever is written after it.
                if it.row.steps.is_at_aws() {
                    denied.insert(who);
                }
            }
            assert!(denied.iter().all(|who| is_denied(*who)), "{delay}: of {denied:?} somebody is not denied");
            if denied.len() == CUT_OFF && stage.joining.small.pending_changes() == 0 {
                break;
            }
            stage.advance(1);
            stage.enforce_at_once();
            std::thread::sleep(Duration::from_millis(200));
        }
        begun
    });
    assert!(works.load(Ordering::Relaxed) > PEOPLE, "{delay}: nobody worked meanwhile");
    for one in &begun {
        assert!(stage.look(one).row.steps.is_at_aws(), "{delay}: {:?}", stage.look(one));
    }
    for (who, session) in &sessions {
        assert_eq!(stage.is_denied(session), *who < CUT_OFF, "{delay}: a session of {who}");
        assert_eq!(stage.works(session), *who >= CUT_OFF, "{delay}: a session of {who}");
    }

    let calls = stage.joining.small.calls();
    let came_to = |code: &str| calls.iter().filter(|call| call.error_code.as_deref() == Some(code)).count();
    assert_eq!((came_to("dropped"), came_to("Throttling")), (1, 1), "{delay}: one was lost, and one came too often");

    let last = begun.iter().filter_map(lodge::app::CutOffView::reissue_at).max().unwrap();
    if stage.now() < last {
        stage.joining.advance(last - stage.now());
    }
    for (who, person) in people.iter().enumerate() {
        assert!(stage.works(&stage.issue(person).unwrap()), "{delay}: {who} again");
    }
}

/// Two brokers over one database cut off different people in the same lab, again and again.
#[test]
fn two_brokers_that_cut_off_in_one_lab_at_once_lose_nothing_of_either() {
    for kind in
        crate::support::databases::Kind::all("two_brokers_that_cut_off_in_one_lab_at_once_lose_nothing_of_either")
    {
        let stage = Stage::on(kind);
        let brokers = [stage.broker().clone(), stage.beside()];
        let people: Vec<SignedIn> =
            (0..12).map(|which| signed_in(stage.broker(), &format!("s{which}"), &[STUDENTS])).collect();
        let sessions: Vec<Issued> = people.iter().map(|person| stage.issue(person).unwrap()).collect();
        let begun: Vec<_> = std::thread::scope(|scope| {
            let halves = people.chunks(6).zip(&brokers).map(|(half, broker)| {
                let stage = &stage;
                scope.spawn(move || {
                    let one = |person: &SignedIn| {
                        stage.cut_off_at(broker, &stage.joining.pi, Whose::Person(person.person.clone()))
                    };
                    half.iter().map(one).collect::<Vec<_>>()
                })
            });
            halves.collect::<Vec<_>>().into_iter().flat_map(|half| half.join().unwrap()).collect()
        });
        for one in &begun {
            stage.done(one);
        }
        let policy = stage.policy().unwrap();
        for (person, session) in people.iter().zip(&sessions) {
            assert!(policy.contains(person.person.as_str()) && stage.is_denied(session));
        }
        assert!(stage.works(&stage.issue(&stage.joining.student).unwrap()));
    }
}

/// Whether a statement denies everybody's sessions of before then.
fn denies_all_before(policy: &str, before: DenyMoment) -> bool {
    let policy: Value = serde_json::from_str(policy).unwrap();
    let conditions = json!({"DateLessThan": {"aws:TokenIssueTime": before.to_string()}});
    policy["Statement"].as_array().unwrap().iter().any(|it| it["Condition"] == conditions)
}

const DAY_MINUTES: usize = 24 * 60;
const STEP_MINUTES: usize = 5;
const IN_A_DAY: usize = 5_000;

/// Five thousand cut-offs in one lab within a day, of which two thousand come in two bursts: a deny that never takes more than
/// its room, nobody forgotten early, nobody denied for longer than needed, and everybody denied where it does not fit.
#[test]
fn a_day_full_of_cut_offs_stays_within_its_room() {
    let stage = Stage::new();
    let mut dice = Dice(20_261_122);
    let people: Vec<SignedIn> = (0..800).map(|which| signed_in(stage.broker(), &format!("s{which}"), &[])).collect();
    stage.make_them_known();
    let steps = DAY_MINUTES / STEP_MINUTES;
    let (mut left, mut pi) = (IN_A_DAY, stage.joining.pi.clone());
    // An hour, and the five minutes by which clocks may differ, after it nobody is denied by it any more.
    let denied_for = TimeDelta::seconds(3_900);
    let mut due: BTreeMap<DenyMoment, BTreeSet<String>> = BTreeMap::new();
    let (mut overflown, mut whole_again, mut was_overflown, mut most) = (0, 0, false, 0);
    for step in 0..steps + 14 {
        if step.is_multiple_of(60) {
            stage.advance(1);
            pi = signed_in(stage.broker(), "pi", &[]);
        }
        let burst = if step == 60 || step == 180 { 1_000 } else { 0 };
        let count = if step < steps { (burst + 3_000 / steps + dice.roll(3)).min(left) } else { 0 };
        left -= count;
        // On the last step of the day, whatever is left.
        let count = if step + 1 == steps { count + std::mem::take(&mut left) } else { count };
        stage.keep_brokers_away();
        for which in 0..count {
            let person = &people[dice.roll(people.len())].person;
            let row = stage.cut_off_at(stage.broker(), &pi, Whose::Person(person.clone())).row;
            due.entry(row.before).or_default().insert(person.to_string());
            if (step, which) == (0, 0) {
                // Nobody can be kept away from what is not there yet.
                stage.settle();
                stage.keep_brokers_away();
            }
        }
        stage.let_brokers_at_it();
        stage.settle();
        let policy = stage.policy();
        let chars = policy.as_deref().map_or(0, counted_chars);
        most = most.max(chars);
        assert!(chars <= INLINE_MAX_CHARS - 240, "step {step}: {chars}");
        let now = stage.now();
        due.retain(|before, _| before.at() + denied_for > now);
        let overflow = stage.overflow();
        let is_overflown = overflow.is_some();
        overflown += usize::from(is_overflown);
        whole_again += usize::from(was_overflown && !is_overflown);
        was_overflown = is_overflown;
        match &policy {
            Some(policy) => {
                // Who is not covered by the overflow is named, and nobody else.
                let is_named = |before: &DenyMoment| overflow.is_none_or(|overflow| *before > overflow);
                let wanted: BTreeSet<&String> =
                    due.iter().filter(|(before, _)| is_named(before)).flat_map(|(_, people)| people).collect();
                let missing: Vec<_> = wanted.iter().filter(|id| !policy.contains(id.as_str())).collect();
                assert!(missing.is_empty(), "step {step}: {missing:?}");
                let named = policy.matches("\"p-").count();
                assert_eq!(named, wanted.len(), "step {step}: nobody lingers");
                let of_all = overflow.map(|before| denies_all_before(policy, before));
                assert_ne!(of_all, Some(false), "step {step}: {overflow:?}");
            }
            None => assert!(due.is_empty(), "step {step}"),
        }
        stage.joining.advance(TimeDelta::minutes(i64::try_from(STEP_MINUTES).unwrap()));
    }
    assert!(due.is_empty() && stage.policy().is_none());
    println!("{overflown} of {steps} steps overflown, whole again {whole_again} times, {most} characters at most");
    assert!(overflown > 5 && whole_again >= 2 && overflown < steps / 4, "{overflown} {whole_again}");
    let entries = stage.entries();
    assert_eq!(entries.iter().filter(|it| matches!(it.event, Event::CutOff { .. })).count(), IN_A_DAY);
    assert!(entries.iter().any(|it| matches!(it.event, Event::DenyApplied { overflow: Some(_), .. })));
}
