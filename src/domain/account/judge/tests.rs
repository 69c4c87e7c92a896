//! The causes that the answers leave, as a table; against a real protocol it is in `tests/broken_accounts.rs`.

use serde_json::Value;

use super::*;
use crate::domain::account::FoundRole;
use crate::domain::account::fixture::{BROKER, GONE, SESSION_ROLE_ID, plan, untouched};

/// What a check hears of an account that is well.
fn well(plan: &Plan) -> Observed {
    Observed {
        session: Some(Answer::LetIn),
        session_is_open: Some(false),
        steward: Some(Answer::LetIn),
        steward_is_open: Some(false),
        found: Some(untouched(plan)),
        ..Observed::default()
    }
}

fn judged(change: impl FnOnce(&mut Observed)) -> Judgement {
    let plan = plan();
    let mut observed = well(&plan);
    change(&mut observed);
    judge(&plan, &observed, Some(SESSION_ROLE_ID))
}

/// The role lets nobody in, and this is why.
fn kept_out(action: Option<&'static str>, change: impl FnOnce(&mut FoundRole)) -> Judgement {
    judged(|observed| {
        observed.session = Some(Answer::Denied(action));
        observed.session_is_open = None;
        change(observed.found.as_mut().unwrap().session_role.as_mut().unwrap());
    })
}

fn edit(role: &mut FoundRole, edit: impl FnOnce(&mut Vec<Value>)) {
    let mut trust: Value = serde_json::from_str(&role.trust).unwrap();
    edit(trust["Statement"].as_array_mut().unwrap());
    role.trust = trust.to_string();
}

fn without(sid: &'static str) -> impl FnOnce(&mut FoundRole) {
    move |role| edit(role, |statements| statements.retain(|statement| statement["Sid"] != sid))
}

#[test]
fn an_account_that_is_as_it_should_be_has_proved_itself() {
    assert_eq!(judged(|_| {}), Judgement { verdict: Verdict::Proven, troubles: Vec::new() });
}

#[test]
fn what_was_not_tried_is_not_proven() {
    assert_eq!(judged(|it| it.session_is_open = None).verdict, Verdict::Unclear);
    assert_eq!(judged(|it| it.steward_is_open = None).verdict, Verdict::Unread);
    assert_eq!(judged(|it| it.found = None).verdict, Verdict::Unread);
    assert_eq!(judged(|it| it.session = None).verdict, Verdict::Unclear);
    assert_eq!(judged(|it| *it = Observed::default()).verdict, Verdict::Unclear);
}

#[test]
fn a_role_that_lets_the_broker_in_without_its_external_id_is_open() {
    for open in [
        judged(|it| it.session_is_open = Some(true)),
        judged(|it| it.steward_is_open = Some(true)),
        judged(|it| {
            it.session_is_open = Some(true);
            it.found = None;
        }),
    ] {
        assert_eq!(open.verdict, Verdict::Open, "{open:?}");
        assert!(matches!(open.troubles[0].causes[..], [Cause::OpenToAnyone { .. }]), "{open:?}");
    }
}

#[test]
fn a_way_in_that_a_call_has_shown_is_not_told_twice() {
    let open = judged(|it| {
        it.session_is_open = Some(true);
        let role = it.found.as_mut().unwrap().session_role.as_mut().unwrap();
        edit(role, |statements| statements[0]["Condition"] = serde_json::json!({}));
    });
    let told = open.troubles.iter().filter(|trouble| trouble.to_string().contains("without")).count();

    assert_eq!((open.verdict, told), (Verdict::Open, 1), "{open:?}");
}

#[test]
fn why_the_broker_is_kept_out_is_read_from_the_role() {
    let other_id = |role: &mut FoundRole| {
        edit(role, |statements| statements[0]["Condition"]["StringEquals"]["sts:ExternalId"] = "another".into());
    };
    let combined = |role: &mut FoundRole| {
        edit(role, |statements| {
            let mut one = statements[0].clone();
            one["Action"] = serde_json::json!(["sts:AssumeRole", "sts:TagSession", "sts:SetSourceIdentity"]);
            *statements = vec![one];
        });
    };
    for (what, judged, cause) in [
        ("another external id", kept_out(Some("sts:AssumeRole"), other_id), Cause::OtherExternalId),
        ("no tags", kept_out(Some("sts:TagSession"), without("Tags")), Cause::NoTagSession),
        ("no source", kept_out(Some("sts:SetSourceIdentity"), without("Source")), Cause::NoSetSourceIdentity),
        ("one statement", kept_out(Some("sts:TagSession"), combined), Cause::CombinedTrust),
        (
            "the broker's role made anew",
            kept_out(None, |role| role.trust = role.trust.replace(BROKER, GONE)),
            Cause::BrokerRoleRecreated,
        ),
    ] {
        assert_eq!(judged.verdict, Verdict::Broken, "{what}");
        assert_eq!(judged.troubles[0].causes, [cause], "{what}: {:?}", judged.troubles);
        assert_eq!(judged.troubles[0].link, ChainLink::Sts, "{what}");
    }
    let gone = judged(|it| {
        it.session = Some(Answer::Denied(None));
        it.found.as_mut().unwrap().session_role = None;
    });
    assert_eq!((gone.verdict, &gone.troubles[0].causes[..]), (Verdict::Broken, &[Cause::SessionRoleMissing][..]));
}

#[test]
fn where_the_role_cannot_be_read_every_cause_is_named_that_aws_leaves() {
    let unread = |action, steward: Answer, unread| {
        let judged = judged(|it| {
            (it.session, it.session_is_open) = (Some(Answer::Denied(action)), None);
            (it.steward, it.steward_is_open, it.found, it.unread) = (Some(steward), None, None, unread);
        });
        assert_eq!((judged.verdict, judged.troubles.len()), (Verdict::Broken, 1), "{judged:?}");
        assert!(!judged.troubles[0].is_known());
        judged.troubles[0].causes.clone()
    };
    let refused = || Answer::Denied(Some("sts:AssumeRole"));

    let both = unread(Some("sts:AssumeRole"), refused(), None);
    assert_eq!(both.first(), Some(&Cause::StackMissing));
    assert!(both.contains(&Cause::BrokerRoleRecreated) && both.contains(&Cause::OtherExternalId));
    assert!(both.contains(&Cause::BrokerPolicy) && both.contains(&Cause::OrganizationPolicy));

    let tags = unread(Some("sts:TagSession"), refused(), None);
    assert_eq!(tags, [Cause::NoTagSession, Cause::CombinedTrust, Cause::BrokerPolicy]);
    let source = unread(Some("sts:SetSourceIdentity"), refused(), None);
    assert_eq!(source, [Cause::NoSetSourceIdentity, Cause::CombinedTrust, Cause::BrokerPolicy]);

    // Of a role that is not there IAM may say that it may not be read.
    let unreadable = Some((Part::SessionRole, Answer::Denied(Some("iam:GetRole"))));
    let missing = unread(Some("sts:AssumeRole"), Answer::LetIn, unreadable);
    assert_eq!(missing, [Cause::SessionRoleMissing, Cause::StewardCannotRead { part: Part::SessionRole }]);
}

#[test]
fn what_aws_names_is_named() {
    let answer = |answer| {
        judged(|it| {
            *it = Observed { session: Some(answer), clock_off_seconds: it.clock_off_seconds, ..Observed::default() };
        })
    };
    for (judged, verdict, cause) in [
        (answer(Answer::RegionDisabled), Verdict::Broken, Cause::RegionDisabled),
        (answer(Answer::SessionTooLong), Verdict::Broken, Cause::SessionTooShort),
        (answer(Answer::Throttled), Verdict::Unclear, Cause::Throttled),
        (answer(Answer::Unreachable), Verdict::Unclear, Cause::Unreachable),
        (answer(Answer::Identity), Verdict::Unclear, Cause::BrokerCredentials),
        (answer(Answer::Other(Some("X".into()))), Verdict::Unclear, Cause::Unexpected { code: "X".into() }),
    ] {
        assert_eq!((judged.verdict, &judged.troubles[0].causes[..]), (verdict, &[cause][..]));
    }
    let off = judged(|it| {
        *it = Observed { session: Some(Answer::Identity), clock_off_seconds: Some(-600), ..Observed::default() };
    });
    assert_eq!(off.troubles[0].to_string(), "the broker's clock is 600 seconds ahead");
}

#[test]
fn what_opens_an_account_keeps_it_from_being_proven_and_what_differs_does_not() {
    let session = |change: fn(&mut FoundRole)| {
        judged(|it| change(it.found.as_mut().unwrap().session_role.as_mut().unwrap())).verdict
    };
    assert_eq!(session(|role| role.boundary = None), Verdict::Open);
    assert_eq!(
        session(|role| role.boundary = Some("arn:aws:iam::aws:policy/AdministratorAccess".into())),
        Verdict::Open
    );
    assert_eq!(session(|role| role.attached.push("arn:aws:iam::aws:policy/ReadOnlyAccess".into())), Verdict::Open);
    assert_eq!(session(|role| drop(role.inline.insert("more".into(), "{}".into()))), Verdict::Open);
    assert_eq!(judged(|it| it.found.as_mut().unwrap().boundary = None).verdict, Verdict::Open);

    assert_eq!(session(|role| role.max_session_seconds = 7_200), Verdict::Proven);
    assert_eq!(session(|role| role.id = "AROAANOTHER".into()), Verdict::Proven);
    assert_eq!(session(|role| drop(role.inline.insert("lodge-cut-off".into(), "{}".into()))), Verdict::Proven);
    let older = judged(|it| it.uncovered = vec![("pay".parse().unwrap(), vec!["mechanicalturk:SendBonus".into()])]);
    assert_eq!(older.verdict, Verdict::Proven);
    assert_eq!(older.troubles[0].to_string(), "pay: the account's stack does not allow mechanicalturk:SendBonus yet");
}

#[test]
fn every_trouble_says_who_mends_it_and_what_to_do() {
    let all = [
        judged(|it| (it.session, it.found) = (Some(Answer::Denied(None)), None)),
        judged(|it| it.steward = Some(Answer::Denied(None))),
        judged(|it| it.unread = Some((Part::Boundary, Answer::Denied(None)))),
        judged(|it| it.found.as_mut().unwrap().steward_role = None),
    ];
    for trouble in all.iter().flat_map(|judged| &judged.troubles) {
        assert!(!trouble.causes.is_empty(), "{trouble:?}");
        for cause in &trouble.causes {
            assert!(cause.next().ends_with('.') && !cause.mender().to_string().is_empty(), "{cause:?}");
        }
    }
}
