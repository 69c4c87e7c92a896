//! Several brokers over one PostgreSQL: whatever is begun at one may be ended at another, what must happen once happens
//! once, and one that is killed takes nothing with it but what it was doing.
//!
//! What must happen once is tried on SQLite, too, where both callers are at the same broker.

use std::net::SocketAddr;
use std::sync::Barrier;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use chrono::TimeDelta;
use lodge::ambient::{Clock, ManualClock, Random};
use lodge::app::Broker;
use lodge::demo::seed;
use lodge::domain::id::{LabName, RoleSessionId};
use lodge::domain::ledger::{Book, Draft, Event, Thread};
use lodge::playground::Seeding;
use secrecy::SecretString;

use crate::support::broker::{ask_for, code_on, helper_code, helper_query, me, trade};
use crate::support::caller::{self, Received, Reply};
use crate::support::campus::{Campus, Running};
use crate::support::databases::{Kind, look};
use crate::support::ledger::{complaints, count_issued, open};
use crate::support::postgres::require;
use crate::support::process::Process;
use crate::support::raw;
use crate::support::visitor::{Page, Visitor};

/// Callers who ask at once.
const CROWD: usize = 500;

/// How often two callers try to be the first.
const RACES: usize = 20;

/// How often a replica is killed.
const ROUNDS: usize = 3;

/// Attempts that wait for a sweep: more than one reads at once.
const OPEN: u8 = 120;

const ROLE: &str = "vision/read-results";

/// Two brokers that share everything; on SQLite, where there can be one only, the same one twice.
struct Pair {
    campus: Campus,
    brokers: Vec<Running>,
}

impl Pair {
    fn on(kind: Kind) -> Self {
        let campus = Campus::on(kind);
        let count = if kind == Kind::Postgres { 2 } else { 1 };
        let brokers = (0..count).map(|_| campus.start()).collect();
        Self { campus, brokers }
    }

    /// Both, where PostgreSQL is there.
    fn on_each(test: &str) -> Vec<Self> {
        let mut pairs = vec![Self::on(Kind::Sqlite)];
        if require(test) {
            pairs.push(Self::on(Kind::Postgres));
        }
        pairs
    }

    fn addresses(&self) -> [SocketAddr; 2] {
        [&self.brokers[0], &self.brokers[self.brokers.len() - 1]].map(|broker| broker.address)
    }

    fn urls(&self) -> [String; 2] {
        self.addresses().map(|address| format!("http://{address}"))
    }

    /// The address that both are known by. It leads to this one from now on.
    fn front(&self, number: usize) -> String {
        self.campus.front.lead_to(self.addresses()[number]);
        self.campus.front.url()
    }

    /// Does the same thing at both in the same moment.
    fn at_both<T: Send>(&self, act: impl Fn(&str) -> T + Sync) -> [T; 2] {
        let (start, act) = (Barrier::new(2), &act);
        let urls = self.urls();
        std::thread::scope(|scope| {
            let acting = urls.each_ref().map(|url| {
                let start = &start;
                scope.spawn(move || {
                    start.wait();
                    act(url)
                })
            });
            acting.map(|acting| acting.join().unwrap())
        })
    }

    /// Nobody had to act, whatever happened.
    fn logged_no_error(&self) {
        for broker in &self.brokers {
            let said = broker.process.stderr();
            assert!(!said.contains("ERROR"), "{said}");
        }
    }
}

/// One kind of caller: who asks for what, and what that must come to.
struct Errand {
    token: String,
    role: &'static str,
    status: u16,
}

/// People of both labs, and a guest who gets nothing: of their attempts some stand in the broker's own book.
fn errands(campus: &Campus) -> Vec<Errand> {
    let broker = campus.broker(Clock::System);
    campus.block_on(async {
        let seeding = Seeding::new(&broker).unwrap();
        let language = seeding.lab(&"language".parse().unwrap()).await.unwrap().unwrap();
        for (group, role) in [("vision-students", "read-results"), ("vision-publishers", "publish")] {
            seeding.add_mapping(&language, seed::CONNECTION, group, role).await.unwrap();
        }
        broker.store.close().await;
    });
    let [student, postdoc, guest] = ["student", "postdoc", "guest"].map(|person| campus.signed_in(person).1);
    [
        (&student, "vision/read-results", 200),
        (&postdoc, "vision/publish", 200),
        (&student, "language/read-results", 200),
        (&postdoc, "vision/pay", 200),
        (&postdoc, "language/publish", 200),
        (&guest, "language/pay", 404),
        (&student, "vision/read-results", 200),
        (&guest, "nowhere/pay", 404),
    ]
    .into_iter()
    .map(|(token, role, status)| Errand { token: token.clone(), role, status })
    .collect()
}

/// Sends a crowd at once, each to one of the brokers in turn. Calls `meanwhile` once so many have their answer.
fn crowd<'a>(
    size: usize,
    brokers: &[SocketAddr],
    errands: &'a [Errand],
    after: usize,
    meanwhile: impl FnOnce() + Send,
) -> Vec<(SocketAddr, &'a Errand, Reply)> {
    let answered = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        let callers: Vec<_> = (0..size)
            .map(|number| {
                let (broker, errand) = (brokers[number % brokers.len()], &errands[number / 2 % errands.len()]);
                let answered = &answered;
                scope.spawn(move || {
                    let reply = caller::ask(broker, &errand.token, errand.role);
                    answered.fetch_add(1, Ordering::SeqCst);
                    (broker, errand, reply)
                })
            })
            .collect();
        while answered.load(Ordering::SeqCst) < after {
            std::thread::sleep(Duration::from_millis(1));
        }
        meanwhile();
        callers.into_iter().map(|caller| caller.join().unwrap()).collect()
    })
}

/// Whether somebody was refused because the machine was too slow for the crowd: a broker keeps nobody waiting for more than
/// ten seconds (five, on SQLite). On a machine with nothing else to do, it serves them all in two.
fn ran_out_of_patience(reply: &Reply, took: Duration) -> bool {
    took > Duration::from_secs(5) && reply.status() == Some(503) && reply.problem().as_deref() == Some("unavailable")
}

/// A broker in this process that stands ten minutes in the future, where every attempt that is open is old.
fn sweeper(campus: &Campus) -> Broker {
    let clock = ManualClock::at(Clock::System.now());
    clock.advance(TimeDelta::minutes(10));
    campus.broker(Clock::Manual(clock))
}

#[test]
fn a_replica_killed_amid_500_issuances_takes_no_record_with_it_and_the_other_serves_on() {
    if !require("a_replica_killed_amid_500_issuances_takes_no_record_with_it_and_the_other_serves_on") {
        return;
    }
    let campus = Campus::on(Kind::Postgres);
    let errands = errands(&campus);
    let survivor = campus.start();
    let sweeper = sweeper(&campus);
    let mut received: Vec<Received> = Vec::new();
    for round in 0..ROUNDS {
        let doomed = campus.start();
        let after = usize::from(u16::from_le_bytes(Random::System.bytes())) % (CROWD / 2);
        let started = Instant::now();

        let replies = crowd(CROWD, &[survivor.address, doomed.address], &errands, after, || {
            doomed.process.killer().kill();
        });

        let took = started.elapsed();
        let broken = replies.iter().filter(|(_, _, reply)| reply.status().is_none()).count();
        for (broker, errand, reply) in &replies {
            if *broker == survivor.address || reply.status().is_some() {
                let served = reply.status() == Some(errand.status);
                assert!(served || ran_out_of_patience(reply, took), "{} {reply:?}", errand.role);
            }
        }
        received.extend(replies.iter().filter_map(|(_, _, reply)| reply.received()));
        let left = campus.ledger();
        assert_eq!(complaints(&left, &received), [""; 0]);
        let open_attempts = open(&left).len();
        println!(
            "round {round}: killed after {after} answers of {CROWD}; {broken} broken off, {open_attempts} attempts open, \
             {} ms in all",
            took.as_millis()
        );
        assert_eq!(campus.block_on(sweeper.sweep()).unwrap(), open_attempts);
        let swept = campus.ledger();
        assert_eq!((complaints(&swept, &received), open(&swept).len()), (Vec::new(), 0));
    }
    let ledger = campus.ledger();
    println!("{} credentials received, {} issued", received.len(), count_issued(&ledger));
}

#[test]
fn a_crowd_in_one_lab_is_served_to_the_last_one() {
    for pair in Pair::on_each("a_crowd_in_one_lab_is_served_to_the_last_one") {
        let token = pair.campus.signed_in("student").1;
        let errand = [Errand { token, role: ROLE, status: 200 }];
        // On SQLite one waits for five seconds at most, and one processor of this machine may have much to do.
        let size = if pair.brokers.len() == 2 { CROWD } else { CROWD / 4 };
        let started = Instant::now();

        let replies = crowd(size, &pair.addresses(), &errand, 0, || {});

        println!("{} brokers: {size} credentials in {} ms", pair.brokers.len(), started.elapsed().as_millis());
        let took = started.elapsed();
        let received: Vec<Received> = replies.iter().filter_map(|(_, _, reply)| reply.received()).collect();
        let refused: Vec<&Reply> =
            replies.iter().map(|(_, _, reply)| reply).filter(|reply| reply.received().is_none()).collect();
        assert!(refused.iter().all(|reply| ran_out_of_patience(reply, took)), "{took:?} {refused:?}");
        let ledger = pair.campus.ledger();
        assert_eq!((complaints(&ledger, &received), count_issued(&ledger)), (Vec::new(), received.len()));
        if refused.is_empty() {
            pair.logged_no_error();
        }
    }
}

/// A lab whose book somebody keeps does not keep the others from their credentials.
#[test]
fn a_lab_that_cannot_write_does_not_stand_in_the_others_way() {
    if !require("a_lab_that_cannot_write_does_not_stand_in_the_others_way") {
        return;
    }
    let pair = Pair::on(Kind::Postgres);
    let errands = errands(&pair.campus);
    let find = |lab: &str| errands.iter().find(|errand| errand.status == 200 && errand.role.starts_with(lab)).unwrap();
    let (stuck, free) = (find("vision"), find("language"));
    let store = pair.campus.store();
    let book = pair.campus.block_on(book_of(&store, "vision"));
    let kept = pair.campus.block_on(async {
        let mut tx = store.write().await.unwrap();
        tx.hold_book(&book).await.unwrap();
        tx
    });
    let broker = pair.addresses()[0];

    std::thread::scope(|scope| {
        let waiting: Vec<_> =
            (0..40).map(|_| scope.spawn(|| caller::ask(broker, &stuck.token, stuck.role).status())).collect();
        let (mut most, server) = (0, pair.campus.place.server().unwrap());
        for _ in 0..10 {
            let started = Instant::now();
            assert_eq!(caller::ask(broker, &free.token, free.role).status(), Some(200));
            assert!(started.elapsed() < Duration::from_secs(2), "{:?}", started.elapsed());
            let stuck = "select count(*) from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock';";
            most = most.max(server.psql(stuck).parse::<u32>().unwrap());
        }
        assert!((1..=2).contains(&most), "{most} connections waited for the lab that was stuck");
        assert!(waiting.iter().any(|waiting| !waiting.is_finished()), "nobody waited for the lab that was stuck");
        pair.campus.block_on(kept.commit()).unwrap();
        for waiting in waiting {
            assert!(matches!(waiting.join().unwrap(), Some(200 | 503)));
        }
    });

    assert_eq!(caller::ask(broker, &stuck.token, stuck.role).status(), Some(200));
    pair.campus.block_on(store.close());
}

/// A broker whose machine is gone, or that stands still, says nothing any more; its connection stays open.
#[test]
fn a_replica_that_stands_still_in_a_lab_s_book_does_not_keep_it() {
    if !require("a_replica_that_stands_still_in_a_lab_s_book_does_not_keep_it") {
        return;
    }
    let pair = Pair::on(Kind::Postgres);
    let (token, address) = (pair.campus.signed_in("student").1, pair.addresses()[0]);
    // As a broker opens it, not as a command does.
    let store = pair.campus.block_on(lodge::store::Store::serve(&pair.campus.playground.database)).unwrap();
    let book = pair.campus.block_on(book_of(&store, "vision"));
    let mut tx = pair.campus.block_on(store.write()).unwrap();
    pair.campus.block_on(tx.hold_book(&book)).unwrap();
    let began = Instant::now();

    assert_eq!(caller::ask(address, &token, ROLE).status(), Some(503), "the book is taken");
    while caller::ask(address, &token, ROLE).status() != Some(200) {
        assert!(began.elapsed() < Duration::from_secs(20), "still taken");
    }

    assert!(pair.campus.block_on(tx.commit()).is_err(), "what it was doing did not happen");
    assert_eq!(caller::ask(address, &token, ROLE).status(), Some(200));
    pair.campus.block_on(store.close());
}

async fn book_of(store: &lodge::store::Store, lab: &str) -> Book {
    let lab: LabName = lab.parse().unwrap();
    Book::Lab(store.read().await.unwrap().lab_id(&lab).await.unwrap().unwrap())
}

#[test]
fn a_sign_in_begun_at_one_replica_is_completed_at_the_other() {
    if !require("a_sign_in_begun_at_one_replica_is_completed_at_the_other") {
        return;
    }
    let pair = Pair::on(Kind::Postgres);
    let mut visitor = Visitor::new();
    let at_provider = visitor.open(&format!("{}/auth/{}/start", pair.front(0), seed::CONNECTION));

    pair.front(1);
    let home = visitor.continue_sign_in(at_provider, "student");

    assert_eq!((home.status, home.url.path()), (200, "/"), "{}", home.text());
    for number in [0, 1] {
        assert!(visitor.open(&pair.front(number)).text().contains(ROLE));
    }
    pair.logged_no_error();
}

#[test]
fn a_code_made_at_one_replica_is_traded_at_the_other() {
    if !require("a_code_made_at_one_replica_is_traded_at_the_other") {
        return;
    }
    let pair = Pair::on(Kind::Postgres);
    let mut visitor = Visitor::new();
    let question = visitor.sign_in(&format!("{}/oauth/authorize?{}", pair.front(0), helper_query(&[])), "student");
    pair.front(1);
    let code = code_on(&visitor.press(&question, "yes"));

    let answer = trade(&pair.urls()[0], &code, &[]);

    assert_eq!(answer.status, 200, "{}", answer.body);
    let token = answer.json()["access_token"].as_str().unwrap().to_owned();
    for url in pair.urls() {
        assert_eq!(ask_for(&url, &token, ROLE, "").status, 200);
    }
    pair.logged_no_error();
}

#[test]
fn a_code_traded_twice_at_once_gives_one_token_which_is_dead() {
    for pair in Pair::on_each("a_code_traded_twice_at_once_gives_one_token_which_is_dead") {
        let mut visitor = Visitor::new();
        for race in 0..RACES {
            let code = helper_code(&mut visitor, &pair.front(race % 2), "student");

            let answers = pair.at_both(|url| trade(url, &code, &[]));

            let [given, refused]: [Vec<&Page>; 2] =
                [200, 400].map(|status| answers.iter().filter(|page| page.status == status).collect());
            assert_eq!((given.len(), refused.len()), (1, 1), "{answers:?}");
            assert_eq!(refused[0].json()["error"], "invalid_grant");
            let token = given[0].json()["access_token"].as_str().unwrap().to_owned();
            for url in pair.urls() {
                assert_eq!(me(&url, &token).status, 401, "race {race}");
            }
        }
        pair.logged_no_error();
    }
}

#[test]
fn an_answer_of_the_provider_that_arrives_twice_at_once_is_one_sign_in() {
    for pair in Pair::on_each("an_answer_of_the_provider_that_arrives_twice_at_once_is_one_sign_in") {
        for race in 0..RACES {
            let front = pair.front(race % 2);
            let mut visitor = Visitor::new();
            visitor.stop_before(&format!("{front}/auth/{}/callback", seed::CONNECTION));
            let page = visitor.sign_in(&format!("{front}/auth/{}/start", seed::CONNECTION), "student");
            let callback = page.location().unwrap();
            let state = callback.query_pairs().find(|(name, _)| name == "state").unwrap().1.into_owned();
            let cookie = format!("lodge_sign_in_{}", Broker::sign_in_label(&SecretString::from(state)));
            let cookie = format!("{cookie}={}", visitor.cookie(&callback, &cookie).unwrap());
            let path = callback.as_str().strip_prefix(&front).unwrap();

            let answers = pair.at_both(|url| raw::get(&format!("{url}{path}")).header("cookie", &cookie).send());

            let mut statuses = answers.each_ref().map(|page| page.status);
            statuses.sort_unstable();
            assert_eq!(statuses, [303, 400], "race {race}: {answers:?}");
            let sessions = answers.iter().flat_map(|page| &page.headers);
            let sessions = sessions.filter(|(name, value)| name == "set-cookie" && value.starts_with("lodge_session="));
            assert_eq!(sessions.count(), 1);
        }
    }
}

#[test]
fn a_session_that_is_ended_at_one_replica_is_dead_at_the_other_at_once() {
    if !require("a_session_that_is_ended_at_one_replica_is_dead_at_the_other_at_once") {
        return;
    }
    let pair = Pair::on(Kind::Postgres);
    let [here, there] = pair.urls();
    for _ in 0..RACES {
        let token = pair.campus.signed_in("student").1;
        assert_eq!((me(&here, &token).status, ask_for(&there, &token, ROLE, "").status), (200, 200));

        assert_eq!(raw::post_form(&format!("{here}/oauth/revoke"), &[("token", &token)]).send().status, 200);

        assert_eq!((me(&there, &token).status, ask_for(&there, &token, ROLE, "").status), (401, 401));
    }
    let mut visitor = Visitor::new();
    let home = visitor.sign_in(&format!("{}/auth/{}/start", pair.front(0), seed::CONNECTION), "student");
    let session = visitor.cookie(&home.url, "lodge_session").unwrap();
    visitor.press(&home, "Sign out");
    let as_before = raw::get(&format!("{there}/")).page().header("cookie", &format!("lodge_session={session}")).send();
    assert!(!as_before.text().contains(ROLE), "{}", as_before.text());
    pair.logged_no_error();
}

#[test]
fn a_mapping_that_is_ended_at_one_replica_gives_nothing_at_the_other() {
    if !require("a_mapping_that_is_ended_at_one_replica_gives_nothing_at_the_other") {
        return;
    }
    let pair = Pair::on(Kind::Postgres);
    let [here, there] = pair.urls();
    let [student, professor] = ["student", "professor"].map(|person| pair.campus.signed_in(person).1);
    let bearer = format!("Bearer {professor}");
    let mappings = format!("{here}/api/v1/labs/vision/mappings");
    let list = raw::get(&mappings).header("authorization", &bearer).send().json();
    let mapping =
        list["mappings"].as_array().unwrap().iter().find(|mapping| mapping["role"] == "read-results").unwrap();
    assert_eq!(ask_for(&there, &student, ROLE, "").status, 200);

    let end = raw::post(&format!("{mappings}/{}/end", mapping["id"].as_str().unwrap()));
    let ended = end.header("authorization", &bearer).header("if-match", "\"1\"").send();

    assert_eq!(ended.status, 200, "{}", ended.body);
    assert_eq!(ask_for(&there, &student, ROLE, "").status, 404);
    pair.logged_no_error();
}

#[test]
fn sweeps_of_several_brokers_at_once_end_each_attempt_once() {
    if !require("sweeps_of_several_brokers_at_once_end_each_attempt_once") {
        return;
    }
    let campus = Campus::on(Kind::Postgres);
    let person = campus.signed_in("student").0;
    let store = campus.store();
    let long_ago = Clock::System.now() - TimeDelta::minutes(10);
    let begin = |attempt: RoleSessionId| Draft {
        at: long_ago,
        thread: Thread::Attempt(person.clone(), attempt),
        event: Event::Attempted { lab: "vision".parse().unwrap(), role: "pay".parse().unwrap(), wanted_seconds: None },
    };
    campus.block_on(async {
        let book = book_of(&store, "vision").await;
        let mut tx = store.write().await.unwrap();
        for number in 0..OPEN {
            tx.append(book.clone(), begin(RoleSessionId::from_entropy([number; 10]))).await.unwrap();
        }
        tx.commit().await.unwrap();
        store.close().await;
    });
    let sweepers = [sweeper(&campus), sweeper(&campus)];
    // A broker sweeps when it starts, too.
    let brokers = [campus.command("warn,lodge=info"), campus.command("warn,lodge=info")]
        .map(|mut command| Process::start("lodged", &mut command));

    let [one, other] = sweepers.map(|sweeper| campus.handle().spawn(async move { sweeper.sweep().await }));
    let ended = campus.block_on(async { (one.await.unwrap().unwrap(), other.await.unwrap().unwrap()) });

    let ledger = campus.ledger();
    assert_eq!((complaints(&ledger, &[]), open(&ledger).len()), (Vec::new(), 0));
    assert_eq!(ledger.len(), 2 * usize::from(OPEN));
    println!("{} and {} of {OPEN} were ended by two sweeps, the rest by two brokers", ended.0, ended.1);
    for broker in brokers {
        broker.wait_for_line("the broker is ready");
        let said = broker.stderr();
        assert!(!said.contains("ERROR") && !said.contains("the sweep did not work"), "{said}");
    }
}

/// A broker of the release before, beside this one, knows no accounts: a lab that is made there has none.
#[test]
fn a_lab_that_a_broker_of_the_release_before_made_gets_an_account_to_join() {
    for kind in Kind::all("a_lab_that_a_broker_of_the_release_before_made_gets_an_account_to_join") {
        let campus = Campus::on(kind);
        let owner = campus.place.owner();
        let forget =
            "delete from lab_account where lab_id = (select id from lab where name = 'language') returning state";
        let states = "select lab.name, lab_account.state from lab \
            join lab_account on lab_account.lab_id = lab.id order by lab.name";
        let forgotten: Vec<(String,)> = campus.block_on(look(&owner, forget));
        assert_eq!(forgotten.len(), 1);
        let broker = campus.broker(Clock::System);

        for _ in 0..2 {
            campus.block_on(broker.sweep()).unwrap();
        }

        let found: Vec<(String, String)> = campus.block_on(look(&owner, states));
        let expected = [("language", "declared"), ("speech", "joined"), ("vision", "joined")];
        assert_eq!(found, expected.map(|(lab, state)| (lab.to_owned(), state.to_owned())));
    }
}
