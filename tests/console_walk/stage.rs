//! The world that pictures are taken of: a lab with much in it, some of it named by people who mean no good, and a lab
//! with nothing in it yet.

use chrono::TimeDelta;
use lodge::ambient::{Clock, ManualClock, Random};
use lodge::app::Broker;
use lodge::domain::account::{AccountState, CheckReason, Verdict};
use lodge::domain::id::{MappingId, PersonId};
use lodge::domain::lab::{Lab, Office};
use lodge::domain::mapping::{MappingTarget, MappingTerms};
use lodge::domain::person::DisplayName;
use lodge::playground::Seeding;
use serde_json::{Value, json};

use crate::support::accounts::{self, Account};
use crate::support::broker::ask_for;
use crate::support::eventually;
use crate::support::raw::{self, Ask};
use crate::support::signed_in::{SignIn, SignedIn, key};
use crate::support::world::{Changes, World};

/// The lab with everything.
pub(super) const FULL: &str = "vision";

/// A lab with roles and a PI, and nothing else.
pub(super) const EMPTY: &str = "seabirds";

/// A lab that an operator has put away.
pub(super) const ARCHIVED: &str = "terns";

/// A lab whose AWS account is broken, by a service that says so in its own way.
pub(super) const BROKEN: &str = "gannets";

/// A lab whose AWS account is being checked, for as long as the pictures take.
pub(super) const RUNNING: &str = "petrels";

/// Names that somebody might have at a university, or give themselves to mislead. What the door takes out of a name is in
/// them, too.
pub(super) const NAMES: [&str; 12] = [
    "Olga Nowak 🦉🔬👩🏽‍🚀",
    "\u{202e}niplA nomiS",
    "<script>alert(1)</script><b>Eve</b>",
    "Ada Marsh",
    "Аda Маrsh",
    "ADA MARSH",
    "محمد بن عبد الله",
    "O'Brien \"Bob\" &amp; Sons {{ 7*7 }} %s",
    "Z̸̡̛a̷l̵g̶o̴ ̷W̸a̷r̸d",
    "Maximiliana-Theodora Wolfeschlegelsteinhausenbergerdorffwelchevoralternwarengewissenhaftschaferswessenschafewaren",
    "\u{200b}\u{200b}",
    "=HYPERLINK(\"http://192.0.2.1\",\"Anna\")",
];

/// Groups as a provider might have them.
pub(super) const GROUPS: [&str; 6] = [
    "vision-<img src=x onerror=alert(1)>",
    "vision-\u{202e}stneduts",
    "vision-st\u{200b}udents",
    "visіon-students",
    "=cmd|' /C calc'!A0",
    "urn:mace:example.edu:group:физика:лаборатория:🔬",
];

/// Everything that the pictures need.
pub(super) struct Stage {
    pub(super) world: World,
    pub(super) pi: SignedIn,
    pub(super) manager: SignedIn,
    pub(super) member: SignedIn,
    pub(super) stranger: SignedIn,
    /// A PI whose sign-in rides on a session at the provider that is two hours old.
    pub(super) tired_pi: SignedIn,
    /// Everybody of [`NAMES`].
    pub(super) people: Vec<SignedIn>,
    /// Those of [`GROUPS`]; the first has a history.
    pub(super) mappings: Vec<MappingId>,
    /// The mapping by which most sessions live.
    pub(super) used: String,
    pub(super) cut_offs: CutOffs,
    clock: ManualClock,
}

/// What was cut off, by id.
#[derive(Default)]
pub(super) struct CutOffs {
    /// One that AWS has.
    pub(super) done: String,
    /// One that keeps somebody out.
    pub(super) held: String,
    /// One that AWS does not have, because the account is broken.
    pub(super) stuck: String,
    /// The manager's own, in all labs.
    pub(super) own: String,
}

impl Stage {
    pub(super) fn set() -> Self {
        // AWS takes no request that is more than five minutes off.
        let clock = ManualClock::at(Clock::System.now() - TimeDelta::minutes(4));
        let world = World::start_with(Changes { clock: Some(Clock::Manual(clock.clone())), ..Changes::default() });
        let seeding = Seeding::new(&world.broker).unwrap();
        let lab = |name: &str| world.wait_for(seeding.lab(&name.parse().unwrap())).unwrap();
        let full = lab(FULL).unwrap();
        let new_lab = |name: &str, title: &str| {
            let arn = "arn:aws:iam::777788889999:role/lodge/lodge-session".parse().unwrap();
            world.wait_for(seeding.add_lab(&name.parse().unwrap(), title, arn, Some("mturk"))).unwrap()
        };
        let empty = new_lab(EMPTY, "Seabirds & <i>Waders</i> 🐦 of the Outer Hebrides, Department of Ornithology");
        let archived = new_lab(ARCHIVED, "Terns");
        world.wait_for(seeding.desk().archive_lab(&archived.name)).unwrap();
        let (broken, running) = (new_lab(BROKEN, "Gannets"), new_lab(RUNNING, "Petrels"));

        let pi = named(&world, "pi", "Prof. Ada Marsh", &["vision-pi"]);
        named(&world, "other-pi", "Prof. Ada Мarsh", &["vision-pi"]);
        let manager = named(&world, "manager", NAMES[9], &["vision-publishers", GROUPS[0]]);
        let member = named(&world, "member", NAMES[0], &["vision-students", "vision-payers", GROUPS[2], GROUPS[5]]);
        let stranger = named(&world, "stranger", "Robin Vale", &[]);
        let tired = SignIn { connection: "campus", subject: "tired-pi", groups: Some(&["vision-pi"]), mfa: false };
        let two_hours_ago = world.broker.clock.now() - TimeDelta::hours(2);
        let tired_pi = tired.with(&world.broker, |claims| claims.authenticated_at = Some(two_hours_ago));
        for (lab, office, subject) in [
            (&full, Office::Pi, "tired-pi"),
            (&full, Office::Pi, "pi"),
            (&full, Office::Pi, "other-pi"),
            (&full, Office::Manager, "manager"),
            (&empty, Office::Pi, "pi"),
            (&broken, Office::Pi, "pi"),
            (&running, Office::Pi, "pi"),
        ] {
            world.wait_for(seeding.add_office_holder(lab, &key("campus", subject), office)).unwrap();
        }

        world.wait_for(accounts_of(&world.broker, [&full, &empty, &broken, &running]));
        let mappings = map_groups(&world, &seeding, &full);
        let people = crowd(&world);
        let (used, cut_offs) = (String::new(), CutOffs::default());
        let mut stage =
            Self { world, pi, manager, member, stranger, tired_pi, people, mappings, used, cut_offs, clock };
        stage.ask_for_roles();
        stage.change_mappings();
        let mappings = stage.api("GET", &stage.pi, &format!("/api/v1/labs/{FULL}/mappings?limit=200"), None);
        let is_used = |it: &&Value| it["group"] == "vision-students" && it["role"] == "read-results";
        stage.used =
            mappings["mappings"].as_array().unwrap().iter().find(is_used).unwrap()["id"].as_str().unwrap().into();
        stage.cut_offs = stage.cut_off();
        stage.world.wait_for(stage.seeding().desk().suspend(&stage.people[7].person)).unwrap();
        stage
    }

    pub(super) fn seeding(&self) -> Seeding {
        Seeding::new(&self.world.broker).unwrap()
    }

    fn api(&self, method: &'static str, who: &SignedIn, path: &str, body: Option<Value>) -> Value {
        let ask = who.ask(method, &format!("{}{path}", self.world.url));
        let answer = if let Some(body) = body { ask.json(&body).send() } else { ask.send() };
        assert!((200..300).contains(&answer.status), "{}: {}", answer.url, answer.body);
        answer.json()
    }

    /// Cut-offs of each kind, as far as each gets.
    fn cut_off(&self) -> CutOffs {
        let cut = |lab: &str, body: Value| {
            let begun = self.api("POST", &self.pi, &format!("/api/v1/labs/{lab}/cut-offs"), Some(body));
            begun["id"].as_str().unwrap().to_owned()
        };
        let reason = "A <b>lost</b> laptop, \"in the tram\" & بحث, 🦉 last seen near the lake";
        let done = cut(FULL, json!({ "person": self.people[4].person.as_str(), "reason": reason }));
        let held = cut(FULL, json!({ "person": self.people[9].person.as_str(), "hold": true }));
        let stuck = cut(BROKEN, json!({ "everyone": true, "reason": "the account was taken over" }));
        let own = self.api("POST", &self.manager, "/api/v1/me/cut-off", Some(json!({})));
        for id in [&done, &held] {
            self.comes_to(&format!("/api/v1/labs/{FULL}/cut-offs/{id}"), |it| it["done"] == true);
        }
        self.comes_to(&format!("/api/v1/labs/{BROKEN}/cut-offs/{stuck}"), |it| !it["trouble"].is_null());
        CutOffs { done, held, stuck, own: own["id"].as_str().unwrap().to_owned() }
    }

    fn comes_to(&self, path: &str, is_so: impl Fn(&Value) -> bool) {
        eventually(path, || is_so(&self.api("GET", &self.pi, path, None)).then_some(()));
    }

    /// A mapping with a history, one that has ended, and changes that wait for a second PI.
    fn change_mappings(&self) {
        let [first, .., fifth, _] = self.mappings.as_slice() else { panic!("{:?}", self.mappings) };
        let does = |who: &SignedIn, ask: Ask| {
            let answer =
                ask.header("authorization", &format!("Bearer {}", who.token)).header("if-match", "\"1\"").send();
            assert!((200..300).contains(&answer.status), "{}: {}", answer.url, answer.body);
        };
        let url = |path: &str| format!("{}/api/v1/labs/{FULL}/mappings{path}", self.world.url);
        does(&self.pi, raw::ask("PATCH", &url(&format!("/{first}"))).json(&json!({ "needs_mfa": true })));
        does(&self.pi, raw::post(&url(&format!("/{fifth}/end"))));
        for (group, role) in [("vision-publishers", "read-results"), (GROUPS[0], "pay")] {
            let asked = json!({ "connection": "campus", "group": group, "role": role });
            does(&self.manager, raw::post(&url("")).json(&asked));
        }
    }

    /// Sessions of several ages, refusals, and people who become known in the lab by all this.
    fn ask_for_roles(&self) {
        let asks = |who: &SignedIn, role: &str, expected: u16| {
            let answer = ask_for(&self.world.url, &who.token, role, "");
            assert_eq!(answer.status, expected, "{role}: {}", answer.body);
        };
        for (number, person) in self.people.iter().enumerate() {
            asks(person, "vision/read-results", 200);
            if number.is_multiple_of(3) {
                asks(person, "vision/publish", 200);
            }
            if number % 4 == 1 {
                asks(person, "vision/pay", 404);
            }
            self.clock.advance(TimeDelta::seconds(30));
        }
        asks(&self.member, "vision/read-results", 200);
        asks(&self.member, "vision/pay", 200);
        asks(&self.manager, "vision/publish", 200);
    }
}

/// An account of each kind: one that is well, one that is not joined, one that is broken, and one that is being checked.
async fn accounts_of(broker: &Broker, [well, new, refused, running]: [&Lab; 4]) {
    let now = broker.clock.now();
    let of = |lab| Account::of(broker, lab);
    let minute = TimeDelta::minutes(1);
    of(well).checked(minute, CheckReason::Watch, accounts::well(now), Some(Verdict::Proven)).await;
    of(well).stands(AccountState::Joined).await;
    of(new).stands(AccountState::Declared).await;
    of(refused).checked(minute * 60, CheckReason::Join, accounts::well(now), Some(Verdict::Proven)).await;
    of(refused).checked(TimeDelta::seconds(9), CheckReason::Demand, accounts::ill(now), Some(Verdict::Broken)).await;
    of(refused).stands(AccountState::Broken).await;
    let denied = accounts::ill(now).probes.remove(0).answer;
    of(refused).found("read-results", &[], Some(denied)).await;
    of(refused).found("pay", &["mechanicalturk:SendBonus", "mechanicalturk:ApproveAssignment"], None).await;
    of(running).checked(TimeDelta::seconds(3), CheckReason::Join, accounts::halfway(now), None).await;
}

/// Somebody of this name, signed in.
pub(super) fn named(world: &World, subject: &str, name: &str, groups: &[&str]) -> SignedIn {
    let (name, now) = (DisplayName::from_claim(name), world.broker.clock.now());
    let sign_in = SignIn { connection: "campus", subject, groups: Some(groups), mfa: false };
    let signed_in = sign_in.with(&world.broker, |claims| claims.authenticated_at = Some(now));
    world.wait_for(async {
        let mut tx = world.broker.store.write().await.unwrap();
        let fresh = PersonId::from_entropy(Random::System.bytes());
        tx.upsert_person(&fresh, &key("campus", subject), name.as_ref(), now).await.unwrap();
        tx.commit().await.unwrap();
    });
    signed_in
}

/// A mapping of each group, on every kind of condition.
fn map_groups(world: &World, seeding: &Seeding, lab: &Lab) -> Vec<MappingId> {
    let now = world.broker.clock.now();
    let mapping = |(number, group): (usize, &&str)| {
        let target = MappingTarget {
            connection: "campus".parse().unwrap(),
            group: group.parse().unwrap(),
            role: ["read-results", "publish", "pay"][number % 3].parse().unwrap(),
        };
        let terms = MappingTerms {
            needs_mfa: !number.is_multiple_of(2),
            needs_approval: number == 4,
            ends_at: (number == 3).then(|| now + TimeDelta::days(30)),
            ..MappingTerms::default()
        };
        world.wait_for(seeding.add_mapping_on(lab, target, terms)).unwrap()
    };
    GROUPS.iter().enumerate().map(mapping).collect()
}

/// Everybody of [`NAMES`], who can read and, some of them, publish.
fn crowd(world: &World) -> Vec<SignedIn> {
    let groups = |number: usize| -> &[&str] {
        if number.is_multiple_of(3) { &["vision-students", "vision-publishers"] } else { &["vision-students"] }
    };
    let person = |(number, name): (usize, &&str)| named(world, &format!("crowd-{number}"), name, groups(number));
    NAMES.iter().enumerate().map(person).collect()
}
