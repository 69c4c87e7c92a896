//! What `exec`, `env` and `serve` say of themselves.

use super::super::stand_in::Desk;

fn help(verb: &str) -> String {
    Desk::new().run(&[verb, "--help"]).1
}

#[test]
fn help_of_exec() {
    insta::assert_snapshot!(help("exec"), @"
    Run a command with credentials for a role in its environment

    The command has these credentials and no others: what was inherited from
    elsewhere is taken away. They last an hour at most and are not renewed; a job
    that may take longer is for lodge serve. The exit code is the command's own,
    or 127 when there is no such command, and 126 when it cannot be run.

    Usage: lodge exec [OPTIONS] <LAB/ROLE> <COMMAND>...

    Arguments:
      <LAB/ROLE>
              The lab and the role in it, such as vision/read-results

      <COMMAND>...
              What to run, with its arguments

    Options:
          --broker <URL>
              The broker to talk to; wins over `LODGE_BROKER` and the one signed in to last

      -h, --help
              Print help (see a summary with '-h')

    Examples:
      lodge exec vision/read-results -- aws s3 ls
      lodge exec vision/publish bash

    Environment of the command:
      LODGE_ROLE  the role that it has; inside of one, another is refused
    ");
}

#[test]
fn help_of_env() {
    insta::assert_snapshot!(help("env"), @r#"
    Print credentials for a role, for a shell to evaluate

    Prints statements that unset what would be used instead, and that set the
    credentials. They are secret, and are not shown on a terminal.

    Usage: lodge env [OPTIONS] [LAB/ROLE]

    Arguments:
      [LAB/ROLE]
              The lab and the role in it, such as vision/read-results

    Options:
          --broker <URL>
              The broker to talk to; wins over `LODGE_BROKER` and the one signed in to last

          --shell <SHELL>
              The shell that is to evaluate it; otherwise the one in `SHELL`

              Possible values:
              - bash:       Bash, and any other shell of POSIX
              - zsh:        Zsh
              - fish:       fish
              - powershell: PowerShell

          --show
              Show the credentials even on a terminal

          --unset
              Print what undoes it: no credentials are left in the shell

      -h, --help
              Print help (see a summary with '-h')

    Examples:
      eval "$(lodge env vision/read-results)"
      lodge env vision/read-results --shell fish | source
      eval "$(lodge env --unset)"
    "#);
}

#[test]
fn help_of_serve() {
    insta::assert_snapshot!(help("serve"), @"
    Serve credentials for a role on this machine, for jobs that outlive them

    AWS tools ask on 127.0.0.1 whenever theirs run out, as they do in a container.
    With a command, it lasts as long as that, passes signals on, and ends with the
    command's own exit code. Without one, it prints statements for the shell that
    runs the job, and serves until Ctrl-C. New credentials are got ahead of time,
    for as long as you are signed in.

    Usage: lodge serve [OPTIONS] <LAB/ROLE> [-- <COMMAND>...]

    Arguments:
      <LAB/ROLE>
              The lab and the role in it, such as vision/read-results

      [COMMAND]...
              What to run; without it, this serves until Ctrl-C and prints what a shell is to evaluate

    Options:
          --broker <URL>
              The broker to talk to; wins over `LODGE_BROKER` and the one signed in to last

          --port <PORT>
              The port on 127.0.0.1; otherwise one that is free

          --shell <SHELL>
              The shell that is to evaluate what is printed; otherwise the one in `SHELL`

              Possible values:
              - bash:       Bash, and any other shell of POSIX
              - zsh:        Zsh
              - fish:       fish
              - powershell: PowerShell

      -h, --help
              Print help (see a summary with '-h')

    Examples:
      lodge serve vision/read-results -- python train.py
      lodge serve vision/read-results > here.sh &
    ");
}

#[test]
fn what_a_command_says_for_itself_is_not_ours() {
    for line in [&["exec", "vision/read-results"][..], &["serve", "vision"], &["env"], &["env", "a/b", "--unset"]] {
        let (exit, stdout, stderr) = Desk::new().run(line);
        assert_eq!((exit, stdout.as_str()), (super::Exit::Usage, ""), "{line:?}: {stderr}");
    }
    // Signed in nowhere, but understood.
    for line in [
        &["exec", "a/b", "ls", "--help"][..],
        &["exec", "a/b", "--", "--version"],
        &["exec", "--broker", "http://localhost:1", "a/b", "ls", "--broker", "x"],
        &["serve", "a/b", "--port", "0", "--", "ls", "--port", "x"],
    ] {
        let (exit, stdout, stderr) = Desk::new().run(line);
        assert_eq!((exit, stdout.as_str()), (super::Exit::SignInNeeded, ""), "{line:?}: {stderr}");
    }
}
