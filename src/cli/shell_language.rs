//! How shells set and unset variables, and how they quote.
//!
//! What is quoted is text like any other to the shell: nothing in it is expanded, and nothing ends it early.

use std::fmt;

use clap::ValueEnum;
use zeroize::Zeroizing;

/// A shell that statements are written for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Shell {
    /// Bash, and any other shell of POSIX
    #[value(alias = "sh")]
    Bash,
    /// Zsh
    Zsh,
    /// fish
    Fish,
    /// What Windows has.
    #[value(alias = "pwsh", help = "PowerShell")]
    Powershell,
}

/// Which shell somebody has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Guess {
    /// It is this one.
    Known(Shell),
    /// Nothing says so; this one is likely.
    Unsure(Shell),
}

impl Shell {
    /// The shell that `SHELL` names.
    pub(crate) fn guess(variable: Option<&str>) -> Guess {
        let Some(path) = variable else {
            return Guess::Unsure(if cfg!(windows) { Self::Powershell } else { Self::Bash });
        };
        let name = path.rsplit(['/', '\\']).next().unwrap_or(path);
        match name.strip_suffix(".exe").unwrap_or(name) {
            "bash" | "sh" | "dash" | "ash" | "ksh" | "mksh" => Guess::Known(Self::Bash),
            "zsh" => Guess::Known(Self::Zsh),
            "fish" => Guess::Known(Self::Fish),
            "pwsh" | "powershell" => Guess::Known(Self::Powershell),
            _ => Guess::Unsure(Self::Bash),
        }
    }

    /// What a person types who wants this shell to evaluate what a command prints.
    pub(crate) fn evaluating(self, command: &str) -> String {
        match self {
            Self::Bash | Self::Zsh => format!("eval \"$({command})\""),
            Self::Fish => format!("{command} | source"),
            Self::Powershell => format!("{command} | Out-String | Invoke-Expression"),
        }
    }

    /// Writes what unsets these variables, whether they are set or not.
    pub(crate) fn unset(self, names: &[&str], into: &mut Vec<u8>) {
        let line = match self {
            Self::Bash | Self::Zsh => format!("unset {}\n", names.join(" ")),
            Self::Fish => format!("set -eg {}\n", names.join(" ")),
            Self::Powershell => {
                let all: Vec<_> = names.iter().map(|name| format!("Env:{name}")).collect();
                format!("Remove-Item -ErrorAction SilentlyContinue -Path {}\n", all.join(","))
            }
        };
        into.extend_from_slice(line.as_bytes());
    }

    /// Writes what sets a variable for whatever the shell starts.
    pub(crate) fn set(self, name: &str, value: &str, into: &mut Vec<u8>) {
        let begin = match self {
            Self::Bash | Self::Zsh => format!("export {name}="),
            Self::Fish => format!("set -gx {name} "),
            Self::Powershell => format!("$env:{name} = "),
        };
        into.extend_from_slice(begin.as_bytes());
        into.extend_from_slice(self.quoted(value).as_bytes());
        into.push(b'\n');
    }

    /// The text as one word of this shell.
    fn quoted(self, text: &str) -> Zeroizing<String> {
        let mut word = Zeroizing::new(String::with_capacity(4 * text.len() + 2));
        word.push('\'');
        for c in text.chars() {
            match (self, c) {
                (Self::Bash | Self::Zsh, '\'') => word.push_str("'\\''"),
                (Self::Fish, '\'' | '\\') => word.extend(['\\', c]),
                // To PowerShell all of these end what a single quote began.
                (Self::Powershell, '\'' | '\u{2018}' | '\u{2019}' | '\u{201a}' | '\u{201b}') => word.extend([c, c]),
                (_, c) => word.push(c),
            }
        }
        word.push('\'');
        word
    }
}

impl fmt::Display for Shell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Bash => "bash",
            Self::Zsh => "zsh",
            Self::Fish => "fish",
            Self::Powershell => "powershell",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shell_is_known_by_the_name_of_its_program() {
        for (variable, shell) in [
            ("/bin/bash", Shell::Bash),
            ("/usr/bin/dash", Shell::Bash),
            ("/opt/local/bin/zsh", Shell::Zsh),
            ("fish", Shell::Fish),
            ("C:\\Program Files\\PowerShell\\7\\pwsh.exe", Shell::Powershell),
        ] {
            assert_eq!(Shell::guess(Some(variable)), Guess::Known(shell), "{variable}");
        }
        for variable in [Some("/bin/tcsh"), Some("/usr/bin/nu"), Some("/bin/")] {
            assert_eq!(Shell::guess(variable), Guess::Unsure(Shell::Bash));
        }
        assert!(matches!(Shell::guess(None), Guess::Unsure(_)));
    }

    #[test]
    fn a_word_is_quoted_as_its_shell_wants_it() {
        let quoted = |shell: Shell, text| shell.quoted(text).to_string();

        assert_eq!(quoted(Shell::Bash, "it's $x `y`"), "'it'\\''s $x `y`'");
        assert_eq!(quoted(Shell::Zsh, "!"), "'!'");
        assert_eq!(quoted(Shell::Fish, "a'b\\c"), "'a\\'b\\\\c'");
        assert_eq!(quoted(Shell::Powershell, "a'b\u{2019}c$d`e"), "'a''b\u{2019}\u{2019}c$d`e'");
    }

    #[cfg(unix)]
    mod evaluated {
        use std::process::Command;

        use proptest::prelude::*;

        use super::Shell;

        /// What the variables are after each shell that is here has evaluated the statements.
        fn evaluated(shell: Shell, program: &str, value: &str) -> Option<Vec<u8>> {
            let mut script = Vec::new();
            shell.unset(&["GONE", "NEVER"], &mut script);
            shell.set("SET", value, &mut script);
            let print = "sh -c 'printf %s. \"$SET\" \"${GONE-unset}\"'\n";
            script.extend_from_slice(print.as_bytes());
            let script = String::from_utf8(script).unwrap();
            let ran = Command::new(program).args(["-c", &script]).env("GONE", "here").output().ok()?;
            assert!(ran.status.success(), "{program}: {}", String::from_utf8_lossy(&ran.stderr));
            Some(ran.stdout)
        }

        proptest! {
            #![proptest_config(ProptestConfig::with_cases(32))]

            #[test]
            fn what_a_shell_evaluates_is_what_was_quoted(value in "[^\\x00]{0,40}|['\"\\\\$`!\n ]{0,20}") {
                let expected = format!("{value}.unset.").into_bytes();
                for (shell, program) in [(Shell::Bash, "sh"), (Shell::Bash, "bash"), (Shell::Zsh, "zsh"), (Shell::Fish, "fish")] {
                    // `sh` and `bash` are on every machine that runs this; the others where they are installed.
                    match evaluated(shell, program, &value) {
                        Some(found) => prop_assert_eq!(&found, &expected, "{}", program),
                        None => prop_assert!(matches!(shell, Shell::Zsh | Shell::Fish), "{} is missing", program),
                    }
                }
            }
        }
    }
}
