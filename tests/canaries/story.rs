//! A day of a broker: somebody signs in and gets credentials, and then everything goes wrong that can.

use std::path::Path;

use lodge::ambient::Random;
use lodge::demo::seed;
use serde_json::json;

use crate::support::broker::{pasted_from, refresh_with};
use crate::support::campus::{Campus, Running};
use crate::support::canaries::Canaries;
use crate::support::files_under;
use crate::support::process::{Ended, Process};
use crate::support::programs;
use crate::support::proxy::{Recorded, RecordingProxy, http_answer};
use crate::support::visitor::{Page, Visitor};

use super::collect::{collect, text};

const ROLE: &str = "vision/read-results";

/// Everything that was said, by whom.
#[derive(Default)]
pub(super) struct Said {
    pub(super) canaries: Canaries,
    /// Where, and what.
    pub(super) texts: Vec<(String, Vec<u8>)>,
    /// What a tool got from `credential-process`: the one place where credentials belong.
    pub(super) credentials: String,
}

pub(super) struct Story<'a> {
    campus: &'a Campus,
    broker: Running,
    home: tempfile::TempDir,
    filter: &'a str,
    said: Said,
}

/// Lives through the day, with this filter for the logs of broker and helper.
pub(super) fn live(campus: &Campus, filter: &str, environment: &[(&str, &str)]) -> Said {
    let broker = campus.start_with(campus.command(filter).envs(environment.iter().copied()));
    let home = tempfile::tempdir().unwrap();
    let mut story = Story { campus, broker, home, filter, said: Said::default() };
    story.all_is_well();
    story.a_code_is_pasted();
    story.sts_fails();
    story.the_provider_fails();
    story.strangers_come();
    story.it_ends();
    story.said
}

impl Story<'_> {
    fn front(&self) -> String {
        self.campus.front.url()
    }

    fn all_is_well(&mut self) {
        let (home, front) = (self.home.path().to_owned(), self.front());
        let mut command = self.helper(&home, &["login", "--no-browser", &front]);
        let login = Process::start("lodge login", &mut command);
        let line = login.wait_for_line("/oauth/authorize?");
        self.note_command_line("lodge login", login.killer().id());

        let mut visitor = Visitor::new();
        let asked = visitor.sign_in(line.trim(), "u-1003");
        let form = &asked.forms()[0];
        let foreign = self.secret("stray form token");
        assert_eq!(visitor.submit(form, &[("form_token", &foreign), ("answer", "yes")]).status, 403);
        let confirmed = visitor.press(&asked, "Yes");
        let (_, back) = confirmed.links().into_iter().find(|(text, _)| text == "Go on").unwrap();
        assert_eq!(visitor.open(back.as_str()).status, 200);
        let ended = login.wait();
        assert_eq!(ended.status.code(), Some(0), "{}", ended.stderr);
        // The address that the person is to visit holds the state, and must.
        let said: Vec<_> = ended.stderr.lines().filter(|said| *said != line).collect();
        self.note("lodge login", said.join("\n"));
        self.note("lodge login, standard output", ended.stdout);

        // Its access token has lived long enough, as far as the helper knows.
        self.expire();
        let got = self.run(&["credential-process", ROLE], 0);
        self.said.credentials = got.stdout;
        // Kept by now: it is read, and nobody is asked.
        assert_eq!(self.run(&["credential-process", ROLE], 0).stdout, self.said.credentials);
        let config = self.home.path().join("aws-config");
        for arguments in [&["status"][..], &["configure"], &["doctor", "--json"], &["exec", ROLE, "true"]] {
            let mut command = self.helper(self.home.path(), arguments);
            let ended = Process::run("lodge", command.env("AWS_CONFIG_FILE", &config), "");
            assert!(arguments[0] == "doctor" || ended.status.success(), "{arguments:?}: {}", ended.stderr);
            self.note(format!("lodge {}", arguments[0]), ended.stderr);
            self.note(format!("lodge {}, standard output", arguments[0]), ended.stdout);
        }
        self.note("AWS configuration", std::fs::read(config).unwrap());
        let locks =
            files_under(self.home.path()).into_iter().filter(|path| path.extension().is_some_and(|it| it == "lock"));
        for lock in locks {
            self.note("lock", std::fs::read(lock).unwrap());
        }
    }

    /// Lets the helper renew its session before it asks the next time.
    fn expire(&self) {
        let url = self.front();
        let is_session =
            |path: &std::path::PathBuf| path.file_name().unwrap().to_string_lossy().starts_with("session_");
        let file = files_under(self.home.path()).into_iter().find(is_session).unwrap();
        let mut session: serde_json::Value = serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
        assert_eq!(session["broker"], url);
        session["renewal"]["access_expires_at"] = json!("2020-01-01T00:00:00Z");
        std::fs::write(file, session.to_string()).unwrap();
    }

    /// Somebody signs in with a browser elsewhere, and somebody else copies their tokens.
    fn a_code_is_pasted(&mut self) {
        let (home, front) = (tempfile::tempdir().unwrap(), self.front());
        let mut command = self.helper(home.path(), &["login", "--remote", &front]);
        let mut login = Process::start("lodge login", &mut command);
        let line = login.wait_for_line("/oauth/authorize?");
        let mut visitor = Visitor::new();
        let asked = visitor.sign_in(line.trim(), "u-1003");
        let shown = visitor.press(&asked, "yes");
        login.say(&format!("{}\n", pasted_from(&shown)));
        let ended = login.wait();
        assert_eq!(ended.status.code(), Some(0), "{}", ended.stderr);
        let said: Vec<_> = ended.stderr.lines().filter(|said| *said != line).collect();
        self.note("lodge login --remote", said.join("\n"));

        let first = self.campus.front.recorded().into_iter().rfind(is_code_exchange).unwrap();
        let mut token = text(&first.answer.unwrap().body(), "refresh_token").unwrap();
        let copied = token.clone();
        for _ in 0..2 {
            let answer = refresh_with(&front, &token, &[]);
            assert_eq!(answer.status, 200, "{}", answer.body);
            token = answer.json()["refresh_token"].as_str().unwrap().to_owned();
        }
        assert_eq!(refresh_with(&front, &copied, &[]).status, 400);
    }

    /// Each of these answers holds what STS never should say again.
    fn sts_fails(&mut self) {
        let token = self.secret("stray session token");
        let secret = self.secret("stray secret key");
        let echo = token.clone();
        let denied = move |call: &Recorded| {
            let form = call.form();
            let message = format!("{} {echo} {}", form["ExternalId"], form["Policy"]);
            Some(http_answer("403 Forbidden", "text/xml", &sts_error("AccessDenied", &message)))
        };
        self.failing(&self.campus.sts, denied, |story| story.credentials(1));

        let garbage = format!("<AssumeRoleResponse><SecretAccessKey>{secret}</Secret<<{token}");
        for status in ["200 OK", "403 Forbidden"] {
            let answer = http_answer(status, "text/xml", &garbage);
            self.failing(&self.campus.sts, move |_| Some(answer.clone()), Self::credentials_fail);
        }
        let other = format!(
            "<AssumeRoleResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><AssumeRoleResult>\
             <AssumedRoleUser><AssumedRoleId>AROAX:x</AssumedRoleId><Arn>arn:aws:sts::999999999999:assumed-role/x/y\
             </Arn></AssumedRoleUser><Credentials><AccessKeyId>ASIAOTHER</AccessKeyId><SecretAccessKey>{secret}\
             </SecretAccessKey><SessionToken>{token}</SessionToken><Expiration>2099-01-01T00:00:00Z</Expiration>\
             </Credentials></AssumeRoleResult></AssumeRoleResponse>"
        );
        let answer = http_answer("200 OK", "text/xml", &other);
        self.failing(&self.campus.sts, move |_| Some(answer.clone()), |story| story.credentials(3));
        self.failing(&self.campus.sts, |_| Some(Vec::new()), |story| story.credentials(3));
    }

    fn the_provider_fails(&mut self) {
        let provider = &self.campus.provider;
        let token =
            |answer: fn(&Recorded) -> Vec<u8>| move |call: &Recorded| (call.path() == "/token").then(|| answer(call));
        let echoed = token(|call| {
            let (code, secret) = (call.form()["code"].clone(), client_secret(call));
            let body = json!({"error": secret, "error_description": format!("{code} {secret}"), "error_uri": code});
            http_answer("400 Bad Request", "application/json", &body.to_string())
        });
        self.failing(provider, echoed, |story| story.sign_in_fails(502));
        let page = token(|call| {
            let body = format!("<pre>{}</pre>", String::from_utf8_lossy(&call.body));
            http_answer("400 Bad Request", "text/html", &body)
        });
        self.failing(provider, page, |story| story.sign_in_fails(502));
        self.failing(provider, token(|_| Vec::new()), |story| story.sign_in_fails(503));

        // A token of another sign-in, whole and then with another signature.
        let access = self.secret("stray access token");
        let replayed = self.campus.idp.issued().into_iter().rfind(|text| text.matches('.').count() == 2).unwrap();
        let (signed, signature) = replayed.rsplit_once('.').unwrap();
        let forged = format!("{signed}.{}", signature.chars().rev().collect::<String>());
        self.said.canaries.add("forged ID token", &forged);
        for id_token in [replayed.clone(), forged, format!("{access}{access}")] {
            let body = json!({"access_token": access, "token_type": "Bearer", "id_token": id_token}).to_string();
            let answer = move |call: &Recorded| {
                (call.path() == "/token").then(|| http_answer("200 OK", "application/json", &body))
            };
            self.failing(provider, answer, |story| story.sign_in_fails(502));
        }
    }

    fn strangers_come(&mut self) {
        let [state, code, bearer, body, path, cookie] =
            ["stray state", "stray code", "stray bearer token", "stray body", "stray path", "stray cookie"]
                .map(|kind| self.secret(kind));
        let front = self.front();
        let mut visitor = Visitor::new();
        visitor.open(&format!("{front}/auth/{}/start", seed::CONNECTION));
        let callback = format!("{front}/auth/{}/callback?state={state}", seed::CONNECTION);
        assert_eq!(visitor.open(&format!("{callback}&code={code}")).status, 400);
        assert_eq!(visitor.open(&format!("{callback}&error={code}&error_description={code}")).status, 400);
        assert_eq!(visitor.open(&format!("{front}/{path}?token={path}")).status, 404);
        visitor.open(&format!("{front}/oauth/authorize?state={state}&redirect_uri={code}"));
        visitor.open(&format!("{front}/sign-in?return_to=https://{path}.example/"));

        let credentials = format!("{front}/api/v1/labs/vision/roles/read-results/credentials");
        let agent: ureq::Agent = ureq::Agent::config_builder().http_status_as_error(false).build().into();
        let ask = |url: &str, authorization: &str, body: &str| {
            let request = agent.post(url).header("authorization", authorization).header("content-type", "text/plain");
            request.header("cookie", format!("lodge_session={cookie}")).send(body).unwrap().status().as_u16()
        };
        assert_eq!(ask(&credentials, &format!("Bearer lodge_at_{bearer}"), ""), 401);
        assert_eq!(ask(&credentials, &format!("Basic {bearer}"), ""), 401);
        let live = format!("Bearer {}", self.live_token());
        assert_eq!(ask(&credentials, &live, &format!("{{\"secret\": \"{body}\", \"duration_seconds\":")), 400);
        assert_eq!(ask(&credentials, &live, &json!({"duration_seconds": body}).to_string()), 400);
        assert_eq!(ask(&credentials, &live, &body.repeat(3_000)), 413);
        let lab = format!("{front}/api/v1/labs/a{path}/roles/a{path}/credentials");
        assert_eq!(ask(&lab, &live, ""), 404);
        for form in [
            format!("grant_type=authorization_code&client_id={body}&code={code}"),
            format!(
                "grant_type=authorization_code&client_id=lodge-cli&code={code}&redirect_uri={path}&code_verifier={body}"
            ),
        ] {
            let answer = agent.post(format!("{front}/oauth/token")).content_type("application/x-www-form-urlencoded");
            assert_eq!(answer.send(&form).unwrap().status().as_u16(), 400);
        }
        // A code that was used: the broker ends the session of its first use, and says so in its log.
        let used = self.campus.front.recorded().into_iter().find(is_code_exchange).unwrap();
        let again = agent.post(format!("{front}/oauth/token")).content_type("application/x-www-form-urlencoded");
        assert_eq!(again.send(&used.body[..]).unwrap().status().as_u16(), 400);
    }

    fn it_ends(&mut self) {
        self.credentials(4);
        self.run(&["logout"], 0);
        self.note_command_line("lodged", self.broker.process.killer().id());
        self.note_database("while it runs");
        self.broker.process.signal("TERM");
        crate::support::eventually("the broker's end", || {
            self.broker.process.stderr().contains("stopping").then_some(())
        });
        self.broker.process.killer().wait();
        let (out, log) = (self.broker.process.stdout(), self.broker.process.stderr());
        self.note("lodged, standard output", out);
        self.note("lodged", log);
        self.note_database("after its end");
        collect(self.campus, &mut self.said.canaries);
    }

    /// Whatever happens in `then` meets these answers.
    fn failing(
        &mut self,
        proxy: &RecordingProxy,
        answer: impl Fn(&Recorded) -> Option<Vec<u8>> + Send + Sync + 'static,
        then: impl FnOnce(&mut Self),
    ) {
        proxy.answer_instead(answer);
        then(self);
        proxy.answer_instead(|_| None);
    }

    fn credentials(&mut self, code: i32) {
        let ended = self.run(&["credential-process", "--no-cache", ROLE], code);
        assert_eq!(ended.stdout, "");
    }

    /// The same where it does not matter how.
    fn credentials_fail(&mut self) {
        let mut command = self.helper(self.home.path(), &["credential-process", "--no-cache", ROLE]);
        let ended = Process::run("lodge", &mut command, "");
        assert!(!ended.status.success() && ended.stdout.is_empty());
        self.note("lodge credential-process", ended.stderr);
    }

    fn sign_in_fails(&mut self, status: u16) {
        let page: Page = Visitor::new().sign_in(&format!("{}/sign-in", self.front()), "u-1003");
        assert_eq!(page.status, status, "{}", page.text());
    }

    fn run(&mut self, arguments: &[&str], code: i32) -> Ended {
        let mut command = self.helper(self.home.path(), arguments);
        let ended = Process::run("lodge", &mut command, "");
        assert_eq!(ended.status.code(), Some(code), "{arguments:?}: {}", ended.stderr);
        self.note(format!("lodge {}", arguments[0]), ended.stderr.clone());
        ended
    }

    fn helper(&self, home: &Path, arguments: &[&str]) -> std::process::Command {
        let mut command = programs::lodge(home);
        command.args(arguments).env("LODGE_LOG", self.filter);
        command
    }

    fn live_token(&self) -> String {
        let answers = self.campus.front.recorded().into_iter().filter(is_code_exchange);
        let body = answers.filter_map(|call| call.answer).find(|answer| answer.status == 200).unwrap().body();
        text(&body, "access_token").unwrap()
    }

    /// A secret that belongs to nothing.
    fn secret(&mut self, kind: &'static str) -> String {
        let value = hex::encode(Random::System.bytes::<12>());
        self.said.canaries.add(kind, &value);
        value
    }

    fn note(&mut self, place: impl Into<String>, text: impl Into<Vec<u8>>) {
        self.said.texts.push((place.into(), text.into()));
    }

    fn note_command_line(&mut self, place: &str, id: u32) {
        // Not every system has it; Linux, where brokers run, does.
        if let Ok(line) = std::fs::read(format!("/proc/{id}/cmdline")) {
            assert!(!line.is_empty());
            self.note(format!("{place}, command line"), line);
        }
    }

    fn note_database(&mut self, when: &str) {
        for suffix in ["", "-wal", "-shm"] {
            let path = format!("{}{suffix}", self.campus.database().display());
            if let Ok(bytes) = std::fs::read(path) {
                self.note(format!("database{suffix} {when}"), bytes);
            }
        }
    }
}

fn is_code_exchange(call: &Recorded) -> bool {
    let is_code =
        call.path() == "/oauth/token" && call.form().get("grant_type").is_some_and(|it| it == "authorization_code");
    is_code && call.answer.as_ref().is_some_and(|answer| answer.status == 200)
}

fn sts_error(code: &str, message: &str) -> String {
    let message = message.replace('&', "&amp;").replace('<', "&lt;");
    format!(
        "<ErrorResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><Error><Type>Sender</Type><Code>{code}</Code>\
         <Message>{message}</Message></Error><RequestId>0a1b2c3d</RequestId></ErrorResponse>"
    )
}

/// The secret in the `Authorization` header of a client that proves itself by HTTP Basic.
fn client_secret(call: &Recorded) -> String {
    use base64::Engine as _;
    let encoded = call.header("authorization").unwrap().trim_start_matches("Basic ").to_owned();
    let decoded = base64::engine::general_purpose::STANDARD.decode(encoded).unwrap();
    String::from_utf8(decoded).unwrap().split_once(':').unwrap().1.to_owned()
}
