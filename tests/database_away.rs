//! PostgreSQL is stopped, killed and frozen under load, and comes back. Nobody waits for long, nothing leaves without its
//! record, and no broker has to be restarted.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use chrono::TimeDelta;
use lodge::ambient::{Clock, ManualClock};
use lodge::domain::ledger::Book;
use lodge::playground::Playground;
use lodge::store::{Address, Store};

use crate::support::broker::{ask_for, me};
use crate::support::caller::Received;
use crate::support::campus::Campus;
use crate::support::databases::Kind;
use crate::support::eventually;
use crate::support::ledger::{complaints, count_issued, open};
use crate::support::postgres::{Cluster, OwnCluster, require};
use crate::support::process::Process;
use crate::support::raw;
use crate::support::visitor::Page;

/// Callers who ask again and again, all at once.
const CALLERS: usize = 200;

/// How long an outage lasts.
const OUTAGE: Duration = Duration::from_millis(2_500);

/// The longest that anybody waits for an answer when the database is away.
const ANSWER: Duration = Duration::from_secs(2);

/// The longest that it takes until everybody is served again.
const RECOVERY: Duration = Duration::from_secs(5);

const ROLE: &str = "vision/read-results";

/// What somebody asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Errand {
    Credentials,
    Ready,
    Me,
    /// By somebody with a session; beginning a sign-in asks nothing of the database.
    Home,
    /// The same by a browser, which wants a page.
    BrowserHome,
}

impl Errand {
    const ALL: [Self; 5] = [Self::Credentials, Self::Ready, Self::Me, Self::Home, Self::BrowserHome];

    fn run(self, broker: &str, token: &str) -> Page {
        let home = || raw::get(&format!("{broker}/")).header("cookie", "lodge_session=anything");
        match self {
            Self::Credentials => ask_for(broker, token, ROLE, ""),
            Self::Ready => raw::get(&format!("{broker}/readyz")).send(),
            Self::Me => me(broker, token),
            Self::Home => home().send(),
            Self::BrowserHome => home().page().send(),
        }
    }

    fn is_served(page: &Page) -> bool {
        page.status == 200
    }
}

/// One request, and how it went.
struct Asked {
    errand: Errand,
    from: Instant,
    to: Instant,
    page: Page,
}

impl Asked {
    /// What is wrong with a refusal, if anything.
    fn complaint(&self) -> Option<String> {
        let page = &self.page;
        let content_type = page.header("content-type").unwrap_or_default();
        let fits = if self.errand == Errand::BrowserHome {
            content_type.starts_with("text/html") && page.text().contains("Its database is not available")
        } else {
            content_type == "application/problem+json" && page.body.contains("\"urn:lodge:problem:unavailable\"")
        };
        let is_right = page.status == 503 && page.header("retry-after").is_some() && fits;
        (!is_right).then(|| format!("{:?}: {} {:?} {}", self.errand, page.status, page.headers, page.body))
    }
}

/// How late this machine is with everything, by what a thread that only sleeps finds out.
struct Lateness {
    ends: Arc<AtomicBool>,
    most: std::thread::JoinHandle<Duration>,
}

impl Lateness {
    fn watch() -> Self {
        let ends = Arc::new(AtomicBool::new(false));
        let watched = Arc::clone(&ends);
        let most = std::thread::spawn(move || {
            let (nap, mut most) = (Duration::from_millis(20), Duration::ZERO);
            while !watched.load(Ordering::SeqCst) {
                let began = Instant::now();
                std::thread::sleep(nap);
                most = most.max(began.elapsed().saturating_sub(nap));
            }
            most
        });
        Self { ends, most }
    }

    fn most(self) -> Duration {
        self.ends.store(true, Ordering::SeqCst);
        self.most.join().unwrap()
    }
}

/// A way to take a cluster away and to bring it back.
struct Outage {
    what: &'static str,
    begin: fn(&OwnCluster),
    end: fn(&OwnCluster),
}

const OUTAGES: [Outage; 3] = [
    Outage { what: "stopped", begin: OwnCluster::stop, end: OwnCluster::start },
    Outage { what: "killed", begin: OwnCluster::kill, end: OwnCluster::start },
    Outage { what: "frozen", begin: OwnCluster::freeze, end: OwnCluster::thaw },
];

/// What a crowd went through in an outage.
struct Through {
    what: &'static str,
    all: Vec<Asked>,
    away: Instant,
    back: Instant,
    late: Duration,
}

impl Through {
    /// A crowd asks for everything there is, before, during and after the outage.
    fn live(outage: &Outage, cluster: &OwnCluster, broker: &str, token: &str) -> Self {
        let lateness = Lateness::watch();
        let (ends, served) = (AtomicBool::new(false), AtomicUsize::new(0));
        let refused_at = Mutex::new(Instant::now());
        let ask_on = |first: usize| {
            let mut asked = Vec::new();
            for errand in Errand::ALL.into_iter().cycle().skip(first % Errand::ALL.len()) {
                let from = Instant::now();
                let page = errand.run(broker, token);
                if Errand::is_served(&page) {
                    served.fetch_add(1, Ordering::SeqCst);
                } else {
                    *refused_at.lock().unwrap() = Instant::now();
                }
                asked.push(Asked { errand, from, to: Instant::now(), page });
                if ends.load(Ordering::SeqCst) {
                    break;
                }
            }
            asked
        };
        std::thread::scope(|scope| {
            let ask_on = &ask_on;
            let callers: Vec<_> = (0..CALLERS).map(|number| scope.spawn(move || ask_on(number))).collect();
            eventually("the crowd to be served", || (served.load(Ordering::SeqCst) > CALLERS).then_some(()));
            (outage.begin)(cluster);
            let away = Instant::now();
            std::thread::sleep(OUTAGE);
            (outage.end)(cluster);
            let (back, before) = (Instant::now(), served.load(Ordering::SeqCst));
            let quietly = || refused_at.lock().unwrap().elapsed() > Duration::from_secs(1);
            let all_are_served = || quietly() && served.load(Ordering::SeqCst) > before + CALLERS;
            while back.elapsed() < RECOVERY + Duration::from_secs(1) && !all_are_served() {
                std::thread::sleep(Duration::from_millis(20));
            }
            ends.store(true, Ordering::SeqCst);
            let all = callers.into_iter().flat_map(|caller| caller.join().unwrap()).collect();
            Self { what: outage.what, all, away, back, late: lateness.most() }
        })
    }

    /// Everybody was answered in time and in the right way, and nobody refused for long.
    fn check(&self) {
        let Self { what, all, away, back, late } = self;
        let refused: Vec<&Asked> = all.iter().filter(|asked| !Errand::is_served(&asked.page)).collect();
        let wrong: Vec<String> = refused.iter().filter_map(|asked| asked.complaint()).collect();
        assert!(wrong.is_empty(), "{what}: {wrong:?}");
        for errand in Errand::ALL {
            assert!(refused.iter().any(|asked| asked.errand == errand), "{what}: no {errand:?} refused");
        }
        // Who was in the middle of something when it began is answered in time from then on.
        let during = all.iter().filter(|asked| asked.to > *away && asked.from < *back);
        let slowest = during.map(|asked| asked.to.min(*back).duration_since(asked.from.max(*away))).max().unwrap();
        assert!(slowest <= ANSWER + *late, "{what}: an answer took {slowest:?} ({late:?} late)");
        let last = refused.iter().map(|asked| asked.to.saturating_duration_since(*back)).max().unwrap();
        assert!(last <= RECOVERY + *late, "{what}: refused {last:?} after it was back ({late:?} late)");
        println!(
            "{what}: {} requests, {} refused; the slowest answer while it was away took {} ms, the last refusal came {} \
             ms after it was back; this machine was late by {} ms",
            all.len(),
            refused.len(),
            slowest.as_millis(),
            last.as_millis(),
            late.as_millis()
        );
    }

    fn received(&self) -> impl Iterator<Item = Received> {
        let given = |asked: &&Asked| asked.errand == Errand::Credentials && asked.page.status == 200;
        self.all.iter().filter(given).map(|asked| {
            let text = |name: &str| asked.page.json()[name].as_str().unwrap().to_owned();
            Received { access_key_id: text("access_key_id"), role_session: text("role_session_id") }
        })
    }
}

/// Nothing left without its record, and STS was not asked without one either.
fn check_records(campus: &Campus, received: &[Received]) {
    let ledger = campus.ledger();
    assert_eq!(complaints(&ledger, received), [""; 0]);
    let known: Vec<&str> = ledger.iter().map(|entry| entry.thread.id()).collect();
    let calls = campus.aws.calls().into_iter().filter_map(|call| call.assume_role?.role_session_name);
    let unknown: Vec<String> = calls.filter(|session| !known.contains(&session.as_str())).collect();
    assert_eq!(unknown, [""; 0]);
}

#[test]
fn a_server_that_is_stopped_killed_or_frozen_keeps_nobody_waiting_and_is_used_again() {
    if !require("a_server_that_is_stopped_killed_or_frozen_keeps_nobody_waiting_and_is_used_again") {
        return;
    }
    let cluster = Cluster::own();
    let campus = Campus::over(cluster.database());
    let token = campus.signed_in("student").1;
    let broker = campus.start();
    let url = format!("http://{}", broker.address);
    for errand in Errand::ALL {
        let page = errand.run(&url, &token);
        assert!(Errand::is_served(&page), "{errand:?}: {} {}", page.status, page.body);
    }
    let mut received: Vec<Received> = Vec::new();

    for outage in OUTAGES {
        let through = Through::live(&outage, &cluster, &url, &token);

        through.check();
        received.extend(through.received());
        check_records(&campus, &received);
    }

    let clock = ManualClock::at(Clock::System.now());
    clock.advance(TimeDelta::minutes(10));
    campus.block_on(campus.broker(Clock::Manual(clock)).sweep()).unwrap();
    let ledger = campus.ledger();
    assert_eq!((complaints(&ledger, &received), open(&ledger).len()), (Vec::new(), 0));
    println!("{} credentials received, {} issued", received.len(), count_issued(&ledger));
    let said = broker.process.stderr();
    let times = |text: &str| said.matches(text).count();
    assert_eq!(
        (times("the database server does not answer; until"), times("the database server answers again")),
        (3, 3)
    );
    assert_eq!(times("ERROR"), 3, "{}", said.lines().filter(|line| line.contains("ERROR")).collect::<String>());
}

#[test]
fn a_broker_that_is_started_while_the_server_is_away_says_so_in_a_line_and_ends() {
    if !require("a_broker_that_is_started_while_the_server_is_away_says_so_in_a_line_and_ends") {
        return;
    }
    let cluster = Cluster::own();
    let campus = Campus::over(cluster.database());
    for outage in OUTAGES {
        (outage.begin)(&cluster);
        let began = Instant::now();

        let ended = Process::run("lodged", &mut campus.command("warn,lodge=info"), "");

        let took = began.elapsed();
        assert_eq!(ended.status.code(), Some(1), "{}: {}", outage.what, ended.stderr);
        let last = ended.stderr.lines().last().unwrap_or_default();
        let why = if outage.what == "frozen" { "no answer within 3 s" } else { "Connection refused" };
        assert!(last.contains("the database postgres://") && last.contains(why), "{}: {last}", outage.what);
        assert_eq!(ended.stderr.lines().count(), 1, "{}: {}", outage.what, ended.stderr);
        assert!(took < Duration::from_secs(10), "{}: {took:?}", outage.what);
        println!("{}: {} ms: {last}", outage.what, took.as_millis());
        (outage.end)(&cluster);
    }
    drop(campus.start());
}

/// As when another replica was brought up to date first: what it adds is no business of the older one.
#[test]
fn a_server_that_comes_back_with_a_newer_schema_is_used_on() {
    if !require("a_server_that_comes_back_with_a_newer_schema_is_used_on") {
        return;
    }
    let cluster = Cluster::own();
    let campus = Campus::over(cluster.database());
    let token = campus.signed_in("student").1;
    let broker = campus.start();
    let url = format!("http://{}", broker.address);
    assert_eq!(ask_for(&url, &token, ROLE, "").status, 200);

    cluster.stop();
    cluster.start();
    campus.place.server().unwrap().psql_as_owner(
        "alter table lab add column colour text; create index lab_by_colour on lab (colour);
         insert into _sqlx_migrations (version, description, success, checksum, execution_time)
         values (9999, 'colours', true, ''::bytea, 1);",
    );

    for errand in Errand::ALL {
        eventually("to be served", || Errand::is_served(&errand.run(&url, &token)).then_some(()));
    }
    let newcomer = Process::run("lodged", &mut campus.command("warn,lodge=info"), "");
    assert_eq!(newcomer.status.code(), Some(1));
    assert!(newcomer.stderr.contains("is of a later version of this program"), "{}", newcomer.stderr);
}

/// A caller may hang up at any moment, even while the connection is being told to begin a transaction.
#[test]
fn a_request_that_is_dropped_leaves_nothing_behind_on_its_connection() {
    if !require("a_request_that_is_dropped_leaves_nothing_behind_on_its_connection") {
        return;
    }
    let campus = Campus::on(Kind::Postgres);
    let store = campus.block_on(Store::serve(&campus.playground.database)).unwrap();
    let lab = "vision".parse().unwrap();
    campus.block_on(async {
        let book = Book::Lab(store.read().await.unwrap().lab_id(&lab).await.unwrap().unwrap());
        let write = async || {
            let mut tx = store.write_for(&lab).await?;
            tx.hold_book(&book).await?;
            tx.commit().await
        };
        for round in 0..400_u64 {
            let dropped = async {
                let mut tx = store.read().await?;
                tx.lab_id(&lab).await?;
                write().await
            };
            let _ = tokio::time::timeout(Duration::from_micros(round * 37 % 6_000), dropped).await;

            write().await.unwrap_or_else(|error| panic!("round {round}: {error:?}"));
        }
        store.close().await;
    });
    let server = campus.place.server().unwrap();
    eventually("the end of every transaction", || {
        let open = server.psql(
            "select count(*) from pg_stat_activity where datname = current_database() and usename = 'lodge' \
             and state like 'idle in transaction%';",
        );
        (open == "0").then_some(())
    });
}

/// Between the broker and its server: connections can be made to lead nowhere, as when a machine vanishes and another
/// takes its address.
struct Relay {
    address: SocketAddr,
    made: Arc<Mutex<Vec<Arc<AtomicBool>>>>,
}

impl Relay {
    fn to(port: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let made = Arc::new(Mutex::new(Vec::new()));
        let keeping = Arc::clone(&made);
        std::thread::spawn(move || {
            for near in listener.incoming().flatten() {
                let Ok(far) = TcpStream::connect(("127.0.0.1", port)) else { continue };
                let is_cut = Arc::new(AtomicBool::new(false));
                keeping.lock().unwrap().push(Arc::clone(&is_cut));
                for (from, to) in [(&near, &far), (&far, &near)] {
                    let (from, to, is_cut) = (from.try_clone().unwrap(), to.try_clone().unwrap(), Arc::clone(&is_cut));
                    std::thread::spawn(move || pass_on(from, to, &is_cut));
                }
            }
        });
        Self { address, made }
    }

    /// From here on, nothing that is said over the connections that there are arrives.
    fn cut(&self) {
        for is_cut in self.made.lock().unwrap().iter() {
            is_cut.store(true, Ordering::SeqCst);
        }
    }
}

fn pass_on(mut from: TcpStream, mut to: TcpStream, is_cut: &AtomicBool) {
    let mut some = [0; 8_192];
    while let Ok(read @ 1..) = from.read(&mut some) {
        if !is_cut.load(Ordering::SeqCst) && to.write_all(&some[..read]).is_err() {
            break;
        }
    }
    if !is_cut.load(Ordering::SeqCst) {
        let _ = to.shutdown(std::net::Shutdown::Both);
    }
}

#[test]
fn connections_that_lead_nowhere_are_replaced() {
    if !require("connections_that_lead_nowhere_are_replaced") {
        return;
    }
    let campus = Campus::on(Kind::Postgres);
    let token = campus.signed_in("student").1;
    let relay = Relay::to(campus.place.server().unwrap().port());
    let Address::Postgres(mut through) = campus.playground.database.clone() else { panic!("not PostgreSQL") };
    through.url.set_port(Some(relay.address.port())).unwrap();
    let playground = Playground { database: Address::Postgres(through), ..campus.playground.clone() };
    let settings = std::fs::read_to_string(campus.settings()).unwrap();
    let (direct, detour) = (&campus.playground.database, &playground.database);
    std::fs::write(campus.settings(), settings.replace(&direct.to_string(), &detour.to_string())).unwrap();
    let broker = campus.start();
    let url = format!("http://{}", broker.address);
    let crowd = || {
        std::thread::scope(|scope| {
            let all: Vec<_> = (0..40).map(|_| scope.spawn(|| ask_for(&url, &token, ROLE, "").status)).collect();
            all.into_iter().map(|one| one.join().unwrap()).collect::<Vec<u16>>()
        })
    };
    assert_eq!(crowd(), [200; 40]);
    assert!(relay.made.lock().unwrap().len() > 4, "there are too few connections to show anything");

    relay.cut();
    let cut = Instant::now();
    let first = crowd();
    let mut again = first.clone();
    while again != [200; 40] {
        assert!(cut.elapsed() < Duration::from_secs(30), "{again:?}");
        again = crowd();
    }

    println!(
        "{} of 40 were refused at first; all were served {} ms later",
        first.iter().filter(|s| **s == 503).count(),
        cut.elapsed().as_millis()
    );
    assert!(first.iter().all(|status| matches!(status, 200 | 503)), "{first:?}");
}
