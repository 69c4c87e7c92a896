//! The link that makes somebody a lab's PI: from the operator's terminal to the page, once, and for one person.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::TimeDelta;
use lodge::ambient::{Clock, ManualClock};
use lodge::app::{Caller, Error, LabError};
use lodge::domain::ledger::{Event, Thread};
use lodge::http;
use secrecy::SecretString;
use serde_json::json;
use sha2::{Digest, Sha256};

use super::{Operator, ledger};
use crate::support::campus::Campus;
use crate::support::canaries::Canaries;
use crate::support::database::Kind;
use crate::support::serving::Socket;
use crate::support::visitor::{Page, Visitor};

/// A lab whose PI has never been here.
const LAB: &str = "language";

/// How often two people press at the same moment.
const RACES: usize = 8;

fn token_in(link: &str) -> &str {
    link.rsplit('/').next().unwrap()
}

/// What a link answers to somebody who has never been here: the status, and all that they read.
fn answer(link: &str) -> (u16, String) {
    let page = Visitor::new().open(link);
    (page.status, page.text())
}

fn is_nowhere_on_the_way(page: &Page, token: &str) {
    let later: Vec<_> = page.trail[1..].iter().map(|(url, _)| url.as_str()).collect();
    assert!(later.iter().all(|url| !url.contains(token)), "{later:?}");
    assert!(!page.url.as_str().contains(token) && !page.body.contains(token), "{}", page.url);
}

#[test]
fn a_link_makes_one_person_pi_and_is_over_then() {
    for kind in Kind::all("a_link_makes_one_person_pi_and_is_over_then") {
        let campus = Campus::on(kind);
        let operator = Operator::of(&campus);
        let broker = campus.start();
        let link = operator.invite(LAB);
        assert!(link.starts_with(&format!("{}/invitations/lodge_inv_", campus.front.url())), "{link}");
        let mut guest = Visitor::new();
        let looked_after_by = || operator.json(&["lab", "show", LAB])["looked_after_by"].as_array().unwrap().clone();
        let before = looked_after_by();

        let asked = guest.sign_in(&link, "guest");

        assert_eq!((asked.status, asked.url.path()), (200, "/invitation"), "{}", asked.text());
        is_nowhere_on_the_way(&asked, token_in(&link));
        let text = asked.text();
        for part in ["Become PI of Language Lab ?", "You are Robin Vale", "lab language , AWS account 444455556666"] {
            assert!(text.contains(part), "{part}: {text}");
        }
        assert_eq!(looked_after_by(), before, "looking changes nothing");
        let mut second = Visitor::new();
        let second_asked = second.sign_in(&link, "student");
        assert_eq!(second_asked.status, 200, "until somebody accepts, whoever holds the link is asked");

        let home = guest.press(&asked, "Yes, I am its PI");

        assert_eq!((home.status, home.url.path()), (200, "/"), "{}", home.text());
        is_nowhere_on_the_way(&home, token_in(&link));
        assert!(home.text().contains("language PI"), "{}", home.text());
        let new: Vec<_> = looked_after_by().into_iter().filter(|one| !before.contains(one)).collect();
        assert_eq!((&new[0]["name"], &new[0]["standing"]), (&json!("Robin Vale"), &json!("pi")));
        assert_eq!((new.len(), looked_after_by().len()), (1, before.len() + 1));
        let late = second.press(&second_asked, "Yes, I am its PI");
        let again = guest.open(&link);
        let rubbish = answer(&format!("{}/invitations/lodge_inv_rubbish", campus.front.url()));
        assert_eq!(rubbish.0, 404);
        for page in [&late, &again] {
            assert_eq!(page.status, 404);
            assert!(page.text().contains("The invitation is not good (any more). Ask whoever sent it for a new one."));
        }
        assert_eq!(answer(&link), rubbish);
        let entry = ledger(&campus.place).pop().unwrap();
        let Event::StandingGiven { person, invitation, .. } = &entry.event else { panic!("{entry:?}") };
        assert!(matches!(&entry.thread, Thread::Act(by, _) if by.to_string() == person.as_str()));
        assert!(invitation.is_some());
        drop(broker);
    }
}

#[test]
fn a_link_that_is_not_good_says_the_same_whatever_it_was() {
    for kind in Kind::all("a_link_that_is_not_good_says_the_same_whatever_it_was") {
        let campus = Campus::on(kind);
        let operator = Operator::of(&campus);
        let _running = campus.start();
        let url = campus.front.url();
        let replaced = operator.invite(LAB);
        let withdrawn = operator.invite(LAB);
        assert_eq!(answer(&withdrawn).0, 200, "{:?}", answer(&withdrawn));
        let replaced_answer = answer(&replaced);
        operator.told(&["lab", "invite-pi", LAB, "--withdraw"]);
        let shelved = operator.invite(LAB);
        operator.told(&["lab", "archive", LAB]);
        let shelved_answer = answer(&shelved);
        operator.told(&["lab", "restore", LAB]);
        let lapsed = operator.invite(LAB);
        let unopened = answer(&format!("{url}/invitations/lodge_inv_{}", "x".repeat(43)));

        // A broker in this process, a week later.
        let clock = ManualClock::at(Clock::System.now());
        clock.advance(TimeDelta::days(7) - TimeDelta::minutes(1));
        let broker = campus.broker(Clock::Manual(clock.clone()));
        let socket = Socket::bind();
        let later = socket.url();
        let server = socket.serve(http::router(broker.clone()));
        let at = |link: &str| Visitor::new().open(&link.replace(&url, &later));
        let in_time = at(&lapsed);
        clock.advance(TimeDelta::minutes(2));
        let too_late = at(&lapsed);
        drop(server);
        campus.block_on(broker.store.close());

        assert_ne!(in_time.status, 404, "{}", in_time.text());
        assert_eq!(unopened.0, 404);
        let too_late = (too_late.status, too_late.text());
        for (what, said) in [
            ("replaced", replaced_answer),
            ("withdrawn", answer(&withdrawn)),
            ("archived", shelved_answer),
            ("lapsed", too_late),
            ("rubbish", answer(&format!("{url}/invitations/a%00%ff"))),
        ] {
            assert_eq!(said, unopened, "{what}");
        }
        let stranger = Visitor::new().open(&format!("{url}/invitation"));
        assert_eq!((stranger.status, stranger.text()), unopened, "without a link");
    }
}

#[test]
fn of_two_who_press_at_once_one_becomes_pi() {
    for kind in Kind::all("of_two_who_press_at_once_one_becomes_pi") {
        let campus = Campus::on(kind);
        let operator = Operator::of(&campus);
        // Two brokers, as far as the database can have two.
        let broker = campus.broker(Clock::System);
        let callers: Vec<(Caller, _)> = ["student", "postdoc"]
            .into_iter()
            .map(|name| {
                let (_, token) = campus.signed_in(name);
                let broker = campus.broker(Clock::System);
                (campus.block_on(broker.helper_caller(&token.into())).unwrap(), broker)
            })
            .collect();
        for race in 0..RACES {
            let link = operator.invite(LAB);
            let token = SecretString::from(token_in(&link));

            let ends = campus.block_on(async {
                let pressed: Vec<_> = callers
                    .iter()
                    .cloned()
                    .map(|(caller, broker)| {
                        let token = token.clone();
                        tokio::spawn(async move { broker.accept_invitation(&caller, &token).await })
                    })
                    .collect();
                let mut ends = Vec::new();
                for one in pressed {
                    ends.push(one.await.unwrap());
                }
                ends
            });

            let won = ends.iter().filter(|end| end.is_ok()).count();
            let late = |end: &&Result<_, Error>| matches!(end, Err(Error::Lab(LabError::NoSuchInvitation)));
            assert_eq!((won, ends.iter().filter(late).count()), (1, 1), "race {race}: {ends:?}");
        }
        let given = ledger(&campus.place)
            .into_iter()
            .filter(|entry| matches!(entry.event, Event::StandingGiven { invitation: Some(_), .. }));
        assert_eq!(given.count(), RACES);
        campus.block_on(async {
            broker.store.close().await;
            for (_, broker) in &callers {
                broker.store.close().await;
            }
        });
    }
}

#[test]
fn the_token_is_in_no_log_and_in_the_database_as_a_hash_only() {
    for kind in Kind::all("the_token_is_in_no_log_and_in_the_database_as_a_hash_only") {
        let campus = Campus::on(kind);
        let operator = Operator::of(&campus);
        let broker = campus.start_with(&mut campus.command("trace,lodge=trace,sqlx=trace"));
        let mut said = Vec::new();
        let mut links = Vec::new();
        for _ in 0..2 {
            let mut command = operator.command(&["lab", "invite-pi", LAB]);
            let ended =
                crate::support::process::Process::run("lodged", command.env("LODGE_LOG", "trace,sqlx=trace"), "");
            assert!(ended.status.success(), "{}", ended.stderr);
            links.push(ended.stdout.trim().to_owned());
            said.push(ended.stderr);
        }
        let mut guest = Visitor::new();
        answer(&links[0]);
        let asked = guest.sign_in(&links[1], "guest");
        guest.press(&asked, "Yes, I am its PI");
        guest.open(&links[1]);
        let copy = campus.folder.path().join("copy");
        said.push(operator.told(&["backup", copy.to_str().unwrap()]));
        said.push(operator.told(&["lab", "show", LAB, "--json"]));
        said.push(broker.process.stderr());
        said.push(broker.process.stdout());

        let (mut canaries, mut hashes) = (Canaries::default(), Canaries::default());
        for link in &links {
            canaries.add("invitation token", token_in(link));
            hashes.add("hash", URL_SAFE_NO_PAD.encode(Sha256::digest(token_in(link))));
        }
        assert_eq!(canaries.kinds(), [("invitation token", 2)]);
        let database = campus.place.bytes();
        for text in &said {
            assert_eq!(canaries.found_in("said", text.as_bytes()), [""; 0]);
        }
        assert_eq!(canaries.found_in("database", &database), [""; 0]);
        assert_eq!(canaries.found_in("copy", &std::fs::read(copy).unwrap()), [""; 0]);
        assert!(hashes.found_in("database", &database).len() >= 2, "the search finds what is there");
        let log = &said[said.len() - 2];
        assert!(log.contains("/invitations/{token}"), "the log speaks of these requests");
        // Only the first request of each link has the token in its address.
        let with_token = campus.front.recorded().into_iter().filter(|call| call.target.contains("lodge_inv_"));
        assert_eq!(with_token.count(), 3);
    }
}
