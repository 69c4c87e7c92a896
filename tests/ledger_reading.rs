//! Reading a lab's ledger at the front door: its page, the API and the files, on both databases.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;

use chrono::{DateTime, TimeDelta, Utc};
use lodge::ambient::Random;
use lodge::domain::access::Refusal;
use lodge::domain::actor::Actor;
use lodge::domain::id::{ActId, PersonId, RoleSessionId};
use lodge::domain::lab::{Lab, Office};
use lodge::domain::ledger::{Book, Draft, Event, Target, Terms, Thread};
use lodge::store::{Address, LEDGER_WINDOW};
use serde_json::Value;
use sqlx::{AssertSqlSafe, Executor as _};

use crate::support::databases::{Kind, raw_postgres, raw_sqlite};
use crate::support::labs::Labs;
use crate::support::raw;
use crate::support::serving::wait;
use crate::support::signed_in::SignedIn;
use crate::support::visitor::Page;

/// The labs, and a PI of the first one.
struct Reading {
    labs: Labs,
    pi: SignedIn,
}

impl Reading {
    fn on(kind: Kind) -> Self {
        let labs = Labs::on(kind);
        let pi = labs.holder(&labs.a, Office::Pi, "pi", &[]);
        Self { labs, pi }
    }

    /// Writes an entry in a lab's book.
    fn write(&self, lab: &Lab, at: DateTime<Utc>, thread: Thread, event: Event) {
        wait(async {
            let mut tx = self.labs.broker().store.write().await.unwrap();
            tx.append(Book::Lab(lab.id.clone()), Draft { at, thread, event }).await.unwrap();
            tx.commit().await.unwrap();
        });
    }

    /// Somebody asks for a role and is refused it.
    fn refused(&self, lab: &Lab, person: &PersonId, role: &str) {
        let attempt = RoleSessionId::from_entropy(Random::System.bytes());
        let thread = || Thread::Attempt(person.clone(), attempt.clone());
        let asked =
            Event::Attempted { lab: lab.name.clone(), role: role.parse().unwrap(), wanted_seconds: Some(1_800) };
        self.write(lab, self.labs.now(), thread(), asked);
        self.write(lab, self.labs.now(), thread(), Event::Refused { reason: Refusal::NoMapping });
    }

    /// Somebody gives a group a role.
    fn mapped(&self, lab: &Lab, person: &PersonId, group: &str) {
        let act = Thread::Act(Actor::Person(person.clone()), ActId::from_entropy(Random::System.bytes()));
        let target =
            Target { connection: "campus".parse().unwrap(), group: group.to_owned(), role: "pay".parse().unwrap() };
        let terms = Terms { ends_at: None, max_duration_seconds: None, needs_mfa: false, needs_approval: false };
        let mapping = lodge::domain::id::MappingId::from_entropy(Random::System.bytes());
        let added = Event::MappingAdded { mapping, target, terms, benefits_author: false, asked: None };
        self.write(lab, self.labs.now(), act, added);
    }

    /// Does to the database what the broker never does.
    fn tamper(&self, on_sqlite: &str, on_postgres: &str) {
        let owner = &self.labs.running.database.owner;
        wait(async {
            match owner {
                Address::Sqlite(_) => {
                    raw_sqlite(owner).await.execute(AssertSqlSafe(on_sqlite.to_owned())).await.unwrap();
                }
                Address::Postgres(_) => {
                    raw_postgres(owner).await.execute(AssertSqlSafe(on_postgres.to_owned())).await.unwrap();
                }
            }
        });
    }

    /// So many entries at the end of the first lab's book, which say nothing; each has a text of so many letters.
    fn fill(&self, count: i64, letters: i64) {
        let (lab, pi) = (&self.labs.a.id, &self.pi.person);
        let last = self.labs.book(&self.labs.a).len();
        let at = self.labs.now().to_rfc3339();
        let update = format!("update ledger_book set entries = {last} + {count} where book = '{lab}';");
        let sqlite = format!(
            "with recursive n(i) as (select 1 union all select i + 1 from n where i < {count})
             insert into ledger_entry (book, seq, at, kind, person, attempt, entry)
             select '{lab}', {last} + i, '{at}', 'lab-archived', '{pi}', 'act-filler-' || i,
             substr(replace(hex(zeroblob({letters})), '00', 'x'), 1, {letters}) from n; {update}"
        );
        let postgres = format!(
            "insert into ledger_entry (book, seq, at, kind, person, attempt, entry)
             select '{lab}', {last} + i, '{at}', 'lab-archived', '{pi}', 'act-filler-' || i, repeat('x', {letters})
             from generate_series(1, {count}) as i order by i; {update}"
        );
        self.tamper(&sqlite, &postgres);
    }

    fn api(&self, query: &str) -> Value {
        let answer = self.ask(query);
        assert_eq!(answer.status, 200, "{query}: {}", answer.body);
        answer.json()
    }

    fn ask(&self, query: &str) -> Page {
        self.pi.ask("GET", &self.labs.url(&format!("/api/v1/labs/vision/ledger{query}"))).send()
    }

    fn page(&self, query: &str) -> Page {
        let url = self.labs.url(&format!("/labs/vision/ledger{query}"));
        raw::get(&url).header("cookie", &format!("lodge_session={}", self.pi.cookie)).page().send()
    }

    /// Everything that passes a filter, part by part, as its places.
    fn all(&self, filter: &str, limit: usize) -> Vec<i64> {
        let (mut places, mut after) = (Vec::new(), String::new());
        loop {
            let part = self.api(&format!("?limit={limit}{filter}{after}"));
            let entries = part["entries"].as_array().unwrap();
            assert!(entries.len() <= limit);
            places.extend(entries.iter().map(|entry| entry["seq"].as_i64().unwrap()));
            let Some(next) = part["next"].as_str() else { return places };
            after = format!("&after={next}");
        }
    }
}

#[test]
fn a_ledger_is_read_whole_and_without_doubles_while_others_write() {
    for kind in Kind::all("a_ledger_is_read_whole_and_without_doubles_while_others_write") {
        let reading = Reading::on(kind);
        let student = PersonId::from_entropy([7; 10]);
        for _ in 0..12 {
            reading.refused(&reading.labs.a, &student, "pay");
            reading.refused(&reading.labs.b, &student, "pay");
        }
        let last = i64::try_from(reading.labs.book(&reading.labs.a).len()).unwrap();
        let whole: Vec<i64> = (1..=last).rev().collect();
        assert_eq!(reading.all("", 7), whole);
        assert_eq!(reading.all("", 200), whole);

        let (mut places, mut after) = (Vec::new(), String::new());
        loop {
            let part = reading.api(&format!("?limit=5{after}"));
            places.extend(part["entries"].as_array().unwrap().iter().map(|entry| entry["seq"].as_i64().unwrap()));
            reading.refused(&reading.labs.a, &student, "pay");
            let Some(next) = part["next"].as_str() else { break };
            after = format!("&after={next}");
        }

        assert_eq!(places, whole);
    }
}

#[test]
fn each_filter_finds_what_it_says_and_nothing_of_another_lab() {
    for kind in Kind::all("each_filter_finds_what_it_says_and_nothing_of_another_lab") {
        let reading = Reading::on(kind);
        let (a, b) = (reading.labs.a.clone(), reading.labs.b.clone());
        let (student, pi) = (PersonId::from_entropy([7; 10]), reading.pi.person.clone());
        let begun = i64::try_from(reading.labs.book(&a).len()).unwrap();
        reading.labs.name("pi", "Noor Bakker");
        for lab in [&a, &b] {
            reading.refused(lab, &student, "read-results");
            reading.mapped(lab, &pi, "100%_\"payers\" é");
            reading.refused(lab, &student, "pay");
        }
        let today = reading.labs.now().format("%Y-%m-%d").to_string();
        reading.labs.advance(TimeDelta::days(2));
        // The PI's sessions have ended meanwhile; that they are a PI is written once more.
        let reading = Reading { pi: reading.labs.holder(&a, Office::Pi, "pi", &[]), labs: reading.labs };
        reading.refused(&a, &student, "pay");
        let at = |places: &[i64]| places.iter().map(|place| begun + place).collect::<Vec<_>>();

        for (filter, expected) in [
            (format!("&person={student}"), at(&[8, 7, 5, 4, 2, 1])),
            ("&kind=credentials&role=pay".to_owned(), at(&[8, 7, 5, 4])),
            ("&role=read-results&kind=refused".to_owned(), at(&[2])),
            ("&kind=refusals".to_owned(), at(&[8, 5, 2])),
            ("&kind=mappings".to_owned(), at(&[3])),
            ("&person=bakker&kind=mappings".to_owned(), at(&[3])),
            ("&person=nobody+at+all".to_owned(), vec![]),
            ("&q=100%25_%22payers%22+%C3%A9".to_owned(), at(&[3])),
            ("&q=100_".to_owned(), vec![]),
            (format!("&to={today}&kind=credentials"), at(&[5, 4, 2, 1])),
            ("&from=2026-11-23".to_owned(), at(&[8, 7, 6])),
            ("&from=2030-01-01".to_owned(), vec![]),
            ("&q=%00".to_owned(), reading.all("", 200)),
        ] {
            for limit in [1, 3, 200] {
                assert_eq!(reading.all(&filter, limit), expected, "{filter} {limit}");
            }
        }
        let of_lab = String::from(Book::Lab(a.id.clone()));
        let whole = reading.api("?limit=200");
        assert!(whole["entries"].as_array().unwrap().iter().all(|entry| entry["entry"]["book"] == of_lab.as_str()));
        // Who is not of the lab is not named, whoever writes of them.
        let named: Vec<_> = whole["people"].as_array().unwrap().iter().map(|it| it["name"].clone()).collect();
        assert_eq!(named, ["Noor Bakker"]);
        let sentence = &reading.api("?kind=mappings")["entries"][0]["sentence"];
        let said = format!("Noor Bakker ({pi}) gave pay to the group \"100%_\"payers\" é\" of campus, without an end");
        assert_eq!(*sentence, said);
        for bad in ["?limit=0", "?limit=201", "?after=x", "?kind=all", "?role=%25", "?from=x", "?to=x", "?q=a&q=b"] {
            assert_eq!(reading.ask(bad).status, 400, "{bad}");
            assert!([400, 200].contains(&reading.page(bad).status), "{bad}");
        }
        let page = reading.page("?from=x&q=%22%3E%3Cb%3E");
        assert!(page.status == 400 && page.body.contains("A day such as"), "{}", page.body);
        assert!(
            !page.body.contains("\"><b>") && page.body.contains("value=\"&#34;&#62;&#60;b&#62;\""),
            "{}",
            page.body
        );
    }
}

#[test]
fn one_request_looks_at_so_much_and_the_next_goes_on() {
    for kind in Kind::all("one_request_looks_at_so_much_and_the_next_goes_on") {
        let reading = Reading::on(kind);
        reading.mapped(&reading.labs.a, &reading.pi.person, "needle");
        let rare = i64::try_from(reading.labs.book(&reading.labs.a).len()).unwrap();
        reading.fill(15_000, 40);
        let floor = rare + 15_000 + 1 - LEDGER_WINDOW;

        let first = reading.api("?q=needle");
        assert_eq!(
            (&first["entries"], first["next"].as_str()),
            (&Value::from(Vec::<Value>::new()), Some(floor.to_string().as_str()))
        );
        assert_eq!(first["looked_back_to"]["seq"], floor);
        let second = reading.api(&format!("?q=needle&after={floor}"));
        assert_eq!((&second["entries"][0]["seq"], &second["next"]), (&rare.into(), &Value::Null));
        assert_eq!(reading.all("&q=needle", 1), [rare]);
        let page = reading.page("?q=needle");
        assert!(page.text().contains("through 10000 entries"), "{}", page.text());
        let further = page.links().into_iter().find(|(text, _)| text == "Look further back").unwrap().1;
        assert!(further.as_str().ends_with(&format!("/labs/vision/ledger?q=needle&after={floor}")), "{further}");
    }
}

/// An address, as a browser asks for it; the body as bytes.
fn bytes(reading: &Reading, path: &str) -> Vec<u8> {
    let mut stream = begin(reading, path);
    let mut all = Vec::new();
    stream.read_to_end(&mut all).unwrap();
    all
}

fn begin(reading: &Reading, path: &str) -> TcpStream {
    let url = url::Url::parse(&reading.labs.running.url).unwrap();
    let mut stream = TcpStream::connect((url.host_str().unwrap(), url.port().unwrap())).unwrap();
    let cookie = &reading.pi.cookie;
    write!(stream, "GET {path} HTTP/1.1\r\nhost: x\r\ncookie: lodge_session={cookie}\r\nconnection: close\r\n\r\n")
        .unwrap();
    stream
}

#[test]
fn a_file_has_the_entries_byte_for_byte() {
    for kind in Kind::all("a_file_has_the_entries_byte_for_byte") {
        let reading = Reading::on(kind);
        let student = PersonId::from_entropy([7; 10]);
        for group in ["=1+1", "+x", "-x", "@x", "＝x", "a,\"b\"\r\n=c", "plain; =d", "\t=e", "ünïcode 🎓"] {
            reading.mapped(&reading.labs.a, &reading.pi.person, group);
        }
        reading.labs.name("pi", "=HYPERLINK(\"http://evil\")");
        for _ in 0..600 {
            reading.refused(&reading.labs.a, &student, "pay");
        }
        let mut kept: Vec<String> =
            reading.labs.book(&reading.labs.a).iter().map(|entry| entry.canonical().unwrap()).collect();
        kept.reverse();

        let file = reading.page("/export.jsonl");
        assert_eq!(file.body, kept.join("\n") + "\n");
        assert_eq!(file.header("content-type"), Some("application/x-ndjson; charset=utf-8"));
        let name = file.header("content-disposition").unwrap();
        assert!(
            name.starts_with("attachment; filename=\"lodge-ledger-vision-2026-11-") && name.ends_with(".jsonl\""),
            "{name}"
        );
        let by_token = reading.ask("/export.jsonl?kind=mappings");
        assert_eq!(by_token.body.lines().count(), 9);

        let file = reading.page("/export.csv");
        assert!(
            file.body.starts_with("\u{feff}\"place\",\"time\",\"kind\",\"who\",\"name\",\"what\""),
            "{}",
            &file.body[..200]
        );
        let mut reader = csv_rows(&file.body);
        assert_eq!(reader.len(), kept.len() + 1);
        let head = reader.remove(0);
        let column = |name: &str| head.iter().position(|it| it.trim_start_matches('\u{feff}') == name).unwrap();
        assert!(reader.iter().flatten().all(|cell| !cell.starts_with(['=', '+', '-', '@', '\t', '\r', '\n', '＝'])));
        let groups: Vec<_> =
            reader.iter().map(|row| row[column("group")].as_str()).filter(|it| !it.is_empty()).collect();
        assert_eq!(groups, ["ünïcode 🎓", "'\t=e", "plain; =d", "a,\"b\"\r\n=c", "'＝x", "'@x", "'-x", "'+x", "'=1+1"]);
        let mapped = reader.iter().find(|row| row[column("kind")] == "mapping-added").unwrap();
        assert_eq!(mapped[column("name")], "'=HYPERLINK(\"http://evil\")");
        assert!(mapped[column("what")].starts_with("'=HYPERLINK("), "{mapped:?}");
    }
}

/// RFC 4180, by hand: what wrote it is not what reads it.
fn csv_rows(text: &str) -> Vec<Vec<String>> {
    let (mut rows, mut row, mut cell, mut quoted) = (Vec::new(), Vec::new(), String::new(), false);
    let mut letters = text.chars().peekable();
    while let Some(c) = letters.next() {
        match c {
            '"' if quoted && letters.peek() == Some(&'"') => cell.extend(letters.next()),
            '"' => quoted = !quoted,
            ',' if !quoted => row.push(std::mem::take(&mut cell)),
            '\r' if !quoted => {
                assert_eq!(letters.next(), Some('\n'));
                row.push(std::mem::take(&mut cell));
                rows.push(std::mem::take(&mut row));
            }
            c => {
                assert!(quoted || c == '\u{feff}', "{c:?} stands outside of quotes");
                cell.push(c);
            }
        }
    }
    assert!(!quoted && row.is_empty());
    rows
}

#[test]
fn a_file_breaks_off_when_the_session_ends() {
    for kind in Kind::all("a_file_breaks_off_when_the_session_ends") {
        let reading = Reading::on(kind);
        reading.fill(30_000, 600);

        let whole = bytes(&reading, "/labs/vision/ledger/export.jsonl");
        assert!(whole.starts_with(b"HTTP/1.1 200 OK\r\n") && whole.ends_with(b"\r\n0\r\n\r\n"));

        let mut stream = begin(&reading, "/labs/vision/ledger/export.jsonl");
        let mut read = vec![0; 200_000];
        stream.read_exact(&mut read).unwrap();
        assert!(read.starts_with(b"HTTP/1.1 200 OK\r\n"));
        let url = reading.labs.url("/api/v1/me/sessions");
        assert_eq!(reading.pi.ask("DELETE", &url).send().status, 204);
        let ended = stream.read_to_end(&mut read);
        assert!(read.len() < whole.len(), "it went on to its end");
        assert!(!read.ends_with(b"\r\n0\r\n\r\n"), "it looks whole");
        drop(ended);
        assert_eq!(reading.page("/export.jsonl").status, 303);
    }
}

#[test]
fn a_file_breaks_off_when_the_standing_is_taken() {
    let reading = Reading::on(Kind::Sqlite);
    reading.fill(30_000, 600);
    let second = reading.labs.holder(&reading.labs.a, Office::Pi, "second-pi", &[]);
    let mut stream = begin(&reading, "/labs/vision/ledger/export.csv");
    let mut read = vec![0; 200_000];
    stream.read_exact(&mut read).unwrap();

    let url = reading.labs.url(&format!("/api/v1/labs/vision/people/{}", reading.pi.person));
    assert_eq!(second.ask("DELETE", &url).send().status, 204);

    let _ = stream.read_to_end(&mut read);
    assert!(!read.ends_with(b"\r\n0\r\n\r\n"), "it looks whole");
}

#[test]
fn an_entry_that_was_touched_is_shown_as_that() {
    for kind in Kind::all("an_entry_that_was_touched_is_shown_as_that") {
        let reading = Reading::on(kind);
        let student = PersonId::from_entropy([7; 10]);
        reading.refused(&reading.labs.a, &student, "pay");
        let lab = &reading.labs.a.id;
        let (first, last) = (1_usize, reading.labs.book(&reading.labs.a).len());
        let touch = format!(
            "update ledger_entry set entry = '<script>alert(1)</script>' || char_10 || 'x' where book = '{lab}' and seq = {first};
             update ledger_entry set entry = replace(entry, 'no-mapping', 'suspended'), person = 'p-0000000000000000'
             where book = '{lab}' and seq = {last};"
        );
        reading.tamper(
            &format!("drop trigger ledger_entry_is_never_changed; {}", touch.replace("char_10", "char(10)")),
            &format!("alter table ledger_entry disable trigger user; {}", touch.replace("char_10", "chr(10)")),
        );

        let whole = reading.api("?limit=200");
        let entries = whole["entries"].as_array().unwrap();
        assert_eq!(entries.len(), last);
        let damaged: Vec<_> = entries
            .iter()
            .filter(|it| it["is_damaged"] == true)
            .map(|it| usize::try_from(it["seq"].as_u64().unwrap()).unwrap())
            .collect();
        assert_eq!(damaged, [last, first]);
        assert!(entries[0]["entry"].is_null() && entries[0]["who"].is_null());
        let page = reading.page("");
        assert_eq!(page.status, 200);
        assert_eq!(page.text().matches("not as it was written").count(), 2, "{}", page.text());
        assert!(!page.body.contains("<script>alert") && page.body.contains("&#60;script&#62;alert"), "{}", page.body);
        let file = reading.page("/export.jsonl");
        assert_eq!(file.body.lines().count(), last, "a line each");
        assert!(file.body.lines().all(|line| serde_json::from_str::<Value>(line).is_ok()));
        assert_eq!(reading.page("/export.csv").body.matches("\"yes\"\r\n").count(), 2);
    }
}

#[test]
fn a_name_cannot_do_anything_to_the_page() {
    let reading = Reading::on(Kind::Sqlite);
    let long = "Ж".repeat(300);
    for name in ["<img src=x onerror=alert(1)>", "Noor\u{202e}rekkaB", "🎓 Ada", long.as_str(), "a\0b\u{200b}"] {
        reading.labs.name("pi", name);
        reading.mapped(&reading.labs.a, &reading.pi.person, &format!("{name}\u{202e}"));
        let page = reading.page("");
        assert_eq!(page.status, 200);
        assert!(!page.body.contains("<img") && !page.body.contains(['\u{202e}', '\u{200b}', '\0']), "{name}");
        assert!(page.body.contains("U+202E"), "{name}");
        assert!(page.body.len() < 100 * 1024, "{}", page.body.len());
    }
}
