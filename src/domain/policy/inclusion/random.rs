//! `included` against what it means, on many pairs of random policies.
//!
//! The pairs are the same in every run. Each is decided by what it was made from: widened, so that it must be included;
//! with one call more, so that it must not be; or nothing, and then by trying calls. Few of them are tried here, where
//! nothing is optimised; `tests/fuzz/run` tries 100,000.

#![allow(clippy::unwrap_used, reason = "whatever is not as it should be ends the trial")]
#![allow(unreachable_pub, reason = "`tests/fuzz` reaches it")]

use std::ops::AddAssign;

use serde_json::{Value, json};

use super::*;

/// Numbers that only look random (`SplitMix64`).
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        usize::try_from((mixed ^ (mixed >> 31)) % sides as u64).unwrap()
    }

    fn chance(&mut self, percent: usize) -> bool {
        self.roll(100) < percent
    }

    fn pick<'a, T: ?Sized>(&mut self, from: &[&'a T]) -> &'a T {
        from[self.roll(from.len())]
    }
}

const ACTIONS: [&str; 10] = [
    "mechanicalturk:GetHIT",
    "mechanicalturk:GetAssignment",
    "mechanicalturk:ListHITs",
    "mechanicalturk:SendBonus",
    "mechanicalturk:DeleteHIT",
    "s3:GetObject",
    "s3:PutObject",
    "s3:ListBucket",
    "sts:AssumeRole",
    "sts:TagSession",
];
const RESOURCES: [&str; 7] = [
    "*",
    "arn:aws:s3:::data/open/a",
    "arn:aws:s3:::data/secret/a",
    "arn:aws:s3:::data",
    "arn:aws:s3:::other/open/b",
    "arn:aws:iam::111122223333:role/lodge/reader",
    "arn:aws:iam::111122223333:role/admin",
];
const CONDITIONS: [(&str, &str, &[&str]); 16] = [
    ("StringEquals", "aws:SourceIdentity", &["p-1"]),
    ("StringEquals", "aws:SourceIdentity", &["p-1", "p-2"]),
    ("StringLike", "aws:SourceIdentity", &["p-*"]),
    ("StringNotLike", "aws:SourceIdentity", &["p-?"]),
    ("StringEqualsIgnoreCase", "aws:SourceIdentity", &["P-1"]),
    ("StringNotEqualsIfExists", "aws:SourceIdentity", &["m-1"]),
    ("Null", "aws:SourceIdentity", &["true"]),
    ("ForAllValues:StringEquals", "aws:TagKeys", &["a", "b"]),
    ("ForAnyValue:StringLike", "aws:TagKeys", &["a*"]),
    ("ForAnyValue:StringNotEquals", "aws:TagKeys", &["a"]),
    ("DateLessThan", "aws:TokenIssueTime", &["2026-11-21T12:00:00Z"]),
    ("DateGreaterThanEquals", "aws:TokenIssueTime", &["2026-11-20T12:00:00Z"]),
    ("NumericLessThanEquals", "aws:MultiFactorAuthAge", &["300"]),
    ("NumericGreaterThanIfExists", "aws:MultiFactorAuthAge", &["299"]),
    ("Bool", "aws:SecureTransport", &["true"]),
    ("StringEquals", "s3:prefix", &["home/${aws:SourceIdentity}"]),
];
const VALUES: [(&str, &[&[&str]]); 6] = [
    ("aws:SourceIdentity", &[&[], &["p-1"], &["p-2"], &["P-1"], &["m-1"], &["p-10"]]),
    ("aws:TagKeys", &[&[], &["a"], &["b"], &["a", "b"], &["a", "c"], &["abc"]]),
    ("aws:TokenIssueTime", &[&[], &["2026-11-21T12:00:00Z"], &["2026-11-21T11:00:00Z"], &["2026-11-01"]]),
    ("aws:MultiFactorAuthAge", &[&[], &["299"], &["300"], &["301"]]),
    ("aws:SecureTransport", &[&[], &["true"], &["false"]]),
    ("s3:prefix", &[&[], &["home/p-1"], &["home/p-2"]]),
];

/// A text with some of it turned into wildcards; `keep` characters at its start stay.
fn pattern(dice: &mut Dice, text: &str, keep: usize) -> String {
    let mut characters: Vec<char> = text.chars().collect();
    for _ in 0..dice.roll(3) {
        let Some(room) = characters.len().checked_sub(keep).filter(|room| *room > 0) else { break };
        let at = keep + dice.roll(room);
        match dice.roll(4) {
            0 => characters[at] = '?',
            1 => drop(characters.splice(at.., ['*'])),
            2 => drop(characters.splice(at..=at, ['*'])),
            _ => characters.insert(at, '*'),
        }
    }
    characters.into_iter().collect()
}

fn action_pattern(dice: &mut Dice) -> String {
    let action = dice.pick(&ACTIONS);
    let text = match dice.roll(10) {
        0 => "*".to_owned(),
        1..=3 => action.to_owned(),
        _ => pattern(dice, action, action.find(':').unwrap() + 1),
    };
    if dice.chance(20) { text.to_uppercase() } else { text }
}

fn resource_pattern(dice: &mut Dice) -> String {
    match dice.pick(&RESOURCES) {
        "*" => "*".to_owned(),
        resource if dice.chance(25) => resource.to_owned(),
        resource => pattern(dice, resource, if resource.contains("s3") { 13 } else { 27 }),
    }
}

fn some(dice: &mut Dice, most: usize, one: fn(&mut Dice) -> String) -> Vec<String> {
    (0..=dice.roll(most)).map(|_| one(dice)).collect()
}

fn statement(dice: &mut Dice, with_conditions: bool) -> Value {
    let mut statement = json!({"Effect": if dice.chance(70) { "Allow" } else { "Deny" }});
    let (action, resource) = (some(dice, 3, action_pattern), some(dice, 2, resource_pattern));
    statement[if dice.chance(80) { "Action" } else { "NotAction" }] = json!(action);
    statement[if dice.chance(80) { "Resource" } else { "NotResource" }] = json!(resource);
    if with_conditions && dice.chance(60) {
        for _ in 0..=dice.roll(2) {
            let (operator, key, values) = CONDITIONS[dice.roll(CONDITIONS.len())];
            statement["Condition"][operator][key] = json!(values);
        }
    }
    if with_conditions && dice.chance(10) {
        statement["Resource"] = json!(["arn:aws:s3:::data/${aws:SourceIdentity}/*"]);
        statement.as_object_mut().unwrap().remove("NotResource");
    }
    statement
}

fn statements(dice: &mut Dice, with_conditions: bool) -> Vec<Value> {
    let most = if dice.chance(15) { 4 } else { 2 };
    (0..=dice.roll(most)).map(|_| statement(dice, with_conditions)).collect()
}

fn document(statements: &[Value]) -> Document {
    Document::parse(&json!({"Version": "2012-10-17", "Statement": statements}).to_string()).unwrap()
}

/// The same with one thing changed so that it allows no less.
fn widen(dice: &mut Dice, statements: &mut Vec<Value>) {
    let at = dice.roll(statements.len());
    let allows = statements[at]["Effect"] == "Allow";
    if !allows && statements.len() > 1 && dice.chance(30) {
        statements.remove(at);
        return;
    }
    if dice.chance(15) {
        let mut more = statement(dice, false);
        more["Effect"] = json!("Allow");
        statements.push(more);
        return;
    }
    let statement = &mut statements[at];
    if statement["Condition"].is_object() && dice.chance(40) {
        if allows {
            statement.as_object_mut().unwrap().remove("Condition");
        } else {
            statement["Condition"]["StringLike"]["aws:UserAgent"] = json!("curl*");
        }
        return;
    }
    let is_action = dice.chance(50);
    let (only, all_but) = if is_action { ("Action", "NotAction") } else { ("Resource", "NotResource") };
    let grows = statement[only].is_array() == allows;
    let key = if statement[only].is_array() { only } else { all_but };
    let list = &mut statement[key];
    let list = list.as_array_mut().unwrap();
    let place = dice.roll(list.len());
    match (grows, dice.roll(2)) {
        (true, 0) => {
            // A resource more with a variable could make the whole statement be about nothing; these have none.
            list.push(json!(if is_action { action_pattern(dice) } else { resource_pattern(dice) }));
        }
        (true, _) => {
            let text = list[place].as_str().unwrap();
            let keep = match text.find(':') {
                Some(colon) if is_action => colon + 1,
                Some(_) if !text.contains("${") => {
                    if text.contains("s3") {
                        13
                    } else {
                        27
                    }
                }
                _ => text.len(),
            };
            let cut = text.char_indices().map(|(at, _)| at).filter(|at| *at >= keep).nth(dice.roll(6));
            let wider = cut.map_or(text.to_owned(), |at| format!("{}*", &text[..at]));
            list[place] = json!(wider);
        }
        (false, _) if list.len() > 1 => drop(list.remove(place)),
        (false, _) => {}
    }
}

fn context(dice: &mut Dice) -> Context {
    VALUES.iter().fold(Context::new(), |context, (key, values)| {
        context.with_values(key, dice.pick(values).iter().map(ToString::to_string))
    })
}

#[derive(Clone, Copy, Debug, Default)]
struct Counts {
    widened: usize,
    one_more: usize,
    yes: usize,
    no: usize,
    unknown: usize,
    conditional: usize,
    tried: usize,
    allowed: usize,
}

impl AddAssign for Counts {
    fn add_assign(&mut self, other: Self) {
        self.widened += other.widened;
        self.one_more += other.one_more;
        self.yes += other.yes;
        self.no += other.no;
        self.unknown += other.unknown;
        self.conditional += other.conditional;
        self.tried += other.tried;
        self.allowed += other.allowed;
    }
}

/// What a pair must be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Made {
    Included,
    NotIncluded,
    Anyhow,
}

fn pair(dice: &mut Dice, with_conditions: bool) -> (Made, Document, Document) {
    let narrow = statements(dice, with_conditions);
    match dice.roll(100) {
        0..35 => {
            let mut wide = narrow.clone();
            for _ in 0..=dice.roll(3) {
                widen(dice, &mut wide);
            }
            (Made::Included, document(&narrow), document(&wide))
        }
        35..72 => {
            let wide = document(&narrow);
            let mut more = narrow;
            for _ in 0..20 {
                let (action, resource) = (dice.pick(&ACTIONS), dice.pick(&RESOURCES));
                let request = Request { action, resource, context: &Context::new() };
                if evaluate(&wide, &request) == Verdict::ImplicitDeny {
                    more.push(json!({"Effect": "Allow", "Action": action, "Resource": resource}));
                    return (Made::NotIncluded, document(&more), wide);
                }
            }
            (Made::Anyhow, document(&more), document(&statements(dice, with_conditions)))
        }
        _ => (Made::Anyhow, document(&narrow), document(&statements(dice, with_conditions))),
    }
}

fn check(seed: u64, pairs: usize) -> Counts {
    let mut dice = Dice(seed);
    let mut counts = Counts::default();
    for number in 0..pairs {
        let with_conditions = number % 3 == 0;
        let (made, narrow, wide) = pair(&mut dice, with_conditions);
        counts.conditional += usize::from(with_conditions);
        counts.widened += usize::from(made == Made::Included);
        counts.one_more += usize::from(made == Made::NotIncluded);
        match included(&narrow, &wide) {
            Inclusion::Yes => {
                assert_ne!(made, Made::NotIncluded, "{seed} {number}: {narrow:?} in {wide:?}");
                counts.yes += 1;
                for _ in 0..8 {
                    let (action, resource) = (dice.pick(&ACTIONS), dice.pick(&RESOURCES));
                    let context = if with_conditions { context(&mut dice) } else { Context::new() };
                    let request = Request { action, resource, context: &context };
                    counts.tried += 1;
                    if evaluate(&narrow, &request) == Verdict::Allowed {
                        counts.allowed += 1;
                        assert_eq!(evaluate(&wide, &request), Verdict::Allowed, "{request:?}: {narrow:?} in {wide:?}");
                    }
                }
            }
            Inclusion::No(call) => {
                assert_ne!(made, Made::Included, "{seed} {number}: {call:?}: {narrow:?} in {wide:?}");
                assert_eq!(call.evaluate(&narrow), Verdict::Allowed, "{call:?}");
                assert_ne!(call.evaluate(&wide), Verdict::Allowed, "{call:?}");
                counts.no += 1;
            }
            Inclusion::Unknown => {
                assert!(with_conditions, "{seed} {number}: {narrow:?} in {wide:?}");
                counts.unknown += 1;
            }
        }
    }
    counts
}

#[cfg(test)]
#[test]
fn three_thousand_pairs_are_told_apart() {
    assert!(tell_apart(3_000).contains("widened"));
}

/// Tells so many pairs apart, and says how many of each kind there were.
///
/// # Panics
///
/// When one of them is told wrongly, or there are too few of a kind.
pub fn tell_apart(pairs: usize) -> String {
    let halves = std::thread::scope(|scope| {
        let halves = [1, 2].map(|seed| scope.spawn(move || check(seed, pairs / 2)));
        halves.map(|half| half.join().unwrap())
    });
    let mut counts = Counts::default();
    for half in halves {
        counts += half;
    }

    assert!(counts.widened * 10 >= pairs * 3 && counts.one_more * 10 >= pairs * 3, "{counts:?}");
    assert!(counts.yes * 10 >= pairs * 3 && counts.no * 10 >= pairs * 3, "{counts:?}");
    assert!(counts.unknown * 50 <= counts.conditional, "{counts:?}");
    assert!(counts.allowed * 10 >= counts.tried, "{counts:?}");
    format!("{counts:?}")
}

/// All calls of a service of two letters, tried one by one, say the same as `included`.
#[cfg(test)]
#[test]
fn on_a_small_alphabet_every_call_agrees() {
    let words = |longest: usize, shortest: usize| -> Vec<String> {
        let mut words = vec![String::new()];
        let mut last = words.clone();
        for _ in 0..longest {
            last = last.iter().flat_map(|word| ["a", "b", "c"].map(|c| format!("{word}{c}"))).collect();
            words.extend(last.clone());
        }
        words.into_iter().filter(|word| word.len() >= shortest).collect()
    };
    let (actions, resources) = (words(3, 1), words(3, 0));
    let calls: Vec<(String, String)> = actions
        .iter()
        .flat_map(|action| resources.iter().map(move |text| (format!("m:{action}"), format!("arn:a:m:::{text}"))))
        .collect();
    let mut dice = Dice(3);
    let word = |dice: &mut Dice| -> String { (0..=dice.roll(2)).map(|_| dice.pick(&["a", "b", "*", "?"])).collect() };
    let mut told = [0, 0];
    for number in 0..600 {
        let [narrow, wide] = [0, 1].map(|_| {
            let statements: Vec<Value> = (0..=dice.roll(2))
                .map(|_| {
                    let mut statement = json!({"Effect": if dice.chance(75) { "Allow" } else { "Deny" }});
                    let actions: Vec<_> = (0..=dice.roll(2)).map(|_| format!("m:{}", word(&mut dice))).collect();
                    let resources: Vec<_> =
                        (0..=dice.roll(2)).map(|_| format!("arn:a:m:::{}", word(&mut dice))).collect();
                    statement[if dice.chance(70) { "Action" } else { "NotAction" }] = json!(actions);
                    statement[if dice.chance(70) { "Resource" } else { "NotResource" }] = json!(resources);
                    statement
                })
                .collect();
            document(&statements)
        });
        let answer = included(&narrow, &wide);
        assert_ne!(answer, Inclusion::Unknown, "{number}");
        told[usize::from(answer.holds())] += 1;
        let context = Context::new();
        let problem = Problem::new(&narrow, &wide);
        for (action, resource) in &calls {
            let request = Request { action, resource, context: &context };
            let differs =
                evaluate(&narrow, &request) == Verdict::Allowed && evaluate(&wide, &request) != Verdict::Allowed;
            assert_eq!(problem.differs(&problem.about(action), resource, &context), differs, "{action} {resource}");
            assert!(!(differs && answer.holds()), "{action} on {resource}: {narrow:?} in {wide:?}");
            if differs {
                break;
            }
        }
    }
    assert!(told[0] > 100 && told[1] > 60, "{told:?}");
}
