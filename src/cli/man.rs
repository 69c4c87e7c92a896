//! `lodge man`: manual pages, from the definitions that parse the command line.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use clap::{Args, Command};
use clap_mangen::Man;
use clap_mangen::roff::{Roff, roman};

use super::failure::Failure;
use super::help;
use super::output::Output;

const EXAMPLES: &str = "\
Examples:
  lodge man | man -l -
  lodge man --directory ~/.local/share/man/man1
  sudo lodge man --directory /usr/local/share/man/man1";

/// The arguments of `lodge man`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct ManArguments {
    /// Write the pages of all verbs into this folder, which is made where it is not there
    #[arg(long, value_name = "DIR")]
    directory: Option<PathBuf>,
}

pub(crate) fn run(arguments: &ManArguments, output: &mut Output<'_>) -> Result<(), Failure> {
    let mut command = help::command().disable_help_subcommand(true);
    command.build();
    let Some(directory) = &arguments.directory else {
        return output.data(&page(&command).map_err(Failure::Stdout)?);
    };
    let failed = |path: &Path| {
        let path = path.to_owned();
        move |source| Failure::File { action: "write", path, source }
    };
    fs::create_dir_all(directory).map_err(failed(directory))?;
    let mut count = 0;
    for command in all(&command) {
        let path = directory.join(Man::new(command.clone()).get_filename());
        page(command).and_then(|page| fs::write(&path, page)).map_err(failed(&path))?;
        count += 1;
    }
    output.say(&format!("{count} pages are in {}; to read one: man lodge-login", directory.display()));
    Ok(())
}

/// The command, and every one below it.
fn all(command: &Command) -> Vec<&Command> {
    let below = command.get_subcommands().flat_map(all);
    std::iter::once(command).chain(below).collect()
}

fn page(command: &Command) -> io::Result<Vec<u8>> {
    let man = Man::new(command.clone()).manual("Lodge");
    let mut page = Vec::new();
    man.render_title(&mut page)?;
    man.render_name_section(&mut page)?;
    man.render_synopsis_section(&mut page)?;
    man.render_description_section(&mut page)?;
    man.render_options_section(&mut page)?;
    if command.has_subcommands() {
        man.render_subcommands_section(&mut page)?;
    }
    let after = command.get_after_help().map(ToString::to_string).unwrap_or_default();
    closing(&after).to_writer(&mut page)?;
    Ok(page)
}

/// What stands below the options: a paragraph with a title is a section, whose lines stay as they are.
fn closing(after: &str) -> Roff {
    let mut roff = Roff::default();
    for paragraph in after.split("\n\n") {
        let Some((title, lines)) = paragraph.split_once(":\n") else { continue };
        roff.control("SH", [title.to_uppercase().as_str()]);
        roff.control("nf", []);
        for line in lines.lines() {
            roff.text([roman(line.strip_prefix("  ").unwrap_or(line))]);
        }
        roff.control("fi", []);
    }
    roff
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::exit::Exit;
    use crate::cli::stand_in::Desk;

    #[test]
    fn the_page_of_the_program_is_on_stdout_with_its_examples_line_by_line() {
        let (exit, page, stderr) = Desk::new().run(&["man"]);

        assert_eq!((exit, stderr.as_str()), (Exit::Done, ""));
        assert!(page.contains(".TH lodge 1"), "{page}");
        for section in ["NAME", "SYNOPSIS", "OPTIONS", "SUBCOMMANDS", "EXAMPLES", "ENVIRONMENT", "EXIT CODES"] {
            assert!(
                page.contains(&format!(".SH {section}\n")) || page.contains(&format!(".SH \"{section}\"\n")),
                "{section}: {page}"
            );
        }
        assert!(page.contains("lodge login https://lodge.example.edu\nlodge configure\n"), "{page}");
        assert!(page.contains("lodge\\-doctor(1)"), "{page}");
    }

    #[test]
    fn a_folder_gets_the_page_of_every_verb() {
        let desk = Desk::new();
        let folder = desk.directory.path().join("share/man1");

        let (exit, stdout, stderr) = desk.run(&["man", "--directory", folder.to_str().unwrap()]);

        assert_eq!((exit, stdout.as_str()), (Exit::Done, ""));
        let names: Vec<_> = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        for name in ["lodge.1", "lodge-login.1", "lodge-mapping.1", "lodge-mapping-add.1", "lodge-man.1"] {
            assert!(names.iter().any(|found| found == name), "{name}: {names:?}");
        }
        assert!(stderr.starts_with(&format!("{} pages are in ", names.len())), "{stderr}");
    }

    /// Where there is groff, which is what `man` has pages set by.
    #[cfg(unix)]
    #[test]
    fn groff_takes_every_page_without_a_warning() {
        use std::process::Command;

        let desk = Desk::new();
        let folder = desk.directory.path().join("pages");
        desk.run(&["man", "--directory", folder.to_str().unwrap()]);
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            let groff = Command::new("groff").args(["-man", "-Tutf8", "-Kutf8", "-ww", "-z"]).arg(&path).output();
            let Ok(ended) = groff else { return };
            let said = String::from_utf8_lossy(&ended.stderr);
            assert!(ended.status.success() && said.is_empty(), "{}: {said}", path.display());
        }
    }
}
