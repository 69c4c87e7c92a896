//! The help of every verb.

use super::*;

fn help(verb: &[&str]) -> String {
    let (exit, stdout, stderr) = Desk::new().run(&[&["mapping"], verb, &["--help"]].concat());
    assert_eq!((exit, stderr.as_str()), (Exit::Done, ""));
    stdout
}

#[test]
fn help_of_mapping() {
    insta::assert_snapshot!(help(&[]), @"
    See and change which groups get which roles of a lab

    Usage: lodge mapping [OPTIONS] <COMMAND>

    Commands:
      list     List the mappings of a lab
      add      Give a role to the members of a group
      edit     Change the conditions of a mapping
      end      End a mapping: it gives its role to nobody any more
      pending  List the changes that wait for a second PI
      confirm  Confirm a change that another PI asked for: it holds from now on
      decline  Drop a change that waits: another's, or your own

    Options:
          --broker <URL>  The broker to talk to; wins over `LODGE_BROKER` and the one signed in to last
      -h, --help          Print help
    ");
}

#[test]
fn help_of_mapping_list() {
    insta::assert_snapshot!(help(&["list"]), @"
    List the mappings of a lab

    Usage: lodge mapping list [OPTIONS] <LAB>

    Arguments:
      <LAB>  The lab

    Options:
          --all           Show those that have ended, too
          --broker <URL>  The broker to talk to; wins over `LODGE_BROKER` and the one signed in to last
          --json          Print one JSON object instead, for programs
      -h, --help          Print help

    Examples:
      lodge mapping list vision
      lodge mapping list vision --all --json | jq -r '.mappings[] | [.id, .group, .role, .state] | @tsv'
    ");
}

#[test]
fn help_of_mapping_add() {
    insta::assert_snapshot!(help(&["add"]), @"
    Give a role to the members of a group

    When that gives you yourself more than you had and the lab has another PI,
    it waits until another PI confirms it.

    Usage: lodge mapping add [OPTIONS] --group <GROUP> <LAB/ROLE>

    Arguments:
      <LAB/ROLE>
              The lab and the role in it, such as vision/read-results

    Options:
          --broker <URL>
              The broker to talk to; wins over `LODGE_BROKER` and the one signed in to last

          --group <GROUP>
              The group, exactly as `lodge status` shows it to its members

          --connection <NAME>
              Where its members sign in; needed only when the broker has more than one connection

          --until <WHEN>
              When it ends: 2026-12-24 (the end of that day in UTC, 2026-12-25T00:00:00Z),
              2026-12-24T17:00:00Z, or a span from now such as 36h, 90d, 12w

          --max-duration <LENGTH>
              The longest session it gives, 30m to 1h, or in seconds; otherwise the role's own maximum

          --needs-mfa
              Only for a sign-in with a second factor

          --needs-approval
              Only for people whom a PI approves, one by one

          --json
              Print the outcome as one JSON object, for programs

      -h, --help
              Print help (see a summary with '-h')

    Examples:
      lodge mapping add vision/read-results --group vision-students
      lodge mapping add vision/pay --group vision-postdocs --until 2026-12-24 --needs-mfa
      lodge mapping add vision/publish --group vision-guests --until 12w --max-duration 30m --needs-approval
    ");
}

#[test]
fn help_of_mapping_edit() {
    insta::assert_snapshot!(help(&["edit"]), @"
    Change the conditions of a mapping

    What you do not name stays as it is. Nothing is overwritten that somebody
    else changed meanwhile. A change that gives you yourself more than you had
    waits until another PI confirms it.

    Usage: lodge mapping edit [OPTIONS] <LAB> <MAPPING-ID>

    Arguments:
      <LAB>
              The lab

      <MAPPING-ID>
              The mapping, as `lodge mapping list` names it

    Options:
          --broker <URL>
              The broker to talk to; wins over `LODGE_BROKER` and the one signed in to last

          --until <WHEN|never>
              When it ends: 2026-12-24 (the end of that day in UTC, 2026-12-25T00:00:00Z),
              2026-12-24T17:00:00Z, a span from now such as 36h, 90d, 12w, or never

          --max-duration <LENGTH|none>
              The longest session it gives, 30m to 1h, or in seconds; none for the role's own maximum

          --needs-mfa <yes|no>
              Whether it is only for a sign-in with a second factor

          --needs-approval <yes|no>
              Whether it is only for people whom a PI approves, one by one

          --revision <N>
              Change this revision and no other; otherwise the one that it has now

          --json
              Print the outcome as one JSON object, for programs

      -h, --help
              Print help (see a summary with '-h')

    Examples:
      lodge mapping edit vision map-0123456789abcdef --until 2026-12-24
      lodge mapping edit vision map-0123456789abcdef --until never --max-duration none
      lodge mapping edit vision map-0123456789abcdef --needs-mfa yes --revision 3
    ");
}

#[test]
fn help_of_mapping_end() {
    insta::assert_snapshot!(help(&["end"]), @"
    End a mapping: it gives its role to nobody any more

    AWS credentials that were already handed out live on until they expire,
    an hour at most.

    Usage: lodge mapping end [OPTIONS] <LAB> <MAPPING-ID>

    Arguments:
      <LAB>
              The lab

      <MAPPING-ID>
              The mapping, as `lodge mapping list` names it

    Options:
          --broker <URL>
              The broker to talk to; wins over `LODGE_BROKER` and the one signed in to last

          --revision <N>
              End this revision and no other; otherwise the one that it has now

      -h, --help
              Print help (see a summary with '-h')

    Example:
      lodge mapping end vision map-0123456789abcdef
    ");
}

#[test]
fn help_of_mapping_pending() {
    insta::assert_snapshot!(help(&["pending"]), @"
    List the changes that wait for a second PI

    Usage: lodge mapping pending [OPTIONS] <LAB>

    Arguments:
      <LAB>  The lab

    Options:
          --broker <URL>  The broker to talk to; wins over `LODGE_BROKER` and the one signed in to last
          --json          Print one JSON object instead, for programs
      -h, --help          Print help

    Examples:
      lodge mapping pending vision
      lodge mapping pending vision --json | jq -r '.changes[].id'
    ");
}

#[test]
fn help_of_mapping_confirm() {
    insta::assert_snapshot!(help(&["confirm"]), @"
    Confirm a change that another PI asked for: it holds from now on

    Usage: lodge mapping confirm [OPTIONS] <LAB> <CHANGE-ID>

    Arguments:
      <LAB>        The lab
      <CHANGE-ID>  The change, as `lodge mapping pending` names it

    Options:
          --broker <URL>  The broker to talk to; wins over `LODGE_BROKER` and the one signed in to last
      -h, --help          Print help

    Example:
      lodge mapping confirm vision chg-0123456789abcdef
    ");
}

#[test]
fn help_of_mapping_decline() {
    insta::assert_snapshot!(help(&["decline"]), @"
    Drop a change that waits: another's, or your own

    Usage: lodge mapping decline [OPTIONS] <LAB> <CHANGE-ID>

    Arguments:
      <LAB>        The lab
      <CHANGE-ID>  The change, as `lodge mapping pending` names it

    Options:
          --broker <URL>  The broker to talk to; wins over `LODGE_BROKER` and the one signed in to last
      -h, --help          Print help

    Example:
      lodge mapping decline vision chg-0123456789abcdef
    ");
}
