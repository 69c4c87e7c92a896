//! Cutting one person off in all labs: by themselves, by an operator, by a suspension.

use lodge::app::{DenyState, EverywhereView};
use lodge::demo::aws::Requester;
use lodge::domain::access::Refusal;
use lodge::domain::cut_off::{CutOffCause, DenialSeen, Whose};
use lodge::domain::ledger::Event;

use super::stage::{Stage, refusal};
use crate::support::eventually;
use crate::support::joining::ACCOUNT;
use crate::support::serving::wait;
use crate::support::signed_in::signed_in;

/// How far the latest one of the student has got.
fn latest(stage: &Stage) -> Option<EverywhereView> {
    let seeding = stage.joining.seeding();
    wait(stage.broker().latest_cut_off_of(&seeding.desk().operator, &stage.joining.student.person)).unwrap()
}

fn done(stage: &Stage) -> EverywhereView {
    eventually("a cut-off in all labs", || latest(stage).filter(EverywhereView::is_done))
}

#[test]
fn somebody_cuts_off_themselves_wherever_they_have_sessions() {
    let stage = Stage::new();
    let student = &stage.joining.student;
    let old = stage.issue(student).unwrap();
    let caller = stage.joining.caller(student);

    let begun = wait(stage.broker().cut_off_oneself(&caller, Some("a lost phone".parse().unwrap()))).unwrap();
    let done = done(&stage);

    assert_eq!(
        (done.row.id.clone(), done.labs.len(), done.row.cause),
        (begun.row.id.clone(), 1, CutOffCause::Everywhere)
    );
    let seen = wait(stage.broker().own_cut_off(&caller, &begun.row.id)).unwrap();
    assert_eq!(seen.labs[0].row.before, seen.row.before, "one moment for all labs");
    assert!(stage.is_denied(&old));
    assert_eq!(refusal(stage.issue(student)).0, Refusal::CutOff);
    stage.advance(100);
    assert!(stage.works(&stage.issue(student).unwrap()));
    let other = signed_in(stage.broker(), "other", &[super::stage::STUDENTS]);
    let foreign = wait(stage.broker().own_cut_off(&stage.joining.caller(&other), &begun.row.id)).unwrap_err();
    assert!(foreign.to_string().contains("no such cut-off"), "{foreign}");
}

/// What one lab's account is waited for keeps nobody else waiting.
#[test]
fn a_suspension_gets_to_the_labs_while_a_denial_is_waited_for() {
    let stage = Stage::new();
    let student = &stage.joining.student;
    stage.issue(student).unwrap();
    stage.done(&stage.cut_off(Whose::Role("pay".parse().unwrap()), false));
    stage.settle();
    stage.keep_brokers_away();
    stage.joining.small.set_requester(ACCOUNT, Requester::Unreachable);
    let waited_for = stage.cut_off(Whose::Everyone, false);
    stage.let_brokers_at_it();
    let watch = stage.watch();
    eventually("a denial that is waited for", || stage.look(&waited_for).row.steps.is_at_aws().then_some(()));
    assert_eq!(stage.look(&waited_for).row.steps.denial, DenialSeen::NotYet);

    wait(stage.joining.seeding().desk().suspend(&student.person)).unwrap();

    eventually("the suspension in the lab", || latest(&stage).filter(|all| all.labs.len() == 1));
    assert_eq!(stage.look(&waited_for).row.steps.denial, DenialSeen::NotYet);
    watch.abort();
}

#[test]
fn a_suspension_cuts_off_what_was_handed_out_even_when_no_broker_runs_at_that_moment() {
    let stage = Stage::new();
    let student = &stage.joining.student;
    let old = stage.issue(student).unwrap();

    // The operator's command writes to the database alone.
    let (_, sessions, cut_off) = wait(stage.joining.seeding().desk().suspend(&student.person)).unwrap();
    assert!(sessions > 0 && stage.works(&old));
    assert_eq!(latest(&stage).unwrap().labs.len(), 0);
    stage.enforce();
    let done = done(&stage);

    assert_eq!((done.row.id, done.row.cause), (cut_off.id, CutOffCause::Suspended));
    assert!(stage.is_denied(&old));
    let entries = stage.entries();
    assert!(entries.iter().any(|it| matches!(it.event, Event::PersonCutOff { cause: CutOffCause::Suspended, .. })));
    assert_eq!(entries.iter().filter(|it| matches!(it.event, Event::CutOff { .. })).count(), 1);
    stage.enforce();
    assert_eq!(stage.entries().iter().filter(|it| matches!(it.event, Event::CutOff { .. })).count(), 1, "once");
}

#[test]
fn a_mapping_is_ended_with_the_sessions_that_it_gave() {
    let stage = Stage::new();
    let (student, payer) = (&stage.joining.student, stage.payer());
    let (old, pays) = (stage.issue(student).unwrap(), stage.issue_role(&payer, "pay").unwrap());
    let pi = stage.joining.caller(&stage.joining.pi);
    let mappings = wait(stage.broker().mappings(&pi, stage.lab(), None, 100)).unwrap();
    let of_students = mappings.iter().find(|it| it.target.role.as_str() == "read-results").unwrap();

    wait(stage.broker().end_mapping(&pi, stage.lab(), &of_students.id, of_students.revision, true, None)).unwrap();

    let all = wait(stage.broker().cut_offs(&pi, stage.lab(), None, 10)).unwrap().cut_offs;
    assert_eq!(all.iter().map(|it| it.row.whose.clone()).collect::<Vec<_>>(), [Whose::Person(student.person.clone())]);
    assert_eq!(all[0].row.cause, CutOffCause::MappingEnded);
    stage.done(&all[0]);
    assert!(stage.is_denied(&old) && stage.works(&pays));
    stage.advance(100);
    assert_eq!(refusal(stage.issue(student)).0, Refusal::NoMapping);

    let revision = of_students.revision + 1;
    let again = wait(stage.broker().end_mapping(&pi, stage.lab(), &of_students.id, revision, false, None)).unwrap_err();
    assert!(again.to_string().contains("ended already"), "{again}");
    wait(stage.broker().end_mapping(&pi, stage.lab(), &of_students.id, revision, true, None)).unwrap();
    let all = wait(stage.broker().cut_offs(&pi, stage.lab(), None, 10)).unwrap().cut_offs;
    assert_eq!(all.len(), 2, "whoever ended it first without cutting off can still do so");
}

#[test]
fn the_doctor_sees_whether_the_account_has_what_the_database_says() {
    let stage = Stage::new();
    let seeding = stage.joining.seeding();
    let compare = || wait(seeding.desk().compare_denies(&stage.broker().aws)).unwrap();
    assert_eq!(compare(), []);
    stage.issue(&stage.joining.student).unwrap();
    stage.done(&stage.cut_off(Whose::Person(stage.joining.student.person.clone()), false));

    assert_eq!(compare(), [(stage.lab().clone(), DenyState::Agrees { people: 1, overflow: None })]);
    stage.joining.small.change_role(&stage.joining.session_role(), |role| role.inline_policies.clear()).unwrap();
    assert!(matches!(compare()[..], [(_, DenyState::Differs { .. })]));
    stage.advance(301);
    stage.settle();
    assert!(matches!(compare()[..], [(_, DenyState::Agrees { .. })]));
    stage.joining.small.remove_role(&stage.joining.plan().names().steward_role()).unwrap();
    assert!(matches!(compare()[..], [(_, DenyState::Unknown(_))]));
}

/// Others who are cut off are named in what can be done by hand.
#[test]
fn who_was_cut_off_is_not_told_who_else_was() {
    let stage = Stage::new();
    let (student, other) = (&stage.joining.student, signed_in(stage.broker(), "other", &[super::stage::STUDENTS]));
    for person in [student, &other] {
        stage.issue(person).unwrap();
    }
    stage.joining.small.change_role(&stage.joining.session_role(), |role| role.boundary = None).unwrap();
    let of_other = stage.cut_off(Whose::Person(other.person.clone()), false);
    let url = &stage.joining.running.url;
    let begun = student.ask("POST", &format!("{url}/api/v1/me/cut-off")).send();
    let id = serde_json::from_str::<serde_json::Value>(&begun.body).unwrap()["id"].as_str().unwrap().to_owned();

    let own = eventually("a trouble", || {
        let seen = student.ask("GET", &format!("{url}/api/v1/me/cut-offs/{id}")).send();
        seen.body.contains("\"trouble\":{").then_some(seen.body)
    });

    assert!(!own.contains(other.person.as_str()) && own.contains("\"by_hand\":null"), "{own}");
    let of_lab = format!("{url}/api/v1/labs/vision/cut-offs/{}", of_other.row.id);
    let seen = stage.joining.pi.ask("GET", &of_lab).send().body;
    assert!(seen.contains(student.person.as_str()) && seen.contains("put-role-policy"), "{seen}");
}
