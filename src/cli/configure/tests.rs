//! Whole runs of the verb at a desk are in [`runs`]; what is written into any text at all is in [`texts`].

mod runs;
mod texts;

use std::collections::BTreeSet;
use std::path::Path;

use super::command::{HelperCommand, runs_helper_for};
use super::marker::Marker;
use super::merge::{Merge, Wanted, merge};
use super::names::profile_name;
use crate::cli::aws_config::{AwsConfig, apply};
use crate::cli::broker_url::BrokerUrl;
use crate::domain::id::RoleAddress;

fn broker() -> BrokerUrl {
    "https://lodge.example.edu".parse().unwrap()
}

fn addresses(roles: &[&str]) -> BTreeSet<RoleAddress> {
    roles.iter().map(|role| role.parse().unwrap()).collect()
}

/// What the text becomes for these roles, and how.
fn configured(text: &[u8], roles: &[&str], prune: bool) -> (Vec<u8>, Merge) {
    let broker = broker();
    let command = HelperCommand::new(Path::new("/opt/lodge"), &broker).unwrap();
    let roles = addresses(roles);
    let wanted = Wanted { broker: &broker, roles: &roles, command: &command, lab: None, prune };
    let merge = merge(&AwsConfig::parse(text), &wanted);
    (apply(text, &merge.edits), merge)
}

#[test]
fn a_marker_is_read_back_only_as_it_was_written() {
    let line = "# Written by lodge configure for vision/read-results at https://lodge.example.edu";
    let marker = Marker::parse(line.as_bytes()).unwrap();

    assert_eq!((marker.role.to_string().as_str(), marker.broker), ("vision/read-results", broker()));
    for other in [
        line.replace("lodge.example.edu", "Lodge.example.edu"),
        line.replace("vision/", ""),
        line.replace("# W", "#W"),
        format!("{line}/"),
        format!("{line} "),
        format!(" {line}"),
        format!("{line} at https://lodge.example.edu"),
    ] {
        assert_eq!(Marker::parse(other.as_bytes()), None, "{other}");
    }
}

#[test]
fn a_command_is_quoted_where_it_has_spaces_and_refused_where_a_shell_would_think() {
    let role = "vision/pay".parse().unwrap();
    let line = |program: &str, broker: &str| {
        HelperCommand::new(Path::new(program), &broker.parse().unwrap()).map(|command| command.line(&role))
    };
    let here = "https://lodge.example.edu";

    assert_eq!(
        line("/usr/bin/lodge", here).unwrap(),
        "credential_process = /usr/bin/lodge credential-process --broker https://lodge.example.edu vision/pay"
    );
    assert_eq!(
        line("/opt/Jürgen Groß/bin (new)/lodge", "http://[::1]:8080").unwrap(),
        "credential_process = \"/opt/Jürgen Groß/bin (new)/lodge\" credential-process --broker \"http://[::1]:8080\" \
         vision/pay"
    );
    for c in "'\"$`\\\n\r\t;&|%!*?<>#^\0\u{a0}\u{2028}".chars() {
        assert!(line(&format!("/opt/a{c}b/lodge"), here).is_err(), "{c:?}");
    }
    assert!(line("bin/lodge", here).is_err(), "a relative path");
    assert!(line("/opt/lodge", "https://lodge$(id).example.edu").is_err());
}

#[test]
fn a_command_written_by_hand_is_known_by_what_it_runs() {
    let role = "vision/pay".parse().unwrap();
    for good in [
        "lodge credential-process vision/pay",
        "/usr/local/bin/lodge  credential_process vision/pay",
        "'/opt/my tools/lodge' --broker https://lodge.example.edu/ credential-process vision/pay",
        "lodge credential-process vision/pay --broker=https://lodge.example.edu",
    ] {
        assert!(runs_helper_for(good, &role, &broker()), "{good}");
    }
    for bad in [
        "",
        "lodge",
        "lodge credential-process vision/read",
        "lodge credential-process vision/pay extra",
        "lodge status vision/pay",
        "ledge credential-process vision/pay",
        "env lodge credential-process vision/pay",
        "lodge credential-process vision/pay --broker https://other.example.edu",
        "lodge credential-process 'vision/pay",
    ] {
        assert!(!runs_helper_for(bad, &role, &broker()), "{bad}");
    }
}

#[test]
fn two_roles_that_would_be_called_the_same_are_both_called_otherwise() {
    let roles = addresses(&["a-b/c", "a/b-c", "a/b"]);

    let names: Vec<_> = roles.iter().map(|role| profile_name(role, &roles)).collect();

    assert_eq!(names, ["a-b", "a.b-c", "a-b.c"]);
}
