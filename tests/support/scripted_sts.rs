//! A stand-in for STS that answers `AssumeRole` with whatever a test wrote: a session, an error, rubbish, nothing.

use std::collections::BTreeMap;
use std::io::{BufReader, Write as _};
use std::net::TcpListener;
use std::sync::{Arc, Mutex};

use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};

use super::proxy::read_request;

/// What it answers.
#[derive(Clone, Debug)]
pub(crate) enum Reply {
    /// The session that was asked for, from this moment on.
    Session(DateTime<Utc>),
    /// A session of this ARN, whatever was asked for.
    SessionOf(String, DateTime<Utc>),
    /// The session that was asked for, for longer than that.
    LongSession(DateTime<Utc>),
    /// An error as AWS writes it: status and code.
    Error(u16, &'static str),
    /// This status and this text.
    Text(u16, &'static str),
    /// Nothing: it hangs up.
    HangUp,
}

/// A running stand-in. Its thread ends with the test process.
pub(crate) struct ScriptedSts {
    /// Without a final slash.
    pub(crate) url: String,
    shared: Arc<Mutex<(Vec<Reply>, Vec<Form>)>>,
}

type Form = BTreeMap<String, String>;

impl ScriptedSts {
    /// Starts one that answers so.
    pub(crate) fn start(reply: Reply) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let shared = Arc::new(Mutex::new((vec![reply], Vec::new())));
        let known = Arc::clone(&shared);
        std::thread::spawn(move || {
            for caller in listener.incoming() {
                let Ok(mut caller) = caller else { continue };
                let Ok(from) = caller.try_clone() else { continue };
                let Ok(Some(request)) = read_request(&mut BufReader::new(from), &mut caller) else { continue };
                let form = request.form();
                let text = {
                    let mut shared = known.lock().unwrap();
                    shared.1.push(form.clone());
                    // The last of them stays.
                    let reply = if shared.0.len() > 1 { shared.0.remove(0) } else { shared.0[0].clone() };
                    reply.write(&form)
                };
                let _ = caller.write_all(text.as_bytes());
            }
        });
        Self { url, shared }
    }

    /// From now on it answers so, and remembers no request.
    pub(crate) fn reply(&self, reply: Reply) {
        self.reply_in_turn(&[reply]);
    }

    /// The same with one answer after the other; the last stays.
    pub(crate) fn reply_in_turn(&self, replies: &[Reply]) {
        *self.shared.lock().unwrap() = (replies.to_vec(), Vec::new());
    }

    /// The forms that arrived.
    pub(crate) fn asked(&self) -> Vec<Form> {
        self.shared.lock().unwrap().1.clone()
    }
}

impl Reply {
    fn write(&self, form: &Form) -> String {
        let field = |name: &str| form.get(name).cloned().unwrap_or_default();
        let asked_arn = || {
            let role = field("RoleArn");
            let account = role.split(':').nth(4).unwrap_or_default().to_owned();
            let name = role.rsplit('/').next().unwrap_or_default();
            format!("arn:aws:sts::{account}:assumed-role/{name}/{}", field("RoleSessionName"))
        };
        let seconds = field("DurationSeconds").parse().unwrap_or(0);
        let (status, kind, body) = match self {
            Self::Session(now) => (200, "text/xml", session(&asked_arn(), *now, seconds)),
            Self::SessionOf(arn, now) => (200, "text/xml", session(arn, *now, seconds)),
            Self::LongSession(now) => (200, "text/xml", session(&asked_arn(), *now, seconds + 3_600)),
            Self::Error(status, code) => (*status, "text/xml", error(code)),
            Self::Text(status, text) => (*status, "text/html", (*text).to_owned()),
            Self::HangUp => return String::new(),
        };
        let length = body.len();
        format!(
            "HTTP/1.1 {status} Whatever\r\ncontent-type: {kind}\r\ncontent-length: {length}\r\n\
             connection: close\r\n\r\n{body}"
        )
    }
}

fn session(arn: &str, now: DateTime<Utc>, seconds: i64) -> String {
    let expiration = (now + TimeDelta::seconds(seconds)).to_rfc3339_opts(SecondsFormat::Secs, true);
    format!(
        "<AssumeRoleResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><AssumeRoleResult>\
         <AssumedRoleUser><AssumedRoleId>AROAEXAMPLE:x</AssumedRoleId><Arn>{arn}</Arn></AssumedRoleUser>\
         <Credentials><AccessKeyId>ASIAEXAMPLE</AccessKeyId><SecretAccessKey>a-secret-key</SecretAccessKey>\
         <SessionToken>a-session-token</SessionToken><Expiration>{expiration}</Expiration></Credentials>\
         </AssumeRoleResult><ResponseMetadata><RequestId>request-1</RequestId></ResponseMetadata></AssumeRoleResponse>"
    )
}

fn error(code: &str) -> String {
    format!(
        "<ErrorResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><Error><Type>Sender</Type>\
         <Code>{code}</Code><Message>arn:aws:iam::999900001111:user/broker may not do this</Message></Error>\
         <RequestId>request-1</RequestId></ErrorResponse>"
    )
}
