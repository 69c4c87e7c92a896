//! A lab's ledger as a file: made window by window while it is sent, so that neither its length nor a slow reader takes
//! room here. Who may have it is asked for every window; when the session or the standing ends, the file breaks off, and
//! the connection with it: nothing that is cut off looks whole.

use axum::body::{Body, Bytes};
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use csv::{QuoteStyle, Terminator, WriterBuilder};
use futures_util::stream;

use super::looked_for::LookedFor;
use super::problem::Problem;
use crate::app::{Broker, Caller, FoundEntry, LedgerPart, LedgerWish};
use crate::domain::actor::Actor;
use crate::domain::id::LabName;
use crate::domain::ledger::{Event, Thread};

/// How many entries are in the room at once.
const ENTRIES_AT_ONCE: u32 = 500;

/// What a spreadsheet takes for UTF-8. Excel reads a file without it in the code page of its machine, and garbles every
/// name that is not ASCII. Programs have JSON Lines.
const BYTE_ORDER_MARK: &[u8] = "\u{feff}".as_bytes();

const HEAD: [&str; 18] = [
    "place",
    "time",
    "kind",
    "who",
    "name",
    "what",
    "role",
    "group",
    "connection",
    "mapping",
    "about",
    "expires_at",
    "access_key_id",
    "role_session",
    "aws_request_id",
    "aws_error_code",
    "policy_sha256",
    "damaged",
];

/// What kind of file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// For a spreadsheet (RFC 4180).
    Csv,
    /// For programs: one entry a line, exactly as it is kept.
    JsonLines,
}

impl Form {
    const fn content_type(self) -> HeaderValue {
        match self {
            Self::Csv => HeaderValue::from_static("text/csv; charset=utf-8; header=present"),
            Self::JsonLines => HeaderValue::from_static("application/x-ndjson; charset=utf-8"),
        }
    }

    const fn extension(self) -> &'static str {
        match self {
            Self::Csv => "csv",
            Self::JsonLines => "jsonl",
        }
    }

    /// What a part of the ledger is in the file.
    fn written(self, part: &LedgerPart, is_first: bool) -> Result<Bytes, Problem> {
        match self {
            Self::Csv => csv(part, is_first),
            Self::JsonLines => Ok(json_lines(part).into()),
        }
    }
}

/// Where an export has got to.
struct Export {
    broker: Broker,
    caller: Caller,
    lab: LabName,
    wish: LedgerWish,
    form: Form,
    /// Below which place the next part begins; nothing at the end.
    next: Option<i64>,
}

/// A lab's ledger as a file, for whoever looks after the lab.
pub(super) async fn export(
    broker: Broker,
    caller: Caller,
    lab: LabName,
    looked_for: &LookedFor,
    form: Form,
) -> Result<Response, Problem> {
    let wish = looked_for.wish().map_err(|wrong| Problem::malformed(wrong.sentence))?;
    let below = looked_for.below().map_err(|wrong| Problem::malformed(wrong.sentence))?;
    let part = broker.ledger(&caller, &lab, &wish, below, ENTRIES_AT_ONCE).await?;
    let first = form.written(&part, true)?;
    let day = broker.clock.now().format("%Y-%m-%d");
    // A lab's name has nothing in it that means anything in a header or to a file system.
    let name = format!("attachment; filename=\"lodge-ledger-{lab}-{day}.{}\"", form.extension());
    let name = HeaderValue::from_str(&name).map_err(|_| Problem::internal())?;
    let rest = Export { broker, caller, lab, wish, form, next: part.found.next };
    let parts = stream::try_unfold((Some(first), rest), |(first, mut export)| async move {
        if let Some(first) = first {
            return Ok(Some((first, (None, export))));
        }
        match export.part().await {
            Ok(written) => Ok(written.map(|written| (written, (None, export)))),
            Err(problem) => {
                tracing::warn!(lab.name = %export.lab, "an export of a ledger broke off");
                Err(BrokenOff(problem))
            }
        }
    });
    let headers = [(header::CONTENT_TYPE, form.content_type()), (header::CONTENT_DISPOSITION, name)];
    Ok((headers, Body::from_stream(parts)).into_response())
}

/// Why a file ends before its end.
#[derive(Debug, thiserror::Error)]
#[error("the export broke off: {0:?}")]
struct BrokenOff(Problem);

impl Export {
    async fn part(&mut self) -> Result<Option<Bytes>, Problem> {
        let Some(below) = self.next else { return Ok(None) };
        let part = self.broker.ledger(&self.caller, &self.lab, &self.wish, Some(below), ENTRIES_AT_ONCE).await?;
        self.next = part.found.next;
        self.form.written(&part, false).map(Some)
    }
}

/// The texts exactly as they are kept, so that whatever is computed over them can be computed again. What is not as it was
/// written could end its line early; it stands inside a JSON text.
fn json_lines(part: &LedgerPart) -> String {
    let line = |found: &FoundEntry| match &found.entry {
        Some(_) => format!("{}\n", found.text),
        None => format!("{}\n", serde_json::json!({"damaged": true, "seq": found.seq, "text": found.text})),
    };
    part.found.entries.iter().map(line).collect()
}

fn csv(part: &LedgerPart, is_first: bool) -> Result<Bytes, Problem> {
    let start = if is_first { BYTE_ORDER_MARK.to_vec() } else { Vec::new() };
    // Every cell is in quotes: none ends at a sign that separates cells where the reader lives.
    let mut writer =
        WriterBuilder::new().quote_style(QuoteStyle::Always).terminator(Terminator::CRLF).from_writer(start);
    let broken = |error: csv::Error| {
        tracing::error!(error = &error as &dyn std::error::Error, "an export could not be written");
        Problem::internal()
    };
    if is_first {
        writer.write_record(HEAD).map_err(broken)?;
    }
    for found in &part.found.entries {
        writer.write_record(cells(part, found).map(|cell| safe(&cell))).map_err(broken)?;
    }
    writer.into_inner().map(Bytes::from).map_err(|_| Problem::internal())
}

fn cells(part: &LedgerPart, found: &FoundEntry) -> [String; HEAD.len()] {
    let text = |text: Option<&str>| text.unwrap_or_default().to_owned();
    let event = found.entry.as_ref().map(|entry| &entry.event);
    let thread = found.entry.as_ref().map(|entry| &entry.thread);
    let person = thread.and_then(|thread| match thread {
        Thread::Attempt(person, _) => Some(person),
        Thread::Act(by, _) => by.person(),
    });
    let who = thread.map(|thread| match thread {
        Thread::Attempt(person, _) => person.to_string(),
        Thread::Act(Actor::Broker, _) => "broker".to_owned(),
        Thread::Act(by, _) => by.to_string(),
    });
    let name = person.and_then(|person| part.people.get(person)?.name.as_ref());
    let target = event.and_then(Event::target);
    let about: Vec<_> = event.map(Event::people).unwrap_or_default().iter().map(ToString::to_string).collect();
    let (mut expires_at, mut key, mut request, mut code, mut digest) = (None, None, None, None, None);
    match event {
        Some(Event::Issued { expires_at: at, access_key_id, aws_request_id, policy_sha256, .. }) => {
            (expires_at, key) = (Some(at.as_str()), Some(access_key_id.as_str()));
            (request, digest) = (aws_request_id.as_deref(), Some(policy_sha256.as_str()));
        }
        Some(Event::Failed { aws_code, aws_request_id, .. }) => {
            (code, request) = (aws_code.as_deref(), aws_request_id.as_deref());
        }
        _ => {}
    }
    [
        found.seq.to_string(),
        found.at.to_rfc3339_opts(chrono::SecondsFormat::Micros, true),
        found.kind.clone(),
        who.unwrap_or_default(),
        text(name.map(crate::domain::person::DisplayName::as_str)),
        part.in_words(found),
        LedgerPart::role_of(found).map(ToString::to_string).unwrap_or_default(),
        text(target.map(|target| target.group.as_str())),
        target.map(|target| target.connection.to_string()).unwrap_or_default(),
        event.and_then(Event::mapping).map(ToString::to_string).unwrap_or_default(),
        about.join(" "),
        text(expires_at),
        text(key),
        text(event.filter(|event| event.is_of_attempt()).and(thread).map(Thread::id)),
        text(request),
        text(code),
        text(digest),
        if found.entry.is_none() { "yes".to_owned() } else { String::new() },
    ]
}

/// A cell that no spreadsheet takes for a formula: one that could be gets an apostrophe before it, which shows that the
/// rest is text. What no cell can hold is replaced.
fn safe(cell: &str) -> String {
    let clean: String =
        cell.chars().map(|c| if c.is_control() && !matches!(c, '\t' | '\r' | '\n') { '\u{fffd}' } else { c }).collect();
    let is_sign =
        |c: char| matches!(c, '=' | '+' | '-' | '@' | '＝' | '＋' | '－' | '＠' | '﹢' | '﹣' | '﹦' | '﹫' | '−');
    let first = clean.chars().next();
    let first_seen = clean.chars().find(|c| !c.is_whitespace() && !crate::domain::person::is_invisible(*c));
    let is_formula = first.is_some_and(|c| matches!(c, '\t' | '\r' | '\n')) || first_seen.is_some_and(is_sign);
    if is_formula { format!("'{clean}") } else { clean }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_cell_is_a_formula() {
        for formula in [
            "=1+1",
            "+1",
            "-1",
            "@SUM(A1)",
            "\t=1",
            "\r=1",
            "\n=1",
            "＝1+1",
            "＋1",
            "－1",
            "＠x",
            " =1",
            "\u{a0}=1",
            "\u{200b}=1",
            "−1",
            "=cmd|' /C calc'!A0",
            "\u{feff}=1",
        ] {
            assert_eq!(safe(formula), format!("'{formula}"), "{formula:?}");
        }
        for plain in
            ["", "vision", "a=b", "p-0123456789abcdef", "'=1", "2026-11-21", "Ada \"Countess\", of\r\nLovelace"]
        {
            assert_eq!(safe(plain), plain);
        }
        assert_eq!(safe("a\0b\u{1b}"), "a\u{fffd}b\u{fffd}");
        assert_eq!(safe("\0=1"), "\u{fffd}=1");
    }
}
