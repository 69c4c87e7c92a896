mod day;
mod room;

use super::*;
use crate::domain::policy::{Access, Context, Layers, PolicyKind, Request, decide_access};

/// Numbers that only look random (`SplitMix64`).
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        usize::try_from((mixed ^ (mixed >> 31)) % sides as u64).unwrap()
    }

    fn pick<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        &from[self.roll(from.len())]
    }

    fn person(&mut self) -> PersonId {
        PersonId::from_entropy(std::array::from_fn(|_| u8::try_from(self.roll(256)).unwrap()))
    }
}

fn moment(text: &str) -> DenyMoment {
    DenyMoment::of(text.parse().unwrap())
}

fn person(which: u8) -> PersonId {
    PersonId::from_entropy([which; 10])
}

fn role(name: &str) -> RoleName {
    name.parse().unwrap()
}

fn entry(whose: Whose, before: &str) -> DenyEntry {
    DenyEntry { whose, before: moment(before) }
}

/// A role that may do everything, and has the deny.
struct SessionRole(Vec<Document>);

impl SessionRole {
    fn with(deny: &Deny) -> Self {
        let allow = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}"#;
        let policies = [Some(allow.to_owned()), deny.document()];
        Self(policies.iter().flatten().map(|policy| Document::parse(policy).unwrap()).collect())
    }

    /// Whether a session of this source identity and role, issued then, is denied a call.
    fn denies(&self, source_identity: Option<&str>, role: Option<&str>, issued_at: DenyMoment) -> bool {
        let mut context = Context::new().with("aws:TokenIssueTime", issued_at.to_string());
        if let Some(source_identity) = source_identity {
            context = context.with("aws:SourceIdentity", source_identity);
        }
        if let Some(role) = role {
            context = context.with("aws:PrincipalTag/lodge-role", role);
        }
        let layers = Layers { identity: &self.0, boundary: None, session: None, trust: None };
        let request = Request { action: "mechanicalturk:ListHITs", resource: "*", context: &context };
        match decide_access(&layers, &request) {
            Access::Allowed => false,
            Access::Denied { by: PolicyKind::IdentityBased, explicit: true } => true,
            other @ Access::Denied { .. } => panic!("{other:?}"),
        }
    }
}

fn seconds_after(moment: DenyMoment, seconds: i64) -> DenyMoment {
    DenyMoment::of(moment.at() + TimeDelta::seconds(seconds))
}

#[test]
fn nothing_is_no_policy() {
    let deny = Deny::of(&[], ROOM_CHARS);

    assert_eq!((deny.is_empty(), deny.document(), deny.moments(), deny.people()), (true, None, 0, 0));
    assert!(deny.is_said_by(None) && !deny.is_said_by(Some("{}")));
}

#[test]
fn the_latest_moment_of_each_counts() {
    let entries = [
        entry(Whose::Person(person(1)), "2026-11-22T12:01:00Z"),
        entry(Whose::Person(person(1)), "2026-11-22T12:05:00Z"),
        entry(Whose::Person(person(2)), "2026-11-22T12:01:00Z"),
    ];

    let deny = Deny::of(&entries, ROOM_CHARS);

    assert_eq!((deny.people(), deny.moments(), deny.overflow()), (2, 2, None));
    assert_eq!(deny, Deny::of(entries.iter().rev(), ROOM_CHARS));
}

#[test]
fn a_policy_denies_old_sessions_of_whom_it_names_and_no_others() {
    let (first, second, other) = (person(1), person(2), person(3));
    let (first, second, other) = (first.as_str(), second.as_str(), other.as_str());
    let shouted = first.to_uppercase();
    let deny = Deny::of(
        &[
            entry(Whose::Person(person(1)), "2026-11-22T12:01:00Z"),
            entry(Whose::Person(person(2)), "2026-11-22T11:50:00Z"),
            entry(Whose::Role(role("pay")), "2026-11-22T11:55:00Z"),
            entry(Whose::Everyone, "2026-11-22T11:20:00Z"),
        ],
        ROOM_CHARS,
    );
    let session_role = SessionRole::with(&deny);
    let canary = deny.canary_name();
    let canary = canary.as_str();

    for (what, source_identity, role, issued_at, is_denied) in [
        ("an old session", Some(first), Some("read"), "12:00:59", true),
        ("a much older session", Some(first), Some("read"), "11:30:00", true),
        ("a session of the same second", Some(first), Some("read"), "12:01:00", false),
        ("a new session", Some(first), Some("read"), "12:01:05", false),
        ("another person's", Some(other), Some("read"), "12:00:59", false),
        ("an old session of one who was cut off before", Some(second), Some("read"), "11:49:59", true),
        ("a new session of theirs", Some(second), Some("read"), "11:50:00", false),
        ("an id in wrong letters", Some(&shouted), Some("read"), "12:00:59", false),
        ("a longer id", Some(&format!("{first}0")), Some("read"), "12:00:59", false),
        ("an old session of nobody", None, Some("read"), "12:00:59", true),
        ("a new session of nobody", None, Some("read"), "12:01:00", false),
        ("the canary", Some(canary), Some("read"), "12:00:59", true),
        ("the canary when it is over", Some(canary), Some("read"), "12:01:00", false),
        ("an old session of the role", Some(other), Some("pay"), "11:54:59", true),
        ("a session of the role of the same second", Some(other), Some("pay"), "11:55:00", false),
        ("another role", Some(other), Some("pay-more"), "11:54:59", false),
        ("a role in wrong letters", Some(other), Some("Pay"), "11:54:59", false),
        ("no role", Some(other), None, "11:54:59", false),
        ("anybody's old session", Some(other), Some("read"), "11:19:59", true),
        ("anybody's old session without a role", Some(other), None, "11:19:59", true),
        ("anybody's session of the same second", Some(other), Some("read"), "11:20:00", false),
    ] {
        let issued_at = moment(&format!("2026-11-22T{issued_at}Z"));
        assert_eq!(session_role.denies(source_identity, role, issued_at), is_denied, "{what}");
    }
}

#[test]
fn nobody_is_denied_for_having_no_name_where_nobody_is_named() {
    for whose in [Whose::Role(role("pay")), Whose::Everyone] {
        let deny = Deny::of(&[entry(whose, "2026-11-22T12:01:00Z")], ROOM_CHARS);
        let is_everyone = deny.moments() == 1 && deny.everyone.is_some();
        let session_role = SessionRole::with(&deny);

        let old = moment("2026-11-22T12:00:59Z");
        assert_eq!(session_role.denies(None, Some("read"), old), is_everyone);
        assert_eq!(session_role.denies(Some(&deny.canary_name()), Some("read"), old), is_everyone);
        assert!(session_role.denies(None, Some("pay"), old));
        assert!(!session_role.denies(None, Some("pay"), moment("2026-11-22T12:01:00Z")));
    }
}

#[test]
fn the_policy_is_written_so() {
    let deny = Deny::of(
        &[
            entry(Whose::Person(person(1)), "2026-11-22T12:01:00Z"),
            entry(Whose::Person(person(2)), "2026-11-22T11:50:00Z"),
            entry(Whose::Role(role("pay")), "2026-11-22T11:55:00Z"),
        ],
        ROOM_CHARS,
    );
    let deny_of =
        |conditions: Value| json!({"Effect": "Deny", "Action": "*", "Resource": "*", "Condition": conditions});
    let before = |text: &str| json!({"aws:TokenIssueTime": text});

    let wanted = json!({"Version": "2012-10-17", "Statement": [
        deny_of(json!({"DateLessThan": before("2026-11-22T11:50:00Z"),
            "StringEquals": {"aws:SourceIdentity": person(2)}})),
        deny_of(json!({"DateLessThan": before("2026-11-22T11:55:00Z"),
            "StringEquals": {"aws:PrincipalTag/lodge-role": "pay"}})),
        deny_of(json!({"DateLessThan": before("2026-11-22T12:01:00Z"),
            "StringEquals": {"aws:SourceIdentity": [Value::from(deny.canary_name()), json!(person(1))]}})),
        deny_of(json!({"DateLessThan": before("2026-11-22T12:01:00Z"), "Null": {"aws:SourceIdentity": "true"}})),
    ]});
    assert_eq!(serde_json::from_str::<Value>(&deny.document().unwrap()).unwrap(), wanted);
    assert_eq!(deny.sha256(), Some(hex::encode(Sha256::digest(deny.document().unwrap()))));
}

#[test]
fn a_policy_says_the_same_however_it_is_written() {
    let deny = Deny::of(
        &[
            entry(Whose::Person(person(1)), "2026-11-22T12:01:00Z"),
            entry(Whose::Person(person(2)), "2026-11-22T12:01:00Z"),
        ],
        ROOM_CHARS,
    );
    let text = deny.document().unwrap();
    let value: Value = serde_json::from_str(&text).unwrap();
    let (_, statements) = text.split_once(r#""Statement":"#).unwrap();
    let statements = statements.strip_suffix(r#","Version":"2012-10-17"}"#).unwrap();
    let first = serde_json::to_string(&value["Statement"][0]).unwrap();
    let [one, other] = [person(1), person(2)].map(|person| person.to_string());

    for same in [
        text.clone(),
        format!(" \n{}\t", serde_json::to_string_pretty(&value).unwrap()),
        format!(r#"{{"Version":"2012-10-17","Statement":{statements}}}"#),
        text.replace(r#""Effect":"Deny","Resource":"*"}"#, r#""Resource":"*","Effect":"Deny"}"#),
    ] {
        assert!(deny.is_said_by(Some(&same)), "{same}");
    }
    for different in [
        text.replacen("Deny", "Allow", 1),
        text.replacen("DateLessThan", "DateLessThanEquals", 1),
        text.replacen("12:01:00", "12:00:00", 1),
        text.replacen("StringEquals", "StringLike", 1),
        text.replacen(&one, &other, 1),
        text.replacen(&format!(",\"{other}\""), "", 1),
        text.replacen(&first, &format!("{first},{first}"), 1),
        text.replacen(&format!("{first},"), "", 1),
        text.replacen("2012-10-17", "2008-10-17", 1),
        text.replacen(r#"{"Action":"*""#, r#"{"Action":"s3:*","Action":"*""#, 1),
        text[..text.len() - 1].to_owned(),
        format!("{text}{text}"),
        String::new(),
        "null".to_owned(),
        "{}".to_owned(),
        "<html>".to_owned(),
    ] {
        assert_ne!(different, text);
        assert!(!deny.is_said_by(Some(&different)), "{different}");
    }
    assert!(!deny.is_said_by(None));
}

/// A session that was denied before would prove nothing of what is denied now.
#[test]
fn the_canary_is_denied_by_what_is_new_and_by_nothing_else() {
    let all = |entries: &[&DenyEntry]| Deny::of(entries.iter().copied(), ROOM_CHARS);
    let (read, pay) = (role("read-results"), role("pay"));
    let roles = [pay.clone(), read.clone()];
    let now = moment("2026-11-22T12:00:00Z").at();
    let canary = |older: &[&DenyEntry], newer: &[&DenyEntry]| {
        roles.iter().find_map(|role| all(newer).canary(&all(older), role, now))
    };
    let of_role = |older: &[&DenyEntry], newer: &[&DenyEntry]| canary(older, newer).map(|canary| canary.role);
    let one = entry(Whose::Person(person(1)), "2026-11-22T12:01:00Z");
    let two = entry(Whose::Person(person(2)), "2026-11-22T12:01:00Z");
    let late = entry(Whose::Person(person(3)), "2026-11-22T12:05:00Z");
    let old = entry(Whose::Person(person(3)), "2026-11-22T11:00:00Z");
    let of_pay = entry(Whose::Role(pay.clone()), "2026-11-22T12:01:00Z");
    let of_read = entry(Whose::Role(read.clone()), "2026-11-22T12:01:00Z");
    let of_all = entry(Whose::Everyone, "2026-11-22T12:01:00Z");
    let over = entry(Whose::Everyone, "2026-11-22T11:59:00Z");

    for (what, older, newer, wanted) in [
        ("nothing", &[][..], &[][..], None),
        ("somebody", &[], &[&one][..], Some(&pay)),
        ("what is long over", &[&old, &over], &[&old, &over, &one], Some(&pay)),
        ("somebody else of that minute", &[&one], &[&one, &two], Some(&pay)),
        ("the same again", &[&one], &[&one], None),
        ("somebody of an earlier moment", &[&late], &[&late, &one], None),
        ("a role", &[], &[&of_read], Some(&read)),
        ("another role of that minute", &[&of_pay], &[&of_pay, &of_read], Some(&read)),
        ("the same role again", &[&of_pay], &[&of_pay], None),
        ("somebody after a role", &[&of_pay], &[&of_pay, &one], Some(&read)),
        ("a role after somebody", &[&one], &[&one, &of_read], Some(&read)),
        ("everybody", &[], &[&of_all], Some(&pay)),
        ("everybody after somebody", &[&one], &[&one, &of_all], Some(&pay)),
        ("somebody after everybody", &[&of_all], &[&of_all, &late], None),
    ] {
        assert_eq!(of_role(older, newer).as_ref(), wanted, "{what}");
        let Some(canary) = canary(older, newer) else { continue };
        assert!(canary.source_identity.starts_with(CUT_OFF_CANARY), "{what}");
        let denies = |deny: &Deny| {
            SessionRole::with(deny).denies(
                Some(&canary.source_identity),
                Some(canary.role.as_str()),
                DenyMoment::of(now),
            )
        };
        assert_eq!((denies(&all(older)), denies(&all(newer))), (false, true), "{what}");
    }
    assert_eq!(all(&[&one]).canary(&all(&[]), &pay, one.before.at()), None, "it is too late");
}
