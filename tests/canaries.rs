//! No secret is in any log, whatever is asked of it, nor anywhere else where it does not belong.
//!
//! A whole day of broker and helper is searched for every secret that there was in it. The search is proven first: by
//! what is logged on purpose, by each secret written into a copy of the log, and by the AWS SDK without our cap.

mod collect;
mod debug;
mod story;

use std::io::Write;
use std::process::Command;
use std::sync::{Arc, Mutex};

use lodge::ambient::Clock;
use lodge::telemetry;
use tracing_subscriber::layer::SubscriberExt;

use crate::support::campus::Campus;
use crate::support::canaries::Canaries;
use crate::support::process::Process;
use story::Said;

/// What somebody asks for who wants to see everything.
const EVERYTHING: &str = "trace,aws_smithy_runtime=trace,aws_runtime=trace,aws_sdk_sts=trace,aws_config=trace,\
    aws_credential_types=trace,hyper=trace,hyper_util=trace,h2=trace,reqwest=trace,rustls=trace,openidconnect=trace,\
    oauth2=trace,sqlx=trace,tower_http=trace,axum=trace,ureq=trace,ureq_proto=trace";

#[test]
fn no_secret_is_anywhere_at_trace_level() {
    nothing_is_found_with("trace", &[]);
}

#[test]
fn no_secret_is_anywhere_when_every_crate_is_asked_for_everything() {
    nothing_is_found_with(
        EVERYTHING,
        &[(SENSITIVE_BODIES, "true"), ("RUST_LOG", EVERYTHING), ("RUST_BACKTRACE", "full")],
    );
}

fn nothing_is_found_with(filter: &str, environment: &[(&str, &str)]) {
    let campus = Campus::new();

    let said = story::live(&campus, filter, environment);

    everything_was_collected(&said.canaries);
    let found: Vec<String> =
        said.texts.iter().flat_map(|(place, text)| found_in(&said.canaries, place, text)).collect();
    assert_eq!(found, [""; 0]);
    assert_eq!(found_in_urls(&campus, &said.canaries), [""; 0]);
    let bytes: usize = said.texts.iter().map(|(_, text)| text.len()).sum();
    println!("{} texts, {bytes} bytes, searched for {:?}", said.texts.len(), said.canaries.kinds());

    what_is_logged_on_purpose_is_found(&campus, &said);
    a_secret_that_is_logged_is_found(&said);
}

/// Where each kind of secret belongs; everywhere else it is a find.
fn found_in(canaries: &Canaries, place: &str, text: &[u8]) -> Vec<String> {
    let is_database = place.starts_with("database");
    let misplaced = canaries.only(|kind| match kind {
        // The first is not a secret to the lab, whose trust policy holds it. The second is part of the page that a
        // sign-in returns to, and opens nothing without the code. The third is asked for as a lab's name, which the
        // ledger keeps as it was written.
        "external id" | "helper's state" | "stray path" => !is_database,
        _ => true,
    });
    misplaced.found_in(place, text)
}

/// OAuth puts a few of them into URLs (RFC 6749, section 4.1; OpenID Connect Core, section 3.1.2.1), and a stranger can
/// put anything there.
fn found_in_urls(campus: &Campus, canaries: &Canaries) -> Vec<String> {
    let mut found = Vec::new();
    for (server, proxy) in [("provider", &campus.provider), ("STS", &campus.sts), ("broker", &campus.front)] {
        for call in proxy.recorded() {
            let is_callback = server == "broker" && call.path().ends_with("/callback");
            let leads_back = matches!(call.path(), "/oauth/authorize" | "/sign-in") || call.path().ends_with("/start");
            let misplaced = canaries.only(|kind| match kind {
                "state" => !(is_callback || call.path() == "/authorize"),
                "nonce" => call.path() != "/authorize",
                "code" => !is_callback,
                "helper's state" => !leads_back,
                kind => !(server == "broker" && kind.starts_with("stray")),
            });
            found.extend(misplaced.found_in(&format!("{server}, {}", call.path()), call.target.as_bytes()));
        }
    }
    found
}

/// A search that knows half of the secrets proves half.
fn everything_was_collected(canaries: &Canaries) {
    let kinds = canaries.kinds();
    for kind in [
        "ID token",
        "PKCE verifier",
        "broker's secret key",
        "broker's session token",
        "client secret",
        "code",
        "code or access token",
        "external id",
        "forged ID token",
        "form token",
        "helper's PKCE verifier",
        "helper's access token",
        "helper's refresh token",
        "helper's state",
        "key file",
        "nonce",
        "our code",
        "secret key",
        "session cookie",
        "session token",
        "sign-in cookie",
        "state",
    ] {
        assert!(kinds.iter().any(|(known, _)| *known == kind), "no {kind} in {kinds:?}");
    }
}

fn log(said: &Said) -> &[u8] {
    &said.texts.iter().find(|(place, _)| place == "lodged").unwrap().1
}

fn what_is_logged_on_purpose_is_found(campus: &Campus, said: &Said) {
    let ledger = campus.ledger();
    let mut logged = Canaries::default();
    logged.add("person id", ledger[0].thread.who());
    logged.add("role session id", ledger[0].thread.id());

    assert_eq!(found_in(&logged, "log", log(said)).len(), 2);
    assert!(found_in(&logged, "database", &database(said)).len() >= 2);
    let credentials = said.canaries.only(|kind| matches!(kind, "secret key" | "session token"));
    assert!(credentials.found_in("credential-process", said.credentials.as_bytes()).len() >= 2);
    let hashed = database(said);
    assert!(!hashed.is_empty());
}

fn database(said: &Said) -> Vec<u8> {
    said.texts.iter().filter(|(place, _)| place.starts_with("database")).flat_map(|(_, text)| text.clone()).collect()
}

/// Writes every secret into a copy of the log, one at a time and in each of its forms.
fn a_secret_that_is_logged_is_found(said: &Said) {
    let log = log(said);
    let middle = log.len() / 2;
    let mut planted = 0;
    for canary in said.canaries.iter() {
        let own = said.canaries.only(|kind| kind == canary.kind);
        for (form, text) in canary.forms() {
            let copy = [&log[..middle], b" token=", &text, b" ", &log[middle..]].concat();
            let found = found_in(&own, "copy", &copy);
            assert!(found.iter().any(|line| line.contains(form)), "{}, {form}: {found:?}", canary.kind);
            planted += 1;
        }
    }
    println!("{planted} plants, each of them found");
}

/// The variable that has the AWS SDK print bodies that hold credentials (aws-smithy-runtime, `client/orchestrator/http.rs`).
const SENSITIVE_BODIES: &str = "LOG_SENSITIVE_BODIES";

/// The cap in `telemetry` keeps the AWS SDK from printing credentials: the same credential is made with the cap and
/// without it, in a process where somebody asks the SDK for all it has.
#[test]
fn without_the_cap_the_sdk_prints_what_it_receives() {
    if std::env::var_os(SENSITIVE_BODIES).is_none() {
        let mut again = Command::new(std::env::current_exe().unwrap());
        let name = "canaries::without_the_cap_the_sdk_prints_what_it_receives";
        again.args(["--exact", name, "--nocapture"]).env(SENSITIVE_BODIES, "true");
        let ended = Process::run("the same test", &mut again, "");
        assert!(ended.status.success(), "{}{}", ended.stdout, ended.stderr);
        assert!(ended.stdout.contains("without the cap: "), "{}", ended.stdout);
        print!("{}", ended.stdout);
        return;
    }
    let campus = Campus::new();

    let capped = log_of_one_credential(&campus, |writer| {
        let layer = telemetry::layer(Some(EVERYTHING), writer, false).unwrap();
        tracing::Dispatch::new(tracing_subscriber::registry().with(layer))
    });
    let uncapped = log_of_one_credential(&campus, |writer| {
        let layer = tracing_subscriber::fmt::layer().with_writer(writer).with_ansi(false);
        tracing::Dispatch::new(tracing_subscriber::registry().with(layer))
    });

    let mut canaries = Canaries::default();
    for call in campus.sts.recorded() {
        collect::at_sts(&call, &mut canaries);
    }
    assert_eq!(canaries.kinds(), [("external id", 1), ("secret key", 2), ("session token", 2)]);
    assert!(String::from_utf8_lossy(&capped).contains("attempt ended"), "the log is that of a credential");
    assert_eq!(canaries.found_in("with the cap", &capped), [""; 0]);
    let printed = canaries.found_in("without the cap", &uncapped);
    println!("without the cap: {} bytes instead of {}; {printed:#?}", uncapped.len(), capped.len());
    for kind in ["secret key", "session token"] {
        assert!(printed.iter().any(|line| line.contains(kind)), "the SDK does not print the {kind} any more");
    }
}

fn log_of_one_credential(campus: &Campus, dispatch: impl FnOnce(Writer) -> tracing::Dispatch) -> Vec<u8> {
    let (_, token) = campus.signed_in("student");
    let broker = campus.broker(Clock::System);
    let caller = campus.block_on(broker.helper_caller(&token.into())).unwrap();
    let captured = Captured::default();
    let kept = captured.clone();
    let dispatch = dispatch(Box::new(move || captured.clone()));
    // One thread, so that everything that is said is said to this subscriber.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    tracing::dispatcher::with_default(&dispatch, || {
        runtime.block_on(broker.issue(&caller, &"vision/read-results".parse().unwrap(), None)).unwrap();
        runtime.block_on(broker.store.close());
    });
    std::mem::take(&mut *kept.0.lock().unwrap())
}

type Writer = Box<dyn Fn() -> Captured + Send + Sync>;

#[derive(Clone, Default)]
struct Captured(Arc<Mutex<Vec<u8>>>);

impl Write for Captured {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}
