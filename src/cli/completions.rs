//! `lodge completions`: a script that completes the command line in a shell, from the definitions that parse it.

use clap::Args;
use clap_complete::Shell;

use super::failure::Failure;
use super::help;
use super::output::Output;

const EXAMPLES: &str = "\
Examples:
  lodge completions bash > ~/.local/share/bash-completion/completions/lodge
  lodge completions zsh > ~/.zfunc/_lodge
  lodge completions fish > ~/.config/fish/completions/lodge.fish
  lodge completions powershell >> $PROFILE
  lodge completions elvish >> ~/.config/elvish/rc.elv

For zsh, ~/.zshrc needs these lines once:
  fpath=(~/.zfunc $fpath)
  autoload -Uz compinit && compinit";

/// The arguments of `lodge completions`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct CompletionsArguments {
    /// The shell
    shell: Shell,
}

pub(crate) fn run(arguments: &CompletionsArguments, output: &mut Output<'_>) -> Result<(), Failure> {
    let mut script = Vec::new();
    clap_complete::generate(arguments.shell, &mut help::command(), "lodge", &mut script);
    output.data(&script)
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::process::{Command, Stdio};

    use crate::cli::exit::Exit;
    use crate::cli::stand_in::Desk;

    fn script(shell: &str) -> String {
        let (exit, stdout, stderr) = Desk::new().run(&["completions", shell]);
        assert_eq!((exit, stderr.as_str()), (Exit::Done, ""), "{shell}");
        stdout
    }

    #[test]
    fn there_is_a_script_for_each_shell() {
        for (shell, word) in [
            ("bash", "complete -F _lodge"),
            ("zsh", "#compdef lodge"),
            ("fish", "complete -c lodge"),
            ("powershell", "Register-ArgumentCompleter"),
            ("elvish", "edit:completion:arg-completer[lodge]"),
        ] {
            let script = script(shell);
            assert!(script.contains(word) && script.contains("credential-process"), "{shell}: {script}");
        }
        assert_eq!(Desk::new().run(&["completions", "tcsh"]).0, Exit::Usage);
        assert_eq!(Desk::new().run(&["completions"]).0, Exit::Usage);
    }

    /// What bash offers once the script is loaded, for this line.
    #[cfg(unix)]
    fn offered(words: &[&str]) -> Vec<String> {
        let quoted: Vec<_> = words.iter().map(|word| format!("'{word}'")).collect();
        let ask = format!(
            "{}\ncomplete -p lodge >/dev/null || exit 9\nCOMP_WORDS=({})\nCOMP_CWORD={}\n\
             _lodge lodge '{}' '{}'\nprintf '%s\\n' \"${{COMPREPLY[@]}}\"\n",
            script("bash"),
            quoted.join(" "),
            words.len() - 1,
            words[words.len() - 1],
            words[words.len() - 2]
        );
        let mut bash = Command::new("bash")
            .args(["--noprofile", "--norc"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        bash.stdin.take().unwrap().write_all(ask.as_bytes()).unwrap();
        let ended = bash.wait_with_output().unwrap();
        let said = String::from_utf8(ended.stderr).unwrap();
        assert!(ended.status.success() && said.is_empty(), "{said}");
        String::from_utf8(ended.stdout).unwrap().lines().map(str::to_owned).collect()
    }

    #[cfg(unix)]
    #[test]
    fn bash_loads_the_script_and_completes_verbs_and_options() {
        assert_eq!(offered(&["lodge", "cred"]), ["credential-process"]);
        assert_eq!(offered(&["lodge", "mapping", "co"]), ["confirm"]);
        assert_eq!(offered(&["lodge", "login", "--re"]), ["--remote"]);
        assert_eq!(offered(&["lodge", "completions", "z"]), ["zsh"]);
        assert!(offered(&["lodge", ""]).contains(&"doctor".to_owned()));
    }
}
