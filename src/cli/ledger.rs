//! `lodge ledger`: what was asked for and done in a lab.

use clap::Args;
use url::form_urlencoded::Serializer;

use super::Helper;
use super::failure::Failure;
use super::moment::moment;
use super::output::Output;
use super::table::Table;
use crate::domain::id::{LabName, RoleName};
use crate::wire::ledger::Ledger;

const EXAMPLES: &str = "\
Examples:
  lodge ledger vision
  lodge ledger vision --kind refusals --since 2026-11-01
  lodge ledger vision --person bakker --role pay
  lodge ledger vision --all --json | jq -r '.entries[] | [.at, .sentence] | @tsv'";

/// The arguments of `lodge ledger`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct LedgerArguments {
    /// The lab
    #[arg(value_name = "LAB")]
    lab: LabName,
    /// Only what somebody did or what was done to them: an id, or a part of a name
    #[arg(long, value_name = "PERSON")]
    person: Option<String>,
    /// Only credentials, refusals, mappings, people or settings; or one kind of entry
    #[arg(long, value_name = "KIND")]
    kind: Option<String>,
    /// Only what is about one role
    #[arg(long, value_name = "ROLE")]
    role: Option<RoleName>,
    /// Only from this day (2026-11-21, in UTC) or moment on
    #[arg(long, value_name = "TIME")]
    since: Option<String>,
    /// Only to the end of this day, or before this moment
    #[arg(long, value_name = "TIME")]
    until: Option<String>,
    /// Only entries with this in their text
    #[arg(long, value_name = "TEXT")]
    search: Option<String>,
    /// How many at most
    #[arg(long, value_name = "NUMBER", default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=200))]
    limit: u32,
    /// Go on to the beginning of the ledger, however long it is
    #[arg(long)]
    all: bool,
    /// Print one JSON object instead, for programs
    #[arg(long)]
    json: bool,
}

impl LedgerArguments {
    fn query(&self) -> String {
        let fields = [
            ("person", self.person.as_deref()),
            ("kind", self.kind.as_deref()),
            ("role", self.role.as_ref().map(RoleName::as_str)),
            ("from", self.since.as_deref()),
            ("to", self.until.as_deref()),
            ("q", self.search.as_deref()),
        ];
        let mut query = Serializer::new(format!("limit={}", if self.all { 200 } else { self.limit }));
        query.extend_pairs(fields.into_iter().filter_map(|(name, value)| Some((name, value?))));
        query.finish()
    }
}

pub(crate) fn run(helper: &Helper, arguments: &LedgerArguments, output: &mut Output<'_>) -> Result<(), Failure> {
    let lab = helper.lab(&arguments.lab)?;
    let query = arguments.query();
    let mut ledger = lab.ledger(&query, None)?;
    let wanted = arguments.limit as usize;
    // A part looks at so many entries and no more: an empty one is not the end.
    while let Some(next) = ledger.next.clone().filter(|_| arguments.all || ledger.entries.is_empty()) {
        let part = lab.ledger(&query, Some(&next))?;
        ledger.entries.extend(part.entries);
        ledger
            .people
            .extend(part.people.into_iter().filter(|person| !ledger.people.contains(person)).collect::<Vec<_>>());
        (ledger.next, ledger.looked_back_to) = (part.next, part.looked_back_to.or(ledger.looked_back_to));
    }
    if arguments.json {
        return output.json(&ledger);
    }
    if ledger.entries.is_empty() {
        output.say(&format!("Nothing like that stands in the ledger of {}.", arguments.lab));
        return Ok(());
    }
    table(&ledger).lines().iter().try_for_each(|line| output.answer(line))?;
    if ledger.next.is_some() {
        let count = ledger.entries.len();
        output.say(&format!("These are the newest {count}. Older ones: --limit, up to 200 (now {wanted}), or --all."));
    }
    Ok(())
}

fn table(ledger: &Ledger) -> Table<4> {
    let mut table = Table::new(["PLACE", "TIME", "KIND", "WHAT"]);
    for entry in &ledger.entries {
        let kind = if entry.is_damaged { "damaged" } else { &entry.kind };
        table.row([&entry.seq.to_string(), &moment(&entry.at), kind, &entry.sentence]);
    }
    table
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use crate::cli::exit::Exit;
    use crate::cli::stand_in::{Desk, StandIn};

    fn entry(seq: i64, sentence: &str) -> Value {
        json!({
            "seq": seq, "at": "2026-11-21T13:00:00Z", "kind": "issued", "sentence": sentence,
            "who": "p-0123456789abcdef", "role": "pay", "is_damaged": seq == 1, "entry": null,
        })
    }

    fn part(entries: &[Value], next: Option<&str>) -> String {
        let place = json!({"seq": 1, "at": "2026-11-21T13:00:00Z"});
        json!({"entries": entries, "people": [], "looked_back_to": place, "next": next}).to_string()
    }

    /// A broker whose ledger has two parts, an empty one between them.
    fn broker() -> StandIn {
        StandIn::start(|_, line| {
            let (_, query) = line.split_once("/ledger?").unwrap_or_default();
            let body = match query.split_once("&after=").map(|(_, after)| after) {
                None if query.contains("q=nothing") => part(&[], None),
                None if query.contains("q=late") => part(&[], Some("500")),
                None => part(&[entry(900, "Ada\u{202e} (p-1)\ngot credentials")], Some("500")),
                Some("500") => part(&[], Some("200")),
                Some(_) => part(&[entry(1, "This entry is not as it was written")], None),
            };
            ("200 OK", body)
        })
    }

    #[test]
    fn a_ledger_is_a_table_or_json() {
        let broker = broker();
        let desk = Desk::signed_in(&broker);

        let (exit, table, stderr) = desk.run(&["ledger", "vision", "--kind", "refusals", "--person", "a&b"]);
        assert_eq!(exit, Exit::Done, "{stderr}");
        insta::assert_snapshot!(table, @"
        PLACE  TIME                  KIND    WHAT
        900    2026-11-21 13:00 UTC  issued  Ada (p-1) got credentials
        ");
        assert_eq!(stderr, "These are the newest 1. Older ones: --limit, up to 200 (now 50), or --all.\n");
        let asked = broker.asked().pop().unwrap().line;
        assert_eq!(asked, "GET /api/v1/labs/vision/ledger?limit=50&person=a%26b&kind=refusals");

        let (_, table, stderr) = desk.run(&["ledger", "vision", "--all"]);
        insta::assert_snapshot!(table, @"
        PLACE  TIME                  KIND     WHAT
        900    2026-11-21 13:00 UTC  issued   Ada (p-1) got credentials
        1      2026-11-21 13:00 UTC  damaged  This entry is not as it was written
        ");
        assert_eq!(stderr, "");

        let (_, stdout, _) = desk.run(&["ledger", "vision", "--all", "--json"]);
        let all: Value = serde_json::from_str(&stdout).unwrap();
        assert_eq!((all["entries"].as_array().unwrap().len(), &all["next"]), (2, &Value::Null));
    }

    #[test]
    fn an_empty_part_is_not_the_end() {
        let broker = broker();
        let desk = Desk::signed_in(&broker);

        let (_, table, _) = desk.run(&["ledger", "vision", "--search", "late"]);
        assert_eq!(table.lines().count(), 2, "{table}");
        let (exit, stdout, stderr) = desk.run(&["ledger", "vision", "--search", "nothing"]);
        assert_eq!((exit, stdout.as_str()), (Exit::Done, ""));
        assert_eq!(stderr, "Nothing like that stands in the ledger of vision.\n");
    }
}
