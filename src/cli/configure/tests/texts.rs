//! What becomes of texts, from the usual to any bytes at all.

use proptest::prelude::*;

use super::*;
use crate::cli::configure::merge::{Obstacle, State};

const MARKER: &str = "# Written by lodge configure for vision/pay at https://lodge.example.edu";
const COMMAND: &str =
    "credential_process = /opt/lodge credential-process --broker https://lodge.example.edu vision/pay";

fn states(merge: &Merge) -> Vec<(&str, State)> {
    merge.outcomes.iter().map(|outcome| (outcome.profile.as_str(), outcome.state.clone())).collect()
}

/// What the text becomes for one role, and how that role's profile stands.
fn for_pay(text: &str) -> (String, State) {
    let (new, merge) = configured(text.as_bytes(), &["vision/pay"], false);
    (String::from_utf8(new).unwrap(), merge.outcomes[0].state.clone())
}

#[test]
fn a_profile_is_put_at_the_end_after_a_blank_line() {
    let (text, merge) = configured(b"[default]\nregion = x\n", &["vision/read-results", "vision/pay"], false);

    assert_eq!(states(&merge), [("vision-pay", State::Added), ("vision-read-results", State::Added)]);
    insta::assert_snapshot!(String::from_utf8(text).unwrap(), @"
    [default]
    region = x

    [profile vision-pay]
    # Written by lodge configure for vision/pay at https://lodge.example.edu
    credential_process = /opt/lodge credential-process --broker https://lodge.example.edu vision/pay

    [profile vision-read-results]
    # Written by lodge configure for vision/read-results at https://lodge.example.edu
    credential_process = /opt/lodge credential-process --broker https://lodge.example.edu vision/read-results
    ");
}

#[test]
fn it_is_put_there_in_the_way_of_the_file() {
    let section = format!("[profile vision-pay]\n{MARKER}\n{COMMAND}\n");
    for (text, ending, between) in [
        ("", "\n", ""),
        ("\u{feff}", "\n", ""),
        ("a = b", "\n", "\n"),
        ("a = b\r\n", "\r\n", "\r\n"),
        ("a = b\r\nc", "\r\n", "\r\n"),
        ("a = b\r", "\r", "\r"),
        ("a = b\nc = d\r\n", "\r\n", "\r\n"),
        ("\n", "\n", "\n"),
    ] {
        let expected = format!("{text}{between}{}", section.replace('\n', ending));
        assert_eq!(for_pay(text), (expected, State::Added), "{text:?}");
    }
}

#[test]
fn a_section_of_ours_is_kept_in_step_where_it_is_and_under_its_name() {
    let text = |command: &str| {
        format!("; mine\n[profile work]\n{MARKER}\nregion = x\n{command}\n  \n# end\n[profile other]\nregion = y\n")
    };

    let (changed, state) = for_pay(&text("Credential_Process=/old/lodge credential-process vision/pay"));

    assert_eq!((changed.as_str(), state), (text(COMMAND).as_str(), State::Changed));
    assert_eq!(for_pay(&changed), (changed.clone(), State::Unchanged));
}

#[test]
fn a_command_that_somebody_took_out_is_put_back() {
    for (before, after) in [("\nregion = x\n", "\nregion = x\n"), ("", ""), ("\r\n", "\r\n")] {
        let text = format!("[profile vision-pay]\n{MARKER}{before}");
        let expected = if before.is_empty() {
            format!("[profile vision-pay]\n{MARKER}\n{COMMAND}")
        } else {
            let ending = if before == "\r\n" { "\r\n" } else { "\n" };
            format!("[profile vision-pay]\n{MARKER}{ending}{COMMAND}{after}")
        };
        assert_eq!(for_pay(&text), (expected, State::Changed), "{before:?}");
    }
}

#[test]
fn a_profile_of_that_name_that_is_not_ours_is_left_and_the_others_are_written() {
    for header in [
        "[profile vision-pay]",
        "[ profile  vision-pay ] # mine",
        "[profile \"vision-pay\"]",
        "[profile x]\na = b\n  [profile vision-pay]",
    ] {
        let text = format!("{header}\nrole_arn = arn:aws:iam::111122223333:role/pay\n");
        let (new, merge) = configured(text.as_bytes(), &["vision/pay", "vision/read"], false);

        let refused = State::Refused(Obstacle::NameTaken);
        assert_eq!(states(&merge), [("vision-pay", refused), ("vision-read", State::Added)], "{header}");
        assert!(new.starts_with(text.as_bytes()));
    }
}

#[test]
fn a_marker_that_was_changed_or_moved_makes_the_section_somebody_elses() {
    for text in [
        format!("[profile vision-pay]\n{MARKER}.\n{COMMAND}\n"),
        format!("[profile vision-pay]\n\n{MARKER}\ncredential_process = other\n"),
        format!("{MARKER}\n[profile vision-pay]\ncredential_process = other\n"),
    ] {
        let (new, state) = for_pay(&text);
        assert_eq!(new, text);
        assert!(matches!(state, State::Refused(Obstacle::NameTaken) | State::ByHand), "{state:?}");
    }
}

#[test]
fn a_profile_of_another_broker_keeps_its_name() {
    let marker = MARKER.replace("lodge.", "other.");
    let text = format!("[profile vision-pay]\n{marker}\ncredential_process = x\n");

    assert_eq!(for_pay(&text), (text.clone(), State::Refused(Obstacle::NameTaken)));
    let (pruned, merge) = configured(text.as_bytes(), &[], true);
    assert_eq!((pruned, merge.outcomes), (text.into_bytes(), vec![]));
}

#[test]
fn a_profile_written_by_hand_for_the_role_is_as_good_as_ours() {
    for header in ["[profile vision-pay]", "[profile money]", "[default]"] {
        let text = format!("{header}\ncredential_process = lodge credential-process vision/pay\n");
        assert_eq!(for_pay(&text), (text.clone(), State::ByHand));
    }
    let disabled = "[preview]\ncredential_process = lodge credential-process vision/pay\n";
    assert_eq!(for_pay(disabled).1, State::Added);
}

#[test]
fn what_does_not_go_together_is_left_and_named() {
    let section = format!("[profile vision-pay]\n{MARKER}\ncredential_process = old\n");
    for (text, obstacle) in [
        (format!("{section}credential_process = mine\n"), Obstacle::TwoCommands),
        (format!("{section}  region = x\n"), Obstacle::IndentedLines),
        (format!("{section}[profile vision-pay]\nregion = x\n"), Obstacle::NamedTwice),
        (format!("{section}\n{section}"), Obstacle::NamedTwice),
    ] {
        assert_eq!(for_pay(&text), (text.clone(), State::Refused(obstacle)));
    }
}

#[test]
fn a_role_that_is_not_open_any_more_is_named_and_goes_when_asked() {
    let (text, _) = configured(b"[default]\n", &["vision/pay", "vision/read"], false);

    let (left, merge) = configured(&text, &["vision/pay"], false);
    assert_eq!(states(&merge), [("vision-pay", State::Unchanged), ("vision-read", State::Stale)]);
    assert_eq!(left, text);

    let (pruned, merge) = configured(&text, &["vision/pay"], true);
    assert_eq!(states(&merge), [("vision-pay", State::Unchanged), ("vision-read", State::Removed)]);
    assert_eq!(pruned, configured(b"[default]\n", &["vision/pay"], false).0);
}

#[test]
fn a_name_is_free_when_what_has_it_goes() {
    let gone = MARKER.replace("vision/pay", "vision/gone");
    let text = format!("[profile vision-pay]\n{gone}\ncredential_process = lodge credential-process vision/pay\n");

    let (new, merge) = configured(text.as_bytes(), &["vision/pay"], true);
    assert_eq!(states(&merge), [("vision-pay", State::Removed), ("vision-pay", State::Added)]);
    assert_eq!(configured(&new, &["vision/pay"], true).0, new);

    let twice = format!("[profile vision-pay]\n{MARKER}\n{COMMAND}\n\n{text}");
    let (_, merge) = configured(twice.as_bytes(), &["vision/pay"], true);
    assert_eq!(states(&merge), [("vision-pay", State::Removed), ("vision-pay", State::Unchanged)]);
}

#[test]
fn pruning_never_takes_what_a_person_added() {
    let text = format!("a\n\n[profile vision-pay]\n{MARKER}\n{COMMAND}\nregion = x\n# mine\n[default]\n");
    let (pruned, merge) = configured(text.as_bytes(), &[], true);
    assert_eq!(String::from_utf8(pruned.clone()).unwrap(), text.replace(&format!("{COMMAND}\n"), ""));
    assert_eq!(states(&merge), [("vision-pay", State::Emptied)]);
    let (again, merge) = configured(&pruned, &[], false);
    assert_eq!((again, states(&merge)), (pruned.clone(), vec![("vision-pay", State::Emptied)]));
    let (open_again, _) = configured(&pruned, &["vision/pay"], false);
    assert_eq!(String::from_utf8(open_again).unwrap(), text);

    let text = format!("a\n\n[profile vision-pay]\n{MARKER}\n# why\n\n{COMMAND}\n# about the next\n[default]\n");
    let (pruned, merge) = configured(text.as_bytes(), &[], true);
    assert_eq!(String::from_utf8(pruned).unwrap(), "a\n# why\n\n# about the next\n[default]\n");
    assert_eq!(states(&merge), [("vision-pay", State::Removed)]);
}

#[test]
fn pruning_one_of_two_never_joins_lines_that_stood_apart() {
    let section = |role: &str| {
        format!("[profile {}]\n{}\n{}\n", role.replace('/', "-"), MARKER, COMMAND).replace("vision/pay", role)
    };
    let (one, two) = (section("vision/one"), section("vision/two"));
    for (text, expected) in [
        // Somebody took the blank lines out.
        (format!("a = b\n{one}{two}# end"), format!("a = b\n{one}# end")),
        (format!("{one}{two}"), one.clone()),
        (format!("{two}{one}"), one.clone()),
        (format!("a = b\n{two}\n{one}"), format!("a = b\n{one}")),
    ] {
        let (pruned, _) = configured(text.as_bytes(), &["vision/one"], true);
        assert_eq!(String::from_utf8(pruned).unwrap(), expected, "{text}");
    }
}

#[test]
fn another_lab_is_left_alone() {
    let (text, _) = configured(b"", &["vision/pay", "language/pay"], false);
    let broker = broker();
    let command = HelperCommand::new(Path::new("/elsewhere/lodge"), &broker).unwrap();
    let (roles, lab) = (addresses(&["language/read"]), "language".parse().unwrap());
    let wanted = Wanted { broker: &broker, roles: &roles, command: &command, lab: Some(&lab), prune: true };

    let merge = merge(&AwsConfig::parse(&text), &wanted);

    assert_eq!(states(&merge), [("language-pay", State::Removed), ("language-read", State::Added)]);
    let new = String::from_utf8(apply(&text, &merge.edits)).unwrap();
    assert!(new.contains(&format!("{MARKER}\n{COMMAND}\n")), "{new}");
}

/// Pieces that such files are made of, ours among them, in any order.
fn any_text() -> impl Strategy<Value = Vec<u8>> {
    let ours = "[profile vision-pay]\n# Written by lodge configure for vision/pay at https://lodge.example.edu\n";
    let other = "\n[profile vision-read]\n# Written by lodge configure for vision/read at https://other.example.edu\n";
    let piece = prop_oneof![
        prop::sample::select(vec![
            "\n",
            "\r\n",
            "\r",
            "\n\n",
            " ",
            "\t",
            "#",
            ";",
            "[",
            "]",
            "=",
            ":",
            "\u{feff}",
            "\0",
            "[default]",
            "[profile vision-pay]",
            "[profile vision-read]",
            "[ profile  vision-pay ]",
            "[profile a]",
            "region = x",
            "credential_process = ",
            "credential_process = lodge credential-process vision/pay",
            "  s3 =",
            COMMAND,
            MARKER,
            ours,
            other,
        ])
        .prop_map(|piece| piece.as_bytes().to_vec()),
        prop::collection::vec(any::<u8>(), 0..4),
    ];
    prop::collection::vec(piece, 0..24).prop_map(|pieces| pieces.concat())
}

/// The lines of a text that are not ours, with their ends.
fn others_lines(text: &[u8]) -> Vec<u8> {
    let text: Vec<u8> = text.iter().map(|byte| if *byte == b'\r' { b'\n' } else { *byte }).collect();
    let lines = text.split(|byte| *byte == b'\n').filter(|line| {
        let line = String::from_utf8_lossy(line.strip_prefix("\u{feff}".as_bytes()).unwrap_or(line));
        !(line.is_empty()
            || line.starts_with("[profile vision-")
            || line.starts_with("# Written by lodge configure for ")
            || line.to_lowercase().trim_start().starts_with("credential_process"))
    });
    lines.collect::<Vec<_>>().join(&b'\n')
}

/// The same text with every marker of ours spoilt.
fn without_ours(mut text: Vec<u8>) -> Vec<u8> {
    while let Some(at) = text.windows(MARKER.len()).position(|part| part == MARKER.as_bytes()) {
        text[at + 2] = b'w';
    }
    text
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_was_there_stays_and_a_second_run_changes_nothing(text in any_text(), prune in any::<bool>()) {
        let roles = ["vision/pay", "vision/read"];
        let (once, merge) = configured(&text, &roles, prune);
        let (twice, again) = configured(&once, &roles, prune);

        prop_assert_eq!(&once, &twice);
        prop_assert!(again.edits.is_empty());
        prop_assert_eq!(others_lines(&text), others_lines(&once));
        if merge.outcomes.iter().all(|outcome| outcome.state != State::Changed) {
            prop_assert!(once.starts_with(&text));
        }
    }

    #[test]
    fn what_was_written_can_be_taken_out_again(text in any_text()) {
        let text = without_ours(text);
        let (written, _) = configured(&text, &["vision/pay", "vision/read", "vision/review"], false);
        let (halved, _) = configured(&written, &["vision/read"], true);
        let (pruned, _) = configured(&halved, &[], true);

        prop_assert_eq!(pruned, text);
    }

    #[test]
    fn nothing_that_a_broker_or_a_path_says_can_start_a_line(
        program in "/[ -~\n\r]{0,12}", host in "[ -~\n]{1,12}", lab in "[a-z/\n -]{1,6}", role in "[a-z/\n\\]=-]{1,6}",
    ) {
        let Ok(broker) = format!("https://{host}").parse::<BrokerUrl>() else { return Ok(()) };
        let Ok(role) = format!("{lab}/{role}").parse::<RoleAddress>() else { return Ok(()) };
        let Ok(command) = HelperCommand::new(Path::new(&program), &broker) else { return Ok(()) };
        let roles = BTreeSet::from([role.clone()]);
        let wanted = Wanted { broker: &broker, roles: &roles, command: &command, lab: None, prune: false };
        let text = apply(b"", &merge(&AwsConfig::parse(b""), &wanted).edits);
        let text = String::from_utf8(text).unwrap();

        prop_assert_eq!(text.lines().count(), 3);
        prop_assert!(!text.contains(['\r', '\0', '$', '`', '\\', ';', '&', '|', '\'', '%']));
        let config = AwsConfig::parse(text.as_bytes());
        let words = shlex::split(config.sections()[0].value("credential_process").unwrap()).unwrap();
        let expected = [&program, "credential-process", "--broker", broker.as_str(), &role.to_string()];
        prop_assert_eq!(words, expected);
    }
}
