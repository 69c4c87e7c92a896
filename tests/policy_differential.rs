//! Our evaluation of policies against one that is not ours, on twenty thousand calls.
//!
//! The calls are the same in every run. Each is aimed: first the call is chosen, then policies that are about it or
//! just miss it. All layers are compared, not only the outcome. Where the two differ on purpose, the difference has a name,
//! the sentence of AWS's documentation that it stands on, and a bound on how often it may be the reason.

use std::collections::BTreeMap;

use lodge::domain::policy::{
    Access, Context, Document, Layers, PolicyKind, Request, Verdict, decide_access, evaluate, fits,
};
use serde_json::{Value, json};

use crate::support::dice::Dice;
use crate::support::peers::{self, Peer};
use crate::support::process::Process;

const CALLS: usize = 20_000;

/// Actions, each with resources that it can be called on.
const ACTIONS: [(&str, &[&str]); 12] = [
    ("s3:GetObject", &["arn:aws:s3:::data/open/a.csv", "arn:aws:s3:::data/home/p-1/b", "arn:aws:s3:::Data/xy"]),
    ("s3:PutObject", &["arn:aws:s3:::data/open/a.csv", "arn:aws:s3:::data/home/p-1/b"]),
    ("s3:DeleteObject", &["arn:aws:s3:::data/home/p-2/b", "arn:aws:s3:::data/open/a.csv"]),
    ("s3:ListBucket", &["arn:aws:s3:::data", "arn:aws:s3:::other"]),
    ("s3:ListAllMyBuckets", &["*"]),
    ("mechanicalturk:GetHIT", &["*"]),
    ("mechanicalturk:ListHITs", &["*"]),
    ("mechanicalturk:SendBonus", &["*"]),
    ("iam:GetRole", &["arn:aws:iam::111122223333:role/lodge/reader", "arn:aws:iam::111122223333:role/admin"]),
    ("iam:PassRole", &["arn:aws:iam::111122223333:role/lodge/reader", "arn:aws:iam::111122223333:role/team/p-1"]),
    ("sts:AssumeRole", &["arn:aws:iam::111122223333:role/lodge/reader", "arn:aws:iam::999988887777:role/lodge/payer"]),
    ("sts:TagSession", &["arn:aws:iam::111122223333:role/lodge/reader"]),
];

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Text,
    Arn,
    Bool,
    Date,
    Number,
}

/// Condition keys that every call may carry, with the values that they take here.
const KEYS: [(&str, Kind, &[&str]); 11] = [
    ("aws:SourceIdentity", Kind::Text, &["p-1", "p-2", "m-1", "P-1"]),
    ("aws:PrincipalTag/team", Kind::Text, &["vision", "Vision", "a*", "p-1"]),
    ("aws:userid", Kind::Text, &["AROA:rs-1", "AROA:rs-2"]),
    ("aws:TagKeys", Kind::Text, &["lodge-role", "lodge-lab", "Other"]),
    (
        "aws:PrincipalArn",
        Kind::Arn,
        &["arn:aws:iam::111122223333:role/lodge/session", "arn:aws:iam::999988887777:role/x"],
    ),
    ("aws:SourceArn", Kind::Arn, &["arn:aws:s3:::data", "arn:aws:sns:us-east-1:111122223333:topic:a"]),
    ("aws:SecureTransport", Kind::Bool, &["true", "false"]),
    ("aws:MultiFactorAuthPresent", Kind::Bool, &["true", "false"]),
    ("aws:TokenIssueTime", Kind::Date, &["2026-11-21T12:00:00Z", "2026-11-21T11:59:59Z", "2026-11-22T00:00:00Z"]),
    ("aws:CurrentTime", Kind::Date, &["2026-11-22", "2026-11-21T13:00:00+01:00", "2026-11-21T12:00:00.500Z"]),
    ("aws:MultiFactorAuthAge", Kind::Number, &["299", "300", "301", "0.5", "-1"]),
];

/// The key that holds several values; AWS's word for it is multivalued.
const MULTIVALUED: &str = "aws:TagKeys";

/// What a variable can be, with a value, with a default, and without either in about half of the calls.
const VARIABLES: [&str; 4] = [
    "${aws:SourceIdentity}",
    "${aws:PrincipalTag/team}",
    "${aws:PrincipalTag/none, 'p-1'}",
    "${AWS:sourceidentity, 'm-1'}",
];

fn operators(kind: Kind) -> &'static [&'static str] {
    match kind {
        Kind::Text => &[
            "StringEquals",
            "StringNotEquals",
            "StringEqualsIgnoreCase",
            "StringNotEqualsIgnoreCase",
            "StringLike",
            "StringNotLike",
        ],
        Kind::Arn => &["ArnEquals", "ArnLike", "ArnNotEquals", "ArnNotLike"],
        Kind::Bool => &["Bool"],
        Kind::Date => &[
            "DateEquals",
            "DateNotEquals",
            "DateLessThan",
            "DateLessThanEquals",
            "DateGreaterThan",
            "DateGreaterThanEquals",
        ],
        Kind::Number => &[
            "NumericEquals",
            "NumericNotEquals",
            "NumericLessThan",
            "NumericLessThanEquals",
            "NumericGreaterThan",
            "NumericGreaterThanEquals",
        ],
    }
}

/// A text with some of it turned into wildcards; `keep` characters at its start stay.
fn pattern(dice: &mut Dice, text: &str, keep: usize) -> String {
    let mut characters: Vec<char> = text.chars().collect();
    for _ in 0..dice.roll(4) {
        let Some(room) = characters.len().checked_sub(keep).filter(|room| *room > 0) else { break };
        let at = keep + dice.roll(room);
        match dice.roll(6) {
            0 | 1 => characters[at] = '?',
            2 => drop(characters.splice(at.., ['*'])),
            3 => drop(characters.splice(at..=at, ['*'])),
            4 => characters.insert(at, '*'),
            _ => characters.insert(at, '?'),
        }
    }
    characters.into_iter().collect()
}

fn mixed_case(dice: &mut Dice, text: &str) -> String {
    text.chars().map(|c| if dice.chance(50) { c.to_ascii_uppercase() } else { c.to_ascii_lowercase() }).collect()
}

fn action_pattern(dice: &mut Dice, aim: &str) -> String {
    let action = if dice.chance(65) { aim } else { dice.pick(&ACTIONS).0 };
    let text = match dice.roll(10) {
        0 => return "*".to_owned(),
        1..=3 => action.to_owned(),
        _ => pattern(dice, action, action.find(':').unwrap() + 1),
    };
    if dice.chance(25) { mixed_case(dice, &text) } else { text }
}

/// A resource or a pattern of one. A wildcard stands only where AWS lets it: a whole part, or inside the last one after
/// the type of the resource ("Amazon Resource Names", "Incorrect wildcard usage").
fn resource_pattern(dice: &mut Dice, aim: &str) -> String {
    let all = dice.pick(&ACTIONS).1;
    let resource = if dice.chance(70) { aim } else { dice.pick(all) };
    if resource == "*" {
        return if dice.chance(70) { "*".to_owned() } else { "arn:aws:s3:::data/*".to_owned() };
    }
    let keep =
        if resource.starts_with("arn:aws:iam") { resource.find('/').unwrap() + 1 } else { "arn:aws:s3:::".len() };
    let text = match dice.roll(10) {
        0 => return "*".to_owned(),
        1..=3 => resource.to_owned(),
        4 if keep > 20 => resource.replace("111122223333", "*"),
        5 => {
            let (start, rest) = resource.split_at(keep);
            let variable = dice.pick(&VARIABLES);
            return format!("{start}{}", rest.replace("p-1", variable).replace("open", variable));
        }
        _ => pattern(dice, resource, keep),
    };
    if dice.chance(10) { text.replacen("ata", "ATA", 1) } else { text }
}

fn some(dice: &mut Dice, most: usize, mut one: impl FnMut(&mut Dice) -> String) -> Value {
    let mut texts: Vec<String> = (0..=dice.roll(most)).map(|_| one(dice)).collect();
    if texts.len() == 1 && dice.chance(50) { json!(texts.remove(0)) } else { json!(texts) }
}

fn condition_value(dice: &mut Dice, kind: Kind, operator: &str, values: &[&str], found: &[String]) -> String {
    let value = match found.first() {
        Some(found) if dice.chance(55) => found.clone(),
        _ => dice.pick(values).to_owned(),
    };
    match kind {
        Kind::Text if dice.chance(12) => dice.pick(&VARIABLES).to_owned(),
        Kind::Text if dice.chance(5) => value.replace('*', "${*}"),
        Kind::Text if operator.contains("Like") => pattern(dice, &value, 0),
        Kind::Text if dice.chance(15) => mixed_case(dice, &value),
        Kind::Arn => pattern(dice, &value, value.rfind(':').unwrap() + 1),
        Kind::Bool if dice.chance(20) => mixed_case(dice, &value),
        _ => value,
    }
}

/// One condition; mostly one that this context meets.
fn condition(dice: &mut Dice, context: &BTreeMap<String, Vec<String>>) -> (String, &'static str, Value) {
    if dice.chance(2) {
        return ("Null".to_owned(), dice.pick(&KEYS).0, json!(dice.pick(&["true", "false"])));
    }
    let all: Vec<(Kind, &str)> = [Kind::Text, Kind::Arn, Kind::Bool, Kind::Date, Kind::Number]
        .into_iter()
        .flat_map(|kind| operators(kind).iter().map(move |operator| (kind, *operator)))
        .collect();
    let (kind, base) = dice.pick(&all);
    let keys: Vec<_> = KEYS.into_iter().filter(|key| key.1 == kind).collect();
    let (key, _, values) = dice.pick(&keys);
    let quantifier = dice.pick(&["", "", "ForAllValues:", "ForAnyValue:"]);
    // A set operator belongs on a key with several values; a few times it is missing.
    let quantifier = match quantifier {
        "" if key == MULTIVALUED && dice.chance(95) => "ForAnyValue:",
        quantifier => quantifier,
    };
    let operator = format!("{quantifier}{base}{}", dice.pick(&["", "IfExists"]));
    let found = context.get(key).map_or(&[][..], Vec::as_slice);
    let texts = some(dice, 2, |dice| condition_value(dice, kind, base, values, found));
    (operator, key, texts)
}

fn statement(dice: &mut Dice, call: &Call) -> Value {
    let mut statement = json!({"Effect": if dice.chance(85) { "Allow" } else { "Deny" }});
    let action = if dice.chance(85) { "Action" } else { "NotAction" };
    let resource = if dice.chance(85) { "Resource" } else { "NotResource" };
    statement[action] = some(dice, 2, |dice| action_pattern(dice, &call.action));
    statement[resource] = some(dice, 2, |dice| resource_pattern(dice, &call.resource));
    if dice.chance(45) {
        for _ in 0..=dice.roll(2) {
            let (operator, key, values) = condition(dice, &call.context);
            statement["Condition"][operator][key] = values;
        }
    }
    statement
}

fn policy(dice: &mut Dice, call: &Call, open: usize) -> Value {
    let mut statements: Vec<Value> = (0..=dice.roll(3)).map(|_| statement(dice, call)).collect();
    if dice.chance(open) {
        statements.push(json!({"Effect": "Allow", "Action": "*", "Resource": "*"}));
    }
    json!({"Version": "2012-10-17", "Statement": statements})
}

/// A call, and the policies that have a say in it.
#[derive(Clone, Debug, Default)]
struct Call {
    action: String,
    resource: String,
    context: BTreeMap<String, Vec<String>>,
    /// Identity policy, session policy, boundary.
    layers: [Option<Value>; 3],
}

fn call(dice: &mut Dice) -> Call {
    let (action, resources) = dice.pick(&ACTIONS);
    let mut call = Call { action: action.to_owned(), resource: dice.pick(resources).to_owned(), ..Call::default() };
    for (key, _, values) in KEYS {
        if dice.chance(60) {
            let count = if key == MULTIVALUED { 1 + dice.roll(3) } else { 1 };
            call.context.insert(key.to_owned(), (0..count).map(|_| dice.pick(values).to_owned()).collect());
        }
    }
    let identity = dice.chance(97).then(|| policy(dice, &call, 40));
    let session = dice.chance(50).then(|| policy(dice, &call, 50));
    let boundary = dice.chance(35).then(|| policy(dice, &call, 60));
    Call { layers: [identity, session, boundary], ..call }
}

/// A word for each layer, and one for all of them.
type Outcome = [Option<&'static str>; 4];

const fn word(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Allowed => "Allowed",
        Verdict::ExplicitDeny => "ExplicitlyDenied",
        Verdict::ImplicitDeny => "ImplicitlyDenied",
    }
}

impl Call {
    fn line(&self) -> String {
        let context: BTreeMap<&String, Value> = self
            .context
            .iter()
            .map(|(key, values)| (key, if key == MULTIVALUED { json!(values) } else { json!(values[0]) }))
            .collect();
        let [identity, session, boundary] = &self.layers;
        json!({"action": self.action, "resource": self.resource, "context": context, "identity": identity,
               "session": session, "boundary": boundary})
        .to_string()
    }

    /// What we say to it.
    fn ours(&self) -> Outcome {
        let context = self
            .context
            .iter()
            .fold(Context::new(), |context, (key, values)| context.with_values(key, values.iter().cloned()));
        let request = Request { action: &self.action, resource: &self.resource, context: &context };
        let layers = self.layers.each_ref().map(|layer| {
            layer.as_ref().map(|layer| Document::parse(&layer.to_string()).unwrap_or_else(|e| panic!("{e}: {layer}")))
        });
        let [identity, session, boundary] = &layers;
        let identity = identity.clone().into_iter().collect::<Vec<_>>();
        let all = Layers { identity: &identity, session: session.as_ref(), boundary: boundary.as_ref(), trust: None };
        let overall = match decide_access(&all, &request) {
            Access::Allowed => "Allowed",
            Access::Denied { explicit: true, .. } => "ExplicitlyDenied",
            Access::Denied { explicit: false, by } => {
                assert_ne!(by, PolicyKind::RoleTrustPolicy);
                "ImplicitlyDenied"
            }
        };
        let [identity, session, boundary] =
            layers.each_ref().map(|layer| layer.as_ref().map(|layer| word(evaluate(layer, &request))));
        [Some(overall), identity, session, boundary]
    }

    /// The same call with policies in which every statement is changed.
    fn with(&self, change: impl Fn(&mut Value)) -> Self {
        let mut changed = self.clone();
        for layer in changed.layers.iter_mut().flatten() {
            layer["Statement"].as_array_mut().unwrap().iter_mut().for_each(&change);
        }
        changed
    }
}

/// Why the two may differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Reason {
    /// A variable has no value. IAM User Guide, "IAM policy elements: Variables and tags": "If AWS cannot resolve a variable
    /// this might cause the entire statement to be invalid." With us it always does; the simulator goes on with the other
    /// values of the list, and takes a condition on an absent key for met before it looks at the values.
    NoValue,
    /// A key of several values without a set operator. IAM User Guide, "Single-valued vs. multivalued context keys":
    /// "Multivalued context keys require a condition set operator." With us such a condition can hold when the call
    /// happens to have one value; in the simulator it never does.
    NoSetOperator,
    /// `${*}` in a condition whose operator has no wildcards. IAM User Guide, "IAM policy elements: Variables and tags", on
    /// special characters: `${*}` is a predefined variable with a fixed value, the asterisk, and stands wherever variables do.
    /// The simulator takes it for its four characters there.
    Escape,
}

/// Whether some statement of the call's policies is as `is_so` says.
fn some_statement(call: &Call, is_so: impl Fn(&Value) -> bool) -> bool {
    call.layers.iter().flatten().any(|layer| layer["Statement"].as_array().unwrap().iter().any(&is_so))
}

fn reason(call: &Call) -> Option<Reason> {
    let missing: Vec<&str> = VARIABLES
        .iter()
        .copied()
        .filter(|variable| !variable.contains(", '"))
        .filter(|variable| !call.context.contains_key(variable.trim_start_matches("${").trim_end_matches('}')))
        .collect();
    let has_no_value = |statement: &Value| {
        let text = statement.to_string();
        missing.iter().any(|variable| text.contains(variable))
    };
    if some_statement(call, has_no_value) {
        return Some(Reason::NoValue);
    }
    let has_no_set_operator = |statement: &Value| {
        statement["Condition"].as_object().is_some_and(|operators| {
            operators.iter().any(|(operator, keys)| {
                operator != "Null" && !operator.starts_with("For") && keys.get(MULTIVALUED).is_some()
            })
        })
    };
    let is_one = call.context.get(MULTIVALUED).is_some_and(|values| values.len() == 1);
    if is_one && some_statement(call, has_no_set_operator) {
        return Some(Reason::NoSetOperator);
    }
    let has_escape = |statement: &Value| {
        statement["Condition"].as_object().is_some_and(|operators| {
            operators.iter().any(|(operator, keys)| operator.contains("Equals") && keys.to_string().contains("${*}"))
        })
    };
    some_statement(call, has_escape).then_some(Reason::Escape)
}

/// What the other evaluator says.
fn theirs(calls: &[Call]) -> Vec<Outcome> {
    let lines: String = calls.iter().map(|call| call.line() + "\n").collect();
    let ended = Process::run("iam-simulate-many", &mut peers::node("iam-simulate-many.mjs"), &lines);
    assert!(ended.status.success(), "{}", ended.stderr);
    let known = [Verdict::Allowed, Verdict::ExplicitDeny, Verdict::ImplicitDeny].map(word);
    let read = |line: &str| {
        let answer: Value = serde_json::from_str(line).unwrap();
        ["overall", "identity", "session", "boundary"]
            .map(|key| answer[key].as_str().map(|said| *known.iter().find(|word| **word == said).unwrap()))
    };
    ended.stdout.lines().map(read).collect()
}

/// Mistakes that an evaluator could make, made by changing the policies that ours is shown.
fn mistakes(call: &Call) -> [(&'static str, Call); 4] {
    let texts = |list: &Value| match list {
        Value::Array(texts) => texts.clone(),
        text => vec![text.clone()],
    };
    let change = |statement: &mut Value, keys: &[&str], to: &dyn Fn(&str) -> String| {
        for key in keys {
            if !statement[*key].is_null() {
                let list = texts(&statement[*key]);
                statement[*key] = list.iter().map(|text| to(text.as_str().unwrap())).collect();
            }
        }
    };
    [
        (
            "a deny is ignored",
            call.with(|statement| {
                if statement["Effect"] == "Deny" {
                    *statement = json!({"Effect": "Deny", "Action": "none:Such", "Resource": "*"});
                }
            }),
        ),
        (
            "case counts in actions",
            call.with(|statement| {
                change(statement, &["Action", "NotAction"], &|text| {
                    if fits(text, &call.action) { text.to_owned() } else { "none:Such".to_owned() }
                });
            }),
        ),
        (
            "`?` is a literal",
            call.with(|statement| {
                change(statement, &["Action", "NotAction", "Resource", "NotResource"], &|text| text.replace('?', "0"));
            }),
        ),
        (
            "an absent key is a match",
            call.with(|statement| {
                let Some(operators) = statement["Condition"].as_object().cloned() else { return };
                for (operator, keys) in operators {
                    for key in keys.as_object().unwrap().keys().filter(|key| !call.context.contains_key(*key)) {
                        statement["Condition"][&operator].as_object_mut().unwrap().remove(key);
                    }
                    if statement["Condition"][&operator].as_object().unwrap().is_empty() {
                        statement["Condition"].as_object_mut().unwrap().remove(&operator);
                    }
                }
            }),
        ),
    ]
}

/// How many calls have each operator.
fn operator_counts(calls: &[Call]) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    for call in calls {
        let mut operators = Vec::new();
        for layer in call.layers.iter().flatten() {
            for statement in layer["Statement"].as_array().unwrap() {
                operators.extend(statement["Condition"].as_object().into_iter().flat_map(|it| it.keys().cloned()));
            }
        }
        operators.sort_unstable();
        operators.dedup();
        for operator in operators {
            *counts.entry(operator).or_insert(0) += 1;
        }
    }
    counts
}

#[test]
fn an_independent_evaluator_agrees_on_twenty_thousand_calls() {
    if !peers::require("an_independent_evaluator_agrees_on_twenty_thousand_calls", &[Peer::Node]) {
        return;
    }
    let mut dice = Dice(20_261_121);
    let calls: Vec<Call> = (0..CALLS).map(|_| call(&mut dice)).collect();

    let theirs = theirs(&calls);

    assert_eq!(theirs.len(), CALLS);
    let mut explained: BTreeMap<Reason, usize> = BTreeMap::new();
    let mut unexplained = Vec::new();
    let mut shares: BTreeMap<&str, usize> = BTreeMap::new();
    let mut noticed: BTreeMap<&str, usize> = BTreeMap::new();
    for (number, (call, theirs)) in calls.iter().zip(&theirs).enumerate() {
        let ours = call.ours();
        *shares.entry(theirs[0].unwrap()).or_insert(0) += 1;
        if ours == *theirs {
            // One in four shows enough, and each costs four evaluations.
            for (name, mistaken) in if number % 4 == 0 { mistakes(call).to_vec() } else { Vec::new() } {
                *noticed.entry(name).or_insert(0) += usize::from(mistaken.ours() != *theirs);
            }
            continue;
        }
        match reason(call) {
            Some(reason) => *explained.entry(reason).or_insert(0) += 1,
            None => unexplained.push(format!("we {ours:?}, they {theirs:?}: {}", call.line())),
        }
    }

    let counts = operator_counts(&calls);
    let rarest = counts.iter().min_by_key(|(_, count)| **count);
    let report = format!("{shares:?} {explained:?} {noticed:?} {} operators, {rarest:?}", counts.len());
    let some = unexplained[..unexplained.len().min(20)].join("\n");
    assert!(unexplained.is_empty(), "{} are not explained; {report}\n{some}", unexplained.len());
    let of = |what: &BTreeMap<Reason, usize>, reason| what.get(&reason).copied().unwrap_or_default();
    assert!(of(&explained, Reason::NoValue) <= 80, "{report}");
    assert!(of(&explained, Reason::NoSetOperator) <= 5, "{report}");
    assert!(of(&explained, Reason::Escape) <= 5, "{report}");
    for (outcome, percent) in [("Allowed", 20), ("ExplicitlyDenied", 10), ("ImplicitlyDenied", 20)] {
        assert!(shares[outcome] * 100 >= CALLS * percent, "{outcome}: {report}");
    }
    assert_eq!(counts.len(), (6 + 4 + 1 + 6 + 6) * 6 + 1, "{counts:?}");
    assert!(counts.values().all(|count| *count >= 200), "{counts:?}");
    assert_eq!(noticed.len(), 4, "{report}");
    assert!(noticed.values().all(|count| *count >= 200), "{report}");
}
