//! Where a provider cannot send the broker: into the campus network, to the machine that it runs on, to a cloud's
//! metadata service, and to whatever speaks no HTTP.
//!
//! Every form of a forbidden address stands in every place where a provider may name one, once as it is and once with
//! its origin in the settings, so that it is the address and not the origin that is refused. A listener on this machine
//! sees whether anybody comes. Names that lead inside, and those that lead elsewhere the second time, are tested beside
//! the client itself, where a test can answer for the name service.

use std::net::{TcpListener, ToSocketAddrs};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use lodge::domain::sign_in::SignInRefusal;
use lodge::oidc::Settings;

use crate::sign_in_refusals::stage::Stage;
use crate::sign_in_refusals::table::Row;
use crate::support::campus::Campus;
use crate::support::evil_provider::{Answer, Lie};
use crate::support::visitor::Visitor;

/// Nothing is waited for where nobody is asked.
const AT_ONCE: Duration = Duration::from_secs(4);

/// The members of the metadata that the broker goes to by itself.
const PLACES: [&str; 3] = ["jwks_uri", "token_endpoint", "userinfo_endpoint"];

/// A form of an address; `PORT` is where this machine listens.
struct Form {
    id: &'static str,
    what: &'static str,
    url: &'static str,
}

const fn form(id: &'static str, what: &'static str, url: &'static str) -> Form {
    Form { id, what, url }
}

#[rustfmt::skip]
const FORMS: &[Form] = &[
    form("A1.1", "a cloud's metadata service", "https://169.254.169.254/x"),
    form("A1.2", "the same over IPv6", "https://[fd00:ec2::254]/x"),
    form("A1.3", "this machine", "https://127.0.0.1:PORT/x"),
    form("A1.4", "this machine by another of its addresses", "https://127.9.9.9:PORT/x"),
    form("A1.5", "this machine over IPv6", "https://[::1]:PORT/x"),
    form("A1.6", "no address in particular", "https://0.0.0.0:PORT/x"),
    form("A1.7", "the same over IPv6", "https://[::]:PORT/x"),
    form("A1.8", "this machine, IPv4 within IPv6", "https://[::ffff:127.0.0.1]:PORT/x"),
    form("A1.9", "the same in hexadecimal", "https://[::ffff:7f00:1]:PORT/x"),
    form("A1.10", "this machine, as IPv4 was once written in IPv6", "https://[::127.0.0.1]:PORT/x"),
    form("A1.11", "this machine behind a translator", "https://[64:ff9b::127.0.0.1]:PORT/x"),
    form("A1.12", "this machine behind 6to4", "https://[2002:7f00:1::1]:PORT/x"),
    form("A1.13", "this machine as one number", "https://2130706433:PORT/x"),
    form("A1.14", "this machine in octal", "https://0177.0.0.1:PORT/x"),
    form("A1.15", "this machine in hexadecimal", "https://0x7f.0.0.1:PORT/x"),
    form("A1.16", "this machine in two parts", "https://127.1:PORT/x"),
    form("A1.17", "this machine with a dot behind it", "https://127.0.0.1.:PORT/x"),
    form("A1.18", "this machine in wide digits", "https://\u{ff11}\u{ff12}\u{ff17}.0.0.1:PORT/x"),
    form("A1.19", "a private network", "https://10.0.0.1/x"),
    form("A1.20", "another", "https://172.16.0.1/x"),
    form("A1.21", "another", "https://192.168.0.1/x"),
    form("A1.22", "a network behind a carrier", "https://100.64.0.1/x"),
    form("A1.23", "a private network of IPv6", "https://[fd12:3456::1]/x"),
    form("A1.24", "the same wire, IPv6", "https://[fe80::1]/x"),
    form("A1.25", "many at once", "https://224.0.0.1/x"),
    form("A1.26", "everybody", "https://255.255.255.255/x"),
    form("A1.27", "a network for measurements", "https://198.18.0.1/x"),

    form("A2.1", "this machine by its name", "https://localhost:PORT/x"),
    form("A2.2", "by its name, in capitals", "https://LOCALHOST:PORT/x"),

    form("A3.1", "a file", "file:///etc/passwd"),
    form("A3.2", "Gopher", "gopher://127.0.0.1:PORT/x"),
    form("A3.3", "FTP", "ftp://127.0.0.1:PORT/x"),
    form("A3.4", "data", "data:application/json,{}"),
    form("A3.5", "no TLS, on this machine", "http://127.0.0.1:PORT/x"),
    form("A3.6", "no TLS, at a cloud's metadata service", "http://169.254.169.254/latest/meta-data/"),
    form("A3.7", "no TLS, at a provider", "http://sso.example.edu/x"),
    form("A3.8", "a socket of this machine", "unix:///var/run/docker.sock"),
    form("A3.9", "SSH's port", "https://sso.example.edu:22/x"),
    form("A3.10", "a database's port", "https://sso.example.edu:6379/x"),

    form("A4.1", "a user before the host", "https://sso.example.edu@127.0.0.1:PORT/x"),
    form("A4.2", "a user and a password", "https://sso.example.edu:443@127.0.0.1:PORT/x"),
    form("A4.3", "a backslash before the host", "https://127.0.0.1:PORT\\@sso.example.edu/x"),
    form("A4.4", "letters that look the same", "https://ss\u{43e}.example.edu/x"),
    form("A4.5", "another name below the provider's", "https://x.sso.example.edu/x"),
    form("A4.6", "a name that begins like the provider's", "https://sso.example.edu.example.org/x"),
];

/// What is tested in a way of its own.
#[rustfmt::skip]
const OTHERS: &[(&str, &str, &str, &str)] = &[
    ("A5.1", "a redirect from the metadata to this machine", "none", "refused, and nobody is connected to"),
    ("A5.2", "a redirect from the keys", "none", "refused, and nobody is connected to"),
    ("A5.3", "a redirect from the token endpoint", "none", "refused, and nobody is connected to"),
    ("A5.4", "a redirect from userinfo", "none", "refused, and nobody is connected to"),
    ("A6.1", "the metadata's own address, in every form of A1 and A2", "the provider's own", "refused: forbidden-address"),
    ("A6.2", "an address inside a token: `_claim_sources`, jku, x5u", "none", "signs in, and nobody is connected to"),
    ("A6.3", "addresses of the metadata that the broker has no use for", "none", "signs in, and nobody is connected to"),
    ("A6.4", "a proxy in the environment", "none", "signs in, and nobody is connected to"),
];

pub(crate) fn rows() -> Vec<Row> {
    let forms = FORMS.iter().map(|Form { id, what, url }| {
        let url = url.escape_default().to_string();
        Row::new(
            id,
            &format!("{what}: {url}"),
            "the provider's own",
            "refused: forbidden-address, nobody is connected to",
        )
    });
    forms.chain(OTHERS.iter().map(|(id, what, twin, outcome)| Row::new(id, what, twin, outcome))).collect()
}

/// A port of this machine, on every address of it, and how often somebody came.
struct Listener {
    port: u16,
    visits: Arc<AtomicUsize>,
}

impl Listener {
    fn start() -> Self {
        let first = TcpListener::bind("0.0.0.0:0").unwrap();
        let port = first.local_addr().unwrap().port();
        let visits = Arc::new(AtomicUsize::new(0));
        // Without IPv6 on this machine, nobody comes over IPv6 either.
        for listener in [Ok(first), TcpListener::bind(("::1", port))].into_iter().flatten() {
            let visits = Arc::clone(&visits);
            std::thread::spawn(move || {
                for _ in listener.incoming() {
                    visits.fetch_add(1, Ordering::SeqCst);
                }
            });
        }
        Self { port, visits }
    }

    fn url(&self, form: &str) -> String {
        form.replace("PORT", &self.port.to_string())
    }

    fn visits(&self) -> usize {
        self.visits.load(Ordering::SeqCst)
    }
}

/// Lets the operator have named the origin of this address.
fn name_origin(settings: &mut Settings, url: &str) {
    let origin = url::Url::parse(url).map(|url| url.origin().ascii_serialization()).unwrap_or_default();
    settings.reach.endpoint_origins.extend(origin.parse().ok());
}

/// What is wrong with how a provider is answered that names this address in this place.
fn flaw(listener: &Listener, place: &'static str, url: &str, is_named: bool) -> Option<String> {
    let stage = Stage::with(|settings| {
        if is_named {
            name_origin(settings, url);
        }
    });
    let quiet = Lie::Claims(|claims| {
        claims.as_object_mut().unwrap().remove("groups");
    });
    let before = listener.visits();
    stage.provider.lie(&[quiet, Lie::Member(place, url.to_owned())]);
    let began = Instant::now();

    let page = Visitor::new().open(&stage.url("/auth/campus/start"));

    let told = format!("{place} {url}, {}", if is_named { "named" } else { "not named" });
    let visits = listener.visits() - before;
    match stage.refusal(&page) {
        Ok(refused) if refused.reason == SignInRefusal::ForbiddenAddress => {
            if visits > 0 {
                Some(format!("{told}: somebody came"))
            } else {
                (began.elapsed() > AT_ONCE).then(|| format!("{told}: it took {} ms", began.elapsed().as_millis()))
            }
        }
        Ok(refused) => Some(format!("{told}: refused for another reason: {refused:?}")),
        Err(flaw) => Some(format!("{told}: {flaw}")),
    }
}

/// All forms in all places, on two threads.
fn flaws(listener: &Listener, forms: &[Form]) -> Vec<String> {
    let all: Vec<(&'static str, String, bool)> = forms
        .iter()
        .flat_map(|form| PLACES.map(|place| (place, listener.url(form.url))))
        .flat_map(|(place, url)| {
            // A port or a name of its own is what the operator would name; an address never is.
            let may_name = !url.contains(".example") && url.starts_with("https:");
            [Some(false), may_name.then_some(true)].into_iter().flatten().map(move |named| (place, url.clone(), named))
        })
        .collect();
    let half = all.len().div_ceil(2);
    std::thread::scope(|scope| {
        let tell = |part: &[(&'static str, String, bool)]| -> Vec<String> {
            part.iter().filter_map(|(place, url, named)| flaw(listener, place, url, *named)).collect()
        };
        let threads: Vec<_> = all.chunks(half).map(|part| scope.spawn(move || tell(part))).collect();
        threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
    })
}

#[test]
fn an_address_that_is_not_on_the_public_internet_is_not_visited() {
    let listener = Listener::start();

    let flaws = flaws(&listener, FORMS);

    assert!(flaws.is_empty(), "{}:\n{}", flaws.len(), flaws.join("\n"));
    assert_eq!(listener.visits(), 0);
}

/// The positive control: the listener hears whoever comes, and a provider's own address is visited.
#[test]
fn the_providers_own_addresses_are_visited() {
    let listener = Listener::start();
    let own = format!("http://127.0.0.1:{}", listener.port);
    let stage = Stage::with(|settings| settings.reach.insecure_origins.push(own.parse().unwrap()));
    stage.signs_in(&[]);
    assert_eq!(listener.visits(), 0);

    let stage = Stage::with(|settings| settings.reach.insecure_origins.push(own.parse().unwrap()));
    stage.provider.lie(&[Lie::Member("token_endpoint", format!("{own}/token"))]);
    std::thread::scope(|scope| {
        scope.spawn(|| Visitor::new().open(&stage.url("/auth/campus/start")));
        crate::support::eventually("somebody to come", || (listener.visits() > 0).then_some(()));
    });
}

#[test]
fn the_metadata_is_not_fetched_from_such_an_address_either() {
    let listener = Listener::start();
    let forms = FORMS.iter().filter(|form| form.id.starts_with("A1") || form.id.starts_with("A2"));
    for form in forms {
        let url = listener.url(form.url);
        let stage = Stage::with(|settings| settings.discovery_url = Some(url.parse().unwrap()));
        stage.provider.lie(&[]);

        let page = Visitor::new().open(&stage.url("/auth/campus/start"));

        let reason = stage.refusal(&page).map(|refused| refused.reason);
        assert_eq!(reason, Ok(SignInRefusal::ForbiddenAddress), "{url}");
    }
    assert_eq!(listener.visits(), 0);
}

/// This machine's name on its network leads into that network.
#[test]
fn the_name_of_this_machine_leads_nowhere() {
    let listener = Listener::start();
    let Ok(name) = std::fs::read_to_string("/proc/sys/kernel/hostname") else { return };
    let name = name.trim().to_ascii_lowercase();
    let leads_inside = (name.as_str(), 443).to_socket_addrs().is_ok_and(|mut all| all.next().is_some());
    if !leads_inside {
        println!("skipped: {name} is no name that this machine knows");
        return;
    }
    for place in PLACES {
        let url = format!("https://{name}:{}/x", listener.port);
        assert_eq!(flaw(&listener, place, &url, true), None);
    }
}

#[test]
fn a_redirect_leads_nowhere() {
    fn lead_away(answer: &mut Answer) {
        let to = LEAD_TO.get().unwrap();
        answer.redirect(302, to);
    }
    static LEAD_TO: std::sync::OnceLock<String> = std::sync::OnceLock::new();
    let listener = Listener::start();
    LEAD_TO.set(format!("http://127.0.0.1:{}/x", listener.port)).unwrap();
    for path in ["/.well-known/openid-configuration", "/jwks", "/token", "/userinfo"] {
        // Even where the place it leads to could be visited.
        let stage = Stage::with(|settings| {
            let open = format!("http://127.0.0.1:{}", listener.port);
            settings.reach.insecure_origins.push(open.parse().unwrap());
        });
        let quiet = Lie::Claims(|claims| {
            claims.as_object_mut().unwrap().remove("groups");
        });
        stage.provider.lie(&[quiet, Lie::Answer(path, lead_away)]);

        let page = Visitor::new().open(&stage.url("/auth/campus/start"));

        stage.refusal(&page).unwrap_or_else(|flaw| panic!("{path}: {flaw}"));
        assert_eq!(listener.visits(), 0, "{path}");
    }
}

#[test]
fn what_nobody_asked_for_is_not_visited() {
    let listener = Listener::start();
    let url = format!("http://127.0.0.1:{}/x", listener.port);
    // Addresses that the broker could visit and has no use for.
    let stage = Stage::with(|settings| {
        let open = format!("http://127.0.0.1:{}", listener.port);
        settings.reach.insecure_origins.push(open.parse().unwrap());
    });
    let unused = [
        "end_session_endpoint",
        "registration_endpoint",
        "introspection_endpoint",
        "revocation_endpoint",
        "op_tos_uri",
        "op_policy_uri",
        "check_session_iframe",
        "service_documentation",
        "device_authorization_endpoint",
        "pushed_authorization_request_endpoint",
        "request_uri",
        "logo_uri",
    ];
    let mut lies: Vec<Lie> = unused.map(|member| Lie::Member(member, url.clone())).into();
    lies.push(Lie::Claims(|claims| {
        claims["_claim_names"] = serde_json::json!({"groups": "a", "birthdate": "b"});
        let there = format!("{}/elsewhere", claims["iss"].as_str().unwrap());
        claims["picture"] = serde_json::json!(there);
        claims["_claim_sources"] =
            serde_json::json!({"a": {"endpoint": there, "access_token": "x"}, "b": {"JWT": "x.y.z"}});
    }));

    stage.signs_in(&lies);

    assert_eq!((listener.visits(), stage.provider.asked("/elsewhere")), (0, 0));
}

/// An operator's environment, or a container's, may name a proxy: it would see every code and token.
#[test]
fn a_proxy_in_the_environment_is_not_used() {
    let listener = Listener::start();
    let campus = Campus::new();
    let proxy = format!("http://127.0.0.1:{}", listener.port);
    let mut command = campus.command("warn,lodge=info");
    for name in ["http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"] {
        command.env(name, &proxy);
    }
    let _running = campus.start_with(&mut command);

    let page = Visitor::new().sign_in(&format!("{}/sign-in", campus.front.url()), "student");

    assert_eq!((page.status, page.url.path()), (200, "/"), "{}", page.text());
    assert_eq!(listener.visits(), 0);
}
