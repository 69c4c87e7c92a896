//! What this machine keeps goes when it is cut off, and nothing else.

use super::*;
use crate::cli::credentials::Cache;
use crate::cli::exit::Exit;
use crate::cli::session::Session;
use crate::cli::stand_in::{Desk, credentials};

const ME: &str = "p-0123456789abcdef";

/// A broker that gives credentials for any role, and answers a cut-off with this.
fn giving(status: &'static str, cut_off: &Value) -> StandIn {
    let cut_off = cut_off.to_string();
    StandIn::start(move |_, line| match line {
        line if line.ends_with("/credentials") => ("200 OK", credentials()),
        _ => (status, cut_off.clone()),
    })
}

/// Which roles a desk at this broker still keeps after this command, of three.
fn kept_after(broker: &StandIn, line: &[&str]) -> (Vec<String>, Exit, String) {
    let desk = Desk::signed_in(broker);
    let elsewhere = giving("200 OK", &Value::Null);
    let fill = |desk: &Desk, broker: &StandIn| {
        for role in ["vision/pay", "vision/read-results", "speech/pay"] {
            let (exit, _, stderr) = desk.run(&["credential-process", role, "--broker", &broker.url]);
            assert_eq!(exit, Exit::Done, "{stderr}");
        }
    };
    fill(&desk, broker);
    let there = Session {
        broker: elsewhere.url.clone(),
        revocation_endpoint: format!("{}/oauth/revoke", elsewhere.url),
        renewal: None,
        ..desk.session(broker)
    };
    desk.helper.sessions().unwrap().keep(&elsewhere.url.parse().unwrap(), &there).unwrap();
    fill(&desk, &elsewhere);

    let (exit, _, stderr) = desk.run(&[&["revoke", "--broker", &broker.url], line].concat());

    let cache = Cache::of(&desk.helper).unwrap();
    let list = |broker: &StandIn| cache.list(&broker.url.parse().unwrap(), ME);
    assert_eq!(list(&elsewhere).len(), 3, "what another broker gave is not ours to drop");
    (list(broker).iter().map(|(role, _)| role.to_string()).collect(), exit, stderr)
}

#[test]
fn ones_own_credentials_are_dropped_and_other_machines_are_thought_of() {
    let broker = giving("202 Accepted", &everywhere(&[], true, true));

    let (kept, exit, stderr) = kept_after(&broker, &["--me"]);

    assert_eq!((kept, exit), (Vec::new(), Exit::Done));
    insta::assert_snapshot!(stderr, @"
    This machine no longer keeps AWS credentials of yours from this broker. Your other machines hand out dead ones until
    these are 16 minutes from their end, or until lodge status or lodge login is run there. A lodge serve that runs, and
    programs that hold credentials by themselves, have to be started again.
    ");
}

#[test]
fn they_are_dropped_even_when_the_answer_is_lost() {
    let broker = giving("503 Service Unavailable", &Value::Null);

    let (kept, exit, stderr) = kept_after(&broker, &["--me"]);

    assert_eq!((kept, exit), (Vec::new(), Exit::Unavailable));
    assert!(!stderr.contains("no longer keeps"), "{stderr}");
}

#[test]
fn in_a_lab_only_what_was_cut_off_is_dropped() {
    let broker = giving("202 Accepted", &cut_off(4));
    let all = ["speech/pay", "vision/pay", "vision/read-results"];
    for (line, left) in [
        (&["vision", "--all"][..], &all[..1]),
        (&["vision", "--person", ME], &all[..1]),
        (&["vision", "--role", "pay"], &["speech/pay", "vision/read-results"]),
        (&["vision", "--person", PERSON], &all),
    ] {
        let (kept, exit, stderr) = kept_after(&broker, line);

        assert_eq!(
            (kept.iter().map(String::as_str).collect::<Vec<_>>().as_slice(), exit),
            (left, Exit::Done),
            "{line:?}"
        );
        assert_eq!(stderr, "");
    }
    let (kept, ..) = kept_after(&giving("200 OK", &cut_off(4)), &["vision", "--show", CUT]);
    assert_eq!(kept, all);
}
