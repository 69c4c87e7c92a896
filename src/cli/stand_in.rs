//! A stand-in for a broker, for tests: answers each request as it is told and remembers what it was asked.

use std::io::{BufRead, BufReader, Write};
use std::net::{Ipv4Addr, TcpListener};
use std::sync::{Arc, Mutex};
use std::thread;

use chrono::{DateTime, TimeDelta};

use crate::ambient::{Clock, ManualClock, Random};

use super::Helper;
use super::environment::Environment;
use super::exit::Exit;
use super::output::Output;
use super::session::{Renewal, Session};

/// What opens a stand-in broker. It never shows in what the helper prints.
pub(crate) const TOKEN: &str = "canary-access-token";

/// What gets the next [`TOKEN`].
pub(crate) const REFRESH_TOKEN: &str = "canary-refresh-token";

/// A request as it came.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    pub(crate) line: String,
    pub(crate) authorization: Option<String>,
    pub(crate) if_match: Option<String>,
    pub(crate) content_type: Option<String>,
    pub(crate) body: String,
}

/// The stand-in: lives as long as the test's process.
pub(crate) struct StandIn {
    pub(crate) url: String,
    asked: Arc<Mutex<Vec<Asked>>>,
}

impl StandIn {
    /// Answers each request with what `answer` makes of its request line: a status with its reason, and a body.
    pub(crate) fn start(answer: impl Fn(&str, &str) -> (&'static str, String) + Send + 'static) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let asked = Arc::new(Mutex::new(Vec::new()));
        let (own_url, kept) = (url.clone(), asked.clone());
        thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                let Some(request) = read(&mut BufReader::new(&stream)) else { continue };
                let (status, body) = answer(&own_url, &request.line);
                kept.lock().unwrap().push(request);
                let location = if status.starts_with('3') { "Location: http://127.0.0.1:1/\r\n" } else { "" };
                let head = format!(
                    "HTTP/1.1 {status}\r\nContent-Length: {}\r\n{location}Connection: close\r\n\r\n",
                    body.len()
                );
                let _ = stream.write_all((head + &body).as_bytes());
            }
        });
        Self { url, asked }
    }

    /// Everything it was asked.
    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }
}

fn read(reader: &mut impl BufRead) -> Option<Asked> {
    let mut line = String::new();
    reader.read_line(&mut line).ok().filter(|count| *count > 0)?;
    let (mut authorization, mut if_match, mut content_type, mut length) = (None, None, None, 0);
    loop {
        let mut header = String::new();
        reader.read_line(&mut header).ok()?;
        let Some((name, value)) = header.trim_end().split_once(": ") else { break };
        match name.to_ascii_lowercase().as_str() {
            "authorization" => authorization = Some(value.to_owned()),
            "if-match" => if_match = Some(value.to_owned()),
            "content-type" => content_type = Some(value.to_owned()),
            "content-length" => length = value.parse().ok()?,
            _ => {}
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    let line = line.trim_end().trim_end_matches(" HTTP/1.1").to_owned();
    Some(Asked { line, authorization, if_match, content_type, body: String::from_utf8(body).ok()? })
}

/// What such a broker says of itself.
pub(crate) fn metadata(url: &str) -> String {
    serde_json::json!({
        "issuer": url,
        "authorization_endpoint": format!("{url}/oauth/authorize"),
        "token_endpoint": format!("{url}/oauth/token"),
        "revocation_endpoint": format!("{url}/oauth/revoke"),
        "response_types_supported": ["code"],
        "grant_types_supported": ["authorization_code"],
        "code_challenge_methods_supported": ["S256"],
        "token_endpoint_auth_methods_supported": ["none"],
        "authorization_response_iss_parameter_supported": true,
    })
    .to_string()
}

/// Credentials as such a broker gives them: until an hour after a desk is signed in.
pub(crate) fn credentials() -> String {
    serde_json::json!({
        "access_key_id": "ASIAEXAMPLE",
        "secret_access_key": "s",
        "session_token": "t",
        "expiration": "2026-11-21T14:00:00Z",
        "account_id": "111122223333",
        "role_session_id": "rs-0123456789abcdef",
    })
    .to_string()
}

/// A helper with a home of its own.
pub(crate) struct Desk {
    pub(crate) helper: Helper,
    /// The helper's clock, at a desk that is signed in.
    pub(crate) clock: ManualClock,
    pub(crate) directory: tempfile::TempDir,
}

impl Desk {
    pub(crate) fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let environment = Environment {
            home: Some(directory.path().join("lodge")),
            cache: Some(directory.path().join("cache")),
            ..Environment::default()
        };
        let browser: super::Browser = Arc::new(|_| Err(std::io::ErrorKind::NotFound.into()));
        let paste: super::Paste = Arc::new(|| Err(std::io::ErrorKind::UnexpectedEof.into()));
        let printed: super::Printed = Arc::new(|_| Ok(String::new().into()));
        let helper = Helper { environment, clock: Clock::System, random: Random::System, browser, paste, printed };
        Self { helper, clock: ManualClock::at(DateTime::UNIX_EPOCH), directory }
    }

    /// A desk that is signed in at this broker, at 13:00 on the 21st of November 2026.
    pub(crate) fn signed_in(broker: &StandIn) -> Self {
        let mut desk = Self::new();
        let now = DateTime::from_timestamp_secs(1_795_266_000).unwrap();
        desk.clock = ManualClock::at(now);
        desk.helper.clock = Clock::Manual(desk.clock.clone());
        let session = Session {
            broker: broker.url.clone(),
            access_token: TOKEN.to_owned().into(),
            person: Some("p-0123456789abcdef".to_owned()),
            expires_at: now + TimeDelta::hours(12),
            revocation_endpoint: format!("{}/oauth/revoke", broker.url),
            renewal: Some(Renewal {
                refresh_token: REFRESH_TOKEN.to_owned().into(),
                token_endpoint: format!("{}/oauth/token", broker.url),
                access_expires_at: now + TimeDelta::minutes(15),
            }),
        };
        desk.helper.sessions().unwrap().keep(&broker.url.parse().unwrap(), &session).unwrap();
        desk
    }

    /// What is kept of the session with this broker.
    pub(crate) fn session(&self, broker: &StandIn) -> Session {
        self.helper.sessions().unwrap().stored(&broker.url.parse().unwrap()).unwrap()
    }

    /// Keeps another session, as another helper of the same person does.
    pub(crate) fn replace(&self, broker: &StandIn, session: &Session) {
        self.helper.sessions().unwrap().replace(&broker.url.parse().unwrap(), session).unwrap();
    }

    /// Runs a verb; gives the exit code, stdout and stderr.
    pub(crate) fn run(&self, arguments: &[&str]) -> (Exit, String, String) {
        let (mut stdout, mut stderr) = (Vec::new(), Vec::new());
        let line = [&["lodge"], arguments].concat();
        let exit = super::run(line, &self.helper, &mut Output::new(&mut stdout, &mut stderr));
        (exit, String::from_utf8(stdout).unwrap(), String::from_utf8(stderr).unwrap())
    }
}
