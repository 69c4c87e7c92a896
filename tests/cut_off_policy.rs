//! What the policy that cuts off denies, and what it leaves alone: asked of our evaluator, and of one that is not ours.

use lodge::domain::cut_off::{CUT_OFF_CANARY, Deny, DenyEntry, DenyMoment, ROOM_CHARS, Whose};
use lodge::domain::id::PersonId;
use lodge::domain::policy::{Access, Context, Document, Layers, PolicyKind, Request, decide_access};
use serde_json::{Map, Value, json};

use crate::support::peers::{self, Peer};
use crate::support::process::Process;

const FIRST: [u8; 10] = [1; 10];
const SECOND: [u8; 10] = [2; 10];
const OTHER: [u8; 10] = [3; 10];

/// A call of a session, and whether it is to be denied.
struct Row {
    what: &'static str,
    source_identity: Option<String>,
    role: Option<&'static str>,
    issued_at: DenyMoment,
    is_denied: bool,
}

fn id(entropy: [u8; 10]) -> String {
    PersonId::from_entropy(entropy).to_string()
}

fn moment(time: &str) -> DenyMoment {
    DenyMoment::of(format!("2026-11-22T{time}Z").parse().unwrap())
}

fn row(
    what: &'static str,
    source_identity: Option<String>,
    role: Option<&'static str>,
    issued_at: &str,
    is_denied: bool,
) -> Row {
    Row { what, source_identity, role, issued_at: moment(issued_at), is_denied }
}

fn deny(entries: &[(Whose, &str)]) -> Deny {
    let entries: Vec<DenyEntry> =
        entries.iter().map(|(whose, before)| DenyEntry { whose: whose.clone(), before: moment(before) }).collect();
    Deny::of(&entries, ROOM_CHARS)
}

fn person(entropy: [u8; 10]) -> Whose {
    Whose::Person(PersonId::from_entropy(entropy))
}

fn people() -> Deny {
    deny(&[(person(FIRST), "12:01:00"), (person(SECOND), "11:50:00")])
}

/// The source identity of a session that is denied with them.
fn canary() -> String {
    let now = "2026-11-22T12:00:00Z".parse().unwrap();
    let canary = people().canary(&deny(&[]), &"read-results".parse().unwrap(), now);
    canary.unwrap().source_identity
}

/// People are named, and nobody else is denied.
fn of_people() -> Vec<Row> {
    let (first, second, other) = (Some(id(FIRST)), Some(id(SECOND)), Some(id(OTHER)));
    let canary = Some(canary());
    let read = Some("read-results");
    vec![
        row("an old session", first.clone(), read, "12:00:59", true),
        row("a much older session", first.clone(), read, "11:10:00", true),
        row("a session of the same second", first.clone(), read, "12:01:00", false),
        row("a new session", first.clone(), read, "12:01:05", false),
        row("an old session without a role", first, None, "12:00:59", true),
        row("an old session of the second", second.clone(), read, "11:49:59", true),
        row("a new session of the second", second, read, "11:50:00", false),
        row("an old session of another", other.clone(), read, "11:10:00", false),
        row("a new session of another", other, read, "12:01:05", false),
        row("an old session without source identity", None, read, "12:00:59", true),
        row("a new session without source identity", None, read, "12:01:00", false),
        row("an id in wrong letters", Some(id(FIRST).to_uppercase()), read, "12:00:59", false),
        row("a longer id", Some(id(FIRST) + "0"), read, "12:00:59", false),
        row("an asterisk for an id", Some("p-*".to_owned()), read, "12:00:59", false),
        row("the canary", canary.clone(), read, "12:00:59", true),
        row("the canary afterwards", canary, read, "12:01:00", false),
    ]
}

/// A role is denied, and nobody by name.
fn of_a_role() -> Vec<Row> {
    let (first, pay) = (Some(id(FIRST)), Some("pay"));
    vec![
        row("an old session of the role", first.clone(), pay, "12:00:59", true),
        row("one of the same second", first.clone(), pay, "12:01:00", false),
        row("one without source identity", None, pay, "12:00:59", true),
        row("another role", first.clone(), Some("pay-more"), "12:00:59", false),
        row("the role in wrong letters", first.clone(), Some("Pay"), "12:00:59", false),
        row("no role", first, None, "12:00:59", false),
        row("neither role nor source identity", None, None, "12:00:59", false),
    ]
}

/// All of the lab is denied.
fn of_everyone() -> Vec<Row> {
    let canary = Some(format!("{CUT_OFF_CANARY}00000000"));
    vec![
        row("anybody's old session", Some(id(OTHER)), Some("pay"), "12:00:59", true),
        row("anybody's session of the same second", Some(id(OTHER)), Some("pay"), "12:01:00", false),
        row("an old session of nobody and no role", None, None, "12:00:59", true),
        row("a new session of nobody and no role", None, None, "12:01:00", false),
        row("the canary", canary, Some("pay"), "12:00:59", true),
    ]
}

/// So many are denied that the oldest are covered by denying everybody of before then.
fn overflown() -> (Deny, Vec<Row>) {
    let many = |minute: u8| {
        let before = format!("12:{minute:02}:00");
        (0..100).map(move |which| (person([minute, which, 9, 9, 9, 9, 9, 9, 9, 9]), before.clone()))
    };
    let entries: Vec<(Whose, String)> = (10..16).flat_map(many).collect();
    let entries: Vec<(Whose, &str)> = entries.iter().map(|(whose, before)| (whose.clone(), before.as_str())).collect();
    let deny = deny(&entries);
    assert_eq!(deny.overflow(), Some(moment("12:11:00")));
    let of = |minute| Some(id([minute, 50, 9, 9, 9, 9, 9, 9, 9, 9]));
    let read = Some("read-results");
    let rows = vec![
        row("the oldest", of(10), read, "12:09:59", true),
        row("one that is covered with the oldest", of(11), read, "12:10:59", true),
        row("one that is named", of(12), read, "12:11:59", true),
        row("the newest", of(15), read, "12:14:59", true),
        row("the newest afterwards", of(15), read, "12:15:00", false),
        row("an old bystander", Some(id(OTHER)), read, "12:10:59", true),
        row("a young bystander", Some(id(OTHER)), read, "12:11:00", false),
        row("one without source identity", None, read, "12:14:59", true),
    ];
    (deny, rows)
}

/// Each policy by name, with what is to come of it.
fn tables() -> Vec<(&'static str, Value, Vec<Row>)> {
    let document = |deny: &Deny| serde_json::from_str(&deny.document().unwrap()).unwrap();
    let (many, of_many) = overflown();
    vec![
        ("people", document(&people()), of_people()),
        ("a role", document(&deny(&[(Whose::Role("pay".parse().unwrap()), "12:01:00")])), of_a_role()),
        ("everyone", document(&deny(&[(Whose::Everyone, "12:01:00")])), of_everyone()),
        ("many people", document(&many), of_many),
    ]
}

/// The policies of the session role: one that allows everything, and the deny.
fn identity(deny: &Value) -> Value {
    let mut policy = deny.clone();
    let statements = policy["Statement"].as_array_mut().unwrap();
    statements.push(json!({"Effect": "Allow", "Action": "*", "Resource": "*"}));
    policy
}

impl Row {
    /// The condition keys that a call carries.
    fn keys(&self) -> Vec<(&'static str, String)> {
        let source_identity = self.source_identity.clone().map(|text| ("aws:SourceIdentity", text));
        let role = self.role.map(|role| ("aws:PrincipalTag/lodge-role", role.to_owned()));
        let issued_at = ("aws:TokenIssueTime", self.issued_at.to_string());
        [Some(issued_at), source_identity, role].into_iter().flatten().collect()
    }
}

/// Whether each call is denied, as our own evaluator sees it.
fn by_ours(deny: &Value, rows: &[Row]) -> Vec<bool> {
    let identity = [Document::parse(&identity(deny).to_string()).unwrap()];
    let layers = Layers { identity: &identity, boundary: None, session: None, trust: None };
    let decide = |row: &Row| {
        let context = row.keys().into_iter().fold(Context::new(), |context, (key, value)| context.with(key, value));
        let request = Request { action: "mechanicalturk:ListHITs", resource: "*", context: &context };
        match decide_access(&layers, &request) {
            Access::Allowed => false,
            Access::Denied { by: PolicyKind::IdentityBased, explicit: true } => true,
            other @ Access::Denied { .. } => panic!("{}: {other:?}", row.what),
        }
    };
    rows.iter().map(decide).collect()
}

/// The same, as the independent one sees it.
fn by_theirs(deny: &Value, rows: &[Row]) -> Vec<bool> {
    let identity = identity(deny);
    let line = |row: &Row| {
        let context: Map<String, Value> =
            row.keys().into_iter().map(|(key, value)| (key.to_owned(), value.into())).collect();
        json!({"action": "mechanicalturk:ListHITs", "resource": "*", "context": context, "identity": identity,
               "session": null, "boundary": null})
        .to_string()
            + "\n"
    };
    let lines: String = rows.iter().map(line).collect();
    let ended = Process::run("iam-simulate-many", &mut peers::node("iam-simulate-many.mjs"), &lines);
    assert!(ended.status.success(), "{}", ended.stderr);
    let read = |line: &str| {
        let answer: Value = serde_json::from_str(line).unwrap();
        match answer["overall"].as_str() {
            Some("Allowed") => false,
            Some("ExplicitlyDenied") => true,
            other => panic!("{other:?}"),
        }
    };
    ended.stdout.lines().map(read).collect()
}

/// What is other than it is to be.
fn wrong(rows: &[Row], denied: &[bool]) -> Vec<&'static str> {
    assert_eq!(rows.len(), denied.len());
    rows.iter().zip(denied).filter(|(row, denied)| row.is_denied != **denied).map(|(row, _)| row.what).collect()
}

/// The policy that names people with a mistake in it, and which calls show it.
fn mistakes() -> Vec<(Value, &'static [&'static str])> {
    let right: Value = serde_json::from_str(&people().document().unwrap()).unwrap();
    let text = right.to_string();
    let canary = canary();
    let read = |text: String| serde_json::from_str(&text).unwrap();
    let mut without_null = right.clone();
    let statements = without_null["Statement"].as_array_mut().unwrap();
    statements.retain(|statement| statement["Condition"]["Null"].is_null());
    vec![
        (
            read(text.replace("DateLessThan", "DateLessThanEquals")),
            &[
                "a session of the same second",
                "a new session of the second",
                "a new session without source identity",
                "the canary afterwards",
            ],
        ),
        (without_null, &["an old session without source identity"]),
        (read(text.replace("StringEquals", "StringEqualsIgnoreCase")), &["an id in wrong letters"]),
        (read(text.replace(&format!("\"{canary}\","), "")), &["the canary"]),
        (
            read(text.replace("aws:TokenIssueTime", "aws:CurrentTime")),
            &[
                "an old session",
                "a much older session",
                "an old session without a role",
                "an old session of the second",
                "an old session without source identity",
                "the canary",
            ],
        ),
    ]
}

#[test]
fn a_cut_off_denies_the_old_sessions_of_those_whom_it_names_and_no_others() {
    for (policy, deny, rows) in tables() {
        assert_eq!(wrong(&rows, &by_ours(&deny, &rows)), [""; 0], "{policy}");
    }
    for (deny, shown) in mistakes() {
        let rows = of_people();
        assert_eq!(wrong(&rows, &by_ours(&deny, &rows)), shown, "{deny}");
    }
}

#[test]
fn an_independent_evaluator_says_the_same_of_a_cut_off() {
    if !peers::require("an_independent_evaluator_says_the_same_of_a_cut_off", &[Peer::Node]) {
        return;
    }
    for (policy, deny, rows) in tables() {
        assert_eq!(wrong(&rows, &by_theirs(&deny, &rows)), [""; 0], "{policy}");
    }
    for (deny, shown) in mistakes() {
        let rows = of_people();
        assert_eq!(wrong(&rows, &by_theirs(&deny, &rows)), shown, "{deny}");
    }
}
