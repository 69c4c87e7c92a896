//! Many at once: two hundred live sessions, of which some are cut off while the others go on; two brokers in one lab; a whole
//! day of cut-offs.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use chrono::TimeDelta;
use lodge::app::Issued;
use lodge::demo::aws::{Lost, Service};
use lodge::domain::access::Refusal;
use lodge::domain::cut_off::{INLINE_MAX_CHARS, Whose, counted_chars};
use lodge::domain::ledger::Event;

use super::stage::{STUDENTS, Stage, refusal};
use crate::support::dice::Dice;
use crate::support::signed_in::{SignedIn, signed_in};

const PEOPLE: usize = 50;
const SESSIONS_EACH: usize = 4;
const CUT_OFF: usize = 10;

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
        // The others keep working, and nothing happens to them.
        for part in 0..2 {
            let (stage, sessions, works, is_over) = (&stage, &sessions, &works, &is_over);
            scope.spawn(move || {
                while !is_over.load(Ordering::Relaxed) {
                    for (who, session) in sessions.iter().skip(part).step_by(7) {
                        assert!(*who < CUT_OFF || stage.works(session), "{delay}: the session of {who}");
                        works.fetch_add(1, Ordering::Relaxed);
                    }
                }
            });
        }
        let begun: Vec<_> =
            people[..CUT_OFF].iter().map(|person| stage.cut_off(Whose::Person(person.person.clone()), false)).collect();
        // A second of theirs is a tenth of ours: the SDK waits by our clock, and the broker's leases go by theirs.
        for _ in 0..1_200 {
            let seen: Vec<_> = begun.iter().map(|one| stage.look(one)).collect();
            let is_read_back = seen.iter().all(|it| it.row.steps.is_at_aws());
            if is_read_back && stage.joining.small.pending_changes() == 0 {
                break;
            }
            stage.advance(1);
            stage.enforce_at_once();
            std::thread::sleep(std::time::Duration::from_millis(100));
        }
        is_over.store(true, Ordering::Relaxed);
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

    let last = begun.iter().filter_map(lodge::app::CutOffView::reissue_at).max().unwrap();
    let first = begun.iter().filter_map(lodge::app::CutOffView::reissue_at).min().unwrap();
    if stage.now() < first {
        assert_eq!(refusal(stage.issue(&people[0])).0, Refusal::CutOff, "{delay}");
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
    let mut due: BTreeMap<chrono::DateTime<chrono::Utc>, BTreeSet<String>> = BTreeMap::new();
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
        for _ in 0..count {
            let person = &people[dice.roll(people.len())].person;
            let row = stage.cut_off_at(stage.broker(), &pi, Whose::Person(person.clone())).row;
            due.entry(row.before.over_at()).or_default().insert(person.to_string());
            stage.keep_brokers_away();
        }
        stage.let_brokers_at_it();
        stage.settle();
        let policy = stage.policy();
        let chars = policy.as_deref().map_or(0, counted_chars);
        most = most.max(chars);
        assert!(chars <= INLINE_MAX_CHARS - 240, "step {step}: {chars}");
        let now = stage.now();
        due.retain(|over_at, _| *over_at > now);
        let is_overflown = stage.overflow().is_some();
        overflown += usize::from(is_overflown);
        whole_again += usize::from(was_overflown && !is_overflown);
        was_overflown = is_overflown;
        match &policy {
            Some(policy) if !is_overflown => {
                let wanted: BTreeSet<&String> = due.values().flatten().collect();
                let missing: Vec<_> = wanted.iter().filter(|id| !policy.contains(id.as_str())).collect();
                assert!(missing.is_empty(), "step {step}: {missing:?}");
                let named = policy.matches("\"p-").count();
                assert_eq!(named, wanted.len(), "step {step}: nobody lingers");
            }
            Some(_) => {}
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
