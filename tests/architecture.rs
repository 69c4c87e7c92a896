//! The directions in which modules may name each other, held by reading `src/` (the map is in `src/lib.rs`), and what
//! may never be in a file at all.
//!
//! Reads text, not types: comments and strings are blanked, what is left is cut into words, and every path that begins
//! with `crate`, `super`, `self` or `lodge` is followed to the module it names. Inline `#[cfg(test)]` modules, and files
//! called `tests.rs` or `testing.rs`, may name anything: they are part of no program that ships.

use std::collections::BTreeSet;

use crate::support::{files_under, root};

/// What a module of the crate may name. A module that is not in the table may not exist.
struct Rule {
    module: &'static str,
    /// Modules, or `module::part` where only that part may be named. Itself always.
    may_name: &'static [&'static str],
}

#[rustfmt::skip]
const RULES: &[Rule] = &[
    Rule { module: "domain", may_name: &[] },
    Rule { module: "ambient", may_name: &[] },
    Rule { module: "wire", may_name: &[] },
    Rule { module: "telemetry", may_name: &[] },
    Rule { module: "private_file", may_name: &[] },
    Rule { module: "server_time", may_name: &[] },
    Rule { module: "config", may_name: &["domain", "oidc", "store", "telemetry", "private_file"] },
    Rule { module: "store", may_name: &["domain", "telemetry", "private_file"] },
    Rule { module: "aws", may_name: &["domain", "ambient", "config", "telemetry", "server_time"] },
    Rule { module: "oidc", may_name: &["domain", "config", "telemetry", "server_time"] },
    Rule { module: "app", may_name: &["domain", "store", "aws", "oidc", "ambient", "config", "telemetry", "private_file"] },
    Rule { module: "http", may_name: &["app", "domain", "wire", "ambient", "config", "telemetry", "console"] },
    Rule { module: "console", may_name: &["app", "domain", "wire", "ambient", "config", "telemetry"] },
    Rule { module: "cli", may_name: &["wire", "domain::id", "domain::why", "ambient", "telemetry", "private_file"] },
    Rule { module: "demo", may_name: &["domain::policy", "domain::id", "ambient"] },
    Rule { module: "playground", may_name: &["domain", "store", "aws", "oidc", "app", "demo", "ambient"] },
    Rule { module: "bin/lodge", may_name: &["cli", "wire", "domain", "ambient", "telemetry"] },
    Rule { module: "bin/lodged", may_name: &["domain", "store", "aws", "oidc", "app", "http", "console", "demo", "wire", "ambient", "config", "telemetry", "private_file", "server_time", "playground"] },
];

/// Who may name a crate that is not ours. A name that ends in `*` stands for all that begin so. The first line that fits
/// a crate counts; a crate that fits none may be named anywhere.
#[rustfmt::skip]
const CRATES: &[(&str, &[&str])] = &[
    ("sqlx", &["store"]),
    ("aws_sigv4", &["aws", "demo::aws"]),
    ("aws_credential_types", &["aws", "demo::aws"]),
    ("aws_smithy_runtime_api", &["aws", "demo::aws"]),
    ("aws_*", &["aws"]),
    ("axum*", &["http", "console", "demo", "bin/lodged"]),
    ("tower*", &["http", "console", "demo", "bin/lodged"]),
    ("openidconnect", &["oidc"]),
    ("oauth2", &["oidc"]),
    ("ipnet", &["oidc", "config", "app", "http"]),
    ("reqwest", &["oidc"]),
    ("askama", &["console", "http"]),
    ("ureq", &["cli"]),
    ("webbrowser", &["cli"]),
    ("keyring", &["cli"]),
    ("secret_service", &["cli"]),
    ("anyhow", &["cli", "bin/lodge", "bin/lodged"]),
    ("tokio*", &["store", "aws", "oidc", "app", "http", "console", "demo", "telemetry", "bin/lodged"]),
    ("getrandom", &["ambient"]),
    ("rand", &[]),
    // What a body looks like is said beside the body.
    ("utoipa", &["wire", "http::openapi"]),
    ("rustix", &["bin/lodged", "cli"]),
    // Which names look alike is a rule; the table that it goes by is Unicode's.
    ("unicode_security", &["domain"]),
    // A file that is written while it is sent.
    ("csv", &["http"]),
    ("futures_util", &["http"]),
];

/// What a proof of access begins with, and the folders or files of `src/` where it may be called. Each word is looked for
/// whatever stands before it, so that no other name for the type helps; where it is defined, `fn` stands before it.
const BEGINNINGS: &[(&str, &[&str])] = &[
    // `Membership`, `Grounds` and `OpenInvitation`: what the gate decides on is read from the database.
    ("from_rows", &["store/"]),
    // `Operator`: nothing that answers requests is one by itself; in a browser, the roll says who is.
    ("at_this_machine", &["bin/lodged/", "playground.rs"]),
    ("on_the_roll", &["domain/access/operators.rs"]),
    // `CaretakerAccess`: only what looks after the labs' AWS accounts does so.
    ("to_account_of", &["app/accounts/", "app/cut_off/"]),
    // And what is on the roll comes from the settings, which nobody changes through the broker.
    ("from_settings", &["bin/lodged/", "playground.rs"]),
];

/// Where a proof of access is begun that may not be, a line for each.
fn forgeries<'a>(files: impl IntoIterator<Item = (&'a str, &'a str)>) -> Vec<String> {
    let mut found = Vec::new();
    for (path, source) in files {
        let words = words(source);
        let mut at = 0;
        while at < words.len() {
            if let ["#", "[", "cfg", "(", "test", ")", "]", ..] = &words[at..] {
                at = end_of_test_module(&words, at + 7).unwrap_or(at + 7);
                continue;
            }
            let is_definition = at > 0 && words[at - 1] == "fn";
            for (word, places) in BEGINNINGS {
                if words[at] == *word && !is_definition && !places.iter().any(|place| path.starts_with(place)) {
                    found.push(format!("{path}: calls `{word}`"));
                }
            }
            at += 1;
        }
    }
    found
}

/// Everything in these sources that the rules forbid, a line for each. Paths are relative to `src/`.
fn violations<'a>(files: impl IntoIterator<Item = (&'a str, &'a str)>) -> Vec<String> {
    let mut found = BTreeSet::new();
    for (path, source) in files {
        let Some(place) = Place::of(path) else { continue };
        let Some(rule) = RULES.iter().find(|rule| rule.module == place.module) else {
            found.insert(format!("{path}: no rule says what `{}` may name", place.module));
            continue;
        };
        for named in paths(&words(source), &place) {
            match named.first().map(String::as_str) {
                Some("crate") => {
                    let named = &named[1..];
                    if let Some(wrong) = rule.objection(named) {
                        found.insert(format!("{path}: `{}` {wrong}", place.module));
                    }
                }
                Some(foreign) => {
                    let owners = CRATES.iter().find(|(pattern, _)| fits(foreign, pattern)).map(|(_, owners)| owners);
                    let is_owner =
                        |owner: &&str| owner.split("::").eq(place.within_or_binary().take(owner.split("::").count()));
                    if owners.is_some_and(|owners| !owners.iter().any(is_owner)) {
                        found.insert(format!("{path}: `{}` names the crate `{foreign}`", place.module));
                    }
                }
                None => {}
            }
        }
    }
    found.into_iter().collect()
}

impl Rule {
    /// Why this module may not name `named` (the path without `crate`), if it may not.
    fn objection(&self, named: &[String]) -> Option<String> {
        let (module, part) = (named.first().map(String::as_str), named.get(1).map(String::as_str));
        match module {
            None | Some("*") => Some("names the whole crate".to_owned()),
            Some(module) if module == self.module => None,
            Some(module) => {
                let is_allowed = self.may_name.iter().any(|allowed| match allowed.split_once("::") {
                    None => *allowed == module,
                    Some((whole, allowed)) => whole == module && part == Some(allowed),
                });
                let part = part.map(|part| format!("::{part}")).unwrap_or_default();
                (!is_allowed).then(|| format!("names `{module}{part}`"))
            }
        }
    }
}

fn fits(name: &str, pattern: &str) -> bool {
    pattern.strip_suffix('*').map_or(name == pattern, |start| name.starts_with(start))
}

/// Where a file stands in the crate.
struct Place {
    /// The module that a rule speaks of: the first folder or file, or a binary.
    module: String,
    /// The module path of the file: `["store", "ledger"]`. Empty for a binary, whose own modules have no rules.
    within: Vec<String>,
}

impl Place {
    /// `None` for what has no rule: the crate's root, the build script, and tests.
    fn of(path: &str) -> Option<Self> {
        if matches!(path, "lib.rs" | "build.rs") || path.ends_with("/tests.rs") || path.ends_with("/testing.rs") {
            return None;
        }
        let mut parts: Vec<String> = path.trim_end_matches(".rs").split('/').map(str::to_owned).collect();
        if parts.first().is_some_and(|part| part == "bin") {
            let binary = parts.get(1).cloned().unwrap_or_default();
            return Some(Self { module: format!("bin/{binary}"), within: Vec::new() });
        }
        if parts.last().is_some_and(|part| part == "mod") {
            parts.pop();
        }
        Some(Self { module: parts[0].clone(), within: parts })
    }

    fn within_or_binary(&self) -> impl Iterator<Item = &str> {
        let binary = self.within.is_empty().then_some(self.module.as_str());
        self.within.iter().map(String::as_str).chain(binary)
    }
}

/// The source cut into words: identifiers, `::`, and single other characters. Comments, strings and characters are left
/// out.
fn words(source: &str) -> Vec<&str> {
    let mut words = Vec::new();
    let mut rest = source;
    while let Some(c) = rest.chars().next() {
        let length = if let Some(skipped) = skipped(rest) {
            rest = &rest[skipped..];
            continue;
        } else if c.is_alphabetic() || c == '_' {
            rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len())
        } else if rest.starts_with("::") {
            2
        } else {
            c.len_utf8()
        };
        if !c.is_whitespace() {
            words.push(&rest[..length]);
        }
        rest = &rest[length..];
    }
    words
}

/// How many bytes at the start are a comment, a string, a character, or the sign of a raw identifier.
fn skipped(text: &str) -> Option<usize> {
    let to_end_of =
        |end: &str, from: usize| text[from..].find(end).map_or(text.len(), |found| from + found + end.len());
    if text.starts_with("//") {
        return Some(to_end_of("\n", 2));
    }
    if text.starts_with("/*") {
        return Some(to_end_of("*/", 2));
    }
    if text.starts_with("r#") && text[2..].starts_with(|c: char| c.is_alphabetic()) {
        return Some(2);
    }
    let unprefixed = text.trim_start_matches(['b', 'c']);
    let prefix = text.len() - unprefixed.len();
    if let Some(raw) = unprefixed.strip_prefix('r').filter(|_| prefix <= 1) {
        let hashes = raw.len() - raw.trim_start_matches('#').len();
        if raw[hashes..].starts_with('"') {
            let end = format!("\"{}", "#".repeat(hashes));
            return Some(to_end_of(&end, prefix + 1 + hashes + 1));
        }
    }
    if prefix <= 1 && unprefixed.starts_with('"') {
        return Some(prefix + end_of_quoted(unprefixed, '"'));
    }
    if prefix <= 1 && unprefixed.starts_with('\'') {
        // `'a` is a lifetime, `'a'` and `'\n'` are characters.
        let mut after = unprefixed.chars().skip(1);
        let (first, second) = (after.next()?, after.next());
        if first == '\\' || second == Some('\'') {
            return Some(prefix + end_of_quoted(unprefixed, '\''));
        }
        return Some(prefix + 1);
    }
    None
}

fn end_of_quoted(text: &str, quote: char) -> usize {
    let mut is_escaped = false;
    for (index, c) in text.char_indices().skip(1) {
        match c {
            _ if is_escaped => is_escaped = false,
            '\\' => is_escaped = true,
            c if c == quote => return index + 1,
            _ => {}
        }
    }
    text.len()
}

/// Every path that the words hold, absolute: `["crate", "store", "Store"]` or `["sqlx", "query"]`. A path that begins
/// with anything that is neither a keyword nor a crate is taken for a crate of that name; no rule then knows it.
fn paths(words: &[&str], place: &Place) -> Vec<Vec<String>> {
    let mut found = Vec::new();
    // The modules that are open, each with the depth of braces it was opened at.
    let mut open: Vec<(&str, usize)> = Vec::new();
    let mut depth = 0;
    let mut at = 0;
    while at < words.len() {
        let is_binary = place.within.is_empty();
        let here =
            || place.within.iter().map(String::as_str).chain(open.iter().map(|(name, _)| *name)).collect::<Vec<_>>();
        match &words[at..] {
            ["#", "[", "cfg", "(", "test", ")", "]", ..] => {
                let item = at + 7;
                at = end_of_test_module(words, item).unwrap_or(item);
                continue;
            }
            ["mod", name, "{", ..] => {
                open.push((name, depth));
                depth += 1;
                at += 3;
                continue;
            }
            ["{", ..] => depth += 1,
            ["}", ..] => {
                depth = depth.saturating_sub(1);
                if open.last().is_some_and(|(_, opened)| *opened == depth) {
                    open.pop();
                }
            }
            ["use", ..] => {
                let (tree, end) = use_tree(words, at + 1);
                found.extend(tree.iter().filter_map(|path| absolute(path, &here(), is_binary)));
                at = end;
                continue;
            }
            ["extern", "crate", name, ..] => found.push(vec![(*name).to_owned()]),
            [first, "::", ..] if is_name(first) && (at == 0 || words[at - 1] != "::" || !follows_name(words, at)) => {
                let mut path = vec![*first];
                while let ["::", next, ..] = &words[at + 1..] {
                    if !is_name(next) {
                        break;
                    }
                    path.push(next);
                    at += 2;
                }
                found.extend(absolute(&path, &here(), is_binary));
            }
            _ => {}
        }
        at += 1;
    }
    found
}

/// Whether the `::` before the word at `at` continues another path, rather than beginning one (`::sqlx::query`).
fn follows_name(words: &[&str], at: usize) -> bool {
    at >= 2 && (is_name(words[at - 2]) || words[at - 2] == ">")
}

fn is_name(word: &str) -> bool {
    word.starts_with(|c: char| c.is_alphabetic() || c == '_')
}

/// Where a `#[cfg(test)]` module that begins at `at` ends; `None` when something else stands there.
fn end_of_test_module(words: &[&str], at: usize) -> Option<usize> {
    let mut start = at;
    while let ["#", "[", ..] = &words[start..] {
        start += words[start..].iter().position(|word| *word == "]")? + 1;
    }
    while let ["pub" | "(" | ")" | "crate", ..] = &words[start..] {
        start += 1;
    }
    let ["mod", _, "{", ..] = &words[start..] else { return None };
    let mut depth = 0;
    for (index, word) in words.iter().enumerate().skip(start) {
        match *word {
            "{" => depth += 1,
            "}" if depth == 1 => return Some(index + 1),
            "}" => depth -= 1,
            _ => {}
        }
    }
    Some(words.len())
}

/// The paths of a `use` that begins at `at`, with its braces multiplied out, and where it ends.
fn use_tree<'a>(words: &[&'a str], at: usize) -> (Vec<Vec<&'a str>>, usize) {
    let mut found = Vec::new();
    let mut prefixes: Vec<Vec<&str>> = Vec::new();
    let mut path: Vec<&str> = Vec::new();
    let mut at = at;
    while let Some(word) = words.get(at) {
        match *word {
            ";" => break,
            "{" => prefixes.push(path.clone()),
            "," | "}" => {
                // After a closing brace only the prefix is left, and it has been counted.
                if path.len() > prefixes.last().map_or(0, Vec::len) {
                    found.push(path);
                }
                if *word == "}" {
                    prefixes.pop();
                }
                path = prefixes.last().cloned().unwrap_or_default();
            }
            "as" => at += 1,
            "::" => {}
            name => path.push(name),
        }
        at += 1;
    }
    if !path.is_empty() {
        found.push(path);
    }
    (found, at + 1)
}

/// The path from the crate's root, or from a foreign crate. In a binary only `lodge` leads to the crate; `crate`, `super`
/// and `self` lead to the binary's own modules, which have no rules.
fn absolute(path: &[&str], here: &[&str], is_binary: bool) -> Option<Vec<String>> {
    let (first, rest) = path.split_first()?;
    let up = path.iter().take_while(|word| **word == "super").count();
    let base: Vec<&str> = match *first {
        "crate" | "self" | "super" if is_binary => return None,
        "crate" | "lodge" => rest.to_vec(),
        "self" if rest.first() == Some(&"super") => return absolute(rest, here, is_binary),
        "self" => here.iter().chain(rest).copied().collect(),
        "super" => here[..here.len().saturating_sub(up)].iter().chain(&path[up..]).copied().collect(),
        "Self" => return None,
        _ => return Some(path.iter().map(|&word| word.to_owned()).collect()),
    };
    let base = base.into_iter().filter(|word| *word != "self").map(str::to_owned);
    Some(std::iter::once("crate".to_owned()).chain(base).collect())
}

/// What in this file of `deploy/` would ship the demo, a line for each.
fn ships_demo(name: &str, text: &str) -> Vec<String> {
    let joined = text.replace("\\\n", " ");
    let builds = joined.lines().filter(|line| {
        let words: Vec<_> = line.split_whitespace().map(|word| word.trim_matches(['`', '"', '\'', ','])).collect();
        words.iter().position(|word| word.ends_with("cargo")).is_some_and(|cargo| {
            words[cargo..]
                .iter()
                .any(|word| matches!(*word, "build" | "b" | "install" | "run" | "r" | "rustc" | "auditable"))
        })
    });
    builds
        .filter_map(|line| {
            let line = line.replace('=', " ");
            let words: Vec<_> = line.split_whitespace().collect();
            let features =
                words.iter().position(|word| matches!(*word, "--features" | "-F")).and_then(|at| words.get(at + 1));
            let wrong = if words.contains(&"--all-features") {
                "enables every feature"
            } else if !words.contains(&"--no-default-features") {
                "enables the default features, and the demo is one"
            } else if features.is_none_or(|features| {
                features.split(',').any(|one| !matches!(one.trim_matches(['"', '\'']), "server" | "cli"))
            }) {
                "enables something else than `server` and `cli`"
            } else {
                return None;
            };
            Some(format!("{name}: {wrong}: {}", line.trim()))
        })
        .collect()
}

/// The folders of one machine that stand in this text.
fn machine_paths(text: &str) -> Vec<&str> {
    // Put together here, so that this file is not its own first finding.
    let folders = [concat!("/wo", "rk/"), concat!("/ro", "ot/"), concat!("/ho", "me/"), concat!("/Us", "ers/")];
    let mut found = Vec::new();
    for folder in folders {
        for (at, _) in text.match_indices(folder) {
            let before = text[..at].chars().next_back();
            let after = text[at + folder.len()..].chars().next();
            if before.is_none_or(|c| !c.is_alphanumeric() && !matches!(c, '.' | '}' | '>' | '-' | '_' | '/'))
                && after.is_some_and(|c| c.is_alphanumeric() || c == '.')
            {
                found.push(text[at..].split(|c: char| c.is_whitespace()).next().unwrap_or_default());
            }
        }
    }
    found
}

fn sources() -> Vec<(String, String)> {
    let src = root().join("src");
    files_under(&src)
        .into_iter()
        .filter(|path| path.extension().is_some_and(|extension| extension == "rs"))
        .map(|path| {
            let name = path.strip_prefix(&src).unwrap().to_str().unwrap().replace('\\', "/");
            (name, std::fs::read_to_string(&path).unwrap())
        })
        .collect()
}

#[test]
fn no_arrow_runs_the_other_way() {
    let sources = sources();
    assert!(sources.len() > 10, "src/ was not read");

    let found = violations(sources.iter().map(|(path, source)| (path.as_str(), source.as_str())));

    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[test]
fn no_proof_of_access_is_begun_anywhere_else() {
    let sources = sources();
    for (word, _) in BEGINNINGS {
        let defined = format!("fn {word}(");
        assert!(sources.iter().any(|(_, source)| source.contains(&defined)), "nothing is called `{word}` any more");
    }

    let found = forgeries(sources.iter().map(|(path, source)| (path.as_str(), source.as_str())));

    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[test]
fn a_proof_that_is_begun_elsewhere_is_found() {
    #[rustfmt::skip]
    let planted = [
        ("http/api/labs.rs", "fn f() { let all = Membership::from_rows(lab, person, Standing::Pi); }"),
        ("app/admission.rs", "use crate::domain::access::Membership as M; fn f() { access::admit(Some(M::from_rows(l, p, s))) }"),
        ("app/issue.rs", "fn f() { let grounds = Grounds :: from_rows (Some(lab), Some(role), vec![]); }"),
        ("http/invitations.rs", "fn f() { lab.map(|lab| OpenInvitation::from_rows(lab, invitation)) }"),
        ("domain/access/decide.rs", "impl Grounds { fn other() -> Self { Self::from_rows(None, None, vec![]) } }"),
        ("app/mod.rs", "fn f(rows: fn(Lab)) {} fn g() { f(<OpenInvitation>::from_rows) }"),
        ("app/sweep.rs", "fn f() { Operator::at_this_machine(name) }"),
        ("http/mod.rs", "use crate::domain::access::Operator; const WHO: fn(OperatorName) -> Operator = Operator::at_this_machine;"),
        ("console/mod.rs", "#[cfg(not(test))] fn f() { Operator::at_this_machine(name) }"),
        ("cli/mod.rs", "#[cfg(test)] fn helper() {} fn f() { Operator::at_this_machine(name) }"),
        ("store/people.rs", "fn f() { Operator::at_this_machine(name) }"),
        ("bin/lodge.rs", "fn f() { Operator::at_this_machine(name) }"),
        ("playground.rs", "fn f() { Membership::from_rows(lab, person, standing) }"),
        ("app/limits.rs", "fn f() { CaretakerAccess::to_account_of(lab) }"),
        ("app/desk/mod.rs", "fn f() { Operator::on_the_roll(caller.person.clone()) }"),
        ("http/pages/operator.rs", "fn f() { OperatorRoll::from_settings([visitor.caller.person]).admit(p, e) }"),
    ];
    for (path, source) in planted {
        assert_eq!(forgeries([(path, source)]).len(), 1, "{path}: {source}");
    }

    #[rustfmt::skip]
    let fine = [
        ("store/labs.rs", "fn f() { Ok(Some(Membership::from_rows(lab, person, standing))) }"),
        ("domain/access/proof.rs", "impl Membership { pub(crate) const fn from_rows(lab: Lab) -> Self { Self { lab } } }"),
        ("domain/access/proof.rs", "#[cfg(test)] mod tests { fn f() { Membership::from_rows(lab) } }"),
        ("app/issue.rs", "//! Made by `Grounds::from_rows`.\nconst A: &str = \"Operator::at_this_machine\";"),
        ("bin/lodged/lab.rs", "fn f() { Operator::at_this_machine(OperatorName::from_account(user)) }"),
    ];
    for (path, source) in fine {
        assert_eq!(forgeries([(path, source)]), [""; 0], "{path}: {source}");
    }
}

#[test]
fn what_the_rules_allow_is_left_alone() {
    #[rustfmt::skip]
    let fine = [
        ("domain/access.rs", "//! Not `use crate::store`.\n/// crate::app\n// sqlx::query\n/* axum::Json */ use super::id::LabId;"),
        ("domain/access.rs", "const A: &str = \"crate::store sqlx::x\"; const B: &str = r#\"use \"axum::Json\";\"#;"),
        ("domain/access.rs", "use std::fmt; use chrono::{DateTime, Utc}; use crate::domain::{id, policy::{self, Policy}};"),
        ("domain/access.rs", "#[cfg(test)]\nmod tests { use super::*; use crate::store::Store; fn f() { tokio::spawn(x); } }"),
        ("domain/access.rs", "#[cfg(test)]\n#[expect(x, reason = \"y\")]\npub(crate) mod tests { use crate::http; }"),
        ("store/tests.rs", "use crate::demo;"),
        ("domain/policy/mod.rs", "mod inner { use super::super::id; } use self::inner::x; fn f() -> Self { Self::http() }"),
        ("store/ledger.rs", "use super::Store; use crate::domain::id::LabId; sqlx::query(\"x\")"),
        ("aws/sts.rs", "use aws_sdk_sts::Client; use aws_smithy_types::error; use aws_credential_types::Credentials;"),
        ("demo/aws/signature.rs", "use aws_sigv4::x; use aws_credential_types::y; use aws_smithy_runtime_api::z;"),
        ("demo/mod.rs", "pub mod aws; use axum::Router; use crate::demo::aws::x; use super::domain::policy::Policy;"),
        ("oidc/http.rs", "use reqwest::Client; use openidconnect::HttpRequest;"),
        ("app/issue.rs", "use crate::{ambient::Clock, aws::Sts, domain::id, oidc, store::Store}; use crate::app::x;"),
        ("http/router.rs", "use crate::console; use crate::{app, wire}; use axum::Router; use http::StatusCode;"),
        ("console/mod.rs", "use crate::app; use askama::Template;"),
        ("cli/mod.rs", "use crate::domain::id::{LabName, RoleName}; use crate::wire; use anyhow::Result;"),
        ("bin/lodged.rs", "use lodge::{app, demo, http}; #[tokio::main] async fn main() {}"),
        ("bin/lodged/serve.rs", "use super::server; use crate::server::run; use self::x; use lodge::app;"),
        ("lib.rs", "pub mod anything; pub use demo::x;"),
    ];
    for (path, source) in fine {
        let found = violations([(path, source)]);
        assert!(found.is_empty(), "{found:?} in {source:?}");
    }
}

#[test]
fn every_module_of_the_crate_has_a_rule_and_every_rule_a_module() {
    let on_disk: BTreeSet<_> = sources().iter().filter_map(|(path, _)| Some(Place::of(path)?.module)).collect();

    let ruled: BTreeSet<_> = RULES.iter().map(|rule| rule.module.to_owned()).collect();

    assert_eq!(on_disk, ruled);
}

#[test]
fn nothing_that_deploys_builds_the_demo() {
    let deploy = root().join("deploy");
    let mut builds = 0;
    for path in files_under(&deploy) {
        let text = std::fs::read_to_string(&path).unwrap();
        builds += text.matches("cargo build").count();
        let found = ships_demo(&path.display().to_string(), &text);
        assert!(found.is_empty(), "{}", found.join("\n"));
    }
    assert!(builds > 0, "nothing under deploy/ builds anything: is this test looking in the right place?");
}

#[test]
fn a_build_that_ships_the_demo_is_found() {
    for (line, is_wrong) in [
        ("RUN cargo build --release --no-default-features --features server --bin lodged", false),
        ("RUN cargo build --release \\\n  --no-default-features \\\n  --features=server", false),
        ("cargo build --locked --no-default-features --features cli --bin lodge", false),
        ("COPY Cargo.toml .", false),
        ("RUN cargo build --release", true),
        ("RUN cargo build --release --features server", true),
        ("RUN cargo build --no-default-features --features server,demo", true),
        ("RUN cargo build --no-default-features --features 'demo'", true),
        ("cargo build --no-default-features --features cli,demo", true),
        ("RUN cargo build --no-default-features -F demo", true),
        ("RUN cargo build --no-default-features", true),
        ("RUN cargo build --no-default-features --all-features --features server", true),
        ("RUN cargo install --path .", true),
        ("RUN /usr/bin/cargo +1.95 build", true),
    ] {
        assert_eq!(!ships_demo("Dockerfile", line).is_empty(), is_wrong, "{line}");
    }
}

#[test]
fn no_file_names_a_folder_of_one_machine() {
    let folders = [".ci", "deploy", "migrations", "policies", "src", "tests"].map(|folder| root().join(folder));
    let in_folders = folders.iter().filter(|folder| folder.exists()).flat_map(|folder| files_under(folder));
    let at_root = std::fs::read_dir(root()).unwrap().map(|entry| entry.unwrap().path()).filter(|path| path.is_file());
    // In a second working tree of a clone, `.git` is a file, and git writes a path into it.
    let at_root = at_root.filter(|path| !path.ends_with(".git"));
    let mut read = 0;
    for path in in_folders.chain(at_root) {
        let Ok(text) = std::fs::read_to_string(&path) else { continue };
        read += 1;
        let found = machine_paths(&text);
        assert!(found.is_empty(), "{}: {found:?}", path.display());
    }
    assert!(read > 20);

    for fault in [concat!("see /wo", "rk/notes"), concat!("\"/ho", "me/somebody/x\""), concat!("(/ro", "ot/.cargo)")] {
        assert_eq!(machine_paths(fault).len(), 1, "{fault}");
    }
    for fine in ["WORKDIR /build", "a/work/b", "https://example.edu/work/x", "/home/ and /root"] {
        assert!(machine_paths(fine).is_empty(), "{fine}");
    }
}
