//! What strangers can ask for at will, and that it costs those who are signed in nothing: limits by address, behind
//! proxies and without, and a bound on what one slow provider holds up.

use std::io::Read as _;
use std::net::TcpListener;
use std::thread;
use std::time::{Duration, Instant};

use lodge::ambient::Clock;
use lodge::app::EXCHANGES_AT_ONCE;
use lodge::demo::seed;
use lodge::oidc::Algorithm;

use crate::support::broker::{Plan, me};
use crate::support::campus::Campus;
use crate::support::evil_provider::EvilProvider;
use crate::support::raw;
use crate::support::visitor::Page;

/// More than one address may ask for at once.
const FLOOD: usize = 400;

/// How many of these were turned away.
fn turned_away(pages: &[Page]) -> usize {
    pages.iter().filter(|page| page.status == 429).count()
}

#[test]
fn one_address_that_asks_too_often_is_turned_away_and_nobody_else_is() {
    let campus = Campus::new();
    let token = campus.signed_in("student").1;
    let broker = campus.start();
    let url = format!("http://{}", broker.address);
    let start = format!("{url}/auth/{}/start", seed::CONNECTION);
    let from = |forwarded: &str| raw::get(&start).header("x-forwarded-for", forwarded).send();

    // What somebody writes in front of what the proxy adds makes them nobody else.
    let pages: Vec<Page> = (0..FLOOD).map(|n| from(&format!("198.51.100.{}, 203.0.113.9", n % 250))).collect();

    let refused = turned_away(&pages);
    assert!((1..=FLOOD - 200).contains(&refused), "{refused}");
    let page = pages.iter().find(|page| page.status == 429).unwrap();
    assert_eq!((page.header("retry-after"), &page.json()["type"]), (Some("1"), &"urn:lodge:problem:slow-down".into()));
    let early = pages[..200].iter().find(|page| page.status != 303);
    assert!(early.is_none(), "{early:?}");
    assert_eq!(from("203.0.113.10").status, 303, "another address");
    assert_eq!(from("2001:db8::1").status, 303);

    // What one is signed in to is not counted, from whatever address.
    for _ in 0..FLOOD {
        let ask = raw::get(&format!("{url}/api/v1/me")).header("x-forwarded-for", "203.0.113.9");
        assert_eq!(ask.header("authorization", &format!("Bearer {token}")).send().status, 200);
    }
}

#[test]
fn the_word_of_somebody_who_is_no_proxy_of_ours_is_not_taken() {
    let campus = Campus::new();
    let mut command = campus.command("warn,lodge=info");
    let settings = std::fs::read_to_string(campus.settings()).unwrap();
    let settings = settings.replace("[server]", "[server]\ntrusted_proxies = [\"192.0.2.0/24\"]");
    std::fs::write(campus.settings(), settings).unwrap();
    let broker = campus.start_with(&mut command);
    let start = format!("http://{}/auth/{}/start", broker.address, seed::CONNECTION);

    let from = |n: usize| raw::get(&start).header("x-forwarded-for", &format!("10.1.{}.{}", n / 250, n % 250)).send();
    let pages: Vec<Page> = (0..FLOOD).map(from).collect();

    assert!(turned_away(&pages) > 0, "all of them came from here");
}

/// A provider that takes connections and says nothing.
fn silent() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            thread::spawn(move || {
                let mut stream = stream;
                while stream.read(&mut [0; 1_024]).is_ok_and(|read| read > 0) {}
            });
        }
    });
    url
}

#[test]
fn a_provider_that_says_nothing_holds_up_nobody_elses_sign_in() {
    let provider = EvilProvider::start(Clock::System);
    let plan = Plan::new(Clock::System).connection("slow", &silent(), Algorithm::Es256);
    let broker = plan.connection("campus", &provider.issuer, Algorithm::Es256).start();
    let start = |connection: &str| format!("{}/auth/{connection}/start", broker.url);
    let signed_in = crate::support::signed_in::signed_in(&broker.broker, "sam", &[]);

    let waiting: Vec<_> = (0..EXCHANGES_AT_ONCE + 8)
        .map(|_| {
            let url = start("slow");
            thread::spawn(move || raw::get(&url).page().send())
        })
        .collect();
    thread::sleep(Duration::from_secs(1));

    let begun = Instant::now();
    assert_eq!(raw::get(&start("campus")).send().status, 303);
    assert_eq!(me(&broker.url, &signed_in.token).status, 200);
    assert!(begun.elapsed() < Duration::from_secs(2), "{:?}", begun.elapsed());
    let pages: Vec<Page> = waiting.into_iter().map(|one| one.join().unwrap()).collect();
    assert!(pages.iter().all(|page| page.status == 503), "{:?}", pages[0].text());
    let busy = pages.iter().filter(|page| page.text().contains("Many people are signing in")).count();
    assert_eq!(busy, 8, "those beyond the bound were turned away, the others heard that the provider is away");
}
