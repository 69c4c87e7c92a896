//! Policies and templates that anybody may have written: whatever is read, nothing breaks, what is said of it can be shown
//! to people, and what is claimed of two policies holds.
//!
//! A NUL stands between two policies.

#![no_main]

use std::collections::BTreeMap;

use libfuzzer_sys::fuzz_target;
use lodge::domain::policy::lint::{lint, lint_template_text};
use lodge::domain::policy::{Document, Inclusion, PolicyTemplate, Verdict, explain, gains, included, rewrite};

fuzz_target!(|data: &[u8]| {
    let Ok(text) = std::str::from_utf8(data) else { return };
    if let Ok(template) = PolicyTemplate::parse(text) {
        fills(&template);
    }
    for finding in lint_template_text(text).iter().chain(&lint(text)) {
        assert!(!finding.message.chars().any(char::is_control), "{finding:?}");
    }
    let (one, other) = text.split_once('\0').unwrap_or((text, text));
    for text in [one, other] {
        if Document::parse(text).is_ok() {
            drop(explain(text));
            let again = rewrite(text).unwrap();
            assert_eq!(rewrite(&again.text).unwrap().changes, [], "what was rewritten needs nothing more");
        }
    }
    if let (Ok(narrow), Ok(wide)) = (Document::parse(one), Document::parse(other)) {
        compare(&narrow, &wide);
    }
});

/// No value adds a statement, an action or a wildcard.
fn fills(template: &PolicyTemplate) {
    let examples = template.examples();
    let shape = |values: &BTreeMap<String, String>| {
        let policy = template.fill(values).ok()?;
        let wild = policy.as_str().matches(['*', '?', '$']).count();
        let document: serde_json::Value = serde_json::from_str(policy.as_str()).unwrap();
        let statements = document["Statement"].as_array().unwrap().clone();
        let actions: Vec<_> = statements.iter().map(|statement| statement["Action"].clone()).collect();
        Some((wild, actions))
    };
    let own = shape(&examples).expect("a template that is read can be filled with its own examples");
    for hostile in ["*", "a*/", "${aws:userid}", "\",\"", "{{x}}", "a/../", "\u{430}", "x"] {
        for name in examples.keys() {
            let mut values = examples.clone();
            values.insert(name.clone(), hostile.to_owned());
            if let Some(filled) = shape(&values) {
                assert_eq!(filled, own, "{hostile:?} as {name}");
            }
        }
    }
}

fn compare(narrow: &Document, wide: &Document) {
    assert_eq!(included(narrow, narrow), Inclusion::Yes);
    let gained = gains(wide, narrow);
    match included(narrow, wide) {
        Inclusion::No(call) => {
            assert_eq!(call.evaluate(narrow), Verdict::Allowed, "{call:?}");
            assert_ne!(call.evaluate(wide), Verdict::Allowed, "{call:?}");
        }
        Inclusion::Yes => assert!(gained.is_empty(), "included, and yet {gained:?}"),
        Inclusion::Unknown => {}
    }
    for call in gained.iter().filter_map(|gain| gain.example.as_ref()) {
        assert_eq!(call.evaluate(narrow), Verdict::Allowed, "{call:?}");
        assert_ne!(call.evaluate(wide), Verdict::Allowed, "{call:?}");
    }
}
