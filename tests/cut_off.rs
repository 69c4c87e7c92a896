//! Cutting off sessions that live, against the small AWS: who is denied, from when on, what is seen of it, and that nobody
//! else is touched.

mod everywhere;
mod killed;
mod load;
mod stage;
mod troubles;

use chrono::TimeDelta;
use lodge::app::CutOffView;
use lodge::domain::access::Refusal;
use lodge::domain::cut_off::{CUT_OFF_POLICY, CutOffCause, DenialSeen, REISSUE_MARGIN, Whose};
use lodge::domain::lab::Office;
use lodge::domain::ledger::Event;

use self::stage::{Stage, refusal};
use crate::support::serving::wait;
use crate::support::signed_in::signed_in;

#[test]
fn a_person_is_cut_off_and_nobody_else_and_gets_new_credentials_once_the_moment_has_passed() {
    let stage = Stage::new();
    let (student, other) = (&stage.joining.student, signed_in(stage.broker(), "other", &[stage::STUDENTS]));
    let (old, others) = (stage.issue(student).unwrap(), stage.issue(&other).unwrap());
    assert!(stage.works(&old) && stage.works(&others));
    stage.advance(1);

    let begun = stage.cut_off(Whose::Person(student.person.clone()), false);

    assert_eq!((begun.row.sessions, begun.row.steps.stopped_at), (1, stage.now()));
    assert_eq!(begun.row.dead_at, Some(old.credentials.expires_at));
    let done = stage.done(&begun);
    assert!(matches!(done.row.steps.denial, DenialSeen::At(_)), "{:?}", done.row.steps);
    assert!(stage.is_denied(&old), "{}", stage.ask(&old).body);
    assert!(stage.works(&others));

    let again_at = done.reissue_at().unwrap();
    assert_eq!(refusal(stage.issue(student)), (Refusal::CutOff, Some(again_at)));
    stage.issue(&other).unwrap();
    let before = again_at - stage.now() - TimeDelta::seconds(1);
    stage.joining.advance(before);
    assert_eq!(refusal(stage.issue(student)).0, Refusal::CutOff);
    stage.advance(1);
    let new = stage.issue(student).unwrap();
    assert!(stage.works(&new) && stage.is_denied(&old) && stage.works(&others));
}

#[test]
fn the_ledger_says_who_cut_off_whom_and_what_aws_has_of_it() {
    let stage = Stage::new();
    let student = &stage.joining.student;
    stage.issue(student).unwrap();
    let begun = stage.cut_off(Whose::Person(student.person.clone()), false);
    stage.done(&begun);

    let entries = stage.entries();
    let cut_off = entries.iter().find_map(|entry| match &entry.event {
        Event::CutOff { cut_off, whose, cause, reason, held, sessions, .. } => {
            Some((cut_off.clone(), whose.clone(), *cause, reason.clone().unwrap(), *held, *sessions))
        }
        _ => None,
    });
    let whose = Whose::Person(student.person.clone());
    let reason = stage::REASON.parse().unwrap();
    assert_eq!(cut_off, Some((begun.row.id.clone(), whose, CutOffCause::Asked, reason, false, 1)));
    let applied = entries.iter().filter(|entry| matches!(entry.event, Event::DenyApplied { people: 1, .. })).count();
    assert_eq!(applied, 1);
    let words: Vec<String> = entries.iter().map(stage::words).collect();
    assert!(words.iter().any(|it| it.contains("cut off one session of") && it.contains(stage::REASON)), "{words:#?}");
}

#[test]
fn a_role_is_cut_off_and_then_all_of_the_lab() {
    let stage = Stage::new();
    let (student, payer) = (&stage.joining.student, stage.payer());
    let (reads, pays) = (stage.issue(student).unwrap(), stage.issue_role(&payer, "pay").unwrap());

    let done = stage.done(&stage.cut_off(Whose::Role("pay".parse().unwrap()), false));

    assert!(matches!(done.row.steps.denial, DenialSeen::At(_)), "{:?}", done.row.steps);
    assert!(stage.works(&reads) && stage.is_denied(&pays));
    assert_eq!(refusal(stage.issue_role(&payer, "pay")).0, Refusal::CutOff);
    stage.issue(student).unwrap();

    stage.done(&stage.cut_off(Whose::Everyone, false));

    assert!(stage.is_denied(&reads) && stage.is_denied(&pays));
    assert_eq!(refusal(stage.issue(student)).0, Refusal::CutOff);
    stage.advance(120);
    assert!(stage.works(&stage.issue(student).unwrap()) && stage.works(&stage.issue_role(&payer, "pay").unwrap()));
}

#[test]
fn whoever_is_kept_out_is_so_until_somebody_else_lifts_it() {
    let stage = Stage::new();
    let student = &stage.joining.student;
    stage.issue(student).unwrap();
    let begun = stage.cut_off(Whose::Person(student.person.clone()), true);
    stage.done(&begun);
    stage.settle();
    stage.advance(4_000);
    assert_eq!(refusal(stage.issue(student)), (Refusal::Held, None));
    stage.settle();
    assert_eq!(stage.policy(), None, "nothing is left to deny");
    let pi = stage.fresh_pi();
    let lifted = wait(stage.broker().lift_cut_off(&pi, stage.lab(), &begun.row.id)).unwrap();
    assert_eq!(lifted.row.lifted_at, Some(stage.now()));
    stage.sign_in_student();
    assert!(stage.works(&stage.issue(&stage.joining.student).unwrap()));
    let again = wait(stage.broker().lift_cut_off(&pi, stage.lab(), &begun.row.id)).unwrap_err();
    assert!(again.to_string().contains("keeps nobody out"), "{again}");
}

#[test]
fn whoever_is_kept_out_twice_is_let_in_when_both_are_lifted() {
    let stage = Stage::new();
    let student = &stage.joining.student;
    stage.issue(student).unwrap();
    let one = stage.cut_off(Whose::Person(student.person.clone()), true);
    let all = stage.cut_off(Whose::Everyone, true);
    stage.advance(600);
    let short = stage.cut_off(Whose::Person(student.person.clone()), false);
    assert_eq!(stage.look(&short).reissue_at(), None, "another one keeps them out");

    let lift = |it: &CutOffView| wait(stage.broker().lift_cut_off(&stage.fresh_pi(), stage.lab(), &it.row.id)).unwrap();
    assert_eq!(lift(&one).reissue_at(), None);
    assert_eq!(refusal(stage.issue(student)).0, Refusal::Held);
    assert!(lift(&all).reissue_at().is_some());

    assert_eq!(stage.look(&short).reissue_at(), Some(short.row.before.reissue_at()));
    assert_eq!(refusal(stage.issue(student)), (Refusal::CutOff, Some(short.row.before.reissue_at())));
}

#[test]
fn nobody_lifts_it_for_themselves_where_another_pi_can() {
    let stage = Stage::new();
    let second = stage.second_pi();
    let held = stage.cut_off(Whose::Person(second.person.clone()), true);
    let caller = stage.joining.caller(&second);
    let refused = wait(stage.broker().lift_cut_off(&caller, stage.lab(), &held.row.id)).unwrap_err();
    assert!(refused.to_string().contains("another PI of the lab has to lift it"), "{refused}");
    wait(stage.broker().lift_cut_off(&stage.fresh_pi(), stage.lab(), &held.row.id)).unwrap();

    let own = stage.cut_off_by(&second, Whose::Person(second.person.clone()), true);
    wait(stage.broker().lift_cut_off(&stage.joining.caller(&second), stage.lab(), &own.row.id)).unwrap();
}

#[test]
fn only_who_looks_after_the_lab_cuts_off_and_only_what_is_there() {
    let stage = Stage::new();
    let person = Whose::Person(stage.joining.student.person.clone());
    let student = stage.joining.student.clone();
    for (who, whose, says) in [
        (&student, person, "standing of manager"),
        (&stage.joining.pi, Whose::Role("nonesuch".parse().unwrap()), "no role of that name"),
        (&stage.joining.pi, Whose::Person(stage.stranger()), "nobody of that id"),
    ] {
        let error = stage.try_cut_off(who, whose, false).unwrap_err();
        assert!(error.to_string().contains(says), "{error}");
    }
    let manager = signed_in(stage.broker(), "manager", &[]);
    let key = crate::support::signed_in::key("campus", "manager");
    wait(stage.joining.seeding().add_office_holder(&stage.joining.lab, &key, Office::Manager)).unwrap();
    stage.cut_off_by(&manager, Whose::Everyone, false);
    assert_eq!(stage.policy_calls("PutRolePolicy").max(1), 1);
}

/// A deny is needed for an hour after its moment, and then not any more.
#[test]
fn a_deny_is_there_for_as_long_as_a_session_of_before_could_live_and_no_longer() {
    let stage = Stage::new();
    let student = &stage.joining.student;
    stage.issue(student).unwrap();
    let begun = stage.cut_off(Whose::Person(student.person.clone()), false);
    let moment = stage.done(&begun).row.before;
    stage.settle();
    let put = stage.policy_calls("PutRolePolicy");

    stage.joining.advance(moment.over_at() - stage.now() - TimeDelta::seconds(1));
    stage.settle();
    assert!(stage.policy().unwrap().contains(student.person.as_str()));
    stage.advance(1);
    stage.settle();

    assert_eq!(stage.policy(), None);
    assert_eq!((stage.policy_calls("PutRolePolicy"), stage.policy_calls("DeleteRolePolicy")), (put, 1));
    let gone =
        stage.entries().into_iter().filter(|it| matches!(it.event, Event::DenyApplied { policy_sha256: None, .. }));
    assert_eq!(gone.count(), 1);
    stage.advance(3_600);
    assert_eq!(stage.enforce(), 0, "nothing is due any more");
}

#[test]
fn the_moment_is_at_least_half_a_minute_ahead_and_credentials_come_five_seconds_after_it() {
    let stage = Stage::new();
    let begun = stage.cut_off(Whose::Everyone, false);

    assert!(begun.row.before.at() - stage.now() >= TimeDelta::seconds(30));
    assert_eq!(begun.reissue_at(), Some(begun.row.before.at() + REISSUE_MARGIN));
    stage.done(&begun);
    let policy = stage.policy().unwrap();
    assert!(policy.contains(&begun.row.before.to_string()), "{policy}");
    assert!(!stage.inline().contains_key("AWSRevokeOlderSessions"));
    assert!(stage.inline().contains_key(CUT_OFF_POLICY));
}
