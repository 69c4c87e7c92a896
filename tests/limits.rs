//! How old a sign-in and its groups may be: a job that runs over the weekend goes on reading, and nobody pays by a sign-in
//! of Friday. Real requests, a clock that the test moves, and both databases.

mod settings;
mod weekend;

use chrono::TimeDelta;
use lodge::ambient::Random;
use lodge::domain::claims::{ClaimsSnapshot, Groups};
use lodge::domain::id::{BrowserSessionId, PersonId, SignInId};
use lodge::domain::lab::{Lab, Office};
use lodge::store::{BrowserOrigin, Code, Session};
use serde_json::{Value, json};

use crate::support::broker::{CHALLENGE, HELPER, ask_for, trade};
use crate::support::databases::Kind;
use crate::support::labs::Labs;
use crate::support::raw;
use crate::support::serving::wait;
use crate::support::signed_in::{SignedIn, hash, key};
use crate::support::visitor::Page;

const READ: &str = "astronomy/read-results";
const PAY: &str = "astronomy/pay";

/// The lab `astronomy`, whose `read-results` is for `observers` and whose `pay` is for `payers`. It is Friday, 17:00.
struct Observatory {
    labs: Labs,
    lab: Lab,
}

/// A helper's session, as its file has it.
struct Helper {
    access: String,
    refresh: String,
    /// How long the whole session lives, as it was told.
    lives_seconds: u64,
}

fn groups(names: &[&str]) -> Groups {
    Groups::Present(list(names))
}

fn list(names: &[&str]) -> Vec<lodge::domain::claims::Group> {
    names.iter().map(|name| name.parse().unwrap()).collect()
}

impl Observatory {
    fn on(kind: Kind) -> Self {
        let labs = Labs::on(kind);
        // The clock of the tests begins on a Saturday at 13:00.
        labs.advance(TimeDelta::hours(6 * 24 + 4));
        assert_eq!(labs.now().format("%a %H:%M").to_string(), "Fri 17:00");
        let arn = "arn:aws:iam::111122223333:role/lodge/lodge-session".parse().unwrap();
        let lab = wait(async {
            let seeding = labs.seeding();
            let lab = seeding.add_lab(&"astronomy".parse().unwrap(), "Astronomy", arn, Some("mturk")).await.unwrap();
            seeding.add_mapping(&lab, "campus", "observers", "read-results").await.unwrap();
            seeding.add_mapping(&lab, "campus", "payers", "pay").await.unwrap();
            lab
        });
        Self { labs, lab }
    }

    /// Signs somebody in who showed the provider who they are at this moment, with or without a second factor.
    fn sign_in(&self, subject: &str, groups: Groups, mfa: bool) -> (PersonId, SignInId) {
        let now = self.labs.now();
        let claims = ClaimsSnapshot { mfa, authenticated_at: Some(now), ..ClaimsSnapshot::of_groups(groups) };
        self.sign_in_with(subject, &claims)
    }

    fn sign_in_with(&self, subject: &str, claims: &ClaimsSnapshot) -> (PersonId, SignInId) {
        let now = self.labs.now();
        wait(async {
            let mut tx = self.labs.broker().store.write().await.unwrap();
            let fresh = PersonId::from_entropy(Random::System.bytes());
            let (person, _) = tx.upsert_person(&fresh, &key("campus", subject), None, now).await.unwrap();
            let sign_in = SignInId::from_entropy(Random::System.bytes());
            tx.insert_sign_in(&sign_in, &person, claims, now).await.unwrap();
            tx.commit().await.unwrap();
            (person, sign_in)
        })
    }

    /// A helper's session on that sign-in: the broker's own answer to a code.
    fn helper(&self, who: &(PersonId, SignInId)) -> Helper {
        self.browser(who);
        let (person, sign_in) = who;
        let code = hex::encode(Random::System.bytes::<16>());
        let kept = Code {
            person: person.clone(),
            sign_in: sign_in.clone(),
            redirect_uri: HELPER.to_owned(),
            code_challenge: CHALLENGE.to_owned(),
            host: "cluster".to_owned(),
            account: None,
            created_at: self.labs.now(),
        };
        wait(async {
            let mut tx = self.labs.broker().store.write().await.unwrap();
            tx.insert_code(&hash(&code), &kept).await.unwrap();
            tx.commit().await.unwrap();
        });
        Helper::of(&trade(&self.labs.running.url, &code, &[]))
    }

    /// The cookie of a browser that signed in so.
    fn browser(&self, (person, sign_in): &(PersonId, SignInId)) -> String {
        let cookie = hex::encode(Random::System.bytes::<16>());
        wait(async {
            let mut tx = self.labs.broker().store.write().await.unwrap();
            let now = self.labs.now();
            let session = Session {
                id: BrowserSessionId::from_entropy(Random::System.bytes()),
                person: person.clone(),
                sign_in: sign_in.clone(),
                expires_at: now + TimeDelta::hours(8),
            };
            tx.insert_browser_session(&hash(&cookie), &session, &BrowserOrigin::default(), now).await.unwrap();
            tx.commit().await.unwrap();
        });
        cookie
    }

    /// The first page of a browser that signed in so.
    fn home(&self, who: &(PersonId, SignInId)) -> Page {
        let cookie = self.browser(who);
        let page = raw::get(&self.labs.url("/")).header("cookie", &format!("lodge_session={cookie}")).page().send();
        assert_eq!(page.status, 200, "{}", page.body);
        page
    }

    /// Somebody who looks after the lab, signed in now.
    fn holder(&self, office: Office, subject: &str) -> SignedIn {
        self.labs.holder(&self.lab, office, subject, &[])
    }

    /// Sets a limit, as a PI who has signed in just now.
    fn set(&self, path: &str, body: &Value) -> Page {
        let pi = self.holder(Office::Pi, "pi");
        let answer = self.patch(&pi, path, body);
        assert_eq!(answer.status, 200, "{}", answer.body);
        answer
    }

    fn patch(&self, by: &SignedIn, path: &str, body: &Value) -> Page {
        by.ask("PATCH", &self.labs.url(&format!("/api/v1/labs/astronomy{path}"))).json(body).send()
    }

    fn ask(&self, helper: &Helper, role: &str) -> Page {
        ask_for(&self.labs.running.url, &helper.access, role, "")
    }

    fn get(&self, helper: &Helper, path: &str) -> Page {
        raw::get(&self.labs.url(path)).header("authorization", &format!("Bearer {}", helper.access)).send()
    }

    /// What the broker says of a role to this session's person: what it needs, and until when the session is good for it.
    fn told(&self, helper: &Helper, role: &str) -> (Option<String>, Option<String>) {
        let me = self.get(helper, "/api/v1/me").json();
        let roles = me["roles"].as_array().unwrap();
        let found =
            roles.iter().find(|it| format!("{}/{}", it["lab"].as_str().unwrap(), it["role"].as_str().unwrap()) == role);
        let found = found.unwrap_or_else(|| panic!("no {role} in {me}"));
        let text = |name: &str| found[name].as_str().map(str::to_owned);
        (text("needs"), text("until"))
    }

    /// Trades the refresh token, as the helper does by itself.
    fn refresh(&self, helper: &mut Helper) {
        *helper = Helper::of(&self.try_refresh(helper));
    }

    fn try_refresh(&self, helper: &Helper) -> Page {
        let fields =
            [("grant_type", "refresh_token"), ("client_id", "lodge-cli"), ("refresh_token", helper.refresh.as_str())];
        raw::post_form(&self.labs.url("/oauth/token"), &fields).send()
    }

    /// Lets time pass, and has these helpers come back with new tokens.
    fn later(&self, by: TimeDelta, helpers: &mut [&mut Helper]) {
        self.labs.advance(by);
        for helper in helpers {
            self.refresh(helper);
        }
    }
}

impl Helper {
    fn of(answer: &Page) -> Self {
        assert_eq!(answer.status, 200, "{}", answer.body);
        let answer = answer.json();
        Self {
            access: answer["access_token"].as_str().unwrap().to_owned(),
            refresh: answer["refresh_token"].as_str().unwrap().to_owned(),
            lives_seconds: answer["refresh_token_expires_in"].as_u64().unwrap(),
        }
    }
}

/// Thirty days.
fn month() -> Value {
    json!({"sign_in_max_age_seconds": 2_592_000})
}

fn is(answer: &Page, status: u16, kind: &str) {
    assert_eq!(answer.status, status, "{}", answer.body);
    assert_eq!(answer.json()["type"], format!("urn:lodge:problem:{kind}"), "{}", answer.body);
}
